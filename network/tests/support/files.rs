//! For `cli/tests/fuzz_corpus.rs`, until it names the test kit itself.

pub use testkit::files::*;
