//! Numbers and names as people read them.

/// A whole number in groups of three digits.
pub(super) fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with three significant digits or more, and a letter for thousands, millions or thousand millions.
pub(super) fn scaled(value: f64) -> String {
    let (value, letter) = match value {
        value if value >= 1e9 => (value / 1e9, " G"),
        value if value >= 1e6 => (value / 1e6, " M"),
        value if value >= 1e4 => (value / 1e3, " k"),
        value => (value, ""),
    };
    let digits = if value >= 100.0 || value.fract() == 0.0 { 0 } else { 2 - usize::from(value >= 10.0) };
    format!("{value:.digits$}{letter}")
}

/// A time given in microseconds.
pub(super) fn duration(microseconds: f64) -> String {
    match microseconds {
        time if time >= 1e6 => format!("{:.2} s", time / 1e6),
        time if time >= 1e3 => format!("{:.2} ms", time / 1e3),
        time => format!("{time:.2} µs"),
    }
}

/// A share in percent.
pub(super) fn percent(share: f64) -> String {
    match share * 100.0 {
        share if share == 0.0 || share >= 9.95 => format!("{share:.0} %"),
        share => format!("{share:.1} %"),
    }
}

/// The type of elements as people write it.
pub(super) fn element(name: &str) -> String {
    if name == "bipolar" { "±1".to_owned() } else { name.to_owned() }
}

/// A layer's name in at most `most` characters: slashes at the ends dropped, the middle left out where it is longer.
pub(super) fn shortened(name: &str, most: usize) -> String {
    let name = name.trim_matches('/');
    let count = name.chars().count();
    if count <= most {
        return name.to_owned();
    }
    let front = most / 2;
    let back = most - front - 1;
    let head: String = name.chars().take(front).collect();
    let tail: String = name.chars().skip(count - back).collect();
    format!("{head}…{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!([0, 999, 1000, 33_282, 1_000_000].map(grouped), ["0", "999", "1,000", "33,282", "1,000,000"]);
        let numbers = [0.0, 3005.0, 115_740.74, 3.25, 12.34, 1_542_848.0, 2.5e9];
        assert_eq!(numbers.map(scaled), ["0", "3005", "116 k", "3.25", "12.3", "1.54 M", "2.50 G"]);
        assert_eq!([14.4, 1553.79, 2e6].map(duration), ["14.40 µs", "1.55 ms", "2.00 s"]);
        assert_eq!([0.0, 0.004, 0.0995, 1.0].map(percent), ["0 %", "0.4 %", "10 %", "100 %"]);
    }

    #[test]
    fn names_are_shortened_in_the_middle() {
        assert_eq!(shortened("/conv1/Conv", 12), "conv1/Conv");
        assert_eq!(shortened("/sign2/act_quant/pool", 9), "sign…pool");
    }
}
