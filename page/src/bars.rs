//! Resources against what the chip has, and the words that queues and line buffers hold.

use super::data::{Data, Layer};
use super::numbers::{grouped, percent};
use maud::{Markup, html};
use std::collections::BTreeMap;

/// LUTs, flip-flops and block RAMs: estimated, measured, available.
pub(super) fn resources(data: &Data) -> Markup {
    let (estimate, measured, available) = (data.estimate, data.measured, data.available);
    let kinds = [
        ("LUTs", estimate.lut, measured.map(|found| found.lut), available.map(|chip| chip.lut)),
        ("flip-flops", estimate.ff, measured.map(|found| found.ff), available.map(|chip| chip.ff)),
        ("block RAMs", estimate.bram, measured.map(|found| found.bram), available.map(|chip| chip.bram)),
    ];
    let family = data.estimate_family.as_deref().map_or_else(|| "ECP5".to_owned(), |family| family.to_uppercase());
    html! {
        section {
            h2 { "Resources" }
            p.note {
                @if available.is_some() {
                    "Bars show the share of the chip's resources. "
                } @else {
                    "Compiled without a board, so there is no chip to compare with. "
                }
                "The estimate is for " (family)
                @if let Some(accuracy) = data.estimate_accuracy {
                    "; its largest errors on " (accuracy.designs) " designs outside the fit were "
                    (whole(accuracy.lut_percent)) " % (LUTs), " (whole(accuracy.ff_percent)) " % (flip-flops) and "
                    (whole(accuracy.bram_percent)) " % (block RAMs)"
                }
                "."
                @match measured.map(|measured| measured.fmax_mhz) {
                    None => {},
                    Some(Some(_)) => " Measured: the whole design after place and route.",
                    Some(None) => " Measured: the whole design after synthesis.",
                }
            }
            div.resources {
                @for (name, estimate, measured, available) in kinds {
                    @let scale = available.unwrap_or_else(|| estimate.max(measured.unwrap_or(0))).max(1);
                    div.kind {
                        h3 { (name) @if let Some(available) = available { span.soft { " of " (grouped(available)) } } }
                        @if available.is_none() && measured.is_none() {
                            p.value { (grouped(estimate)) span.unit { " estimated" } }
                        } @else {
                            (bar("estimated", estimate, scale, available.is_some(), "estimate"))
                        }
                        @if let Some(measured) = measured {
                            (bar("measured", measured, scale, available.is_some(), "measured"))
                        }
                    }
                }
            }
        }
    }
}

/// A bound in percent, as a whole number not below it.
fn whole(percent: f64) -> u64 {
    percent.ceil() as u64
}

fn bar(label: &str, value: u64, scale: u64, is_share: bool, class: &str) -> Markup {
    let share = value as f64 / scale as f64;
    let class = if share > 1.0 { "fill over" } else { &format!("fill {class}") };
    html! {
        div.resource {
            span.label { (label) }
            div.track { div class=(class) style={ "width: " (format!("{:.2}%", 100.0 * share.min(1.0))) } {} }
            span.count { (grouped(value)) @if is_share { span.percent { (percent(share)) } } }
        }
    }
}

/// Queues and line buffers, where there are any, in the pipeline's order.
pub(super) fn memories(data: &Data) -> Markup {
    let part = |words: &BTreeMap<String, u64>| -> Vec<Buffer> {
        let buffer = |layer: &Layer| {
            let words = *words.get(&layer.stage)?;
            let bits = layer.inputs.first().and_then(|name| data.stream(name)).map(|stream| stream.bits);
            Some(Buffer { stage: layer.stage.clone(), words, bits })
        };
        data.layers.iter().filter_map(buffer).collect()
    };
    let parts = [("Line buffers", part(&data.line_buffer_words)), ("Queues", part(&data.fifo_depths))];
    html! {
        @if parts.iter().any(|(_, buffers)| !buffers.is_empty()) {
            section {
                h2 { "Buffers" }
                p.note { "Depth in words × bits per word." }
                div.columns {
                    @for (title, buffers) in parts.iter().filter(|(_, buffers)| !buffers.is_empty()) {
                        @let most = buffers.iter().map(|buffer| buffer.words).max().unwrap_or(1).max(1);
                        div {
                            h3 { (title) }
                            @for Buffer { stage, words, bits } in buffers {
                                div.resource {
                                    span.label title=(stage) { (stage) }
                                    div.track {
                                        div.fill.streams style={ "width: " (format!("{:.2}%", 100.0 * *words as f64 / most as f64)) } {}
                                    }
                                    span.count {
                                        (grouped(*words)) @if let Some(bits) = bits { span.soft { " × " (bits) " bit" } }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

struct Buffer {
    stage: String,
    words: u64,
    bits: Option<u64>,
}
