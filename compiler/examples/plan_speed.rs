//! Plans a model and says how long that took: `plan_speed MODEL [RATE|max] [LUTS BLOCK_RAMS]`, the chip an ECP5.
use compiler::chip::family::Family;
use compiler::estimate::Shell;
use compiler::planner::{Budget, Goal, Target, plan_for};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let path = arguments.first().expect("a model");
    let goal = match arguments.get(1).map(String::as_str) {
        Some("max") => Goal::Fastest,
        rate => Goal::FramesPerSecond(rate.unwrap_or("1000").parse().expect("a rate")),
    };
    let number = |index: usize| arguments.get(index).map(|number| number.parse::<u64>().expect("a number"));
    let shell = Shell { ring_words: 512, line_bytes: 512 };
    let budget = number(2).zip(number(3)).map(|(lut, bram)| Budget { lut, ff: lut, bram, shell });
    let target = Target { budget, ..Target::of(Family::Ecp5) };
    let network =
        compiler::lower::lower(&network::onnx::import(std::path::Path::new(path)).expect("imports")).expect("lowers");
    let start = std::time::Instant::now();
    let plan = plan_for(network, &goal, 100.0, &target);
    let took = start.elapsed();
    match plan {
        Ok(plan) => {
            print!("{plan}");
            println!("{:?}", target.estimate(&plan.streams, &plan.stages));
        }
        Err(error) => println!("{error}"),
    }
    println!("{took:?}");
}
