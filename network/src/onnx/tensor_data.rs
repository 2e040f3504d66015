//! Elements of constant tensors: raw, typed, or in another file.

use super::data_type::{DataType, bfloat16, float16};
use super::error::ImportError;
use super::proto::TensorProto;
use crate::tensor::Tensor;
use prost::bytes::Bytes;
use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::{Component, Path};

/// No tensor may have more elements.
pub(crate) const MAX_ELEMENTS: usize = 1 << 28;

/// No tensor may have more axes: a guard against files made to waste time.
pub(crate) const MAX_AXES: usize = 16;

/// Number of elements of a shape, `None` where it exceeds [`MAX_ELEMENTS`].
pub(crate) fn elements(shape: &[usize]) -> Option<usize> {
    if shape.contains(&0) {
        return Some(0);
    }
    let product = shape.iter().try_fold(1usize, |product, extent| product.checked_mul(*extent))?;
    (product <= MAX_ELEMENTS).then_some(product)
}

/// The tensor and its type that a message of the file holds.
pub(crate) fn decode(
    tensor: &TensorProto,
    name: &str,
    folder: Option<&Path>,
) -> Result<(Tensor, DataType), ImportError> {
    let Some(data_type) = DataType::from_number(tensor.data_type) else {
        return Err(ImportError::TensorType { tensor: name.into(), found: type_name(tensor.data_type) });
    };
    let shape = shape(tensor, name)?;
    let Some(count) = elements(&shape) else {
        return Err(ImportError::TooLarge {
            what: format!("tensor `{name}`"),
            limit: MAX_ELEMENTS,
            shape: format!("{shape:?}"),
        });
    };
    let external = match tensor.data_location {
        1 => Some(external_bytes(tensor, name, folder, data_type.bytes(count))?),
        _ => None,
    };
    let raw = external.as_ref().unwrap_or(&tensor.raw_data);
    let data = if raw.is_empty() { typed(tensor, data_type, count) } else { from_bytes(raw, data_type, count, name)? };
    if data.len() != count {
        return Err(ImportError::TensorData {
            tensor: name.into(),
            must: format!("shape {shape:?} must hold {count} elements"),
            found: format!("{}", data.len()),
        });
    }
    Ok((Tensor::new(shape, data), data_type))
}

fn shape(tensor: &TensorProto, name: &str) -> Result<Vec<usize>, ImportError> {
    let wrong = |must: &str| ImportError::TensorData {
        tensor: name.into(),
        must: must.into(),
        found: if tensor.dims.len() > MAX_AXES {
            format!("{} axes", tensor.dims.len())
        } else {
            format!("{:?}", tensor.dims)
        },
    };
    if tensor.dims.len() > MAX_AXES {
        return Err(wrong(&format!("there must be at most {MAX_AXES} axes")));
    }
    tensor
        .dims
        .iter()
        .map(|extent| usize::try_from(*extent).map_err(|_| wrong("extents must not be negative")))
        .collect()
}

fn from_bytes(bytes: &[u8], data_type: DataType, count: usize, name: &str) -> Result<Vec<f64>, ImportError> {
    let width = data_type.bytes(1);
    if !bytes.len().is_multiple_of(width) {
        return Err(ImportError::TensorData {
            tensor: name.into(),
            must: format!("elements must take {width} bytes each"),
            found: format!("{} bytes", bytes.len()),
        });
    }
    Ok(match data_type {
        DataType::Float32 => each(bytes, |b| f64::from(f32::from_le_bytes(b))),
        DataType::Float64 => each(bytes, f64::from_le_bytes),
        DataType::Float16 => each(bytes, |b| float16(u16::from_le_bytes(b))),
        DataType::BFloat16 => each(bytes, |b| bfloat16(u16::from_le_bytes(b))),
        DataType::Int8 => each(bytes, |b| f64::from(i8::from_le_bytes(b))),
        DataType::Int16 => each(bytes, |b| f64::from(i16::from_le_bytes(b))),
        DataType::Int32 => each(bytes, |b| f64::from(i32::from_le_bytes(b))),
        DataType::Int64 => each(bytes, |b| i64::from_le_bytes(b) as f64),
        DataType::UInt8 => each(bytes, |b: [u8; 1]| f64::from(b[0])),
        DataType::UInt16 => each(bytes, |b| f64::from(u16::from_le_bytes(b))),
        DataType::UInt32 => each(bytes, |b| f64::from(u32::from_le_bytes(b))),
        DataType::UInt64 => each(bytes, |b| u64::from_le_bytes(b) as f64),
        DataType::Bool => each(bytes, |b: [u8; 1]| f64::from(u8::from(b[0] != 0))),
        DataType::Int4 | DataType::UInt4 | DataType::Int2 | DataType::UInt2 => {
            packed(bytes.iter().copied(), data_type, count)
        }
    })
}

