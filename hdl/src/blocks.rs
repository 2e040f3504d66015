//! The hardware blocks: leaves with Verilog of their own, and kernels built from them.
