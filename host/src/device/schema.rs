//! What a device needs of a manifest, checked: everything here fits together, so that no table is read beyond its end.

use super::DeviceError;
use abi::manifest::{MANIFEST_VERSION, Manifest, OLDEST_MANIFEST_VERSION, WeightsManifest};
use abi::packing::StreamFormat;
use abi::registers::Register;
use abi::window::WindowFormat;
use abi::{InputMap, OutputMap};

/// What a device needs of a manifest.
#[derive(Clone, Debug)]
pub(super) struct Schema {
    pub(super) network: String,
    /// As the register holds it.
    pub(super) design_hash: [u32; Register::DesignHash.words() as usize],
    pub(super) input_map: InputMap,
    pub(super) output_map: OutputMap,
    pub(super) input: End,
    pub(super) output: End,
    /// Clock cycles from one image to the next, the first one included.
    pub(super) image_cycles: f64,
    /// The weight window, if there is one.
    pub(super) weights: Option<WeightsManifest>,
}

/// One end of the network.
#[derive(Clone, Debug)]
pub(super) struct End {
    /// `input` or `output`.
    pub(super) name: &'static str,
    pub(super) format: WindowFormat,
    /// Elements of one image.
    pub(super) elements: usize,
}

/// Most elements of an image: more do not fit a window, and their number stays far from overflow.
const MAX_ELEMENTS: usize = 1 << 24;

impl Schema {
    /// What a device needs of `manifest`.
    pub(super) fn of(manifest: &Manifest) -> Result<Self, DeviceError> {
        let versions = format!("{OLDEST_MANIFEST_VERSION} to {MANIFEST_VERSION}");
        rule(manifest.is_understood(), "manifest_version", versions, manifest.manifest_version)?;
        let input = End::of("input", "input_stream", &manifest.input_stream)?;
        let output = End::of("output", "output_stream", &manifest.output_stream)?;
        check_input_map(&manifest.input_map, &manifest.input_stream, input.elements)?;
        check_output_map(&manifest.output_map, output.elements)?;
        let clock_hertz = manifest.clock_mhz * 1e6;
        rule(clock_hertz > 0.0 && clock_hertz.is_finite(), "clock_mhz", "above 0", manifest.clock_mhz)?;
        Ok(Schema {
            network: manifest.network.clone(),
            design_hash: hash_words(manifest)?,
            input_map: manifest.input_map.clone(),
            output_map: manifest.output_map.clone(),
            input,
            output,
            image_cycles: manifest.latency_cycles as f64 + manifest.initiation_interval_cycles as f64,
            weights: manifest.weights,
        })
    }

    /// Checks that images, given as elements, are the network's.
    pub(super) fn check_images(&self, images: &[Vec<i32>]) -> Result<(), DeviceError> {
        images.iter().enumerate().try_for_each(|(image, elements)| self.check_image(image, elements))
    }

    /// Checks that `elements` are those of an image of the network.
    fn check_image(&self, image: usize, elements: &[i32]) -> Result<(), DeviceError> {
        let element = self.input.format.element;
        let (expected, found) = (self.input.elements, elements.len());
        if found != expected {
            return Err(DeviceError::ImageSize { image, expected, found });
        }
        let is_foreign = |value: &i32| !element.contains(i64::from(*value));
        match elements.iter().position(is_foreign) {
            None => Ok(()),
            Some(index) => Err(DeviceError::Element { image, index, element, found: elements[index] }),
        }
    }

    /// The elements of each image, in stream order.
    pub(super) fn elements(&self, images: &[Vec<f32>]) -> Result<Vec<Vec<i32>>, DeviceError> {
        images.iter().enumerate().map(|(image, values)| self.elements_of(image, values)).collect()
    }

    /// The elements of the image number `image`, in stream order.
    fn elements_of(&self, image: usize, values: &[f32]) -> Result<Vec<i32>, DeviceError> {
        self.input_map.apply(values).map_err(|source| DeviceError::Input { image, source })
    }

    /// The words of the image number `image` in the input window.
    pub(super) fn words(&self, image: usize, values: &[f32]) -> Result<Vec<u32>, DeviceError> {
        let elements = self.elements_of(image, values)?;
        self.check_image(image, &elements)?;
        Ok(self.input.format.pack(&elements))
    }
}

