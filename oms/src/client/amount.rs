//! An amount as people write it, in its order's currency.

use anyhow::{Context, Result};
use clap::Args;
use oms_domain::{
    error::ErrorCode,
    money::{Currency, Money},
};

use super::Api;
use crate::exit::Coded;

/// How much, one way or the other.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Amount {
    /// In the order's currency, such as 5.00.
    #[arg(long)]
    amount: Option<String>,
    /// In the minor unit of the order's currency, such as 500.
    #[arg(long, value_name = "AMOUNT")]
    amount_minor: Option<i64>,
}

impl Amount {
    /// In the order's currency.
    pub fn of(&self, currency: Currency) -> Result<i64> {
        let Some(amount) = &self.amount else { return self.amount_minor.context("--amount or --amount-minor") };
        let wrong = || {
            let example = Money::new(1_234, currency);
            Coded::new(
                ErrorCode::ValidationFailed,
                format!("--amount {amount} is no amount of {currency}: 1234 of its minor unit are {example}"),
            )
        };
        Ok(currency.minor_of(amount).ok_or_else(wrong)?)
    }
}

/// What an order is priced in.
pub async fn currency_of(api: &Api, order_id: &str) -> Result<Currency> {
    let order = api.get(&["v1", "orders", order_id], &[]).await?;
    order["currency"].as_str().context("an order without a currency")?.parse().context("the currency of an order")
}
