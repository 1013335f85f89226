//! `oms doctor`: looks at every part and says what to do; with `--reconcile`, whether the books of all of them agree.

mod parts;

use anyhow::Result;
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use oms_domain::error::ErrorCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    config::{AdapterLayer, ApiLayer, ConfigFile, DatabaseLayer, TemporalLayer},
    exit::Coded,
    output::{self, Format, table},
    reconcile::{self, Books, GatewayBooks, Reconciliation, Scope},
    runtime::open_store,
};

/// An order of which nothing was heard so long after its next wait was over is looked at, whether it has changed or not.
const SILENT_FOR: SignedDuration = SignedDuration::from_mins(2);

/// `oms doctor`
#[derive(Debug, Args)]
pub struct DoctorArgs {
    #[command(flatten)]
    api: ApiLayer,
    #[command(flatten)]
    database: DatabaseLayer,
    #[command(flatten)]
    temporal: TemporalLayer,
    #[command(flatten)]
    adapters: AdapterLayer,
    /// Compare the books of PostgreSQL, DynamoDB, Temporal and the payment gateway, order by order: those that have changed since the last
    /// time, that did not fit then, or of which nothing was heard when something should have been.
    #[arg(long)]
    reconcile: bool,
    /// With `--reconcile`: compare every order there ever was.
    #[arg(long, requires = "reconcile")]
    all: bool,
}

/// What was found of one part.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Finding {
    pub part: String,
    pub healthy: bool,
    pub found: String,
    /// What to do, when it is not healthy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

impl DoctorArgs {
    /// Does it.
    ///
    /// # Errors
    /// `unavailable` when a part is not healthy; `refused_by_rule` when the books do not agree.
    pub async fn run(self, file: ConfigFile, format: Format) -> Result<()> {
        let layers = parts::Layers {
            api: self.api.over(file.client),
            database: self.database.over(file.database),
            temporal: self.temporal.over(file.temporal),
            adapters: self.adapters.over(file.adapters),
        };
        if self.reconcile {
            return reconcile(layers, self.all, format).await;
        }
        let findings = parts::look(layers).await;
        let values: Vec<_> = findings.iter().map(|finding| json!(finding)).collect();
        output::list::<Finding>(format, &values, None, findings_text)?;
        match findings.iter().filter(|finding| !finding.healthy).count() {
            0 => Ok(()),
            sick => Err(Coded::new(ErrorCode::Unavailable, format!("{sick} of {} parts need attention", findings.len())).into()),
        }
    }
}

fn findings_text(findings: &[Finding]) -> String {
    let row = |finding: &Finding| {
        let word = if finding.healthy { "ok" } else { "NOT OK" };
        [finding.part.clone(), word.to_owned(), finding.found.clone()]
    };
    let mut text = table(["PART", "HEALTH", "FOUND"], findings.iter().map(row));
    for finding in findings {
        if let Some(advice) = &finding.advice {
            text.push_str(&format!("\n{}: {advice}", finding.part));
        }
    }
    text
}

async fn reconcile(layers: parts::Layers, all: bool, format: Format) -> Result<()> {
    let gateway = layers.adapters.payment_gateway_url.map(|url| GatewayBooks::new(reqwest::Client::new(), url));
    let (config, temporal) = (layers.database.settings()?, layers.temporal.connection()?);
    let (store, temporal) = tokio::try_join!(open_store(&config), temporal.connect())?;
    let books = Books { store: &store, temporal: &temporal, gateway: gateway.as_ref() };
    let overdue = Timestamp::now().saturating_sub(SILENT_FOR)?;
    let scope = match store.last_reconciliation().await?.filter(|_| !all) {
        Some(last) => Scope::Since { last, overdue },
        None => Scope::All,
    };
    let figures = reconcile::reconcile(&books, scope, |_| {}).await?;
    if let Some(last) = figures.remembered() {
        store.note_reconciliation(&last).await?;
    }
    store.close().await;
    output::show::<Value>(format, &json!(figures), |_| figures_text(&figures))?;
    match figures.figures().iter().filter(|(_, count)| *count > 0).count() {
        0 => Ok(()),
        broken => Err(Coded::new(ErrorCode::RefusedByRule, format!("{broken} of the invariants do not hold")).into()),
    }
}

fn figures_text(figures: &Reconciliation) -> String {
    let rows = figures.figures().map(|(name, count)| [name.to_owned(), count.to_string()]);
    let which = if figures.all { "all there are" } else { "what has changed since the last time; --all compares everything" };
    let (orders, returns) = (figures.orders, figures.returns);
    let mut text = format!("{orders} orders and {returns} returns compared ({which})\n{}", table(["INVARIANT", "COUNT"], rows));
    if !figures.gateway_compared {
        text.push_str("\nThe payment gateway's books were not compared: OMS_PAYMENT_GATEWAY_URL is not set.");
        text.push_str(" The next time begins where this one did.");
    }
    for finding in &figures.findings {
        text.push_str(&format!("\n{} {}: {}", finding.figure.as_str(), finding.order_id, finding.what));
    }
    text
}
