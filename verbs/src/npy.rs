//! `.npy` files: as many elements as are asked for, in row-major order.
//!
//! Nothing is read, and no memory taken, on the header's word alone: a file must be as long as its header says.

mod header;
#[cfg(test)]
mod tests;

pub use header::HeaderError;
use header::{Header, Kind};

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use thiserror::Error;

/// Why elements cannot be read.
#[derive(Debug, Error)]
pub enum NpyError {
    /// The file cannot be opened.
    #[error("{0}")]
    Open(io::Error),
    /// The file cannot be read.
    #[error("{0}")]
    Read(#[from] io::Error),
    /// The header is none of the format.
    #[error("{0}")]
    Header(#[from] HeaderError),
    /// The file is shorter or longer than its header says.
    #[error("its header promises {promised} bytes of elements, but {found} follow")]
    Length {
        /// Bytes that the header promises.
        promised: u64,
        /// Bytes behind the header.
        found: u64,
    },
}

/// An open file whose header has been read.
#[derive(Debug)]
pub struct Npy {
    header: Header,
    elements: usize,
    data: BufReader<File>,
}

impl Npy {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// Where it is no `.npy` file, or has another length than its header says.
    pub fn open(path: &Path) -> Result<Self, NpyError> {
        let file = File::open(path).map_err(NpyError::Open)?;
        let metadata = file.metadata()?;
        let mut data = BufReader::new(file);
        let (header, begin) = Header::read(&mut data)?;
        let elements = header.elements()?;
        // A pipe has no length of its own, and of other elements nothing will be read.
        if metadata.is_file() && header.element.kind != Kind::Other {
            let promised = (elements * header.element.bytes) as u64;
            let found = metadata.len().saturating_sub(begin);
            if promised != found {
                return Err(NpyError::Length { promised, found });
            }
        }
        Ok(Npy { header, elements, data })
    }

    /// Type, order and shape.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.elements
    }

    /// The first `count` elements in row-major order, each in little-endian order of its bytes; fewer where there are no
    /// more. Of an array in Fortran's order, the rows behind them are skipped.
    ///
    /// # Errors
    /// Where the file cannot be read, or ends before.
    pub fn first(mut self, count: usize) -> Result<Vec<u8>, NpyError> {
        let size = self.header.element.bytes;
        let count = count.min(self.elements);
        let mut bytes = match self.header.shape.as_slice() {
            [rows, rest @ ..] if self.header.fortran_order && count > 0 => {
                let (rows, rest) = (*rows, rest.to_vec());
                let columns: usize = rest.iter().product();
                let wanted = count.div_ceil(columns);
                let mut read = Vec::new();
                for _ in 0..columns {
                    read.extend(self.take(wanted * size)?);
                    let skipped = ((rows - wanted) * size) as u64;
                    io::copy(&mut self.data.by_ref().take(skipped), &mut io::sink())?;
                }
                let mut bytes = vec![0; read.len()];
                for (index, element) in read.chunks_exact(size).enumerate() {
                    let (column, row) = (index / wanted, index % wanted);
                    let place = row * columns + row_major(column, &rest, columns);
                    bytes[place * size..][..size].copy_from_slice(element);
                }
                bytes.truncate(count * size);
                bytes
            }
            _ => self.take(count * size)?,
        };
        if self.header.element.big_endian {
            bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse);
        }
        Ok(bytes)
    }

    /// The next bytes of the file.
    fn take(&mut self, bytes: usize) -> Result<Vec<u8>, NpyError> {
        let mut taken = Vec::new();
        self.data.by_ref().take(bytes as u64).read_to_end(&mut taken)?;
        if taken.len() < bytes {
            return Err(NpyError::Length { promised: bytes as u64, found: taken.len() as u64 });
        }
        Ok(taken)
    }
}

/// Where the element with index `column` in Fortran's order stands in row-major order, among `count` of the given extents.
fn row_major(column: usize, extents: &[usize], count: usize) -> usize {
    let (mut left, mut stride, mut place) = (column, count, 0);
    for extent in extents {
        stride /= extent;
        place += left % extent * stride;
        left /= extent;
    }
    place
}
