//! `--watch`: the same look again and again.

use std::{
    io::{IsTerminal, stdout},
    time::Duration,
};

use anyhow::{Error, Result};
use clap::Args;
use oms_domain::error::ErrorCode;

use crate::{exit, output, style};

/// Whether something is looked at once, or again and again.
#[derive(Debug, Args)]
pub struct Watch {
    /// Look again and again, until nothing can change any more or Ctrl-C stops it.
    #[arg(short, long)]
    watch: bool,
    /// How often.
    #[arg(long, default_value_t = 2, value_name = "SECONDS", requires = "watch", value_parser = clap::value_parser!(u64).range(1..=3_600))]
    every: u64,
}

/// What there is to see.
pub struct Look {
    pub text: String,
    /// It stays as it is.
    pub is_over: bool,
}

impl Look {
    /// Of what may change for ever.
    pub fn on(text: Result<String>) -> Result<Self> {
        Ok(Self { text: text?, is_over: false })
    }
}

/// From the top of an empty screen.
const CLEAR: &str = "\x1b[2J\x1b[H";

impl Watch {
    /// None: once is enough.
    pub fn again(&self) -> Option<&Self> {
        self.watch.then_some(self)
    }

    /// Shows what each look finds. A screen is drawn anew; anything else gets what has changed. A server that is away for a while is asked
    /// again, once it has answered.
    pub async fn show(&self, mut look: impl AsyncFnMut() -> Result<Look>) -> Result<()> {
        let mut shown: Option<String> = None;
        loop {
            match look().await {
                Ok(Look { text, is_over }) => {
                    if shown.as_ref() != Some(&text) {
                        let before = if self.watch && stdout().is_terminal() { CLEAR } else { "" };
                        output::line(&format!("{before}{text}"))?;
                    }
                    if is_over || !self.watch {
                        return Ok(());
                    }
                    shown = Some(text);
                }
                Err(error) if shown.is_some() && passes(&error) => anstream::eprintln!("{}", style::faint(&format!("{error:#}"))),
                Err(error) => return Err(error),
            }
            tokio::time::sleep(Duration::from_secs(self.every)).await;
        }
    }
}

/// Whether it may go away by itself.
pub fn passes(error: &Error) -> bool {
    matches!(exit::code(error), Some(ErrorCode::Unavailable | ErrorCode::TimedOut | ErrorCode::TooManyRequests))
}
