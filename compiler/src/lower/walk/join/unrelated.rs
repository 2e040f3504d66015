//! Sums of two branches whose scales have no small common measure.

use super::{Operand, WIDEST_PAIR};
use crate::lower::LowerError;
use crate::lower::arithmetic::Fault;
use crate::lower::chain::pair_sums::PairSums;
use crate::lower::chain::{Binary, Constant, Function};
use crate::lower::steps::Lattice;
use crate::lower::symbol::{Data, Origin, Step};
use crate::lower::walk::Walk;
use abi::ElementType;
use network::graph::Node;
use network::network::{LayerKind, Table, TensorType};
use std::cmp::Ordering;
use std::sync::Arc;

impl Walk<'_> {
    /// The sum as an integer sum in the same order, where all channels have the same two scales.
    pub(super) fn add_in_order(&mut self, node: &Node, a: &Operand, b: &Operand, element_of: &[usize]) -> Option<Data> {
        let [first, second] = [a, b].map(|operand| operand.factor.at(element_of[0]).clone());
        let is_uniform =
            element_of.iter().all(|element| *a.factor.at(*element) == first && *b.factor.at(*element) == second);
        if !is_uniform {
            return None;
        }
        let ranges = [a, b].map(|operand| {
            let kind = self.tensors[operand.tensor.0];
            (kind.minimum, kind.maximum, kind.element.step())
        });
        let sums = PairSums::new([first, second], ranges)?;
        let factors = sums.factors.map(|factor| vec![factor; element_of.len()]).to_vec();
        let sum = self.add_with_factors(node, a, b, factors)?;
        Some(Data::of(Origin::Tensor(sum)).then(Step::Function(Function::PairSum(Arc::new(sums)))))
    }

    /// The sum by a table: to each pair of codes the rank of its sum among the channel's sums.
    pub(super) fn add_by_table(
        &mut self,
        node: &Node,
        a: &Operand,
        b: &Operand,
        element_of: &[usize],
    ) -> Result<Data, LowerError> {
        let kinds = [self.tensors[a.tensor.0], self.tensors[b.tensor.0]];
        let bits = kinds[0].element.bits() + kinds[1].element.bits();
        if bits > WIDEST_PAIR {
            return Err(self.unsupported(
                node,
                "add two values whose scales have a small common measure, or few bits",
                format!("they have {bits} bits together and unrelated scales"),
                "quantise both branches with one scale before the addition (in Brevitas: share one QuantIdentity)",
            ));
        }
        let undefined = |channel: usize| move |_: Fault| LowerError::Undefined { node: node.name.clone(), channel };
        let mut known: Vec<(Constant, Constant, Ranks)> = Vec::new();
        let mut tables = Vec::new();
        let mut sums = Vec::new();
        for (channel, element) in element_of.iter().enumerate() {
            let (first, second) = (a.factor.at(*element), b.factor.at(*element));
            let found = known.iter().find(|(p, q, _)| p == first && q == second);
            let (table, values) = match found {
                Some((_, _, ranks)) => ranks.clone(),
                None => {
                    let found = ranks(first, second, &kinds).map_err(undefined(channel))?;
                    known.push((first.clone(), second.clone(), found.clone()));
                    found
                }
            };
            tables.push(table);
            sums.push(values);
        }
        let most = sums.iter().map(|values| values.len()).max().unwrap_or(1) as i64 - 1;
        let output = TensorType { element: ElementType::holding(0, most), minimum: 0, maximum: most, ..kinds[0] };
        let is_uniform = known.len() == 1;
        if is_uniform {
            tables.truncate(1);
        }
        let layer = LayerKind::Table(Table { values: tables });
        let table = self.add_layer(&node.name, layer, &[a.tensor, b.tensor], output);
        let lattice = |values: &Arc<Vec<Constant>>| Lattice { first: 0, step: 1, count: values.len() as u64 };
        self.lattices.insert(table, sums.iter().map(lattice).collect());
        if is_uniform {
            return Ok(Data::of(Origin::Tensor(table)).then(Step::Function(Function::Lookup(sums[0].clone()))));
        }
        Err(self.unsupported(
            node,
            "add two values with the same pair of scales in every channel, or scales with a small common measure",
            format!("there are {} different pairs", known.len()),
            "quantise both branches with one scale before the addition (in Brevitas: share one QuantIdentity)",
        ))
    }
}

/// A table of ranks by pair of codes, and the sum that each rank stands for.
type Ranks = (Vec<i32>, Arc<Vec<Constant>>);

/// For each pair of codes the rank of `first·x + second·y` among all of them, and the sums in ascending order.
fn ranks(first: &Constant, second: &Constant, kinds: &[TensorType; 2]) -> Result<Ranks, Fault> {
    let [a, b] = kinds;
    let mut sums: Vec<(u64, Constant)> = Vec::new();
    for x in a.values() {
        for y in b.values() {
            let code = a.element.encode(x) | b.element.encode(y) << a.element.bits();
            sums.push((code, Constant::sum(vec![(first.clone(), x), (second.clone(), y)])));
        }
    }
    let mut fault = None;
    sums.sort_by(|(_, a), (_, b)| match a.clone().binary(Binary::Subtract, b.clone()).sign() {
        Ok(order) => order,
        Err(found) => {
            fault = Some(found);
            Ordering::Equal
        }
    });
    if let Some(fault) = fault {
        return Err(fault);
    }
    let mut table = vec![0; 1 << (a.element.bits() + b.element.bits())];
    let mut values: Vec<Constant> = Vec::new();
    for (code, sum) in sums {
        let is_new = match values.last() {
            Some(last) => !last.equals(&sum)?,
            None => true,
        };
        if is_new {
            values.push(sum);
        }
        table[code as usize] = values.len() as i32 - 1;
    }
    Ok((table, Arc::new(values)))
}
