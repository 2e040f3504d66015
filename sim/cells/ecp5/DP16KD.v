// DP16KD: the 18 Kbit block RAM of Lattice ECP5, for gate-level simulation with Verilator.
//
// yosys ships this cell as a black box, which Verilator would simulate as zeros. Its behaviour here follows Lattice
// TN1264 / FPGA-TN-02204 "ECP5 and ECP5-5G Memory Usage Guide" (address layout, write modes, byte enables) and, where
// the guide is silent, what `synth_ecp5` relies on: the latches are zero at power-up, and a port A that is 36 bits wide
// makes the cell pseudo dual-port: A writes {DIB, DIA}, B reads {DOB, DOA} (DOB alone where B is narrower).
//
// Not modelled, and therefore an error: the reset pins (boards are reported to read zeros where synthesis drives them),
// output registers (REGMODE OUTREG), chip selects, INIT_DATA other than STATIC, a 36-bit port B beside a narrower port
// A, two ports that write the same bit at once, and every pin multiplexer but that of the clocks (such a parameter does
// not exist here).
// Not modelled, and harmless: GSR (no design of ours instantiates it), WID (a number for the bitstream), delays.
//
// When one port reads bits that the other writes at the same edge the hardware promises nothing: the model returns
// random bits there, so that no design can come to depend on them. Two ports count as being clocked at the same edge
// when both clocks are high; ports with unrelated clocks may therefore read random bits without reason.

/* verilator lint_off WIDTH */
/* verilator lint_off UNUSED */
/* verilator lint_off DECLFILENAME */

