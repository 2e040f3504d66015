//! What runs have taken.

use crate::bus::LineStatistics;
use hdrhistogram::Histogram;
use std::time::Duration;

/// Longest latency that is distinguished from longer ones.
const LONGEST: Duration = Duration::from_secs(3600);

/// What runs on a device have taken since it was opened, in time as it passes here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Images answered.
    pub images: u64,
    /// Half of the images were answered within this time, from the moment on in which the first of their words was sent,
    /// those before them in the same batch included. Within a thousandth.
    pub latency_p50: Duration,
    /// As many as 99 of 100 within this time.
    pub latency_p99: Duration,
    /// What the line has carried, where there is one.
    pub line: LineStatistics,
}

/// The latencies of images, in microseconds.
#[derive(Clone, Debug)]
pub(super) struct Latencies(Histogram<u64>);

impl Default for Latencies {
    fn default() -> Self {
        let longest = LONGEST.as_micros() as u64;
        Latencies(
            Histogram::new_with_bounds(1, longest, 3).expect("1 to an hour with 3 digits are bounds of a histogram"),
        )
    }
}

impl Latencies {
    pub(super) fn record(&mut self, latency: Duration) {
        self.0.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
    }

    pub(super) fn statistics(&self, line: LineStatistics) -> Statistics {
        let quantile = |quantile| Duration::from_micros(self.0.value_at_quantile(quantile));
        Statistics { images: self.0.len(), latency_p50: quantile(0.5), latency_p99: quantile(0.99), line }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_what_was_recorded() {
        let mut latencies = Latencies::default();
        (1..=1000).for_each(|millis| latencies.record(Duration::from_millis(millis)));
        latencies.record(Duration::MAX);
        let Statistics { images, latency_p50, latency_p99, .. } = latencies.statistics(LineStatistics::default());
        assert_eq!(images, 1001);
        assert!(latency_p50.abs_diff(Duration::from_millis(501)) < Duration::from_millis(1));
        assert!(latency_p99.abs_diff(Duration::from_millis(991)) < Duration::from_millis(1));
    }
}
