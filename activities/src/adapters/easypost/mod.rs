//! EasyPost: a shipment for each label, bought at one of the rates that it is offered for.
//!
//! | house | EasyPost |
//! | --- | --- |
//! | by key | the key is the shipment's `reference`, which stands for its id: `GET /v2/shipments/{key}` before anything is made or bought |
//! | rates | `POST /v2/shipments` without a reference |
//! | book | `POST /v2/shipments`, `POST /v2/shipments/{id}/buy`, `GET /v2/shipments/{id}/label?file_format=` for each format, and the files |
//! | void | `POST /v2/shipments/{id}/refund`, unless it is not bought or given back already |
//! | manifest | `POST /v2/scan_forms` |
//! | pickup | `POST /v2/pickups`, `POST /v2/pickups/{id}/buy` |
//! | track | `POST /v2/trackers`: of a number that is known the same tracker |
//!
//! `standard` and `return` go by the cheapest rate, `express` by the fastest, and of those the cheapest.
//!
//! | status | it means |
//! | --- | --- |
//! | 200, 201 of the shipment that was asked for | done |
//! | 200, 201 of something else, cut short, over a megabyte, or no JSON | `Unexpected` |
//! | a file elsewhere than at EasyPost's, or that is no label document | `Unexpected` |
//! | 401, 402, 403 | `Denied`: the key, or the account's balance |
//! | 404 of what is looked up | there is none |
//! | 408, 409, 425, 429, 503 with `Retry-After` | `Busy` |
//! | any other 4xx with a code | `Refused` |
//! | any other 5xx, no answer, not sent | `Unreachable`: what was made is found by its key |

mod objects;
mod webhook;

use futures::{FutureExt, future::BoxFuture};
use oms_domain::label::LabelFormat;
use oms_store::LabelDocument;
use reqwest::{Method, RequestBuilder};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use self::objects::{FILE_HOSTS, Made, Offer, Shipment, TRACKING_HOSTS, Tracker, address, shipment};
pub use self::webhook::{read as read_webhook, signature as easypost_signature};
use super::{
    credential::Credential,
    http::{Endpoint, HttpClient, InvalidBaseUrl, is_made},
};
use crate::ports::{Booking, Carrier, KEPT_FORMATS, LabelOrder, Manifest, Pickup, PickupRequest, PortError, Rate, TrackedScan, checked};

const SYSTEM: &str = "EasyPost";
pub const EASYPOST_URL: &str = "https://api.easypost.com";
/// It was bought meanwhile.
const BOUGHT_ALREADY: &str = "SHIPMENT.POSTAGE.EXISTS";
const NOT_FOUND: [&str; 2] = ["NOT_FOUND", "SHIPMENT.NOT_FOUND"];

/// An account at EasyPost.
#[derive(Debug, Clone)]
pub struct EasyPost {
    endpoint: Endpoint,
    api_key: Credential,
}

impl EasyPost {
    /// # Errors
    /// When the base URL is none.
    pub fn new(client: HttpClient, base_url: &str, api_key: Credential) -> Result<Self, InvalidBaseUrl> {
        Ok(Self { endpoint: Endpoint::new(SYSTEM, client, base_url)?, api_key })
    }

    fn request(&self, method: Method, path: &[&str]) -> Result<RequestBuilder, PortError> {
        let api_key = self.api_key.current()?;
        Ok(self.endpoint.request(method, path)?.basic_auth(api_key.expose_secret(), None::<&str>))
    }

    fn read<T: DeserializeOwned>(&self, body: &Value) -> Result<T, PortError> {
        T::deserialize(body).map_err(|_| self.endpoint.another("kind"))
    }

    async fn post<T: DeserializeOwned>(&self, path: &[&str], body: &Value) -> Result<T, PortError> {
        let answer = self.endpoint.send(self.request(Method::POST, path)?.json(body)).await?;
        match (answer.status, &answer.body) {
            (made, Ok(body)) if is_made(made) => self.read(body),
            // People read it where it is clear who refuses.
            _ => Err(match (answer.failure(), answer.code()) {
                (PortError::Refused(_), Some(code)) => PortError::Refused(code.to_owned()),
                (failure, _) => failure,
            }),
        }
    }

