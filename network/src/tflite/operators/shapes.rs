//! Shapes that a model computes, as converters write them for an open batch: integers that depend on no image.

use crate::tflite::error::TfliteError;
use crate::tflite::importer::{Importer, MALFORMED, Op};

/// Most integers of a shape.
const LONGEST: usize = 64;

impl Importer<'_> {
    /// Makes the integers of an operator's output known.
    fn know(&mut self, op: Op, integers: Vec<i64>) -> Result<(), TfliteError> {
        if integers.len() > LONGEST {
            let found = format!("they are {}", integers.len());
            return Err(self.unsupported(op, format!("compute at most {LONGEST} integers"), found, MALFORMED));
        }
        self.known[op.output] = Some(integers);
        Ok(())
    }

    /// The integers of input `index` of an operator that computes shapes.
    fn shape_operand(&mut self, op: Op, index: usize) -> Result<Vec<i64>, TfliteError> {
        let operand = self.operand(op, index)?;
        if !self.is_constant(operand) {
            let help = "move it behind the accelerator, onto the host";
            return Err(self.unsupported(op, "read shapes, or other constants", "it reads activations".into(), help));
        }
        self.integers(op, operand)
    }
}

/// `SHAPE`
pub(super) fn shape(importer: &mut Importer, op: Op) -> Result<(), TfliteError> {
    let shape = importer.shape(importer.operand(op, 0)?)?;
    importer.know(op, shape.into_iter().map(|extent| extent as i64).collect())
}

/// `STRIDED_SLICE` of a shape.
pub(super) fn strided_slice(importer: &mut Importer, op: Op) -> Result<(), TfliteError> {
    let integers = importer.shape_operand(op, 0)?;
    let mut bounds = [0; 3];
    for (bound, index) in bounds.iter_mut().zip(1..) {
        match importer.shape_operand(op, index)?[..] {
            [only] => *bound = only,
            ref several => {
                let found = format!("it slices along {}", several.len());
                return Err(importer.unsupported(op, "slice shapes along their one axis", found, MALFORMED));
            }
        }
    }
    let [first, end, step] = bounds;
    let [first_is_open, end_is_open] =
        [importer.option(op, 0, 0i32)?, importer.option(op, 1, 0i32)?].map(|mask| mask & 1 == 1);
    let is_one = importer.option(op, 4, 0i32)? & 1 == 1;
    if step != 1 && !is_one {
        let found = format!("its step is {step}");
        return Err(importer.unsupported(op, "slice shapes without steps", found, MALFORMED));
    }
    let length = integers.len() as i64;
    let place = |bound: i64| (if bound < 0 { bound.saturating_add(length) } else { bound }).clamp(0, length) as usize;
    let first = if first_is_open { 0 } else { place(first) };
    let end = match (is_one, end_is_open) {
        (true, _) => first + 1,
        (false, true) => integers.len(),
        (false, false) => place(end),
    };
    match integers.get(first..end.max(first)) {
        Some(slice) => importer.know(op, slice.to_vec()),
        None => {
            let found = format!("it takes number {first} of {length}");
            Err(importer.unsupported(op, "slice within a shape", found, MALFORMED))
        }
    }
}

/// `PACK` of single integers, `CONCATENATION` of several.
pub(super) fn pack(importer: &mut Importer, op: Op) -> Result<(), TfliteError> {
    let mut integers = Vec::new();
    for index in 0..op.operator.inputs.len().min(LONGEST + 1) {
        integers.extend(importer.shape_operand(op, index)?);
    }
    importer.know(op, integers)
}

/// `ADD` of integers.
pub(super) fn add(importer: &mut Importer, op: Op) -> Result<(), TfliteError> {
    importer.arithmetic(op, i64::saturating_add)
}

/// `SUB` of integers.
pub(super) fn subtract(importer: &mut Importer, op: Op) -> Result<(), TfliteError> {
    importer.arithmetic(op, i64::saturating_sub)
}

/// `MUL` of integers.
pub(super) fn multiply(importer: &mut Importer, op: Op) -> Result<(), TfliteError> {
    importer.arithmetic(op, i64::saturating_mul)
}

impl Importer<'_> {
    fn arithmetic(&mut self, op: Op, function: fn(i64, i64) -> i64) -> Result<(), TfliteError> {
        let (a, b) = (self.shape_operand(op, 0)?, self.shape_operand(op, 1)?);
        let results = match (a.as_slice(), b.as_slice()) {
            ([a], b) => b.iter().map(|b| function(*a, *b)).collect(),
            (a, [b]) => a.iter().map(|a| function(*a, *b)).collect(),
            (a, b) if a.len() == b.len() => a.iter().zip(b).map(|(a, b)| function(*a, *b)).collect(),
            (a, b) => {
                let found = format!("they are {} and {}", a.len(), b.len());
                return Err(self.unsupported(op, "read as many integers on both sides, or one", found, MALFORMED));
            }
        };
        self.know(op, results)
    }
}
