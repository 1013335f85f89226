//! Tells a person what is being done, and for how long: installing Temporal takes minutes the first time.

use std::fmt;
use std::io::IsTerminal;
use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How often a step says that it is still at work where there is no terminal to draw a spinner on.
const REMINDER: Duration = Duration::from_secs(15);

/// Where progress goes.
#[derive(Clone, Default)]
pub enum Progress {
    /// Nowhere.
    #[default]
    Silent,
    /// One call per line: when a step begins, every 15 s while it lasts, and when it ends.
    Lines(Arc<dyn Fn(&str) + Send + Sync>),
    /// A spinner per step.
    Spinners(MultiProgress),
}

impl fmt::Debug for Progress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Silent => "Silent",
            Self::Lines(_) => "Lines",
            Self::Spinners(_) => "Spinners",
        })
    }
}

impl Progress {
    /// Spinners on standard error when it is a terminal, lines when it is not.
    pub fn on_stderr() -> Self {
        if std::io::stderr().is_terminal() {
            Self::Spinners(MultiProgress::new())
        } else {
            Self::Lines(Arc::new(|line| eprintln!("{line}")))
        }
    }

    /// Says one line that stays on the screen.
    pub fn say(&self, line: &str) {
        match self {
            Self::Silent => {}
            Self::Lines(print) => print(line),
            // A spinner area that is hidden prints nothing: nobody would see it anyway.
            Self::Spinners(bars) => drop(bars.println(line)),
        }
    }

    /// Begins a step that lasts until the returned guard is dropped. Must run inside a tokio runtime.
    pub fn step(&self, what: impl Into<String>) -> Step {
        let what = what.into();
        Step(match self {
            Self::Silent => Shown::Not,
            Self::Lines(print) => {
                print(&format!("{what} ..."));
                let (detail, details) = watch::channel(String::new());
                Shown::Reminder(tokio::spawn(remind(print.clone(), what, details, REMINDER)), detail)
            }
            Self::Spinners(bars) => Shown::Spinner(spinner(bars, what.clone()), what),
        })
    }
}

/// A step at work; it ends when this is dropped.
#[derive(Debug)]
pub struct Step(Shown);

#[derive(Debug)]
enum Shown {
    Not,
    /// By the task that repeats the line, with how far it is.
    Reminder(JoinHandle<()>, watch::Sender<String>),
    /// With what it says.
    Spinner(ProgressBar, String),
}

impl Step {
    /// Says how far it is.
    pub fn detail(&self, detail: impl Into<String>) {
        match &self.0 {
            Shown::Not => {}
            Shown::Reminder(_, details) => drop(details.send_replace(detail.into())),
            Shown::Spinner(bar, what) => bar.set_message(format!("{what}: {}", detail.into())),
        }
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        match &self.0 {
            Shown::Not => {}
            Shown::Reminder(reminder, _) => reminder.abort(),
            Shown::Spinner(bar, _) => bar.finish_and_clear(),
        }
    }
}

async fn remind(print: Arc<dyn Fn(&str) + Send + Sync>, what: String, details: watch::Receiver<String>, every: Duration) {
    let begun = Instant::now();
    loop {
        tokio::time::sleep(every).await;
        let detail = details.borrow().clone();
        let detail = if detail.is_empty() { detail } else { format!(", {detail}") };
        print(&format!("{what} ... {} s so far{detail}", begun.elapsed().as_secs()));
    }
}

fn spinner(bars: &MultiProgress, what: String) -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})").unwrap_or_else(|_| ProgressStyle::default_spinner());
    let bar = bars.add(ProgressBar::new_spinner().with_style(style).with_message(what));
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_step_says_that_it_began_and_that_it_is_still_at_work() {
        let (sender, mut lines) = mpsc::unbounded_channel();
        let print: Arc<dyn Fn(&str) + Send + Sync> = Arc::new(move |line| drop(sender.send(line.to_owned())));
        let step = Progress::Lines(print.clone()).step("Compiling");
        assert_eq!(lines.recv().await.as_deref(), Some("Compiling ..."));
        drop(step);
        let (detail, details) = watch::channel(String::new());
        let reminder = tokio::spawn(remind(print, "Compiling".into(), details, Duration::from_millis(1)));
        assert_eq!(lines.recv().await.as_deref(), Some("Compiling ... 0 s so far"));
        drop(detail.send_replace("7 packages".into()));
        while lines.recv().await.as_deref() != Some("Compiling ... 0 s so far, 7 packages") {}
        reminder.abort();
    }
}
