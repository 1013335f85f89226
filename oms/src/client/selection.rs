//! Which orders: the same conditions wherever orders are chosen.

use clap::Args;
use jiff::Timestamp;
use oms_domain::order::OrderStatus;
use serde_json::{Map, Value};

use super::words::{hold_reason, spelled};

/// Conditions on orders; all that are given hold.
#[derive(Debug, Args)]
pub struct Selection {
    #[arg(long, value_parser = spelled(OrderStatus::ALL))]
    status: Option<String>,
    /// Customer's id.
    #[arg(long, value_name = "ID")]
    customer: Option<String>,
    /// Customer's email address.
    #[arg(long)]
    email: Option<String>,
    /// Facility that ships some of it.
    #[arg(long, value_name = "ID")]
    facility: Option<String>,
    #[arg(long)]
    channel: Option<String>,
    #[arg(long)]
    sku: Option<String>,
    #[arg(long, value_name = "NUMBER")]
    tracking_number: Option<String>,
    /// Reason of an open hold.
    #[arg(long, value_name = "REASON", value_parser = hold_reason())]
    hold_reason: Option<String>,
    /// Only those that a person must look at.
    #[arg(long)]
    needs_attention: bool,
    #[arg(long, value_name = "TIME")]
    placed_after: Option<Timestamp>,
    #[arg(long, value_name = "TIME")]
    placed_before: Option<Timestamp>,
    #[arg(long, value_name = "TIME")]
    updated_after: Option<Timestamp>,
}

impl Selection {
    /// As parameters of a query.
    pub fn query(self) -> [(&'static str, Option<String>); 12] {
        let time = |time: Option<Timestamp>| time.map(|time| time.to_string());
        [
            ("status", self.status),
            ("customer_id", self.customer),
            ("email", self.email),
            ("facility_id", self.facility),
            ("channel", self.channel),
            ("sku", self.sku),
            ("tracking_number", self.tracking_number),
            ("hold_reason", self.hold_reason),
            ("needs_attention", self.needs_attention.then(|| "true".to_owned())),
            ("placed_after", time(self.placed_after)),
            ("placed_before", time(self.placed_before)),
            ("updated_after", time(self.updated_after)),
        ]
    }

    /// As a field of a body.
    pub fn object(self) -> Value {
        let needs_attention = self.needs_attention;
        let given = self.query().into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::String(value?))));
        let mut fields: Map<String, Value> = given.collect();
        if needs_attention {
            fields.insert("needs_attention".to_owned(), Value::Bool(true));
        }
        Value::Object(fields)
    }
}
