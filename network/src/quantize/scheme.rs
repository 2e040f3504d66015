//! The schemes by name.

use super::shiftcnn::finest_exponent;
use super::{Alphabet, Granularity, InputProducts, Quantized, Weights};
use super::{abc, admm, bwn, bwnh, dorefa, fgq, horq, hwgq, inq, quant_py, shiftcnn, tsq, ttq, twn};
use miette::Diagnostic;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// A scheme and its parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Method {
    /// ±α, see `bwn.rs`.
    Bwn,
    /// ±g that keep inner products with a layer's inputs, see `bwnh.rs`.
    Bwnh,
    /// {−α, 0, α} with this threshold over E|W|, see `twn.rs`.
    Twn(f64),
    /// {−Wn, 0, Wp} with this threshold over max|W|, see `ttq.rs`.
    Ttq(f64),
    /// Ternary with a scale for so many input channels, see `fgq.rs`.
    Fgq(usize),
    /// Powers of two in so many bits, see `inq.rs`.
    Inq(u32),
    /// Sums of this many codes of so many bits, see `shiftcnn.rs`.
    ShiftCnn(u32, u32),
    /// So many shifted bases, see `abc.rs`.
    Abc(usize),
    /// So many residual bases, see `horq.rs`.
    Horq(usize),
    /// The nearest scaled codes of an alphabet, see `admm.rs`.
    Admm(Alphabet),
    /// Ternary that keeps a layer's results, see `tsq.rs`.
    Tsq,
    /// Odd integers of so many bits through tanh, see `dorefa.rs`.
    DoReFa(u32),
    /// Levels for Gaussian weights, see `hwgq.rs`.
    Hwgq(u32),
    /// Two's complement with a power of two as step, see `quant_py.rs`.
    Linear(u32),
    /// Even levels between the extremes.
    MinMax(u32),
    /// Even levels of the logarithm.
    Log(u32),
    /// Even levels of tanh.
    Tanh(u32),
}

/// A method, and which weights share a scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scheme {
    /// How weights are quantised.
    pub method: Method,
    /// Which weights share a scale.
    pub granularity: Granularity,
}

/// A text that names no scheme.
#[derive(Clone, Debug, PartialEq, Error, Diagnostic)]
#[error("a scheme must be {must}, but it is `{found}`")]
#[diagnostic(
    code(network::quantize::scheme),
    help(
        "write it as NAME[:PARAMETERS][/layer|/channel], for example twn, twn:0.75, inq:5, shiftcnn:2,4, abc:3, fgq:8, admm:ternary or bwn/layer"
    )
)]
pub struct SchemeError {
    must: String,
    found: String,
}

/// Weights that a scheme cannot quantise.
#[derive(Clone, Debug, PartialEq, Error, Diagnostic)]
pub enum QuantizeError {
    /// A scheme that fits results was given no inputs.
    #[error("scheme {scheme} must see what each layer reads, but there are no images to run the network on")]
    #[diagnostic(
        code(network::quantize::needs_inputs),
        help("give images with `--calibrate X.npy`, or take a scheme that looks at weights only, such as bwn or twn")
    )]
    NeedsInputs {
        /// The scheme.
        scheme: String,
    },
    /// A graph without weights.
    #[error("model `{model}` must have a dot product with constant weights that is not kept as it is, but has none")]
    #[diagnostic(
        code(network::quantize::no_weights),
        help(
            "look at the model with `xnorforge info MODEL --dump graph`; `--keep NODE` and `--first-last keep` leave layers as they are"
        )
    )]
    NoWeights {
        /// The model.
        model: String,
    },
    /// A node to be kept that there is none of.
    #[error("a node to keep must be a dot product of the model, but `{node}` is none")]
    #[diagnostic(code(network::quantize::no_such_node), help("choose from {nodes}"))]
    NoSuchNode {
        /// What was named.
        node: String,
        /// What there is.
        nodes: String,
    },
    /// Running the network on the images failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Reference(#[from] crate::reference::ReferenceError),
}

impl Method {
    /// Which weights share a scale in the publication.
    fn granularity(self) -> Granularity {
        match self {
            Method::Bwn | Method::Bwnh | Method::Horq(_) | Method::Tsq => Granularity::Channel,
            Method::Fgq(size) => Granularity::Group(size),
            _ => Granularity::Tensor,
        }
    }

    /// Whether the method has no choice of which weights share a scale.
    fn is_fixed(self) -> bool {
        use Method::{Bwnh, Fgq, Log, MinMax, Tanh, Tsq};
        matches!(self, Bwnh | Fgq(_) | Tsq | MinMax(_) | Log(_) | Tanh(_))
    }
}

