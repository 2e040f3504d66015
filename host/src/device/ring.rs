//! Images through the two rings of a device, as [`abi::registers`] describes them: which access may come next, and what
//! one that is done means. No access is made here.
//!
//! Words of images are counted through the whole stream: image `n` has the words from `n * words` on, and word `p` lies at
//! place `p` modulo the ring's size, behind the place where the stream begins. Several accesses may be under way, in any
//! order of effect. So images count as uploaded when all their words have arrived, are submitted when all before them are
//! uploaded, and their answers count when, after all their words were read, the device still holds the host's session:
//! then nobody has reset it between.

use super::DeviceError;
use super::wait::{Limits, Pauses, Wait};
use crate::bus::Access;
use abi::registers::{INPUT_WINDOW, OUTPUT_WINDOW, Register};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// What a ring needs to know of its device.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    pub(super) slots: usize,
    pub(super) input_words: usize,
    pub(super) output_words: usize,
    /// Images since the last reset.
    pub(super) images_before: u32,
    pub(super) session: u32,
    /// How long to wait for an image.
    pub(super) limits: Limits,
}

/// The state of a stream of images.
#[derive(Debug)]
pub(super) struct Ring {
    facts: Facts,
    /// Images that are worth an access to a register.
    batch: usize,
    /// Most words of an upload: the ring must hold several, on their way, in work and on their way back.
    most_words: usize,
    /// Words of images taken from the source and not yet under way.
    words: VecDeque<u32>,
    /// Images taken from the source.
    taken: usize,
    /// Whether the source has no more.
    is_exhausted: bool,
    /// Words put under way.
    sent_words: usize,
    uploaded: Progress,
    submitted: usize,
    submitting: Option<usize>,
    completed: usize,
    /// Whether images have been submitted since the device was last asked.
    is_curious: bool,
    is_asking: bool,
    /// While no image is completed, though some are submitted.
    wait: Option<Wait>,
    /// Whether the device's clock is to be looked at, and whether that is under way.
    is_timing: bool,
    is_timing_under_way: bool,
    /// Words asked for.
    asked_words: usize,
    downloaded: Progress,
    /// Answers from the first unverified one on.
    answers: VecDeque<u32>,
    verified: usize,
    verifying: Option<usize>,
    /// Whether the session must be looked at though there is no answer.
    is_in_doubt: bool,
    under_way: usize,
    /// When images that are not verified were put under way.
    begun: VecDeque<Instant>,
}

impl Ring {
    pub(super) fn new(facts: Facts) -> Self {
        let ring_words = facts.slots * facts.input_words;
        Ring {
            facts,
            batch: (facts.slots / 3).max(1),
            most_words: (ring_words / 4).max(64),
            words: VecDeque::new(),
            taken: 0,
            is_exhausted: false,
            sent_words: 0,
            uploaded: Progress::new(facts.input_words),
            submitted: 0,
            submitting: None,
            completed: 0,
            is_curious: false,
            is_asking: false,
            wait: None,
            is_timing: false,
            is_timing_under_way: false,
            asked_words: 0,
            downloaded: Progress::new(facts.output_words),
            answers: VecDeque::new(),
            verified: 0,
            verifying: None,
            is_in_doubt: false,
            under_way: 0,
            begun: VecDeque::new(),
        }
    }

    /// The pauses that have been made for the next image, where it is waited for.
    pub(super) fn pauses(&mut self) -> Option<&mut Pauses> {
        self.wait.as_mut().map(|wait| &mut wait.pauses)
    }

    /// Images taken from the source.
    pub(super) fn taken(&self) -> usize {
        self.taken
    }

    /// Images submitted.
    pub(super) fn submitted(&self) -> usize {
        self.submitted
    }

    /// Whether accesses are under way.
    pub(super) fn is_under_way(&self) -> bool {
        self.under_way > 0
    }

    /// Whether every image taken is answered, and no more will be.
    pub(super) fn is_finished(&self) -> bool {
        self.is_exhausted && self.verified == self.taken && self.under_way == 0
    }

    /// Whether another image would be put under way soon.
    pub(super) fn wants_image(&self) -> bool {
        !self.is_exhausted && self.taken < self.completed + self.facts.slots && self.words.len() < self.most_words
    }

