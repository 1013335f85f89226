//! The fraud check over HTTP (its calls: devstack's fraud module, which stands in for one).
//!
//! | status | it means |
//! | --- | --- |
//! | 200, 201 of the order that was asked about | its verdict |
//! | 200, 201 of another, cut short, over a megabyte, or no JSON | `Unexpected` |
//! | 401, 402, 403, 407 | `Denied`: the account |
//! | 408, 409, 425, 429, 503 with `Retry-After` | `Busy` |
//! | any other 4xx with a code | `Refused` |
//! | any other 5xx, no answer, not sent | `Unreachable`: a question changes nothing |
//! | a redirect, a 4xx without a code | `Unexpected` |

use futures::{FutureExt, future::BoxFuture};
use oms_domain::order::Verdict;
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::http::{Endpoint, HttpClient, InvalidBaseUrl, is_made};
use crate::ports::{FraudCheck, FraudQuestion, PortError};

/// A fraud check at a base URL.
#[derive(Debug, Clone)]
pub struct HttpFraudCheck(Endpoint);

#[derive(Debug, Deserialize)]
struct Screened {
    reference: String,
    verdict: Verdict,
}

impl HttpFraudCheck {
    /// # Errors
    /// When the base URL is none.
    pub fn new(client: HttpClient, base_url: &str) -> Result<Self, InvalidBaseUrl> {
        Endpoint::new("fraud check", client, base_url).map(Self)
    }

    async fn post(&self, question: FraudQuestion) -> Result<Verdict, PortError> {
        let body = json!({
            "reference": question.reference, "amount_minor": question.amount.minor(), "currency": question.amount.currency(),
            "customer_id": question.customer_id, "country": question.country,
        });
        let request = self.0.request(Method::POST, &["v1", "screenings"])?.header("Idempotency-Key", &question.key).json(&body);
        let answer = self.0.send(request).await?;
        match (answer.status, &answer.body) {
            (made, Ok(body)) if is_made(made) => {
                let screened = Screened::deserialize(body).map_err(|_| self.0.another("kind"))?;
                if screened.reference != question.reference {
                    return Err(self.0.another("order"));
                }
                Ok(screened.verdict)
            }
            _ => Err(answer.failure()),
        }
    }
}

impl FraudCheck for HttpFraudCheck {
    fn screen(&self, question: FraudQuestion) -> BoxFuture<'_, Result<Verdict, PortError>> {
        async move { self.post(question).await }.boxed()
    }
}
