//! The header is what cbindgen makes of the source.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::{env, fs};

#[test]
fn the_header_is_the_sources() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut text = Vec::new();
    let config = cbindgen::Config::from_file(folder.join("cbindgen.toml")).unwrap();
    // The modules of the crate are found from its root.
    let builder = cbindgen::Builder::new().with_config(config).with_src(folder.join("src/lib.rs"));
    builder.generate().unwrap().write(&mut text);
    let text = String::from_utf8(text).unwrap();
    let header = folder.join("include/xnorforge.h");
    if env::var_os("XNORFORGE_BLESS").is_some() {
        fs::write(&header, &text).unwrap();
    }
    let found = fs::read_to_string(&header).unwrap();
    assert!(
        found == text,
        "XNORFORGE_BLESS=1 cargo test -p xnorforge-c --test header writes {} anew",
        header.display()
    );
}
