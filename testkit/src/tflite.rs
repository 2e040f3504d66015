//! Small TensorFlow Lite files, written in memory; [`random`] makes random networks of all operators.

mod flatbuffer;
pub mod random;

pub use flatbuffer::{Field, Table};

/// Numbers of operators in the format.
pub mod code {
    #![allow(missing_docs, reason = "the format's names")]
    pub const ADD: i32 = 0;
    pub const AVERAGE_POOL_2D: i32 = 1;
    pub const CONCATENATION: i32 = 2;
    pub const CONV_2D: i32 = 3;
    pub const DEPTHWISE_CONV_2D: i32 = 4;
    pub const DEQUANTIZE: i32 = 6;
    pub const FULLY_CONNECTED: i32 = 9;
    pub const LOGISTIC: i32 = 14;
    pub const MAX_POOL_2D: i32 = 17;
    pub const MUL: i32 = 18;
    pub const RELU: i32 = 19;
    pub const RELU6: i32 = 21;
    pub const RESHAPE: i32 = 22;
    pub const SOFTMAX: i32 = 25;
    pub const TANH: i32 = 28;
    pub const PAD: i32 = 34;
    pub const MEAN: i32 = 40;
    pub const SUB: i32 = 41;
    pub const STRIDED_SLICE: i32 = 45;
    pub const PADV2: i32 = 60;
    pub const TRANSPOSE_CONV: i32 = 67;
    pub const SHAPE: i32 = 77;
    pub const PACK: i32 = 83;
    pub const RESIZE_NEAREST_NEIGHBOR: i32 = 97;
    pub const LEAKY_RELU: i32 = 98;
    pub const QUANTIZE: i32 = 114;
    pub const HARD_SWISH: i32 = 117;
}

/// Types of elements, by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i8)]
pub enum Kind {
    /// Float32.
    Float = 0,
    /// Int32.
    Int32 = 2,
    /// Unsigned bytes.
    UInt8 = 3,
    /// Signed bytes.
    Int8 = 9,
}

/// Scales and zero points along an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantization {
    /// One scale, or one for each index of the axis.
    pub scales: Vec<f32>,
    /// As many zero points.
    pub zero_points: Vec<i64>,
    /// The axis.
    pub axis: i32,
}

impl Quantization {
    /// One scale and zero point.
    pub fn of(scale: f32, zero_point: i64) -> Self {
        Quantization { scales: vec![scale], zero_points: vec![zero_point], axis: 0 }
    }
}

/// A model that is being written.
#[derive(Debug)]
pub struct Builder {
    tensors: Vec<Table>,
    buffers: Vec<Table>,
    codes: Vec<i32>,
    operators: Vec<Table>,
}

impl Default for Builder {
    fn default() -> Self {
        // The first buffer is that of all tensors without one.
        Builder { tensors: Vec::new(), buffers: vec![Table::default()], codes: Vec::new(), operators: Vec::new() }
    }
}

impl Builder {
    /// Adds a tensor and gives its number; one with `data` is a constant.
    pub fn tensor(
        &mut self,
        name: &str,
        shape: &[usize],
        kind: Kind,
        quantization: Option<Quantization>,
        data: Option<Vec<u8>>,
    ) -> i32 {
        let buffer = match data {
            None => 0,
            Some(data) => {
                self.buffers.push(Table(vec![Field::Bytes(data)]));
                self.buffers.len() as u32 - 1
            }
        };
        let quantization = quantization.map_or(Field::Absent, |Quantization { scales, zero_points, axis }| {
            let fields = [Field::Absent, Field::Absent, Field::Floats(scales), Field::Longs(zero_points)];
            Field::Table(Table(fields.into_iter().chain([Field::Absent, Field::Absent, Field::Int(axis)]).collect()))
        });
        let shape = shape.iter().map(|extent| *extent as i32).collect();
        self.tensors.push(Table(vec![
            Field::Ints(shape),
            Field::Byte(kind as i8),
            Field::Int(buffer as i32),
            Field::Text(name.into()),
            quantization,
        ]));
        self.tensors.len() as i32 - 1
    }

    /// Adds an operator; `options` are its fields, of the union's member `member`.
    pub fn operator(&mut self, code: i32, inputs: &[i32], outputs: &[i32], member: i8, options: Vec<Field>) {
        let index = self.codes.iter().position(|known| *known == code).unwrap_or_else(|| {
            self.codes.push(code);
            self.codes.len() - 1
        });
        let mut fields = vec![Field::Int(index as i32), Field::Ints(inputs.to_vec()), Field::Ints(outputs.to_vec())];
        if member != 0 {
            fields.extend([Field::Byte(member), Field::Table(Table(options))]);
        }
        self.operators.push(Table(fields));
    }

    /// The bytes of the file.
    pub fn finish(self, inputs: &[i32], outputs: &[i32]) -> Vec<u8> {
        let codes = self.codes.iter().map(|code| {
            Table(vec![Field::Byte((*code).min(127) as i8), Field::Absent, Field::Int(1), Field::Int(*code)])
        });
        let graph = Table(vec![
            Field::Tables(self.tensors),
            Field::Ints(inputs.to_vec()),
            Field::Ints(outputs.to_vec()),
            Field::Tables(self.operators),
            Field::Text("main".into()),
        ]);
        let root = Table(vec![
            Field::Int(3),
            Field::Tables(codes.collect()),
            Field::Tables(vec![graph]),
            Field::Text("xnorforge".into()),
            Field::Tables(self.buffers),
        ]);
        flatbuffer::file(&root, b"TFL3")
    }
}
