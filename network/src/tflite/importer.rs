//! What operators are imported with: the tables of the file, and the values made so far.

use super::error::{Place, TfliteError};
use super::flatbuffer::Damage;
use super::names::name;
use super::schema::{Kind, Model, Operator, SubGraph, Tensor};
use super::values::{Forms, Values};
use crate::graph::{self, ValueId};
use crate::kernel::Codes;
use abi::text::printable;

/// Most elements of a tensor.
const MAX_ELEMENTS: usize = 1 << 28;
/// Most axes of a tensor.
const MAX_AXES: usize = 8;
/// Elements of constants that may be made of each byte of the file, and at all.
const ELEMENTS_PER_BYTE: usize = 8;
const FREE_ELEMENTS: usize = 1 << 20;

/// What a file is turned into a graph with.
pub(super) struct Importer<'m> {
    name: &'m str,
    pub model: &'m Model<'m>,
    pub graph: &'m SubGraph<'m>,
    pub values: Values,
    pub forms: Vec<Forms>,
    /// Which float tensors stand for integers, and for which.
    pub real_of: Vec<Option<Real>>,
    /// The softmax that made a tensor, with the tensor that it reads.
    pub softmax_of: Vec<Option<(usize, abi::maps::Softmax)>>,
    /// The integers of tensors that depend on no image.
    pub known: Vec<Option<Vec<i64>>>,
    allowance: usize,
}

/// The integers that a float tensor stands for.
#[derive(Clone, Copy)]
pub(super) struct Real {
    /// Their tensor.
    pub codes: usize,
    /// Whether they stand in another shape or order there.
    pub is_moved: bool,
}

/// An operator that is being imported.
#[derive(Clone, Copy)]
pub(super) struct Op<'m> {
    pub operator: &'m Operator<'m>,
    /// Its name in the format.
    pub kind: &'static str,
    /// The tensor that it writes.
    pub output: usize,
}

/// Scale and codes of a tensor with one of each.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Grid {
    pub scale: f32,
    pub codes: Codes,
}

/// The refusal of bytes of a model that are not what they must be.
pub(super) fn damaged(name: &str, Damage { at, must }: Damage) -> TfliteError {
    TfliteError::Damaged { name: printable(name), at, must }
}

/// What to do about a file that no converter writes.
pub(super) const MALFORMED: &str = "convert the model again, with TFLiteConverter or another current converter";

/// What to do about a model that is not quantised, or not in full.
pub(super) const QUANTISE: &str = "convert the model with full integer quantisation: converter.optimizations = \
    [tf.lite.Optimize.DEFAULT], a representative_dataset, and supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]";

impl<'m> Importer<'m> {
    /// Of a graph of which nothing is imported yet, in a file of so many bytes.
    pub fn new(name: &'m str, model: &'m Model<'m>, graph: &'m SubGraph<'m>, bytes: usize) -> Self {
        Importer {
            name,
            model,
            graph,
            values: Values::default(),
            forms: vec![Forms::default(); graph.tensors.len()],
            real_of: vec![None; graph.tensors.len()],
            softmax_of: vec![None; graph.tensors.len()],
            known: vec![None; graph.tensors.len()],
            allowance: FREE_ELEMENTS + ELEMENTS_PER_BYTE * bytes,
        }
    }

    /// The refusal of the model as it is.
    pub fn refused(&self, must: &'static str, found: String, help: &'static str) -> TfliteError {
        TfliteError::Model { name: printable(self.name), must, found, help }
    }

    /// The refusal of bytes that are not what they must be.
    pub fn damaged(&self, damage: Damage) -> TfliteError {
        damaged(self.name, damage)
    }

    /// The tensor with a number of the file.
    pub fn number(&self, number: i32) -> Result<usize, TfliteError> {
        let index = usize::try_from(number).ok().filter(|index| *index < self.graph.tensors.len());
        index.ok_or_else(|| {
            let found = format!("there is none with number {number} among {}", self.graph.tensors.len());
            self.refused("name tensors that it has", found, MALFORMED)
        })
    }

