//! Words with their used lanes, and the vectors in them.

use abi::ElementType;
use miette::Diagnostic;
use thiserror::Error;

/// The words of one image on a stream, without the bits: the elements in the first lanes of each, and how many those are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    lanes: usize,
    /// `lanes` places a word; those of unused lanes hold 0.
    elements: Vec<i32>,
    /// For each word the lanes that its writer filled.
    used: Vec<usize>,
}

/// A stage that does not find its vectors in its words.
#[derive(Clone, Debug, PartialEq, Eq, Error, Diagnostic)]
#[error(
    "word {word} at stage `{stage}` must hold {expected} elements of a vector, but its writer filled {found} lanes"
)]
#[diagnostic(
    code(compiler::values::words),
    help("this is a fault of xnorforge: please report it with the model and the folding")
)]
pub struct WordsError {
    /// The stage that reads.
    pub stage: String,
    /// The word, by number in the image.
    pub word: usize,
    /// Elements that the stage's layer has there; 0 behind its last word.
    pub expected: usize,
    /// Lanes that the writer filled; 0 where there is no such word.
    pub found: usize,
}

impl Words {
    /// No words, of `lanes` lanes each.
    pub(super) fn empty(lanes: usize) -> Self {
        Words { lanes, ..Words::default() }
    }

    /// `elements` as vectors of `channels`, each in words of its own, with the bits that `element` has.
    pub(super) fn write(elements: &[i32], channels: usize, lanes: usize, element: ElementType) -> Self {
        let mut words = Words::empty(lanes);
        for chunk in elements.chunks(channels).flat_map(|vector| vector.chunks(lanes)) {
            words.push(chunk.iter().map(|value| element.decode(element.encode(i64::from(*value))) as i32));
        }
        words
    }

    /// Adds a word with the given elements.
    pub(super) fn push(&mut self, elements: impl Iterator<Item = i32>) {
        let first = self.elements.len();
        self.elements.extend(elements);
        self.used.push(self.elements.len() - first);
        self.elements.resize(first + self.lanes, 0);
    }

    /// Adds word number `word` of `other`.
    pub(super) fn push_word(&mut self, other: &Words, word: usize) {
        self.push(other.word(word).iter().copied());
    }

    /// Elements of a word.
    pub fn lanes(&self) -> usize {
        self.lanes
    }

    /// Number of words.
    pub fn len(&self) -> usize {
        self.used.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.used.is_empty()
    }

    /// The elements of word number `word`.
    pub fn word(&self, word: usize) -> &[i32] {
        &self.elements[word * self.lanes..][..self.used[word]]
    }

    /// The elements of all words, in order.
    pub fn elements(&self) -> impl Iterator<Item = i32> {
        (0..self.len()).flat_map(|word| self.word(word).iter().copied())
    }
}

/// Takes vectors of a layer from words, and checks that each begins a word and fills it as far as it goes.
pub(super) struct Reader<'a> {
    stage: &'a str,
    words: &'a Words,
    channels: usize,
    next: usize,
}

impl<'a> Reader<'a> {
    /// Vectors of `channels` elements in the words at `stage`.
    pub fn new(stage: &'a str, words: &'a Words, channels: usize) -> Self {
        Reader { stage, words, channels, next: 0 }
    }

    /// Appends the next vector to `elements`.
    pub fn vector(&mut self, elements: &mut Vec<i32>) -> Result<(), WordsError> {
        let mut left = self.channels;
        while left > 0 {
            let expected = left.min(self.words.lanes);
            elements.extend_from_slice(self.word(expected)?);
            left -= expected;
        }
        Ok(())
    }

    /// The next word, which must hold `expected` elements.
    pub fn word(&mut self, expected: usize) -> Result<&'a [i32], WordsError> {
        let found = self.words.used.get(self.next).copied().unwrap_or(0);
        if found != expected {
            return Err(WordsError { stage: self.stage.to_owned(), word: self.next, expected, found });
        }
        self.next += 1;
        Ok(self.words.word(self.next - 1))
    }

    /// The next word, however many elements it holds.
    pub fn any_word(&mut self) -> Result<&'a [i32], WordsError> {
        self.word(self.words.used.get(self.next).copied().unwrap_or(1))
    }

    /// The elements of all words, which must be so many vectors.
    pub fn all(mut self, vectors: usize) -> Result<Vec<i32>, WordsError> {
        let mut elements = Vec::with_capacity(self.words.elements.len());
        for _ in 0..vectors {
            self.vector(&mut elements)?;
        }
        self.end()?;
        Ok(elements)
    }

    /// Checks that no words are left.
    pub fn end(self) -> Result<(), WordsError> {
        match self.words.used.get(self.next) {
            None => Ok(()),
            Some(found) => {
                Err(WordsError { stage: self.stage.to_owned(), word: self.next, expected: 0, found: *found })
            }
        }
    }
}
