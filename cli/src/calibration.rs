//! How real activations become integers, as arguments.

use clap::Args;
use std::path::PathBuf;

/// How real activations become integers.
#[derive(Clone, Debug, Default, Args)]
pub struct Calibration {
    /// Quantise the activations that the model does not, to fixed-point formats calibrated on these images: .npy as for
    /// `run --input`.
    #[arg(long, value_name = "X.npy")]
    calibrate: Option<PathBuf>,
    /// Bits of these activations, 2 to 16 [default: 8].
    #[arg(long, value_name = "N", requires = "calibrate", value_parser = clap::value_parser!(u32).range(2..=16))]
    calibrate_bits: Option<u32>,
}

impl Calibration {
    /// The same as an option of a verb.
    pub fn options(self) -> Option<verbs::calibration::Calibration> {
        self.calibrate.map(|images| verbs::calibration::Calibration { images, bits: self.calibrate_bits })
    }
}
