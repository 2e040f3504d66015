//! One node of the file while it is imported: its inputs, attributes and outputs.

mod attributes;
mod fold;

use super::builder::Builder;
use super::data_type::{DataType, Kind};
use super::error::{ImportError, Place};
use super::patches::Patches;
use super::proto::{NodeProto, TensorProto};
use super::tensor_data::{MAX_AXES, MAX_ELEMENTS, elements};
use crate::graph::{Operator, ValueId};
use crate::tensor::{Tensor, broadcast_shape};

/// A node of the file, and the graph that it is added to.
pub(super) struct NodeContext<'a, 'm> {
    proto: &'m NodeProto,
    name: &'a str,
    inputs: Vec<Option<ValueId>>,
    pub graph: &'a mut Builder<'m>,
}

impl<'a, 'm> NodeContext<'a, 'm> {
    /// Looks up the tensors that the node reads.
    pub fn new(proto: &'m NodeProto, name: &'a str, graph: &'a mut Builder<'m>) -> Result<Self, ImportError> {
        let reader = || Place { node: name.into(), operator: proto.op_type.clone() }.to_string();
        let inputs = proto
            .input
            .iter()
            .map(|tensor| match tensor.as_str() {
                "" => Ok(None),
                // Only a product can read them; it asks for them by their name.
                tensor if proto.op_type == "MatMul" && graph.patches.contains_key(tensor) => Ok(None),
                tensor => graph.resolve(tensor, reader).map(Some),
            })
            .collect::<Result<_, _>>()?;
        Ok(NodeContext { proto, name, inputs, graph })
    }

    /// The patches that the node's first input is.
    pub fn patches(&self) -> Option<Patches> {
        self.graph.patches.get(self.proto.input.first()?.as_str()).cloned()
    }

    /// Makes the node's output patches, which the product that reads them asks for.
    pub fn remember_patches(&mut self, patches: Patches) {
        let name = self.output_name(0);
        self.graph.patches.insert(name, patches);
    }

