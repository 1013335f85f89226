//! The carrier over HTTP (its calls: devstack's carrier module, which stands in for one).
//!
//! | status | it means |
//! | --- | --- |
//! | 200, 201 of the label that was asked for | booked |
//! | 200, 201 of something else, cut short, over a megabyte, or no JSON | `Unexpected` |
//! | a label document that is none, or over two megabytes | `Unexpected` |
//! | 401, 402, 403, 407 | `Denied`: the account |
//! | 408, 425, 429, 409 in flight, 503 with `Retry-After` | `Busy` |
//! | any other 4xx with a code | `Refused`: this parcel gets no label as it is |
//! | any other 5xx, no answer, not sent | `Unreachable`: under the same key a label is made once |
//! | a redirect, a 4xx without a code | `Unexpected` |

use futures::{
    FutureExt,
    future::{BoxFuture, try_join_all},
};
use jiff::Timestamp;
use oms_domain::{
    label::LabelFormat,
    money::{Currency, Money},
    parcel::ParcelAction,
};
use oms_store::LabelDocument;
use reqwest::Method;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::http::{Endpoint, HttpClient, InvalidBaseUrl, is_made};
use crate::ports::{
    Booking, Carrier, Content, KEPT_FORMATS, LabelOrder, Manifest, Party, Pickup, PickupRequest, PortError, Rate, TrackedScan, checked,
};

const SYSTEM: &str = "carrier";
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
    tracking_url: Option<String>,
    #[serde(default)]
    voided: bool,
}

#[derive(Debug, Deserialize)]
struct Rated {
    carrier: String,
    service: String,
    amount_minor: i64,
    currency: Currency,
    delivery_days: Option<u32>,
}

#[derive(Debug, Deserialize)]
struct Manifested {
    key: String,
    reference: String,
    labels: u32,
}

#[derive(Debug, Deserialize)]
struct PickedUp {
    key: String,
    confirmation: String,
}

#[derive(Debug, Deserialize)]
struct Tracked {
    tracking_number: String,
    scans: Vec<Scanned>,
}

#[derive(Debug, Deserialize)]
struct Scanned {
    event_id: String,
    status: String,
    occurred_at: Timestamp,
}

impl HttpCarrier {
    /// # Errors
    /// When the base URL is none.
    pub fn new(client: HttpClient, base_url: &str) -> Result<Self, InvalidBaseUrl> {
        Endpoint::new(SYSTEM, client, base_url).map(Self)
    }

    async fn post(&self, order: LabelOrder) -> Result<Booking, PortError> {
        let request = self.0.request(Method::POST, &["v1", "labels"])?.header("Idempotency-Key", &order.key).json(&body(&order));
        // Under the same key a label is made once, so every failure to hear is worth another try.
        let answer = self.0.send(request).await?;
        let label = match (answer.status, &answer.body, answer.refusal()) {
            (made, Ok(body), _) if is_made(made) => self.label(body, &order.key)?,
            (409, _, Some(code)) => return Err(PortError::Refused(code.to_owned())),
            (_, _, code) => {
                return Err(match (answer.failure(), code) {
                    // People read it where it is clear who refuses.
                    (PortError::Refused(_), Some(code)) => PortError::Refused(code.to_owned()),
                    (failure, _) => failure,
                });
            }
        };
        if label.reference != order.reference {
            return Err(self.0.another("parcel"));
        }
        let Label { carrier, tracking_number, tracking_url, .. } = label;
        let tracking_url = tracking_url.and_then(|url| self.0.address(&url, &[])).map(String::from);
        let documents = try_join_all(KEPT_FORMATS.map(|format| self.document(&order.key, format))).await?;
        Ok(Booking { carrier, tracking_number, tracking_url, documents: checked(SYSTEM, documents)? })
    }

