//! How the time from a file to its answer grows with the number of nodes: `cargo run --release -p xnorforge-sim --example
//! large_graphs [NODES…]`, else 1,000 and 4,000.
//!
//! A row is a graph and its seconds: import, approximation and lowering, planning, preparing and running an image by the
//! reference and by the packed engine; then the sum of these, and how much it grows from the size before, as a power of the
//! number of nodes. The last two columns are the same of writing the compiled directory, with the check of its values.

use compiler::lower::lower;
use compiler::planner::{Goal, plan};
use network::approximate::approximate;
use network::onnx::import_bytes;
use sim::packed::Packed;
use sim::reference::Reference;
use sim::{Executor, RunOptions};
use std::error::Error;
use std::time::Instant;
use testkit::large_graphs::FAMILIES;

fn main() {
    let mut sizes: Vec<usize> = std::env::args().skip(1).map(|size| size.parse().expect("a number of nodes")).collect();
    if sizes.is_empty() {
        sizes = vec![1000, 4000];
    }
    println!(
        "{:<30} {:>6} {:>8} {:>8} {:>8} {:>9} {:>8} {:>8} {:>6} {:>8} {:>6}",
        "graph", "nodes", "import", "lower", "plan", "reference", "cpu", "sum", "power", "write", "power"
    );
    for family in FAMILIES {
        let mut before: Option<(usize, [f64; 2])> = None;
        for size in &sizes {
            match seconds(&family.file(*size)) {
                Err(error) => println!("{:<30} {size:>6} {error}", family.name),
                Ok((seconds, write)) => {
                    let sum: f64 = seconds.iter().sum();
                    let power = |index: usize, now: f64| match before {
                        None => String::new(),
                        Some((nodes, times)) => {
                            format!("{:.2}", (now / times[index]).ln() / (*size as f64 / nodes as f64).ln())
                        }
                    };
                    let ([import, lower, plan, reference, cpu], powers) = (seconds, [power(0, sum), power(1, write)]);
                    println!(
                        "{:<30} {size:>6} {import:>8.3} {lower:>8.3} {plan:>8.3} {reference:>9.3} {cpu:>8.3} {sum:>8.3} {:>6} {write:>8.3} {:>6}",
                        family.name, powers[0], powers[1]
                    );
                    before = Some((*size, [sum, write]));
                }
            }
        }
    }
}

/// The seconds of each step up to the scores, and of writing the directory.
fn seconds(file: &[u8]) -> Result<([f64; 5], f64), Box<dyn Error>> {
    let image = vec![vec![3.0, -2.0, 7.0, 0.0]];
    let (graph, import) = timed(|| import_bytes(file, None, "large"));
    let graph = graph?;
    let (lowered, lower_time) = timed(|| -> Result<_, Box<dyn Error>> {
        let graph = approximate(graph)?;
        let network = lower(&graph)?;
        Ok((graph, network))
    });
    let (graph, network) = lowered?;
    let (planned, plan_time) = timed(|| plan(network.clone(), &Goal::FramesPerSecond(1000.0), 100.0));
    let planned = planned?;
    let folder = tempfile::tempdir()?;
    let (written, write_time) = timed(|| flow::artifacts::write(&planned, None, &folder.path().join("compiled")));
    written?;
    let options = RunOptions::default();
    let (by_reference, reference_time) =
        timed(|| -> Result<_, Box<dyn Error>> { Ok(Reference::new(&graph)?.run(&image, &options)?) });
    let (by_cpu, cpu_time) = timed(|| Packed::new(&network).run(&image, &options));
    if by_reference?.scores != by_cpu?.scores {
        return Err("reference and cpu differ".into());
    }
    Ok(([import, lower_time, plan_time, reference_time, cpu_time], write_time))
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed().as_secs_f64())
}
