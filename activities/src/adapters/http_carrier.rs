//! The carrier over HTTP (its calls: devstack's carrier module, which stands in for one).
//!
//! | status | it means |
//! | --- | --- |
//! | 200, 201 of the label that was asked for | booked |
//! | 200, 201 of something else, cut short, over a megabyte, or no JSON | `Unexpected` |
//! | 401, 402, 403, 407 | `Denied`: the account |
//! | 408, 425, 429, 409 in flight, 503 with `Retry-After` | `Busy` |
//! | any other 4xx with a code | `Refused`: this parcel gets no label as it is |
//! | any other 5xx, no answer, not sent | `Unreachable`: under the same key a label is made once |
//! | a redirect, a 4xx without a code | `Unexpected` |

use futures::{FutureExt, future::BoxFuture};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::http::{Endpoint, HttpClient, InvalidBaseUrl, is_made};
use crate::ports::{Booking, Carrier, LabelOrder, PortError};

/// Longest name of a carrier, and longest tracking number.
const NAME_MAX_CHARS: usize = 64;

/// A carrier at a base URL.
#[derive(Debug, Clone)]
pub struct HttpCarrier(Endpoint);

/// A label as the carrier's books have it.
#[derive(Debug, Deserialize)]
struct Label {
    key: String,
    reference: String,
    carrier: String,
    tracking_number: String,
    #[serde(default)]
    voided: bool,
}

impl HttpCarrier {
    /// # Errors
    /// When the base URL is none.
    pub fn new(client: HttpClient, base_url: &str) -> Result<Self, InvalidBaseUrl> {
        Endpoint::new("carrier", client, base_url).map(Self)
    }

    async fn post(&self, order: LabelOrder) -> Result<Booking, PortError> {
        let mut body = json!({
            "reference": order.reference, "facility_id": order.facility_id, "service": order.service,
            "country": order.country, "weight_g": order.weight_g,
        });
        if let Some(postal_code) = &order.postal_code {
            body["postal_code"] = Value::from(postal_code.as_str());
        }
        let request = self.0.request(Method::POST, &["v1", "labels"])?.header("Idempotency-Key", &order.key).json(&body);
        // Under the same key a label is made once, so every failure to hear is worth another try.
        let answer = self.0.send(request).await?;
        match (answer.status, &answer.body, answer.refusal()) {
            (made, Ok(body), _) if is_made(made) => {
                let label = self.label(body, &order.key)?;
                if label.reference != order.reference {
                    return Err(self.0.another("parcel"));
                }
                Ok(Booking { carrier: label.carrier, tracking_number: label.tracking_number })
            }
            (409, _, Some(code)) => Err(PortError::Refused(code.to_owned())),
            (_, _, code) => Err(match (answer.failure(), code) {
                // People read it where it is clear who refuses.
                (PortError::Refused(_), Some(code)) => PortError::Refused(code.to_owned()),
                (failure, _) => failure,
            }),
        }
    }

    fn label(&self, body: &Value, key: &str) -> Result<Label, PortError> {
        let label = Label::deserialize(body).map_err(|_| self.0.another("kind"))?;
        if label.key != key {
            return Err(self.0.another("key"));
        }
        let is_name = |text: &str| (1..=NAME_MAX_CHARS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_name(&label.carrier) || !is_name(&label.tracking_number) {
            return Err(self.0.another("form of tracking number"));
        }
        Ok(label)
    }

    async fn void_label(&self, key: String) -> Result<(), PortError> {
        let answer = self.0.send(self.0.request(Method::GET, &["v1", "labels", &key])?).await?;
        let label = match (answer.status, &answer.body) {
            (404, _) if answer.code() == Some("not_found") => return Ok(()),
            (200, Ok(body)) => self.label(body, &key)?,
            _ => return Err(answer.failure()),
        };
        if label.voided {
            return Ok(());
        }
        let answer = self.0.send(self.0.request(Method::DELETE, &["v1", "labels", &label.tracking_number])?).await?;
        match (answer.status, answer.refusal()) {
            (200 | 204, _) => Ok(()),
            (409, Some(_)) => Err(PortError::Refused("the carrier has the parcel already".to_owned())),
            _ => Err(answer.failure()),
        }
    }
}

impl Carrier for HttpCarrier {
    fn book(&self, label: LabelOrder) -> BoxFuture<'_, Result<Booking, PortError>> {
        async move { self.post(label).await }.boxed()
    }

    fn void(&self, key: &str) -> BoxFuture<'_, Result<(), PortError>> {
        let key = key.to_owned();
        async move { self.void_label(key).await }.boxed()
    }
}