    async fn look_up<T: DeserializeOwned>(&self, path: &[&str]) -> Result<Option<T>, PortError> {
        let answer = self.endpoint.send(self.request(Method::GET, path)?).await?;
        match (answer.status, &answer.body) {
            (404, _) if answer.code().is_some_and(|code| NOT_FOUND.contains(&code)) => Ok(None),
            (200, Ok(body)) => self.read(body).map(Some),
            _ => Err(answer.failure()),
        }
    }

    /// The shipment under a key, if there is one.
    async fn find(&self, key: &str) -> Result<Option<Shipment>, PortError> {
        let found = self.look_up::<Shipment>(&["v2", "shipments", key]).await?;
        found.map(|shipment| self.of(shipment, key)).transpose()
    }

    fn of(&self, shipment: Shipment, key: &str) -> Result<Shipment, PortError> {
        if shipment.reference.as_deref() == Some(key) { Ok(shipment) } else { Err(self.endpoint.another("key")) }
    }

    async fn book_once(&self, order: LabelOrder) -> Result<Booking, PortError> {
        let made = match self.find(&order.key).await? {
            Some(made) => made,
            None => self.of(self.post(&["v2", "shipments"], &shipment(&order, Some(&order.key))?).await?, &order.key)?,
        };
        let bought = if made.is_bought() { made } else { self.buy(&order, made).await? };
        self.booked(bought).await
    }

    async fn buy(&self, order: &LabelOrder, made: Shipment) -> Result<Shipment, PortError> {
        let rate = made.best(&order.service).ok_or_else(|| PortError::Refused(made.why_no_rate()))?;
        let bought = self.post::<Shipment>(&["v2", "shipments", &made.id, "buy"], &json!({"rate": {"id": rate.id}})).await;
        let bought = match bought {
            Err(PortError::Refused(code)) if code == BOUGHT_ALREADY => self.find(&order.key).await?,
            bought => Some(bought?),
        };
        let bought = bought.filter(|bought| bought.id == made.id).ok_or_else(|| self.endpoint.another("shipment"))?;
        if bought.is_bought() { Ok(bought) } else { Err(self.endpoint.another("state")) }
    }

    async fn booked(&self, shipment: Shipment) -> Result<Booking, PortError> {
        let (carrier, tracking_number) = shipment.label().ok_or_else(|| self.endpoint.another("form of tracking number"))?;
        let tracking_url = shipment.tracking_url().and_then(|url| self.endpoint.address(url, &TRACKING_HOSTS)).map(String::from);
        let mut documents = Vec::new();
        // One after the other: each is a conversion of the same label.
        for format in KEPT_FORMATS {
            documents.push(self.document(&shipment, format).await?);
        }
        Ok(Booking { carrier, tracking_number, tracking_url, documents: checked(SYSTEM, documents)? })
    }

    async fn document(&self, shipment: &Shipment, format: LabelFormat) -> Result<LabelDocument, PortError> {
        let url = match shipment.file(format) {
            Some(url) => url.to_owned(),
            None => {
                let request = self.request(Method::GET, &["v2", "shipments", &shipment.id, "label"])?;
                let answer = self.endpoint.send(request.query(&[("file_format", format.name().to_uppercase())])).await?;
                let converted: Shipment = match (answer.status, &answer.body) {
                    (200, Ok(body)) => self.read(body)?,
                    _ => return Err(answer.failure()),
                };
                converted.file(format).filter(|_| converted.id == shipment.id).ok_or_else(|| self.endpoint.another("format"))?.to_owned()
            }
        };
        let url = self.endpoint.address(&url, &FILE_HOSTS).ok_or_else(|| self.endpoint.another("host of a label"))?;
        // The files need no key, and get none.
        self.endpoint.document(self.endpoint.fetch(url), format).await
    }

    async fn rate(&self, order: LabelOrder) -> Result<Vec<Rate>, PortError> {
        let offered: Shipment = self.post(&["v2", "shipments"], &shipment(&order, None)?).await?;
        Ok(offered.rates.iter().filter_map(Offer::rate).collect())
    }

