//! `oms order refund`, `pay` and `resolve-payment`.

use anyhow::Result;
use clap::Args;
use jiff::Timestamp;
use oms_api::{order::PaymentView, refund::RefundView};
use oms_domain::{money::Money, placed::PaymentMethod};
use serde_json::json;

use super::{
    Api,
    amount::{Amount, currency_of},
    words::{Units, object, spelled, units},
};
use crate::output::{self, Format};

/// `oms order refund`
#[derive(Debug, Args)]
pub struct RefundArgs {
    order_id: String,
    #[command(flatten)]
    amount: Amount,
    #[arg(long)]
    reason: String,
    /// It is the shipping that is given back: a later return does not give it back once more.
    #[arg(long, conflicts_with = "lines")]
    shipping: bool,
    /// Units of a line that it is for, such as 1=2; may be given several times.
    #[arg(long = "line", value_name = "LINE=UNITS")]
    lines: Vec<Units>,
    /// Id of the refund: the same id again is the same refund [default: made up].
    #[arg(long, value_name = "ID")]
    id: Option<String>,
}

/// `oms order pay`
#[derive(Debug, Args)]
pub struct PayArgs {
    order_id: String,
    /// Id of the instrument within its order.
    #[arg(long, value_name = "ID")]
    id: String,
    #[arg(long, default_value = "card", value_parser = spelled(&[PaymentMethod::Card, PaymentMethod::GiftCard, PaymentMethod::Terms, PaymentMethod::External]))]
    method: String,
    #[command(flatten)]
    amount: Amount,
    /// What the gateway knows it by.
    #[arg(long)]
    token: Option<String>,
}

/// `oms order resolve-payment`
#[derive(Debug, Args)]
#[group(id = "outcome", required = true, args = ["succeeded", "failed"])]
pub struct ResolvePaymentArgs {
    order_id: String,
    payment_id: String,
    /// Of the operation, as `oms order get` shows it.
    number: u32,
    /// The gateway did it: its id of what it did.
    #[arg(long, value_name = "REFERENCE")]
    succeeded: Option<String>,
    /// The gateway did not do it: what is still wanted is asked for anew.
    #[arg(long)]
    failed: bool,
    /// Until when an authorization lasts.
    #[arg(long, value_name = "TIME", requires = "succeeded")]
    expires_at: Option<Timestamp>,
    #[arg(long)]
    reason: String,
}

impl RefundArgs {
    pub(super) async fn run(self, api: &Api, format: Format) -> Result<()> {
        let currency = currency_of(api, &self.order_id).await?;
        let amount_minor = self.amount.of(currency)?;
        let refund_id = self.id.unwrap_or_else(|| api.new_id("refund"));
        let lines = units(&self.lines, "quantity");
        let of = self.shipping.then_some("shipping");
        let body = object(json!({
            "refund_id": refund_id, "amount_minor": amount_minor, "reason": self.reason, "lines": lines, "of": of,
        }));
        let answer = api.post(&["v1", "orders", &self.order_id, "refunds"], &body).await?;
        let text = |found: &RefundView| {
            let [amount, given_back] = [found.amount_minor, found.given_back_minor].map(|minor| Money::new(minor, currency));
            format!("refund {}: {amount}, {given_back} given back so far", found.refund_id)
        };
        output::show::<RefundView>(format, &answer, text)
    }
}

impl PayArgs {
    pub(super) async fn run(self, api: &Api, format: Format) -> Result<()> {
        let currency = currency_of(api, &self.order_id).await?;
        let amount_minor = self.amount.of(currency)?;
        let body = object(json!({
            "payment_id": self.id, "method": self.method, "amount_minor": amount_minor, "token": self.token,
        }));
        let answer = api.post(&["v1", "orders", &self.order_id, "payments"], &body).await?;
        let text =
            |found: &PaymentView| format!("payment {} ({}): {}", found.payment_id, found.method, Money::new(found.amount_minor, currency));
        output::show::<PaymentView>(format, &answer, text)
    }
}

impl ResolvePaymentArgs {
    pub(super) async fn run(self, api: &Api, format: Format) -> Result<()> {
        let (outcome, number) = (if self.failed { "failed" } else { "succeeded" }, self.number.to_string());
        let body = object(json!({
            "outcome": outcome, "reference": self.succeeded, "expires_at": self.expires_at, "reason": self.reason,
        }));
        let path = ["v1", "orders", &self.order_id, "payments", &self.payment_id, "operations", &number, "resolve"];
        let answer = api.post(&path, &body).await?;
        output::show::<PaymentView>(format, &answer, |found| format!("operation {number} of payment {} is {outcome}", found.payment_id))
    }
}
