//! Large designs must not make anyone wait.

use std::time::{Duration, Instant};

use hdl::emit::emit;
use hdl::rust_hdl::prelude::*;
use hdl::wire::{ModuleName, Wire};

use crate::blocks::{Array, Register};

/// Far more than it takes, far less than a quadratic algorithm would.
const LIMIT: Duration = Duration::from_secs(20);

/// Lanes that are blocks of their own.
#[derive(LogicBlock)]
struct Row {
    name: ModuleName,
    clock: Wire<In, Clock>,
    x: Wire<In>,
    y: Wire<Out>,
    lane: Vec<Register>,
    _lanes: usize,
}

impl Logic for Row {
    #[hdl_gen]
    fn update(&mut self) {
        self.y.next = self.lane[0].q.val();
        for i in 0..self._lanes {
            self.lane[i].clock.next = self.clock.val();
            self.lane[i].d.next = self.x.val() >> i;
            self.y.next = self.y.val() ^ self.lane[i].q.val();
        }
    }
}

#[derive(LogicBlock)]
struct Rows {
    name: ModuleName,
    clock: Wire<In, Clock>,
    x: Wire<In>,
    y: Wire<Out>,
    row: Vec<Row>,
    _rows: usize,
}

impl Logic for Rows {
    #[hdl_gen]
    fn update(&mut self) {
        self.y.next = self.row[0].y.val();
        for i in 0..self._rows {
            self.row[i].clock.next = self.clock.val();
            self.row[i].x.next = self.x.val();
            self.y.next = self.y.val() ^ self.row[i].y.val();
        }
    }
}

fn timed(what: &str, block: &dyn Block) -> usize {
    let start = Instant::now();
    let design = emit(block, "top", "").expect("a correct block");
    let text = design.text();
    let elapsed = start.elapsed();
    eprintln!("{what}: {} modules, {} bytes in {elapsed:?}", design.modules.len(), text.len());
    assert!(elapsed < LIMIT, "{what} took {elapsed:?}");
    design.modules.len()
}

#[test]
fn four_thousand_rows_of_32_lanes() {
    let mut array = Array::new(4096, 32);
    array.connect_all();
    assert_eq!(timed("lanes in a loop", &array), 3);

    let row = || Row {
        name: ModuleName::new("row"),
        clock: Default::default(),
        x: Wire::of(64),
        y: Wire::of(16),
        lane: (0..32).map(|_| Register::of(16)).collect(),
        _lanes: 32,
    };
    let mut rows = Rows {
        name: ModuleName::new("rows"),
        clock: Default::default(),
        x: Wire::of(64),
        y: Wire::of(16),
        row: (0..4096).map(|_| row()).collect(),
        _rows: 4096,
    };
    rows.connect_all();
    assert_eq!(timed("lanes as blocks", &rows), 3);
}
