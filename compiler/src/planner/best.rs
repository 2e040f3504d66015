//! The best plan within a budget.
//!
//! A block RAM is worth a number of LUTs, its price. For a price the search finds the cheapest parallelism of an interval
//! and what memories are made of; where the block RAMs are too many it is tried again with a higher price, where the LUTs
//! are too many with a lower one. The fastest design is that of the smallest interval that has room with some price.

use super::error::{RateGoal, rate_kept};
use super::parallelism::Folding;
use super::selection::{self, Selection};
use super::target::{Lacking, Resource, USABLE};
use super::{Draft, Pipeline, PlanError, Planner, search};
use network::network::{Layer, LayerKind};

/// A pipeline without queues, and how its memories were chosen.
struct Candidate {
    pipeline: Pipeline,
    selection: Selection,
    lacking: Vec<Lacking>,
    /// The greatest share of a resource.
    share: f64,
}

/// Share of a resource above which others are taken instead, if they can.
const CROWDED: f64 = 0.5;

/// Times that the price of a block RAM is changed.
const PRICES: usize = 8;

impl Planner<'_> {
    /// What there is no room for, and the greatest share of a resource that is taken.
    fn lacking(&self, pipeline: &Pipeline, usable: f64) -> (Vec<Lacking>, f64) {
        let Some(budget) = &self.target.budget else { return (Vec::new(), 0.0) };
        let estimate = self.target.estimate(&pipeline.streams, &pipeline.stages);
        (budget.lacking(&estimate, usable), budget.share(&estimate))
    }

    fn candidate(&self, usable: f64, price: f64, mut pipeline: Pipeline) -> Candidate {
        let selection = Selection::ByCost { family: self.target.family, price };
        selection::choose(&mut pipeline.stages, &selection, self.network.replaceable);
        let (lacking, share) = self.lacking(&pipeline, usable);
        Candidate { pipeline, selection, lacking, share }
    }

    /// The first candidate that has room, at prices between those that were too high and too low; else the one that comes
    /// nearest.
    fn with_prices(&self, usable: f64, make: impl Fn(f64) -> Pipeline) -> Candidate {
        let (mut low, mut high): (Option<f64>, Option<f64>) = (None, None);
        let mut price = self.target.price();
        let mut best = self.candidate(usable, price, make(price));
        let mut lacking = best.lacking.clone();
        for _ in 1..PRICES {
            let lacks = |resource| lacking.iter().any(|lacking| lacking.resource == resource);
            let (too_low, too_high) = (lacks(Resource::BlockRams), lacks(Resource::Luts));
            if lacking.is_empty() || too_low == too_high {
                break;
            }
            if too_low {
                low = Some(price);
            } else {
                high = Some(price);
            }
            price = match (low, high) {
                (Some(low), Some(high)) => (low * high).sqrt(),
                (Some(low), None) => low * 4.0,
                (None, Some(high)) => high / 4.0,
                (None, None) => break,
            };
            let candidate = self.candidate(usable, price, make(price));
            lacking.clone_from(&candidate.lacking);
            if excess(&candidate) < excess(&best) {
                best = candidate;
            }
        }
        best
    }

    /// A candidate of the same interval that leaves more of the resource that is scarcest, where that is more than half
    /// taken: the fuller a chip, the harder it is to place and route.
    fn balanced(&self, candidate: Candidate, interval: u64) -> Candidate {
        let Selection::ByCost { price, .. } = candidate.selection else { return candidate };
        if candidate.share <= CROWDED {
            return candidate;
        }
        let mut best = candidate;
        for times in [0.125, 0.25, 0.5, 0.7, 1.4, 2.0] {
            let other = self.candidate(USABLE, price * times, self.pipeline(interval, self.most_rows(), price * times));
            if other.lacking.is_empty() && other.share < best.share {
                best = other;
            }
        }
        best
    }

    fn most_rows(&self) -> u64 {
        self.target.costs().most_rows(self.clock_mhz)
    }

    fn pipeline(&self, interval: u64, most_rows: u64, price: f64) -> Pipeline {
        let parallelism = search::smallest(self, interval, most_rows, price);
        self.lay_out(&parallelism, interval)
    }

    /// The cheapest pipeline that keeps to `interval`, or comes nearest.
    fn keeping(&self, interval: u64) -> Candidate {
        let candidate = self.with_prices(USABLE, |price| self.pipeline(interval, self.most_rows(), price));
        if candidate.lacking.is_empty() {
            return candidate;
        }
        // Where there is no room for memories that keep to the clock, deeper ones may still fit.
        self.with_prices(USABLE, |price| self.pipeline(interval, u64::MAX, price))
    }

    /// The finished draft and what it lacks: queues and larger line buffers come on top.
    fn finish(&self, candidate: Candidate, usable: f64) -> Result<(Draft, Vec<Lacking>), PlanError> {
        let draft = self.scheduled(candidate.pipeline, &candidate.selection)?;
        let (lacking, _) = self.lacking(&draft.pipeline, usable);
        Ok((draft, lacking))
    }

    /// The fastest design that there is room for, where it keeps to `interval`; else an error that says what is `lacking`.
    /// A slower design may take more room than a faster one, so the interval's own design may be too large.
    fn fastest_within(&self, goal: RateGoal, interval: u64, lacking: &[Lacking]) -> Result<Draft, PlanError> {
        match fastest_finished(self)? {
            Ok((draft, found)) if found <= interval => Ok(draft),
            Ok((_, fastest)) => Err(self.no_room(lacking, Some(goal), Some(fastest))),
            Err(_) => Err(self.no_room(lacking, Some(goal), None)),
        }
    }

    /// That there is no room, and the smallest interval that there is room for, if any.
    fn no_room(&self, lacking: &[Lacking], goal: Option<RateGoal>, fastest: Option<u64>) -> PlanError {
        let most = fastest.map(|interval| rate_kept(self.clock_mhz, interval));
        let lacking = lacking.iter().map(Lacking::to_string).collect::<Vec<_>>().join("; ");
        PlanError::NoRoom { lacking, goal, most, larger: None }
    }
}

