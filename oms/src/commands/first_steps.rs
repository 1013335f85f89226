//! What a person does first: something to order, and how to order it.

use std::path::Path;

use anyhow::Result;
use oms_api::feed::FeedView;
use oms_domain::error::ErrorCode;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::{exit::Coded, runtime::System, sample, style};

/// Fills an empty catalogue with the sample, through the API as anybody would. Answers whether it did.
///
/// # Errors
/// When a part cannot be reached, or the sample is not taken whole.
pub async fn sample_catalogue(system: &System) -> Result<bool> {
    if !system.store.catalog().facilities().await?.is_empty() {
        return Ok(false);
    }
    let api = system.client()?;
    for (kind, csv) in sample::CATALOGUE {
        let query = [("source", Some("sample catalogue".to_owned()))];
        let run: FeedView = serde_json::from_value(api.stream(&["v1", "feeds", kind], &query, csv.into()).await?)?;
        if run.rejected > 0 || run.failure.is_some() {
            let message = format!("the sample {kind} were not taken whole: {} rows rejected", run.rejected);
            return Err(Coded::new(ErrorCode::Internal, message).into());
        }
    }
    Ok(true)
}

/// Who comes in at the console of a development system.
pub const CONSOLE_EMAIL: &str = "dev@oms.example";
/// What they are: all that people are.
const CONSOLE_ROLES: [&str; 8] = ["support", "approver", "associate", "facility_manager", "ops", "finance", "auditor", "admin"];

/// Makes somebody who may come in at the console with this password, where there is nobody yet.
///
/// # Errors
/// When a part cannot be reached.
pub async fn console_person(system: &System, password: &SecretString) -> Result<()> {
    let api = system.client()?;
    let people = api.get(&["v1", "people"], &[("limit", Some("1".to_owned()))]).await?;
    if people["items"].as_array().is_some_and(|known| !known.is_empty()) {
        return Ok(());
    }
    let person = json!({"email": CONSOLE_EMAIL, "name": "Developer", "roles": CONSOLE_ROLES});
    let made = api.post(&["v1", "people"], &person).await?;
    let accepted = json!({"token": made["invitation"]["token"], "password": password.expose_secret()});
    api.post(&["v1", "invitations", "accept"], &accepted).await?;
    Ok(())
}

/// Lines that say what to try next.
pub fn advice(api_url: &str, sampled: bool, env_file: Option<&Path>) -> Vec<String> {
    let mut lines = Vec::new();
    if sampled {
        lines
            .push("The catalogue was empty: 3 facilities, 5 products and some stock were put in (--no-sample leaves it empty).".to_owned());
    }
    lines.push(style::strong("Try, in another terminal:"));
    if api_url != "http://127.0.0.1:8080" {
        lines.push(format!("  export OMS_API={api_url}"));
    }
    // An id that no kept order has.
    let id = if sampled { "first".to_owned() } else { format!("order-{}", jiff::Timestamp::now().as_second()) };
    lines.push(format!("  oms order example --id {id} | oms order place -f - --wait 5"));
    lines.push(format!("  oms fulfillment ship {id}-F1"));
    lines.push(format!("  oms fulfillment deliver {id}-F1"));
    lines.push("or".to_owned());
    lines.push("  eval \"$(oms dev env)\"".to_owned());
    lines.push(
        "  oms order example | curl -sS $OMS_API/v1/orders -H \"authorization: Bearer $OMS_API_KEY\" -H 'content-type: application/json' -d @-"
            .to_owned(),
    );
    if let Some(path) = env_file {
        lines.push("or, with everything that commands such as `oms doctor --reconcile` and a second `oms worker` need:".to_owned());
        lines.push(format!("  . {}", path.display()));
    }
    lines.push(String::new());
    lines.push(style::faint("Ctrl-C stops everything."));
    lines
}
