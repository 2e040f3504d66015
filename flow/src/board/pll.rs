//! PLLs: dividers for a frequency, and the cell as Verilog.
//!
//! Every PLL here divides the oscillator (`reference`), compares it with its own output divided (`feedback`), and runs a
//! VCO at a multiple of its output (`output`): out = in / reference · feedback, VCO = out · output. What differs are the
//! ranges, and how the cell writes the dividers down.

use serde::Deserialize;
use std::ops::RangeInclusive;

/// The cell of a PLL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Primitive {
    /// ECP5's.
    #[serde(rename = "EHXPLLL")]
    Ehxplll,
    /// iCE40's, fed from inside the chip.
    #[serde(rename = "SB_PLL40_CORE")]
    SbPll40Core,
    /// iCE40's, fed from the pin beside it, which cannot be read otherwise then.
    #[serde(rename = "SB_PLL40_PAD")]
    SbPll40Pad,
    /// Gowin's.
    #[serde(rename = "rPLL")]
    Rpll,
}

/// What a PLL can do. Frequencies in Hz.
#[derive(Clone, Debug)]
struct Limits {
    /// Of the oscillator.
    input: RangeInclusive<u64>,
    /// Of the oscillator divided.
    comparison: RangeInclusive<u64>,
    vco: RangeInclusive<u64>,
    result: RangeInclusive<u64>,
    reference: RangeInclusive<u64>,
    feedback: RangeInclusive<u64>,
    output: Vec<u64>,
}

const MEGA: u64 = 1_000_000;

impl Primitive {
    /// The name of the cell.
    pub fn name(self) -> &'static str {
        match self {
            Primitive::Ehxplll => "EHXPLLL",
            Primitive::SbPll40Core => "SB_PLL40_CORE",
            Primitive::SbPll40Pad => "SB_PLL40_PAD",
            Primitive::Rpll => "rPLL",
        }
    }

    fn limits(self) -> Limits {
        match self {
            // The ranges of ecppll. FPGA-DS-02012 has the frequency compared from 10 MHz on, with which 25 MHz would make
            // multiples of 12.5 MHz only; boards have long been run at less, and the nearest setting with the highest
            // such frequency is taken.
            Primitive::Ehxplll => Limits {
                input: 8 * MEGA..=400 * MEGA,
                comparison: 3_125_000..=400 * MEGA,
                vco: 400 * MEGA..=800 * MEGA,
                result: 3_125_000..=400 * MEGA,
                reference: 1..=128,
                feedback: 1..=80,
                output: (1..=128).collect(),
            },
            // FPGA-DS-02029 and FPGA-DS-02008, "sysCLOCK PLL Timing": the same for HX and UltraPlus, and those of icepll.
            Primitive::SbPll40Core | Primitive::SbPll40Pad => Limits {
                input: 10 * MEGA..=133 * MEGA,
                comparison: 10 * MEGA..=133 * MEGA,
                vco: 533 * MEGA..=1_066 * MEGA,
                result: 16 * MEGA..=275 * MEGA,
                reference: 1..=16,
                feedback: 1..=128,
                output: vec![2, 4, 8, 16, 32, 64],
            },
            // DS117 for the speed grade C6/I5.
            Primitive::Rpll => Limits {
                input: 3 * MEGA..=400 * MEGA,
                comparison: 3 * MEGA..=400 * MEGA,
                vco: 400 * MEGA..=1_200 * MEGA,
                result: 3_125_000..=600 * MEGA,
                reference: 1..=64,
                feedback: 1..=64,
                output: vec![2, 4, 8, 16, 32, 48, 64, 80, 96, 112, 128],
            },
        }
    }

    /// Whether the output divider stands behind the loop rather than in it.
    fn divides_behind(self) -> bool {
        matches!(self, Primitive::SbPll40Core | Primitive::SbPll40Pad)
    }
}

/// A PLL with its dividers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pll {
    /// The cell.
    pub primitive: Primitive,
    /// The oscillator's frequency in Hz.
    pub input_hertz: u32,
    /// What the oscillator is divided by.
    pub reference: u64,
    /// What the compared frequency is multiplied by.
    pub feedback: u64,
    /// The quotient of VCO and output.
    pub output: u64,
}

impl Pll {
    /// The PLL whose output is nearest to `hertz`; of equals, the one that compares at the highest frequency, whose loop
    /// follows the oscillator most closely, with a VCO in the middle of its range. `None` where the oscillator cannot drive
    /// one.
    pub fn nearest(primitive: Primitive, input_hertz: u32, hertz: u32) -> Option<Pll> {
        let limits = primitive.limits();
        let middle = (limits.vco.start() + limits.vco.end()) / 2;
        let distance = |pll: &Pll| {
            let (numerator, denominator) = pll.quotient();
            let error = (u128::from(hertz) * u128::from(denominator)).abs_diff(u128::from(numerator));
            // Fractions with different denominators, as parts of 2^-20 Hz.
            ((error << 20) / u128::from(denominator), pll.reference, pll.vco_hertz().abs_diff(middle))
        };
        let dividers = limits
            .reference
            .clone()
            .flat_map(|reference| limits.feedback.clone().map(move |feedback| (reference, feedback)));
        dividers
            .flat_map(|(reference, feedback)| {
                let pll = move |&output: &u64| Pll { primitive, input_hertz, reference, feedback, output };
                limits.output.iter().map(pll)
            })
            .filter(|pll| pll.is_within(&limits))
            .min_by_key(distance)
    }

