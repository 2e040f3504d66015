//! Images and labels out of `.npy` files, outputs into them.

use crate::file::FileError;
use crate::npy::{HeaderError, Npy, NpyError};
use abi::InputMap;
use abi::maps::{Scores, image_shape, is_shape_of_images};
use flow::atomic;
use miette::Diagnostic;
use ndarray::{ArrayD, IxDyn};
use ndarray_npy::{WritableElement, WriteNpyExt};
use std::fmt;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// An `.npy` file that does not fit.
#[derive(Debug, Error, Diagnostic)]
pub enum ImagesError {
    /// Not an `.npy` file, or not readable.
    #[error("{} must be a readable .npy file: {reason}", path.display())]
    #[diagnostic(code(xnorforge::npy), help("write it with numpy.save, without pickled objects"))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// No such file, or one that may not be read.
    #[error("cannot read `{}`: {reason}", path.display())]
    #[diagnostic(code(xnorforge::npy_file), help("check the path and the permissions"))]
    File {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        reason: String,
    },
    /// Another element type.
    #[error("{} must hold {expected}, but holds {found}", path.display())]
    #[diagnostic(code(xnorforge::npy_type), help("convert it in NumPy: numpy.save(file, x.astype({suggestion}))"))]
    ElementType {
        /// The file.
        path: PathBuf,
        /// The types allowed.
        expected: &'static str,
        /// The type found.
        found: String,
        /// One of them in NumPy's words.
        suggestion: &'static str,
    },
    /// A number that is no float32.
    #[error("{} must hold numbers that are float32, but holds {found}, and the one at index {index} of image {image} is not", path.display())]
    #[diagnostic(code(xnorforge::npy_inexact), help("round them in NumPy: numpy.save(file, x.astype(numpy.float32))"))]
    Inexact {
        /// The file.
        path: PathBuf,
        /// The type found.
        found: String,
        /// Index of the first image with such a number.
        image: usize,
        /// Row-major index in that image.
        index: usize,
    },
    /// Several arrays.
    #[error("{} must be a single array (.npy), but is an archive of arrays (.npz)", path.display())]
    #[diagnostic(
        code(xnorforge::npz),
        help("take one out in NumPy: z = numpy.load(file); print(z.files); numpy.save(\"x.npy\", z[NAME])")
    )]
    Archive {
        /// The file.
        path: PathBuf,
    },
    /// Labels in another form than a number each.
    #[error("{} must hold one class per image, but has shape {found:?}", path.display())]
    #[diagnostic(
        code(xnorforge::label_shape),
        help("where each image has a row of zeros and a one, or of scores: numpy.save(file, x.argmax(axis=1))")
    )]
    LabelShape {
        /// The file.
        path: PathBuf,
        /// The file's shape.
        found: Vec<usize>,
    },
    /// Another shape.
    #[error("{} must have shape [images, {expected}], but has {found:?}", path.display())]
    #[diagnostic(code(xnorforge::npy_shape), help("{}", way_to_shape(expected, found)))]
    Shape {
        /// The file.
        path: PathBuf,
        /// Shape of an image.
        expected: Shape,
        /// The file's shape.
        found: Vec<usize>,
    },
    /// No images.
    #[error("{} must give at least one image, but gives none", path.display())]
    #[diagnostic(code(xnorforge::no_images), help("give a file with images, and a --count of 1 or more"))]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// Fewer labels than images.
    #[error("{} must hold a label for each of the {images} images, but holds {labels}", path.display())]
    #[diagnostic(code(xnorforge::labels), help("give labels for the same images, or fewer images with --count"))]
    TooFewLabels {
        /// The file.
        path: PathBuf,
        /// Number of images.
        images: usize,
        /// Number of labels.
        labels: usize,
    },
    /// A label that is no class.
    #[error("{} must hold classes, {classes}, but the label of image {image} is {found}", path.display())]
    #[diagnostic(code(xnorforge::label), help("count classes from 0, in the order of the model's scores"))]
    Label {
        /// The file.
        path: PathBuf,
        /// The classes there are.
        classes: String,
        /// Index of the first image with such a label.
        image: usize,
        /// The label.
        found: i64,
    },
}

/// The open file, as an error that names it otherwise.
fn open(path: &Path) -> Result<Npy, ImagesError> {
    Npy::open(path).map_err(unreadable(path))
}

