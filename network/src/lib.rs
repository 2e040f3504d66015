//! The two forms a network has before hardware enters: [`Graph`](graph::Graph), the imported model with its
//! floats, and [`Network`](network::Network), integers only; with the semantics of both.
//!
//! [`onnx`] imports QONNX files, [`tflite`] those of TensorFlow Lite; [`mod@approximate`] moves what has no exact integer form, and tells it. [`mod@reference`] runs a graph node by node and [`integer`] runs
//! a network naively: together they are the specification that every other executor is compared with.
//!
//! [`quantize`] makes few-bit weights of real ones, [`calibrate`] fixed-point numbers of real activations.
//!
//! This crate knows no hardware: no parallelism, no memories, no clocks.

pub mod approximate;
pub mod calibrate;
pub mod file;
pub mod graph;
pub mod grid;
pub mod input_format;
pub mod integer;
pub mod kernel;
pub mod network;
pub mod onnx;
pub mod quantize;
pub mod reference;
pub mod shared_list;
pub mod tensor;
pub mod tflite;