    fn is_within(&self, limits: &Limits) -> bool {
        let input = u64::from(self.input_hertz);
        // Compared as products, so that nothing is rounded.
        let within = |numerator: u64, denominator: u64, range: &RangeInclusive<u64>| {
            numerator >= range.start() * denominator && numerator <= range.end() * denominator
        };
        let (numerator, denominator) = self.quotient();
        limits.input.contains(&input)
            && within(input, self.reference, &limits.comparison)
            && within(numerator, denominator, &limits.result)
            && within(numerator * self.output, denominator, &limits.vco)
    }

    /// The output's frequency as a fraction.
    fn quotient(&self) -> (u64, u64) {
        let behind = if self.primitive.divides_behind() { self.output } else { 1 };
        (u64::from(self.input_hertz) * self.feedback, self.reference * behind)
    }

    /// The output's frequency, to the nearest Hz.
    pub fn hertz(&self) -> u32 {
        let (numerator, denominator) = self.quotient();
        ((numerator + denominator / 2) / denominator) as u32
    }

    /// The VCO's frequency in Hz, rounded down.
    pub fn vco_hertz(&self) -> u64 {
        let (numerator, denominator) = self.quotient();
        numerator * self.output / denominator
    }

    /// The cell between the nets `clock` and `device_clock`, with `locked` high once the output can be relied on; `part`
    /// is the chip as the tools name it.
    pub(super) fn verilog(&self, part: &str) -> String {
        let Pll { reference, feedback, output, .. } = *self;
        let megahertz = |hertz: u32| f64::from(hertz) / 1e6;
        let (input, result) = (megahertz(self.input_hertz), megahertz(self.hertz()));
        let name = self.primitive.name();
        match self.primitive {
            Primitive::Ehxplll => format!(
                "  (* FREQUENCY_PIN_CLKI = \"{input}\", FREQUENCY_PIN_CLKOP = \"{result}\", ICP_CURRENT = \"12\",\n     \
                 LPF_RESISTOR = \"8\", MFG_ENABLE_FILTEROPAMP = \"1\", MFG_GMCREF_SEL = \"2\" *)\n  \
                 {name} #(\n    \
                 .CLKI_DIV({reference}), .CLKFB_DIV({feedback}), .CLKOP_DIV({output}), .CLKOP_CPHASE({phase}),\n    \
                 .CLKOP_ENABLE(\"ENABLED\"), .FEEDBK_PATH(\"CLKOP\"), .PLLRST_ENA(\"DISABLED\"), .INTFB_WAKE(\"DISABLED\"),\n    \
                 .STDBY_ENABLE(\"DISABLED\"), .DPHASE_SOURCE(\"DISABLED\"), .OUTDIVIDER_MUXA(\"DIVA\"),\n    \
                 .OUTDIVIDER_MUXB(\"DIVB\"), .OUTDIVIDER_MUXC(\"DIVC\"), .OUTDIVIDER_MUXD(\"DIVD\")\n  \
                 ) pll (\n    \
                 .CLKI(clock), .CLKFB(device_clock), .CLKOP(device_clock), .LOCK(locked), .RST(1'b0), .STDBY(1'b0),\n    \
                 .PHASESEL0(1'b0), .PHASESEL1(1'b0), .PHASEDIR(1'b1), .PHASESTEP(1'b1), .PHASELOADREG(1'b1),\n    \
                 .PLLWAKESYNC(1'b0), .ENCLKOP(1'b0)\n  );\n",
                phase = output / 2,
            ),
            Primitive::SbPll40Core | Primitive::SbPll40Pad => {
                let pin = if self.primitive == Primitive::SbPll40Pad { "PACKAGEPIN" } else { "REFERENCECLK" };
                // FPGA-TN-02052: by the frequency that is compared.
                let filter = match u64::from(self.input_hertz) / reference / MEGA {
                    ..17 => 1,
                    17..26 => 2,
                    26..44 => 3,
                    44..66 => 4,
                    66..101 => 5,
                    101.. => 6,
                };
                format!(
                    "  {name} #(\n    \
                     .FEEDBACK_PATH(\"SIMPLE\"), .DIVR(4'd{}), .DIVF(7'd{}), .DIVQ(3'd{}), .FILTER_RANGE(3'd{filter})\n  \
                     ) pll (\n    \
                     .{pin}(clock), .PLLOUTGLOBAL(device_clock), .LOCK(locked), .RESETB(1'b1), .BYPASS(1'b0)\n  );\n",
                    reference - 1,
                    feedback - 1,
                    output.ilog2(),
                )
            }
            Primitive::Rpll => format!(
                "  {name} #(\n    \
                 .DEVICE(\"{part}\"), .FCLKIN(\"{input}\"), .IDIV_SEL({}), .FBDIV_SEL({}), .ODIV_SEL({output}),\n    \
                 .CLKFB_SEL(\"internal\"), .CLKOUT_BYPASS(\"false\"), .CLKOUTP_BYPASS(\"false\"), .CLKOUTD_BYPASS(\"false\"),\n    \
                 .DYN_IDIV_SEL(\"false\"), .DYN_FBDIV_SEL(\"false\"), .DYN_ODIV_SEL(\"false\"), .DYN_DA_EN(\"false\"),\n    \
                 .DYN_SDIV_SEL(2), .PSDA_SEL(\"0000\"), .DUTYDA_SEL(\"1000\"), .CLKOUTD_SRC(\"CLKOUT\"),\n    \
                 .CLKOUTD3_SRC(\"CLKOUT\")\n  \
                 ) pll (\n    \
                 .CLKIN(clock), .CLKOUT(device_clock), .LOCK(locked), .RESET(1'b0), .RESET_P(1'b0), .CLKFB(1'b0),\n    \
                 .FBDSEL(6'b0), .IDSEL(6'b0), .ODSEL(6'b0), .PSDA(4'b0), .DUTYDA(4'b0), .FDLY(4'b0)\n  );\n",
                reference - 1,
                feedback - 1,
            ),
        }
    }
}
