//! Any text as a `manifest.json`: the host opens a device with it and runs an image, on a bus that says yes to everything.

use super::render;
use abi::manifest::Manifest;
use abi::registers::{ABI_VERSION, CONTROL_RESET, IDENTIFIER, Register};
use abi::window::WindowFormat;
use host::{Bus, BusError, Device};
use std::collections::BTreeMap;

/// Images with more values than these would only cost time.
const MAX_VALUES: usize = 1 << 14;

/// Reads the bytes as a manifest and uses it.
pub fn run(data: &[u8]) {
    let Ok(manifest) = serde_json::from_slice::<Manifest>(data) else { return };
    let text = serde_json::to_vec(&manifest).expect("a manifest is written as it was read");
    serde_json::from_slice::<Manifest>(&text).expect("a manifest is read as it was written");
    let mut device = match Device::open(Agreeing::new(&manifest), &manifest) {
        Ok(device) => device,
        Err(error) => return render(&error),
    };
    let values = manifest.input_map.len();
    if values > MAX_VALUES || manifest.output_stream.elements_per_image() > MAX_VALUES {
        return;
    }
    let image: Vec<f32> = (0..values).map(|index| [0.5, -1.0, 0.0, 200.0][index % 4]).collect();
    match device.infer(&[image.clone(), image], &mut |_| {}) {
        Ok(scores) => scores.iter().for_each(|scores| {
            manifest.output_map.prediction(scores);
        }),
        Err(error) => render(&error),
    }
}

/// The words of a device that is as the manifest says.
struct Agreeing {
    words: BTreeMap<u32, u32>,
}

impl Agreeing {
    fn new(manifest: &Manifest) -> Self {
        // Sizes that the host must refuse first.
        let words = |stream: &abi::packing::StreamFormat| {
            let elements = stream.channels.saturating_mul(stream.vectors);
            let is_sound = elements <= 1 << 24 && stream.lanes > 0 && (1..=32).contains(&stream.element.bits());
            if is_sound { WindowFormat::of(stream).words_per_image() as u32 } else { 0 }
        };
        let mut found = BTreeMap::from([
            (Register::Identifier.address(), IDENTIFIER),
            (Register::AbiVersion.address(), ABI_VERSION.code()),
            (Register::Slots.address(), 3),
            (Register::InputWords.address(), words(&manifest.input_stream)),
            (Register::OutputWords.address(), words(&manifest.output_stream)),
            (Register::ClockHertz.address(), 100_000_000),
            (Register::FrameWords.address(), 256),
        ]);
        if let Some(weights) = manifest.weights {
            found.insert(Register::WeightWords.address(), weights.words);
            found.insert(Register::WeightsIdentity.address(), weights.identity);
        }
        for (index, bytes) in manifest.design_hash_bytes().unwrap_or_default().chunks(4).enumerate() {
            let word = bytes.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte));
            found.insert(Register::DesignHash.address() + 4 * index as u32, word);
        }
        Agreeing { words: found }
    }
}

impl Bus for Agreeing {
    fn read(&mut self, address: u32, words: &mut [u32]) -> Result<(), BusError> {
        for (place, word) in (address..).step_by(4).zip(words) {
            *word = self.words.get(&place).copied().unwrap_or(0);
        }
        Ok(())
    }

    fn write(&mut self, address: u32, words: &[u32]) -> Result<(), BusError> {
        if address == Register::Control.address() && words[0] & CONTROL_RESET != 0 {
            self.words.remove(&Register::Submitted.address());
            self.words.remove(&Register::Completed.address());
        } else if address < 0x100 {
            self.words.insert(address, words[0]);
            if address == Register::Submitted.address() {
                self.words.insert(Register::Completed.address(), words[0]);
            }
        }
        Ok(())
    }

    fn time_scale(&self) -> u32 {
        1
    }
}
