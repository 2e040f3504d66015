//! What a page says first and last: the figures of the whole design.

use super::data::Data;
use super::numbers::{duration, grouped, scaled};
use maud::{Markup, html};

/// The name of the design, and what it was made for.
pub(super) fn header(data: &Data) -> Markup {
    html! {
        header {
            h1 { (data.network) }
            p {
                @match &data.board {
                    Some(board) => { "compiled for " strong { (board) } " at " },
                    None => { "core at " },
                }
                (data.clock_mhz) " MHz · " (data.layers.len()) " stages"
                @match &data.measured {
                    None => " · not built yet: resources are estimated",
                    Some(measured) => {
                        " · built"
                        @match measured.fmax_mhz {
                            None => ", not placed and routed",
                            Some(fmax) if fmax >= data.clock_mhz => { ", " span.good { "timing met" } },
                            Some(_) => { ", " span.bad { "timing not met" } },
                        }
                    },
                }
            }
        }
    }
}

/// The most important numbers.
pub(super) fn figures(data: &Data) -> Markup {
    let latency = data.latency_cycles as f64 / data.clock_mhz.max(f64::MIN_POSITIVE);
    let slowest: Vec<&str> =
        data.layers.iter().filter(|layer| layer.is_bottleneck(data)).map(|layer| layer.name.as_str()).collect();
    let figure = |value: &str, unit: &str, what: &str, more: Markup| {
        html! {
            div.figure {
                div.value { (value) @if !unit.is_empty() { span.unit { " " (unit) } } }
                div.what { (what) }
                div.more { (more) }
            }
        }
    };
    let clock = data.measured.and_then(|measured| measured.fmax_mhz).or(data.estimate.fmax_mhz);
    let class = if data.link_fps.is_some() && clock.is_some() { "figures six" } else { "figures" };
    html! {
        section class=(class) {
            (figure(&scaled(data.fps), "images/s", "throughput of the core", html! {
                "one image every " (grouped(data.initiation_interval_cycles)) " cycles"
            }))
            (figure(&duration(latency), "", "latency", html! { (grouped(data.latency_cycles)) " cycles" }))
            @if let Some(link) = data.link_fps {
                (figure(&scaled(link), "images/s", "through the board's link", html! {
                    @if link < data.fps { "limited by the link" } @else { "limited by the core" }
                }))
            }
            (figure(&scaled(data.ops_per_inference as f64), "operations", "for one image", html! {
                (scaled(data.ops_per_inference as f64 * data.fps)) "op/s at full rate"
            }))
            (figure(&scaled(data.weight_bits as f64), "bit", "of weights", html! {
                @if let Some(first) = slowest.first() {
                    "slowest: " (first) @if slowest.len() > 1 { " and " (slowest.len() - 1) " more" }
                }
            }))
            @if let Some(fmax) = data.measured.and_then(|measured| measured.fmax_mhz) {
                (figure(&format!("{fmax:.1}"), "MHz", "maximum clock, measured", html! {
                    @if fmax >= data.clock_mhz {
                        span.good { "meets " (data.clock_mhz) " MHz" }
                    } @else {
                        span.bad { "misses " (data.clock_mhz) " MHz" }
                    }
                }))
            } @else if let Some(fmax) = data.estimate.fmax_mhz {
                (figure(&format!("{fmax:.0}"), "MHz", "maximum clock, estimated", html! { "planned at " (data.clock_mhz) " MHz" }))
            }
        }
    }
}

/// Approximations of the model, if any.
pub(super) fn approximations(data: &Data) -> Markup {
    html! {
        @if !data.approximations.is_empty() {
            section {
                h2 { "Approximations" }
                p.note {
                    "These numbers of the model have no exact integer form and were rounded before lowering. Everything else is "
                    "exact."
                }
                table {
                    thead {
                        tr {
                            th { "node" } th { "values" } th { "format" }
                            th.right { "relative mean squared error" } th.right { "largest error" }
                        }
                    }
                    tbody {
                        @for change in &data.approximations {
                            tr {
                                td { code { (change.node) } } td { (change.kind) } td { (change.format) }
                                td.right { (format!("{:.1e}", change.relative_mse)) }
                                td.right { (format!("{:.1e}", change.largest)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Thresholds within float32 rounding of a possible value, if any.
pub(super) fn sensitive_steps(data: &Data) -> Markup {
    html! {
        @if !data.sensitive_steps.is_empty() {
            section {
                h2 { "Sensitive thresholds" }
                p.note {
                    "Thresholds of these quantisers are so close to possible values that a framework that computes in float32 may "
                    "quantise them differently. The hardware equals exact arithmetic."
                }
                table {
                    thead { tr { th { "quantiser" } th.right { "thresholds" } } }
                    tbody {
                        @for (node, count) in &data.sensitive_steps {
                            tr { td { code { (node) } } td.right { (grouped(*count)) } }
                        }
                    }
                }
            }
        }
    }
}
