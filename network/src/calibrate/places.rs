//! Where real numbers reach an operation that needs integers.

use crate::graph::{Graph, Node, Operator, Source, ValueId};
use crate::reference::Evaluator;
use std::collections::HashMap;

/// What a quantiser quantises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PlaceKind {
    /// The model's input itself.
    Image,
    /// An operand of a sum or concatenation, whose scales must have a small common measure.
    Joined,
    /// Anything else.
    Inner,
}

/// A value to be quantised.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Place {
    pub value: ValueId,
    pub kind: PlaceKind,
    /// Number of node and of its input, for each that reads the quantised value from then on.
    pub edges: Vec<(usize, usize)>,
}

/// What is known of a value that depends on the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A function of the image, of scale and shape only where `scaled`.
    Real { scaled: bool, shifted: bool },
    /// A quantiser's codes times a scale, or sums of such.
    Codes { shifted: bool },
    /// Sums of a dot product under affine functions.
    Sums,
    /// A function that is not affine, or differs between channels, behind codes or sums.
    Function,
}

struct Search<'a> {
    graph: &'a Graph,
    evaluator: &'a Evaluator<'a>,
    image_is_integer: bool,
    kinds: HashMap<ValueId, Kind>,
    readers: HashMap<ValueId, usize>,
    places: Vec<Place>,
}

/// The values to be quantised, for a graph whose image holds integers or not.
pub(super) fn find<'a>(graph: &'a Graph, evaluator: &'a Evaluator<'a>, image_is_integer: bool) -> Vec<Place> {
    let mut readers = HashMap::new();
    for input in graph.nodes.iter().flat_map(|node| &node.inputs).chain([&graph.output]) {
        *readers.entry(*input).or_insert(0) += 1;
    }
    let image = match graph.input_codes() {
        Some(_) => Kind::Codes { shifted: false },
        None => Kind::Real { scaled: true, shifted: false },
    };
    let kinds = HashMap::from([(graph.input, image)]);
    let mut search = Search { graph, evaluator, image_is_integer, kinds, readers, places: Vec::new() };
    for (index, node) in graph.nodes.iter().enumerate() {
        search.visit(index, node);
    }
    search.places
}

