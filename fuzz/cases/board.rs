//! Any two texts, a NUL between them, as `board.toml` and a file of pins; and any text as the name of a serial line.

use super::render;
use flow::board::Board;
use host::transport::uart::UartAddress;

/// Reads the bytes as the files of a board and as an address.
pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (facts, pins) = text.split_once('\0').unwrap_or((&text, ""));
    match Board::parse("fuzzed", facts, pins) {
        Ok(board) => {
            let clock = board.design_clock().expect("checked when it was read");
            assert!(clock.megahertz() > 0.0);
            for megahertz in [1.0, 50.0, f64::NAN] {
                if let Err(error) = board.clock(megahertz) {
                    render(&error);
                }
            }
            board.target();
        }
        Err(error) => render(&error),
    }
    match text.parse::<UartAddress>() {
        Ok(address) => assert_eq!(address.to_string().parse(), Ok(address)),
        Err(error) => render(&error),
    }
}
