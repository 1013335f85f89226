//! `oms exchange`: other goods for units that come back.

use std::{path::PathBuf, str::FromStr};

use anyhow::Result;
use clap::{Args, Subcommand};
use oms_api::{exchange::ExchangeView, returns::ReturnLineBody};
use serde_json::{Value, json};

use super::{
    Api,
    order_text::money,
    words::{Units, object, read_json},
};
use crate::output::{self, Format, or_dash, table};

/// What can be done about exchanges.
#[derive(Debug, Subcommand)]
pub enum ExchangeCommand {
    /// Start an exchange: units come back, and a linked order goes out for them once they have.
    #[command(
        after_help = "Example:\n  oms exchange start 536365 --return 1=1 --reason \"too small\" --for 85123B=1@295 --token tok_17850\n\n\
                            Cheaper goods: the rest is given back. Dearer ones: --token pays the difference."
    )]
    Start(StartArgs),
    /// Show an exchange; its order and its return are shown by `oms order get` and `oms return get`.
    #[command(after_help = "Example:\n  oms exchange get 536365-X1")]
    Get { exchange_id: String },
}

/// `oms exchange start`
#[derive(Debug, Args)]
pub struct StartArgs {
    order_id: String,
    /// Units of a line that come back, such as 1=2; may be given several times.
    #[arg(long = "return", value_name = "LINE=UNITS", required = true)]
    returned: Vec<Units>,
    /// Why they come back.
    #[arg(long, default_value = "not said")]
    reason: String,
    /// Units that go out, and the price of one in the currency's minor unit, such as 85123B=1@295; may be given several times.
    #[arg(long = "for", value_name = "SKU=UNITS@PRICE", required = true)]
    wanted: Vec<Wanted>,
    /// Another address, as JSON; - for standard input [default: where the returned units went].
    #[arg(long, value_name = "FILE")]
    ship_to: Option<PathBuf>,
    /// What pays what is missing, if anything is: card, gift_card, terms or external.
    #[arg(long, default_value = "card")]
    method: String,
    /// What the gateway knows it by.
    #[arg(long)]
    token: Option<String>,
    /// The exchange's id, <order_id>-X<n> [default: the order's next number].
    #[arg(long, value_name = "ID")]
    id: Option<String>,
}

/// `SKU=UNITS@PRICE`.
#[derive(Debug, Clone)]
struct Wanted {
    units: Units,
    unit_price_minor: i64,
}

impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text} is not SKU=UNITS@PRICE, such as 85123B=1@295");
        let (units, price) = text.rsplit_once('@').ok_or_else(wrong)?;
        Ok(Self { units: units.parse().map_err(|_| wrong())?, unit_price_minor: price.parse().map_err(|_| wrong())? })
    }
}

impl ExchangeCommand {
    /// Does it.
    pub async fn run(self, api: &Api, format: Format) -> Result<()> {
        let found = match self {
            Self::Start(args) => api.post(&["v1", "exchanges"], &args.body()?).await?,
            Self::Get { exchange_id } => api.get(&["v1", "exchanges", &exchange_id], &[]).await?,
        };
        output::show::<ExchangeView>(format, &found, text)
    }
}

impl StartArgs {
    fn body(&self) -> Result<Value> {
        let back = |units: &Units| json!({"line_id": units.line_id, "quantity": units.quantity, "reason": self.reason});
        let line = |(wanted, n): (&Wanted, usize)| {
            json!({"line_id": n.to_string(), "sku": wanted.units.line_id, "quantity": wanted.units.quantity,
                "unit_price_minor": wanted.unit_price_minor})
        };
        let needs_token = ["card", "gift_card"].contains(&self.method.as_str());
        let payment = (self.token.is_some() || !needs_token).then(|| object(json!({"method": self.method, "token": self.token})));
        Ok(object(json!({
            "exchange_id": self.id, "order_id": self.order_id, "payment": payment,
            "returned": self.returned.iter().map(back).collect::<Vec<_>>(),
            "lines": self.wanted.iter().zip(1..).map(line).collect::<Vec<_>>(),
            "ship_to": self.ship_to.as_deref().map(read_json).transpose()?,
        })))
    }
}

/// An exchange, worded for people.
fn text(found: &ExchangeView) -> String {
    let line = |line: &ReturnLineBody| [line.line_id.to_string(), line.quantity.to_string(), line.reason.clone()];
    let known = if found.settled { "pay" } else { "are expected to pay" };
    let [total, credit, to_pay] = [found.total_minor, found.credit_minor, found.to_pay_minor].map(|minor| money(minor, &found.currency));
    [
        format!(
            "{}: {}, for units of {} in return {} ({})",
            found.exchange_id,
            found.status,
            found.order_id,
            found.return_id,
            or_dash(found.return_status.as_ref())
        ),
        format!("\n{}", table(["LINE", "UNITS", "REASON"], found.returned.iter().map(line))),
        format!("\nit costs {total}, of which the returned units {known} {credit} and other instruments {to_pay}"),
    ]
    .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_out_is_read_with_its_price() {
        let wanted: Wanted = "85123B=2@295".parse().unwrap();
        assert_eq!((wanted.units.line_id.as_str(), wanted.units.quantity, wanted.unit_price_minor), ("85123B", 2, 295));
        assert!(["85123B=2", "85123B@295", "85123B=2@x"].iter().all(|text| text.parse::<Wanted>().is_err()));
    }
}
