//! Sums of multiplied lanes for `scripts/estimator/lane_sums.py`: their Verilog, and what the model of their cost says.
//!
//! `lane_sums FOLDER` writes a file for each, and `models.json`.

use abi::ElementType;
use compiler::datapath::{Datapath, Form, Multiplier, WeightRange, row_luts, row_registers};
use hdl::blocks::lane_sum::LaneSum;
use hdl::emit::emit;
use hdl::rust_hdl::prelude::Block;
use network::network::WeightMatrix;
use serde_json::json;
use std::error::Error;
use std::path::Path;

/// Powers of two below `2^count`, of either sign, and 0.
fn powers(count: u32) -> Vec<i16> {
    (0..count).flat_map(|exponent| [1 << exponent, -(1 << exponent)]).chain([0]).collect()
}

/// Sums of two powers of two from as many bits as words of two digits of `bits` bits have.
fn sums(bits: u32) -> Vec<i16> {
    let words = (1 << (bits - 1)) - 1;
    let first = powers(words).into_iter().map(|power| 2 * power);
    let sums = first.flat_map(|first| powers(words.max(2) - 1).into_iter().map(move |second| first + second));
    sums.filter(|sum| sum.abs() <= 1 << words).collect()
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("lane_sums FOLDER")?;
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder)?;
    let kinds = [
        ("powers 2", powers(2)),
        ("powers 3", powers(3)),
        ("powers 4", powers(4)),
        ("powers 8", powers(8)),
        ("positive powers 4", vec![0, 1, 2, 4, 8]),
        ("powers with gaps", vec![0, 1, -4, 8, 64, -128]),
        ("two digits of 3 bits", sums(3)),
        ("two digits of 4 bits", sums(4)),
        ("-8..=7", (-8..=7).collect()),
    ];
    let mut models = Vec::new();
    let mut measured = |name: &str, datapath: Datapath, range: WeightRange, (bits, simd): (usize, usize)| {
        let form = Form::new(datapath, range).ok_or("weights that the datapath does not compute")?;
        let multiplier = Multiplier::new(form, range, bits);
        let mut sum = LaneSum::new(multiplier, simd, false, 24);
        sum.connect_all();
        let file = format!("{}.v", models.len());
        std::fs::write(folder.join(&file), emit(&sum, "lanes", "")?.text())?;
        models.push(json!({
            "file": file,
            "datapath": datapath,
            "weights": name,
            "input_bits": bits,
            "simd": simd,
            "luts": row_luts(&multiplier, simd),
            "registers": row_registers(&multiplier, simd),
        }));
        Ok::<(), Box<dyn Error>>(())
    };
    for (name, values) in kinds {
        for size in [(1, 16), (2, 16), (4, 16), (8, 16), (4, 5), (8, 32)] {
            measured(name, Datapath::Shifts, WeightRange::of(&values), size)?;
        }
    }
    for (columns, scale) in [(4, 255), (4, 15), (16, 255), (16, 15), (64, 255)] {
        let values = [scale, 0, -scale, scale].repeat(columns / 4);
        let weights = WeightMatrix { rows: 1, columns, element: ElementType::Signed { bits: 9 }, values };
        let range = WeightRange::held(&weights, columns, false);
        for size in [(1, 16), (2, 16), (4, 16), (8, 16), (4, 4), (8, 32)] {
            measured(&format!("{columns} by 0..={scale}"), Datapath::Groups, range, size)?;
        }
    }
    for values in [&[-54, -44, -20, 54][..], &[-11, -7, 7, 11], &[-2, -1, 2], &[-113, -99, -51, 17, 113]] {
        let range = WeightRange::of(values);
        for size in [(1, 16), (1, 32), (1, 64), (2, 16), (4, 16), (8, 16)] {
            measured(&format!("{values:?}"), Datapath::Bases, range, size)?;
        }
    }
    std::fs::write(folder.join("models.json"), serde_json::to_string_pretty(&models)?)?;
    Ok(())
}
