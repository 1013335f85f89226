//! The payment gateway's own books: what it says it did, whatever the house believes.

use anyhow::Result;
use oms_domain::{ids::OrderId, payment::OperationKind};
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::http::{Answer, asked_of_simulator};

/// One operation in the gateway's books.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Entry {
    pub kind: OperationKind,
    /// `succeeded`, `declined` or `refused`.
    pub status: String,
    pub amount_minor: i64,
}

#[derive(Debug, Deserialize)]
struct Page {
    items: Vec<Entry>,
}

/// What the gateway did for one order.
#[derive(Debug, PartialEq, Eq)]
pub struct Books(pub Vec<Entry>);

impl Books {
    /// Reads them; one page is more than any test needs.
    pub async fn of(gateway_url: &str, order_id: &OrderId) -> Result<Self> {
        let request = asked_of_simulator(Method::GET, &format!("{gateway_url}/v1/operations"))
            .query(&[("reference", order_id.as_str()), ("limit", "1000")]);
        Ok(Self(Answer::to(request).await?.view::<Page>(200)?.items))
    }

    /// Amounts of a kind that succeeded, in the order in which they happened.
    pub fn amounts(&self, kind: OperationKind) -> Vec<i64> {
        self.0.iter().filter(|entry| entry.kind == kind && entry.status == "succeeded").map(|entry| entry.amount_minor).collect()
    }

    pub fn sum(&self, kind: OperationKind) -> i64 {
        self.amounts(kind).iter().sum()
    }
}

/// Troubles a simulator; `{}` ends the trouble. Fields: see devstack's control module.
pub async fn trouble(simulator_url: &str, setting: serde_json::Value) -> Result<()> {
    Answer::to(asked_of_simulator(Method::POST, &format!("{simulator_url}/control")).json(&setting)).await?.view::<()>(204)
}

/// Makes an authorization, as a checkout would that hands it over with the order.
pub async fn authorize(gateway_url: &str, order_id: &OrderId, amount_minor: i64) -> Result<String> {
    authorize_for(gateway_url, order_id, amount_minor, "GBP").await
}

/// The same, in any currency.
pub async fn authorize_for(gateway_url: &str, order_id: &OrderId, amount_minor: i64, currency: &str) -> Result<String> {
    #[derive(Deserialize)]
    struct Made {
        id: String,
    }
    let body = json!({"reference": order_id, "amount_minor": amount_minor, "currency": currency, "token": "tok_fine"});
    let request = asked_of_simulator(Method::POST, &format!("{gateway_url}/v1/authorizations"))
        .header("Idempotency-Key", format!("checkout:{order_id}"));
    Ok(Answer::to(request.json(&body)).await?.view::<Made>(201)?.id)
}
