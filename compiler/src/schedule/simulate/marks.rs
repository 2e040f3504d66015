//! A set of small numbers that is walked in order while it grows.

/// Which of the numbers below a bound are in the set.
#[derive(Clone, Debug)]
pub struct Marks {
    words: Vec<u64>,
}

impl Marks {
    /// None of the numbers below `bound`.
    pub fn new(bound: usize) -> Self {
        Marks { words: vec![0; bound.div_ceil(64)] }
    }

    /// Adds a number.
    pub fn insert(&mut self, number: usize) {
        self.words[number / 64] |= 1 << (number % 64);
    }

    /// Takes all out.
    pub fn clear(&mut self) {
        self.words.fill(0);
    }

    /// The least number from `least` on.
    pub fn first_from(&self, least: usize) -> Option<usize> {
        let at = least / 64;
        let head = self.words.get(at)? & (u64::MAX << (least % 64));
        if head != 0 {
            return Some(at * 64 + head.trailing_zeros() as usize);
        }
        let behind = self.words[at + 1..].iter().position(|word| *word != 0)?;
        let at = at + 1 + behind;
        Some(at * 64 + self.words[at].trailing_zeros() as usize)
    }

    /// The greatest number below `bound`.
    pub fn last_before(&self, bound: usize) -> Option<usize> {
        let at = bound / 64;
        let tail = self.words.get(at).map_or(0, |word| word & !(u64::MAX << (bound % 64)));
        if tail != 0 {
            return Some(at * 64 + 63 - tail.leading_zeros() as usize);
        }
        let at = self.words[..at.min(self.words.len())].iter().rposition(|word| *word != 0)?;
        Some(at * 64 + 63 - self.words[at].leading_zeros() as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::Marks;

    #[test]
    fn numbers_are_found_in_both_directions() {
        let mut marks = Marks::new(200);
        let numbers = [0, 5, 63, 64, 130, 199];
        numbers.iter().for_each(|number| marks.insert(*number));
        let up: Vec<usize> =
            std::iter::successors(marks.first_from(0), |number| marks.first_from(number + 1)).collect();
        let mut down: Vec<usize> =
            std::iter::successors(marks.last_before(200), |number| marks.last_before(*number)).collect();
        down.reverse();
        assert_eq!((up.as_slice(), down.as_slice()), (&numbers[..], &numbers[..]));
        marks.clear();
        assert_eq!((marks.first_from(0), marks.last_before(200)), (None, None));
    }
}