    /// The tensor with an index.
    pub fn tensor(&self, index: usize) -> &'m Tensor {
        &self.graph.tensors[index]
    }

    /// The extents of a tensor; an open one is 1, as for one image.
    pub fn shape(&self, index: usize) -> Result<Vec<usize>, TfliteError> {
        let tensor = self.tensor(index);
        let extents = tensor.shape.iter().map(|extent| match extent {
            -1 => Some(1),
            extent => usize::try_from(*extent).ok().filter(|extent| *extent > 0),
        });
        let shape = extents.collect::<Option<Vec<usize>>>().filter(|shape| {
            let elements = shape.iter().try_fold(1usize, |product, extent| product.checked_mul(*extent));
            shape.len() <= MAX_AXES && elements.is_some_and(|elements| elements <= MAX_ELEMENTS)
        });
        shape.ok_or_else(|| {
            let found = format!("`{}` has shape {:?}", printable(&tensor.name), tensor.shape);
            self.refused(
                "have tensors of at most 8 axes and 2^28 elements, and none without elements",
                found,
                MALFORMED,
            )
        })
    }

    /// Adds the model's input.
    pub fn input(&mut self, index: usize) -> Result<ValueId, TfliteError> {
        let tensor = self.tensor(index);
        let shape = self.shape(index)?;
        if !matches!(tensor.kind, Kind::Int8 | Kind::UInt8 | Kind::Float32) {
            let found = format!("its input is {}", tensor.kind.name());
            return Err(self.refused("have an input of INT8, UINT8 or FLOAT32", found, QUANTISE));
        }
        if shape.len() > 1 && shape[0] != 1 {
            let found = format!("its input has shape {shape:?}");
            let help = "convert it for a batch of one image, or with an open batch (None)";
            return Err(self.refused("read one image at a time", found, help));
        }
        let value = self.values.input(&tensor.name, shape, tensor.kind);
        self.forms[index].native = Some(value);
        Ok(value)
    }

    /// An operator with what its code says.
    pub fn op(&self, operator: &'m Operator<'m>) -> Result<Op<'m>, TfliteError> {
        let code = self.model.codes.get(operator.code).ok_or_else(|| {
            let found = format!("one has code {} of {}", operator.code, self.model.codes.len());
            self.refused("have operators with codes that it lists", found, MALFORMED)
        })?;
        let output = match operator.outputs.as_slice() {
            [output] => self.number(*output)?,
            outputs => {
                let found = format!("{} has {}", name(*code), outputs.len());
                let help = "leave out operators with several results, such as SPLIT";
                return Err(self.refused("have operators with one output", found, help));
            }
        };
        let forms = &self.forms[output];
        if forms.native.is_some() || forms.image.is_some() || self.known[output].is_some() {
            let found = format!("`{}` is written twice", printable(&self.tensor(output).name));
            return Err(self.refused("write each tensor once", found, MALFORMED));
        }
        Ok(Op { operator, kind: name(*code), output })
    }

    /// An operator, for messages.
    pub fn place(&self, op: Op) -> Place {
        Place { output: crate::onnx::names::clean(&self.tensor(op.output).name), operator: op.kind.into() }
    }

    /// The refusal of an operator as it is.
    pub fn unsupported(&self, op: Op, must: impl Into<String>, found: String, help: &'static str) -> TfliteError {
        TfliteError::Unsupported { place: self.place(op), must: must.into(), found, help }
    }

    /// The tensor that input `index` of an operator is.
    pub fn operand(&self, op: Op, index: usize) -> Result<usize, TfliteError> {
        self.optional_operand(op, index)?.ok_or_else(|| {
            let found = format!("it has {}", op.operator.inputs.len());
            self.unsupported(op, format!("have at least {} inputs", index + 1), found, MALFORMED)
        })
    }

    /// The tensor that input `index` of an operator is, where there is one.
    pub fn optional_operand(&self, op: Op, index: usize) -> Result<Option<usize>, TfliteError> {
        match op.operator.inputs.get(index) {
            None | Some(-1) => Ok(None),
            Some(number) => self.number(*number).map(Some),
        }
    }

    /// Takes the memory for a constant of so many elements.
    pub fn reserve(&mut self, elements: usize) -> Result<(), TfliteError> {
        match self.allowance.checked_sub(elements) {
            Some(rest) => {
                self.allowance = rest;
                Ok(())
            }
            None => {
                let found = format!("they have more than {ELEMENTS_PER_BYTE} elements for each byte of the file");
                Err(self.refused("have constants as large as what it holds", found, MALFORMED))
            }
        }
    }

    /// Whether a tensor is a constant.
    pub fn is_constant(&self, index: usize) -> bool {
        let is_in_file = || self.model.buffers.get(self.tensor(index).buffer).is_some_and(|bytes| !bytes.is_empty());
        self.known[index].is_some() || is_in_file()
    }

    /// The integers of a constant, in the file's layout.
    pub fn integers(&mut self, op: Op, index: usize) -> Result<Vec<i64>, TfliteError> {
        if let Some(known) = &self.known[index] {
            return Ok(known.clone());
        }
        let tensor = self.tensor(index);
        let name = printable(&tensor.name);
        let elements: usize = self.shape(index)?.iter().product();
        self.reserve(elements)?;
        let bytes = self.model.buffers.get(tensor.buffer).copied().unwrap_or(&[]);
        if bytes.is_empty() || tensor.is_sparse || tensor.is_variable {
            let found = format!("`{name}` is none");
            return Err(self.unsupported(op, "read weights and other parameters that are constants", found, QUANTISE));
        }
        let integers: Vec<i64> = match tensor.kind {
            Kind::Int8 => bytes.iter().map(|byte| i64::from(*byte as i8)).collect(),
            Kind::UInt8 => bytes.iter().map(|byte| i64::from(*byte)).collect(),
            Kind::Int32 => bytes
                .chunks_exact(4)
                .map(|chunk| i64::from(i32::from_le_bytes(chunk.try_into().unwrap_or_default())))
                .collect(),
            Kind::Int64 => {
                bytes.chunks_exact(8).map(|chunk| i64::from_le_bytes(chunk.try_into().unwrap_or_default())).collect()
            }
            Kind::Float32 | Kind::Other(_) => {
                let found = format!("`{name}` is {}", tensor.kind.name());
                return Err(self.unsupported(op, "read constants of INT8, UINT8, INT32 or INT64", found, QUANTISE));
            }
        };
        if integers.len() != elements {
            let found = format!("`{name}` has {} of {elements} elements", integers.len());
            return Err(self.unsupported(op, "read constants that are there in full", found, MALFORMED));
        }
        Ok(integers)
    }

    /// Scale and codes of a tensor of 8-bit integers.
    pub fn grid(&self, op: Op, index: usize) -> Result<Grid, TfliteError> {
        let tensor = self.tensor(index);
        let name = printable(&tensor.name);
        let (minimum, maximum) = match tensor.kind {
            Kind::Int8 => (-128, 127),
            Kind::UInt8 => (0, 255),
            Kind::Float32 | Kind::Int32 | Kind::Int64 | Kind::Other(_) => {
                let found = format!("`{name}` is {}", tensor.kind.name());
                return Err(self.unsupported(op, "compute with INT8 or UINT8", found, QUANTISE));
            }
        };
        let parameters = tensor.quantization.as_ref().map(|q| (q.scales.as_slice(), q.zero_points.as_slice()));
        match parameters {
            Some(([scale], zero_points)) if *scale > 0.0 && scale.is_finite() && zero_points.len() <= 1 => {
                let zero_point = zero_points.first().copied().unwrap_or(0);
                if (minimum..=maximum).contains(&zero_point) {
                    return Ok(Grid { scale: *scale, codes: Codes { zero_point, minimum, maximum } });
                }
                let found = format!("`{name}` has zero point {zero_point}");
                Err(self.unsupported(op, "have zero points that are codes", found, MALFORMED))
            }
            _ => {
                let found = format!("`{name}` has not");
                Err(self.unsupported(op, "read and write activations with one positive scale", found, QUANTISE))
            }
        }
    }

    /// Makes the value of an operator's output known, in the file's layout.
    pub fn bind_native(&mut self, op: Op, value: ValueId) -> Result<(), TfliteError> {
        let shape = self.shape(op.output)?;
        self.check_shape(op, value, &shape)?;
        self.forms[op.output].native = Some(value);
        Ok(())
    }

    /// Makes the value of an operator's output known, an image with channels before pixels.
    pub fn bind_image(&mut self, op: Op, value: ValueId) -> Result<(), TfliteError> {
        let expected = match *self.shape(op.output)? {
            [batch, height, width, channels] => vec![batch, channels, height, width],
            ref shape => shape.to_vec(),
        };
        self.check_shape(op, value, &expected)?;
        self.forms[op.output].image = Some(value);
        Ok(())
    }

    fn check_shape(&self, op: Op, value: ValueId, expected: &[usize]) -> Result<(), TfliteError> {
        let found = self.values.shape(value);
        if found == expected {
            return Ok(());
        }
        let found =
            format!("its output is said to have shape {:?}, and computes to {found:?}", self.tensor(op.output).shape);
        Err(self.unsupported(op, "have an output of the shape that it computes", found, MALFORMED))
    }

    /// The value of a tensor in the file's layout.
    pub fn native(&mut self, index: usize) -> Result<ValueId, TfliteError> {
        let forms = self.forms[index];
        if let Some(value) = forms.native {
            return Ok(value);
        }
        let Some(image) = forms.image else { return Err(self.undefined(index)) };
        let value = self.turned(index, image, [0, 2, 3, 1], "last");
        self.forms[index].native = Some(value);
        Ok(value)
    }

    /// The value of an image with channels before pixels.
    pub fn image(&mut self, op: Op, index: usize) -> Result<ValueId, TfliteError> {
        let forms = self.forms[index];
        if let Some(value) = forms.image {
            return Ok(value);
        }
        let Some(native) = forms.native else { return Err(self.undefined(index)) };
        let shape = self.values.shape(native);
        if shape.len() != 4 || shape[0] != 1 {
            let found = format!("`{}` has shape {shape:?}", printable(&self.tensor(index).name));
            let must = "read an image of shape [1, height, width, channels]";
            return Err(self.unsupported(op, must, found, "reshape its input to one image with two spatial axes"));
        }
        let value = self.turned(index, native, [0, 3, 1, 2], "first");
        self.forms[index].image = Some(value);
        Ok(value)
    }

    /// The value of a tensor as functions of single elements read it: an image with channels before pixels, which says so,
    /// others as they are.
    pub fn value(&mut self, op: Op, index: usize) -> Result<(ValueId, bool), TfliteError> {
        let is_image = matches!(*self.shape(index)?, [1, _, _, _]);
        Ok((if is_image { self.image(op, index)? } else { self.native(index)? }, is_image))
    }

    /// Makes the value of an operator's output known, in the layout that [`value`](Self::value) said.
    pub fn bind(&mut self, op: Op, value: ValueId, is_image: bool) -> Result<(), TfliteError> {
        if is_image { self.bind_image(op, value) } else { self.bind_native(op, value) }
    }

    /// An image with its axes in another order. Where only axes of one element move, nothing does.
    fn turned(&mut self, index: usize, value: ValueId, permutation: [usize; 4], role: &str) -> ValueId {
        let before = self.values.shape(value).to_vec();
        let shape: Vec<usize> = permutation.iter().map(|axis| before[*axis]).collect();
        let is_still = permutation.iter().filter(|axis| before[**axis] > 1).is_sorted();
        let operator = match is_still {
            true => graph::Operator::Reshape,
            false => graph::Operator::Transpose { permutation: permutation.to_vec() },
        };
        let name = format!("{}_channels_{role}", self.stem(index));
        self.values.node(&name, operator, &[value], shape)
    }

    fn undefined(&self, index: usize) -> TfliteError {
        let tensor = self.tensor(index);
        let name = printable(&tensor.name);
        match self.real_of[index] {
            Some(_) => {
                let found = format!("`{name}` is FLOAT32 and read by more than QUANTIZE");
                self.refused("compute with integers between QUANTIZE and DEQUANTIZE", found, QUANTISE)
            }
            None if self.is_constant(index) => {
                let found = format!("`{name}` is a constant");
                let help = "let the converter fold constants";
                self.refused("have operators that read what depends on the input", found, help)
            }
            None => {
                let found = format!("`{name}` is read before it is written");
                self.refused("have operators in an order in which they can run", found, MALFORMED)
            }
        }
    }

    /// A name for nodes of the operator that writes a tensor: converters join the names of all that they fused.
    pub fn stem(&self, index: usize) -> &'m str {
        let name = self.tensor(index).name.as_str();
        name.split(';').next().unwrap_or(name)
    }
}
