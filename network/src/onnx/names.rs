//! Unique names for nodes.

use super::proto::NodeProto;
use abi::text::printable;
use std::collections::{HashMap, HashSet};

/// Most characters of a name that a file gives.
const MAX_CHARACTERS: usize = 200;

/// A name of the file as a graph holds it: on one line, without anything that a terminal would obey, and not too long.
pub(crate) fn clean(name: &str) -> String {
    printable(name).chars().take(MAX_CHARACTERS).collect()
}

/// A name for each node: its own; with a number appended where an earlier node has it; `<Operator>_<number>` where
/// the file gives none.
pub(super) fn unique(nodes: &[NodeProto]) -> Vec<String> {
    let own: Vec<String> = nodes.iter().map(|node| clean(&node.name)).collect();
    let given: HashSet<&str> = own.iter().map(String::as_str).collect();
    let mut used = HashSet::new();
    let mut next = HashMap::new();
    nodes
        .iter()
        .zip(&own)
        .map(|(node, own)| {
            let is_unnamed = own.is_empty();
            if !is_unnamed && used.insert(own.clone()) {
                return own.clone();
            }
            let stem = if is_unnamed { clean(&node.op_type) } else { own.clone() };
            // Counters are kept for each stem, so that a file with a thousand equal names takes a thousand steps.
            let number = next.entry((is_unnamed, stem.clone())).or_insert(if is_unnamed { 0 } else { 2 });
            loop {
                let name = format!("{stem}_{number}");
                *number += 1;
                if !given.contains(name.as_str()) && used.insert(name.clone()) {
                    return name;
                }
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{MAX_CHARACTERS, NodeProto, clean, unique};

    #[test]
    fn names_are_kept_where_they_can_be() {
        let node = |name: &str| NodeProto { name: name.into(), op_type: "Add".into(), ..NodeProto::default() };
        let nodes = [node(""), node("a"), node("a"), node("a_2"), node("Add_1"), node(""), node("a")];
        assert_eq!(unique(&nodes), ["Add_0", "a", "a_3", "a_2", "Add_1", "Add_2", "a_4"]);
    }

    #[test]
    fn names_that_differ_in_what_is_not_shown_stay_apart() {
        let node = |name: &str| NodeProto { name: name.into(), op_type: "Add\u{1b}".into(), ..NodeProto::default() };
        let long = "n".repeat(3 * MAX_CHARACTERS);
        let names = unique(&[node("a\r"), node("a\\r"), node(&long), node(&(long.clone() + "x")), node("")]);
        assert_eq!(names[..2], ["a\\r", "a\\r_2"]);
        assert_eq!(names[2..], [clean(&long), clean(&long) + "_2", "Add\\u{1b}_0".into()]);
    }
}
