//! What a person who looks on learns while a verb works.

use crate::failure::print;
use flow::artifacts::OtherVersion;
use indicatif::{ProgressBar, ProgressStyle};
use std::cell::RefCell;
use std::sync::Arc;
use verbs::{Observer, OutsideDomain, Progress};

/// Warnings, and a bar while images run, on standard error.
#[derive(Debug, Default)]
pub struct Screen {
    bar: RefCell<Option<ProgressBar>>,
}

impl Observer for Screen {
    fn run_begins(&self, images: usize) -> Option<Progress> {
        let bar = ProgressBar::new(images as u64);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} images, {elapsed}") {
            bar.set_style(style);
        }
        *self.bar.borrow_mut() = Some(bar.clone());
        Some(Arc::new(move |done| bar.set_position(done as u64)))
    }

    fn run_ends(&self) {
        if let Some(bar) = self.bar.borrow_mut().take() {
            bar.finish_and_clear();
        }
    }

    fn other_version(&self, note: &OtherVersion) {
        print(note);
    }

    fn warn(&self, warning: OutsideDomain) {
        print(&warning);
    }
}
