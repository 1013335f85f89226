//! How far a step is: a bar on a terminal, nothing elsewhere.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar of so many steps, gone when it is dropped.
pub struct Bar(ProgressBar);

impl Bar {
    pub fn of(len: usize, what: &'static str) -> Self {
        let template = "{bar:32.green} {pos}/{len} {msg}  {elapsed}";
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        Self(ProgressBar::new(len as u64).with_style(style).with_message(what))
    }

    pub fn step(&self) {
        self.0.inc(1);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
