//! Runs the control of all stages together, exact to the cycle.
//!
//! Nothing is looked at twice for nothing: a stage whose streams do not change is left alone as long as it is
//! [quiet](Control::quiet), and cycles in which nothing happens anywhere are skipped. So the time taken
//! grows with the words that move, not with the cycles, nor with stages that wait.

mod marks;

use super::controls;
use crate::blocks::control::{Control, Ports};
use crate::plan::{Stage, Stream};
use marks::Marks;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// When the source offers words and the sink takes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Always.
    Free,
    /// The source spreads an image's words evenly over so many cycles; the sink is always ready.
    Paced(u64),
    /// Both hesitate at random, for the given seed; a word once offered stays offered.
    Hesitant(u64),
}

/// A pipeline's control.
pub struct Simulation {
    nodes: Vec<Node>,
    links: Vec<Link>,
    /// The stages that are looked at in this cycle.
    awake: Marks,
    /// Those that will be in the next one in any case.
    awake_next: Marks,
    /// Later cycles in which a stage may change by itself, the next one first. A stage that has been woken before has
    /// another by then.
    alarms: BinaryHeap<Reverse<(u64, usize)>>,
    output: usize,
    flow: Flow,
    cycle: u64,
    offering: bool,
    words_in: u64,
    words_out: u64,
    most_images: u64,
    steps: u64,
    idle_steps: u64,
    /// Cycle of the first word in.
    pub start: u64,
    /// Cycle of the last word of each image out.
    pub image_ends: Vec<u64>,
}

struct Node {
    control: Box<dyn Control>,
    inputs: Vec<usize>,
    outputs: Vec<usize>,
    /// The cycle that `control` stands at the beginning of.
    at: u64,
    /// The cycle in which it may change by itself.
    wake: u64,
    offered: Ports,
    accepted: Ports,
    taken: u64,
    given: u64,
    most_inside: u64,
}

#[derive(Clone, Copy, Default)]
struct Link {
    valid: bool,
    ready: bool,
    /// The stage that writes it; none for the source.
    writer: Option<usize>,
    /// The stage that reads it; none for the sink.
    reader: Option<usize>,
}

/// Steps without a word moving after which nothing is expected to move any more.
const PATIENCE: u64 = 1 << 20;

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As many images as wanted came out.
    Done,
    /// Nothing will ever move again.
    Stuck,
}

impl Simulation {
    /// An idle pipeline of `stages` that `most_images` images are offered to.
    pub fn new(streams: &[Stream], stages: &[Stage], flow: Flow, most_images: u64) -> Self {
        let node = |(stage, control): (&Stage, Box<dyn Control>)| Node {
            control,
            inputs: stage.inputs.iter().map(|id| id.0).collect(),
            outputs: stage.outputs.iter().map(|id| id.0).collect(),
            at: 0,
            wake: 0,
            offered: [false; 2],
            accepted: [false; 2],
            taken: 0,
            given: 0,
            most_inside: 0,
        };
        let output = stages.last().map_or(0, |stage| stage.output().0);
        let mut links = vec![Link::default(); streams.len()];
        let mut awake = Marks::new(stages.len());
        for (index, stage) in stages.iter().enumerate() {
            stage.inputs.iter().for_each(|id| links[id.0].reader = Some(index));
            stage.outputs.iter().for_each(|id| links[id.0].writer = Some(index));
            awake.insert(index);
        }
        Simulation {
            nodes: stages.iter().zip(controls(stages)).map(node).collect(),
            links,
            awake,
            awake_next: Marks::new(stages.len()),
            alarms: BinaryHeap::new(),
            output,
            flow,
            cycle: 0,
            offering: false,
            words_in: streams[0].format.words_per_image() as u64,
            words_out: streams[output].format.words_per_image() as u64,
            most_images,
            steps: 0,
            idle_steps: 0,
            start: 0,
            image_ends: Vec::new(),
        }
    }

    /// The greatest difference so far of words taken and words given by a stage.
    pub fn most_inside(&self, stage: usize) -> u64 {
        self.nodes[stage].most_inside
    }

