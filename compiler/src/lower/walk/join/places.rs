//! Concatenations that need no layer, and those of rows or columns.

use super::Operand;
use crate::lower::LowerError;
use crate::lower::chain::Binary;
use crate::lower::symbol::{Data, Origin, Parameter, Step, Symbol};
use crate::lower::walk::Walk;
use crate::lower::walk::arrange::Axis;
use crate::lower::walk::layout::Extent;
use network::graph::Node;
use network::network::TensorId;
use std::sync::Arc;

impl Walk<'_> {
    /// Different parts of one value that go through the same functions, joined: only their order is new.
    pub(super) fn rejoined(&mut self, node: &Node, axis: usize) -> Option<Data> {
        let mut parts = Vec::with_capacity(node.inputs.len());
        for input in &node.inputs {
            let Symbol::Data(data) = self.symbol(*input) else { return None };
            parts.push((data, self.shape(*input)));
        }
        let (first, shape) = parts[0].clone();
        let is_alike = |(data, _): &(Data, &[usize])| {
            let is_same = data.origin == first.origin && data.pending.is_none() && data.is_uniform();
            // The parts themselves may be what nodes have ended since.
            let (own, whole) = (data.functions(0), first.functions(0));
            is_same && own == whole
        };
        let selects = parts.iter().any(|(data, _)| data.order.is_some());
        if !selects || !parts.iter().all(is_alike) {
            return None;
        }
        let outer: usize = shape[..axis].iter().product();
        let mut order = Vec::new();
        for block in 0..outer {
            for (data, shape) in &parts {
                let run: usize = shape[axis..].iter().product();
                order.extend((block * run..(block + 1) * run).map(|element| data.position(element)));
            }
        }
        let mut is_read = vec![false; order.iter().max().map_or(0, |last| last + 1)];
        if order.iter().any(|position| std::mem::replace(&mut is_read[*position], true)) {
            return None;
        }
        Some(Data { order: Some(Arc::new(order)), ..first })
    }

    /// Images of one number of channels above or beside each other.
    pub(super) fn concat_places(
        &mut self,
        node: &Node,
        parts: Vec<(Operand, Vec<usize>)>,
        axis: usize,
    ) -> Result<Data, LowerError> {
        let mut tensors: Vec<TensorId> = parts.iter().map(|(operand, _)| operand.tensor).collect();
        self.of_one_type(node, &mut tensors);
        let rank = parts[0].1.len();
        let along = if axis + 1 == rank { Axis::Columns } else { Axis::Rows };
        let tensor = self.joined(node, tensors, along);
        let extent = Extent::of(&self.tensors[tensor.0]);
        let chain = |parameter: &dyn Fn(&Operand) -> &Parameter| {
            let first = parameter(&parts[0].0);
            let one = first.as_uniform();
            if let Some(one) = one
                && parts.iter().all(|(part, _)| parameter(part).as_uniform() == Some(one))
            {
                return first.clone();
            }
            let mut constants = Vec::with_capacity(extent.pixels() * extent.channels);
            for channel in 0..extent.channels * if along == Axis::Columns { extent.height } else { 1 } {
                for (part, shape) in &parts {
                    let run: usize = shape[axis..].iter().product();
                    constants.extend((channel * run..(channel + 1) * run).map(|e| parameter(part).at(e).clone()));
                }
            }
            Parameter::per_element(Arc::new(constants))
        };
        let (factor, summand) = (chain(&|part| &part.factor), chain(&|part| &part.summand));
        let chain = [Step::with(Binary::Multiply, factor), Step::with(Binary::Add, summand)].into();
        Ok(Data { origin: Origin::Tensor(tensor), order: extent.channels_first(), chain, pending: None })
    }
}
