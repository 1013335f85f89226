//! Says which allocation rules plans are made by: what waits by others is planned again.

use std::{convert::Infallible, time::Duration};

use oms_allocation::RulesInForce;
use oms_store::Store;

/// How soon a change is told.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Tells the database of the rules, and of each change of them, until it is dropped.
pub(crate) async fn announce(store: Store, rules: RulesInForce) -> Infallible {
    let mut told: Option<String> = None;
    let mut look = tokio::time::interval(LOOK_EVERY);
    loop {
        look.tick().await;
        let version = rules.current().version.clone();
        if told.as_ref() == Some(&version) {
            continue;
        }
        match store.rules_in_force(&version).await {
            Ok(changed) => {
                if changed {
                    tracing::info!(rules.version = version, "what waits for stock is planned again, by the rules that are in force now");
                }
                told = Some(version);
            }
            Err(error) => tracing::warn!(%error, "the rules in force could not be told; it will be tried again"),
        }
    }
}
