//! What this crate uses of rust-hdl: the one file that names it.
//!
//! Blocks import `crate::rust_hdl::prelude::*`: what the derive macro and `#[hdl_gen]` expand to names types of rust-hdl without
//! paths.

pub use ::rust_hdl::core::{ast, atom, constraint, prelude, signal, type_descriptor};
