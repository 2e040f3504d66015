//! Attributes of a node by name, each checked for its type.

use super::NodeContext;
use crate::onnx::error::ImportError;
use crate::onnx::proto::{AttributeProto, TensorProto, attribute_type};

impl<'m> NodeContext<'_, 'm> {
    fn attribute(&self, name: &'static str, kind: i32) -> Result<Option<&'m AttributeProto>, ImportError> {
        let Some(attribute) = self.proto.attribute.iter().find(|attribute| attribute.name == name) else {
            return Ok(None);
        };
        if attribute.r#type != kind && attribute.r#type != 0 {
            let kind = match kind {
                attribute_type::FLOAT => "a float",
                attribute_type::INT => "an integer",
                attribute_type::STRING => "a string",
                attribute_type::TENSOR => "a tensor",
                attribute_type::FLOATS => "a list of floats",
                _ => "a list of integers",
            };
            return Err(self.attribute_error(name, kind, format!("of type number {}", attribute.r#type)));
        }
        Ok(Some(attribute))
    }

    pub fn has_attribute(&self, name: &str) -> bool {
        self.proto.attribute.iter().any(|attribute| attribute.name == name)
    }

    pub fn integer(&self, name: &'static str) -> Result<Option<i64>, ImportError> {
        Ok(self.attribute(name, attribute_type::INT)?.map(|attribute| attribute.i))
    }

    pub fn flag(&self, name: &'static str, default: bool) -> Result<bool, ImportError> {
        match self.integer(name)? {
            None => Ok(default),
            Some(0) => Ok(false),
            Some(1) => Ok(true),
            Some(other) => Err(self.attribute_error(name, "0 or 1", other.to_string())),
        }
    }

    /// A float that may be infinite or NaN.
    pub fn any_float(&self, name: &'static str) -> Result<Option<f64>, ImportError> {
        Ok(self.attribute(name, attribute_type::FLOAT)?.map(|attribute| f64::from(attribute.f)))
    }

    /// A finite float.
    pub fn float(&self, name: &'static str) -> Result<Option<f64>, ImportError> {
        match self.any_float(name)? {
            Some(value) if !value.is_finite() => Err(self.attribute_error(name, "finite", value.to_string())),
            value => Ok(value),
        }
    }

    pub fn text(&self, name: &'static str) -> Result<Option<&'m str>, ImportError> {
        match self.attribute(name, attribute_type::STRING)? {
            None => Ok(None),
            Some(attribute) => {
                std::str::from_utf8(&attribute.s).map(Some).map_err(|_| self.attribute_error(name, "text", "not UTF-8"))
            }
        }
    }

    pub fn tensor(&self, name: &'static str) -> Result<Option<&'m TensorProto>, ImportError> {
        match self.attribute(name, attribute_type::TENSOR)? {
            None => Ok(None),
            Some(attribute) => match &attribute.t {
                Some(tensor) => Ok(Some(tensor)),
                None => Err(self.attribute_error(name, "a tensor", "empty")),
            },
        }
    }

    pub fn integer_list(&self, name: &'static str) -> Result<Option<&'m [i64]>, ImportError> {
        Ok(self.attribute(name, attribute_type::INTS)?.map(|attribute| attribute.ints.as_slice()))
    }

    pub fn float_list(&self, name: &'static str) -> Result<Option<&'m [f32]>, ImportError> {
        Ok(self.attribute(name, attribute_type::FLOATS)?.map(|attribute| attribute.floats.as_slice()))
    }

    /// A list that is an attribute in older operator sets and an input in newer ones.
    pub fn list(&self, name: &'static str, index: usize) -> Result<Option<Vec<i64>>, ImportError> {
        match self.integer_list(name)? {
            Some(list) => Ok(Some(list.to_vec())),
            None if self.optional_input(index).is_some() => self.integers(index, name).map(Some),
            None => Ok(None),
        }
    }
}
