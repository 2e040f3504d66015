//! Images in batches, so that an interrupt is noticed between them.

use crate::error::Failure;
use abi::maps::Scores;
use pyo3::prelude::*;
use std::time::{Duration, Instant};

/// Batches grow until one lasts about so long.
const BATCH_TIME: Duration = Duration::from_millis(300);

/// The outputs of `images` by `run`, which other Python threads need not wait for. Begins with batches of `first` images.
pub fn in_batches<E: Send>(
    py: Python<'_>,
    images: &[Vec<f32>],
    first: usize,
    run: impl Fn(&[Vec<f32>]) -> Result<Vec<Scores>, E> + Sync,
) -> Result<Vec<Scores>, Failure>
where
    Failure: From<E>,
{
    let mut scores = Vec::with_capacity(images.len());
    let mut batch = first.max(1);
    let mut left = images;
    while !left.is_empty() {
        let (now, later) = left.split_at(batch.min(left.len()));
        let begin = Instant::now();
        scores.extend(py.detach(|| run(now))?);
        py.check_signals()?;
        if begin.elapsed() < BATCH_TIME / 2 {
            batch = batch.saturating_mul(2);
        }
        left = later;
    }
    Ok(scores)
}
