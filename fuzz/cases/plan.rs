//! Any text as `plan.json`, `loaded.json` and a folding file.

use super::render;
use compiler::blocks::Parallelism;
use compiler::lower::lower;
use compiler::plan::Plan;
use compiler::planner::{Goal, plan};
use network::network::{LayerKind, Network};
use network::onnx::import_bytes;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// Networks with more elements than these would only cost time.
const MAX_ELEMENTS: usize = 1 << 13;

/// Reads the bytes as each of the three and uses them as the program does.
pub fn run(data: &[u8]) {
    if let Ok(plan) = serde_json::from_slice::<Plan>(data) {
        of_plan(&plan);
    }
    if let Ok(network) = serde_json::from_slice::<Network>(data) {
        match network.validate() {
            Ok(()) if is_quick(&network) => {
                let image = vec![0.5; network.input_map.len()];
                network::integer::run(&network, &image).expect("an image of numbers in the network's shape");
            }
            Ok(()) => {}
            Err(error) => render(&error),
        }
    }
    if let Ok(folding) = serde_json::from_slice::<BTreeMap<String, Parallelism>>(data) {
        match plan(small().clone(), &Goal::Folding(folding), 100.0) {
            Ok(plan) => plan.validate().expect("planning gives valid plans"),
            Err(error) => render(&error),
        }
    }
}

fn of_plan(plan: &Plan) {
    if let Err(error) = plan.network.validate() {
        return render(&error);
    }
    if !is_quick(&plan.network) {
        return;
    }
    match plan.validate() {
        Ok(()) => assert!(!plan.to_string().is_empty()),
        Err(error) => render(&error),
    }
}

/// Whether little is to be computed for the network.
fn is_quick(network: &Network) -> bool {
    let elements = network.tensors.iter().map(|tensor| tensor.elements()).fold(0, usize::saturating_add);
    let taps = network.layers.iter().map(|layer| match &layer.kind {
        LayerKind::Convolution(convolution) => convolution.window.kernel.iter().product(),
        LayerKind::Pool(pool) => pool.window.kernel.iter().product(),
        _ => 1usize,
    });
    elements <= MAX_ELEMENTS && taps.max().unwrap_or(1) <= 64
}

/// The network that folding files are for.
fn small() -> &'static Network {
    static SMALL: OnceLock<Network> = OnceLock::new();
    SMALL.get_or_init(|| {
        let file = include_bytes!("../seeds/importer/perceptron.onnx");
        let graph = import_bytes(file, None, "perceptron").expect("a seed imports");
        lower(&graph).expect("a seed lowers")
    })
}
