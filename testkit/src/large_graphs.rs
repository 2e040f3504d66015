//! Graphs of as many nodes as one likes, of few elements: what takes more than a few steps a node shows.

use crate::files::{Build, With, floats, model, node, quant};
use network::onnx::proto::ModelProto;
use prost::Message;

/// A kind of large graph.
pub struct Family {
    /// What it is called.
    pub name: &'static str,
    model: fn(usize) -> ModelProto,
}

impl Family {
    /// The file of the graph of about so many nodes.
    pub fn file(&self, nodes: usize) -> Vec<u8> {
        (self.model)(nodes).encode_to_vec()
    }
}

/// All kinds.
pub const FAMILIES: [Family; 8] = [
    Family { name: "Relu after Relu on floats", model: relus_on_floats },
    Family { name: "Relu after Relu on sums", model: relus_on_sums },
    Family { name: "doubled and halved", model: doubled_and_halved },
    Family { name: "Quant after Quant", model: quantisers },
    Family { name: "one tensor concatenated", model: wide_concatenation },
    Family { name: "residual ladder", model: residual_ladder },
    Family { name: "residual ladder of one tensor", model: residual_ladder_of_one_tensor },
    Family { name: "dense layers", model: dense_layers },
];

/// Elements of the image, and of most tensors.
pub const WIDTH: usize = 4;

struct Graph {
    model: ModelProto,
    last: String,
}

impl Graph {
    fn new() -> Self {
        let model = model(&[1, WIDTH as i64])
            .constant(floats("one", &[], &[1.0]))
            .constant(floats("none", &[], &[0.0]))
            .constant(floats("four", &[], &[4.0]))
            .constant(floats("half", &[], &[0.5]))
            .constant(floats("tenth", &[], &[0.1]));
        Graph { model, last: "x".into() }
    }

    fn quantised() -> Self {
        Graph::new().quant("codes")
    }

    /// Adds a node that reads `inputs`, and whose result is the last one.
    fn node(mut self, operator: &str, inputs: &[&str], name: String) -> Self {
        self.model = self.model.add(node(operator, inputs, &[&name]));
        self.last = name;
        self
    }

    fn quant(mut self, name: &str) -> Self {
        self.model = self.model.add(quant(&[&self.last, "one", "none", "four"], name));
        self.last = name.into();
        self
    }

    fn dense(mut self, rows: usize, columns: usize, name: String) -> Self {
        let value = |index: usize| [1.0, -1.0, 0.0, 1.0, 1.0, 0.0, -1.0][index % 7];
        let values: Vec<f32> = (0..rows * columns).map(value).collect();
        let weights = format!("{name}_weights");
        self.model = self.model.constant(floats(&weights, &[columns as i64, rows as i64], &values));
        let last = self.last.clone();
        self.node("MatMul", &[&last, &weights], name)
    }

    /// The model with two scores of the last result, which has so many elements.
    fn scored(self, elements: usize) -> ModelProto {
        self.dense(2, elements, "y".into()).model
    }
}

fn relus(graph: Graph, count: usize) -> Graph {
    (0..count).fold(graph, |graph, index| {
        let last = graph.last.clone();
        graph.node("Relu", &[&last], format!("relu{index}"))
    })
}

fn relus_on_floats(count: usize) -> ModelProto {
    relus(Graph::new(), count).quant("quantised").scored(WIDTH)
}

fn relus_on_sums(count: usize) -> ModelProto {
    relus(Graph::quantised().dense(WIDTH, WIDTH, "sums".into()), count).quant("quantised").scored(WIDTH)
}

/// Each sum adds the result before to itself `count` times.
pub fn doubled(count: usize) -> ModelProto {
    let graph = (0..count).fold(Graph::quantised(), |graph, index| {
        let last = graph.last.clone();
        graph.node("Add", &[&last, &last], format!("double{index}"))
    });
    graph.scored(WIDTH)
}

/// Each sum adds a tenth of the result before to it, `count` times.
pub fn grown(count: usize) -> ModelProto {
    let graph = (0..count).fold(Graph::quantised(), |graph, index| {
        let (last, tenth) = (graph.last.clone(), format!("tenth{index}"));
        graph.node("Mul", &[&last, "tenth"], tenth.clone()).node("Add", &[&last, &tenth], format!("grown{index}"))
    });
    graph.scored(WIDTH)
}

fn doubled_and_halved(count: usize) -> ModelProto {
    let graph = (0..count / 2).fold(Graph::quantised(), |graph, index| {
        let (last, double) = (graph.last.clone(), format!("double{index}"));
        graph.node("Add", &[&last, &last], double.clone()).node("Mul", &[&double, "half"], format!("half{index}"))
    });
    graph.quant("quantised").scored(WIDTH)
}

fn quantisers(count: usize) -> ModelProto {
    (0..count).fold(Graph::new(), |graph, index| graph.quant(&format!("quant{index}"))).scored(WIDTH)
}

fn wide_concatenation(count: usize) -> ModelProto {
    let mut graph = Graph::quantised();
    let inputs = vec!["codes"; count];
    graph.model = graph.model.add(node("Concat", &inputs, &["wide"]).int("axis", 1));
    graph.last = "wide".into();
    graph.scored(WIDTH * count)
}

fn residual_ladder(count: usize) -> ModelProto {
    let graph = (0..count / 4).fold(Graph::quantised(), |graph, index| {
        let (last, branch) = (graph.last.clone(), format!("branch{index}"));
        let graph = graph.dense(WIDTH, WIDTH, format!("dense{index}")).quant(&branch);
        graph.node("Add", &[&last, &branch], format!("sum{index}")).quant(&format!("quant{index}"))
    });
    graph.scored(WIDTH)
}

fn residual_ladder_of_one_tensor(count: usize) -> ModelProto {
    let graph = (0..count / 3).fold(Graph::quantised(), |graph, index| {
        let (last, branch) = (graph.last.clone(), format!("branch{index}"));
        let graph = graph.node("Relu", &[&last], branch.clone());
        graph.node("Add", &[&last, &branch], format!("sum{index}")).quant(&format!("quant{index}"))
    });
    graph.scored(WIDTH)
}

fn dense_layers(count: usize) -> ModelProto {
    let graph = (0..count / 2).fold(Graph::quantised(), |graph, index| {
        graph.dense(WIDTH, WIDTH, format!("dense{index}")).quant(&format!("quant{index}"))
    });
    graph.scored(WIDTH)
}
