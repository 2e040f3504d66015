//! The campaign of lines with faults, of any length: `fault_campaign [SEED] [FRAMES]`.
//!
//! Cases are numbered from SEED on (1) and run until FRAMES requests (10,000) were sent. Ends with 1 where an answer was
//! wrong, a case did not end in time, an error is unexplained or a device could not be opened anew.

use std::process::ExitCode;
use testkit::campaign;

fn main() -> ExitCode {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse());
    let (Ok(seed), Ok(frames)) = (numbers.next().unwrap_or(Ok(1)), numbers.next().unwrap_or(Ok(10_000))) else {
        eprintln!("usage: fault_campaign [SEED] [FRAMES], both numbers");
        return ExitCode::from(2);
    };
    let figures = campaign::model::campaign(seed, frames, campaign::model::frame_bus);
    println!("seed {seed}\n{figures}");
    ExitCode::from(u8::from(!figures.is_clean()))
}
