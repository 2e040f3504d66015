//! The integer tensors between the layers, recorded, written and compared.

use crate::SimError;
use ndarray::ArrayView3;
use network::network::{Network, TensorId};
use std::fmt;
use std::path::{Path, PathBuf};

/// The tensors that a run computed, ordered by [`TensorId`]. An engine that keeps some tensors to itself (the
/// accumulators of a fused stage) leaves them out.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    tensors: Vec<TracedTensor>,
}

/// One tensor, for every image.
#[derive(Clone, Debug, PartialEq)]
pub struct TracedTensor {
    /// Which tensor of the network.
    pub tensor: TensorId,
    /// Name of the layer that writes it; `input` for the network's input.
    pub layer: String,
    /// Number of pixels.
    pub vectors: usize,
    /// Elements of one pixel.
    pub channels: usize,
    /// The elements of each image in stream order.
    pub images: Vec<Vec<i32>>,
}

impl Trace {
    /// A trace of the given tensors in any order; of several records of one tensor the first is kept.
    pub fn new(mut tensors: Vec<TracedTensor>) -> Self {
        tensors.sort_by_key(|traced| traced.tensor);
        tensors.dedup_by_key(|traced| traced.tensor);
        Trace { tensors }
    }

    /// The trace of a run of `network` that knows every tensor of every image: `images[i][t]` is tensor `t` of
    /// image `i`.
    pub fn of_network(network: &Network, mut images: Vec<Vec<Vec<i32>>>) -> Self {
        let tensors = network.tensors.iter().enumerate().map(|(index, tensor)| TracedTensor {
            tensor: TensorId(index),
            layer: layer_of(network, TensorId(index)).to_owned(),
            vectors: tensor.vectors(),
            channels: tensor.channels,
            images: images.iter_mut().map(|image| std::mem::take(&mut image[index])).collect(),
        });
        Trace { tensors: tensors.collect() }
    }

    /// The tensors, ordered by [`TensorId`].
    pub fn tensors(&self) -> &[TracedTensor] {
        &self.tensors
    }

    /// The record of one tensor, where there is one.
    pub fn tensor(&self, id: TensorId) -> Option<&TracedTensor> {
        self.tensors.iter().find(|traced| traced.tensor == id)
    }

    /// Writes each tensor to `<index>_<layer>.npy` in `folder` (made where missing), int32 of shape
    /// `[images, vectors, channels]`, and returns the files. Characters of a layer's name that file systems may
    /// refuse become `_`.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<Vec<PathBuf>, SimError> {
        std::fs::create_dir_all(folder).map_err(SimError::file("create", folder))?;
        self.tensors
            .iter()
            .map(|traced| {
                let path = folder.join(format!("{:03}_{}.npy", traced.tensor.0, file_name(&traced.layer)));
                let shape = (traced.images.len(), traced.vectors, traced.channels);
                let elements = traced.images.concat();
                let array = ArrayView3::from_shape(shape, &elements)
                    .map_err(|_| SimError::Internal("a traced tensor does not have the size of its type"))?;
                ndarray_npy::write_npy(&path, &array)
                    .map_err(|source| SimError::WriteNpy { path: path.clone(), source: Box::new(source) })?;
                Ok(path)
            })
            .collect()
    }
}

/// Name of the layer that writes a tensor.
pub fn layer_of(network: &Network, tensor: TensorId) -> &str {
    let writer = network.layers.iter().find(|layer| layer.output == tensor);
    writer.map_or("input", |layer| layer.name.as_str())
}

fn file_name(layer: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
    layer.trim_matches('/').chars().map(safe).collect()
}

/// The first element in which two traces differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Name of the layer that writes the tensor.
    pub layer: String,
    /// Index of the image.
    pub image: usize,
    /// Index of the element: pixel, channel.
    pub index: (usize, usize),
    /// Its value in the left trace; `None` where that trace ends before.
    pub left: Option<i32>,
    /// Its value in the right trace.
    pub right: Option<i32>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = |value: Option<i32>| value.map_or("missing".to_owned(), |value| value.to_string());
        write!(
            f,
            "the first difference is in layer `{}`, image {}, pixel {}, channel {}: {} on the left, {} on the right",
            self.layer,
            self.image,
            self.index.0,
            self.index.1,
            value(self.left),
            value(self.right)
        )
    }
}

/// The first difference of two traces over the tensors that both have: the first layer, in the first image in which
/// that layer differs.
pub fn first_difference(left: &Trace, right: &Trace) -> Option<Difference> {
    left.tensors.iter().find_map(|a| {
        let b = right.tensor(a.tensor)?;
        (0..a.images.len().max(b.images.len())).find_map(|image| {
            let elements = |traced: &TracedTensor| traced.images.get(image).cloned().unwrap_or_default();
            let (x, y) = (elements(a), elements(b));
            let index = (0..x.len().max(y.len())).find(|index| x.get(*index) != y.get(*index))?;
            let channels = a.channels.max(1);
            Some(Difference {
                layer: a.layer.clone(),
                image,
                index: (index / channels, index % channels),
                left: x.get(index).copied(),
                right: y.get(index).copied(),
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traced(tensor: usize, layer: &str, images: Vec<Vec<i32>>) -> TracedTensor {
        TracedTensor { tensor: TensorId(tensor), layer: layer.to_owned(), vectors: 2, channels: 2, images }
    }

    #[test]
    fn differences_are_found_in_layer_order() {
        let left = Trace::new(vec![
            traced(2, "last", vec![vec![1, 2, 3, 4], vec![5, 6, 7, 8]]),
            traced(0, "input", vec![vec![0, 0, 0, 0], vec![0, 0, 0, 0]]),
        ]);
        assert_eq!(first_difference(&left, &left), None);
        let mut right = left.clone();
        right.tensors[1].images[1][3] = 9;
        right.tensors.insert(1, traced(1, "accumulators", vec![]));
        let difference = first_difference(&left, &right).expect("they differ");
        assert_eq!(
            difference.to_string(),
            "the first difference is in layer `last`, image 1, pixel 1, channel 1: 8 on the left, 9 on the right"
        );
        right.tensors[0].images.pop();
        let difference = first_difference(&left, &right).expect("they differ");
        assert_eq!((difference.layer.as_str(), difference.image, difference.right), ("input", 1, None));
    }

    #[test]
    fn traces_are_written_as_npy() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let trace = Trace::new(vec![traced(11, "/conv 1/MatMul", vec![vec![1, -2, 3, 4], vec![5, 6, 7, 8]])]);
        let files = trace.write(&folder.path().join("trace")).expect("written");
        assert_eq!(files, [folder.path().join("trace/011_conv_1_MatMul.npy")]);
        let array: ndarray::Array3<i32> = ndarray_npy::read_npy(&files[0]).expect("read");
        assert_eq!(array.shape(), [2, 2, 2]);
        assert_eq!((array[[0, 0, 1]], array[[1, 1, 0]]), (-2, 7));
    }
}