impl Search<'_> {
    fn visit(&mut self, index: usize, node: &Node) {
        let data: Vec<usize> =
            (0..node.inputs.len()).filter(|place| self.kind(node.inputs[*place]).is_some()).collect();
        let Some(first) = data.first().copied() else {
            return;
        };
        let joins = match node.operator {
            Operator::Add | Operator::Sub | Operator::Mul => data.len() == 2,
            Operator::Concat { .. } => true,
            _ => false,
        };
        let mut kinds = data.iter().map(|place| self.check(index, node, *place, joins)).collect::<Vec<Kind>>();
        let kind = kinds.swap_remove(0);
        let kind = if joins { Kind::Codes { shifted: false } } else { self.result(node, first, kind) };
        for output in &node.outputs {
            self.kinds.insert(*output, kind);
        }
    }

    fn kind(&self, value: ValueId) -> Option<Kind> {
        self.kinds.get(&value).copied()
    }

    /// What a node reads, behind the quantiser that is put there where it needs integers and has none.
    fn check(&mut self, index: usize, node: &Node, place: usize, joins: bool) -> Kind {
        let value = node.inputs[place];
        let kind = self.kinds[&value];
        let pads = match &node.operator {
            Operator::Conv { window, .. } => window.pads_before.iter().chain(&window.pads_after).any(|pad| *pad > 0),
            Operator::Pad { .. } | Operator::Dilate { .. } => true,
            _ => false,
        };
        let is_good = match (&node.operator, kind) {
            (
                Operator::MatMul
                | Operator::Gemm { .. }
                | Operator::Conv { .. }
                | Operator::Pad { .. }
                | Operator::Dilate { .. },
                kind,
            ) => matches!(kind, Kind::Codes { shifted } if !(shifted && pads)),
            (Operator::AveragePool { .. }, kind) => matches!(kind, Kind::Codes { .. } | Kind::Sums),
            (Operator::MaxPool { .. } | Operator::Upsample { .. } | Operator::Select { .. }, kind) => {
                !matches!(kind, Kind::Real { .. })
            }
            (_, kind) => !joins || matches!(kind, Kind::Codes { .. }),
        };
        if is_good {
            return kind;
        }
        if let Kind::Real { scaled: true, shifted } = kind
            && self.image_is_integer
            && !(shifted && pads)
        {
            self.quantise_image();
            return Kind::Codes { shifted };
        }
        let (edge, value) = self.before_reshaping((index, place), value);
        let codes = Kind::Codes { shifted: false };
        let kind = if joins { PlaceKind::Joined } else { PlaceKind::Inner };
        match self.places.iter_mut().find(|place| place.value == value) {
            Some(found) => {
                found.edges.push(edge);
                if joins {
                    found.kind = kind;
                }
            }
            None => self.places.push(Place { value, kind, edges: vec![edge] }),
        }
        if edge.0 != index {
            self.kinds.insert(node.inputs[place], codes);
        }
        codes
    }

    /// Quantises the image for all that read it.
    fn quantise_image(&mut self) {
        let image = self.graph.input;
        if self.places.iter().any(|place| place.kind == PlaceKind::Image) {
            return;
        }
        let edges = self.graph.nodes.iter().enumerate().flat_map(|(index, node)| {
            let reads = node.inputs.iter().enumerate().filter(|(_, input)| **input == image);
            reads.map(move |(place, _)| (index, place))
        });
        self.places.push(Place { value: image, kind: PlaceKind::Image, edges: edges.collect() });
        for kind in self.kinds.values_mut() {
            if let Kind::Real { scaled: true, shifted } = *kind {
                *kind = Kind::Codes { shifted };
            }
        }
    }

    /// The edge and value before operations that only move elements, as far as nobody else reads what they make.
    fn before_reshaping(&self, mut edge: (usize, usize), mut value: ValueId) -> ((usize, usize), ValueId) {
        while let Source::Node(id) = self.graph.value(value).source
            && matches!(self.graph.node(id).operator, Operator::Reshape | Operator::Transpose { .. })
            && self.readers[&value] == 1
        {
            (edge, value) = ((id.0, 0), self.graph.node(id).inputs[0]);
        }
        (edge, value)
    }

    /// What a node makes of data that is fit for it.
    fn result(&self, node: &Node, first: usize, kind: Kind) -> Kind {
        let others_are_scalar = || {
            let others = node.inputs.iter().enumerate().filter(|(place, _)| *place != first);
            others.map(|(_, other)| self.evaluator.constant(*other)).all(|tensor| tensor.is_some_and(|t| t.len() == 1))
        };
        match &node.operator {
            Operator::Reshape
            | Operator::Transpose { .. }
            | Operator::Select { .. }
            | Operator::MaxPool { .. }
            | Operator::Upsample { .. } => kind,
            Operator::Quant { .. }
            | Operator::QuantizeLinear { .. }
            | Operator::BipolarQuant
            | Operator::MultiThreshold { .. }
            | Operator::Kernel(_)
            | Operator::Sign => Kind::Codes { shifted: false },
            Operator::MatMul | Operator::Gemm { .. } | Operator::Conv { .. } => Kind::Sums,
            Operator::AveragePool { .. } => match kind {
                Kind::Sums => Kind::Sums,
                _ => Kind::Codes { shifted: matches!(kind, Kind::Codes { shifted: true }) },
            },
            Operator::Pad { .. } | Operator::Dilate { .. } => Kind::Codes { shifted: false },
            Operator::Mul | Operator::Neg => scaled(kind, others_are_scalar(), false),
            Operator::Div if first == 0 => scaled(kind, others_are_scalar(), false),
            Operator::Add | Operator::Sub => scaled(kind, others_are_scalar(), true),
            Operator::BatchNormalization { .. } => scaled(kind, false, true),
            _ => match kind {
                Kind::Real { .. } => Kind::Real { scaled: false, shifted: true },
                _ => Kind::Function,
            },
        }
    }
}

/// Data under an affine function, alike for all elements or not.
fn scaled(kind: Kind, is_uniform: bool, shifts: bool) -> Kind {
    match kind {
        Kind::Real { scaled, shifted } => Kind::Real { scaled: scaled && is_uniform, shifted: shifted || shifts },
        Kind::Codes { shifted } if is_uniform => Kind::Codes { shifted: shifted || shifts },
        Kind::Codes { .. } => Kind::Function,
        Kind::Sums => Kind::Sums,
        Kind::Function => Kind::Function,
    }
}
