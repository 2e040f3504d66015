//! Rules of layers, kind by kind.

use super::Part;
use crate::network::{Add, Convolution, Layer, LayerKind, NetworkError, Pool, PoolOperation, Table, TensorType};
use crate::network::{WeightMatrix, Window};
use abi::ElementType;
use std::fmt::Display;

/// Greatest factor of a sum: products of it and an element stay far from the ends of 64 bits.
const MAX_FACTOR: i64 = 1 << 24;

/// Checks one layer against the tensors that it reads and writes; their number is right.
pub(super) fn check(
    part: Part,
    layer: &Layer,
    inputs: &[&TensorType],
    output: &TensorType,
) -> Result<(), NetworkError> {
    let input = inputs[0];
    let output_is = |height: usize, width: usize, channels: usize| {
        part.rule(
            (output.height, output.width, output.channels) == (height, width, channels),
            "output",
            format_args!("have the shape [{height}, {width}, {channels}]"),
            format_args!("has [{}, {}, {}]", output.height, output.width, output.channels),
        )
    };
    let holds = |field: &dyn Display, (low, high): (i64, i64)| {
        part.rule(
            output.minimum <= low && high <= output.maximum,
            field,
            format_args!("give results in the output's range, {} to {}", output.minimum, output.maximum),
            format_args!("gives {low} to {high}"),
        )
    };
    match &layer.kind {
        LayerKind::MatrixVector(weights) => {
            check_weights(part, weights)?;
            let columns = weights.columns;
            let must = format!("be {}, the input's channels", input.channels);
            part.rule(columns == input.channels, "columns", must, format_args!("is {columns}"))?;
            output_is(input.height, input.width, weights.rows)?;
            check_whole(part, output)?;
            let range = (input.minimum, input.maximum);
            (0..weights.rows)
                .try_for_each(|row| holds(&format_args!("codes[{row}]"), range_of_sums(weights.row(row), range)))
        }
        LayerKind::Convolution(Convolution { window, groups, padding, weights }) => {
            check_weights(part, weights)?;
            let [height, width] = check_window(part, window, input)?;
            let divides = |extent: usize| *groups > 0 && extent.is_multiple_of(*groups);
            let must = format!("divide {} channels and {} rows", input.channels, weights.rows);
            let found = format!("is {groups}");
            part.rule(divides(input.channels) && divides(weights.rows), "groups", must, found)?;
            let columns = (input.channels / groups).checked_mul(window.taps());
            let found = format!("is {}", weights.columns);
            let wanted = columns.map_or("more than there can be".to_owned(), |columns| columns.to_string());
            let must = format!("be {wanted}, the taps times a group's channels");
            part.rule(columns == Some(weights.columns), "columns", must, found)?;
            output_is(height, width, weights.rows)?;
            check_whole(part, output)?;
            let found = format!("is {padding}");
            let is_code = *padding == 0 || input.element.contains(i64::from(*padding));
            part.rule(is_code, "padding", format_args!("be 0 or of type {}", input.element), found)?;
            let padding = if window.is_unpadded() { input.minimum } else { i64::from(*padding) };
            let range = (input.minimum.min(padding), input.maximum.max(padding));
            (0..weights.rows)
                .try_for_each(|row| holds(&format_args!("codes[{row}]"), range_of_sums(weights.row(row), range)))
        }
        LayerKind::MultiThreshold(steps) => {
            let must = format!("hold {} step functions, one a channel", input.channels);
            let found = format!("holds {}", steps.len());
            part.rule(steps.len() == input.channels, "multi_threshold", must, found)?;
            output_is(input.height, input.width, input.channels)?;
            let mut functions = steps.iter().enumerate();
            functions.try_for_each(|(channel, step)| part.steps("multi_threshold", channel, step, output))
        }
        LayerKind::Pool(Pool { window, operation }) => {
            let [height, width] = check_window(part, window, input)?;
            // No weights bound the taps.
            part.elements("kernel", &window.kernel)?;
            output_is(height, width, input.channels)?;
            check_pool_window(part, window, input)?;
            match operation {
                PoolOperation::Extremum(least) => {
                    let must = format!("hold {} flags, one a channel", input.channels);
                    let found = format!("holds {}", least.len());
                    part.rule(least.len() == input.channels, "extremum", must, found)?;
                    let must = format!("have elements {}", input.element);
                    let found = format!("has {}", output.element);
                    part.rule(output.element == input.element, "output", must, found)?;
                    holds(&"window", (input.minimum, input.maximum))
                }
                PoolOperation::Sum => {
                    check_whole(part, output)?;
                    let taps = window.taps() as i64;
                    let (low, high) = (input.minimum, input.maximum);
                    let most = (low.min(low.saturating_mul(taps)), high.max(high.saturating_mul(taps)));
                    holds(&"window", most)
                }
            }
        }
        LayerKind::Add(Add { factors }) => {
            let must = format!("hold {} lists, one a tensor read", inputs.len());
            part.rule(factors.len() == inputs.len(), "factors", must, format_args!("holds {}", factors.len()))?;
            same_shape(part, inputs)?;
            output_is(input.height, input.width, input.channels)?;
            for (index, list) in factors.iter().enumerate() {
                let field = format!("factors[{index}]");
                let must = format!("hold 1 or {} factors", input.channels);
                let found = format!("holds {}", list.len());
                part.rule([1, input.channels].contains(&list.len()), &field, must, found)?;
                if let Some(factor) = list.iter().find(|factor| factor.unsigned_abs() > MAX_FACTOR as u64) {
                    let must = format!("hold factors up to {MAX_FACTOR}");
                    return Err(part.broken(field, must, format_args!("holds {factor}")));
                }
            }
            // With one tensor of ±1, an odd factor gives odd numbers only.
            let is_odd = factors.iter().flatten().all(|factor| factor % 2 != 0);
            if inputs.len() != 1 || input.element != ElementType::Bipolar || !is_odd {
                check_whole(part, output)?;
            }
            (0..input.channels).try_for_each(|channel| {
                let term = |(list, tensor): (&Vec<i64>, &&TensorType)| {
                    let factor = list[channel % list.len()];
                    let (a, b) = (factor * tensor.minimum, factor * tensor.maximum);
                    (a.min(b), a.max(b))
                };
                let terms = factors.iter().zip(inputs).map(term);
                holds(&"factors", terms.fold((0, 0), |(low, high), (a, b)| (low + a, high + b)))
            })
        }
        LayerKind::Multiply => {
            same_shape(part, inputs)?;
            output_is(input.height, input.width, input.channels)?;
            check_whole(part, output)?;
            let ends = |tensor: &TensorType| [tensor.minimum, tensor.maximum];
            let products = ends(input).into_iter().flat_map(|a| ends(inputs[1]).map(|b| a.saturating_mul(b)));
            let range =
                products.fold((i64::MAX, i64::MIN), |(low, high), product| (low.min(product), high.max(product)));
            holds(&"product", range)
        }
        LayerKind::Table(Table { values }) => {
            same_shape(part, inputs)?;
            output_is(input.height, input.width, input.channels)?;
            let bits = input.element.bits() + inputs[1].element.bits();
            let must = format!("read codes of at most {} bits together", Table::WIDEST_PAIR);
            part.rule(bits <= Table::WIDEST_PAIR, "inputs", must, format_args!("reads {bits}"))?;
            let must = format!("hold 1 or {} tables", input.channels);
            let found = format!("holds {}", values.len());
            part.rule([1, input.channels].contains(&values.len()), "values", must, found)?;
            for (index, table) in values.iter().enumerate() {
                let field = format!("values[{index}]");
                let must = format!("hold {} values", 1 << bits);
                part.rule(table.len() == 1 << bits, &field, must, format_args!("holds {}", table.len()))?;
                let low = table.iter().copied().min().unwrap_or(0);
                let high = table.iter().copied().max().unwrap_or(0);
                holds(&field, (i64::from(low), i64::from(high)))?;
                if let Some(value) = table.iter().find(|value| !output.element.contains(i64::from(**value))) {
                    let must = format!("hold values of type {}", output.element);
                    return Err(part.broken(field, must, format_args!("holds {value}")));
                }
            }
            Ok(())
        }
        LayerKind::Concat => {
            let second = inputs[1];
            let agree = (input.height, input.width) == (second.height, second.width);
            let found = format!("have {} x {} and {} x {}", input.height, input.width, second.height, second.width);
            part.rule(agree, "inputs", "have as many rows and columns", found)?;
            output_is(input.height, input.width, input.channels.saturating_add(second.channels))?;
            for tensor in inputs {
                let found = format!("reads {}", tensor.element);
                let must = format!("read elements {}, those of the output", output.element);
                part.rule(tensor.element == output.element, "inputs", must, found)?;
                holds(&"inputs", (tensor.minimum, tensor.maximum))?;
            }
            Ok(())
        }
        LayerKind::Upsample { vertical, horizontal } => {
            part.rule(*vertical > 0 && *horizontal > 0, "upsample", "repeat at least once", "repeats 0 times")?;
            same_elements(part, input, output)?;
            output_is(input.height.saturating_mul(*vertical), input.width.saturating_mul(*horizontal), input.channels)
        }
        LayerKind::Reshape => {
            same_elements(part, input, output)?;
            let must = format!("have {} elements", input.elements());
            let found = format!("has [{}, {}, {}]", output.height, output.width, output.channels);
            part.rule(output.elements() == input.elements(), "output", must, found)
        }
        LayerKind::ArgMax => {
            let found = format!("has {}", input.vectors());
            part.rule(input.vectors() == 1, "input", "have 1 pixel", found)?;
            output_is(1, 1, 1)?;
            let last = input.channels as i64 - 1;
            let can_hold =
                |index: i64| output.element.contains(index) && (output.minimum..=output.maximum).contains(&index);
            part.rule(
                // With 0 and 1 among them, a type that contains the last index contains all.
                can_hold(0) && can_hold(last.min(1)) && can_hold(last),
                "output",
                format_args!("hold the indices 0 to {last}"),
                format_args!("holds {} in {} to {}", output.element, output.minimum, output.maximum),
            )
        }
    }
}

