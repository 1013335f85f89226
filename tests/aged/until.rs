//! Waits for what must come.

use std::time::Duration;

use anyhow::{Context, Result};

const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Looks again and again until there is something.
///
/// # Errors
/// When it has not come in time, with what was waited for; when looking fails.
pub async fn until<T>(what: &str, within: Duration, mut look: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    let looking = async {
        loop {
            if let Some(found) = look().await? {
                return Ok(found);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::time::timeout(within, looking).await.with_context(|| format!("waited {} s for {what}", within.as_secs()))?
}
