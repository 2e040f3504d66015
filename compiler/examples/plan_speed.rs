//! Plans a model and says how long that took.
use compiler::fold::{Goal, plan};
fn main() {
    let mut args = std::env::args().skip(1);
    let path = args.next().expect("a model");
    let fps: f64 = args.next().map_or(1000.0, |fps| fps.parse().expect("a rate"));
    let network =
        compiler::lower::lower(&network::onnx::import(std::path::Path::new(&path)).expect("imports")).expect("lowers");
    let start = std::time::Instant::now();
    let plan = plan(network, &Goal::FramesPerSecond(fps), 100.0);
    let took = start.elapsed();
    match plan {
        Ok(plan) => println!("{plan}"),
        Err(error) => println!("{error}"),
    }
    println!("{took:?}");
}
