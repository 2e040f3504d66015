//! Texts that a reader should like, and the same blocks in two simulators.

use crate::blocks::*;
use crate::support::Bench;

#[test]
fn pe() {
    let design = Bench::new("pe", Pe::new(5, 8)).run(|pe, random| {
        pe.weights.next = random.word(5);
        pe.x.next = random.word(5);
        pe.first.next = random.chance(0.1);
    });
    insta::assert_snapshot!(design.text());
}

#[test]
fn array() {
    let design = Bench::new("array", Array::new(3, 4)).run(|array, random| {
        array.weights.next = random.word(12);
        array.x.next = random.word(4);
        array.first.next = random.chance(0.1);
    });
    insta::assert_snapshot!(design.text());
}

#[test]
fn counter() {
    let design = Bench::new("counter", Counter::new(9, 8)).cycles(400).run(|counter, random| {
        counter.step.next = random.chance(0.8);
        counter.clear.next = random.chance(0.02);
    });
    insta::assert_snapshot!(design.text());
}

#[test]
fn twins() {
    let design = Bench::new("twins", Twins::new()).run(|twins, random| twins.d.next = random.word(9));
    insta::assert_snapshot!(design.text());
}

#[test]
fn copies() {
    let design = Bench::new("copies", Copies::new()).run(|copies, random| {
        copies.d.next = random.word(4);
        copies.swap.next = random.chance(0.5);
    });
    insta::assert_snapshot!(design.text());
}

#[test]
fn operators() {
    let design = Bench::new("operators", Operators::new()).cycles(3000).run_combinational(|block, random| {
        block.a.next = random.word(12);
        block.b.next = random.word(8);
        block.index.next = random.word(5);
        block.flag.next = random.chance(0.5);
    });
    insta::assert_snapshot!(design.text());
}

#[test]
fn selector() {
    let design = Bench::new("selector", Selector::new()).cycles(1000).run_combinational(|block, random| {
        block.enable.next = random.chance(0.5);
        block.choice.next = random.word(2);
        block.a.next = random.word(4);
        block.b.next = random.word(4);
    });
    insta::assert_snapshot!(design.text());
}

#[test]
fn array_in_verilator() {
    Bench::new("array", Array::new(3, 40)).cycles(2000).verilator().run(|array, random| {
        array.weights.next = random.word(120);
        array.x.next = random.word(40);
        array.first.next = random.chance(0.1);
    });
}