fn same_shape(part: Part, inputs: &[&TensorType]) -> Result<(), NetworkError> {
    let shape = |tensor: &TensorType| [tensor.height, tensor.width, tensor.channels];
    match inputs.iter().find(|tensor| shape(tensor) != shape(inputs[0])) {
        None => Ok(()),
        Some(other) => {
            let found = format!("have {:?} and {:?}", shape(inputs[0]), shape(other));
            Err(part.broken("inputs", "have the same shape", found))
        }
    }
}

fn same_elements(part: Part, input: &TensorType, output: &TensorType) -> Result<(), NetworkError> {
    let elements = |tensor: &TensorType| (tensor.element, tensor.minimum, tensor.maximum);
    let must = format!("have elements {} in {} to {}", input.element, input.minimum, input.maximum);
    let found = format!("has {} in {} to {}", output.element, output.minimum, output.maximum);
    part.rule(elements(input) == elements(output), "output", must, found)
}

/// Checks a window's numbers and gives the rows and columns of windows.
fn check_window(part: Part, window: &Window, input: &TensorType) -> Result<[usize; 2], NetworkError> {
    const LARGEST: usize = Window::LARGEST;
    let Window { kernel, stride, dilation, before, after } = window;
    for (field, pair, least) in [
        ("kernel", kernel, 1),
        ("stride", stride, 1),
        ("dilation", dilation, 1),
        ("before", before, 0),
        ("after", after, 0),
    ] {
        let holds = pair.iter().all(|number| (least..=LARGEST).contains(number));
        part.rule(holds, field, format_args!("be {least} to {LARGEST}"), format_args!("is {pair:?}"))?;
    }
    let [rows, columns] = window.output(input.height, input.width);
    let found = format!("is {window} on {} x {} pixels", input.height, input.width);
    part.rule(rows > 0 && columns > 0, "window", "fit into the padded image", found)?;
    Ok([rows, columns])
}

