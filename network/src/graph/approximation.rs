//! What was changed on the way from a file to integers.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What an [`Approximation`] changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApproximationKind {
    /// Weights were moved to a grid of few steps: one for each output channel, or one for a layer whose channels are alike.
    Weights,
    /// The scale of one operand of a sum was made a simple multiple of the other's.
    Scales,
    /// The scales of the channels that a dot product sums were made integers times a common one.
    Channels,
    /// Real activations became fixed-point numbers, of a format that calibration chose.
    Activations,
}

/// Numbers of one node that were changed because they have no exact integer form. Nothing else between a file and its
/// hardware rounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Approximation {
    /// The node whose numbers changed.
    pub node: String,
    /// What was changed.
    pub kind: ApproximationKind,
    /// What the numbers became, such as `integers up to 17 times a scale`.
    pub format: String,
    /// Mean square of the changes over the mean square of the numbers.
    pub relative_mse: f64,
    /// The greatest change over the greatest magnitude.
    pub largest: f64,
}

impl Approximation {
    /// The changes from `before` to `after`; `None` where there are none.
    pub fn between(
        node: &str,
        kind: ApproximationKind,
        format: String,
        before: &[f64],
        after: &[f64],
    ) -> Option<Approximation> {
        let sum = |of: &dyn Fn(f64, f64) -> f64| before.iter().zip(after).map(|(x, q)| of(*x, *q)).sum::<f64>();
        let greatest =
            |of: &dyn Fn(f64, f64) -> f64| before.iter().zip(after).fold(0.0, |m: f64, (x, q)| m.max(of(*x, *q)));
        let largest = greatest(&|x, q| (x - q).abs());
        if largest == 0.0 {
            return None;
        }
        let ratio = |change: f64, whole: f64| if whole > 0.0 { change / whole } else { f64::MAX };
        Some(Approximation {
            node: node.to_owned(),
            kind,
            format,
            relative_mse: ratio(sum(&|x, q| (x - q) * (x - q)), sum(&|x, _| x * x)),
            largest: ratio(largest, greatest(&|x, _| x.abs())),
        })
    }
}

impl fmt::Display for Approximation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            ApproximationKind::Weights => "the weights",
            ApproximationKind::Scales => "the scales of the operands",
            ApproximationKind::Channels => "the scales of the input channels",
            ApproximationKind::Activations => "the data",
        };
        write!(
            f,
            "inexact: {what} of {} became {}, relative mean squared error {:.1e}, greatest error {:.1e} of the greatest \
             magnitude",
            self.node, self.format, self.relative_mse, self.largest
        )?;
        match self.kind {
            ApproximationKind::Activations => {
                f.write_str(", on the images of the calibration; beyond its range it is cut off")
            }
            ApproximationKind::Channels => f.write_str(
                "; one scale for all channels is exact (in Brevitas: scaling_per_output_channel=False in the activation's \
                 quantiser, for a concatenation one QuantIdentity shared by its inputs)",
            ),
            ApproximationKind::Weights | ApproximationKind::Scales => Ok(()),
        }
    }
}
