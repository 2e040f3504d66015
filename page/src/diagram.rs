//! The picture of a pipeline, as SVG.
//!
//! Levels stand from left to right, as many as fit in a row; what goes on in the next row comes round on the left.

use super::data::{Data, Group, Layer};
use super::layout::{Item, Layout, Placed, layout};
use super::numbers::{element, grouped, percent, shortened};
use maud::{Markup, PreEscaped, html};

const STYLE: &str = include_str!("diagram.css");

const LEVELS_PER_ROW: usize = 5;
const BOX_WIDTH: usize = 152;
const BOX_HEIGHT: usize = 66;
/// From one box to the next in a row: room for what is on the stream.
const GAP: usize = 62;
const LANE_HEIGHT: usize = BOX_HEIGHT + 26;
/// Between rows, for the streams that come round.
const GUTTER: usize = 36;
/// From the boxes of a row down to the first of them.
const TURN_DEPTH: usize = 20;
/// Height of a lane in which streams only pass.
const PASSING_HEIGHT: usize = 26;
const MARGIN: usize = 22;
const END_HEIGHT: usize = 44;
const NAME_CHARACTERS: usize = 17;
/// How far streams that come round stand off from the boxes.
const TURN: usize = 13;
/// How far they stand off from each other: room for what is said of each.
const TURN_SPACING: usize = 15;

/// Stages of a picture that somebody could still read. Its layout takes the square of their number.
const MOST_STAGES: usize = 500;

/// The picture of a report's pipeline, a document of its own; a sentence where the report does not know its streams, or has
/// too many stages for a picture.
pub fn pipeline(data: &Data) -> String {
    let stages = data.layers.len();
    if stages > MOST_STAGES {
        return html! { p { "The pipeline has " (stages) " stages, too many for a picture." } }.into_string();
    }
    let layout = layout(data);
    if layout.items.is_empty() {
        return html! { p { "This report does not contain the streams between its stages." } }.into_string();
    }
    let frame = Frame::of(&layout);
    let label = format!("Pipeline of {}: {stages} stages", data.network);
    let picture = html! {
        svg class="pipeline" xmlns="http://www.w3.org/2000/svg" viewBox={ "0 0 " (frame.width) " " (frame.height) }
            width=(frame.width) height=(frame.height) role="img" aria-label=(label) {
            style { (PreEscaped(STYLE)) }
            @for segment in 0..layout.segments.len() { (stream(data, &layout, &frame, segment)) }
            @for placed in &layout.items {
                @match placed.item {
                    Item::Source => (end(data, &frame, placed, "image", data.streams.first().map(|stream| stream.name.as_str()))),
                    Item::Sink => (end(data, &frame, placed, "answer", into_sink(&layout))),
                    Item::Stage(stage) => (stage_box(data, &data.layers[stage], &frame, placed)),
                    Item::Passing => {}
                }
            }
        }
    };
    picture.into_string()
}

/// What the colours mean, for the page around the picture.
pub(super) fn legend(data: &Data) -> Markup {
    let occurs = |group: &Group| data.layers.iter().any(|layer| layer.group() == *group);
    html! {
        p.legend {
            @for group in Group::ALL.into_iter().filter(occurs) {
                span { span.swatch style={ "background: var(--" (group.class()) ")" } {} (group.label()) }
            }
            span { span.swatch style="background: var(--slowest)" {} "slowest: determines the interval" }
        }
    }
}

/// Rows of levels, and where they lie.
struct Frame {
    /// The upper end of each lane of each row.
    lanes: Vec<Vec<usize>>,
    /// The lower end of each row, where its gutter begins.
    bottoms: Vec<usize>,
    width: usize,
    height: usize,
}

