//! Images in batches, between which an interrupt or another thread is noticed.

use crate::arrays::{self, Batch, Images, Outputs};
use crate::error::{Failure, with_outputs};
use abi::maps::Scores;
use abi::{InputMap, OutputMap};
use pyo3::prelude::*;
use sim::SimError;
use std::time::{Duration, Instant};

/// Batches grow from one image until one lasts about so long.
const BATCH_TIME: Duration = Duration::from_millis(300);

/// Most values of a batch, unless one image has more: while NumPy copies them, other Python threads wait.
const BATCH_VALUES: usize = 1 << 20;

/// How a batch ended: the outputs of its first images, how many they are, and why there are no more.
struct Ended {
    outputs: Vec<u8>,
    images: usize,
    failure: Option<Failure>,
}

/// The outputs of `images` by `run`, which other Python threads need not wait for.
///
/// `run` appends the outputs of its images in order, of all of them or of those before an error. Whatever ends the whole
/// before the last image carries the outputs that are there.
pub fn infer<'py>(
    py: Python<'py>,
    images: &Bound<'py, PyAny>,
    (input_map, output_map): (&InputMap, &OutputMap),
    run: impl Fn(Vec<Vec<f32>>, &mut Vec<Scores>) -> Result<(), Failure> + Sync,
) -> PyResult<Bound<'py, PyAny>> {
    let images = Images::new(py, images, input_map)?;
    let mut outputs = Outputs::new(py, images.count, output_map)?;
    let ended = in_batches(py, &images, &mut outputs, &run);
    let outputs = outputs.array()?;
    match ended {
        Ok(()) => Ok(outputs),
        Err(error) => Err(with_outputs(py, error, outputs)),
    }
}

fn in_batches(
    py: Python<'_>,
    images: &Images<'_>,
    outputs: &mut Outputs<'_>,
    run: &(impl Fn(Vec<Vec<f32>>, &mut Vec<Scores>) -> Result<(), Failure> + Sync),
) -> PyResult<()> {
    let most = (BATCH_VALUES / images.values.max(1)).max(1);
    let mut size = 1;
    while outputs.done < images.count {
        let begin = Instant::now();
        let end = images.count.min(outputs.done + size);
        let batch = images.batch(outputs.done..end)?;
        let ended = py.detach(|| run_batch(&batch, run));
        outputs.push(ended.images, &ended.outputs)?;
        if let Some(failure) = ended.failure {
            return Err(failure.into());
        }
        py.check_signals()?;
        let lasted = begin.elapsed();
        if lasted > BATCH_TIME {
            size = (size / 2).max(1);
        } else if lasted < BATCH_TIME / 2 {
            size = (2 * size).min(most);
        }
    }
    Ok(())
}

fn run_batch(batch: &Batch, run: &impl Fn(Vec<Vec<f32>>, &mut Vec<Scores>) -> Result<(), Failure>) -> Ended {
    let (images, fault) = batch.images();
    let mut scores = Vec::with_capacity(images.len());
    let ended = run(images, &mut scores);
    let fault = fault.map(|(image, source)| SimError::Image { image, source }.into());
    Ended { outputs: arrays::bytes(&scores), images: scores.len(), failure: ended.err().or(fault) }
}
