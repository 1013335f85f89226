//! `oms approval`: what others may not do by themselves, and a second person lets through.

use anyhow::Result;
use clap::Subcommand;
use oms_api::approval::ApprovalView;
use serde_json::{Value, json};

use super::{Api, order_text::money};
use crate::output::{self, Format, or_dash, table};

/// Most approvals the API gives at a time.
const PAGE_MAX: u32 = 500;

/// What can be done with approvals.
#[derive(Debug, Subcommand)]
pub enum ApprovalCommand {
    /// List approvals, newest first.
    #[command(after_help = "Example:\n  oms approval list --status pending")]
    List {
        /// pending, approved, declined, used or expired [default: all].
        #[arg(long, value_name = "STATUS")]
        status: Option<String>,
        /// Go on where the last page ended.
        #[arg(long, value_name = "CURSOR")]
        cursor: Option<String>,
        /// Most approvals to list, 1 to 500.
        #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(PAGE_MAX)))]
        limit: u32,
    },
    /// Show what is asked.
    #[command(after_help = "Example:\n  oms approval get apv-0197f3")]
    Get { approval_id: String },
    /// Let whoever asked do just this, once, while the order is as it was.
    #[command(after_help = "Example:\n  oms approval approve apv-0197f3")]
    Approve { approval_id: String },
    /// Do not.
    #[command(after_help = "Example:\n  oms approval decline apv-0197f3")]
    Decline { approval_id: String },
}

impl ApprovalCommand {
    /// Does it.
    pub async fn run(self, api: &Api, format: Format) -> Result<()> {
        let answer = match self {
            Self::List { status, cursor, limit } => return list(api, format, status, cursor, limit).await,
            Self::Get { approval_id } => api.get(&["v1", "approvals", &approval_id], &[]).await?,
            Self::Approve { approval_id } => api.post(&["v1", "approvals", &approval_id, "approve"], &json!({})).await?,
            Self::Decline { approval_id } => api.post(&["v1", "approvals", &approval_id, "decline"], &json!({})).await?,
        };
        output::show(format, &answer, |approval: &ApprovalView| text(std::slice::from_ref(approval)))
    }
}

async fn list(api: &Api, format: Format, status: Option<String>, cursor: Option<String>, limit: u32) -> Result<()> {
    let query = [("status", status), ("cursor", cursor), ("limit", Some(limit.to_string()))];
    let answer = api.get(&["v1", "approvals"], &query).await?;
    let items = answer.get("items").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let next = answer.get("next_cursor").and_then(Value::as_str);
    output::list::<ApprovalView>(format, items, next, text)
}

fn text(approvals: &[ApprovalView]) -> String {
    let row = |found: &ApprovalView| {
        let amount = match (found.amount_minor, &found.currency, found.orders) {
            (Some(minor), Some(currency), _) => money(minor, currency),
            (_, _, orders) => or_dash(orders.map(|orders| format!("{orders} orders"))),
        };
        let what = format!("{} {}", found.kind, found.what);
        [found.approval_id.clone(), found.status.clone(), what, amount, or_dash(found.order_id.clone()), found.asked_by.to_string()]
    };
    table(["APPROVAL", "STATUS", "WHAT", "AMOUNT", "ORDER", "ASKED BY"], approvals.iter().map(row))
}
