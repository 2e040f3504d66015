//! Small damage to a JSON value, drawn from a seeded generator.

use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Words that mean something somewhere in the files, so that one in another's place may still parse.
const WORDS: &[&str] = &[
    "arg_max",
    "bipolar",
    "index",
    "matrix_vector",
    "matrix_vector_unit",
    "multi_threshold",
    "none",
    "signed",
    "unsigned",
    "width_converter",
    "../../etc/passwd",
    "",
];

/// Damages one place of `value` and says what was done.
///
/// Every field is as likely as any other, however often it occurs: most of the files are weights and thresholds.
pub fn mutate(value: &mut Value, random: &mut ChaCha8Rng) -> String {
    let mut places = BTreeMap::new();
    collect(value, String::new(), String::new(), &mut places);
    let fields: Vec<&Vec<String>> = places.values().collect();
    let place = fields.choose(random).and_then(|places| places.choose(random)).unwrap();
    let at = value.pointer_mut(place).unwrap();
    let before = at.to_string();
    *at = match at.take() {
        Value::Number(number) => number_near(&json!(number), random),
        Value::String(text) => text_near(&text, random),
        Value::Array(values) => array_near(values, random),
        Value::Object(fields) => object_near(fields, random),
        Value::Null | Value::Bool(_) => json!(random.random_range(-1..3)),
    };
    let short = |text: &str| text.chars().take(60).collect::<String>();
    format!("{place}: {} -> {}", short(&before), short(&at.to_string()))
}

/// Collects the pointers of everything in `value`, by the names of the fields that lead there.
fn collect(value: &Value, field: String, place: String, places: &mut BTreeMap<String, Vec<String>>) {
    match value {
        Value::Array(values) => values.iter().enumerate().for_each(|(index, value)| {
            collect(value, format!("{field}/*"), format!("{place}/{index}"), places);
        }),
        Value::Object(fields) => fields.iter().for_each(|(key, value)| {
            let escaped = key.replace('~', "~0").replace('/', "~1");
            collect(value, format!("{field}/{escaped}"), format!("{place}/{escaped}"), places);
        }),
        _ => {}
    }
    places.entry(field).or_default().push(place);
}

fn number_near(number: &Value, random: &mut ChaCha8Rng) -> Value {
    let whole = number.as_i64();
    let near = |difference: i64| match whole {
        Some(whole) => json!(whole.saturating_add(difference)),
        None => json!(number.as_f64().unwrap_or(0.0) + difference as f64),
    };
    match random.random_range(0..16) {
        0 => json!(0),
        1 => json!(-1),
        2 => json!(1),
        3 => json!(2),
        4 | 5 => near(1),
        6 | 7 => near(-1),
        8 => json!(u64::MAX),
        9 => json!(i64::MAX),
        10 => json!(i64::MIN),
        11 => json!(1_u64 << random.random_range(5..64)),
        12 => json!(1e300),
        13 => json!(random.random_range(0..100)),
        14 => json!(whole.map_or(0.5, |whole| whole as f64 + 0.5)),
        _ => Value::Null,
    }
}

fn text_near(text: &str, random: &mut ChaCha8Rng) -> Value {
    let half: String = text.chars().take(text.chars().count() / 2).collect();
    match random.random_range(0..6) {
        0 => Value::Null,
        1 => json!(half),
        2 => json!(format!("{text}{text}")),
        3 => json!(text.replacen(|_: char| true, ["0", "g", "é"].choose(random).unwrap(), 1)),
        _ => json!(WORDS.choose(random).unwrap()),
    }
}

fn array_near(mut values: Vec<Value>, random: &mut ChaCha8Rng) -> Value {
    if values.is_empty() {
        let more = random.random_range(1..80);
        return Value::Array((0..more).map(|_| json!(random.random_range(0..more))).collect());
    }
    let (one, other) = (random.random_range(0..values.len()), random.random_range(0..values.len()));
    match random.random_range(0..6) {
        0 | 1 => {
            values.remove(one);
        }
        2 | 3 => values.insert(other, values[one].clone()),
        4 => values.swap(one, other),
        _ => values.clear(),
    }
    Value::Array(values)
}

fn object_near(mut fields: Map<String, Value>, random: &mut ChaCha8Rng) -> Value {
    let keys: Vec<String> = fields.keys().cloned().collect();
    let (Some(one), Some(other)) = (keys.choose(random), keys.choose(random)) else { return Value::Null };
    match random.random_range(0..5) {
        0 => {
            fields.remove(one);
        }
        1 => {
            let value = fields[other].clone();
            fields.insert(one.clone(), value);
        }
        2 => return Value::Null,
        // Another variant of an enumeration with the same contents.
        3 => {
            let value = fields.remove(one).unwrap_or_default();
            fields.insert((*WORDS.choose(random).unwrap()).to_owned(), value);
        }
        _ => return json!(WORDS.choose(random).unwrap()),
    }
    Value::Object(fields)
}
