#![allow(clippy::unwrap_used, dead_code)]
#[path = "random_networks/generator.rs"]
mod generator;
use compiler::fold::{Goal, Parallelism, plan};
use compiler::lower::lower;
use generator::*;
use sim::rtl::Rtl;
use sim::{Executor, RunOptions};
#[test]
fn repro() {
    let seed = 18123386306142661150u64;
    let graph = random_convolutional_graph(seed);
    let network = lower(&graph).unwrap();
    println!("{network}");
    let f = |pe, simd| Parallelism { pe, simd };
    let folding = [("Conv_2", f(3, 1)), ("Conv_6", f(1, 1)), ("MatMul_10", f(5, 71))].map(|(n, p)| (n.to_owned(), p));
    let plan = plan(network.clone(), &Goal::Folding(folding.into_iter().collect()), 100.0).unwrap();
    println!("{plan}");
    let images = random_images(&graph, seed, 12);
    for count in [1, 2, 4, 12] {
        let run = Rtl::new(&plan).run(&images[..count], &RunOptions { trace: true, ..RunOptions::default() });
        match run {
            Ok(run) => println!("{count} free ok {:?}", run.cycles),
            Err(error) => println!("{count} {error}"),
        }
        let run =
            Rtl::new(&plan).run(&images[..count], &RunOptions { back_pressure: Some(seed), ..RunOptions::default() });
        match run {
            Ok(_) => println!("{count} held ok"),
            Err(error) => println!("{count} {error}"),
        }
    }
}
