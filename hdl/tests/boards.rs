//! The boards in `constraints/`, and what a broken folder is told.

#![allow(clippy::unwrap_used)]

use hdl::board::{Board, BoardError, Direction};

#[test]
fn every_board_can_be_used() {
    let names = Board::names();
    assert!(names.iter().any(|name| name == "ulx3s-85f") && names.iter().any(|name| name == "ice40-hx8k"), "{names:?}");
    for name in names {
        // Finding a board checks its ports against its pins both ways, and its UART against its clock.
        let board = Board::find(&name).unwrap_or_else(|error| panic!("{name}: {error}"));
        let timing = board.timing().unwrap();
        assert!(timing.receive_error() <= 0.45 && timing.transmit_error() <= 0.45, "{name}");
        assert!(board.facts.uart.baud <= board.facts.uart.highest_baud, "{name}");
        assert!(board.ports().iter().any(|port| port.direction == Direction::In && port.name == "clock"), "{name}");
        let top = board.top_module("device_of_the_test");
        for port in board.ports() {
            assert!(top.contains(&format!("wire {}", port.name)), "{name}: {}", port.name);
        }
    }
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
    refused(Board::find("nowhere").unwrap_err());
    assert!(board.check_weights(2_900_000).is_ok());
    refused(Board::find("ice40-hx8k").unwrap().check_weights(2_900_000).unwrap_err());
    insta::assert_snapshot!(errors);
}