impl Frame {
    fn of(layout: &Layout) -> Frame {
        let columns = layout.levels.min(LEVELS_PER_ROW);
        let width = 2 * MARGIN + columns * BOX_WIDTH + (columns - 1) * GAP;
        let mut frame = Frame { lanes: Vec::new(), bottoms: Vec::new(), width, height: 0 };
        let mut top = 10;
        for row in 0..layout.levels.div_ceil(LEVELS_PER_ROW) {
            let inside = |placed: &&Placed| placed.level / LEVELS_PER_ROW == row;
            let lanes = layout.items.iter().filter(inside).map(|placed| placed.lane + 1).max().unwrap_or(1);
            let mut tops = Vec::with_capacity(lanes);
            let mut bottom = top;
            for lane in 0..lanes {
                let in_lane = |placed: &&Placed| inside(placed) && placed.lane == lane;
                let has_box = layout.items.iter().filter(in_lane).any(|placed| placed.item != Item::Passing);
                tops.push(top);
                bottom = top + if has_box { BOX_HEIGHT } else { PASSING_HEIGHT / 2 };
                top += if has_box { LANE_HEIGHT } else { PASSING_HEIGHT };
            }
            frame.lanes.push(tops);
            frame.bottoms.push(bottom);
            frame.height = bottom + 10;
            top = bottom + GUTTER + TURN_SPACING * lanes;
        }
        frame
    }

    fn row(&self, placed: &Placed) -> usize {
        placed.level / LEVELS_PER_ROW
    }

    fn left(&self, placed: &Placed) -> usize {
        MARGIN + placed.level % LEVELS_PER_ROW * (BOX_WIDTH + GAP)
    }

    fn top(&self, placed: &Placed) -> usize {
        self.lanes[self.row(placed)][placed.lane]
    }

    /// Where streams come and go.
    fn middle(&self, placed: &Placed) -> usize {
        let lanes = &self.lanes[self.row(placed)];
        let next =
            lanes.get(placed.lane + 1).copied().unwrap_or(self.bottoms[self.row(placed)] + LANE_HEIGHT - BOX_HEIGHT);
        let is_passing = next.saturating_sub(lanes[placed.lane]) < BOX_HEIGHT;
        lanes[placed.lane] + if is_passing { 0 } else { BOX_HEIGHT / 2 }
    }

    /// Where a stream that comes round from `from` runs back.
    fn turn(&self, from: &Placed) -> usize {
        self.bottoms[self.row(from)] + TURN_DEPTH + TURN_SPACING * from.lane
    }
}

fn into_sink(layout: &Layout) -> Option<&str> {
    let into = |segment: &&super::layout::Segment| layout.items[segment.to].item == Item::Sink;
    layout.segments.iter().find(into).map(|segment| segment.stream.as_str())
}

/// A stream from one level to the next.
fn stream(data: &Data, layout: &Layout, frame: &Frame, number: usize) -> Markup {
    let segment = &layout.segments[number];
    let (from, to) = (&layout.items[segment.from], &layout.items[segment.to]);
    // A stream that only passes has no box to end or begin at.
    let begin = frame.left(from) + if from.item == Item::Passing { 0 } else { BOX_WIDTH };
    let (y0, y1) = (frame.middle(from), frame.middle(to));
    let arrow = to.item != Item::Passing;
    let end = frame.left(to) - if arrow { 7 } else { 0 };
    let same_row = frame.row(from) == frame.row(to);
    let path = if same_row {
        let bend = frame.left(to) - GAP / 2;
        match y0 == y1 {
            true => format!("M{begin} {y0}H{end}"),
            false => format!("M{begin} {y0}H{}C{bend} {y0} {bend} {y1} {} {y1}H{end}", bend - 22, bend + 22),
        }
    } else {
        // Streams of one row that come round stand off from each other by their lanes.
        let gutter = frame.turn(from);
        let (right, left) = (frame.left(from) + BOX_WIDTH + TURN - 5 * from.lane, MARGIN - TURN + 5 * to.lane);
        format!(
            "M{begin} {y0}H{}q6 0 6 6V{}q0 6 -6 6H{}q-6 0 -6 6V{}q0 6 6 6H{end}",
            right - 6,
            gutter - 6,
            left + 6,
            y1 - 6
        )
    };
    let named = from.item != Item::Passing && from.item != Item::Source;
    let found = data.stream(&segment.stream).filter(|_| named);
    html! {
        path.stream d=(path) {}
        @if arrow {
            path.arrow d={ "M" (frame.left(to)) " " (y1) "l-8 -4v8z" } {}
        }
        @if let Some(stream) = found {
            // Beside a fork, each stream's is where the streams have parted.
            @let (x, y) = match (same_row, y0 == y1) {
                (true, true) => (begin + GAP / 2 - 3, y0 - 6),
                (true, false) => (frame.left(to) - GAP / 2 + 6, y1 + 15),
                (false, _) => (frame.width / 2, frame.turn(from) - 4),
            };
            text.middle x=(x) y=(y) {
                (stream.lanes) " × " (element(&stream.element))
                title { (stream.name) ": " (grouped(stream.words)) " words of " (stream.bits) " bits per image" }
            }
        }
    }
}

