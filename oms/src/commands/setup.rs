//! `oms setup`: brings the databases and Temporal to what this version needs.

use anyhow::Result;
use clap::Args;
use serde_json::json;

use crate::{
    config::{ConfigFile, DatabaseLayer},
    output::{self, Format},
    runtime::{Temporal, open_store, register_search_attributes},
};

/// `oms setup`
#[derive(Debug, Args)]
pub struct SetupArgs {
    #[command(flatten)]
    database: DatabaseLayer,
}

impl SetupArgs {
    /// Does it. May be run again, and by many at once.
    ///
    /// # Errors
    /// When something is not configured, cannot be reached, or refuses.
    pub async fn run(self, file: ConfigFile, format: Format) -> Result<()> {
        let config = self.database.over(file.database).settings()?;
        let temporal = Temporal::from_environment()?;
        let (store, client) = tokio::try_join!(open_store(&config), temporal.connect())?;
        store.setup().await?;
        let registered = register_search_attributes(&client).await?;
        store.close().await;
        let done = json!({"database": "ready", "table": config.table, "registered_search_attributes": registered});
        let attributes =
            if registered.is_empty() { "were there already".to_owned() } else { format!("registered: {}", registered.join(", ")) };
        output::show::<serde_json::Value>(format, &done, |_| {
            format!("PostgreSQL is migrated\nDynamoDB has the table {}\nsearch attributes {attributes}", config.table)
        })
    }
}
