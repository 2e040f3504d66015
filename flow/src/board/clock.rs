//! The clock of designs on a board: its oscillator, or a PLL.

use super::{Board, BoardError, Pll};
use abi::uart::UartTiming;

/// Part by which a clock may differ from what was asked for.
const TOLERANCE: f64 = 0.01;

/// Where the clock of a design comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockSource {
    /// The frequency in Hz, to the nearest one.
    pub hertz: u32,
    /// The PLL that makes it; none where it is the oscillator's.
    pub pll: Option<Pll>,
}

impl ClockSource {
    /// The frequency in MHz.
    pub fn megahertz(&self) -> f64 {
        f64::from(self.hertz) / 1e6
    }
}

impl Board {
    /// The clock of designs for which no other is asked for.
    ///
    /// # Errors
    /// Where the board cannot make it.
    pub fn design_clock(&self) -> Result<ClockSource, BoardError> {
        let clock = &self.facts.clock;
        self.clock(f64::from(clock.design_hertz.unwrap_or(clock.hertz)) / 1e6)
    }

    /// The clock nearest to `megahertz`.
    ///
    /// # Errors
    /// Where nothing within a hundredth of it can be made, or where it is too slow for the UART.
    pub fn clock(&self, megahertz: f64) -> Result<ClockSource, BoardError> {
        let facts = &self.facts.clock;
        let oscillator = f64::from(facts.hertz) / 1e6;
        let refusal = |nearest: String, help: String| BoardError::Clock {
            board: self.name.clone(),
            percent: TOLERANCE * 100.0,
            nearest,
            found: megahertz,
            help,
        };
        let hertz = (megahertz * 1e6).round();
        // Beyond any PLL, and no number at all.
        if !(1.0..=4e9).contains(&hertz) {
            let nearest = format!("its oscillator gives {oscillator} MHz");
            return Err(refusal(nearest, format!("give a frequency in MHz, as in `--clock {oscillator}`")));
        }
        let hertz = hertz as u32;
        let source = if hertz == facts.hertz {
            ClockSource { hertz, pll: None }
        } else {
            let Some(primitive) = facts.pll else {
                let nearest = format!("its oscillator's {oscillator} MHz");
                return Err(refusal(nearest, format!("no PLL is used on it: ask for `--clock {oscillator}`")));
            };
            let pll = Pll::nearest(primitive, facts.hertz, hertz).ok_or_else(|| {
                let nearest = format!("its oscillator's {oscillator} MHz, which cannot drive a PLL");
                refusal(nearest, format!("ask for `--clock {oscillator}`"))
            })?;
            // What the oscillator gives needs no PLL.
            ClockSource { hertz: pll.hertz(), pll: (pll.hertz() != facts.hertz).then_some(pll) }
        };
        let found = source.megahertz();
        if (found - megahertz).abs() > TOLERANCE * megahertz {
            return Err(refusal(
                format!("the nearest being {found} MHz"),
                format!("ask for `--clock {found}`, or `--clock {oscillator}`, the oscillator's"),
            ));
        }
        self.uart_timing(source.hertz)?;
        Ok(source)
    }

    /// The UART's timing at a clock.
    ///
    /// # Errors
    /// Where the clock cannot make the rate.
    pub fn uart_timing(&self, clock_hertz: u32) -> Result<UartTiming, BoardError> {
        UartTiming::new(clock_hertz, self.facts.uart.baud)
            .map_err(|source| BoardError::Uart { board: self.name.clone(), source })
    }
}