    pub fn operator(&self) -> &'m str {
        &self.proto.op_type
    }

    pub fn domain(&self) -> &'m str {
        &self.proto.domain
    }

    /// The node, for messages.
    pub fn place(&self) -> Place {
        Place { node: self.name.into(), operator: self.proto.op_type.clone() }
    }

    pub fn shape_error(&self, must: impl Into<String>, found: impl Into<String>) -> ImportError {
        ImportError::Shape { place: self.place(), must: must.into(), found: found.into() }
    }

    /// The refusal of shapes that ONNX allows.
    pub fn unsupported_shape(
        &self,
        must: impl Into<String>,
        found: impl Into<String>,
        help: &'static str,
    ) -> ImportError {
        ImportError::UnsupportedShape { place: self.place(), must: must.into(), found: found.into(), help }
    }

    pub fn parameter_error(
        &self,
        role: &'static str,
        must: impl Into<String>,
        found: impl Into<String>,
    ) -> ImportError {
        ImportError::Parameter { place: self.place(), role, must: must.into(), found: found.into() }
    }

    pub fn attribute_error(
        &self,
        attribute: &'static str,
        must: impl Into<String>,
        found: impl Into<String>,
    ) -> ImportError {
        ImportError::Attribute { place: self.place(), attribute, must: must.into(), found: found.into() }
    }

    pub fn not_constant(&self, role: &'static str, id: ValueId) -> ImportError {
        let tensor = self.graph.value(id).name.clone();
        ImportError::NotConstant { place: self.place(), role, tensor }
    }

    /// Number of inputs named, left-out ones in between included.
    pub fn input_count(&self) -> usize {
        self.inputs.len()
    }

    /// An input that the operator needs.
    pub fn input(&self, index: usize, role: &'static str) -> Result<ValueId, ImportError> {
        self.optional_input(index).ok_or_else(|| ImportError::MissingInput { place: self.place(), role, index })
    }

    pub fn optional_input(&self, index: usize) -> Option<ValueId> {
        self.inputs.get(index).copied().flatten()
    }

    pub fn shape(&self, id: ValueId) -> &[usize] {
        &self.graph.value(id).shape
    }

    /// An input that the operator needs and that must be constant.
    pub fn constant(&self, index: usize, role: &'static str) -> Result<&Tensor, ImportError> {
        let id = self.input(index, role)?;
        self.graph.constant(id).ok_or_else(|| self.not_constant(role, id))
    }

    /// The tensor of a value that must be constant.
    pub fn data(&self, id: ValueId) -> Result<&Tensor, ImportError> {
        self.graph.constant(id).ok_or_else(|| self.not_constant("data", id))
    }

    /// Whether a value is a constant of floats: of a float type, and none that has come from codes.
    pub fn is_float(&self, id: ValueId) -> bool {
        let is_single = self.graph.constant(id).is_some_and(Tensor::is_single);
        is_single && self.graph.data_type(id).is_float() && !self.graph.value(id).is_codes
    }

    /// A constant list of integers, or one integer without axes.
    pub fn integers(&self, index: usize, role: &'static str) -> Result<Vec<i64>, ImportError> {
        let tensor = self.constant(index, role)?;
        let id = self.input(index, role)?;
        if self.graph.data_type(id).kind() != Kind::Integer {
            return Err(self.parameter_error(role, "of an integer type", "not"));
        }
        if tensor.shape.len() > 1 {
            return Err(self.shape_error(format!("`{role}` must be a list"), format!("shape {:?}", tensor.shape)));
        }
        // Saturates where an exporter writes the greatest int64 for "to the end": the end is what it means.
        Ok(tensor.data.iter().map(|value| *value as i64).collect())
    }

    /// A constant with one element, of any type and rank.
    pub fn scalar(&self, index: usize, role: &'static str) -> Result<f64, ImportError> {
        let tensor = self.constant(index, role)?;
        tensor.as_scalar().ok_or_else(|| {
            self.shape_error(format!("`{role}` must have one element"), format!("shape {:?}", tensor.shape))
        })
    }

    /// As [`scalar`](Self::scalar), where the operator allows more elements; `help` says what to do with them.
    pub fn one_number(&self, index: usize, role: &'static str, help: &'static str) -> Result<f64, ImportError> {
        let tensor = self.constant(index, role)?;
        tensor.as_scalar().ok_or_else(|| {
            let found = format!("shape {:?}", tensor.shape);
            self.unsupported_shape(format!("`{role}` must have one element"), found, help)
        })
    }

    /// An axis counted from the end where negative.
    pub fn axis(&self, axis: i64, rank: usize) -> Result<usize, ImportError> {
        let from_start = if axis < 0 { axis.saturating_add(rank as i64) } else { axis };
        match usize::try_from(from_start) {
            Ok(index) if index < rank => Ok(index),
            _ => {
                Err(self
                    .shape_error(format!("an axis of a tensor with {rank} axes must exist"), format!("axis {axis}")))
            }
        }
    }

    /// The least and the greatest element of a constant of integers.
    pub fn extremes(&self, id: ValueId) -> Option<(i64, i64)> {
        let data = &self.graph.constant(id)?.data;
        let least = data.iter().copied().min_by(f64::total_cmp)?;
        Some((least as i64, data.iter().copied().max_by(f64::total_cmp)? as i64))
    }

    /// The shape that two inputs broadcast to.
    pub fn broadcast(&self, left: &[usize], right: &[usize]) -> Result<Vec<usize>, ImportError> {
        broadcast_shape(left, right)
            .ok_or_else(|| self.shape_error("shapes must broadcast", format!("{left:?} and {right:?}")))
    }

    /// Checks that every element is a number.
    pub fn check_finite(&self, id: ValueId) -> Result<(), ImportError> {
        let Some(tensor) = self.graph.constant(id) else {
            return Ok(());
        };
        match tensor.data.iter().position(|value| !value.is_finite()) {
            None => Ok(()),
            Some(index) => Err(ImportError::NotFinite {
                place: self.place(),
                tensor: self.graph.value(id).name.clone(),
                index,
                value: tensor.data[index],
            }),
        }
    }

    fn output_name(&self, index: usize) -> &'m str {
        self.proto.output.get(index).map_or("", String::as_str)
    }

    /// Number of elements of a shape, checked against what a tensor may have.
    pub fn check_size(&self, shape: &[usize]) -> Result<usize, ImportError> {
        if shape.len() > MAX_AXES {
            return Err(
                self.shape_error(format!("a tensor must have at most {MAX_AXES} axes"), format!("{}", shape.len()))
            );
        }
        elements(shape).ok_or_else(|| self.too_large(shape, MAX_ELEMENTS))
    }

    /// Sets aside memory for a list of a node, as for constants.
    pub fn reserve(&mut self, count: usize) -> Result<(), ImportError> {
        self.graph.reserve(count).map_err(|limit| self.too_large(&[count], limit))
    }

    fn too_large(&self, shape: &[usize], limit: usize) -> ImportError {
        ImportError::TooLarge { what: self.place().to_string(), limit, shape: format!("{shape:?}") }
    }

    /// Adds a node with one output.
    pub fn emit(
        &mut self,
        operator: Operator,
        inputs: Vec<ValueId>,
        shape: Vec<usize>,
        data_type: DataType,
    ) -> Result<(), ImportError> {
        self.emit_all(operator, inputs, vec![(shape, data_type)])
    }

    /// Adds a node with a shape and a type for each output.
    pub fn emit_all(
        &mut self,
        operator: Operator,
        inputs: Vec<ValueId>,
        outputs: Vec<(Vec<usize>, DataType)>,
    ) -> Result<(), ImportError> {
        self.check_node(&inputs, &outputs)?;
        if let Some(tensors) = self.computed_constants(&operator, &inputs, &outputs)? {
            let is_codes = self.leaves_codes(&operator, &inputs);
            let range = inputs.iter().find_map(|input| self.graph.range(*input)).filter(|_| operator.keeps_codes());
            for (index, (tensor, (_, data_type))) in tensors.into_iter().zip(outputs).enumerate() {
                let name = self.output_name(index);
                let value = self.graph.add_constant(name.into(), tensor, data_type);
                self.graph.bind(name, value);
                self.graph.mark(value, is_codes, range);
            }
            return Ok(());
        }
        let outputs = outputs
            .into_iter()
            .enumerate()
            .map(|(index, (shape, data_type))| match self.output_name(index) {
                "" => (format!("{}_{index}", self.name), shape, data_type),
                name => (name.into(), shape, data_type),
            })
            .collect();
        let values = self.graph.add_node(self.name.into(), operator, inputs, outputs);
        for (index, value) in values.into_iter().enumerate() {
            let tensor = self.output_name(index);
            self.graph.bind(tensor, value);
        }
        Ok(())
    }

    /// Adds a node that computes a part of what the file's node does. `role` completes its name and its result's.
    pub fn emit_part(
        &mut self,
        role: &str,
        operator: Operator,
        inputs: Vec<ValueId>,
        shape: Vec<usize>,
        data_type: DataType,
    ) -> Result<ValueId, ImportError> {
        let outputs = vec![(shape, data_type)];
        self.check_node(&inputs, &outputs)?;
        if let Some(tensor) = self.computed_constants(&operator, &inputs, &outputs)?.and_then(|mut list| list.pop()) {
            let is_codes = self.leaves_codes(&operator, &inputs);
            let value = self.add_constant(role, tensor, data_type);
            self.graph.mark(value, is_codes, None);
            return Ok(value);
        }
        let name = self.graph.free_name(format!("{}_{role}", self.name));
        let outputs = outputs.into_iter().map(|(shape, data_type)| (name.clone(), shape, data_type)).collect();
        let values = self.graph.add_node(name, operator, inputs, outputs);
        Ok(values[0])
    }

    /// Checks that tensors have elements, not too many, and that constants among them are numbers.
    fn check_node(&self, inputs: &[ValueId], outputs: &[(Vec<usize>, DataType)]) -> Result<(), ImportError> {
        for (shape, _) in outputs {
            self.check_size(shape)?;
        }
        for input in inputs {
            self.check_finite(*input)?;
        }
        let read = inputs.iter().map(|input| self.shape(*input));
        if let Some(empty) = read.chain(outputs.iter().map(|(shape, _)| shape.as_slice())).find(|s| s.contains(&0)) {
            let found = format!("shape {empty:?}");
            return Err(self.shape_error("every tensor that it reads or writes must have elements", found));
        }
        Ok(())
    }

    /// Makes the output another name of `value`.
    pub fn alias(&mut self, value: ValueId) {
        self.alias_of(0, value);
    }

    /// Makes output `index` another name of `value`.
    pub fn alias_of(&mut self, index: usize, value: ValueId) {
        let tensor = self.output_name(index);
        self.graph.bind(tensor, value);
    }

    /// Number of outputs named, left-out ones in between included.
    pub fn output_count(&self) -> usize {
        self.proto.output.len()
    }

    /// Makes the output a constant of `shape`, whose elements are computed only if it is not too large. What has come from
    /// codes stays so.
    pub fn fold(
        &mut self,
        shape: Vec<usize>,
        data_type: DataType,
        data: impl FnOnce(&Self) -> Result<Vec<f64>, ImportError>,
    ) -> Result<(), ImportError> {
        self.fold_in(None, shape, data_type, data)
    }

    /// As [`fold`](Self::fold), with elements that are those of `input`, at other places or times a scale.
    pub fn fold_from(
        &mut self,
        input: ValueId,
        shape: Vec<usize>,
        data_type: DataType,
        data: impl FnOnce(&Self) -> Result<Vec<f64>, ImportError>,
    ) -> Result<(), ImportError> {
        let range = self.graph.range(input);
        self.fold_in(range, shape, data_type, data)
    }

    /// As [`fold`](Self::fold), with elements that stand for codes.
    pub fn fold_codes(
        &mut self,
        shape: Vec<usize>,
        data_type: DataType,
        data: impl FnOnce(&Self) -> Result<Vec<f64>, ImportError>,
    ) -> Result<(), ImportError> {
        let value = self.folded(shape, data_type, data)?;
        self.graph.set_codes(value);
        Ok(())
    }

    /// As [`fold`](Self::fold), with elements that are integers of `range` times a scale, where one is given.
    pub fn fold_in(
        &mut self,
        range: Option<(i64, i64)>,
        shape: Vec<usize>,
        data_type: DataType,
        data: impl FnOnce(&Self) -> Result<Vec<f64>, ImportError>,
    ) -> Result<(), ImportError> {
        let value = self.folded(shape, data_type, data)?;
        if let Some(range) = range {
            self.graph.set_range(value, range);
        }
        if self.inputs.iter().flatten().any(|input| self.graph.value(*input).is_codes) {
            self.graph.set_codes(value);
        }
        Ok(())
    }

    /// The output as a constant of which nothing else is said.
    fn folded(
        &mut self,
        shape: Vec<usize>,
        data_type: DataType,
        data: impl FnOnce(&Self) -> Result<Vec<f64>, ImportError>,
    ) -> Result<ValueId, ImportError> {
        let tensor = self.computed(shape, data)?;
        let name = self.output_name(0);
        let value = self.graph.add_constant(name.into(), tensor, data_type);
        self.graph.bind(name, value);
        Ok(value)
    }

    /// Adds a constant that is a part of what the file's node computes, as [`fold`](Self::fold) does. `role` completes
    /// its name.
    pub fn fold_part(
        &mut self,
        role: &str,
        shape: Vec<usize>,
        data_type: DataType,
        data: impl FnOnce(&Self) -> Result<Vec<f64>, ImportError>,
    ) -> Result<ValueId, ImportError> {
        let tensor = self.computed(shape, data)?;
        Ok(self.add_constant(role, tensor, data_type))
    }

    fn computed(
        &mut self,
        shape: Vec<usize>,
        data: impl FnOnce(&Self) -> Result<Vec<f64>, ImportError>,
    ) -> Result<Tensor, ImportError> {
        let elements = self.check_size(&shape)?;
        self.graph.reserve(elements).map_err(|limit| self.too_large(&shape, limit))?;
        Ok(Tensor::new(shape, data(self)?))
    }

    /// Makes the output a constant that is stored in the node.
    pub fn stored(&mut self, tensor: &TensorProto) -> Result<(), ImportError> {
        let name = self.output_name(0);
        let value = self.graph.decode(tensor, name)?;
        self.graph.bind(name, value);
        Ok(())
    }

    /// Adds a constant that the file does not hold as such; `role` completes its name.
    pub fn add_constant(&mut self, role: &str, tensor: Tensor, data_type: DataType) -> ValueId {
        self.graph.add_constant(format!("{}_{role}", self.name), tensor, data_type)
    }
}