/// Checks that each window of a pool holds a position of the image, row and column by themselves.
fn check_pool_window(part: Part, window: &Window, input: &TensorType) -> Result<(), NetworkError> {
    let [rows, columns] = window.output(input.height, input.width);
    let holds = |axis: usize, windows: usize, extent: usize| {
        // A window that begins inside the image holds its first tap; none that begins behind it holds any. So only
        // those that begin before it, no more than there is padding, are looked at one by one.
        let begins_before = window.before[axis].div_ceil(window.stride[axis]).min(windows);
        let last = (windows - 1) * window.stride[axis];
        last < window.before[axis] + extent && (0..begins_before).all(|n| !window.inside(axis, n, extent).is_empty())
    };
    let holds = holds(0, rows, input.height) && holds(1, columns, input.width);
    part.rule(holds, "window", "hold a position of the image wherever it lies", format_args!("is {window}"))
}

/// Checks that an output can hold every integer of its range: ±1 leaves out 0.
fn check_whole(part: Part, output: &TensorType) -> Result<(), NetworkError> {
    let holds = output.element != ElementType::Bipolar;
    part.rule(holds, "output", "have elements that can be every integer of its range", "has bipolar")
}

fn check_weights(part: Part, weights: &WeightMatrix) -> Result<(), NetworkError> {
    let WeightMatrix { rows, columns, element, values } = weights;
    part.rule(*rows > 0, "rows", "be at least 1", "is 0")?;
    part.rule(*columns > 0, "columns", "be at least 1", "is 0")?;
    let holds = rows.checked_mul(*columns) == Some(values.len());
    let found = format!("holds {}", values.len());
    part.rule(holds, "codes", format_args!("hold {rows} x {columns} weights"), found)?;
    let has_sign = !matches!(element, ElementType::Unsigned { .. });
    part.element(*element, if has_sign { WeightMatrix::WIDEST } else { WeightMatrix::WIDEST - 1 })?;
    match values.iter().position(|weight| !element.contains(i64::from(*weight))) {
        None => Ok(()),
        Some(index) => Err(part.broken(
            format_args!("codes[{}]", index / columns),
            format_args!("hold weights of type {element}"),
            format_args!("holds {}", values[index]),
        )),
    }
}

/// The least and the greatest dot product of one row of weights with elements of the range.
fn range_of_sums(row: &[i16], (minimum, maximum): (i64, i64)) -> (i64, i64) {
    let (low, high) = row.iter().fold((0, 0), |(low, high), weight| {
        let (a, b) = (i64::from(*weight) * minimum, i64::from(*weight) * maximum);
        (low + i128::from(a.min(b)), high + i128::from(a.max(b)))
    });
    // What does not fit 64 bits is beyond every tensor's range just as well as the end of 64 bits.
    let clamped = |sum: i128| sum.clamp(i64::MIN.into(), i64::MAX.into()) as i64;
    (clamped(low), clamped(high))
}
