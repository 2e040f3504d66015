//! The input map, faster where images hold small whole numbers.

use abi::InputMap;
use abi::maps::MapError;

/// An input map with the codes of 0 to 255 looked up in advance.
#[derive(Debug)]
pub(super) struct InputCoder {
    map: InputMap,
    /// For each function its values at 0.0, 1.0, … 255.0; empty where there are too many functions.
    tables: Vec<[i32; 256]>,
}

/// More functions would fill the cache with tables.
const MAX_TABLES: usize = 64;

impl InputCoder {
    pub(super) fn new(map: &InputMap) -> Self {
        let functions = if map.functions.len() <= MAX_TABLES { map.functions.as_slice() } else { &[] };
        let table = |function: &abi::StepFunction<f32>| std::array::from_fn(|value| function.at(value as f32));
        InputCoder { map: map.clone(), tables: functions.iter().map(table).collect() }
    }

    /// The elements of an image in stream order: those of [`InputMap::apply`].
    pub(super) fn apply(&self, image: &[f32], elements: &mut Vec<i32>) -> Result<(), MapError> {
        let map = &self.map;
        let finite = image.iter().fold(true, |all, value| all & value.is_finite());
        if image.len() != map.len() || !finite || self.tables.is_empty() {
            *elements = map.apply(image)?;
            return Ok(());
        }
        let code = |index: usize| {
            let function = map.function_of.get(index).map_or(0, |function| *function as usize);
            let value = image[index];
            // The cast saturates: only a whole number in the table's range is equal to what it is cast to.
            let whole = value as u8;
            if f32::from(whole) == value {
                self.tables[function][usize::from(whole)]
            } else {
                map.functions[function].at(value)
            }
        };
        elements.clear();
        if map.source_of.is_empty() {
            elements.extend((0..image.len()).map(code));
        } else {
            elements.extend(map.source_of.iter().map(|source| code(*source as usize)));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use abi::{ElementType, StepFunction};
    use proptest::prelude::*;

    fn value() -> impl Strategy<Value = f32> {
        prop_oneof![
            any::<f32>(),
            any::<u8>().prop_map(f32::from),
            -600.0f32..600.0,
            Just(-0.0),
            Just(256.0),
            Just(-1.0),
            Just(f32::NAN),
        ]
    }

    proptest! {
        #[test]
        fn equals_the_map(
            images in prop::collection::vec(value(), 6),
            boundaries in prop::collection::btree_set(-20i32..520, 1..30),
            per_value in any::<bool>(),
            permuted in any::<bool>(),
        ) {
            let halves: Vec<f32> = boundaries.iter().map(|boundary| *boundary as f32 / 2.0).collect();
            let values = (0..=halves.len() as i32).collect();
            let constant = StepFunction { boundaries: vec![0.0], values: vec![7, 9] };
            let map = InputMap {
                domain: None,
                shape: vec![2, 3],
                element: ElementType::Unsigned { bits: 8 },
                functions: vec![StepFunction { boundaries: halves, values }, constant],
                function_of: if per_value { vec![0, 1, 1, 0, 0, 1] } else { Vec::new() },
                source_of: if permuted { vec![5, 0, 3, 1, 4, 2] } else { Vec::new() },
            };
            let mut elements = vec![1; 20];
            let found = InputCoder::new(&map).apply(&images, &mut elements).map(|()| elements);
            // NaN is not equal to itself, so errors are compared as texts.
            let texts = |result: Result<Vec<i32>, MapError>| result.map_err(|error| error.to_string());
            prop_assert_eq!(texts(found), texts(map.apply(&images)));
        }
    }
}