/// An end of the pipeline.
fn end(data: &Data, frame: &Frame, placed: &Placed, name: &str, stream: Option<&str>) -> Markup {
    let (x, y) = (frame.left(placed), frame.middle(placed) - END_HEIGHT / 2);
    let stream = stream.and_then(|name| data.stream(name));
    // An image stands right, where its stream begins; an answer left.
    let width = BOX_WIDTH - 24;
    let x = if placed.item == Item::Source { x + 24 } else { x };
    html! {
        rect.end x=(x) y=(y) width=(width) height=(END_HEIGHT) rx=(END_HEIGHT / 2) {}
        text class="name middle" x=(x + width / 2) y=(y + 19) { (name) }
        @if let Some(stream) = stream {
            text.middle x=(x + width / 2) y=(y + 33) {
                (grouped(stream.words)) " × " (stream.lanes) " × " (element(&stream.element))
            }
        }
    }
}

/// A stage.
fn stage_box(data: &Data, layer: &Layer, frame: &Frame, placed: &Placed) -> Markup {
    let (x, y) = (frame.left(placed), frame.top(placed));
    let share = layer.share(data);
    let slowest = layer.is_bottleneck(data);
    let class = if slowest { "stage slowest" } else { "stage" };
    let inner = BOX_WIDTH - 24;
    let filled = (inner as f64 * share).max(1.0).round();
    html! {
        g class=(class) {
            title {
                (layer.name) ", " (layer.kind_in_words()) ": " (grouped(layer.cycles)) " cycles, " (percent(share))
                " of the interval"
            }
            rect.box x=(x) y=(y) width=(BOX_WIDTH) height=(BOX_HEIGHT) rx="7" {}
            rect class=(layer.group().class()) x=(x + 1) y=(y + 9) width="3" height=(BOX_HEIGHT - 18) rx="1.5" {}
            text.name x=(x + 12) y=(y + 18) { (shortened(shown_name(layer), NAME_CHARACTERS)) }
            text x=(x + 12) y=(y + 33) { (layer.kind_in_words()) }
            text x=(x + 12) y=(y + 48) { (detail(data, layer)) }
            text.number x=(x + BOX_WIDTH - 12) y=(y + 48) { (grouped(layer.cycles)) }
            rect.track x=(x + 12) y=(y + 54) width=(inner) height="5" rx="2.5" {}
            rect class={ "bar " (layer.group().class()) } x=(x + 12) y=(y + 54) width=(filled) height="5" rx="2.5" {}
        }
    }
}

/// The name of a stage without a layer ends with its kind and perhaps a number, which are said elsewhere.
fn shown_name(layer: &Layer) -> &str {
    let without_number = layer.name.trim_end_matches(|digit: char| digit.is_ascii_digit());
    let name = if without_number.ends_with(&format!("{}_", layer.kind)) {
        without_number.trim_end_matches('_')
    } else {
        &layer.name
    };
    let kind = layer.kind.strip_prefix("stream_").unwrap_or(&layer.kind);
    name.strip_suffix(kind).map_or(name, |name| name.trim_end_matches('_'))
}

/// What is particular to a stage: its lanes, or what it holds.
fn detail(data: &Data, layer: &Layer) -> String {
    match (layer.pe, layer.simd) {
        (Some(pe), Some(simd)) => format!("{pe} × {simd}"),
        (Some(pe), None) => format!("{pe}"),
        (None, _) => match data.line_buffer_words.get(&layer.stage).or_else(|| data.fifo_depths.get(&layer.stage)) {
            Some(words) => format!("{} words", grouped(*words)),
            None => String::new(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::data::Layer;
    use super::*;

    #[test]
    fn many_stages_are_counted_instead_of_drawn() {
        let of = |stages| pipeline(&Data { layers: vec![Layer::default(); stages], ..Data::default() });
        assert!(of(MOST_STAGES + 1).contains("501 stages, too many for a picture"));
        assert!(of(MOST_STAGES).contains("does not contain the streams"));
    }
}
