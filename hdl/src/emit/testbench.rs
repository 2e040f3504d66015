//! A self-checking Verilog testbench, so that a design can be checked where only a simulator is installed.
//!
//! `iverilog -g2012 -o tb *.v && vvp tb` in the design's folder runs it. It feeds the recorded images twice: first with a
//! source that always has a word and a sink that always takes one, then with pseudo-random gaps on both sides. It checks
//! every word, that no word changes or goes away while it waits, that no control signal is X and that nothing comes
//! after the last word. It prints `TESTBENCH OK …` or `TESTBENCH FAILED …`; a failure ends the simulator
//! with a status other than zero.

use abi::packing::StreamFormat;

/// A testbench in Verilog and the files that it reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Testbench {
    /// The text of the module `testbench`.
    pub verilog: String,
    /// Names and texts of its memory files. They must lie in the folder where the simulator runs, or in the folder
    /// that the simulator's argument `+vectors=FOLDER` names.
    pub memories: Vec<(String, String)>,
}

const STIMULUS: &str = "testbench_input.mem";
const EXPECTED: &str = "testbench_expected.mem";

/// The testbench for the module `top`.
///
/// `stimulus` holds the elements of each image in stream order and `expected` what must come out for each. A core of
/// which no word moves for `patience` clock cycles counts as stuck. With `has_weights`, it has a weight window, which is not
/// accessed.
pub fn testbench(
    top: &str,
    input: &StreamFormat,
    output: &StreamFormat,
    stimulus: &[Vec<i32>],
    expected: &[Vec<i32>],
    patience: u64,
    has_weights: bool,
) -> Testbench {
    let constants = [
        ("INPUT_BITS", input.word_bits() as u64),
        ("OUTPUT_BITS", output.word_bits() as u64),
        ("INPUT_WORDS", (input.words_per_image() * stimulus.len()) as u64),
        ("OUTPUT_WORDS", (output.words_per_image() * expected.len()) as u64),
        ("OUTPUT_WORDS_PER_IMAGE", output.words_per_image() as u64),
        ("PATIENCE", patience),
        ("DRAIN", 256 + output.words_per_image() as u64),
    ];
    let constants: Vec<String> =
        constants.iter().map(|(name, value)| format!("    localparam {name} = {value};\n")).collect();
    let verilog = TEMPLATE
        .replace("@TOP@", top)
        .replace("@WEIGHTS@", if has_weights { IDLE_WEIGHTS } else { "" })
        .replace("@CONSTANTS@", &constants.concat())
        .replace("@STIMULUS@", STIMULUS)
        .replace("@EXPECTED@", EXPECTED);
    let memories =
        vec![(STIMULUS.to_owned(), memory(input, stimulus)), (EXPECTED.to_owned(), memory(output, expected))];
    Testbench { verilog, memories }
}

/// The words of all images for `$readmemh`, one a line.
fn memory(format: &StreamFormat, images: &[Vec<i32>]) -> String {
    let mut text = String::new();
    for word in images.iter().flat_map(|image| format.pack(image)) {
        let bits: Vec<bool> = word.iter().by_vals().collect();
        for digit in bits.chunks(4).rev() {
            let value = digit.iter().rev().fold(0, |value, bit| value << 1 | u32::from(*bit));
            text.extend(char::from_digit(value, 16));
        }
        text.push('\n');
    }
    text
}

/// The ports of a weight window that nobody accesses.
const IDLE_WEIGHTS: &str = ",
        .weights_select(1'b0),
        .weights_write(1'b0),
        .weights_address(22'd0),
        .weights_data(32'd0),
        .weights_q()";

const TEMPLATE: &str = include_str!("testbench.v");

#[cfg(test)]
mod tests;
