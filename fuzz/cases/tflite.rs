//! From any bytes as a `.tflite` file to the reference's scores, the network in integers and its answers.

use super::importer::examine;
use super::render;
use network::tflite::import_bytes;

/// Imports the bytes; runs, lowers and plans what they hold where that is quick.
pub fn run(data: &[u8]) {
    match import_bytes(data, "fuzzed") {
        Ok(graph) => examine(&graph),
        Err(error) => render(&error),
    }
}