    /// Cycles that something happened in.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Runs until `images` images came out.
    pub fn run(&mut self, images: usize) -> Outcome {
        let (mut fed, mut given) = (self.taken_in(), self.image_ends.len() as u64 * self.words_out);
        while self.image_ends.len() < images {
            self.offer(fed);
            self.settle();
            let input = self.links[0];
            let output = self.links[self.output];
            if input.valid && input.ready {
                if fed == 0 {
                    self.start = self.cycle;
                }
                fed += 1;
                self.offering = false;
            }
            if output.valid && output.ready {
                given += 1;
                if given % self.words_out == 0 {
                    self.image_ends.push(self.cycle);
                }
            }
            let moved = self.clock();
            self.steps += 1;
            self.idle_steps = if moved { 0 } else { self.idle_steps + 1 };
            let next = if moved { self.cycle + 1 } else { self.next_event(fed) };
            if next == u64::MAX || self.idle_steps > PATIENCE {
                return Outcome::Stuck;
            }
            self.cycle = next;
            self.wake();
        }
        Outcome::Done
    }

    fn taken_in(&self) -> u64 {
        self.links[0].reader.map_or(0, |reader| self.nodes[reader].taken)
    }

    /// Finds the stages that are looked at in a new cycle.
    fn wake(&mut self) {
        self.awake.clear();
        std::mem::swap(&mut self.awake, &mut self.awake_next);
        while let Some(Reverse((cycle, index))) = self.alarms.peek().copied()
            && cycle <= self.cycle
        {
            self.alarms.pop();
            if self.nodes[index].wake <= self.cycle {
                self.awake.insert(index);
            }
        }
    }

    /// What source and sink do in this cycle.
    fn offer(&mut self, fed: u64) {
        let left = fed < self.most_images.saturating_mul(self.words_in);
        self.offering = left && (self.offering || self.willing(fed));
        let ready = match self.flow {
            Flow::Free | Flow::Paced(_) => true,
            Flow::Hesitant(seed) => chance(seed ^ 0x51c4, self.cycle),
        };
        if self.links[0].valid != self.offering {
            self.links[0].valid = self.offering;
            self.links[0].reader.iter().for_each(|reader| self.awake.insert(*reader));
        }
        if self.links[self.output].ready != ready {
            self.links[self.output].ready = ready;
            self.links[self.output].writer.iter().for_each(|writer| self.awake.insert(*writer));
        }
    }

    fn willing(&self, fed: u64) -> bool {
        match self.flow {
            Flow::Free => true,
            Flow::Paced(_) => self.due(fed) <= self.cycle,
            Flow::Hesitant(seed) => chance(seed, self.cycle),
        }
    }

    /// When a paced source offers its next word.
    fn due(&self, fed: u64) -> u64 {
        let Flow::Paced(interval) = self.flow else { return 0 };
        fed / self.words_in * interval + fed % self.words_in * interval / self.words_in
    }

    /// Valid from the first stage to the last, then ready back.
    fn settle(&mut self) {
        let Simulation { nodes, links, awake, cycle, .. } = self;
        let mut next = awake.first_from(0);
        while let Some(index) = next {
            let node = &mut nodes[index];
            let mut offered = [false; 2];
            for (port, link) in node.inputs.iter().enumerate() {
                offered[port] = links[*link].valid;
            }
            if node.wake <= *cycle || offered != node.offered {
                node.catch_up(*cycle);
                node.offered = offered;
                let valid = node.control.valid(offered);
                for (port, link) in node.outputs.iter().enumerate() {
                    if links[*link].valid != valid[port] {
                        links[*link].valid = valid[port];
                        // It comes later.
                        links[*link].reader.iter().for_each(|reader| awake.insert(*reader));
                    }
                }
                // Ready may follow what is offered.
                node.wake = *cycle;
            }
            next = awake.first_from(index + 1);
        }
        let mut next = awake.last_before(nodes.len());
        while let Some(index) = next {
            let node = &mut nodes[index];
            let mut accepted = [false; 2];
            for (port, link) in node.outputs.iter().enumerate() {
                accepted[port] = links[*link].ready;
            }
            if node.wake <= *cycle || accepted != node.accepted {
                node.catch_up(*cycle);
                node.accepted = accepted;
                node.wake = *cycle;
                let ready = node.control.ready(node.offered, accepted);
                for (port, link) in node.inputs.iter().enumerate() {
                    if links[*link].ready != ready[port] {
                        links[*link].ready = ready[port];
                        // It comes earlier.
                        links[*link].writer.iter().for_each(|writer| awake.insert(*writer));
                    }
                }
            }
            next = awake.last_before(index);
        }
    }

