//! Runs images on a device and writes their scores, with nothing but this crate and the manifest.
//!
//!     run_images DEVICE manifest.json IMAGES SCORES
//!
//! DEVICE is `pcie:01:00.0`, `uart:/dev/ttyUSB0` or what else [`host::DeviceAddress`] reads. IMAGES are the images' values
//! one after the other, SCORES the scores', both as float32 in little-endian order; class indices become numbers as well.

use abi::manifest::Manifest;
use abi::maps::Scores;
use host::{Device, DeviceAddress};
use std::error::Error;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = env::args().skip(1).collect();
    let [device, manifest, images, scores] = words.as_slice() else {
        return Err("usage: run_images DEVICE manifest.json IMAGES SCORES".into());
    };
    let manifest: Manifest = serde_json::from_str(&fs::read_to_string(manifest)?)?;
    let bytes = fs::read(images)?;
    let values: Vec<f32> =
        bytes.chunks_exact(4).map(|word| f32::from_le_bytes([word[0], word[1], word[2], word[3]])).collect();
    let values_per_image: usize = manifest.input_map.shape.iter().product();
    let images: Vec<Vec<f32>> = values.chunks_exact(values_per_image).map(<[f32]>::to_vec).collect();

    let bus = device.parse::<DeviceAddress>()?.open_bus(&manifest)?;
    let mut device = Device::open(bus, &manifest)?;
    let answers = device.infer(&images, &mut |_| ())?;

    let values = answers.iter().flat_map(|answer| match answer {
        Scores::Values(values) => values.clone(),
        Scores::Indices(indices) => indices.iter().map(|index| *index as f32).collect(),
    });
    fs::write(scores, values.flat_map(f32::to_le_bytes).collect::<Vec<u8>>())?;
    println!("{} images", images.len());
    Ok(())
}
