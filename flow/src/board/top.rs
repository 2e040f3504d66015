//! The top module of a board: the device at its pins.

use super::{Board, ClockSource, Direction};
use std::fmt::Write;

/// The top module, behind the design's prefix.
pub const TOP: &str = "board";

impl Board {
    /// The top module called `top` around the device module called `device`, which runs at `source`, as Verilog.
    pub fn top_module(&self, top: &str, device: &str, source: &ClockSource) -> String {
        let ports: Vec<String> = self
            .ports()
            .iter()
            .map(|port| {
                let direction = match port.direction {
                    Direction::In => "input",
                    Direction::Out => "output",
                };
                format!("    {direction} wire {}", port.name)
            })
            .collect();
        let mut text = format!("module {top} (\n{}\n);\n", ports.join(",\n"));
        for tied in &self.facts.tied {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "  // {}", tied.reason);
            let _ = writeln!(text, "  assign {} = 1'b{};", tied.port, u8::from(tied.level));
        }
        let (clock, reset) = match &source.pll {
            None => ("clock", "1'b0"),
            Some(pll) => {
                let (from, to) = (f64::from(pll.input_hertz) / 1e6, source.megahertz());
                let _ = writeln!(text, "  // {from} MHz to {to} MHz, VCO at {} MHz.", pll.vco_hertz() as f64 / 1e6);
                text += "  wire device_clock;\n  wire locked;\n";
                text += &pll.verilog(&self.facts.fpga.device);
                text += "  // The device waits until its clock can be relied on.\n  \
                         reg [1:0] steady = 2'b00;\n  \
                         always @(posedge device_clock) steady <= {steady[0], locked};\n";
                ("device_clock", "!steady[1]")
            }
        };
        let leds = &self.facts.leds;
        let not = if leds.active_low { "!" } else { "" };
        text += "  wire ready;\n  wire busy;\n";
        let _ = writeln!(text, "  assign led_ready = {not}ready;");
        if leds.busy.is_some() {
            let _ = writeln!(text, "  assign led_busy = {not}busy;");
        }
        text += &format!(
            "  {device} device (\n    .clock({clock}),\n    .reset({reset}),\n    .rx(uart_receive),\n    \
             .tx(uart_transmit),\n    .ready(ready),\n    .busy(busy)\n  );\nendmodule\n"
        );
        text
    }
}