fn each<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f64) -> Vec<f64> {
    bytes.as_chunks::<N>().0.iter().map(|element| number(*element)).collect()
}

/// Elements of two or four bits, several in a byte, the first in its lowest bits. The highest bits of the last byte may be
/// unused.
fn packed(bytes: impl Iterator<Item = u8>, data_type: DataType, count: usize) -> Vec<f64> {
    let (bits, is_signed) = (data_type.bits(), matches!(data_type, DataType::Int4 | DataType::Int2));
    let in_byte = 8 / bits;
    let number = |byte: u8, index: usize| {
        let top = byte << (8 - bits * (index + 1));
        if is_signed { f64::from((top as i8) >> (8 - bits)) } else { f64::from(top >> (8 - bits)) }
    };
    let mut data: Vec<f64> =
        bytes.flat_map(|byte| (0..in_byte).map(move |index| (byte, index))).map(|(b, i)| number(b, i)).collect();
    if data.len() > count && data.len() - count < in_byte {
        data.truncate(count);
    }
    data
}

fn typed(tensor: &TensorProto, data_type: DataType, count: usize) -> Vec<f64> {
    let small = |number: fn(i32) -> f64| tensor.int32_data.iter().map(|v| number(*v)).collect();
    match data_type {
        DataType::Float32 => tensor.float_data.iter().map(|v| f64::from(*v)).collect(),
        DataType::Float64 => tensor.double_data.clone(),
        DataType::Int64 => tensor.int64_data.iter().map(|v| *v as f64).collect(),
        DataType::UInt32 | DataType::UInt64 => tensor.uint64_data.iter().map(|v| *v as f64).collect(),
        DataType::Float16 => small(|v| float16(v as u16)),
        DataType::BFloat16 => small(|v| bfloat16(v as u16)),
        DataType::Bool => small(|v| f64::from(u8::from(v != 0))),
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::UInt8 | DataType::UInt16 => small(f64::from),
        DataType::Int4 | DataType::UInt4 | DataType::Int2 | DataType::UInt2 => {
            packed(tensor.int32_data.iter().map(|v| *v as u8), data_type, count)
        }
    }
}

fn type_name(number: i32) -> String {
    let name = match number {
        0 => "undefined",
        8 => "string",
        14 => "complex64",
        15 => "complex128",
        17 => "float8e4m3fn",
        18 => "float8e4m3fnuz",
        19 => "float8e5m2",
        20 => "float8e5m2fnuz",
        23 => "float4e2m1",
        _ => return format!("unknown (number {number})"),
    };
    name.into()
}

fn external_bytes(
    tensor: &TensorProto,
    name: &str,
    folder: Option<&Path>,
    expected: usize,
) -> Result<Bytes, ImportError> {
    let entry = |key: &str| tensor.external_data.iter().find(|e| e.key == key).map(|e| e.value.as_str());
    let location = entry("location").unwrap_or("");
    let refuse = |found: String| ImportError::ExternalData { tensor: name.into(), location: location.into(), found };
    let number = |key: &str| match entry(key) {
        None => Ok(None),
        Some(text) => text
            .trim()
            .parse::<u64>()
            .map(Some)
            .map_err(|_| refuse(format!("comes with {key} `{text}`, which is no number"))),
    };
    let (offset, length) = (number("offset")?.unwrap_or(0), number("length")?);
    if length.is_some_and(|length| length != expected as u64) {
        return Err(refuse(format!(
            "comes with length {}, where the shape takes {expected} bytes",
            length.unwrap_or_default()
        )));
    }
    let Some(folder) = folder else {
        return Err(refuse("cannot be looked up, because the model was not read from a folder".into()));
    };
    let inside = !location.is_empty() && Path::new(location).components().all(|c| matches!(c, Component::Normal(_)));
    if !inside {
        return Err(refuse("is not a path inside it".into()));
    }
    let missing = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => refuse("is not there".into()),
        _ => refuse(format!("cannot be read: {error}")),
    };
    let folder = folder.canonicalize().map_err(missing)?;
    let path = folder.join(location).canonicalize().map_err(missing)?;
    if !path.starts_with(&folder) {
        return Err(refuse("is a link that leads out of it".into()));
    }
    // Before opening it: opening a pipe would wait for a writer.
    let metadata = path.metadata().map_err(missing)?;
    if !metadata.is_file() {
        return Err(refuse("is not a regular file".into()));
    }
    if offset.checked_add(expected as u64).is_none_or(|end| end > metadata.len()) {
        return Err(refuse(format!(
            "has {} bytes, where {expected} bytes from {offset} on are needed",
            metadata.len()
        )));
    }
    let mut file = File::open(&path).map_err(missing)?;
    file.seek(SeekFrom::Start(offset)).map_err(missing)?;
    let mut bytes = vec![0; expected];
    file.read_exact(&mut bytes).map_err(missing)?;
    Ok(bytes.into())
}