/// How often a layer repeats an element at most.
fn taps(layer: &Layer) -> usize {
    match layer.kind {
        LayerKind::Upsample { vertical, horizontal } => vertical * horizontal,
        ref kind => kind.window().map_or(1, |window| window.taps()),
    }
}

/// How far beyond the budget a candidate is, at its worst.
fn excess(candidate: &Candidate) -> u64 {
    let share = |lacking: &Lacking| 1000 * (lacking.needed - lacking.usable) / lacking.usable.max(1) + 1;
    candidate.lacking.iter().map(share).max().unwrap_or(0)
}

/// The smallest design that takes `rate` images per second.
pub fn reaching(planner: &Planner, rate: f64) -> Result<Draft, PlanError> {
    let clock_mhz = planner.clock_mhz;
    if !(rate.is_finite() && rate > 0.0) {
        return Err(PlanError::NotPositive { what: "the target rate in images per second", found: rate });
    }
    let goal = RateGoal { frames_per_second: rate, is_default: false };
    let cycles = clock_mhz * 1e6 / rate;
    if cycles < 1.0 {
        return Err(PlanError::TooFast { goal, clock_mhz, cycles });
    }
    let interval = cycles.min(1e18) as u64;
    let candidate = planner.keeping(interval);
    if let Some(slowest) = candidate.pipeline.slowest()
        && slowest.cycles > interval
    {
        return Err(PlanError::Unreachable {
            goal,
            clock_mhz,
            interval,
            name: slowest.name.clone(),
            cycles: slowest.cycles,
            most: rate_kept(clock_mhz, slowest.cycles),
        });
    }
    if !candidate.lacking.is_empty() {
        return planner.fastest_within(goal, interval, &candidate.lacking);
    }
    let candidate = planner.balanced(candidate, interval);
    let (draft, lacking) = planner.finish(candidate, USABLE)?;
    if lacking.is_empty() { Ok(draft) } else { planner.fastest_within(goal, interval, &lacking) }
}

