//! The top module of a board: the device at its pins.

use super::{Board, Direction};
use std::fmt::Write;

/// Name of the top module.
pub const TOP: &str = "xnorforge_board";

impl Board {
    /// The top module around the device module called `device`, as Verilog.
    pub fn top_module(&self, device: &str) -> String {
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
        let mut text = format!("module {TOP} (\n{}\n);\n", ports.join(",\n"));
        for tied in &self.facts.tied {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "  // {}", tied.reason);
            let _ = writeln!(text, "  assign {} = 1'b{};", tied.port, u8::from(tied.level));
        }
        text += &format!(
            "  {device} device (\n    .clock(clock),\n    .rx(uart_receive),\n    .tx(uart_transmit),\n    \
             .ready(led_ready),\n    .busy(led_busy)\n  );\nendmodule\n"
        );
        text
    }
}
