// rPLL: the PLL of Gowin's GW1N series, for simulation with Verilator.
//
// yosys ships this cell as a black box, whose clock would never move. Here the output *is* the input clock and the PLL
// is always locked: one cycle of the simulated oscillator stands for one cycle of the output, and time in the
// oscillator's domain does not exist. Ports and parameters as in Gowin UG286 "Clock User Guide".
//
// Not modelled, and therefore an error: reset, feedback other than internal, bypass and dividers that change. The outputs
// beside CLKOUT do not exist here.
// Not modelled, and harmless: ratio, phase, duty cycle, time to lock.

/* verilator lint_off WIDTH */
/* verilator lint_off UNUSED */
/* verilator lint_off DECLFILENAME */

module rPLL #(
  parameter DEVICE = "GW1N-9C", FCLKIN = "100.0",
  parameter IDIV_SEL = 0, FBDIV_SEL = 0, ODIV_SEL = 8, DYN_SDIV_SEL = 2,
  parameter DYN_IDIV_SEL = "false", DYN_FBDIV_SEL = "false", DYN_ODIV_SEL = "false", DYN_DA_EN = "true",
  parameter PSDA_SEL = "0000", DUTYDA_SEL = "1000", CLKFB_SEL = "internal",
  parameter CLKOUT_BYPASS = "false", CLKOUTP_BYPASS = "false", CLKOUTD_BYPASS = "false",
  parameter CLKOUTD_SRC = "CLKOUT", CLKOUTD3_SRC = "CLKOUT"
) (
  input  CLKIN, CLKFB, RESET, RESET_P,
  input  [5:0] FBDSEL, IDSEL, ODSEL,
  input  [3:0] PSDA, FDLY, DUTYDA,
  output CLKOUT, LOCK
);

  initial begin
    if (!(CLKFB_SEL == "internal" && CLKOUT_BYPASS == "false"))
      $fatal(1, "rPLL: CLKFB_SEL must be internal and CLKOUT_BYPASS false");
    if (!(DYN_IDIV_SEL == "false" && DYN_FBDIV_SEL == "false" && DYN_ODIV_SEL == "false"))
      $fatal(1, "rPLL: dividers that change (DYN_*DIV_SEL) are not modelled");
  end

  always @(posedge CLKIN)
    if (RESET || RESET_P) $fatal(1, "rPLL: RESET or RESET_P high is not modelled");

  assign CLKOUT = CLKIN;
  assign LOCK = 1'b1;
endmodule
