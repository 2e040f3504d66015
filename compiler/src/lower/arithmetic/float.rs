//! The arithmetic inside a node of a float32 program.

use super::{Arithmetic, Fault, activation};
use network::graph::Activation;
use std::cmp::Ordering;

/// Plain double precision: what a node of a float32 program computes before its result is rounded. The sum, product,
/// quotient and root of float32 numbers, rounded to double precision and then to float32, are rounded as if once.
#[derive(Clone, Copy, Debug, Default)]
pub struct FloatArithmetic;

impl Arithmetic for FloatArithmetic {
    type Number = f64;

    fn float(&mut self, value: f64) -> f64 {
        value
    }

    fn add(&mut self, a: &f64, b: &f64) -> f64 {
        a + b
    }

    fn negate(&mut self, a: &f64) -> f64 {
        -a
    }

    fn multiply(&mut self, a: &f64, b: &f64) -> f64 {
        a * b
    }

    fn divide(&mut self, a: &f64, b: &f64) -> Result<f64, Fault> {
        if *b == 0.0 { Err(Fault::Undefined) } else { Ok(a / b) }
    }

    fn square_root(&mut self, a: &f64) -> Result<f64, Fault> {
        if *a < 0.0 { Err(Fault::Undefined) } else { Ok(a.sqrt()) }
    }

    fn activation(&mut self, activation: Activation, a: &f64) -> Result<f64, Fault> {
        let value = activation::value(activation, *a);
        if value.is_nan() { Err(Fault::Undefined) } else { Ok(value) }
    }

    fn sign(&mut self, a: &f64) -> Result<Ordering, Fault> {
        a.partial_cmp(&0.0).ok_or(Fault::Undefined)
    }

    fn floor(&mut self, a: &f64) -> Result<i64, Fault> {
        if a.is_nan() { Err(Fault::Undefined) } else { Ok(a.floor() as i64) }
    }

    fn compare(&mut self, a: &f64, b: &f64) -> Result<Ordering, Fault> {
        a.partial_cmp(b).ok_or(Fault::Undefined)
    }
}
