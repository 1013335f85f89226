//! The HTTP client for downloads and carrier events.

use std::time::Duration;

const CONNECT_DEADLINE: Duration = Duration::from_secs(10);

/// A client whose requests take at most so long.
///
/// # Errors
/// When TLS cannot be set up.
pub(crate) fn client(deadline: Duration) -> reqwest::Result<reqwest::Client> {
    // `main` installs the process's TLS provider; a test, which has no `main` of ours, may not. A second one is refused,
    // and that is fine.
    drop(rustls::crypto::ring::default_provider().install_default());
    reqwest::Client::builder().connect_timeout(CONNECT_DEADLINE).timeout(deadline).build()
}
