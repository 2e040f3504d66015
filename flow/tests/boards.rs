//! The boards in `constraints/`, and the errors of broken folders.

#![allow(clippy::unwrap_used)]

use flow::board::{Board, BoardError, Direction, Family, Resources};
use flow::commands::{script, stages, synthesis_script};

#[test]
fn every_board_can_be_used() {
    let names = Board::names();
    assert_eq!(names.len(), 10, "{names:?}");
    for name in names {
        // Finding a board checks its ports against its pins both ways, the oscillator's pin, its UART against its clock.
        let board = Board::find(&name).unwrap_or_else(|error| panic!("{name}: {error}"));
        let source = board.design_clock().unwrap();
        let timing = board.uart_timing(source.hertz).unwrap();
        assert!(timing.receive_error() <= 0.45 && timing.transmit_error() <= 0.45, "{name}");
        assert!(board.facts.uart.baud <= board.facts.uart.highest_baud, "{name}");
        assert!(board.ports().iter().any(|port| port.direction == Direction::In && port.name == "clock"), "{name}");
        let top = board.top_module("xnorforge_board", "device_of_the_test", &source);
        for port in board.ports() {
            assert!(top.contains(&format!("wire {}", port.name)), "{name}: {}", port.name);
        }
        let lit = if board.facts.leds.active_low { "led_ready = !ready" } else { "led_ready = ready" };
        assert!(top.contains(lit), "{name}");
        let frequency = format!("FREQUENCY PORT \"clock\" {} MHZ", f64::from(board.facts.clock.hertz) / 1e6);
        assert!(board.facts.fpga.family != Family::Ecp5 || board.pins.contains(&frequency), "{name}: {frequency}");
    }
}

#[test]
fn commands_of_every_board() {
    let mut text = String::new();
    for name in Board::names() {
        let board = Board::find(&name).unwrap();
        text += &format!(
            "# {name}\n{}\n",
            synthesis_script(&board, "xnorforge_board", &["core.v".to_owned()]).lines().nth(2).unwrap()
        );
        for stage in stages(&board, board.design_clock().unwrap().hertz, 7).iter() {
            text += &format!("{} {}\n", stage.tool.name(), stage.arguments.join(" "));
        }
    }
    insta::assert_snapshot!(text);
}

/// Every board's `build.sh` is one for the shell.
#[cfg(unix)]
#[test]
fn build_scripts_can_be_read() {
    use std::io::Write;
    for name in Board::names() {
        let board = Board::find(&name).unwrap();
        let mut shell = std::process::Command::new("sh").arg("-n").stdin(std::process::Stdio::piped()).spawn().unwrap();
        shell.stdin.take().unwrap().write_all(script(&board, 24_000_000).as_bytes()).unwrap();
        assert!(shell.wait().unwrap().success(), "{name}");
    }
}

#[test]
fn larger_boards_hold_more() {
    let larger =
        |lut, ff, bram| Board::find("icebreaker").unwrap().larger(&Resources { lut, ff, bram, spram: 0, dsp: 0 });
    // Small ones first; none that bitstreams cannot be built for.
    let boards = larger(6000, 3000, 20);
    assert_eq!(boards.first().map(String::as_str), Some("ice40-hx8k"));
    assert_eq!(boards.last().map(String::as_str), Some("ulx3s-85f"));
    assert!(!boards.contains(&"arty-a7-100t".to_owned()) && !boards.contains(&"icebreaker".to_owned()), "{boards:?}");
    // 100 block RAMs of 4 Kbit are more than the 32 of an HX8K, but not more than 26 of 18 Kbit.
    assert_eq!(larger(6000, 3000, 100).first().map(String::as_str), Some("tang-nano-9k"));
    assert_eq!(larger(100_000, 0, 0), Vec::<String>::new());
}

#[test]
fn broken_folders_are_refused() {
    let board = Board::find("ulx3s-85f").unwrap();
    let parse = |facts: &str, pins: &str| Board::parse("test", facts, pins).unwrap_err();
    let facts = include_str!("../../constraints/ulx3s-85f/board.toml");
    assert!(Board::parse("test", facts, &board.pins).is_ok());
    let mut errors = String::new();
    let mut refused = |error: BoardError| {
        let help = miette::Diagnostic::help(&error).unwrap().to_string();
        errors += &format!("{error}\n  help: {help}\n\n");
    };
    refused(parse("", &board.pins));
    refused(parse(&facts.replace("hertz", "herz"), &board.pins));
    refused(parse(&facts.replace("ecp5", "spartan"), &board.pins));
    refused(parse(&facts.replace("hertz = 25000000", "hertz = 3000000"), &board.pins));
    refused(parse(&facts.replace("baud = 1000000", "baud = 0"), &board.pins));
    refused(parse(facts, &board.pins.replace("LOCATE COMP \"led_busy\"", "LOCATE COMP \"led_idle\"")));
    refused(parse(facts, &format!("{}\nLOCATE COMP \"button\" SITE \"R1\";\n", board.pins)));
    refused(parse(facts, &board.pins.replace("LOCATE COMP \"led_busy\"", "# \"led_busy\"")));
    refused(parse(&facts.replace("baud = 1000000", "baud = 5000000"), &board.pins));
    refused(parse(&facts.replace("pin = \"G2\"", "pin = \"G3\""), &board.pins));
    refused(parse(&facts.replace("pll = \"EHXPLLL\"", "design_hertz = 50000000"), &board.pins));
    refused(Board::find("nowhere").unwrap_err());
    assert!(board.check_weights(2_900_000).is_ok());
    refused(Board::find("ice40-hx8k").unwrap().check_weights(2_900_000).unwrap_err());
    insta::assert_snapshot!(errors);
}