    async fn document(&self, key: &str, format: LabelFormat) -> Result<LabelDocument, PortError> {
        let request = self.0.request(Method::GET, &["v1", "labels", key, "documents", format.name()])?;
        self.0.document(request, format).await
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

    /// Asks for something that is read, or made once under its key.
    async fn ask<T: DeserializeOwned>(&self, path: &[&str], key: Option<&str>, body: Option<Value>) -> Result<T, PortError> {
        let mut request = self.0.request(if body.is_some() { Method::POST } else { Method::GET }, path)?;
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = self.0.send(request).await?;
        match (answer.status, &answer.body) {
            (made, Ok(body)) if is_made(made) => T::deserialize(body).map_err(|_| self.0.another("kind")),
            _ => Err(answer.failure()),
        }
    }

    async fn rate(&self, order: LabelOrder) -> Result<Vec<Rate>, PortError> {
        #[derive(Deserialize)]
        struct Rates {
            rates: Vec<Rated>,
        }
        let Rates { rates } = self.ask(&["v1", "rates"], None, Some(body(&order))).await?;
        let rate = |rated: Rated| Rate {
            amount: Money::new(rated.amount_minor, rated.currency),
            carrier: rated.carrier,
            service: rated.service,
            delivery_days: rated.delivery_days,
        };
        Ok(rates.into_iter().map(rate).collect())
    }

    async fn close(&self, key: String, labels: Vec<String>) -> Result<Manifest, PortError> {
        let made: Manifested = self.ask(&["v1", "manifests"], Some(&key), Some(json!({"labels": labels}))).await?;
        if made.key != key {
            return Err(self.0.another("key"));
        }
        Ok(Manifest { reference: made.reference, labels: made.labels })
    }

    async fn pick_up(&self, asked: PickupRequest) -> Result<Pickup, PortError> {
        let body = json!({"from": party(&asked.from), "labels": asked.labels, "ready_at": asked.ready_at, "until": asked.until});
        let made: PickedUp = self.ask(&["v1", "pickups"], Some(&asked.key), Some(body)).await?;
        if made.key != asked.key {
            return Err(self.0.another("key"));
        }
        Ok(Pickup { confirmation: made.confirmation })
    }

    async fn scans(&self, tracking_number: String) -> Result<Vec<TrackedScan>, PortError> {
        let tracked: Tracked = self.ask(&["v1", "tracking", &tracking_number], None, None).await?;
        if tracked.tracking_number != tracking_number {
            return Err(self.0.another("tracking number"));
        }
        let scan = |scan: Scanned| {
            let action = ParcelAction::from_carrier_status(&scan.status)?;
            Some(TrackedScan { event_id: scan.event_id, action, occurred_at: scan.occurred_at })
        };
        Ok(tracked.scans.into_iter().filter_map(scan).collect())
    }
}

fn body(order: &LabelOrder) -> Value {
    let (piece, to) = (&order.piece, &order.to.address);
    let mut body = json!({
        "reference": order.reference, "facility_id": order.facility_id, "service": order.service,
        "country": to.country, "weight_g": piece.weight_g,
        "from": party(&order.from), "to": party(&order.to), "contents": order.contents.iter().map(content).collect::<Vec<_>>(),
    });
    if let Some(postal_code) = &to.postal_code {
        body["postal_code"] = Value::from(postal_code.as_str());
    }
    if let Some(size_mm) = piece.size_mm {
        body["size_mm"] = json!(size_mm);
    }
    body
}

fn party(party: &Party) -> Value {
    let address = &party.address;
    json!({
        "name": address.name, "line1": address.line1, "line2": address.line2, "city": address.city, "region": address.region,
        "postal_code": address.postal_code, "country": address.country, "phone": address.phone, "email": party.email,
    })
}

fn content(content: &Content) -> Value {
    json!({
        "sku": content.sku, "description": content.description, "quantity": content.quantity, "unit_weight_g": content.unit_weight_g,
        "unit_value_minor": content.unit_value.minor(), "currency": content.unit_value.currency(), "hs_code": content.hs_code,
        "origin_country": content.origin_country,
    })
}

impl Carrier for HttpCarrier {
    fn rates(&self, label: LabelOrder) -> BoxFuture<'_, Result<Vec<Rate>, PortError>> {
        async move { self.rate(label).await }.boxed()
    }

    fn book(&self, label: LabelOrder) -> BoxFuture<'_, Result<Booking, PortError>> {
        async move { self.post(label).await }.boxed()
    }

    fn void(&self, key: &str) -> BoxFuture<'_, Result<(), PortError>> {
        let key = key.to_owned();
        async move { self.void_label(key).await }.boxed()
    }

    fn manifest(&self, key: &str, labels: Vec<String>) -> BoxFuture<'_, Result<Manifest, PortError>> {
        let key = key.to_owned();
        async move { self.close(key, labels).await }.boxed()
    }

    fn request_pickup(&self, pickup: PickupRequest) -> BoxFuture<'_, Result<Pickup, PortError>> {
        async move { self.pick_up(pickup).await }.boxed()
    }

    fn track(&self, tracking_number: &str) -> BoxFuture<'_, Result<Vec<TrackedScan>, PortError>> {
        let number = tracking_number.to_owned();
        async move { self.scans(number).await }.boxed()
    }
}