fn unreadable(path: &Path) -> impl Fn(NpyError) -> ImagesError + use<> {
    let path = path.to_owned();
    move |error| {
        let (path, reason) = (path.clone(), error.to_string());
        match error {
            NpyError::Open(_) => ImagesError::File { path, reason },
            NpyError::Header(HeaderError::Archive) => ImagesError::Archive { path },
            NpyError::Read(_) | NpyError::Header(_) | NpyError::Length { .. } => {
                ImagesError::Unreadable { path, reason }
            }
        }
    }
}

/// The images of `path`, at most `count`, each in the row-major order of `shape` (the model's, batch axis included
/// where it has one).
///
/// # Errors
/// Where the file is no such array.
pub fn images(path: &Path, shape: &[usize], count: Option<usize>) -> Result<Vec<Vec<f32>>, ImagesError> {
    let file = open(path)?;
    let element = file.header().element;
    let type_name = file.header().type_name.clone();
    let value = element.float().ok_or_else(|| ImagesError::ElementType {
        path: path.to_owned(),
        expected: "numbers (uint8, int8 or float32, or such as are float32 exactly)",
        found: type_name.clone(),
        suggestion: "numpy.float32",
    })?;
    let found = file.header().shape.clone();
    if !is_shape_of_images(&found, shape) {
        return Err(ImagesError::Shape { path: path.to_owned(), expected: Shape(image_shape(shape).to_vec()), found });
    }
    let images = found.first().copied().unwrap_or(0).min(count.unwrap_or(usize::MAX));
    let pixels = found.iter().skip(1).product::<usize>();
    if images * pixels == 0 {
        return Err(ImagesError::Empty { path: path.to_owned() });
    }
    let bytes = file.first(images * pixels).map_err(unreadable(path))?;
    let inexact = |image: usize, index: usize| {
        let found = type_name.clone();
        ImagesError::Inexact { path: path.to_owned(), found, image, index }
    };
    let numbers = bytes.chunks_exact(pixels * element.bytes).enumerate().map(|(image, bytes)| {
        let numbers = bytes.chunks_exact(element.bytes).enumerate();
        numbers.map(|(index, bytes)| value(bytes).ok_or_else(|| inexact(image, index))).collect()
    });
    numbers.collect()
}

/// Extents with commas between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape(pub Vec<usize>);

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let extents: Vec<String> = self.0.iter().map(usize::to_string).collect();
        f.write_str(&extents.join(", "))
    }
}

/// How NumPy makes images of the shape `expected` of an array of shape `found`, where that can be told.
fn way_to_shape(expected: &Shape, found: &[usize]) -> String {
    // The extents of a file may be any numbers.
    let product = |shape: &[usize]| shape.iter().try_fold(1, |product: usize, extent| product.checked_mul(*extent));
    let repair = |found: &[usize]| {
        let (image, rest) = (expected.0.as_slice(), found.get(1..)?);
        let dense = |shape: &[usize]| shape.iter().copied().filter(|extent| *extent != 1).collect::<Vec<_>>();
        Some(match (image, rest) {
            _ if image == rest => String::new(),
            ([a, b, c], [x, y, z]) if [b, c, a] == [x, y, z] => ".transpose(0, 3, 1, 2)".to_owned(),
            ([a, b, c], [x, y, z]) if [c, a, b] == [x, y, z] => ".transpose(0, 2, 3, 1)".to_owned(),
            ([1, image @ ..], rest) if image == rest => "[:, None]".to_owned(),
            ([image @ .., 1], rest) if image == rest => "[..., None]".to_owned(),
            (image, rest)
                if dense(image) == dense(rest)
                    || (image.len().min(rest.len()) == 1 && product(image) == product(rest)) =>
            {
                format!(".reshape(-1, {expected})")
            }
            _ => return None,
        })
    };
    let single: Vec<usize> = [1].iter().chain(found).copied().collect();
    let of_one = || repair(&single).map(|repair| format!("[None]{repair}"));
    let repair = if found == expected.0 { of_one() } else { repair(found).or_else(of_one) };
    match repair {
        Some(repair) => {
            format!("make it so in NumPy: numpy.save(file, x{repair}), which has shape [images, {expected}]")
        }
        None => "the leading axis counts images; `xnorforge info MODEL` shows an image's shape".to_owned(),
    }
}

/// Most images that are drawn: further ones repeat them.
pub const MAX_DRAWN: usize = 256;

