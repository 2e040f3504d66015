//! Unique names for nodes.

use super::proto::NodeProto;
use std::collections::{HashMap, HashSet};

/// A name for each node: its own; with a number appended where an earlier node has it; `<Operator>_<number>` where
/// the file gives none.
pub(super) fn unique(nodes: &[NodeProto]) -> Vec<String> {
    let own: HashSet<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
    let mut used = HashSet::new();
    let mut next = HashMap::new();
    nodes
        .iter()
        .map(|node| {
            let is_unnamed = node.name.is_empty();
            if !is_unnamed && used.insert(node.name.clone()) {
                return node.name.clone();
            }
            let stem = if is_unnamed { &node.op_type } else { &node.name };
            // Counters are kept for each stem, so that a file with a thousand equal names takes a thousand steps.
            let number = next.entry((is_unnamed, stem)).or_insert(if is_unnamed { 0 } else { 2 });
            loop {
                let name = format!("{stem}_{number}");
                *number += 1;
                if !own.contains(name.as_str()) && used.insert(name.clone()) {
                    return name;
                }
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{NodeProto, unique};

    #[test]
    fn names_are_kept_where_they_can_be() {
        let node = |name: &str| NodeProto { name: name.into(), op_type: "Add".into(), ..NodeProto::default() };
        let nodes = [node(""), node("a"), node("a"), node("a_2"), node("Add_1"), node(""), node("a")];
        assert_eq!(unique(&nodes), ["Add_0", "a", "a_3", "a_2", "Add_1", "Add_2", "a_4"]);
    }
}
