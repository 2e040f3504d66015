//! The stream that enters the pipeline.

use super::Layout;
use super::convert::first_within;
use crate::blocks::{Dot, Vectors};
use crate::plan::Stream;
use network::network::{LayerKind, TensorId};

impl Layout<'_> {
    /// Makes the stream in and gives it to its readers.
    ///
    /// It is cut as a dot product that reads it wants it: that saves a converter. Otherwise its words are as narrow
    /// as the interval allows.
    pub fn enter(&mut self) {
        let tensor = self.network.input;
        let (shape, wanted) = self.as_read(tensor);
        let allowed = (1..=shape.channels).map(|lanes| (lanes, shape.words(lanes)));
        let wanted = wanted.map(|lanes| (lanes, shape.words(lanes)));
        let lanes = first_within(self.interval, wanted.into_iter().chain(allowed)).unwrap_or(1);
        let format = self.format(tensor, shape, lanes);
        // Words from outside follow the convention: unused lanes hold zeros.
        let name = "input".to_owned();
        let stream = self.stream(Stream { name, format, padded: false, clean: true, tensor: Some(tensor) });
        self.provide(tensor, stream);
    }

    /// The vectors in which a tensor is taken, and the most lanes that a dot product takes of it at once.
    fn as_read(&self, tensor: TensorId) -> (Vectors, Option<usize>) {
        if let Some(only) = self.edges.only_consumer(tensor)
            && let layer = self.network.layer(only)
            && let LayerKind::Reshape = layer.kind
        {
            return self.as_read(layer.output);
        }
        let wanted = self.edges.consumers(tensor).iter().filter_map(|id| {
            let dot = Dot::new(self.network, self.network.layer(*id))?;
            let parallelism = self.folding.get(id)?;
            let lanes = dot.lanes(*parallelism);
            // Words that straddle two groups would have to be cut again.
            (dot.depthwise || dot.groups == 1 || dot.columns.is_multiple_of(lanes)).then_some(lanes)
        });
        (self.pixels(tensor), wanted.max())
    }
}
