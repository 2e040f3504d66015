//! All that stands in the way of integers in one go: behind a refused node, integers of one bit stand in for its result.

use super::Walk;
use super::layout::Extent;
use crate::lower::LowerError;
use crate::lower::symbol::{Data, Origin, Symbol};
use abi::ElementType;
use network::graph::{Graph, Node};
use network::network::{Network, TensorId, TensorType};

/// Most refusals that are kept: more are of no more help.
const MOST: usize = 32;

/// The refusals so far.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    list: Vec<LowerError>,
    /// Refusals beyond the list.
    further: usize,
}

impl Refusals {
    /// The network, where nothing was refused, or all refusals.
    pub fn finish(mut self, graph: &Graph, network: Result<Network, LowerError>) -> Result<Network, LowerError> {
        match network {
            // That nothing is left to do may be the doing of what stands in.
            Err(LowerError::NothingToDo { .. }) if !self.list.is_empty() => {}
            Err(refusal) => self.list.push(refusal),
            Ok(network) if self.list.is_empty() => return Ok(network),
            Ok(_) => {}
        }
        self.join_unquantised(graph);
        match (self.list.pop(), self.list.is_empty()) {
            (Some(refusal), true) => Err(refusal),
            (last, _) => {
                self.list.extend(last);
                let count = self.list.iter().map(|refusal| refusal.refusals().len()).sum::<usize>() + self.further;
                Err(LowerError::Several { count, refusals: self.list })
            }
        }
    }

    /// Of a model that was never quantised, all layers lack the same.
    fn join_unquantised(&mut self, graph: &Graph) {
        let is_whole = |refusal: &LowerError| matches!(refusal, LowerError::NothingQuantised { .. });
        if !self.list.iter().any(is_whole) || graph.nodes.iter().any(|node| node.operator.is_quantiser()) {
            return;
        }
        let lacks_quantiser = |refusal: &LowerError| {
            matches!(
                refusal,
                LowerError::NothingQuantised { .. }
                    | LowerError::NotQuantised { .. }
                    | LowerError::InputNotQuantised { .. }
                    | LowerError::WeightsNotQuantised { .. }
            )
        };
        let (refusals, others) = std::mem::take(&mut self.list).into_iter().partition(lacks_quantiser);
        self.list = others;
        self.list.insert(0, LowerError::Unquantised { model: graph.name.clone(), further: self.further, refusals });
    }
}

impl Walk<'_> {
    /// Notes a refusal, and gives what stands in for the node's result: integers of one bit, which every later node can
    /// read.
    ///
    /// # Errors
    /// The refusal itself, where it is a fault of the walk.
    pub(super) fn stand_in(
        &mut self,
        node: &Node,
        refusal: LowerError,
        refusals: &mut Refusals,
    ) -> Result<Symbol, LowerError> {
        if let LowerError::Invalid(_) = refusal {
            return Err(refusal);
        }
        match refusals.list.len() < MOST {
            true => refusals.list.push(refusal),
            false => refusals.further += 1,
        }
        let shape = self.shape(node.outputs[0]);
        let elements = shape.iter().product();
        let extent = Extent::of_shape(shape).unwrap_or(Extent { height: 1, width: 1, channels: elements });
        let Extent { height, width, channels } = extent;
        let element = ElementType::Unsigned { bits: 1 };
        let tensor = TensorId(self.tensors.len());
        self.tensors.push(TensorType { height, width, channels, element, minimum: 0, maximum: 1 });
        Ok(Symbol::Data(Data { order: extent.channels_first(), ..Data::of(Origin::Tensor(tensor)) }))
    }
}
