use super::*;
use proptest::prelude::*;

/// A receiver as the hardware is: the phase in whole numbers.
fn receive(timing: &UartTiming, levels: &[bool]) -> Vec<u8> {
    let (mut bytes, mut phase, mut bits, mut count, mut overflow) = (vec![], 0, 0u16, 0, false);
    for level in levels {
        match count {
            0 if *level => {}
            0 => (phase, count, bits, overflow) = (timing.receive_start(), 1, 0, false),
            _ => {
                phase += timing.increment();
                overflow = phase >> timing.phase_bits() == 1;
                phase &= (1 << timing.phase_bits()) - 1;
            }
        }
        if overflow && count > 0 {
            bits |= u16::from(*level) << (count - 1);
            count += 1;
        }
        if count == 11 {
            assert_eq!(bits & 0x201, 0x200, "start and stop bit");
            bytes.push((bits >> 1) as u8);
            (count, overflow) = (0, false);
        }
    }
    bytes
}

/// Clock and rate with bits of 4 to 40 cycles that a timing exists for.
fn timings() -> impl Strategy<Value = UartTiming> {
    (4_000u32..40_000, 1_000u32..100_000).prop_filter_map("refused", |(thousandths, baud)| {
        UartTiming::new((u64::from(thousandths) * u64::from(baud) / 1000) as u32, baud).ok()
    })
}

fn levels(line: &mut LineEncoder, idle: usize) -> Vec<bool> {
    let mut levels = vec![true; idle];
    while !line.is_idle() {
        levels.push(line.next_level());
    }
    levels.extend([true; 50]);
    levels
}

proptest! {
    #[test]
    fn bytes_round_trip_at_any_deviation(
        timing in timings(),
        deviation in -20_000i32..=20_000,
        bytes in proptest::collection::vec(any::<u8>(), 1..40),
        idle in 0usize..20,
    ) {
        let mut line = LineEncoder::deviating(&timing, deviation);
        bytes.iter().for_each(|byte| line.push(*byte));
        let levels = levels(&mut line, idle);
        let mut decoder = LineDecoder::new(&timing);
        let decoded: Vec<_> = levels.iter().filter_map(|level| decoder.push(*level)).collect();
        prop_assert_eq!(decoded, bytes.iter().map(|byte| Ok(*byte)).collect::<Vec<_>>());
        prop_assert_eq!(receive(&timing, &levels), bytes);
    }

    #[test]
    fn a_broken_byte_is_reported_and_the_next_one_found(timing in timings(), broken in any::<u8>(), next in any::<u8>()) {
        let mut line = LineEncoder::new(&timing);
        line.push_broken(broken);
        line.push(next);
        let mut decoder = LineDecoder::new(&timing);
        let decoded: Vec<_> = levels(&mut line, 3).iter().filter_map(|level| decoder.push(*level)).collect();
        prop_assert_eq!(decoded, [Err(LineError::NoStopBit), Ok(next)]);
    }

    #[test]
    fn four_cycles_a_bit_are_always_safe(baud in 1u32..4_000_000, thousandths in 4_000u64..20_000) {
        let cycles = (u64::from(baud) * thousandths).div_ceil(1000);
        let timing = UartTiming::new(u32::try_from(cycles).expect("below 2^32"), baud).expect("at least 4 cycles a bit");
        prop_assert!(timing.receive_error() <= MAX_ERROR, "{}", timing.receive_error());
        prop_assert!(timing.transmit_error() <= MAX_ERROR, "{}", timing.transmit_error());
    }

    #[test]
    fn the_rate_is_close(timing in timings()) {
        prop_assert!(timing.rate_error().abs() <= 0.0005, "{}", timing.rate_error());
        prop_assert!(timing.increment() < 1 << timing.phase_bits() && timing.receive_start() < 1 << timing.phase_bits());
    }
}

/// The line's length is that of its bits in continuous time, to the cycle.
#[test]
fn nothing_adds_up() {
    let timing = UartTiming::new(25_000_000, 3_000_000).expect("known to be safe");
    let mut line = LineEncoder::new(&timing);
    (0..3000).for_each(|_| line.push(0x55));
    let cycles = std::iter::from_fn(|| (!line.is_idle()).then(|| line.next_level())).count();
    assert_eq!(cycles, 30_000 * 25 / 3);
}

#[test]
fn common_lines_are_possible() {
    for (clock_hertz, baud, receive, transmit) in [
        (12_000_000, 115_200, 20, 22),
        (12_000_000, 1_000_000, 28, 23),
        (12_000_000, 3_000_000, 44, 23),
        (25_000_000, 115_200, 19, 23),
        (25_000_000, 1_000_000, 21, 23),
        (25_000_000, 3_000_000, 29, 27),
        (100_000_000, 9_600, 19, 23),
    ] {
        let timing = UartTiming::new(clock_hertz, baud).expect("a common line");
        let percent = |error: f64| (100.0 * error).round() as u32;
        let found = (percent(timing.receive_error()), percent(timing.transmit_error()));
        assert_eq!(found, (receive, transmit), "{clock_hertz} Hz, {baud} baud");
    }
}

#[test]
fn what_cannot_be_received_is_refused_with_a_way_out() {
    let refused = |clock_hertz, baud| {
        let error = UartTiming::new(clock_hertz, baud).expect_err("known to be unsafe");
        (error.to_string(), error.help().map(|help| help.to_string()).unwrap_or_default())
    };
    assert_eq!(
        refused(12_000_000, 4_000_000),
        (
            "a bit must last 4 clock cycles to be sampled near its middle, found 3.00 at 4000000 baud and 12000000 Hz"
                .into(),
            "use at most 3000000 baud, or make a clock of at least 16000000 Hz with a PLL".into()
        )
    );
    assert_eq!(
        refused(12_000_000, 0),
        (
            "a serial line needs a clock and a rate, found a clock of 12000000 Hz and 0 baud".into(),
            "give both as positive numbers, such as 12000000 Hz and 115200 baud".into()
        )
    );
}
