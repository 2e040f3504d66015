//! PLLs: dividers against worked examples and the families' own tools, and the top modules that hold them.

#![allow(clippy::unwrap_used)]

use flow::board::{Board, BoardError, Pll, Primitive};
use std::process::Command;
use testkit::tools::fpga_tool;

/// What a program prints.
fn said(mut command: Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The number after `label` in what a tool says.
fn number(text: &str, label: &str) -> f64 {
    let (_, rest) = text.split_once(label).unwrap_or_else(|| panic!("no {label} in {text}"));
    rest.split(|c: char| !c.is_ascii_digit() && c != '.').find_map(|word| word.parse().ok()).unwrap()
}

const EHXPLLL: Primitive = Primitive::Ehxplll;
const SB_PLL40: Primitive = Primitive::SbPll40Core;

#[test]
fn dividers_of_worked_examples() {
    let pll = |primitive, input, hertz| {
        let pll = Pll::nearest(primitive, input, hertz).unwrap();
        (pll.reference, pll.feedback, pll.output, pll.hertz(), pll.vco_hertz())
    };
    // 25 MHz · 2 = 50 MHz, VCO 12 · 50 MHz.
    assert_eq!(pll(EHXPLLL, 25_000_000, 50_000_000), (1, 2, 12, 50_000_000, 600_000_000));
    // 25 MHz / 5 · 12 = 60 MHz, VCO 10 · 60 MHz.
    assert_eq!(pll(EHXPLLL, 25_000_000, 60_000_000), (5, 12, 10, 60_000_000, 600_000_000));
    // 48 MHz / 4 · 3 = 36 MHz.
    assert_eq!(pll(EHXPLLL, 48_000_000, 36_000_000).3, 36_000_000);
    // 12 MHz · 64 = 768 MHz, / 32 = 24 MHz.
    assert_eq!(pll(SB_PLL40, 12_000_000, 24_000_000), (1, 64, 32, 24_000_000, 768_000_000));
    // 12 MHz · 67 = 804 MHz, / 16 = 50.25 MHz.
    assert_eq!(pll(SB_PLL40, 12_000_000, 50_000_000), (1, 67, 16, 50_250_000, 804_000_000));
    // 27 MHz / 9 · 16 = 48 MHz, VCO 16 · 48 MHz.
    assert_eq!(pll(Primitive::Rpll, 27_000_000, 48_000_000), (9, 16, 16, 48_000_000, 768_000_000));
    // A third of a hertz is rounded: 25 MHz / 3 · 4.
    assert_eq!(pll(EHXPLLL, 25_000_000, 33_333_333).3, 33_333_333);
    // Out of an iCE40's range: 16 MHz is the least.
    assert_eq!(pll(SB_PLL40, 12_000_000, 1_000_000).3, 16_125_000);
    assert_eq!(Pll::nearest(SB_PLL40, 9_000_000, 24_000_000), None);
}

#[test]
fn ecp5_as_ecppll() {
    let Some(ecppll) = fpga_tool("yowasp-ecppll") else { return };
    for (input, wanted) in [(25, 12.5), (25, 40.0), (25, 47.0), (25, 66.0), (25, 133.0), (48, 24.0), (48, 62.5)] {
        let mut command = Command::new(&ecppll);
        command.args(["-i", &input.to_string(), "-o", &wanted.to_string()]);
        let theirs = number(&said(command), "clkout0 frequency:");
        let ours = Pll::nearest(EHXPLLL, input * 1_000_000, (wanted * 1e6) as u32).unwrap();
        let ours = f64::from(ours.hertz()) / 1e6;
        assert!(
            (ours - wanted).abs() <= (theirs - wanted).abs() + 1e-3,
            "{input} to {wanted}: {ours}, ecppll {theirs}"
        );
    }
}

#[test]
fn ice40_as_icepll() {
    let Some(icepll) = fpga_tool("yowasp-icepll") else { return };
    for wanted in [16.5, 17.0, 24.0, 30.0, 48.0, 50.0, 63.9, 99.0, 200.0, 264.0] {
        let mut command = Command::new(&icepll);
        command.args(["-i", "12", "-o", &wanted.to_string()]);
        let text = said(command);
        let (_, achieved) = text.split_once("(requested)").unwrap();
        let theirs = number(achieved, "F_PLLOUT:");
        let ours = Pll::nearest(SB_PLL40, 12_000_000, (wanted * 1e6) as u32).unwrap();
        assert!((f64::from(ours.hertz()) / 1e6 - theirs).abs() < 1e-3, "{wanted}: {ours:?}, icepll {theirs}");
        if number(&text, "DIVR:") as u64 == ours.reference - 1 && number(&text, "DIVQ:") as u32 == ours.output.ilog2() {
            assert_eq!(number(&text, "DIVF:") as u64, ours.feedback - 1, "{wanted}");
        }
    }
}

#[test]
fn gowin_as_gowin_pll() {
    let Some(gowin_pll) = fpga_tool("gowin_pll") else { return };
    for wanted in [13.5, 25.0, 48.0, 54.0, 61.0, 80.5] {
        let mut command = Command::new(&gowin_pll);
        command.args(["-i", "27", "-o", &wanted.to_string(), "-d", "GW1NR-LV9QN88PC6/I5"]);
        let theirs = number(&said(command), "Achieved output frequency:");
        let ours = Pll::nearest(Primitive::Rpll, 27_000_000, (wanted * 1e6) as u32).unwrap();
        assert!((f64::from(ours.hertz()) / 1e6 - theirs).abs() < 1e-3, "{wanted}: {ours:?}, gowin_pll {theirs}");
    }
}

#[test]
fn top_modules_with_plls() {
    let mut text = String::new();
    for (board, clock) in [("ulx3s-85f", 60.0), ("ice40-hx8k", 48.0), ("icebreaker", 24.0), ("tang-nano-9k", 54.0)] {
        let board = Board::find(board).unwrap();
        let source = board.clock(clock).unwrap();
        text += &format!("// {}\n{}\n", board.name, board.top_module("board", "device", &source));
    }
    insta::assert_snapshot!(text);
}

#[test]
fn clocks_of_boards() {
    for name in Board::names() {
        let board = Board::find(&name).unwrap();
        let oscillator = f64::from(board.facts.clock.hertz) / 1e6;
        assert_eq!(board.clock(oscillator).unwrap().pll, None, "{name}: the oscillator needs no PLL");
        for tenths in (200..1500).step_by(53) {
            let wanted = f64::from(tenths) / 10.0;
            let Ok(clock) = board.clock(wanted) else { continue };
            assert!((clock.megahertz() - wanted).abs() <= 0.01 * wanted, "{name}: {wanted}");
            // What is planned with the frequency found is built with the same dividers.
            assert_eq!(board.clock(clock.megahertz()).unwrap(), clock, "{name}: {wanted}");
        }
    }
}

#[test]
fn clocks_that_are_refused() {
    let mut errors = String::new();
    let mut refused = |board: &str, megahertz: f64| {
        let error: BoardError = Board::find(board).unwrap().clock(megahertz).unwrap_err();
        let help = miette::Diagnostic::help(&error).unwrap().to_string();
        errors += &format!("{error}\n  help: {help}\n\n");
    };
    refused("ulx3s-85f", 48.0);
    refused("icebreaker", 13.0);
    refused("arty-a7-100t", 50.0);
    refused("ulx3s-85f", 3.125);
    for megahertz in [0.0, -25.0, f64::NAN, f64::INFINITY, 1e5] {
        refused("ulx3s-85f", megahertz);
    }
    insta::assert_snapshot!(errors);
}
