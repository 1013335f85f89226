//! What the tests share: the provisioned tools, and looking at processes and ports.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use oms_devstack::{Progress, Tools};

/// The user's own cache folder, as `oms` uses it: what is installed once serves all tests, and all later runs.
pub fn tools() -> Tools {
    let cache = std::env::var_os("OMS_CACHE_DIR").map_or_else(user_cache, PathBuf::from);
    Tools::new(cache, Progress::on_stderr())
}

fn user_cache() -> PathBuf {
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    base.or(home).unwrap_or_else(std::env::temp_dir).join("oms")
}

/// Waits until the condition holds.
///
/// # Panics
/// After 20 s, naming the condition.
pub async fn eventually(condition: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(20), "not within 20 s: {condition}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Command lines of the running processes that mention the text.
pub fn processes_with(text: &str) -> Vec<String> {
    let entries = std::fs::read_dir("/proc").expect("the process list");
    entries
        .flatten()
        .filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(text))
        .collect()
}
