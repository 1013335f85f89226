//! The carrier over HTTP (its calls: devstack's carrier module, which stands in for one).

use futures::{FutureExt, future::BoxFuture};
use reqwest::{Client, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::http::unreachable;
use crate::ports::{Booking, Carrier, LabelOrder, PortError};

/// A carrier at a base URL.
#[derive(Debug, Clone)]
pub struct HttpCarrier {
    client: Client,
    base_url: String,
}

#[derive(Debug, Deserialize)]
struct Label {
    carrier: String,
    tracking_number: String,
}

/// A label as the carrier's books have it.
#[derive(Debug, Deserialize)]
struct MadeLabel {
    tracking_number: String,
    voided: bool,
}

impl HttpCarrier {
    pub fn new(client: Client, base_url: impl Into<String>) -> Self {
        Self { client, base_url: base_url.into() }
    }

    async fn post(&self, label: LabelOrder) -> Result<Booking, PortError> {
        let mut body = json!({
            "reference": label.reference, "facility_id": label.facility_id, "service": label.service,
            "country": label.country, "weight_g": label.weight_g,
        });
        if let Some(postal_code) = label.postal_code {
            body["postal_code"] = Value::from(postal_code);
        }
        let request = self.client.post(format!("{}/v1/labels", self.base_url)).header("Idempotency-Key", &label.key).json(&body);
        // Under the same key a label is made once, so every failure to hear is worth another try.
        let answer = request.send().await.map_err(|error| unreachable("carrier", error))?;
        let status = answer.status();
        if status == StatusCode::CREATED || status == StatusCode::OK {
            let label: Label = answer.json().await.map_err(|error| unreachable("carrier", error))?;
            return Ok(Booking { carrier: label.carrier, tracking_number: label.tracking_number });
        }
        let body: Value = answer.json().await.unwrap_or_default();
        let code = body.get("code").and_then(Value::as_str).unwrap_or("no reason given").to_owned();
        if status.is_client_error() {
            Err(PortError::Refused(code))
        } else {
            Err(PortError::Unreachable(format!("carrier: {status} {code}")))
        }
    }
}

impl HttpCarrier {
    async fn void_label(&self, key: String) -> Result<(), PortError> {
        let unheard = |error| unreachable("carrier", error);
        let answer = self.client.get(format!("{}/v1/labels/{key}", self.base_url)).send().await.map_err(unheard)?;
        let label: MadeLabel = match answer.status() {
            StatusCode::NOT_FOUND => return Ok(()),
            StatusCode::OK => answer.json().await.map_err(unheard)?,
            other => return Err(PortError::Unreachable(format!("carrier: {other} to a question"))),
        };
        if label.voided {
            return Ok(());
        }
        let answer = self.client.delete(format!("{}/v1/labels/{}", self.base_url, label.tracking_number)).send().await.map_err(unheard)?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            status if status.is_client_error() => Err(PortError::Refused("the carrier has the parcel already".to_owned())),
            status => Err(PortError::Unreachable(format!("carrier: {status}"))),
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
