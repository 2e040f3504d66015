// SB_PLL40_PAD: the PLL of Lattice iCE40 fed from its own package pin, for gate-level simulation with Verilator.
//
// yosys ships this cell as a black box, whose clock would never move. Here the output *is* the input clock and the PLL
// is always locked: one cycle of the simulated oscillator stands for one cycle of the output, and time in the
// oscillator's domain does not exist. Ports and parameters as in Lattice TN1251 / FPGA-TN-02052 "iCE40 sysCLOCK PLL
// Design and User Guide".
//
// Not modelled, and therefore an error: bypass, reset, feedback other than SIMPLE, outputs other than GENCLK, clock
// gating, and what does not exist here: the pins EXTFEEDBACK, DYNAMICDELAY, LATCHINPUTVALUE, SDI, SDO and SCLK, the
// parameters FDA_*, DELAY_ADJUSTMENT_MODE_*, SHIFTREG_DIV_MODE, TEST_MODE and EXTERNAL_DIVIDE_FACTOR.
// Not modelled, and harmless: ratio, phase, delay, time to lock.

/* verilator lint_off WIDTH */
/* verilator lint_off UNUSED */
/* verilator lint_off DECLFILENAME */

module SB_PLL40_PAD #(
  parameter FEEDBACK_PATH = "SIMPLE",
  parameter PLLOUT_SELECT = "GENCLK",
  parameter DIVR = 0, DIVF = 0, DIVQ = 0, FILTER_RANGE = 0,
  parameter ENABLE_ICEGATE = 0
) (
  input  PACKAGEPIN,
  input  RESETB, BYPASS,
  output PLLOUTCORE, PLLOUTGLOBAL, LOCK
);

  initial begin
    if (!(FEEDBACK_PATH == "SIMPLE" && PLLOUT_SELECT == "GENCLK" && ENABLE_ICEGATE == 0))
      $fatal(1, "SB_PLL40_PAD: FEEDBACK_PATH must be SIMPLE, PLLOUT_SELECT GENCLK and ENABLE_ICEGATE 0");
  end

  always @(posedge PACKAGEPIN)
    if (BYPASS || !RESETB) $fatal(1, "SB_PLL40_PAD: BYPASS high or RESETB low is not modelled");

  assign PLLOUTCORE = PACKAGEPIN;
  assign PLLOUTGLOBAL = PACKAGEPIN;
  assign LOCK = 1'b1;
endmodule
