//! Element-wise operators with broadcasting.

use super::number::{Element, Fault, Number};
use super::quantize::round;
use crate::graph::RoundingMode;
use crate::tensor::{Tensor, broadcast_indices, broadcast_shape};

/// `f` of each element.
pub(super) fn unary<N, M>(x: &Tensor<N>, f: impl Fn(&N) -> Result<M, Fault>) -> Result<Tensor<M>, Fault> {
    Ok(Tensor::new(x.shape.clone(), x.data.iter().map(f).collect::<Result<_, _>>()?))
}

/// `f` of each pair of elements that broadcasting brings together.
pub(super) fn binary<N: Element>(
    a: &Tensor<N>,
    b: &Tensor<N>,
    f: impl Fn(&N::Sum, &N::Sum) -> Result<N::Sum, Fault>,
) -> Result<Tensor<N::Sum>, Fault> {
    let shape = broadcast_shape(&a.shape, &b.shape).expect("the import checks that shapes broadcast");
    let left = broadcast_indices(&a.shape, &shape);
    let right = broadcast_indices(&b.shape, &shape);
    let pairs = left.into_iter().zip(right);
    let data = pairs.map(|(i, j)| f(&a.data[i].widened(), &b.data[j].widened())).collect::<Result<_, _>>()?;
    Ok(Tensor::new(shape, data))
}

/// The number within limits, either of which may be infinite.
pub(super) fn clip<N: Element>(x: &N, minimum: f64, maximum: f64) -> Result<N::Sum, Fault> {
    let mut x = x.clone();
    if minimum.is_finite() {
        x = x.greater(&N::of(minimum))?;
    }
    if maximum.is_finite() {
        x = x.negated().greater(&N::of(-maximum))?.negated();
    }
    Ok(x.widened())
}

/// Exponents up to this magnitude are multiplied out.
const MAX_FACTORS: f64 = 64.0;

/// A power, whose exponent is a float.
pub(super) fn power<N: Number>(base: &N, exponent: &N) -> Result<N, Fault> {
    let exponent = exponent.nearest();
    let magnitude = exponent.abs();
    let power = if magnitude == 0.5 {
        base.square_root()?
    } else if magnitude.fract() == 0.0 && magnitude <= MAX_FACTORS {
        (0..magnitude as u32).fold(N::of(1.0), |power, _| power.times(base))
    } else {
        return base.real_power(exponent);
    };
    if exponent < 0.0 { N::of(1.0).over(&power) } else { Ok(power) }
}

/// |x|
pub(super) fn absolute<N: Element>(x: &N) -> Result<N::Sum, Fault> {
    Ok(x.greater(&x.negated())?.widened())
}

/// The integer that a rounding mode picks. Numbers from 2^52 on stay: a tensor's f64 has no fraction there.
pub(super) fn integer<N: Element>(x: &N, mode: RoundingMode) -> Result<N::Sum, Fault> {
    let x = x.widened();
    match x.nearest().abs() < LEAST_WHOLE {
        true => Ok(N::Sum::of(round(&x, mode)?)),
        false => Ok(x),
    }
}

/// Numbers of double precision from here on are integers.
const LEAST_WHOLE: f64 = (1u64 << 52) as f64;
