//! `oms dev env`: what a shell needs to reach the development system that runs.

use anyhow::Result;
use oms_domain::error::ErrorCode;
use secrecy::ExposeSecret;
use serde_json::json;

use super::env_file::quoted;
use crate::{
    config::ApiLayer,
    exit::Coded,
    output::{self, Format},
    running::{self, Running},
};

/// Prints it: as lines for `eval`, or as JSON.
///
/// # Errors
/// `unavailable` when none runs; `validation_failed` when it is not said which of several is meant.
pub fn print(api: &ApiLayer, format: Format) -> Result<()> {
    let running = chosen(running::all(), &api.url())?;
    let key = running.api_key.expose_secret();
    match format {
        Format::Text => output::line(&format!("export OMS_API={}\nexport OMS_API_KEY={}", quoted(&running.api), quoted(key))),
        Format::Json | Format::Jsonl => output::line(&json!({"api": running.api, "api_key": key}).to_string()),
    }
}

/// The only one, or the one at the address that is set.
fn chosen(mut running: Vec<Running>, url: &str) -> Result<Running> {
    if let Some(index) = running.iter().position(|one| running::is_at(one, url)) {
        return Ok(running.swap_remove(index));
    }
    match (running.pop(), running.is_empty()) {
        (Some(only), true) => Ok(only),
        (None, _) => {
            Err(Coded::new(ErrorCode::Unavailable, "no development system of yours runs here").hint("start one with `oms dev`").into())
        }
        (Some(last), false) => {
            let all: Vec<&str> = running.iter().chain([&last]).map(|one| one.api.as_str()).collect();
            let message = format!("several development systems run here: {}", all.join(", "));
            Err(Coded::new(ErrorCode::ValidationFailed, message).hint("say which with --api").into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(port: u16) -> Running {
        Running { api: format!("http://127.0.0.1:{port}"), api_key: format!("key {port}").into() }
    }

    #[test]
    fn the_only_one_is_meant_or_the_one_at_the_address() {
        let found = |running: Vec<Running>, url: &str| chosen(running, url).ok().map(|one| one.api);
        assert_eq!(found(vec![at(1)], "http://127.0.0.1:9").as_deref(), Some("http://127.0.0.1:1"));
        assert_eq!(found(vec![at(1), at(2)], "http://127.0.0.1:2").as_deref(), Some("http://127.0.0.1:2"));
        assert_eq!(found(vec![at(1), at(2)], "http://127.0.0.1:9"), None);
        assert_eq!(found(vec![], "http://127.0.0.1:9"), None);
    }
}
