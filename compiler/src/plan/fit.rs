//! Whether each stage finds its vectors in its words.

use super::{Stage, Stream};
use crate::blocks::Vectors;
use miette::Diagnostic;
use thiserror::Error;

/// A stage whose vectors are not in the words that it is given.
#[derive(Clone, Debug, PartialEq, Eq, Error, Diagnostic)]
#[error(
    "stage `{stage}` must read vectors {reads} from stream `{stream}`, but its words are cut for vectors {written} at {lanes} lanes"
)]
#[diagnostic(
    code(compiler::plan::misfit),
    help("this is a fault of xnorforge: please report it with the model and the folding")
)]
pub struct Misfit {
    /// The stage.
    stage: String,
    /// The stream.
    stream: String,
    /// What the stage reads.
    reads: Vectors,
    /// What the stream's writer writes.
    written: Vectors,
    /// Elements of a word.
    lanes: usize,
}

/// Checks that every stage finds the vectors that it reads in the words that it is given.
///
/// # Errors
/// Where one does not, the first one.
pub fn check_fit(streams: &[Stream], stages: &[Stage]) -> Result<(), Box<Misfit>> {
    let ports = stages.iter().flat_map(|stage| stage.inputs.iter().zip(stage.reads()).map(move |port| (stage, port)));
    for (stage, (input, reads)) in ports {
        let Stream { name, format, .. } = &streams[input.0];
        if !reads.fit(format) {
            return Err(Box::new(Misfit {
                stage: stage.name.clone(),
                stream: name.clone(),
                reads,
                written: Vectors::of_format(format),
                lanes: format.lanes,
            }));
        }
    }
    Ok(())
}
