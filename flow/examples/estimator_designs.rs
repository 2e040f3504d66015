//! Random designs for `scripts/estimator/estimator.py`: their Verilog, and what the estimator knows of each stage.
//!
//! `estimator_designs FOLDER FAMILY FIRST_SEED COUNT` writes a compiled directory for each seed, with a device around the
//! core, and in it `stages.json`.

use abi::ElementType;
use compiler::blocks::{Dot, Parallelism};
use compiler::chip::family::Family;
use compiler::chip::features::Features;
use compiler::estimate::shell_features;
use compiler::plan::{Plan, Stage};
use compiler::planner::{Goal, Target, plan_for};
use flow::artifacts;
use flow::board::{Board, shell};
use network::network::Network;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use testkit::networks::{BIPOLAR, Builder, window};

/// Seeds from here on are of networks with joins, in which every kind of stage occurs.
const JOINED: u64 = 5000;

/// A small generator, the same for ever.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % limit
    }

    fn within(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }

    /// Small numbers as often as large ones.
    fn scaled(&mut self, low: usize, high: usize) -> usize {
        let exponent = self.below(1001) as f64 / 1000.0;
        (low as f64 * (high as f64 / low as f64).powf(exponent)).round() as usize
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

fn unsigned(bits: u32) -> ElementType {
    ElementType::Unsigned { bits }
}

fn signed(bits: u32) -> ElementType {
    ElementType::Signed { bits }
}

fn weights(random: &mut Random) -> ElementType {
    random.one_of(&[BIPOLAR, BIPOLAR, BIPOLAR, signed(2), signed(3), signed(4)])
}

fn codes(random: &mut Random) -> ElementType {
    random.one_of(&[BIPOLAR, BIPOLAR, BIPOLAR, unsigned(1), unsigned(2), signed(3), unsigned(4)])
}

fn dense(random: &mut Random, seed: u64) -> Network {
    let input = random.one_of(&[BIPOLAR, BIPOLAR, unsigned(2), unsigned(8), signed(3)]);
    let channels = random.scaled(12, 300);
    let (mut builder, mut at) = Builder::new("dense", [1, 1, channels], input, seed);
    for _ in 0..random.within(1, 2) {
        at = builder.dense(at, random.scaled(8, 96), weights(random));
        at = builder.steps(at, codes(random));
    }
    at = builder.dense(at, random.within(2, 12), weights(random));
    if random.below(2) == 0 {
        at = builder.arg_max(at);
    }
    builder.finish(at)
}

fn convolutional(random: &mut Random, seed: u64) -> Network {
    let mut size = random.within(7, 16);
    let input = random.one_of(&[BIPOLAR, unsigned(2), unsigned(8), signed(3)]);
    let (mut builder, mut at) = Builder::new("convolutional", [size, size, random.within(1, 12)], input, seed);
    for _ in 0..random.within(1, 2) {
        let kernel = random.within(1, 3).min(size);
        let padding = if kernel == 3 { random.below(2) } else { 0 };
        let channels = random.scaled(4, 24);
        at = builder.convolution(at, window(kernel, 1, padding), 1, 0, (channels, weights(random)));
        at = builder.steps(at, codes(random));
        size = size + 2 * padding + 1 - kernel;
        if size > 3 && random.below(3) == 0 {
            at = builder.extremum(at, window(2, 2, 0));
            size /= 2;
        }
    }
    at = builder.flatten(at);
    at = builder.dense(at, random.within(2, 10), weights(random));
    builder.finish(at)
}

fn joined(random: &mut Random, seed: u64) -> Network {
    let size = random.within(5, 10);
    let channels = random.scaled(3, 24);
    let (mut builder, mut at) = Builder::new("joined", [size, size, channels], codes(random), seed);
    for _ in 0..random.within(1, 2) {
        let kernel = random.one_of(&[1, 3]);
        let sums = builder.convolution(at, window(kernel, 1, kernel / 2), 1, 0, (channels, weights(random)));
        let branch = builder.steps(sums, codes(random));
        at = match random.below(4) {
            0 => {
                let (first, second) = (random.within(1, 5) as i64, -(random.within(1, 5) as i64));
                let sum = builder.add(&[(at, first), (branch, second)]);
                builder.steps(sum, codes(random))
            }
            1 => builder.table(at, branch, codes(random)),
            2 => {
                let wide = builder.concat(branch, branch);
                let sums = builder.dense(wide, channels, weights(random));
                builder.steps(sums, codes(random))
            }
            _ => {
                let weights = weights(random);
                let sums = builder.convolution(branch, window(3, 1, 1), channels, 0, (channels, weights));
                builder.steps(sums, codes(random))
            }
        };
    }
    at = match random.below(4) {
        0 => builder.upsample(at, 2, random.within(1, 2)),
        1 => builder.sum(at, window(2, 1, 0)),
        2 => builder.sum(at, window(size, 1, 0)),
        _ => builder.add(&[(at, -3)]),
    };
    let sums = builder.dense(at, random.within(2, 8), weights(random));
    builder.finish(sums)
}

fn folding(network: &Network, random: &mut Random) -> BTreeMap<String, Parallelism> {
    let mut folding = BTreeMap::new();
    for layer in &network.layers {
        let Some(dot) = Dot::new(network, layer) else { continue };
        let limits = dot.limits();
        // Designs that synthesis is done with in seconds.
        let products = layer.kind.weights().map_or(1, |weights| weights.element.bits() as usize)
            * network.tensor(layer.input()).element.bits() as usize;
        let most = (240 / products).max(6);
        let simd = limits.simd.min(most).min(96);
        let simd = simd.div_ceil(random.scaled(1, simd));
        let pe = random.scaled(1, (most / simd).clamp(1, limits.pe));
        folding.insert(layer.name.clone(), Parallelism { pe, simd });
    }
    folding
}

fn values(list: &[(&'static str, f64)]) -> Value {
    list.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect::<serde_json::Map<_, _>>().into()
}

fn described(name: &str, features: &Features) -> Value {
    json!({
        "name": name, "kind": features.kind, "bram": features.bram,
        "lut": values(&features.lut), "ff": values(&features.ff),
    })
}

fn write(plan: &Plan, family: Family, folder: &Path) -> Result<(), Box<dyn Error>> {
    let board = Board::find("ulx3s-85f")?;
    artifacts::write(plan, Some(&board), folder)?;
    let of = |stage: &Stage| stage.block.shape().features(family, &stage.memories);
    let mut stages: Vec<Value> = plan.stages.iter().map(|stage| described(&stage.name, &of(stage))).collect();
    let shell = shell_features(&plan.input_format(), &plan.output_format(), family, &shell(family));
    let parts = ["shell", "input_converter", "output_converter"];
    stages.extend(parts.iter().zip(&shell).map(|(name, features)| described(name, features)));
    let text = serde_json::to_string_pretty(&json!({ "family": family, "stages": stages }))?;
    std::fs::write(folder.join("stages.json"), text)?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, family, first, count] = arguments.as_slice() else {
        return Err("give a folder, a family, the first seed and the number of designs".into());
    };
    let family = Family::named(family).ok_or("the family must be one of those that costs are known of")?;
    let first: u64 = first.parse()?;
    std::fs::create_dir_all(folder)?;
    for seed in first..first + count.parse::<u64>()? {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        random.below(2);
        let network = match random.below(5) {
            _ if seed >= JOINED => joined(&mut random, seed),
            0 | 1 => dense(&mut random, seed),
            2 | 3 => convolutional(&mut random, seed),
            _ => joined(&mut random, seed),
        };
        let price = random.one_of(&[30.0, 100.0, 240.0, 400.0, 2000.0]);
        let target = Target { price: Some(price), ..Target::of(family) };
        let folding = folding(&network, &mut random);
        let plan = plan_for(network, &Goal::Folding(folding), 25.0, &target)?;
        write(&plan, family, &Path::new(folder).join(seed.to_string()))?;
    }
    Ok(())
}
