//! What the house logs, searched as it is written: a line with a word that must not be there is kept, and fails the test that asks.

use std::{
    io::{self, Write},
    sync::{Mutex, PoisonError},
};

use tracing_subscriber::{EnvFilter, Layer, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// Everything that ours says, and what the libraries say at the level that an operator turns on to find something out.
const SEARCHED: &str = "info,sqlx=debug,oms=trace,oms_activities=trace,oms_api=trace,oms_server=trace,oms_starter=trace,oms_store=trace,oms_worker=trace,\
                        oms_workflows=trace";

/// Any of these marks a line: words that one test uses and nothing else does.
pub const MARKS: [&str; 4] = ["quux", "Quux", "anthippe", "zorble"];

static FOUND: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Prints what `RUST_LOG` asks for, and searches all of it.
pub fn start() {
    let printed = fmt::layer().with_writer(io::stderr).with_filter(EnvFilter::from_default_env());
    let searched = fmt::layer().with_ansi(false).with_writer(|| Search).with_filter(EnvFilter::new(SEARCHED));
    tracing_subscriber::registry().with(printed).with(searched).init();
}

/// The marked lines so far.
pub fn marked() -> Vec<String> {
    FOUND.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Gets each line whole.
struct Search;

impl Write for Search {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        if MARKS.iter().any(|mark| text.contains(mark)) {
            FOUND.lock().unwrap_or_else(PoisonError::into_inner).push(text.into_owned());
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
