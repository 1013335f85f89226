//! `oms claim`: money back for units that do not come back.

use anyhow::Result;
use clap::Subcommand;
use oms_api::{cancellation::LineUnits, claim::ClaimView};
use serde_json::{Value, json};

use super::{
    Api,
    words::{Units, object, units},
};
use crate::output::{self, Format, possible, table};

/// What can be done about claims.
#[derive(Debug, Subcommand)]
pub enum ClaimCommand {
    /// Open a claim for units that the customer has and keeps.
    #[command(after_help = "Example:\n  oms claim create 536365 --line 1=1 --reason \"arrived broken\"")]
    Create {
        order_id: String,
        /// Units of a line, such as 1=2; may be given several times.
        #[arg(long = "line", value_name = "LINE=UNITS", required = true)]
        lines: Vec<Units>,
        /// What is wrong with them.
        #[arg(long)]
        reason: String,
        /// The claim's id, <order_id>-C<n> [default: the order's next number].
        #[arg(long, value_name = "ID")]
        id: Option<String>,
    },
    /// Show a claim.
    #[command(after_help = "Example:\n  oms claim get 536365-C1")]
    Get { claim_id: String },
    /// Approve it: the units' exact share is paid back.
    #[command(after_help = "Example:\n  oms claim approve 536365-C1")]
    Approve { claim_id: String },
    /// Decline it.
    #[command(after_help = "Example:\n  oms claim decline 536365-C1 --reason \"worn\"")]
    Decline {
        claim_id: String,
        #[arg(long)]
        reason: String,
    },
}

impl ClaimCommand {
    /// Does it.
    pub async fn run(self, api: &Api, format: Format) -> Result<()> {
        let found = match self {
            Self::Create { order_id, lines, reason, id } => {
                let lines = units(&lines, "quantity");
                let body = object(json!({"claim_id": id, "order_id": order_id, "lines": lines, "reason": reason}));
                api.post(&["v1", "claims"], &body).await?
            }
            Self::Get { claim_id } => api.get(&["v1", "claims", &claim_id], &[]).await?,
            Self::Approve { claim_id } => api.post(&["v1", "claims", &claim_id, "approve"], &json!({})).await?,
            Self::Decline { claim_id, reason } => api.post(&["v1", "claims", &claim_id, "decline"], &json!({"reason": reason})).await?,
        };
        show(format, &found)
    }
}

fn show(format: Format, found: &Value) -> Result<()> {
    output::show::<ClaimView>(format, found, text)
}

/// A claim, worded for people.
fn text(found: &ClaimView) -> String {
    let line = |line: &LineUnits| [line.line_id.clone(), line.quantity.to_string()];
    let mut parts = vec![format!("{}: {}, {}", found.claim_id, found.status, found.reason)];
    parts.push(format!("\n{}", table(["LINE", "UNITS"], found.lines.iter().map(line))));
    parts.extend(found.amount_minor.map(|amount| format!("\nrefund: {amount} {} (minor units)", found.currency)));
    parts.push(format!("\n{}", possible(&found.legal_actions, &found.status)));
    parts.join("\n")
}