impl Scheme {
    /// Whether the scheme needs to see what layers read.
    pub fn needs_inputs(&self) -> bool {
        matches!(self.method, Method::Bwnh | Method::Tsq)
    }

    /// The weights, quantised.
    ///
    /// # Errors
    /// Where the scheme needs `inputs` and there are none.
    pub fn quantize(&self, weights: &Weights<'_>, inputs: Option<&InputProducts>) -> Result<Quantized, QuantizeError> {
        let granularity = self.granularity;
        let inputs = || inputs.ok_or_else(|| QuantizeError::NeedsInputs { scheme: self.to_string() });
        Ok(match self.method {
            Method::Bwn => bwn::quantize(weights, granularity),
            Method::Bwnh => bwnh::quantize(weights, inputs()?),
            Method::Twn(factor) => twn::quantize(weights, factor, granularity),
            Method::Ttq(share) => ttq::quantize(weights, share, granularity),
            Method::Fgq(size) => fgq::quantize(weights, size),
            Method::Inq(bits) => inq::quantize(weights, bits, granularity),
            Method::ShiftCnn(terms, bits) => shiftcnn::quantize(weights, terms, bits, granularity),
            Method::Abc(count) => abc::quantize(weights, count, granularity),
            Method::Horq(order) => horq::quantize(weights, order, granularity),
            Method::Admm(alphabet) => admm::quantize(weights, alphabet, granularity),
            Method::Tsq => tsq::quantize(weights, inputs()?),
            Method::DoReFa(bits) => dorefa::quantize(weights, bits, granularity),
            Method::Hwgq(bits) => hwgq::quantize(weights, bits, granularity),
            Method::Linear(bits) => quant_py::linear(weights, bits, granularity),
            Method::MinMax(bits) => quant_py::min_max(weights, bits),
            Method::Log(bits) => quant_py::log(weights, bits),
            Method::Tanh(bits) => quant_py::tanh(weights, bits),
        })
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.method {
            Method::Bwn => write!(f, "bwn"),
            Method::Bwnh => write!(f, "bwnh"),
            Method::Twn(factor) if factor == TWN_FACTOR => write!(f, "twn"),
            Method::Twn(factor) => write!(f, "twn:{factor}"),
            Method::Ttq(share) if share == TTQ_SHARE => write!(f, "ttq"),
            Method::Ttq(share) => write!(f, "ttq:{share}"),
            Method::Fgq(size) => write!(f, "fgq:{size}"),
            Method::Inq(bits) => write!(f, "inq:{bits}"),
            Method::ShiftCnn(terms, bits) => write!(f, "shiftcnn:{terms},{bits}"),
            Method::Abc(count) => write!(f, "abc:{count}"),
            Method::Horq(order) => write!(f, "horq:{order}"),
            Method::Admm(Alphabet::Binary) => write!(f, "admm:binary"),
            Method::Admm(Alphabet::Ternary) => write!(f, "admm:ternary"),
            Method::Admm(Alphabet::Two) => write!(f, "admm:2"),
            Method::Admm(Alphabet::Four) => write!(f, "admm:4"),
            Method::Tsq => write!(f, "tsq"),
            Method::DoReFa(bits) => write!(f, "dorefa:{bits}"),
            Method::Hwgq(bits) => write!(f, "hwgq:{bits}"),
            Method::Linear(bits) => write!(f, "linear:{bits}"),
            Method::MinMax(bits) => write!(f, "minmax:{bits}"),
            Method::Log(bits) => write!(f, "log:{bits}"),
            Method::Tanh(bits) => write!(f, "tanh:{bits}"),
        }?;
        match self.granularity {
            own if own == self.method.granularity() => Ok(()),
            Granularity::Tensor => write!(f, "/layer"),
            Granularity::Channel | Granularity::Group(_) => write!(f, "/channel"),
        }
    }
}

/// Threshold of TWN over E|W|.
const TWN_FACTOR: f64 = 0.7;
/// Threshold of TTQ over max|W|.
const TTQ_SHARE: f64 = 0.05;

/// The parameters behind a name.
struct Parameters<'a> {
    text: &'a str,
    list: Vec<&'a str>,
}

