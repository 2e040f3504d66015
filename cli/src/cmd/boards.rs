//! `boards`: what designs can be compiled for.

use crate::output::show;
use clap::Args;
use verbs::VerbError;
use verbs::boards::BoardReport;

/// List the boards that designs can be compiled for.
#[derive(Debug, Args)]
pub struct Boards {
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

impl Boards {
    /// Runs the verb.
    pub fn run(self) -> Result<(), VerbError> {
        let boards = verbs::boards::boards()?;
        if self.json {
            let object = serde_json::json!({ "boards": boards });
            return show(&format!("{object}\n"));
        }
        show(&boards.iter().map(text).collect::<String>())
    }
}

fn text(report: &BoardReport) -> String {
    let BoardReport { name, title, family, device, lut, lut_inputs, ff, bram, .. } = report;
    let clock = match (report.clock_mhz == report.oscillator_mhz, report.pll) {
        (true, None) => format!("{} MHz", report.clock_mhz),
        (true, Some(_)) => format!("{} MHz, others by PLL", report.clock_mhz),
        (false, _) => format!("{} MHz by PLL from {} MHz", report.clock_mhz, report.oscillator_mhz),
    };
    let build = if report.bitstream { "" } else { "; no place and route with open tools, synthesis only" };
    format!(
        "{name}: {title}\n  \
         chip   {lut} LUT{lut_inputs}, {ff} flip-flops, {bram} block RAMs of {} Kbit ({family} {device}){build}\n  \
         clock  {clock}\n  \
         link   UART, {} baud, through {}\n",
        report.bram_bits / 1024,
        report.baud,
        report.link
    )
}
