//! `oms customer`: what the house knows of a customer.

use anyhow::Result;
use clap::Subcommand;
use oms_api::{
    customer::{CustomerView, OrderedView},
    returns::ReturnSummary,
};

use super::{
    Api,
    order_text::{self, money, seconds},
};
use crate::output::{self, Format, counted, table};

/// What can be asked of a customer.
#[derive(Debug, Subcommand)]
pub enum CustomerCommand {
    /// Show a customer's newest orders and returns, and what they ordered for.
    #[command(after_help = "Example:\n  oms customer get 17850")]
    Get { customer_id: String },
}

impl CustomerCommand {
    /// Does it.
    pub async fn run(self, api: &Api, format: Format) -> Result<()> {
        let Self::Get { customer_id } = self;
        output::show(format, &api.get(&["v1", "customers", &customer_id], &[]).await?, customer)
    }
}

fn customer(found: &CustomerView) -> String {
    let ordered = |of: &OrderedView| format!("{} ({})", money(of.total_minor, &of.currency), counted(of.orders.into(), "order"));
    let ordered: Vec<String> = found.ordered.iter().map(ordered).collect();
    let ordered = if ordered.is_empty() { "nothing".to_owned() } else { ordered.join(", ") };
    let looked_at = counted(found.orders_looked_at.into(), "order");
    let mut parts = vec![
        format!("Customer {}: {looked_at} found; ordered, without what was cancelled: {ordered}", found.customer_id),
        format!("\n{}", order_text::orders(&found.orders)),
    ];
    if !found.returns.is_empty() {
        let row = |one: &ReturnSummary| [one.return_id.clone(), one.order_id.clone(), one.status.clone(), seconds(one.opened_at)];
        parts.push(format!("\n{}", table(["RETURN", "ORDER", "STATUS", "OPENED"], found.returns.iter().map(row))));
    }
    parts.join("\n")
}
