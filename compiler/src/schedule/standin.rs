//! Stand-ins until the blocks' own models are there.

use super::control::{Control, Ports};
use network::network::{Convolution, Layer, LayerKind, Network, Pool, Window};

/// Takes `a[n]` words of each input per result, in lockstep rounds.
pub struct Round {
    pub takes: usize,
    pub gives: usize,
    taken: usize,
    left: usize,
    ports: usize,
}
impl Round {
    pub fn new(takes: usize, gives: usize, ports: usize) -> Self {
        Round { takes, gives, taken: 0, left: 0, ports }
    }
}
impl Control for Round {
    fn valid(&self, _: Ports) -> Ports {
        [self.left > 0, false]
    }
    fn ready(&self, offered: Ports, ready: Ports) -> Ports {
        let r = self.left == 0 || (self.left == 1 && ready[0]);
        if self.ports == 1 { [r, false] } else { [r && offered[1], r && offered[0]] }
    }
    fn tick(&mut self, taken: Ports, given: Ports) {
        if given[0] {
            self.left -= 1;
        }
        if taken[0] {
            self.taken += 1;
            if self.taken == self.takes {
                self.taken = 0;
                self.left = self.gives;
            }
        }
    }
    fn quiet(&self) -> u64 {
        u64::MAX
    }
    fn advance(&mut self, _: u64) {}
}

pub struct Fork {
    done: Ports,
}
impl Fork {
    pub fn new() -> Self {
        Fork { done: [false; 2] }
    }
}
impl Control for Fork {
    fn valid(&self, offered: Ports) -> Ports {
        [offered[0] && !self.done[0], offered[0] && !self.done[1]]
    }
    fn ready(&self, _: Ports, ready: Ports) -> Ports {
        [(self.done[0] || ready[0]) && (self.done[1] || ready[1]), false]
    }
    fn tick(&mut self, taken: Ports, given: Ports) {
        if taken[0] {
            self.done = [false; 2];
        } else {
            self.done[0] |= given[0];
            self.done[1] |= given[1];
        }
    }
    fn quiet(&self) -> u64 {
        u64::MAX
    }
    fn advance(&mut self, _: u64) {}
}

pub struct Window2 {
    words: usize,
    capacity: usize,
    order: Vec<(Option<usize>, usize)>,
    written: u64,
    image_out: u64,
    next: usize,
    held: usize,
}
fn parts(network: &Network, layer: &Layer, lanes: usize) -> (Window, usize, usize) {
    let channels = network.tensor(layer.input()).channels;
    match &layer.kind {
        LayerKind::Convolution(Convolution { window, groups, weights, .. })
            if !(*groups == channels && weights.rows == channels) =>
        {
            (*window, *groups, (channels / groups).div_ceil(lanes))
        }
        LayerKind::Convolution(Convolution { window, .. }) | LayerKind::Pool(Pool { window, .. }) => {
            (*window, channels.div_ceil(lanes), 1)
        }
        _ => panic!(),
    }
}
fn order(network: &Network, layer: &Layer, lanes: usize) -> Vec<(Option<usize>, usize)> {
    let image = network.tensor(layer.input());
    let (window, groups, words) = parts(network, layer, lanes);
    let [rows, columns] = window.output(image.height, image.width);
    let mut order = Vec::new();
    for y in 0..rows {
        for x in 0..columns {
            for g in 0..groups {
                for tap in 0..window.taps() {
                    for word in 0..words {
                        let pixel = window.pixel(image.height, image.width, (y, x), tap);
                        order.push((pixel.map(|p| (p * groups + g) * words + word), 0));
                    }
                }
            }
        }
    }
    let total = image.vectors() * groups * words;
    let mut least = total;
    for entry in order.iter_mut().rev() {
        if let Some(p) = entry.0 {
            least = least.min(p);
        }
        entry.1 = least;
    }
    order
}
pub fn least(network: &Network, layer: &Layer, lanes: usize) -> usize {
    let order = order(network, layer, lanes);
    order.iter().filter_map(|(word, least)| word.map(|word| word + 1 - least)).max().unwrap_or(1) + 1
}
impl Window2 {
    pub fn new(network: &Network, layer: &Layer, lanes: usize, capacity: usize, words: usize) -> Self {
        let order = order(network, layer, lanes);
        Window2 { words, capacity, order, written: 0, image_out: 0, next: 0, held: 0 }
    }
    fn oldest(&self) -> u64 {
        self.image_out * self.words as u64 + self.order[self.next].1 as u64
    }
    fn can_read(&self) -> bool {
        match self.order[self.next].0 {
            None => true,
            Some(word) => self.image_out * (self.words as u64) + (word as u64) < self.written,
        }
    }
}
impl Control for Window2 {
    fn valid(&self, _: Ports) -> Ports {
        [self.held > 0, false]
    }
    fn ready(&self, _: Ports, _: Ports) -> Ports {
        [self.written < self.oldest() + self.capacity as u64, false]
    }
    fn tick(&mut self, taken: Ports, given: Ports) {
        if given[0] {
            self.held -= 1;
        }
        if self.held < 2 && self.can_read() {
            self.held += 1;
            self.next += 1;
            if self.next == self.order.len() {
                self.next = 0;
                self.image_out += 1;
            }
        }
        if taken[0] {
            self.written += 1;
        }
    }
    fn quiet(&self) -> u64 {
        if self.held == 2 || !self.can_read() { u64::MAX } else { 0 }
    }
    fn advance(&mut self, _: u64) {}
}

/// Joins words of the first input, then of the second.
pub struct Concat {
    words: [usize; 2],
    at: usize,
    held: bool,
}
impl Concat {
    pub fn new(words: [usize; 2]) -> Self {
        Concat { words, at: 0, held: false }
    }
}
impl Control for Concat {
    fn valid(&self, _: Ports) -> Ports {
        [self.held, false]
    }
    fn ready(&self, _: Ports, ready: Ports) -> Ports {
        let r = !self.held || ready[0];
        let first = self.at < self.words[0];
        [r && first, r && !first]
    }
    fn tick(&mut self, taken: Ports, given: Ports) {
        if given[0] {
            self.held = false;
        }
        if taken[0] || taken[1] {
            self.held = true;
            self.at = (self.at + 1) % (self.words[0] + self.words[1]);
        }
    }
    fn quiet(&self) -> u64 {
        u64::MAX
    }
    fn advance(&mut self, _: u64) {}
}

/// Rows of words, each word block repeated, each row repeated.
pub struct Upsample {
    row: usize,
    times: usize,
    vertical: usize,
    got: u64,
    next: u64,
}
impl Upsample {
    pub fn new(row: usize, times: usize, vertical: usize) -> Self {
        Upsample { row, times, vertical, got: 0, next: 0 }
    }
}
impl Upsample {
    fn source(&self) -> u64 {
        let out_row = (self.row * self.times) as u64;
        let r = self.next / out_row;
        let x = self.next % out_row;
        r / self.vertical as u64 * self.row as u64 + (x / self.times as u64).min(self.row as u64 - 1)
    }
}
impl Control for Upsample {
    fn valid(&self, _: Ports) -> Ports {
        [self.source() < self.got, false]
    }
    fn ready(&self, _: Ports, _: Ports) -> Ports {
        [self.got < self.source() / self.row as u64 * self.row as u64 + 2 * self.row as u64, false]
    }
    fn tick(&mut self, taken: Ports, given: Ports) {
        if taken[0] {
            self.got += 1;
        }
        if given[0] {
            self.next += 1;
        }
    }
    fn quiet(&self) -> u64 {
        u64::MAX
    }
    fn advance(&mut self, _: u64) {}
}
