//! What is done to a model before it becomes integers, as arguments.

use abi::ElementType;
use clap::Args;
use network::input_format::InputScale;
use std::path::PathBuf;
use verbs::calibration::Calibration;
use verbs::preparation::InputFormat;

/// What is done to a model before it becomes integers.
#[derive(Clone, Debug, Default, Args)]
pub struct Preparation {
    /// The integers that the images' values are, where the file does not say so: u1 to u16, i2 to i16, or bipolar.
    #[arg(long, value_name = "TYPE", value_parser = element)]
    input_type: Option<ElementType>,
    /// Take the images' values for such integers times S: a number or a fraction, such as 1/255 for a model that expects
    /// pixels / 255.
    #[arg(long, value_name = "S", requires = "input_type", value_parser = scale)]
    input_scale: Option<InputScale>,
    /// Quantise the activations that the model does not, to fixed-point formats calibrated on these images: .npy as for
    /// `run --input`.
    #[arg(long, value_name = "X.npy")]
    calibrate: Option<PathBuf>,
    /// Bits of these activations, 2 to 16 [default: 8].
    #[arg(long, value_name = "N", requires = "calibrate", value_parser = clap::value_parser!(u32).range(2..=16))]
    calibrate_bits: Option<u32>,
}

impl Preparation {
    /// The same as an option of a verb.
    pub fn options(self) -> verbs::preparation::Preparation {
        verbs::preparation::Preparation {
            input: InputFormat { element: self.input_type, scale: self.input_scale },
            calibration: self.calibrate.map(|images| Calibration { images, bits: self.calibrate_bits }),
        }
    }
}

fn element(text: &str) -> Result<ElementType, String> {
    let bits = |digits: &str, least: u32| digits.parse().ok().filter(|bits: &u32| (least..=16).contains(bits));
    let found = match text.to_ascii_lowercase().as_str() {
        "bipolar" => Some(ElementType::Bipolar),
        name => match (name.strip_prefix('u'), name.strip_prefix('i')) {
            (Some(digits), _) => bits(digits.trim_start_matches("int"), 1).map(|bits| ElementType::Unsigned { bits }),
            (_, Some(digits)) => bits(digits.trim_start_matches("nt"), 2).map(|bits| ElementType::Signed { bits }),
            (None, None) => None,
        },
    };
    found.ok_or_else(|| "it must be u1 to u16, i2 to i16, or bipolar".into())
}

fn scale(text: &str) -> Result<InputScale, String> {
    let number = |text: &str| text.trim().parse::<f32>().ok().filter(|value| value.is_finite() && *value > 0.0);
    let (above, below) = text.split_once('/').unwrap_or((text, "1"));
    let scale = number(above).zip(number(below)).map(|(numerator, denominator)| InputScale { numerator, denominator });
    scale.ok_or_else(|| "it must be a number greater than 0, or a fraction such as 1/255".into())
}

#[cfg(test)]
mod tests {
    use super::{InputScale, element, scale};
    use abi::ElementType;

    #[test]
    fn types_and_scales() {
        assert_eq!(element("u8"), Ok(ElementType::Unsigned { bits: 8 }));
        assert_eq!(element("INT4"), Ok(ElementType::Signed { bits: 4 }));
        assert_eq!(element("uint16"), Ok(ElementType::Unsigned { bits: 16 }));
        assert_eq!(element("bipolar"), Ok(ElementType::Bipolar));
        for wrong in ["i1", "u17", "f32", "u", "8"] {
            assert!(element(wrong).is_err(), "{wrong}");
        }
        assert_eq!(scale("1/255"), Ok(InputScale { numerator: 1.0, denominator: 255.0 }));
        assert_eq!(scale("0.5"), Ok(InputScale { numerator: 0.5, denominator: 1.0 }));
        for wrong in ["0", "-1", "1/0", "nan", "a/b"] {
            assert!(scale(wrong).is_err(), "{wrong}");
        }
    }
}
