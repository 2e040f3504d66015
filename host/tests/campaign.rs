//! The campaign of lines with faults, and proof that it notices a host that breaks a rule.

#![allow(clippy::unwrap_used)]

use testkit::campaign::{careless, model};

#[test]
fn no_fault_gives_a_wrong_answer() {
    let figures = model::campaign(1, 100_000, model::frame_bus);
    println!("{figures}");
    assert!(figures.is_clean(), "{figures}");
    let faults = figures.faults;
    let kinds = [faults.dropped, faults.flipped, faults.repeated, faults.truncated, faults.garbage, faults.delayed];
    assert!(kinds.iter().all(|count| *count > 1000), "every kind of fault occurs: {figures}");
    assert!(figures.cuts > 20 && figures.restarts > 20, "{figures}");
    // Both ends are reached: lines that are mended by repeating, and lines that cannot be.
    assert!(figures.answered > figures.asked / 4 && figures.failed > figures.asked / 20, "{figures}");
}

/// A host of its own that keeps the rules passes, so that what follows is due to the rule that each one breaks.
#[test]
fn a_careful_host_gives_no_wrong_answer() {
    let figures = model::campaign(1, 50_000, careless::careful);
    assert_eq!((figures.wrong, figures.late), (0, 0), "{figures}");
    assert!(figures.answered > figures.asked / 4, "{figures}");
}

#[test]
fn careless_hosts_are_noticed() {
    let hosts: [(&str, model::MakeBus); 4] = [
        ("takes frames with wrong checksums", careless::without_checksums),
        ("takes answers to earlier attempts", careless::with_any_attempt),
        ("takes answers to other requests", careless::without_sequence),
        ("takes refused payloads for written", careless::without_refusals),
    ];
    for (what, make) in hosts {
        let figures = model::campaign(1, 100_000, make);
        println!("a host that {what}: {} wrong answers, {} unexplained errors", figures.wrong, figures.unexplained);
        assert!(figures.wrong > 0, "a host that {what} goes unnoticed\n{figures}");
    }
}