/// The given parallelism. Who gives it may use the whole chip.
pub fn folded(planner: &Planner, parallelism: &Folding, interval: u64) -> Result<Draft, PlanError> {
    let candidate = planner.with_prices(1.0, |_| planner.lay_out(parallelism, interval));
    let (draft, lacking) = planner.finish(candidate, 1.0)?;
    if lacking.is_empty() {
        return Ok(draft);
    }
    let fastest = fastest_finished(planner)?.ok().map(|(_, interval)| interval);
    Err(planner.no_room(&lacking, None, fastest))
}

/// The design of the smallest interval that there is room for.
pub fn fastest(planner: &Planner) -> Result<Draft, PlanError> {
    match fastest_finished(planner)? {
        Ok((draft, _)) => Ok(draft),
        Err(lacking) => Err(planner.no_room(&lacking, None, None)),
    }
}

/// The finished design of the smallest interval that there is room for, and that interval; else what even the slowest lacks.
fn fastest_finished(planner: &Planner) -> Result<Result<(Draft, u64), Vec<Lacking>>, PlanError> {
    let Some(mut interval) = fastest_interval(planner) else {
        return Ok(Err(planner.keeping(slowest_interval(planner)).lacking));
    };
    // Queues come on top of what the search counts; a little slower there is room for them.
    let limit = slowest_interval(planner);
    loop {
        let candidate = planner.keeping(interval);
        if candidate.lacking.is_empty() {
            let candidate = planner.balanced(candidate, interval);
            let (draft, lacking) = planner.finish(candidate, USABLE)?;
            if lacking.is_empty() {
                return Ok(Ok((draft, interval)));
            }
            if interval >= limit {
                return Ok(Err(lacking));
            }
        }
        interval = (interval + interval / 20 + 1).min(limit);
    }
}

/// Whether there is room for the slowest design, queues not counted.
pub fn has_room(planner: &Planner) -> bool {
    planner.keeping(slowest_interval(planner)).lacking.is_empty()
}

/// An interval that designs with one row and one column at a time keep to.
fn slowest_interval(planner: &Planner) -> u64 {
    let dots = super::parallelism::dots(planner.network);
    let one = super::Parallelism { pe: 1, simd: 1 };
    let slowest = dots.map(|(_, dot)| dot.cycles(one)).max().unwrap_or(1);
    let elements = planner.network.tensors.iter().map(|tensor| tensor.elements() as u64).max().unwrap_or(1);
    // Windows repeat each element at most once a tap.
    let taps = planner.network.layers.iter().map(taps).max().unwrap_or(1) as u64;
    slowest.max(elements * taps)
}

/// The smallest interval with a design that has room, queues not counted; `None` where even the slowest has none.
fn fastest_interval(planner: &Planner) -> Option<u64> {
    let has_room = |interval: u64| planner.keeping(interval).lacking.is_empty();
    let fastest = planner.keeping(1);
    let least = fastest.pipeline.slowest().map_or(1, |stage| stage.cycles);
    if has_room(least) {
        return Some(least);
    }
    let (mut without, mut with) = (least, slowest_interval(planner).max(least));
    if !has_room(with) {
        return None;
    }
    // To within a hundredth: nearer intervals give the same design most of the time.
    while with - without > (with / 128).max(1) {
        let middle = ((without as f64) * (with as f64)).sqrt() as u64;
        let middle = middle.clamp(without + 1, with - 1);
        if has_room(middle) {
            with = middle;
        } else {
            without = middle;
        }
    }
    Some(with)
}
