// EHXPLLL: the PLL of Lattice ECP5, for gate-level simulation with Verilator.
//
// yosys ships this cell as a black box, whose clock would never move. Here the one enabled output *is* the input clock
// and the PLL is always locked: one cycle of the simulated oscillator stands for one cycle of the output, and time in
// the oscillator's domain does not exist. Ports and parameters as in Lattice TN1263 / FPGA-TN-02200 "ECP5 and ECP5-5G
// sysCLOCK PLL/DLL Design and Usage Guide".
//
// Not modelled, and therefore an error: a second enabled output, reset, standby, gated outputs, dynamic phase, the
// dividers bypassed, and the pins INTLOCK, REFCLK and CLKINTFB (which do not exist here).
// Not modelled, and harmless with one output: ratio, phase, time to lock.

/* verilator lint_off WIDTH */
/* verilator lint_off UNUSED */
/* verilator lint_off DECLFILENAME */

module EHXPLLL #(
  parameter CLKI_DIV = 1,
  parameter CLKFB_DIV = 1,
  parameter FEEDBK_PATH = "CLKOP",
  parameter CLKOP_DIV = 8, CLKOS_DIV = 8, CLKOS2_DIV = 8, CLKOS3_DIV = 8,
  parameter CLKOP_ENABLE = "ENABLED", CLKOS_ENABLE = "DISABLED", CLKOS2_ENABLE = "DISABLED", CLKOS3_ENABLE = "DISABLED",
  parameter CLKOP_CPHASE = 0, CLKOS_CPHASE = 0, CLKOS2_CPHASE = 0, CLKOS3_CPHASE = 0,
  parameter CLKOP_FPHASE = 0, CLKOS_FPHASE = 0, CLKOS2_FPHASE = 0, CLKOS3_FPHASE = 0,
  parameter OUTDIVIDER_MUXA = "DIVA", OUTDIVIDER_MUXB = "DIVB", OUTDIVIDER_MUXC = "DIVC", OUTDIVIDER_MUXD = "DIVD",
  parameter PLLRST_ENA = "DISABLED",
  parameter STDBY_ENABLE = "DISABLED",
  parameter DPHASE_SOURCE = "DISABLED",
  parameter SYNC_ENABLE = "DISABLED",
  parameter INTFB_WAKE = "DISABLED",
  parameter PLL_LOCK_MODE = 0
) (
  input  CLKI, CLKFB,
  input  PHASESEL1, PHASESEL0, PHASEDIR, PHASESTEP, PHASELOADREG,
  input  STDBY, PLLWAKESYNC, RST, ENCLKOP, ENCLKOS, ENCLKOS2, ENCLKOS3,
  output CLKOP, CLKOS, CLKOS2, CLKOS3, LOCK
);

  localparam [3:0] enabled = {
    CLKOS3_ENABLE == "ENABLED", CLKOS2_ENABLE == "ENABLED", CLKOS_ENABLE == "ENABLED", CLKOP_ENABLE == "ENABLED"
  };

  initial begin
    if (!(enabled == 4'b0001 || enabled == 4'b0010 || enabled == 4'b0100 || enabled == 4'b1000))
      $fatal(1, "EHXPLLL: exactly one of CLKOP, CLKOS, CLKOS2 and CLKOS3 must be enabled to be simulated");
    if (!(OUTDIVIDER_MUXA == "DIVA" && OUTDIVIDER_MUXB == "DIVB" && OUTDIVIDER_MUXC == "DIVC"
          && OUTDIVIDER_MUXD == "DIVD"))
      $fatal(1, "EHXPLLL: a bypassed divider (OUTDIVIDER_MUX*) is not modelled");
    if (!(PLLRST_ENA == "DISABLED" && STDBY_ENABLE == "DISABLED" && DPHASE_SOURCE == "DISABLED"
          && SYNC_ENABLE == "DISABLED" && INTFB_WAKE == "DISABLED"))
      $fatal(1, "EHXPLLL: PLLRST_ENA, STDBY_ENABLE, DPHASE_SOURCE, SYNC_ENABLE and INTFB_WAKE must be DISABLED");
  end

  assign CLKOP = CLKI & enabled[0];
  assign CLKOS = CLKI & enabled[1];
  assign CLKOS2 = CLKI & enabled[2];
  assign CLKOS3 = CLKI & enabled[3];
  assign LOCK = 1'b1;
endmodule