module DP16KD #(
  parameter DATA_WIDTH_A = 18,
  parameter DATA_WIDTH_B = 18,
  parameter REGMODE_A = "NOREG",
  parameter REGMODE_B = "NOREG",
  parameter RESETMODE = "SYNC",
  parameter ASYNC_RESET_RELEASE = "SYNC",
  parameter CSDECODE_A = "0b000",
  parameter CSDECODE_B = "0b000",
  parameter WRITEMODE_A = "NORMAL",
  parameter WRITEMODE_B = "NORMAL",
  parameter CLKAMUX = "CLKA",
  parameter CLKBMUX = "CLKB",
  parameter GSR = "ENABLED",
  parameter WID = 0,
  parameter INIT_DATA = "STATIC",
  parameter INITVAL_00 = 320'h0, INITVAL_01 = 320'h0, INITVAL_02 = 320'h0, INITVAL_03 = 320'h0,
  parameter INITVAL_04 = 320'h0, INITVAL_05 = 320'h0, INITVAL_06 = 320'h0, INITVAL_07 = 320'h0,
  parameter INITVAL_08 = 320'h0, INITVAL_09 = 320'h0, INITVAL_0A = 320'h0, INITVAL_0B = 320'h0,
  parameter INITVAL_0C = 320'h0, INITVAL_0D = 320'h0, INITVAL_0E = 320'h0, INITVAL_0F = 320'h0,
  parameter INITVAL_10 = 320'h0, INITVAL_11 = 320'h0, INITVAL_12 = 320'h0, INITVAL_13 = 320'h0,
  parameter INITVAL_14 = 320'h0, INITVAL_15 = 320'h0, INITVAL_16 = 320'h0, INITVAL_17 = 320'h0,
  parameter INITVAL_18 = 320'h0, INITVAL_19 = 320'h0, INITVAL_1A = 320'h0, INITVAL_1B = 320'h0,
  parameter INITVAL_1C = 320'h0, INITVAL_1D = 320'h0, INITVAL_1E = 320'h0, INITVAL_1F = 320'h0,
  parameter INITVAL_20 = 320'h0, INITVAL_21 = 320'h0, INITVAL_22 = 320'h0, INITVAL_23 = 320'h0,
  parameter INITVAL_24 = 320'h0, INITVAL_25 = 320'h0, INITVAL_26 = 320'h0, INITVAL_27 = 320'h0,
  parameter INITVAL_28 = 320'h0, INITVAL_29 = 320'h0, INITVAL_2A = 320'h0, INITVAL_2B = 320'h0,
  parameter INITVAL_2C = 320'h0, INITVAL_2D = 320'h0, INITVAL_2E = 320'h0, INITVAL_2F = 320'h0,
  parameter INITVAL_30 = 320'h0, INITVAL_31 = 320'h0, INITVAL_32 = 320'h0, INITVAL_33 = 320'h0,
  parameter INITVAL_34 = 320'h0, INITVAL_35 = 320'h0, INITVAL_36 = 320'h0, INITVAL_37 = 320'h0,
  parameter INITVAL_38 = 320'h0, INITVAL_39 = 320'h0, INITVAL_3A = 320'h0, INITVAL_3B = 320'h0,
  parameter INITVAL_3C = 320'h0, INITVAL_3D = 320'h0, INITVAL_3E = 320'h0, INITVAL_3F = 320'h0
) (
  input  DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9,
         DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0,
  input  ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0,
  input  CEA, OCEA, CLKA, WEA, RSTA, CSA2, CSA1, CSA0,
  output DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9,
         DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0,
  input  DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9,
         DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0,
  input  ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0,
  input  CEB, OCEB, CLKB, WEB, RSTB, CSB2, CSB1, CSB0,
  output DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9,
         DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0
);

  // What is not modelled, refused before the first clock edge.

  localparam pseudo = DATA_WIDTH_A == 36;

  initial begin
    if (!(DATA_WIDTH_A == 1 || DATA_WIDTH_A == 2 || DATA_WIDTH_A == 4 || DATA_WIDTH_A == 9 || DATA_WIDTH_A == 18
          || DATA_WIDTH_A == 36))
      $fatal(1, "DP16KD: DATA_WIDTH_A is %0d, not 1, 2, 4, 9, 18 or 36", DATA_WIDTH_A);
    if (!(DATA_WIDTH_B == 1 || DATA_WIDTH_B == 2 || DATA_WIDTH_B == 4 || DATA_WIDTH_B == 9 || DATA_WIDTH_B == 18
          || (DATA_WIDTH_B == 36 && pseudo)))
      $fatal(1, "DP16KD: DATA_WIDTH_B is %0d beside DATA_WIDTH_A %0d", DATA_WIDTH_B, DATA_WIDTH_A);
    if (!(REGMODE_A == "NOREG" && REGMODE_B == "NOREG"))
      $fatal(1, "DP16KD: output registers (REGMODE_A, REGMODE_B) are not modelled");
    if (!(CSDECODE_A == "0b000" && CSDECODE_B == "0b000"))
      $fatal(1, "DP16KD: chip selects (CSDECODE_A, CSDECODE_B) are not modelled");
    if (!(WRITEMODE_A == "NORMAL" || WRITEMODE_A == "WRITETHROUGH" || WRITEMODE_A == "READBEFOREWRITE"))
      $fatal(1, "DP16KD: WRITEMODE_A is not NORMAL, WRITETHROUGH or READBEFOREWRITE");
    if (!(WRITEMODE_B == "NORMAL" || WRITEMODE_B == "WRITETHROUGH" || WRITEMODE_B == "READBEFOREWRITE"))
      $fatal(1, "DP16KD: WRITEMODE_B is not NORMAL, WRITETHROUGH or READBEFOREWRITE");
    if (!((CLKAMUX == "CLKA" || CLKAMUX == "INV") && (CLKBMUX == "CLKB" || CLKBMUX == "INV")))
      $fatal(1, "DP16KD: CLKAMUX or CLKBMUX is neither the clock nor INV");
    if (!(GSR == "ENABLED" || GSR == "DISABLED" || GSR == "AUTO"))
      $fatal(1, "DP16KD: GSR is not ENABLED, DISABLED or AUTO");
    if (INIT_DATA != "STATIC")
      $fatal(1, "DP16KD: INIT_DATA other than STATIC is not modelled");
  end

  // The contents: 512 rows of four lanes of nine bits, which is 1024 words of 18 bits. A port narrower than nine bits
  // sees the lower eight bits of each lane. INITVAL holds 16 words of 18 bits, each in 20 bits.

  reg [35:0] rows [0:511];

  localparam image = {
    INITVAL_3F, INITVAL_3E, INITVAL_3D, INITVAL_3C, INITVAL_3B, INITVAL_3A, INITVAL_39, INITVAL_38,
    INITVAL_37, INITVAL_36, INITVAL_35, INITVAL_34, INITVAL_33, INITVAL_32, INITVAL_31, INITVAL_30,
    INITVAL_2F, INITVAL_2E, INITVAL_2D, INITVAL_2C, INITVAL_2B, INITVAL_2A, INITVAL_29, INITVAL_28,
    INITVAL_27, INITVAL_26, INITVAL_25, INITVAL_24, INITVAL_23, INITVAL_22, INITVAL_21, INITVAL_20,
    INITVAL_1F, INITVAL_1E, INITVAL_1D, INITVAL_1C, INITVAL_1B, INITVAL_1A, INITVAL_19, INITVAL_18,
    INITVAL_17, INITVAL_16, INITVAL_15, INITVAL_14, INITVAL_13, INITVAL_12, INITVAL_11, INITVAL_10,
    INITVAL_0F, INITVAL_0E, INITVAL_0D, INITVAL_0C, INITVAL_0B, INITVAL_0A, INITVAL_09, INITVAL_08,
    INITVAL_07, INITVAL_06, INITVAL_05, INITVAL_04, INITVAL_03, INITVAL_02, INITVAL_01, INITVAL_00
  };

  integer row;
  initial begin
    if ($bits(image) != 64 * 320) $fatal(1, "DP16KD: an INITVAL is not a number of 320 bits");
    for (row = 0; row < 512; row = row + 1)
      rows[row] = {image[40 * row + 20 +: 18], image[40 * row +: 18]};
  end

  // The ports.

  wire [13:0] address_a = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0};
  wire [13:0] address_b = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0};
  wire [17:0] low_in = {
    DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9,
    DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0
  };
  wire [17:0] high_in = {
    DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9,
    DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0
  };

  wire clock_a = (CLKAMUX == "INV") ? ~CLKA : CLKA;
  wire clock_b = (CLKBMUX == "INV") ? ~CLKB : CLKB;

  // Whether the port stores at its next edge. In the pseudo dual-port cell B only reads.
  wire store_a = CEA && WEA;
  wire store_b = CEB && WEB && !pseudo;

  // Lowest bit of the row that a port of a given width addresses, and the bits of the row that it covers.
  function [5:0] first_bit(input integer width, input [13:0] address);
    begin
      first_bit = 0;
      if (width <= 18) first_bit = first_bit + (address[4] ? 18 : 0);
      if (width <= 9) first_bit = first_bit + (address[3] ? 9 : 0);
      if (width <= 4) first_bit = first_bit + (address[2] ? 4 : 0);
      if (width <= 2) first_bit = first_bit + (address[1] ? 2 : 0);
      if (width <= 1) first_bit = first_bit + (address[0] ? 1 : 0);
    end
  endfunction

  // Bits that a store of that width replaces: from 18 bits on, the low address bits enable lanes of nine.
  function [35:0] stored_bits(input integer width, input [13:0] address);
    begin
      if (width == 36) stored_bits = {{9{address[3]}}, {9{address[2]}}, {9{address[1]}}, {9{address[0]}}};
      else if (width == 18) stored_bits = {18'b0, {9{address[1]}}, {9{address[0]}}};
      else stored_bits = (36'b1 << width) - 36'b1;
      stored_bits = stored_bits << first_bit(width, address);
    end
  endfunction

  wire [8:0] row_a = address_a[13:5];
  wire [8:0] row_b = address_b[13:5];
  wire [5:0] first_a = first_bit(DATA_WIDTH_A, address_a);
  wire [5:0] first_b = first_bit(DATA_WIDTH_B, address_b);
  wire [35:0] bits_a = stored_bits(DATA_WIDTH_A, address_a);
  wire [35:0] bits_b = stored_bits(DATA_WIDTH_B, address_b);
  wire [35:0] data_a = (pseudo ? {high_in, low_in} : {18'b0, low_in}) << first_a;
  wire [35:0] data_b = {18'b0, high_in} << first_b;

  // Bits of a port's row that the other port stores at the same edge.
  wire same_edge = clock_a && clock_b && row_a == row_b;
  wire [35:0] foreign_a = (same_edge && store_b) ? bits_b : 36'b0;
  wire [35:0] foreign_b = (same_edge && store_a) ? bits_a : 36'b0;

  genvar lane;
  generate
    if (DATA_WIDTH_A >= 18) begin : lanes_a
      for (lane = 0; lane < 4; lane = lane + 1)
        always @(posedge clock_a)
          if (store_a && bits_a[9 * lane]) rows[row_a][9 * lane +: 9] <= data_a[9 * lane +: 9];
    end else begin : slice_a
      always @(posedge clock_a)
        if (store_a) rows[row_a][first_a +: DATA_WIDTH_A] <= low_in[DATA_WIDTH_A-1:0];
    end
    if (DATA_WIDTH_B >= 18) begin : lanes_b
      for (lane = 0; lane < 4; lane = lane + 1)
        always @(posedge clock_b)
          if (store_b && bits_b[9 * lane]) rows[row_b][9 * lane +: 9] <= data_b[9 * lane +: 9];
    end else begin : slice_b
      always @(posedge clock_b)
        if (store_b) rows[row_b][first_b +: DATA_WIDTH_B] <= high_in[DATA_WIDTH_B-1:0];
    end
  endgenerate

  // What a port that stores nothing, or reads before it writes, sees; and what one that writes through sees.
  wire [35:0] old_a = rows[row_a];
  wire [35:0] old_b = rows[row_b];
  wire [35:0] new_a = (WRITEMODE_A == "WRITETHROUGH" && store_a) ? (old_a & ~bits_a) | (data_a & bits_a) : old_a;
  wire [35:0] new_b = (WRITEMODE_B == "WRITETHROUGH" && store_b) ? (old_b & ~bits_b) | (data_b & bits_b) : old_b;

  wire read_a = CEA && (!WEA || WRITEMODE_A != "NORMAL");
  wire read_b = CEB && (!WEB || WRITEMODE_B != "NORMAL" || pseudo);

  reg [35:0] latch_a, latch_b;
  initial begin
    latch_a = 0;
    latch_b = 0;
  end

  always @(posedge clock_a)
    if (read_a && foreign_a == 0) latch_a <= new_a >> first_a;
    else if (read_a) latch_a <= ((new_a & ~foreign_a) | ({$urandom, $urandom} & foreign_a)) >> first_a;

  always @(posedge clock_b)
    if (read_b && foreign_b == 0) latch_b <= new_b >> first_b;
    else if (read_b) latch_b <= ((new_b & ~foreign_b) | ({$urandom, $urandom} & foreign_b)) >> first_b;

  always @(posedge clock_a) begin
    if (CEA && {CSA2, CSA1, CSA0} != 0) $fatal(1, "DP16KD: a chip select of port A is high, which is not modelled");
    if (RSTA) $fatal(1, "DP16KD: RSTA is high, which is not modelled");
    if (!pseudo && same_edge && store_a && store_b && (bits_a & bits_b) != 0)
      $fatal(1, "DP16KD: both ports write the same bit");
  end

  always @(posedge clock_b) begin
    if (CEB && {CSB2, CSB1, CSB0} != 0) $fatal(1, "DP16KD: a chip select of port B is high, which is not modelled");
    if (RSTB) $fatal(1, "DP16KD: RSTB is high, which is not modelled");
    if (pseudo && WEB) $fatal(1, "DP16KD: WEB of a pseudo dual-port cell is high");
  end

  // Pins beyond the width of a port are unspecified.
  localparam [35:0] pins_a = (36'b1 << DATA_WIDTH_A) - 36'b1;
  localparam [35:0] pins_b = (36'b1 << DATA_WIDTH_B) - 36'b1;
  wire [35:0] out_a = (latch_a & pins_a) | (36'bx & ~pins_a);
  wire [35:0] out_b = (latch_b & pins_b) | (36'bx & ~pins_b);

  assign {
    DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9,
    DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0
  } = pseudo ? (DATA_WIDTH_B == 36 ? out_b[17:0] : 18'bx) : out_a[17:0];
  assign {
    DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9,
    DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0
  } = DATA_WIDTH_B == 36 ? out_b[35:18] : out_b[17:0];
endmodule
