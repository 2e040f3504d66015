//! Zeros behind each pixel.

use super::Walk;
use super::layout::Extent;
use crate::lower::LowerError;
use crate::lower::symbol::{Data, Origin};
use network::graph::Node;

impl Walk<'_> {
    /// `Dilate`: each pixel as the first of a row, and each row as the first of as many, by borders behind them.
    pub(super) fn dilate(&mut self, node: &Node, data: Data, factors: &[usize]) -> Result<Data, LowerError> {
        let mut data = self.integers(node, 0, data)?;
        let extent = self.image(node, &mut data, self.shape(node.inputs[0]))?;
        self.check_by_channel(node, &data, extent)?;
        let (vertical, horizontal) = match *factors {
            [1, 1, vertical, horizontal] => (vertical, horizontal),
            [1, 1, horizontal] => (1, horizontal),
            _ => {
                return Err(self.unsupported(
                    node,
                    "put zeros between pixels",
                    format!("its strides are {factors:?}"),
                    "enlarge only the spatial axes",
                ));
            }
        };
        let Origin::Tensor(mut tensor) = data.origin else {
            return Err(self.input_not_quantised(node));
        };
        let zero = self.border_code(node, &data, 0.0)?;
        let Extent { height, width, channels } = extent;
        let larger = Extent { height: height * vertical, width: width * horizontal, channels };
        if horizontal > 1 {
            let pixels = Extent { height: height * width, width: 1, channels };
            tensor = self.relabelled(node, tensor, pixels);
            tensor = self.bordered(node, tensor, [0, 0], [0, horizontal - 1], zero)?;
        }
        if vertical > 1 {
            // Rows of zeros are columns behind each row.
            tensor = self.relabelled(node, tensor, Extent { height, width: larger.width, channels });
            tensor = self.bordered(node, tensor, [0, 0], [0, (vertical - 1) * larger.width], zero)?;
        }
        tensor = self.relabelled(node, tensor, larger);
        let chain = data.chain_by_channel(channels, extent.pixels(), larger.pixels());
        Ok(Data { origin: Origin::Tensor(tensor), order: larger.channels_first(), chain, pending: None })
    }
}