impl End {
    fn of(name: &'static str, field: &'static str, stream: &StreamFormat) -> Result<Self, DeviceError> {
        let StreamFormat { element, lanes, channels, vectors } = *stream;
        rule(
            (1..=32).contains(&element.bits()),
            field,
            "of elements of 1 to 32 bits",
            format!("{} bits", element.bits()),
        )?;
        let elements = channels.saturating_mul(vectors);
        let shown = format!("{lanes} lanes, {channels} channels, {vectors} vectors");
        rule(lanes > 0 && elements > 0, field, "of one lane, channel and vector or more", &shown)?;
        rule(elements <= MAX_ELEMENTS, field, "of at most 2^24 elements", &shown)?;
        Ok(End { name, format: WindowFormat::of(stream), elements })
    }
}

fn check_input_map(map: &InputMap, stream: &StreamFormat, elements: usize) -> Result<(), DeviceError> {
    const FIELD: &str = "input_map";
    let size = map.shape.iter().try_fold(1usize, |size, axis| size.checked_mul(*axis));
    let values = size.filter(|size| *size <= MAX_ELEMENTS).unwrap_or(usize::MAX);
    rule(values <= MAX_ELEMENTS, FIELD, "of at most 2^24 values", format!("the shape {:?}", map.shape))?;
    check("input_map.element", stream.element, map.element)?;
    let made = if map.source_of.is_empty() { values } else { map.source_of.len() };
    rule(made == elements, FIELD, format!("for the {elements} elements of input_stream"), format!("for {made}"))?;
    check_indices("input_map.source_of", &map.source_of, values)?;
    let is_given = map.function_of.is_empty() || map.function_of.len() == values;
    rule(is_given, "input_map.function_of", format!("of {values} entries or none"), map.function_of.len())?;
    let count = map.functions.len();
    rule(count > 0, "input_map.functions", "of one function or more", "none")?;
    check_indices("input_map.function_of", &map.function_of, count)?;
    match map.functions.iter().position(|function| !function.is_well_formed()) {
        None => Ok(()),
        Some(index) => rule(false, "input_map.functions", "of ascending steps", format!("otherwise at {index}")),
    }
}

fn check_output_map(map: &OutputMap, elements: usize) -> Result<(), DeviceError> {
    for (field, table) in [("output_map.scale", &map.scale), ("output_map.bias", &map.bias)] {
        let is_given = table.len() == 1 || table.len() == elements;
        rule(is_given, field, format!("of 1 or {elements} entries"), table.len())?;
    }
    let count = map.source_of.len();
    let is_given = count == 0 || count == elements;
    rule(is_given, "output_map.source_of", format!("of {elements} entries or none"), count)?;
    check_indices("output_map.source_of", &map.source_of, elements)?;
    let found = || format!("{:?}, {:?}", map.score_map.as_ref().map(|map| map.function), map.reduction);
    rule(map.fits(elements), "output_map", format!("for {elements} scores"), found())?;
    let codes = map.score_map.as_ref().and_then(|map| map.codes.as_ref());
    let is_well_formed = codes.is_none_or(|codes| codes.function.is_well_formed());
    rule(is_well_formed, "output_map.score_map", "of ascending steps", "others")
}

fn check_indices(field: &'static str, indices: &[u32], limit: usize) -> Result<(), DeviceError> {
    match indices.iter().find(|index| **index as usize >= limit) {
        None => Ok(()),
        Some(index) => rule(false, field, format!("of indices below {limit}"), format!("of {index} among them")),
    }
}

/// The words of the design's hash as the register holds them: first byte in the lowest byte of the first word.
fn hash_words(manifest: &Manifest) -> Result<[u32; Register::DesignHash.words() as usize], DeviceError> {
    let Some(bytes) = manifest.design_hash_bytes() else {
        let (expected, found) = ("64 hexadecimal digits".into(), format!("`{}`", manifest.design_hash));
        return Err(DeviceError::Manifest { field: "design_hash", expected, found });
    };
    let mut words = [0; Register::DesignHash.words() as usize];
    for (index, byte) in bytes.into_iter().enumerate() {
        words[index / 4] |= u32::from(byte) << (8 * (index % 4));
    }
    Ok(words)
}

/// The digits of a hash whose words are as the register holds them.
pub(crate) fn hexadecimal(words: &[u32]) -> String {
    words.iter().flat_map(|word| word.to_le_bytes()).map(|byte| format!("{byte:02x}")).collect()
}

fn rule(holds: bool, field: &'static str, expected: impl ToString, found: impl ToString) -> Result<(), DeviceError> {
    if holds {
        return Ok(());
    }
    Err(DeviceError::Manifest { field, expected: expected.to_string(), found: found.to_string() })
}

fn check<T: PartialEq + ToString>(field: &'static str, expected: T, found: T) -> Result<(), DeviceError> {
    rule(expected == found, field, expected, found)
}
