//! A bar on standard error while images run, where a person looks on.

use indicatif::{ProgressBar, ProgressStyle};
use std::sync::Arc;

/// A bar for `images` images, and what tells it how many are done.
pub fn bar(images: usize) -> (ProgressBar, sim::executor::Progress) {
    let bar = ProgressBar::new(images as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} images, {elapsed}") {
        bar.set_style(style);
    }
    let told = bar.clone();
    (bar, Arc::new(move |done| told.set_position(done as u64)))
}
