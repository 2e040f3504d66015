//! The tables of the format (TensorFlow Lite's `schema.fbs`, version 3), as far as they are needed. Numbers of fields are
//! their places there.

use super::flatbuffer::{Allowance, Damage, Table};

/// A model with one graph.
pub(super) struct Model<'b> {
    pub codes: Vec<i32>,
    /// The graphs; only models of control flow have more than one.
    pub graphs: Vec<SubGraph<'b>>,
    /// The bytes of constants.
    pub buffers: Vec<&'b [u8]>,
}

/// A graph.
pub(super) struct SubGraph<'b> {
    pub tensors: Vec<Tensor>,
    pub inputs: Vec<i32>,
    pub outputs: Vec<i32>,
    pub operators: Vec<Operator<'b>>,
}

/// What is known of a tensor.
#[derive(Clone, Debug)]
pub(super) struct Tensor {
    pub name: String,
    /// Extents as the file has them; −1 where one is open.
    pub shape: Vec<i32>,
    pub kind: Kind,
    /// Number of the buffer of a constant; an empty one for others.
    pub buffer: usize,
    pub quantization: Option<Quantization>,
    /// Whether only the elements that are not zero are kept.
    pub is_sparse: bool,
    /// Whether it keeps its elements from one run to the next.
    pub is_variable: bool,
}

/// Scales and zero points of a tensor.
#[derive(Clone, Debug)]
pub(super) struct Quantization {
    pub scales: Vec<f32>,
    pub zero_points: Vec<i64>,
    /// The axis that several scales go along.
    pub axis: i32,
}

/// Type of elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Float32,
    Int32,
    UInt8,
    Int64,
    Int8,
    /// One of the others, by its number.
    Other(i8),
}

impl Kind {
    fn of(number: i8) -> Self {
        match number {
            0 => Kind::Float32,
            2 => Kind::Int32,
            3 => Kind::UInt8,
            4 => Kind::Int64,
            9 => Kind::Int8,
            number => Kind::Other(number),
        }
    }

    /// The type's name in the format.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Float32 => "FLOAT32",
            Kind::Int32 => "INT32",
            Kind::UInt8 => "UINT8",
            Kind::Int64 => "INT64",
            Kind::Int8 => "INT8",
            Kind::Other(1) => "FLOAT16",
            Kind::Other(6) => "BOOL",
            Kind::Other(7) => "INT16",
            Kind::Other(17) => "INT4",
            Kind::Other(_) => "another type",
        }
    }
}

/// An operator.
pub(super) struct Operator<'b> {
    /// Number of its code.
    pub code: usize,
    /// Numbers of tensors; −1 for one left out.
    pub inputs: Vec<i32>,
    pub outputs: Vec<i32>,
    pub options: Option<Table<'b>>,
}

impl<'b> Model<'b> {
    /// The tables of a file.
    pub fn read(bytes: &'b [u8], allowance: &'b Allowance) -> Result<Self, Damage> {
        let root = Table::root(bytes, allowance)?;
        let codes = root.tables(1)?.iter().map(code).collect::<Result<_, _>>()?;
        let graphs = root.tables(2)?.iter().map(SubGraph::read).collect::<Result<_, _>>()?;
        let buffers = root.tables(4)?.iter().map(|buffer| buffer.bytes(0)).collect::<Result<_, _>>()?;
        Ok(Model { codes, graphs, buffers })
    }
}

/// Old files have the code in one byte, new ones elsewhere: it is the greater of the two.
fn code(table: &Table) -> Result<i32, Damage> {
    Ok(i32::from(table.scalar::<i8>(0, 0)?).max(table.scalar(3, 0i32)?))
}

impl<'b> SubGraph<'b> {
    fn read(table: &Table<'b>) -> Result<Self, Damage> {
        Ok(SubGraph {
            tensors: table.tables(0)?.iter().map(Tensor::read).collect::<Result<_, _>>()?,
            inputs: table.scalars(1)?.unwrap_or_default(),
            outputs: table.scalars(2)?.unwrap_or_default(),
            operators: table.tables(3)?.iter().map(Operator::read).collect::<Result<_, _>>()?,
        })
    }
}

impl Tensor {
    fn read(table: &Table) -> Result<Self, Damage> {
        let quantization = table.table(4)?.map(|table| Quantization::read(&table)).transpose()?.flatten();
        Ok(Tensor {
            name: String::from_utf8_lossy(table.bytes(3)?).into_owned(),
            shape: table.scalars(0)?.unwrap_or_default(),
            kind: Kind::of(table.scalar(1, 0)?),
            buffer: table.scalar(2, 0u32)? as usize,
            quantization,
            is_sparse: table.table(6)?.is_some(),
            is_variable: table.scalar(5, 0u8)? != 0,
        })
    }
}

impl Quantization {
    /// `None` where there are no scales: exporters write empty tables for what is not quantised.
    fn read(table: &Table) -> Result<Option<Self>, Damage> {
        let scales: Vec<f32> = table.scalars(2)?.unwrap_or_default();
        let zero_points = table.scalars(3)?.unwrap_or_default();
        let axis = table.scalar(6, 0)?;
        Ok((!scales.is_empty()).then_some(Quantization { scales, zero_points, axis }))
    }
}

impl<'b> Operator<'b> {
    fn read(table: &Table<'b>) -> Result<Self, Damage> {
        Ok(Operator {
            code: table.scalar(0, 0u32)? as usize,
            inputs: table.scalars(1)?.unwrap_or_default(),
            outputs: table.scalars(2)?.unwrap_or_default(),
            options: table.table(4)?,
        })
    }
}