impl Parameters<'_> {
    fn wrong(&self, must: impl Into<String>) -> SchemeError {
        SchemeError { must: must.into(), found: self.text.to_owned() }
    }

    /// The only parameter, or a default.
    fn number(&self, default: f64, name: &str) -> Result<f64, SchemeError> {
        let must = || self.wrong(format!("{name} with one number of 0 or more below 10"));
        match self.list.as_slice() {
            [] => Ok(default),
            [text] => text.parse().ok().filter(|number| (0.0..10.0).contains(number)).ok_or_else(must),
            _ => Err(must()),
        }
    }

    /// As many integers as `limits`, each within its own.
    fn integers<const N: usize>(&self, form: &str, limits: [(u32, u32); N]) -> Result<[u32; N], SchemeError> {
        let ranges: Vec<String> = limits.iter().map(|(least, most)| format!("{least} to {most}")).collect();
        let must = || self.wrong(format!("{form} with integers from {}", ranges.join(" and ")));
        if self.list.len() != N {
            return Err(must());
        }
        let mut found = [0; N];
        for ((place, text), (least, most)) in found.iter_mut().zip(&self.list).zip(limits) {
            *place = text.parse().ok().filter(|number| (least..=most).contains(number)).ok_or_else(must)?;
        }
        Ok(found)
    }

    fn none(&self, name: &str) -> Result<(), SchemeError> {
        if self.list.is_empty() { Ok(()) } else { Err(self.wrong(format!("{name} without parameters"))) }
    }

    fn method(&self, name: &str) -> Result<Method, SchemeError> {
        let bits = |least, most| self.integers(&format!("{name}:BITS"), [(least, most)]).map(|[bits]| bits);
        Ok(match name {
            "bwn" | "xnor" => self.none(name).map(|()| Method::Bwn)?,
            "bwnh" => self.none(name).map(|()| Method::Bwnh)?,
            "tsq" => self.none(name).map(|()| Method::Tsq)?,
            "twn" => Method::Twn(self.number(TWN_FACTOR, name)?),
            "ttq" => Method::Ttq(self.number(TTQ_SHARE, name)?),
            "fgq" => Method::Fgq(self.integers("fgq:N", [(1, 4096)]).map(|[size]| size as usize)?),
            "inq" => Method::Inq(bits(2, 5)?),
            "shiftcnn" => {
                let [terms, bits] = self.integers("shiftcnn:N,B", [(1, 8), (2, 4)])?;
                if finest_exponent(terms, bits) > 8 {
                    return Err(self.wrong("shiftcnn:N,B with N + 2^(B - 1) of at most 11, which nine bits hold"));
                }
                Method::ShiftCnn(terms, bits)
            }
            "abc" => Method::Abc(self.integers("abc:M", [(1, 8)]).map(|[count]| count as usize)?),
            "horq" => Method::Horq(self.integers("horq:K", [(1, 8)]).map(|[order]| order as usize)?),
            "admm" => match self.list.as_slice() {
                ["binary"] => Method::Admm(Alphabet::Binary),
                ["ternary"] => Method::Admm(Alphabet::Ternary),
                ["2"] => Method::Admm(Alphabet::Two),
                ["4"] => Method::Admm(Alphabet::Four),
                _ => return Err(self.wrong("admm:binary, admm:ternary, admm:2 or admm:4")),
            },
            "dorefa" => Method::DoReFa(bits(1, 8)?),
            "hwgq" => Method::Hwgq(bits(1, hwgq::MAX_BITS)?),
            "linear" => Method::Linear(bits(2, 9)?),
            "minmax" => Method::MinMax(bits(1, 8)?),
            "log" => Method::Log(bits(2, 8)?),
            "tanh" => Method::Tanh(bits(2, 8)?),
            _ => {
                return Err(self.wrong(
                    "one of bwn, bwnh, twn, ttq, fgq, inq, shiftcnn, abc, horq, admm, tsq, dorefa, hwgq, linear, minmax, \
                     log and tanh",
                ));
            }
        })
    }
}

impl FromStr for Scheme {
    type Err = SchemeError;

    fn from_str(text: &str) -> Result<Self, SchemeError> {
        let (rest, granularity) = match text.rsplit_once('/') {
            Some((rest, "layer")) => (rest, Some(Granularity::Tensor)),
            Some((rest, "channel")) => (rest, Some(Granularity::Channel)),
            Some(_) => {
                return Err(SchemeError { must: "followed by /layer or /channel alone".into(), found: text.into() });
            }
            None => (text, None),
        };
        let (name, list) = match rest.split_once(':') {
            Some((name, list)) => (name, list.split(',').map(str::trim).collect()),
            None => (rest, Vec::new()),
        };
        let parameters = Parameters { text, list };
        let method = parameters.method(name)?;
        if granularity.is_some() && method.is_fixed() {
            return Err(parameters.wrong(format!("{name} without /layer and /channel, between which it has no choice")));
        }
        Ok(Scheme { method, granularity: granularity.unwrap_or_else(|| method.granularity()) })
    }
}