    /// Takes the words of the next image.
    pub(super) fn push(&mut self, words: &[u32]) {
        self.taken += 1;
        self.words.extend(words);
    }

    /// No more images come.
    pub(super) fn exhaust(&mut self) {
        self.is_exhausted = true;
    }

    /// The next access, of at most `room` words; `None` where one must be done first, or time must pass.
    pub(super) fn next(&mut self, room: usize) -> Option<Access> {
        let access = self
            .submit()
            .or_else(|| self.download(room))
            .or_else(|| self.verify())
            .or_else(|| self.time())
            .or_else(|| if self.is_curious { self.ask() } else { None })
            .or_else(|| self.upload(room))
            .or_else(|| self.ask());
        self.under_way += usize::from(access.is_some());
        access
    }

    fn submit(&mut self) -> Option<Access> {
        let ready = self.uploaded.images.min(self.downloaded.images + self.facts.slots);
        let is_worth_it = ready >= self.submitted + self.batch || !self.can_upload();
        if self.submitting.is_some() || ready == self.submitted || !is_worth_it {
            return None;
        }
        self.submitting = Some(ready);
        let count = self.facts.images_before + ready as u32;
        Some(Access::Write { address: Register::Submitted.address(), words: vec![count] })
    }

    /// Whether uploads are under way or can be.
    fn can_upload(&self) -> bool {
        let sent = self.sent_words > self.uploaded.words();
        let free = self.completed + self.facts.slots > self.sent_words.div_ceil(self.facts.input_words);
        sent || (free && (!self.words.is_empty() || !self.is_exhausted))
    }

    fn upload(&mut self, room: usize) -> Option<Access> {
        let most = room.min(self.most_words);
        let free = (self.completed + self.facts.slots) * self.facts.input_words - self.sent_words;
        let count = most.min(free).min(self.words.len());
        // A short upload costs as much as a long one beside its words.
        if count == 0 || (count < most / 2 && !self.is_exhausted && self.under_way > 0) {
            return None;
        }
        let (place, count) = self.place(self.sent_words, count, self.facts.input_words);
        for _ in
            self.sent_words.div_ceil(self.facts.input_words)..(self.sent_words + count).div_ceil(self.facts.input_words)
        {
            self.begun.push_back(Instant::now());
        }
        self.sent_words += count;
        let words = self.words.drain(..count).collect();
        Some(Access::Write { address: INPUT_WINDOW + 4 * place as u32, words })
    }

    fn ask(&mut self) -> Option<Access> {
        let is_looking = self.verifying.is_some() || self.is_timing_under_way;
        if self.is_asking || (self.wait.is_some() && is_looking) || self.submitted == self.completed {
            return None;
        }
        (self.is_asking, self.is_curious) = (true, false);
        Some(Access::read(Register::Completed.address(), 1))
    }

    /// Looks at the device's clock.
    fn time(&mut self) -> Option<Access> {
        if !std::mem::take(&mut self.is_timing) {
            return None;
        }
        self.is_timing_under_way = true;
        Some(Access::read(Register::Cycles.address(), 1))
    }

    fn download(&mut self, room: usize) -> Option<Access> {
        let count = (self.completed * self.facts.output_words - self.asked_words).min(room);
        if count == 0 {
            return None;
        }
        let (place, count) = self.place(self.asked_words, count, self.facts.output_words);
        self.asked_words += count;
        Some(Access::read(OUTPUT_WINDOW + 4 * place as u32, count))
    }

    fn verify(&mut self) -> Option<Access> {
        let has_answers = self.downloaded.images > self.verified && self.downloaded.words() == self.asked_words;
        if self.verifying.is_some() || !(has_answers || self.is_in_doubt) {
            return None;
        }
        self.is_in_doubt = false;
        self.verifying = Some(self.downloaded.images);
        Some(Access::read(Register::Session.address(), 1))
    }

    /// The place of word `word` in a ring of images of `words` words, and how many of `count` lie there without a gap.
    fn place(&self, word: usize, count: usize, words: usize) -> (usize, usize) {
        let size = self.facts.slots * words;
        let place = (self.facts.images_before as usize % self.facts.slots * words + word) % size;
        (place, count.min(size - place))
    }

