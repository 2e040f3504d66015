//! The files between this process and the harness, little-endian.
//!
//! A word takes ⌈bits/32⌉ chunks of 32 bits, lowest first.
//!
//! * Stimulus: magic `XFST`, u64 images, then every input word.
//! * Weights: for each word of the weight window that is to be written its number and itself, both u32.
//! * Result: magic `XFRS`; u32 status; u64 cycle at the end, input words accepted, output words delivered; two words, the
//!   output before and at the end; u64 number of images begun and the cycle (u64) of each one's first input word; the
//!   cycle (u64) of each output word; each output word; for each probe u64 number of words and the words.

use crate::SimError;
use crate::stream_core::{StageProbe, StreamCore, StreamRecord, Word};
use abi::packing::StreamFormat;
use abi::weights::Segment;
use bitvec::field::BitField;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

const STIMULUS_MAGIC: u32 = u32::from_le_bytes(*b"XFST");
const RESULT_MAGIC: u32 = u32::from_le_bytes(*b"XFRS");

/// Writes the stimulus for images given as elements in stream order.
pub(super) fn write_stimulus(path: &Path, format: &StreamFormat, images: &[Vec<i32>]) -> Result<(), SimError> {
    let write = || -> std::io::Result<()> {
        let mut file = BufWriter::new(File::create(path)?);
        file.write_all(&STIMULUS_MAGIC.to_le_bytes())?;
        file.write_all(&(images.len() as u64).to_le_bytes())?;
        for image in images {
            for word in format.pack(image) {
                for chunk in word.chunks(32) {
                    file.write_all(&chunk.load_le::<u32>().to_le_bytes())?;
                }
            }
        }
        file.flush()
    };
    write().map_err(SimError::file("write", path))
}

/// Writes the words that the weight window is to be given.
pub(super) fn write_weights(path: &Path, segments: &[Segment]) -> Result<(), SimError> {
    let words = segments.iter().flat_map(|Segment { first, words }| (*first..).zip(words.iter().copied()));
    let bytes: Vec<u8> =
        words.flat_map(|(address, word)| [address, word]).flat_map(|number| number.to_le_bytes()).collect();
    std::fs::write(path, bytes).map_err(SimError::file("write", path))
}

/// Reads the result of a run of `images` images.
pub(super) fn read_result(
    path: &Path,
    core: &StreamCore,
    probes: &[StageProbe],
    images: usize,
    patience: u64,
) -> Result<StreamRecord, SimError> {
    let bytes = std::fs::read(path).map_err(SimError::file("read", path))?;
    let mut reader = Reader { rest: &bytes };
    let mut read = || -> Option<Result<StreamRecord, SimError>> {
        if reader.u32()? != RESULT_MAGIC {
            return None;
        }
        let status = reader.u32()?;
        let (cycle, taken, given) = (reader.u64()?, reader.u64()?, reader.u64()?);
        let before = reader.word(core.output.word_bits())?;
        let after = reader.word(core.output.word_bits())?;
        if let Some(error) = failure(core, images as u64, patience, status, [cycle, taken, given], [&before, &after]) {
            return Some(Err(error));
        }
        let mut record = StreamRecord::default();
        for _ in 0..reader.u64()? {
            record.image_starts.push(reader.u64()?);
        }
        for _ in 0..given {
            record.word_cycles.push(reader.u64()?);
        }
        for _ in 0..given {
            record.words.push(reader.word(core.output.word_bits())?);
        }
        for probe in probes {
            let count = reader.u64()?;
            let words = (0..count).map(|_| reader.word(probe.format.word_bits())).collect::<Option<_>>()?;
            record.stages.push(words);
        }
        Some(Ok(record))
    };
    read().unwrap_or(Err(SimError::Internal("the harness wrote a result that cannot be read")))
}

fn failure(
    core: &StreamCore,
    images: u64,
    patience: u64,
    status: u32,
    [cycle, taken, given]: [u64; 3],
    [before, after]: [&Word; 2],
) -> Option<SimError> {
    let top = core.top.clone();
    let expected = |format: &StreamFormat| images * format.words_per_image() as u64;
    match status {
        0 => None,
        1 => Some(SimError::Stuck {
            top,
            cycle,
            patience,
            taken,
            taken_expected: expected(&core.input),
            given,
            given_expected: expected(&core.output),
        }),
        2 => {
            let (before, after) = (hexadecimal(before), hexadecimal(after));
            Some(SimError::DataChanged { top, cycle, word: given, before, after })
        }
        3 => Some(SimError::ValidWithdrawn { top, cycle, word: given }),
        4 => Some(SimError::SurplusWord { top, cycle, expected: expected(&core.output) }),
        5 => {
            let status = format!("$finish at cycle {cycle}");
            Some(SimError::SimulatorFailed { top, status, tail: String::new() })
        }
        _ => Some(SimError::Internal("the harness wrote an unknown status")),
    }
}

/// A word's hexadecimal digits, highest first.
fn hexadecimal(word: &Word) -> String {
    let digits: Vec<String> = word.chunks(4).map(|digit| format!("{:x}", digit.load_le::<u8>())).collect();
    digits.into_iter().rev().collect()
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn u32(&mut self) -> Option<u32> {
        let (bytes, rest) = self.rest.split_first_chunk::<4>()?;
        self.rest = rest;
        Some(u32::from_le_bytes(*bytes))
    }

    fn u64(&mut self) -> Option<u64> {
        let low = self.u32()?;
        Some(u64::from(self.u32()?) << 32 | u64::from(low))
    }

    fn word(&mut self, bits: usize) -> Option<Word> {
        let mut word = Word::repeat(false, bits);
        for chunk in word.chunks_mut(32) {
            chunk.store_le(self.u32()?);
        }
        Some(word)
    }
}
