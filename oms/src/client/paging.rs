//! How much of a list is shown.

use clap::Args;

/// A list is cut, and says so, unless all of it is asked for.
#[derive(Debug, Args)]
pub struct Paging {
    /// Most to list.
    #[arg(long, default_value_t = 50, value_name = "N")]
    limit: usize,
    /// List everything there is.
    #[arg(long, conflicts_with = "limit")]
    all: bool,
}

impl Paging {
    pub fn at_most(&self) -> usize {
        if self.all { usize::MAX } else { self.limit }
    }
}