    /// The number of the word that lies at `place`, which is not before `first`.
    fn word_at(&self, place: usize, first: usize, words: usize) -> usize {
        let size = self.facts.slots * words;
        first + (place + size - self.place(first, 1, words).0) % size
    }

    /// Takes an access that is done.
    pub(super) fn done(&mut self, access: &Access) -> Result<(), DeviceError> {
        self.under_way -= 1;
        let (address, words) = (access.address(), access.words());
        match access {
            Access::Write { .. } if address >= INPUT_WINDOW => {
                let place = (address - INPUT_WINDOW) as usize / 4;
                let first = self.word_at(place, self.uploaded.words(), self.facts.input_words);
                self.uploaded.add(first, words.len());
            }
            Access::Write { .. } => {
                self.submitted = self.submitting.take().unwrap_or(self.submitted);
                self.is_curious = true;
            }
            Access::Read { .. } if address >= OUTPUT_WINDOW => {
                let place = (address - OUTPUT_WINDOW) as usize / 4;
                let first = self.word_at(place, self.downloaded.words(), self.facts.output_words);
                self.downloaded.add(first, words.len());
                let index = first - self.verified * self.facts.output_words;
                self.answers.resize(self.answers.len().max(index + words.len()), 0);
                self.answers.iter_mut().skip(index).zip(words).for_each(|(place, word)| *place = *word);
            }
            Access::Read { .. } if address == Register::Session.address() => {
                let (expected, found) = (self.facts.session, words[0]);
                if found != expected {
                    return Err(DeviceError::ForeignReset { expected, found });
                }
            }
            Access::Read { .. } if address == Register::Cycles.address() => {
                self.is_timing_under_way = false;
                if let Some(wait) = &mut self.wait {
                    wait.take(words[0], &self.facts.limits, (self.submitted, self.completed))?;
                }
            }
            Access::Read { .. } => self.told(words[0])?,
        }
        Ok(())
    }

    /// Answers that are known to be right: their words and how long each took.
    pub(super) fn verified(&mut self, access: &Access) -> Vec<(Vec<u32>, Duration)> {
        if access.address() != Register::Session.address() {
            return Vec::new();
        }
        let until = self.verifying.take().unwrap_or(self.verified);
        let count = until - self.verified;
        self.verified = until;
        let mut answer = || {
            let words = self.answers.drain(..self.facts.output_words).collect();
            (words, self.begun.pop_front().map_or(Duration::ZERO, |begun| begun.elapsed()))
        };
        (0..count).map(|_| answer()).collect()
    }

    /// Takes the number of images completed since the reset.
    fn told(&mut self, found: u32) -> Result<(), DeviceError> {
        self.is_asking = false;
        let before = self.facts.images_before;
        let most = self.submitting.unwrap_or(self.submitted);
        let (least, most) = (before + self.completed as u32, before + most as u32);
        if !(least..=most).contains(&found) {
            return Err(DeviceError::OutOfStep { register: Register::Completed.name(), least, most, found });
        }
        if found > least {
            self.completed = (found - before) as usize;
            self.wait = None;
            return Ok(());
        }
        self.wait.get_or_insert_default();
        // A device that was reset would never complete them, nor one whose clock stands still.
        (self.is_in_doubt, self.is_timing) = (true, true);
        Ok(())
    }
}

/// How far images have moved whose words may arrive in any order.
#[derive(Debug)]
struct Progress {
    words_per_image: usize,
    /// Images of which all words have arrived, and of all before them.
    images: usize,
    /// Words up to which all have arrived.
    whole: usize,
    /// Rows of words that have arrived beyond: first word and number.
    beyond: Vec<(usize, usize)>,
}

impl Progress {
    fn new(words_per_image: usize) -> Self {
        Progress { words_per_image, images: 0, whole: 0, beyond: Vec::new() }
    }

    /// Words up to which all have arrived.
    fn words(&self) -> usize {
        self.whole
    }

    /// `count` words from `first` on have arrived.
    fn add(&mut self, first: usize, count: usize) {
        self.beyond.push((first, count));
        while let Some(index) = self.beyond.iter().position(|(first, _)| *first == self.whole) {
            self.whole += self.beyond.swap_remove(index).1;
        }
        self.images = self.whole / self.words_per_image;
    }
}
