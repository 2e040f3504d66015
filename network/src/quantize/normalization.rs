//! Batch normalisation behind quantised weights.
//!
//! Its means and variances are those of sums with real weights; fine-grained quantisation, for one, takes them anew
//! (Mellempudi et al., arXiv 1705.01462, section 4). Nothing is trained for that.

use crate::graph::{Edit, Graph, Operator, Source, Value, ValueId};
use crate::reference::{Evaluator, ReferenceError};
use crate::tensor::Tensor;

/// The graph with the means and variances of its batch normalisations taken from what they read on `images`, one after
/// the other: each sees what the ones before it make.
///
/// # Errors
/// Where the graph cannot be run on the images.
pub fn re_estimate(graph: &Graph, images: &[Tensor]) -> Result<Graph, ReferenceError> {
    let mut graph = graph.clone();
    for index in 0..graph.nodes.len() {
        let node = &graph.nodes[index];
        if images.is_empty() || !matches!(node.operator, Operator::BatchNormalization { .. }) {
            continue;
        }
        let (name, read) = (node.name.clone(), node.inputs[0]);
        let Some((means, variances)) = moments(&graph, read, images)? else {
            continue;
        };
        for (place, role, numbers) in [(3, "mean", means), (4, "variance", variances)] {
            let numbers: Vec<f64> = numbers.into_iter().map(|number| f64::from(number as f32)).collect();
            let tensor = Tensor::new(vec![numbers.len()], numbers);
            let (name, shape) = (format!("{name}_{role}"), tensor.shape.clone());
            graph.values.push(Value {
                name,
                shape,
                source: Source::Constant(tensor),
                is_integer: false,
                is_codes: false,
            });
            graph.nodes[index].inputs[place] = ValueId(graph.values.len() - 1);
        }
    }
    let mut edit = Edit::of(&graph);
    graph.nodes.iter().for_each(|node| edit.keep(node.clone()));
    Ok(edit.finish())
}

/// Mean and variance of each channel of a value, `None` where it does not depend on the input.
#[allow(clippy::type_complexity, reason = "means and variances")]
fn moments(graph: &Graph, value: ValueId, images: &[Tensor]) -> Result<Option<(Vec<f64>, Vec<f64>)>, ReferenceError> {
    let shape = &graph.value(value).shape;
    let (channels, pixels) = (shape[1], shape[2..].iter().product::<usize>());
    let evaluator = Evaluator::new(graph)?;
    if evaluator.constant(value).is_some() {
        return Ok(None);
    }
    let mut sums = vec![(0.0, 0.0); channels];
    for image in images {
        evaluator.trace(image, |found, tensor| {
            if found == value {
                for (index, number) in tensor.data.iter().enumerate() {
                    let (sum, squares) = &mut sums[index / pixels % channels];
                    *sum += number;
                    *squares += number * number;
                }
            }
        })?;
    }
    let count = (images.len() * pixels * shape[0]) as f64;
    let means: Vec<f64> = sums.iter().map(|(sum, _)| sum / count).collect();
    let variances = sums.iter().zip(&means).map(|((_, squares), mean)| (squares / count - mean * mean).max(0.0));
    let variances = variances.collect();
    Ok(Some((means, variances)))
}
