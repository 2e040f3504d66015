//! Tells the user of image values that the model was not made for.

use crate::failure::warn;
use abi::InputMap;
use abi::domain::Outside;
use miette::Diagnostic;
use thiserror::Error;

/// Values that the model was not made for.
#[derive(Debug, Error, Diagnostic)]
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
struct OutsideDomain(Outside);

/// The values of `images` that a network with the input `map` was not made for, which the user is told of.
pub fn outside(map: &InputMap, images: &[Vec<f32>]) -> Option<Outside> {
    let outside = map.outside(images)?;
    warn(OutsideDomain(outside.clone()));
    Some(outside)
}
