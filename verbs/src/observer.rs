//! What a verb reports while it works.

use abi::InputMap;
use abi::domain::Outside;
use flow::artifacts::OtherVersion;
use miette::Diagnostic;
use sim::executor::Progress;
use thiserror::Error;

/// Receives what a verb reports while it works.
pub trait Observer {
    /// `images` images are about to be run. What is given is called with the number of those done, now and then, from any
    /// thread.
    fn run_begins(&self, images: usize) -> Option<Progress> {
        let _ = images;
        None
    }

    /// All images are done.
    fn run_ends(&self) {}

    /// The directory is another version's, so what is executed was made anew; the verb goes on.
    fn other_version(&self, note: &OtherVersion) {
        let _ = note;
    }

    /// The images are none that the model was made for; the verb goes on.
    fn warn(&self, warning: OutsideDomain) {
        drop(warning);
    }
}

/// Nobody, who learns nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nobody;

impl Observer for Nobody {}

/// Values that the model was not made for.
#[derive(Clone, Debug, Error, Diagnostic)]
#[error(
    "every value must be {}, but {} of {} values, in {} images, are not; the first is {} at index {} of image {}",
    .0.expected, .0.values, .0.of_values, .0.images, .0.first_value, .0.first_index, .0.first_image
)]
#[diagnostic(
    severity(Warning),
    code(xnorforge::domain),
    help(
        "give images as the model was trained on: `xnorforge info` shows its input; the scores of these may mean nothing"
    )
)]
pub struct OutsideDomain(pub Outside);

/// The values of `images` that a network with the input `map` was not made for, which are reported to the observer.
pub(crate) fn outside(map: &InputMap, images: &[Vec<f32>], observer: &dyn Observer) -> Option<Outside> {
    let outside = map.outside(images)?;
    observer.warn(OutsideDomain(outside.clone()));
    Some(outside)
}
