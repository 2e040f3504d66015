//! Functions of one number that are no arithmetic: exponentials and their kin.

/// A transcendental function of one real number. All of them rise, so none turns, and each has a rational value at few
/// rational numbers only: `Log` at 1, the others at 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// e^x
    Exp,
    /// Natural logarithm of x, which is greater than 0.
    Log,
    /// Gaussian error function.
    Erf,
    /// 1 / (1 + e^−x)
    Sigmoid,
    /// Hyperbolic tangent.
    Tanh,
    /// ln(1 + e^x)
    Softplus,
    /// x where x ≥ 0, else e^x − 1.
    Elu,
}

impl Activation {
    /// All of them.
    pub const ALL: [Activation; 7] = [
        Activation::Exp,
        Activation::Log,
        Activation::Erf,
        Activation::Sigmoid,
        Activation::Tanh,
        Activation::Softplus,
        Activation::Elu,
    ];

    /// The operator's name in ONNX files.
    pub fn name(self) -> &'static str {
        match self {
            Activation::Exp => "Exp",
            Activation::Log => "Log",
            Activation::Erf => "Erf",
            Activation::Sigmoid => "Sigmoid",
            Activation::Tanh => "Tanh",
            Activation::Softplus => "Softplus",
            Activation::Elu => "Elu",
        }
    }

    /// The argument at which the value is rational, and that value; ln 2 at 0 has none.
    pub fn rational_point(self) -> Option<(f64, f64)> {
        match self {
            Activation::Exp => Some((0.0, 1.0)),
            Activation::Log => Some((1.0, 0.0)),
            Activation::Sigmoid => Some((0.0, 0.5)),
            Activation::Erf | Activation::Tanh | Activation::Elu => Some((0.0, 0.0)),
            Activation::Softplus => None,
        }
    }
}
