//! How a serial line is named: `PATH[@BAUD]`.

use super::Uart;
use crate::transport::TransportError;
use abi::manifest::Manifest;
use miette::Diagnostic;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// Rate of a line whose address states none: what boards in `constraints/` use.
pub const DEFAULT_BAUD: u32 = 1_000_000;

/// A serial line's path and rate, written `PATH[@BAUD]`.
///
/// A path that holds an `@` itself is written with its rate, or with a `/` behind the `@`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UartAddress {
    /// The path, such as `/dev/ttyUSB0`.
    pub path: String,
    /// Bits a second; `None` where the address does not say.
    pub baud: Option<u32>,
}

impl UartAddress {
    /// Opens the line, with [`DEFAULT_BAUD`] where the address states no rate.
    ///
    /// # Errors
    /// As [`Uart::open`].
    pub fn open(&self) -> Result<Uart, TransportError> {
        Uart::open(&self.path, self.baud.unwrap_or(DEFAULT_BAUD))
    }

    /// Opens the line to a device of `manifest`, at its rate where the address states none, else as [`open`](Self::open).
    ///
    /// # Errors
    /// As [`Uart::open`].
    pub fn open_for(&self, manifest: &Manifest) -> Result<Uart, TransportError> {
        let planned = manifest.device.as_ref().map(|device| device.baud);
        UartAddress { baud: self.baud.or(planned), ..self.clone() }.open()
    }
}

impl fmt::Display for UartAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.baud {
            Some(baud) => write!(f, "{}@{baud}", self.path),
            None => write!(f, "{}", self.path),
        }
    }
}

impl FromStr for UartAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (path, baud) = match text.rsplit_once('@') {
            Some((path, rate)) if !rate.contains('/') => (path, Some(rate)),
            _ => (text, None),
        };
        if path.is_empty() {
            return Err(AddressError::NoPath { address: text.to_owned() });
        }
        let number = |rate: &str| {
            let baud = rate.parse().ok().filter(|baud| *baud > 0 && rate.bytes().all(|byte| byte.is_ascii_digit()));
            baud.ok_or(AddressError::Baud { address: text.to_owned(), found: rate.to_owned() })
        };
        Ok(UartAddress { path: path.to_owned(), baud: baud.map(number).transpose()? })
    }
}

/// A text that names no serial line.
#[derive(Clone, Debug, PartialEq, Eq, Error, Diagnostic)]
pub enum AddressError {
    /// Nothing stands where the path belongs.
    #[error("the address of a serial line must begin with a path, but `{address}` does not")]
    #[diagnostic(code(host::uart::no_path), help("write PATH or PATH@BAUD, for example /dev/ttyUSB0@1000000"))]
    NoPath {
        /// The address.
        address: String,
    },
    /// No rate stands where it belongs.
    #[error("the baud rate must be a number from 1 to 4294967295, but `{found}` stands behind the @ of `{address}`")]
    #[diagnostic(code(host::uart::baud), help("write PATH or PATH@BAUD, for example /dev/ttyUSB0@1000000"))]
    Baud {
        /// The address.
        address: String,
        /// What stands behind the `@`.
        found: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_parse_and_print() {
        let address = |path: &str, baud| Ok(UartAddress { path: path.into(), baud });
        assert_eq!("/dev/ttyUSB0".parse(), address("/dev/ttyUSB0", None));
        assert_eq!("/dev/ttyUSB0@115200".parse(), address("/dev/ttyUSB0", Some(115_200)));
        assert_eq!("/dev/by@id/uart".parse(), address("/dev/by@id/uart", None));
        assert_eq!("/dev/a@b@9600".parse(), address("/dev/a@b", Some(9600)));
        assert_eq!("COM3@3000000".parse(), address("COM3", Some(3_000_000)));
        for text in ["/dev/ttyUSB0", "/dev/a@b@9600"] {
            assert_eq!(text.parse::<UartAddress>().map(|address| address.to_string()), Ok(text.into()));
        }
    }

    #[test]
    fn texts_that_name_no_line_are_refused() {
        for text in ["", "@", "@115200"] {
            assert_eq!(text.parse::<UartAddress>(), Err(AddressError::NoPath { address: text.into() }));
        }
        for rate in ["", "0", "fast", "-1", "+9600", "9600.0", "4294967296"] {
            let address = format!("/dev/ttyUSB0@{rate}");
            let error = AddressError::Baud { address: address.clone(), found: rate.into() };
            assert_eq!(address.parse::<UartAddress>(), Err(error));
        }
    }
}
