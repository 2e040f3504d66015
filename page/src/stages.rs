//! The table of stages.

use super::data::{Data, Layer};
use super::numbers::{grouped, percent};
use maud::{Markup, html};

/// One row a stage: lanes, cycles, datapath, memories.
pub(super) fn section(data: &Data) -> Markup {
    let most_luts = data.layers.iter().map(|layer| layer.estimate.lut).max().unwrap_or(0);
    html! {
        section {
            h2 { "Stages" }
            p.note {
                "PE: rows computed in parallel. SIMD: columns computed in parallel. The slowest stage determines the interval: "
                "only more parallelism there increases the throughput."
            }
            div.scroll {
                table.stages {
                    thead {
                        tr {
                            th.right { "#" }
                            th { "layer" }
                            th.right { "PE" }
                            th.right { "SIMD" }
                            th.right { "cycles" }
                            th.share { "share of the interval" }
                            @if most_luts > 0 { th.right { "LUTs" } th.right { "block RAMs" } }
                            th { "datapath and memory" }
                        }
                    }
                    tbody {
                        @for (number, layer) in data.layers.iter().enumerate() {
                            (row(data, number, layer, most_luts > 0))
                        }
                    }
                }
            }
        }
    }
}

fn row(data: &Data, number: usize, layer: &Layer, with_resources: bool) -> Markup {
    let slowest = layer.is_bottleneck(data);
    let share = layer.share(data);
    let lanes = |value: Option<u64>| value.map_or_else(|| "–".to_owned(), grouped);
    html! {
        tr.slowest[slowest] {
            td.right.soft { (number + 1) }
            td.layer {
                div.name { (breakable(&layer.name)) }
                div.soft { (layer.kind_in_words()) @if slowest { " " span.mark { "slowest" } } }
            }
            td.right { (lanes(layer.pe)) }
            td.right { (lanes(layer.simd)) }
            td.right { (grouped(layer.cycles)) }
            td.share {
                div.meter {
                    div.track { div class={ "fill " (layer.group().class()) } style={ "width: " (format!("{:.2}%", 100.0 * share)) } {} }
                    span { (percent(share)) }
                }
            }
            @if with_resources { td.right { (grouped(layer.estimate.lut)) } td.right { (grouped(layer.estimate.bram)) } }
            td.why { (why(data, layer)) }
        }
    }
}

/// A name that may be broken where its parts end.
fn breakable(name: &str) -> Markup {
    html! {
        @for part in name.split_inclusive(['/', '_']) { (part) wbr; }
    }
}

fn why(data: &Data, layer: &Layer) -> Markup {
    html! {
        @if let Some(datapath) = &layer.datapath {
            div { span.chip { (datapath) } @if let Some(reason) = &layer.reason { " " span.soft { (reason) } } }
        }
        @for memory in &layer.memories {
            div {
                span.chip {
                    (memory.role.replace('_', " ")) " " (grouped(memory.depth)) " × " (memory.width) " bit in "
                    (memory_kind(&memory.kind))
                }
                " " span.soft { (memory.reason) }
            }
        }
        @if let Some(words) = data.line_buffer_words.get(&layer.stage) {
            div.soft { "line buffer of " (grouped(*words)) " words" }
        }
        @if let Some(words) = data.fifo_depths.get(&layer.stage) {
            div.soft { "queue of " (grouped(*words)) " words" }
        }
    }
}

fn memory_kind(kind: &str) -> &str {
    match kind {
        "block" => "block RAM",
        "lut" => "LUTs",
        "constant" => "constants",
        "any" => "LUTs or block RAM, as synthesis chooses",
        kind => kind,
    }
}