/// `count` images, the same each time, in which each code of the input is as likely as any other.
pub fn drawn(map: &InputMap, count: usize) -> Vec<Vec<f32>> {
    let mut state = 1_u64;
    let mut value = |index: usize| {
        let boundaries = &map.functions[map.function_of.get(index).map_or(0, |function| *function as usize)].boundaries;
        // The constants of Knuth's MMIX; the upper bits are the random ones.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        match ((state >> 33) as usize) % (boundaries.len() + 1) {
            0 => boundaries.first().map_or(0.0, |boundary| boundary.next_down()),
            piece => boundaries[piece - 1],
        }
    };
    (0..count).map(|_| (0..map.len()).map(&mut value).collect()).collect()
}

/// The first `images` labels of `path`: numbers of `classes` classes, where that is known.
///
/// # Errors
/// Where the file holds no integers, too few, or one that is no class.
pub fn labels(path: &Path, images: usize, classes: Option<usize>) -> Result<Vec<i64>, ImagesError> {
    let file = open(path)?;
    let element = file.header().element;
    let shape = &file.header().shape;
    if shape.iter().filter(|extent| **extent != 1).count() > 1 {
        return Err(ImagesError::LabelShape { path: path.to_owned(), found: shape.clone() });
    }
    let value = element.integer().ok_or_else(|| ImagesError::ElementType {
        path: path.to_owned(),
        expected: "integers",
        found: file.header().type_name.clone(),
        suggestion: "numpy.int64",
    })?;
    if file.len() < images {
        return Err(ImagesError::TooFewLabels { path: path.to_owned(), images, labels: file.len() });
    }
    let bytes = file.first(images).map_err(unreadable(path))?;
    let labels: Vec<i64> = bytes.chunks_exact(element.bytes).map(value).collect();
    let is_class = |label: i64| usize::try_from(label).is_ok_and(|label| classes.is_none_or(|classes| label < classes));
    match labels.iter().position(|label| !is_class(*label)) {
        None => Ok(labels),
        Some(image) => Err(ImagesError::Label {
            path: path.to_owned(),
            classes: classes.map_or("from 0".into(), |classes| format!("0 to {}", classes - 1)),
            image,
            found: labels[image],
        }),
    }
}

/// Writes the outputs of all images, each of shape `shape`: float32 scores or int64 indices. A file that is there is replaced
/// in one step.
///
/// # Errors
/// Where the file cannot be written.
pub fn write_outputs(path: &Path, shape: &[usize], scores: &[Scores]) -> Result<(), FileError> {
    let mut whole = vec![scores.len()];
    whole.extend(shape);
    match Scores::concat(scores) {
        Scores::Indices(data) => write_array(path, &whole, data),
        Scores::Values(data) => write_array(path, &whole, data),
    }
}

fn write_array<T: WritableElement>(path: &Path, shape: &[usize], data: Vec<T>) -> Result<(), FileError> {
    let tried = format!("cannot write {}", path.display());
    let array = ArrayD::from_shape_vec(IxDyn(shape), data).map_err(FileError::context(tried.clone()))?;
    let mut bytes = Vec::new();
    array.write_npy(&mut bytes).map_err(FileError::context(tried.clone()))?;
    atomic::write(path, &bytes).map_err(FileError::context(tried))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_repaired() {
        for (image, found, repair) in [
            (&[3, 8, 6][..], &[5, 8, 6, 3][..], Some("x.transpose(0, 3, 1, 2)")),
            (&[8, 6, 3], &[5, 3, 8, 6], Some("x.transpose(0, 2, 3, 1)")),
            (&[1, 8, 8], &[5, 8, 8], Some("x[:, None]")),
            (&[8, 8, 1], &[5, 8, 8], Some("x[..., None]")),
            (&[1, 8, 8], &[1, 8, 8], Some("x[None]")),
            (&[1, 8, 8], &[8, 8], Some("x[None][:, None]")),
            (&[1, 8, 8], &[5, 64], Some("x.reshape(-1, 1, 8, 8)")),
            (&[64], &[5, 1, 8, 8], Some("x.reshape(-1, 64)")),
            (&[3, 8, 6], &[5, 8, 6], None),
            (&[3, 8, 6], &[], None),
        ] {
            let help = way_to_shape(&Shape(image.to_vec()), found);
            match repair {
                Some(repair) => assert!(help.contains(&format!("numpy.save(file, {repair})")), "{found:?}: {help}"),
                None => assert!(!help.contains("numpy"), "{found:?}: {help}"),
            }
        }
    }
}
