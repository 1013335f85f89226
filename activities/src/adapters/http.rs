//! What both HTTP adapters share: a client with limits, and which failures had certainly no effect.

use std::time::Duration;

use crate::ports::PortError;

/// Under the activities' own limit, so that a timeout is ours to interpret.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
const CONNECT_WITHIN: Duration = Duration::from_secs(3);

/// A client for one system outside; connections are kept and shared.
pub fn http_client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder().timeout(ANSWER_WITHIN).connect_timeout(CONNECT_WITHIN).pool_max_idle_per_host(32).build()
}

/// A call that failed before it reached the other side changed nothing there.
pub(super) fn not_sent(error: &reqwest::Error) -> bool {
    error.is_connect() || error.is_builder()
}

/// The failure without its URL, which may hold a reference.
pub(super) fn unreachable(system: &str, error: reqwest::Error) -> PortError {
    PortError::Unreachable(format!("{system}: {}", error.without_url()))
}
