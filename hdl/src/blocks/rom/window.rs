//! A memory's part of the weight window.

use crate::blocks::address_bits;
use crate::blocks::weight_access::{SELECT_BIT, WRITE_BIT};
use crate::wire::{Word, memory_file, unused};
use abi::weights::{ADDRESS_BITS, Segment};
use abi::window::WORD_BITS;
use compiler::chip::memory::MemoryKind;
use std::fmt::Write;

/// Where a memory lies in the weight window, and how its rows are cut.
#[derive(Clone, Debug)]
pub(super) struct Window {
    /// Number of its first word.
    pub first: u32,
    rows: usize,
    width: usize,
}

/// An access to a word of a memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Own {
    pub row: usize,
    pub column: usize,
    pub is_write: bool,
    pub data: u32,
}

/// Bits of a selection among `count` things; none for one.
fn selecting_bits(count: usize) -> usize {
    if count == 1 { 0 } else { address_bits(count) }
}

impl Window {
    pub fn new(rows: usize, width: usize) -> Self {
        Window { first: 0, rows, width }
    }

    pub fn columns(&self) -> usize {
        self.width.div_ceil(WORD_BITS)
    }

    fn row_bits(&self) -> usize {
        selecting_bits(self.rows)
    }

    /// Bits of the number of a word within the memory.
    fn bits(&self) -> usize {
        self.row_bits() + selecting_bits(self.columns())
    }

    pub fn words(&self) -> u32 {
        1 << self.bits()
    }

    /// Bits of a column.
    fn column_width(&self, column: usize) -> usize {
        WORD_BITS.min(self.width - column * WORD_BITS)
    }

    /// The bits of `row` in a column; none beyond the last.
    pub fn column(&self, row: &Word, column: usize) -> Word {
        if column >= self.columns() {
            return Word::zero(WORD_BITS);
        }
        let first = column * WORD_BITS;
        Word::from_bits((first..first + self.column_width(column)).map(|bit| row.get_bit(bit)))
    }

    /// `row` with other bits in a column.
    pub fn with_column(&self, row: &Word, column: usize, data: u32) -> Word {
        let bit = |bit: usize| {
            if bit / WORD_BITS == column { data >> (bit % WORD_BITS) & 1 == 1 } else { row.get_bit(bit) }
        };
        Word::from_bits((0..self.width).map(bit))
    }

    /// What `access` means to the memory, if anything.
    pub fn own(&self, access: u64) -> Option<Own> {
        let address = (access >> WORD_BITS) as u32 & ((1 << ADDRESS_BITS) - 1);
        let is_own = access >> SELECT_BIT & 1 == 1 && address >> self.bits() == self.first >> self.bits();
        is_own.then(|| {
            let place = (address & (self.words() - 1)) as usize;
            Own {
                row: place & ((1 << self.row_bits()) - 1),
                column: place >> self.row_bits(),
                is_write: access >> WRITE_BIT & 1 == 1,
                data: access as u32,
            }
        })
    }

    /// The words of the memory that holds `rows`.
    pub fn segments(&self, rows: &[Word]) -> Vec<Segment> {
        (0..self.columns())
            .map(|column| Segment {
                first: self.first + ((column as u32) << self.row_bits()),
                words: rows.iter().map(|row| self.column(row, column).low() as u32).collect(),
            })
            .collect()
    }

    /// The memory called `name` with `rows` at the start, made of what the plan says.
    pub fn verilog(&self, name: &str, rows: &[Word], kind: Option<MemoryKind>) -> String {
        // As without a window, block RAM has no first word to give.
        let (style, start) = match kind {
            Some(MemoryKind::Block) => ("(* ram_style = \"block\" *) ", false),
            _ => ("", true),
        };
        let (row_bits, bits, columns) = (self.row_bits(), self.bits(), self.columns());
        let address = |low: usize, high: usize| format!("access_0[{}:{}]", WORD_BITS + high - 1, WORD_BITS + low);
        let mut text = format!("wire own = access_0[{SELECT_BIT}]");
        if bits < ADDRESS_BITS {
            let number = self.first >> bits;
            text += &format!(" && {} == {}'d{number}", address(bits, ADDRESS_BITS), ADDRESS_BITS - bits);
        }
        text += &format!(";\nwire store = own && access_0[{WRITE_BIT}];\nreg asked;\n");
        if self.rows > 1 {
            let range = row_bits - 1;
            text += &format!("wire [{range}:0] place = own ? {} : address;\n", address(0, row_bits));
        }
        let mut initial = String::from("initial begin\n  asked = 0;\n");
        let mut always = String::from("always @(posedge clock) asked <= own && !store;\n");
        if columns > 1 {
            text += &format!("reg [{}:0] column;\n", bits - row_bits - 1);
            initial += "  column = 0;\n";
            always += &format!("always @(posedge clock) column <= {};\n", address(row_bits, bits));
        }
        for column in 0..columns {
            let width = self.column_width(column);
            let (high, data) = (width - 1, format!("access_0[{}:0]", width - 1));
            let mut condition = "store".to_owned();
            if columns > 1 {
                condition += &format!(" && {} == {}'d{column}", address(row_bits, bits), bits - row_bits);
            }
            // Writing to a string cannot fail.
            if self.rows == 1 {
                let _ = writeln!(text, "reg [{high}:0] row{column};");
                let _ = writeln!(initial, "  row{column} = {width}'h{:x};", self.column(&rows[0], column));
                let _ = writeln!(always, "always @(posedge clock) if ({condition}) row{column} <= {data};");
            } else {
                let last = self.rows - 1;
                let _ = writeln!(text, "{style}reg [{high}:0] words{column} [0:{last}];\nreg [{high}:0] row{column};");
                let file = memory_file(&format!("{name}_{column}"));
                let _ = writeln!(initial, "  $readmemh({file}, words{column});");
                if start {
                    let _ = writeln!(initial, "  row{column} = 0;");
                }
                let _ = writeln!(text, "wire store{column} = {condition};");
                let _ = writeln!(
                    always,
                    "always @(posedge clock) begin\n  if (store{column}) words{column}[place] <= {data};\n  if (!store) \
                     row{column} <= words{column}[place];\nend"
                );
            }
        }
        let mut unread = Vec::new();
        if self.width < WORD_BITS {
            unread.push(format!("access_0[{}:{}]", WORD_BITS - 1, self.width));
        }
        if self.rows == 1 {
            unread.push("address".to_owned());
        }
        if let Some(unused) = unused("unused", &unread) {
            text += &format!("{unused}\n");
        }
        let all: Vec<String> = (0..columns).rev().map(|column| format!("row{column}")).collect();
        text += &format!("{initial}end\n{always}assign q = {{{}}};\n", all.join(", "));
        let word = |column: usize| match WORD_BITS - self.column_width(column) {
            0 => format!("row{column}"),
            rest => format!("{{{rest}'d0, row{column}}}"),
        };
        if columns == 1 {
            return text + &format!("assign answer_0 = asked ? {} : 32'd0;", word(0));
        }
        text += "reg [31:0] word;\nalways @*\n  case (column)\n";
        for column in 0..columns {
            let _ = writeln!(text, "    {}'d{column}: word = {};", bits - row_bits, word(column));
        }
        text + "    default: word = 32'd0;\n  endcase\nassign answer_0 = asked ? word : 32'd0;"
    }
}
