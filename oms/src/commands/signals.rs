//! Being told to stop.

use anyhow::Result;
use tokio::signal::unix::{SignalKind, signal};

/// What the shell is told when a second signal cuts the stopping short.
const CUT_SHORT: i32 = 130;

/// Ctrl-C or SIGTERM. Listening begins with the call, not with the first poll.
///
/// # Errors
/// When signals cannot be listened to.
pub fn stop_signal() -> Result<impl Future<Output = ()>> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        // Whoever asks twice will not wait for what is running; the servers end with this process.
        tokio::spawn(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            std::process::exit(CUT_SHORT);
        });
    })
}
