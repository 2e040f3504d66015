//! Words against arbitrary-precision integers, and the rules of wires and of simulation.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use hdl::rust_hdl::prelude::*;
use hdl::wire::{Clocked, ModuleName, Parameter, Simulation, Wire, Word, bits_of};
use num_bigint::BigUint;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const WIDTHS: [usize; 11] = [0, 1, 5, 63, 64, 65, 127, 128, 129, 200, 700];

fn word(random: &mut ChaCha8Rng, width: usize) -> Word {
    match random.random_range(0..5) {
        0 => Word::zero(width),
        1 => Word::ones(width),
        _ => Word::from_bits((0..width).map(|_| random.random())),
    }
}

fn integer(word: &Word) -> BigUint {
    BigUint::from_bytes_le(&word.limbs().iter().flat_map(|limb| limb.to_le_bytes()).collect::<Vec<_>>())
}

fn modulus(width: usize) -> BigUint {
    BigUint::from(1u8) << width
}

#[track_caller]
fn assert_is(found: Word, expected: BigUint, width: usize) {
    assert_eq!(found.bits(), width);
    assert_eq!(integer(&found), expected % modulus(width));
}

fn pairs() -> impl Iterator<Item = (Word, Word)> {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    (0..10)
        .flat_map(|_| WIDTHS)
        .flat_map(|left| WIDTHS.map(move |right| (left, right)))
        .map(move |(left, right)| (word(&mut random, left), word(&mut random, right)))
}

#[test]
fn arithmetic_wraps_at_the_wider_side() {
    for (a, b) in pairs() {
        let (x, y, width) = (integer(&a), integer(&b), a.bits().max(b.bits()));
        assert_is(a.clone() + b.clone(), &x + &y, width);
        assert_is(a.clone() * b.clone(), &x * &y, width);
        assert_is(a.clone() - b.clone(), &x + modulus(width) - &y, width);
        assert_is(a.clone() + true, &x + 1u8, a.bits().max(1));
        assert_is(a.clone() + false, x, a.bits());
    }
}

#[test]
fn bitwise_operations_extend_with_zeros() {
    for (a, b) in pairs() {
        let (x, y, width) = (integer(&a), integer(&b), a.bits().max(b.bits()));
        assert_is(a.clone() & b.clone(), &x & &y, width);
        assert_is(a.clone() | b.clone(), &x | &y, width);
        assert_is(a.clone() ^ b.clone(), &x ^ &y, width);
        assert_is(!a.clone(), modulus(a.bits()) - 1u8 - x, a.bits());
    }
}

#[test]
fn comparison_is_of_values() {
    for (a, b) in pairs() {
        assert_eq!(a.cmp(&b), integer(&a).cmp(&integer(&b)), "{a} {b}");
        assert_eq!(a == b, integer(&a) == integer(&b));
        let low = b.low();
        assert_eq!(a == low, integer(&a) == BigUint::from(low));
        assert_eq!(a < low, integer(&a) < BigUint::from(low));
    }
    assert!(Word::new(3, 4) > 2 && Word::new(3, 4) <= 3usize && Word::ones(70) > u64::MAX);
}

#[test]
fn shifts_keep_the_width_of_the_left_side() {
    for (a, _) in pairs() {
        for distance in [0, 1, 63, 64, 65, 130, 699, 5000] {
            assert_is(a.clone() >> distance, integer(&a) >> distance, a.bits());
            assert_is(a.clone() << distance, integer(&a) << distance, a.bits());
            assert_eq!(a.clone() << Word::new(distance as u64, 13), a.clone() << distance);
        }
        assert_is(a.clone() >> Word::ones(80), BigUint::from(0u8), a.bits());
    }
}

#[test]
fn bits_lanes_and_casts() {
    for (a, b) in pairs() {
        let x = integer(&a);
        for index in [0, 3, 64, 127, 699, 701] {
            assert_eq!(a.get_bit(index), x.bit(index as u64));
            let mut expected = x.clone();
            expected.set_bit(index as u64, true);
            assert_is(a.replace_bit(index, true), expected, a.bits());
        }
        assert_eq!(a.any(), x != BigUint::from(0u8));
        assert_eq!(a.all(), a.count_ones() == a.bits());
        assert_eq!(a.xor(), x.count_ones() % 2 == 1);
        assert_is(bits_of(a.clone(), b.bits()), x.clone(), b.bits());
        for width in [1, 7, 33, 64] {
            let lane = |i: usize| (&x >> (i * width)) % modulus(width);
            assert!((0..12).all(|i| BigUint::from(a.lane(i, width)) == lane(i)));
            let lanes = a.bits() / width;
            assert_is(Word::from_lanes((0..lanes).map(|i| a.lane(i, width)), width), x.clone(), lanes * width);
        }
        assert_eq!(format!("{a:x}").len(), a.bits().div_ceil(4).max(1));
        assert_eq!(BigUint::parse_bytes(format!("{a:x}").as_bytes(), 16), Some(x));
    }
}

