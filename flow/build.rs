//! `include_dir!` does not tell cargo which files it reads.

fn main() {
    println!("cargo::rerun-if-changed=../constraints");
}
