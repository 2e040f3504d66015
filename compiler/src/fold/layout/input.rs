//! The stream that enters the pipeline.

use super::convert::first_within;
use super::{Layout, Shape};
use crate::fold::Dot;
use crate::fold::units::readers;
use network::network::{Layer, LayerKind, TensorId};

impl Layout<'_> {
    /// Makes the stream in and gives it to its readers.
    ///
    /// It is cut as its reader wants it, where there is one: that saves a converter. Otherwise its words are as narrow
    /// as the interval allows.
    pub fn enter(&mut self) {
        let tensor = self.network.input;
        let (shape, wanted) = self.as_read(tensor);
        let allowed = (1..=shape.channels).map(|lanes| (lanes, shape.words(lanes)));
        let wanted = wanted.map(|lanes| (lanes, shape.words(lanes)));
        let lanes = first_within(self.interval, wanted.into_iter().chain(allowed)).unwrap_or(1);
        let format = self.format(tensor, shape, lanes);
        let stream = self.stream("input".to_owned(), format, Some(tensor));
        self.provide(tensor, stream);
    }

    /// The vectors and lanes in which the only reader of a tensor takes it.
    fn as_read(&self, tensor: TensorId) -> (Shape, Option<usize>) {
        let shape = self.shape(tensor);
        let only =
            |tensor: TensorId| (readers(self.network, tensor) == 1).then(|| self.network.consumers(tensor).next());
        let Some(Some(id)) = only(tensor) else {
            return (shape, None);
        };
        let layer: &Layer = self.network.layer(id);
        if let LayerKind::Flatten = layer.kind {
            return self.as_read(layer.output);
        }
        let lanes = Dot::new(self.network, layer).and_then(|dot| {
            let parallelism = self.folding.get(&id)?;
            Some(if dot.depthwise { parallelism.pe } else { parallelism.simd })
                // Words that straddle two groups would have to be cut again.
                .filter(|lanes| dot.depthwise || dot.groups == 1 || dot.columns.is_multiple_of(*lanes))
        });
        (shape, lanes)
    }
}