#[test]
fn signed_words_are_twos_complement() {
    for value in [-8i64, -1, 0, 1, 7] {
        assert_eq!(Word::signed(value, 4).as_signed(), value);
        assert_eq!(Word::signed(value, 64).as_signed(), value);
        assert_eq!(Word::signed(value, 130).get_bit(129), value < 0);
    }
}

#[test]
fn constants_of_any_width_carry_their_value() {
    for width in [1, 64, 65, 128, 129, 4000] {
        let mut random = ChaCha8Rng::seed_from_u64(width as u64);
        let value = word(&mut random, width);
        let literal = format!("{:x}", Parameter::new(value.clone()).verilog());
        let digits = literal.split_once("'h").map(|(_, digits)| digits.to_owned());
        assert_eq!(digits.and_then(|digits| BigUint::parse_bytes(digits.as_bytes(), 16)), Some(integer(&value)));
    }
}

/// A register behind `levels` blocks, between a short and a long way from the clock.
#[derive(LogicBlock)]
struct Nested {
    name: ModuleName,
    clock: Wire<In, Clock>,
    d: Wire<In>,
    q: Wire<Out>,
    inner: Vec<Nested>,
    _levels: usize,
    _leaf: usize,
}

impl Nested {
    fn of(levels: usize) -> Nested {
        Nested {
            name: ModuleName::new(format!("nested_{levels}")),
            clock: Wire::default(),
            d: Wire::of(8),
            q: Wire::of(8),
            inner: (0..levels.min(1)).map(|_| Nested::of(levels - 1)).collect(),
            _levels: levels.min(1),
            _leaf: 1 - levels.min(1),
        }
    }
}

impl Logic for Nested {
    fn update(&mut self) {
        for i in 0..self._levels {
            self.inner[i].clock.next = self.clock.val();
            self.inner[i].d.next = self.d.val();
            self.q.next = self.inner[i].q.val();
        }
        if self._leaf == 1 && self.clock.pos_edge() {
            self.q.next = self.d.val();
        }
    }
}

/// A ring of registers of all depths: every edge must move every value by exactly one.
#[derive(LogicBlock)]
struct Ring {
    clock: Wire<In, Clock>,
    registers: Vec<Nested>,
    seed: Wire<In>,
    load: Wire<In, Bit>,
    _count: usize,
}

impl Clocked for Ring {
    fn clock(&mut self) -> &mut Wire<In, Clock> {
        &mut self.clock
    }
}

impl Logic for Ring {
    fn update(&mut self) {
        for i in 0..self._count {
            let before = (i + self._count - 1) % self._count;
            self.registers[i].clock.next = self.clock.val();
            self.registers[i].d.next =
                if self.load.val() { self.seed.val() + i } else { self.registers[before].q.val() };
        }
    }
}

#[test]
fn an_edge_reaches_every_depth_before_any_value_moves() {
    let depths = [0, 5, 1, 4, 0, 3, 2, 7, 0];
    let mut simulation = Simulation::new(Ring {
        clock: Wire::default(),
        registers: depths.into_iter().map(Nested::of).collect(),
        seed: Wire::of(8),
        load: Wire::default(),
        _count: depths.len(),
    });
    simulation.top.load.next = true;
    simulation.top.seed.next = Word::new(10, 8);
    simulation.step().unwrap();
    simulation.top.load.next = false;
    for turn in 1..30 {
        simulation.step().unwrap();
        for (i, register) in simulation.top.registers.iter().enumerate() {
            let from = (i + depths.len() * 30 - turn) % depths.len();
            assert_eq!(register.q.val(), 10 + from as u64, "register {i} after {turn} edges");
        }
    }
    assert_eq!(simulation.cycle(), 30);
}

#[test]
fn a_wire_cuts_what_is_assigned_to_it() {
    let mut wire: Wire<Local> = Wire::of(4);
    wire.next = Word::new(0x1f, 8);
    assert_eq!(wire.val(), Word::new(0xf, 4));
    assert_eq!(wire.val().bits(), 4);
    wire.update_all();
    assert!(wire.has_changed());
    wire.next = Word::new(0x2f, 8);
    wire.update_all();
    assert!(!wire.has_changed(), "the same value after the cut");
}

/// A block whose output is its own negation.
#[derive(LogicBlock)]
struct Oscillator {
    clock: Wire<In, Clock>,
    x: Wire<Local, Bit>,
}

impl Logic for Oscillator {
    fn update(&mut self) {
        self.x.next = !self.x.val();
    }
}

impl Clocked for Oscillator {
    fn clock(&mut self) -> &mut Wire<In, Clock> {
        &mut self.clock
    }
}

#[test]
fn a_combinational_loop_is_an_error() {
    let mut simulation = Simulation::new(Oscillator { clock: Wire::default(), x: Wire::default() });
    let error = simulation.step().unwrap_err();
    assert_eq!(error.cycle, 0);
    assert!(miette::Diagnostic::help(&error).is_some_and(|help| help.to_string().contains("cycle 0")));
}
