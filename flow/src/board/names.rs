//! Names that were meant.

/// Most names that are offered.
const MOST: usize = 3;

/// Those of the `known` names that `name` nearly is: the same but for case and separators, a part of one, or a few letters
/// away; the nearest first.
pub(super) fn near(name: &str, known: &[String]) -> Vec<String> {
    let plain = |name: &str| name.chars().filter(|c| c.is_alphanumeric()).map(|c| c.to_ascii_lowercase()).collect();
    let asked: Vec<char> = plain(name);
    let distance = |known: &String| {
        let known: Vec<char> = plain(known);
        let is_part = asked.len() >= 3 && known.windows(asked.len()).any(|part| part == asked);
        let letters = letters_between(&asked, &known);
        match is_part {
            true => Some(letters.min(1)),
            false => Some(letters).filter(|letters| *letters <= known.len() / 4),
        }
    };
    let mut near: Vec<(usize, &String)> =
        known.iter().filter_map(|known| distance(known).map(|distance| (distance, known))).collect();
    near.sort();
    let least = near.first().map_or(0, |(distance, _)| *distance);
    near.into_iter().filter(|(distance, _)| *distance == least).take(MOST).map(|(_, known)| known.clone()).collect()
}

/// Letters to insert, remove or replace (Levenshtein's distance).
fn letters_between(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (index, from) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nearly_a_name_is_found() {
        let known = ["arty-a7-100t", "icebreaker", "ulx3s-12f", "ulx3s-45f", "ulx3s-85f"].map(str::to_owned);
        for (name, meant) in [
            ("ulx3s-85", &["ulx3s-85f"][..]),
            ("ULX3S_85F", &["ulx3s-85f"]),
            ("ulx3-85f", &["ulx3s-85f"]),
            ("ulx3s", &["ulx3s-12f", "ulx3s-45f", "ulx3s-85f"]),
            ("ice-braeker", &["icebreaker"]),
            ("arty", &["arty-a7-100t"]),
            ("pynq-z1", &[]),
            ("", &[]),
        ] {
            assert_eq!(near(name, &known), meant, "{name}");
        }
    }
}
