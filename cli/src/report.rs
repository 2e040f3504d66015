//! What a run says of itself, as text and as JSON.

use abi::domain::Outside;
use abi::maps::Scores;
use serde::Serialize;
use sim::CycleReport;

/// The object that `run` and `simulate` print with `--json`.
#[derive(Debug, Serialize)]
pub struct RunReport {
    /// Number of images run.
    pub images: usize,
    /// Predicted class of each image.
    pub predictions: Vec<i64>,
    /// Images whose prediction is their label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correct: Option<usize>,
    /// `correct` divided by `images`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<f64>,
    /// Values that the network was not made for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outside: Option<Outside>,
    /// Clock cycles of the whole simulation and its parts.
    #[serde(flatten)]
    pub cycles: Option<Cycles>,
}

/// Clock cycles of a simulation.
#[derive(Debug, Serialize)]
pub struct Cycles {
    /// From the first word accepted to the last word accepted.
    pub cycles: u64,
    /// Between two images; null for a single image.
    pub initiation_interval_cycles: Option<u64>,
    /// From an image's first word accepted to its last.
    pub latency_cycles: u64,
}

impl RunReport {
    /// The report of a run with `labels`, where there are any, of images with values `outside` of the network's domain.
    pub fn new(
        scores: &[Scores],
        labels: Option<&[i64]>,
        cycles: Option<&CycleReport>,
        outside: Option<Outside>,
    ) -> Self {
        let predictions: Vec<i64> = scores.iter().map(Scores::prediction).collect();
        let correct = labels.map(|labels| predictions.iter().zip(labels).filter(|(p, l)| p == l).count());
        RunReport {
            images: scores.len(),
            accuracy: correct.map(|correct| correct as f64 / scores.len() as f64),
            correct,
            predictions,
            outside,
            cycles: cycles.map(|report| Cycles {
                cycles: report.cycles,
                initiation_interval_cycles: report.initiation_interval_cycles,
                latency_cycles: report.latency_cycles,
            }),
        }
    }

    /// The report in a few lines.
    pub fn text(&self) -> String {
        let mut text = format!("images              {}\n", self.images);
        if let (Some(correct), Some(accuracy)) = (self.correct, self.accuracy) {
            text += &format!("correct             {correct} ({:.2} %)\n", 100.0 * accuracy);
        } else {
            let shown: Vec<String> = self.predictions.iter().take(20).map(i64::to_string).collect();
            let more = if self.predictions.len() > shown.len() { " …" } else { "" };
            text += &format!("predictions         {}{more}\n", shown.join(" "));
        }
        if let Some(cycles) = &self.cycles {
            text += &format!("cycles              {}\n", cycles.cycles);
            if let Some(interval) = cycles.initiation_interval_cycles {
                text += &format!("initiation interval {interval} cycles\n");
            }
            text += &format!("latency             {} cycles\n", cycles.latency_cycles);
        }
        text
    }
}
