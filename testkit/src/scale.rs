//! How much of a test is run: `XNORFORGE_TESTS`.
//!
//! Tests that repeat themselves over seeds, models or boards have two counts. `sample` (where the variable is not set) is what
//! every run of the tests has time for; `full` is what `.ci/full` runs; a number is so many times the full count, for
//! campaigns. What a sample leaves out is more of the same kind: each kind is in the sample, and all of the sample in the full run.

/// The count of a test: `sample`, `full` or a multiple of `full`, as `XNORFORGE_TESTS` says.
pub fn count(sample: u64, full: u64) -> u64 {
    count_at(std::env::var("XNORFORGE_TESTS").ok().as_deref(), sample, full)
}

/// Whether everything is to be run.
pub fn is_full() -> bool {
    count(0, 1) > 0
}

fn count_at(scale: Option<&str>, sample: u64, full: u64) -> u64 {
    let times = match scale {
        None | Some("sample") => return sample,
        Some("full") => 1,
        Some(times) => times.parse::<u64>().unwrap_or_else(|_| {
            panic!("XNORFORGE_TESTS must be `sample`, `full` or how many times the full count, found `{times}`")
        }),
    };
    full * times
}

#[cfg(test)]
mod tests {
    use super::count_at;

    #[test]
    fn counts_follow_the_scale() {
        let counts = [None, Some("sample"), Some("full"), Some("3")].map(|scale| count_at(scale, 5, 40));
        assert_eq!(counts, [5, 5, 40, 120]);
    }

    #[test]
    #[should_panic(expected = "found `much`")]
    fn another_word_is_refused() {
        count_at(Some("much"), 5, 40);
    }
}
