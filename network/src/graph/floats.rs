//! Where a graph computes with floats, and where with real numbers.

use super::{Graph, Operator, Source, ValueId};
use crate::kernel::Kernel;

/// What an operator does to codes and floats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// Makes codes, or what codes stand for.
    Quantises,
    /// Puts elements at other places, or scales them: codes stay codes.
    Keeps,
    /// Computes each element from one element of the first input that depends on the model's input, where there is one such
    /// input only.
    Elementwise,
    /// Computes an element from several.
    Combines,
    /// Computes floats, whatever it reads.
    Rounds,
}

impl Operator {
    fn role(&self) -> Role {
        match self {
            Operator::BipolarQuant
            | Operator::Sign
            | Operator::Quant { .. }
            | Operator::QuantizeLinear { .. }
            | Operator::MultiThreshold { .. }
            | Operator::Kernel(Kernel::Requantize(_) | Kernel::Quantize(_) | Kernel::Table(_)) => Role::Quantises,
            Operator::Reshape
            | Operator::Transpose { .. }
            | Operator::Select { .. }
            | Operator::Mul
            | Operator::Div => Role::Keeps,
            Operator::Add
            | Operator::Sub
            | Operator::Pow
            | Operator::Sqrt
            | Operator::Neg
            | Operator::Abs
            | Operator::Round
            | Operator::Floor
            | Operator::Ceil
            | Operator::Relu
            | Operator::Clip { .. }
            | Operator::Activation(_)
            | Operator::BatchNormalization { .. } => Role::Elementwise,
            Operator::MatMul
            | Operator::Gemm { .. }
            | Operator::Conv { .. }
            | Operator::MaxPool { .. }
            | Operator::AveragePool { .. }
            | Operator::Concat { .. }
            | Operator::Pad { .. }
            | Operator::Upsample { .. }
            | Operator::Dilate { .. }
            | Operator::TopK { .. }
            | Operator::ArgMax { .. }
            | Operator::Kernel(Kernel::Sum(_) | Kernel::Softmax(_)) => Role::Combines,
            Operator::Softmax { .. } | Operator::Sigmoid => Role::Rounds,
        }
    }

    /// Whether the result is a code, or what a code stands for.
    pub fn is_quantiser(&self) -> bool {
        self.role() == Role::Quantises
    }

    /// Whether the result is a float whatever the operands are: a function of the float32 nearest to each score.
    pub fn rounds_scores(&self) -> bool {
        self.role() == Role::Rounds
    }

    /// Whether codes in the first or the second operand are codes in the result: at other places, or times a scale.
    pub fn keeps_codes(&self) -> bool {
        self.role() == Role::Keeps
    }
}

impl Graph {
    /// Whether the input's values are codes themselves: the file says which integers they are
    /// ([`input_codes`](Self::input_codes)), and something else than a quantiser reads them or a function of them.
    pub fn input_is_codes(&self) -> bool {
        let mut from_image = vec![false; self.values.len()];
        from_image[self.input.0] = true;
        for node in &self.nodes {
            let readers = node.inputs.iter().filter(|input| from_image[input.0]).count();
            if readers == 0 || node.operator.is_quantiser() {
                continue;
            }
            if readers > 1 || matches!(node.operator.role(), Role::Combines | Role::Rounds) {
                return self.input_codes().is_some();
            }
            from_image[node.outputs[0].0] = true;
        }
        from_image[self.output.0] && self.input_codes().is_some()
    }

    /// For each value, whether it is a float: a constant of the file that is one, the model's input unless it is codes, and
    /// what is computed from nothing else but constants, up to the first quantiser; and again what follows a softmax or
    /// sigmoid. Such results are rounded to float32, node by node. Every other value is a real number: a code, what it
    /// stands for, and all that follows from it.
    ///
    /// A constant that is integers, has been folded from codes, or is held by no float32 is a real number.
    pub fn floats(&self) -> Vec<bool> {
        let mut is_float: Vec<bool> = self
            .values
            .iter()
            .map(|value| match &value.source {
                Source::Constant(tensor) => !value.is_integer && !value.is_codes && tensor.is_single(),
                Source::Input | Source::Node(_) => false,
            })
            .collect();
        is_float[self.input.0] = !self.input_is_codes();
        let mut depends = vec![false; self.values.len()];
        depends[self.input.0] = true;
        for node in &self.nodes {
            let of_input: Vec<&ValueId> = node.inputs.iter().filter(|input| depends[input.0]).collect();
            let operands = if of_input.is_empty() { node.inputs.iter().collect() } else { of_input.clone() };
            let computes = match node.operator.role() {
                Role::Quantises => false,
                Role::Rounds => true,
                Role::Keeps | Role::Elementwise | Role::Combines => operands.iter().all(|input| is_float[input.0]),
            };
            for output in &node.outputs {
                depends[output.0] = !of_input.is_empty();
                is_float[output.0] = computes;
            }
        }
        is_float
    }
}
