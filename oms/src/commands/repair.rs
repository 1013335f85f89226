//! `oms repair`: brings the books together again after a restore or a loss.

use anyhow::Result;
use clap::Args;
use oms_domain::error::ErrorCode;
use oms_starter::{Starter, StarterConfig};
use serde_json::{Value, json};

use crate::{
    config::{AdapterLayer, ConfigFile, DatabaseLayer, ServerLayer, TemporalLayer},
    exit::Coded,
    output::{self, Format, table},
    reconcile::{Books, GatewayBooks, Scope},
    repair::{Outcome, Repaired, repair},
    runtime::open_store,
};

/// `oms repair`
#[derive(Debug, Args)]
pub struct RepairArgs {
    #[command(flatten)]
    database: DatabaseLayer,
    #[command(flatten)]
    temporal: TemporalLayer,
    #[command(flatten)]
    adapters: AdapterLayer,
    /// Do it; without this, it is only said what would be done.
    #[arg(long)]
    apply: bool,
}

impl RepairArgs {
    /// Looks at every order, and does, or says, what brings its books together.
    ///
    /// # Errors
    /// When one of the books cannot be read; `refused_by_rule` when something does not fit, or does not fit yet.
    pub async fn run(self, file: ConfigFile, format: Format) -> Result<()> {
        let (database, temporal) = (self.database.over(file.database), self.temporal.over(file.temporal));
        let customer_key = database.customer_key()?;
        let (config, queues) = (database.settings()?, temporal.queues());
        let connection = temporal.connection()?;
        let (store, client) = tokio::try_join!(open_store(&config), connection.connect())?;
        let gateway = self.adapters.over(file.adapters).payment_gateway_url.map(|url| GatewayBooks::new(reqwest::Client::new(), url));
        let books = Books { store: &store, temporal: &client, gateway: gateway.as_ref() };
        let policy = ServerLayer::default().over(file.server).policy();
        let settings = StarterConfig { queues, clock: Default::default(), policy, customer_key, eager_start: false };
        let starter = Starter::new(client.clone(), store.clone(), settings);
        let repaired = repair(&books, &starter, Scope::All, self.apply).await?;
        store.close().await;
        output::show::<Value>(format, &json!(repaired), |_| text(&repaired))?;
        verdict(&repaired, self.apply)
    }
}

fn text(repaired: &Repaired) -> String {
    let word = |outcome| match outcome {
        Outcome::Would => "would",
        Outcome::Done => "done",
        Outcome::Failed => "FAILED",
        Outcome::Named => "-",
    };
    let row = |repair: &crate::repair::Repair| {
        let why = repair.why.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
        [repair.order_id.to_string(), word(repair.outcome).to_owned(), format!("{}{why}", repair.step)]
    };
    let mut text = format!("{} orders looked at, {} do not fit", repaired.found.orders, repaired.found.unsound.len());
    if !repaired.repairs.is_empty() {
        text.push_str(&format!("\n{}", table(["ORDER", "DONE", "WHAT"], repaired.repairs.iter().map(row))));
    }
    for finding in &repaired.left {
        text.push_str(&format!("\nstill {} {}: {}", finding.figure.as_str(), finding.order_id, finding.what));
    }
    text.push_str("\nWhat has no second copy cannot be looked for: receipts, counts and adjustments that a restored PostgreSQL has lost.");
    text
}

fn verdict(repaired: &Repaired, applied: bool) -> Result<()> {
    match (applied, repaired.left.len(), repaired.repairs.len()) {
        (false, _, 0) | (true, 0, _) => Ok(()),
        (false, ..) => Err(Coded::new(ErrorCode::RefusedByRule, "nothing was done").hint("--apply does it").into()),
        (true, left, _) => Err(Coded::new(ErrorCode::RefusedByRule, format!("{left} things still do not fit")).into()),
    }
}
