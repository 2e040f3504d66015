#![allow(clippy::unwrap_used, dead_code)]
#[path = "../../sim/tests/random_networks/generator.rs"]
mod generator;
use compiler::fold::{Dot, Goal, Parallelism, plan};
use compiler::lower::lower;
use generator::random_convolutional_graph;
#[test]
fn repro() {
    let seed = 6455961722578445276u64;
    let network = lower(&random_convolutional_graph(seed)).unwrap();
    println!("{network}");
    let folding = network.layers.iter().filter_map(|layer| { let l = Dot::new(&network, layer)?.limits(); Some((layer.name.clone(), Parallelism { pe: l.pe, simd: l.simd })) });
    println!("{:?}", plan(network.clone(), &Goal::Folding(folding.collect()), 100.0).map(|p| p.to_string()));
    let folding = network.layers.iter().filter_map(|layer| { Dot::new(&network, layer)?; Some((layer.name.clone(), Parallelism { pe: 1, simd: 1 })) });
    match plan(network.clone(), &Goal::Folding(folding.collect()), 100.0) { Ok(p) => println!("{p}"), Err(e) => println!("{e}") }
}
