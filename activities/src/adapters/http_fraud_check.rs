//! The fraud check over HTTP (its calls: devstack's fraud module, which stands in for one).

use futures::{FutureExt, future::BoxFuture};
use oms_domain::order::Verdict;
use reqwest::Client;
use serde::Deserialize;
use serde_json::json;

use super::http::unreachable;
use crate::ports::{FraudCheck, FraudQuestion, PortError};

/// A fraud check at a base URL.
#[derive(Debug, Clone)]
pub struct HttpFraudCheck {
    client: Client,
    base_url: String,
}

#[derive(Debug, Deserialize)]
struct Screened {
    verdict: Verdict,
}

impl HttpFraudCheck {
    pub fn new(client: Client, base_url: impl Into<String>) -> Self {
        Self { client, base_url: base_url.into() }
    }

    async fn post(&self, question: FraudQuestion) -> Result<Verdict, PortError> {
        let body = json!({
            "reference": question.reference, "amount_minor": question.amount.minor(), "currency": question.amount.currency(),
            "customer_id": question.customer_id, "country": question.country,
        });
        let request = self.client.post(format!("{}/v1/screenings", self.base_url)).header("Idempotency-Key", &question.key).json(&body);
        // A question changes nothing, so every failure to hear is worth another try.
        let answer = request.send().await.map_err(|error| unreachable("fraud check", error))?;
        let status = answer.status();
        if status.is_success() {
            let screened: Screened = answer.json().await.map_err(|error| unreachable("fraud check", error))?;
            return Ok(screened.verdict);
        }
        let why = format!("fraud check: {status}");
        Err(if status.is_client_error() { PortError::Refused(why) } else { PortError::Unreachable(why) })
    }
}

impl FraudCheck for HttpFraudCheck {
    fn screen(&self, question: FraudQuestion) -> BoxFuture<'_, Result<Verdict, PortError>> {
        async move { self.post(question).await }.boxed()
    }
}