    async fn give_back(&self, key: &str) -> Result<(), PortError> {
        let Some(found) = self.find(key).await? else { return Ok(()) };
        if !found.is_bought() || found.is_given_back() {
            return Ok(());
        }
        let asked: Shipment = self.post(&["v2", "shipments", &found.id, "refund"], &json!({})).await?;
        match asked.refund_status.as_deref() {
            _ if asked.id != found.id => Err(self.endpoint.another("shipment")),
            Some("submitted" | "refunded" | "not_applicable") => Ok(()),
            Some("rejected") => Err(PortError::Refused("the carrier has the parcel already".to_owned())),
            _ => Err(self.endpoint.another("state")),
        }
    }

    async fn close(&self, labels: Vec<String>) -> Result<Manifest, PortError> {
        // A shipment stands on one form: the first tells whether it was made.
        let first = labels.first().ok_or_else(|| PortError::Refused("a manifest of no labels".to_owned()))?;
        let known = self.find(first).await?.and_then(|shipment| shipment.scan_form);
        let ids: Vec<Value> = labels.iter().map(|key| json!({"id": key})).collect();
        let form = match known {
            Some(form) => form,
            None => self.post(&["v2", "scan_forms"], &json!({"shipments": ids})).await?,
        };
        let labels = u32::try_from(form.tracking_codes.len()).unwrap_or(u32::MAX);
        Ok(Manifest { reference: form.id, labels })
    }

    async fn pick_up(&self, asked: PickupRequest) -> Result<Pickup, PortError> {
        let made = match self.look_up::<Made>(&["v2", "pickups", &asked.key]).await? {
            Some(made) => made,
            None => {
                let labels: Vec<Value> = asked.labels.iter().map(|key| json!({"id": key})).collect();
                let body = json!({"pickup": {
                    "reference": asked.key, "address": address(&asked.from)?, "shipments": labels, "is_account_address": false,
                    "min_datetime": asked.ready_at, "max_datetime": asked.until,
                }});
                self.post(&["v2", "pickups"], &body).await?
            }
        };
        if let Some(confirmation) = made.confirmation {
            return Ok(Pickup { confirmation });
        }
        let rate = made.pickup_rates.first().ok_or_else(|| PortError::Refused("nobody comes there then".to_owned()))?;
        let body = json!({"carrier": rate.carrier, "service": rate.service});
        let bought: Made = self.post(&["v2", "pickups", &made.id, "buy"], &body).await?;
        let confirmation = bought.confirmation.ok_or_else(|| self.endpoint.another("state"))?;
        Ok(Pickup { confirmation })
    }

    async fn scans(&self, tracking_number: &str) -> Result<Vec<TrackedScan>, PortError> {
        let tracker: Tracker = self.post(&["v2", "trackers"], &json!({"tracker": {"tracking_code": tracking_number}})).await?;
        if tracker.tracking_code != tracking_number {
            return Err(self.endpoint.another("tracking number"));
        }
        Ok(tracker.scans())
    }
}

impl Carrier for EasyPost {
    fn rates(&self, label: LabelOrder) -> BoxFuture<'_, Result<Vec<Rate>, PortError>> {
        async move { self.rate(label).await }.boxed()
    }

    fn book(&self, label: LabelOrder) -> BoxFuture<'_, Result<Booking, PortError>> {
        async move { self.book_once(label).await }.boxed()
    }

    fn void(&self, key: &str) -> BoxFuture<'_, Result<(), PortError>> {
        let key = key.to_owned();
        async move { self.give_back(&key).await }.boxed()
    }

    fn manifest(&self, _key: &str, labels: Vec<String>) -> BoxFuture<'_, Result<Manifest, PortError>> {
        async move { self.close(labels).await }.boxed()
    }

    fn request_pickup(&self, pickup: PickupRequest) -> BoxFuture<'_, Result<Pickup, PortError>> {
        async move { self.pick_up(pickup).await }.boxed()
    }

    fn track(&self, tracking_number: &str) -> BoxFuture<'_, Result<Vec<TrackedScan>, PortError>> {
        let number = tracking_number.to_owned();
        async move { self.scans(&number).await }.boxed()
    }
}
