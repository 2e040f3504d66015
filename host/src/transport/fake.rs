//! Devices and lines in software, for tests and examples: no board, no simulator, no time that passes.

mod faulty_line;
mod memory;
mod receiver;
mod software_device;

pub use faulty_line::{Cut, Faults, FaultyLine, Injected};
pub use software_device::SoftwareDevice;

use abi::manifest::{Checked, MANIFEST_VERSION, Manifest};
use abi::maps::Reduction;
use abi::packing::StreamFormat;
use abi::{InputMap, OutputMap, StepFunction};

/// A manifest of a core with the given streams and nothing at its ends: an image's values are its elements, and scores
/// are the answers' elements.
///
/// Values between two elements go to the lower one, values beyond -2048, 2047 or the type's range to the nearest one
/// inside.
pub fn manifest_of(input_stream: StreamFormat, output_stream: StreamFormat) -> Manifest {
    let element = input_stream.element;
    // float32 cannot tell the values of the widest types apart; a fake has no use for so many.
    let values = (element.minimum().max(-2048)..=element.maximum().min(2047)).step_by(element.step() as usize);
    let values: Vec<i32> = values.map(|value| value as i32).collect();
    Manifest {
        manifest_version: MANIFEST_VERSION,
        network: "fake".into(),
        design_hash: "0123456789abcdef".repeat(4),
        top: "fake".into(),
        files: Vec::new(),
        input_map: InputMap {
            domain: None,
            shape: vec![input_stream.elements_per_image()],
            element,
            functions: vec![StepFunction {
                boundaries: values[1..].iter().map(|value| *value as f32).collect(),
                values,
            }],
            function_of: Vec::new(),
            source_of: Vec::new(),
        },
        input_stream,
        output_stream,
        output_map: OutputMap {
            shape: vec![output_stream.elements_per_image()],
            scale: vec![1.0],
            bias: vec![0.0],
            divisor: 1.0,
            source_of: Vec::new(),
            score_map: None,
            reduction: Reduction::None,
        },
        initiation_interval_cycles: 10,
        latency_cycles: 100,
        clock_mhz: 100.0,
        checked: Checked::Unchecked,
        device: None,
        weights: None,
    }
}
