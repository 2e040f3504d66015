//! Any text as a `report.json`, made into its page.

use page::{Data, html};

/// Reads the bytes as a report and writes its page.
pub fn run(data: &[u8]) {
    let Ok(report) = serde_json::from_slice::<Data>(data) else { return };
    assert!(html(&report).contains("</html>"));
}