    /// The clock edge; whether a word moved. One moves only where it is offered or accepted anew, or another one moved in
    /// the cycle before: both of its stages are looked at then.
    fn clock(&mut self) -> bool {
        let Simulation { nodes, links, awake, awake_next, alarms, cycle, .. } = self;
        let mut any = false;
        let mut next = awake.first_from(0);
        while let Some(index) = next {
            let node = &mut nodes[index];
            let (mut taken, mut given) = ([false; 2], [false; 2]);
            for (port, link) in node.inputs.iter().enumerate() {
                taken[port] = links[*link].valid && links[*link].ready;
            }
            for (port, link) in node.outputs.iter().enumerate() {
                given[port] = links[*link].valid && links[*link].ready;
            }
            let moves = taken != [false; 2] || given != [false; 2];
            any |= moves;
            if moves || node.wake <= *cycle {
                let quiet = if moves { 0 } else { node.control.quiet() };
                if quiet == 0 {
                    node.catch_up(*cycle);
                    node.tick(taken, given);
                    awake_next.insert(index);
                } else {
                    node.wake = cycle.saturating_add(quiet);
                    if node.wake < u64::MAX {
                        alarms.push(Reverse((node.wake, index)));
                    }
                }
            }
            next = awake.first_from(index + 1);
        }
        any
    }

    /// The next cycle in which something may happen, `u64::MAX` if none.
    fn next_event(&mut self, fed: u64) -> u64 {
        let inside = match self.awake_next.first_from(0) {
            Some(_) => self.cycle + 1,
            None => self.alarm(),
        };
        let source = match self.flow {
            _ if fed >= self.most_images.saturating_mul(self.words_in) => u64::MAX,
            Flow::Free => u64::MAX,
            Flow::Paced(_) if self.offering => u64::MAX,
            Flow::Paced(_) => self.due(fed),
            Flow::Hesitant(_) => u64::MAX,
        };
        let event = inside.min(source);
        // Hesitations end by themselves.
        if matches!(self.flow, Flow::Hesitant(_)) { self.cycle + 1 } else { event.max(self.cycle + 1) }
    }
}

impl Simulation {
    /// The cycle of the next alarm that still stands, `u64::MAX` if none does.
    fn alarm(&mut self) -> u64 {
        while let Some(Reverse((cycle, index))) = self.alarms.peek().copied() {
            if self.nodes[index].wake == cycle {
                return cycle;
            }
            self.alarms.pop();
        }
        u64::MAX
    }
}

impl Node {
    fn catch_up(&mut self, cycle: u64) {
        if self.at < cycle {
            self.control.advance(cycle - self.at);
            self.at = cycle;
        }
    }

    fn tick(&mut self, taken: Ports, given: Ports) {
        self.control.tick(taken, given);
        self.at += 1;
        self.wake = self.at;
        self.taken += u64::from(taken[0]);
        self.given += u64::from(given[0]);
        self.most_inside = self.most_inside.max(self.taken.saturating_sub(self.given));
    }
}

/// Even odds, by seed and cycle; now and then a pause of tens of cycles.
fn chance(seed: u64, cycle: u64) -> bool {
    let mix = |value: u64| {
        let value = (value ^ value >> 31).wrapping_mul(0x7fb5_d329_728e_a185);
        let value = (value ^ value >> 27).wrapping_mul(0x81da_def4_bc2d_d44d);
        value ^ value >> 33
    };
    let slow = mix(seed ^ (cycle / 64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    match slow % 4 {
        0 => false,
        1 => true,
        _ => mix(seed.wrapping_add(cycle)) & 1 == 1,
    }
}
