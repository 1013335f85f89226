//! How many files this process may have open: each connection is one, and what a shell or systemd allows at first is far fewer than it may have.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Asks for as many as it may have. One that is not given them goes on with what it has, and says so.
pub fn raise() {
    let raised = getrlimit(Resource::RLIMIT_NOFILE).and_then(|(soft, hard)| {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
        Ok((soft, hard))
    });
    match raised {
        Ok((soft, hard)) if soft < hard => tracing::debug!(files.before = soft, files.now = hard, "more files may be open"),
        Ok(_) => {}
        Err(error) => tracing::warn!(error.message = %error, "no more files may be open than the shell allows"),
    }
}
