//! What a line has carried.

use std::ops::Sub;

/// What a line has carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineStatistics {
    /// Frames that got their answer.
    pub answered: u64,
    /// Frames sent again.
    pub repeated: u64,
    /// Bytes handed to the line.
    pub bytes_sent: u64,
    /// Bytes that came.
    pub bytes_received: u64,
    /// Broken frames that came.
    pub broken_frames: u64,
    /// Whole frames that came and were not awaited: late answers, repeated answers, echoes.
    pub stray_frames: u64,
    /// Requests that the device refused because they arrived broken.
    pub refused_payloads: u64,
}

impl Sub for LineStatistics {
    type Output = LineStatistics;

    /// What was carried since `before`.
    fn sub(self, before: LineStatistics) -> LineStatistics {
        LineStatistics {
            answered: self.answered - before.answered,
            repeated: self.repeated - before.repeated,
            bytes_sent: self.bytes_sent - before.bytes_sent,
            bytes_received: self.bytes_received - before.bytes_received,
            broken_frames: self.broken_frames - before.broken_frames,
            stray_frames: self.stray_frames - before.stray_frames,
            refused_payloads: self.refused_payloads - before.refused_payloads,
        }
    }
}
