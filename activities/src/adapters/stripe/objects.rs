//! Stripe's objects, as far as they are read here.

use std::collections::BTreeMap;

use jiff::Timestamp;
use oms_domain::money::Currency;
use serde::Deserialize;

use crate::ports::PortError;

/// Where metadata has the operation's key, and the order.
pub(super) const KEY: &str = "oms_key";
pub(super) const ORDER: &str = "order_id";

#[derive(Debug, Deserialize)]
pub(super) struct List<T> {
    pub(super) data: Vec<T>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Intent {
    pub(super) id: String,
    pub(super) status: String,
    pub(super) amount: i64,
    #[serde(default)]
    pub(super) amount_capturable: i64,
    #[serde(default)]
    pub(super) amount_received: i64,
    currency: String,
    #[serde(default)]
    pub(super) metadata: BTreeMap<String, String>,
    #[serde(default)]
    latest_charge: Option<Charge>,
    #[serde(default)]
    last_payment_error: Option<PaymentError>,
}

/// Whole where it was asked to be, else its id.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Charge {
    Whole {
        #[serde(default)]
        payment_method_details: Option<Details>,
    },
    #[expect(dead_code, reason = "the other form of the field: an id says nothing more here")]
    Id(String),
}

#[derive(Debug, Deserialize)]
struct Details {
    #[serde(default)]
    card: Option<Card>,
}

#[derive(Debug, Deserialize)]
struct Card {
    /// Seconds since 1970.
    #[serde(default)]
    capture_before: Option<i64>,
}

#[derive(Debug, Deserialize)]
struct PaymentError {
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    decline_code: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Refund {
    pub(super) id: String,
    pub(super) amount: i64,
    currency: String,
    #[serde(default)]
    pub(super) status: Option<String>,
    #[serde(default)]
    pub(super) payment_intent: Option<String>,
    #[serde(default)]
    pub(super) metadata: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) failure_reason: Option<String>,
}

fn currency(text: &str) -> Result<Currency, PortError> {
    let unknown = |_| PortError::Unexpected("Stripe: the answer is in a currency that the house does not know".to_owned());
    text.to_uppercase().parse().map_err(unknown)
}

impl Intent {
    pub(super) fn currency(&self) -> Result<Currency, PortError> {
        currency(&self.currency)
    }

    /// Until when its money is held.
    pub(super) fn capture_before(&self) -> Option<Timestamp> {
        match self.latest_charge.as_ref()? {
            Charge::Whole { payment_method_details } => {
                let seconds = payment_method_details.as_ref()?.card.as_ref()?.capture_before?;
                Timestamp::from_second(seconds).ok()
            }
            Charge::Id(_) => None,
        }
    }

    /// Why its last try failed.
    pub(super) fn why(&self) -> Option<&str> {
        let error = self.last_payment_error.as_ref()?;
        error.decline_code.as_deref().or(error.code.as_deref())
    }
}

impl Refund {
    pub(super) fn currency(&self) -> Result<Currency, PortError> {
        currency(&self.currency)
    }
}
