//! `oms allocation`: what is decided about all orders, at once rather than by its schedule.

use anyhow::Result;
use clap::Subcommand;
use oms_api::maintenance::{PoolView, StockPricesView};
use serde_json::json;

use super::Api;
use crate::output::{self, Format};

#[derive(Debug, Subcommand)]
pub enum AllocationCommand {
    /// Decide the orders that are allocated and not yet released again, together, and move those that gain by it.
    #[command(after_help = "Example:\n  oms allocation repool --dry-run")]
    Repool {
        /// Move nothing; say what would move.
        #[arg(long)]
        dry_run: bool,
    },
    /// Price the stock by recent demand; decisions go by these prices from then on, if the rules say so.
    #[command(after_help = "Example:\n  oms allocation prices -o json")]
    Prices,
}

impl AllocationCommand {
    /// Does it and shows what came of it.
    pub async fn run(self, api: &Api, format: Format) -> Result<()> {
        match self {
            Self::Repool { dry_run } => {
                let answer = api.post(&["v1", "allocation", "pool"], &json!({"dry_run": dry_run})).await?;
                output::show::<PoolView>(format, &answer, pool)
            }
            Self::Prices => {
                let answer = api.post(&["v1", "allocation", "stock-prices"], &json!({})).await?;
                output::show::<StockPricesView>(format, &answer, prices)
            }
        }
    }
}

fn pool(found: &PoolView) -> String {
    let PoolView { pool_id, orders, planned, blocked, moved, skipped, failed, saved_milli, .. } = found;
    let minor = format!("{}.{:03}", saved_milli / 1000, (saved_milli % 1000).abs());
    if found.dry_run {
        return format!("{orders} orders decided again: {planned} would move and cost {minor} less, {blocked} wait for each other's units");
    }
    format!(
        "Pool {pool_id}: {orders} orders decided again, {planned} to move, {blocked} wait for each other's units\n\
         {moved} moved, {skipped} skipped, {failed} not reached; they cost {minor} less"
    )
}

fn prices(found: &StockPricesView) -> String {
    let StockPricesView { version, skus, positions, in_force } = found;
    let now = if *in_force { "in force" } else { "older than those in force, and left aside" };
    format!("Stock prices {version}: {positions} positions of {skus} SKUs have a price; {now}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moved_is_told_in_minor_units() {
        let mut found = PoolView {
            pool_id: "p".into(),
            dry_run: true,
            orders: 3,
            planned: 2,
            blocked: 0,
            moved: 0,
            skipped: 0,
            failed: 0,
            saved_milli: 1_250_500,
        };
        assert_eq!(pool(&found), "3 orders decided again: 2 would move and cost 1250.500 less, 0 wait for each other's units");
        (found.dry_run, found.moved, found.skipped) = (false, 1, 1);
        assert!(pool(&found).ends_with("1 moved, 1 skipped, 0 not reached; they cost 1250.500 less"));
    }
}
