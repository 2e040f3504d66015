//! What a model's input holds, said by the user where the file does not say it.

use crate::graph::{Edit, Graph, Operator, RoundingMode};
use crate::tensor::Tensor;
use abi::ElementType;

/// The graph with the type of its input's values, which are integers.
pub fn declared(graph: Graph, element: ElementType) -> Graph {
    let remark = format!("the input's values are taken for integers of type {element}, as asked for");
    let mut graph = Graph { input_type: Some(element), ..graph };
    graph.remarks.push(remark);
    graph
}

/// What integers are multiplied by: a fraction of float32 numbers greater than 0. Frameworks divide pixels by 255, which
/// is no product with a float32.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InputScale {
    /// Above the line.
    pub numerator: f32,
    /// Below it.
    pub denominator: f32,
}

/// The graph with a quantiser right behind its input: the nearest of the integers times `scale`.
pub fn quantised(graph: Graph, element: ElementType, scale: InputScale) -> Graph {
    let InputScale { numerator, denominator } = scale;
    let (input, shape) = (graph.input, graph.value(graph.input).shape.clone());
    let (mut edit, nodes) = Edit::taking(graph);
    let scalar =
        |edit: &mut Edit, role: &str, value: f64| edit.constant(format!("input_{role}"), Tensor::scalar(value));
    let (above, below) =
        (scalar(&mut edit, "scale", f64::from(numerator)), scalar(&mut edit, "divisor", f64::from(denominator)));
    let mut value = input;
    if denominator != 1.0 {
        value = edit.node("input_times", Operator::Mul, vec![value, below], shape.clone());
    }
    let (operator, inputs) = match element {
        ElementType::Bipolar => (Operator::BipolarQuant, vec![value, above]),
        ElementType::Unsigned { bits } | ElementType::Signed { bits } => {
            let signed = matches!(element, ElementType::Signed { .. });
            let quantiser = Operator::Quant { signed, narrow: false, rounding: RoundingMode::HalfEven };
            let zero_point = scalar(&mut edit, "zero_point", 0.0);
            (quantiser, vec![value, above, zero_point, scalar(&mut edit, "bits", f64::from(bits))])
        }
    };
    let mut codes = edit.node("input_quant", operator, inputs, shape.clone());
    if denominator != 1.0 {
        codes = edit.node("input_over", Operator::Div, vec![codes, below], shape);
    }
    for mut node in nodes {
        node.inputs.iter_mut().filter(|id| **id == input).for_each(|id| *id = codes);
        edit.keep(node);
    }
    let mut graph = edit.finish();
    let times = if denominator == 1.0 { format!("{numerator}") } else { format!("{numerator}/{denominator}") };
    graph
        .remarks
        .push(format!("the input's values are taken for integers of type {element} times {times}, as asked for"));
    graph
}
