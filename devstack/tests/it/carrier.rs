//! The carrier: labels, and scans as parcels travel.

use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::routing::post as on_post;
use axum::{Json, Router};
use oms_devstack::{CarrierOptions, CarrierService, DataDir, Home, Listen};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{eventually, get, impatient, post};

struct Carrier {
    service: CarrierService,
    _home: Arc<Home>,
}

impl Carrier {
    async fn start(time_scale: u32, events_url: Option<String>) -> Self {
        let home = Home::open(&DataDir::Ephemeral).await.expect("a folder");
        let options = CarrierOptions { listen: Listen::Loopback { port: None }, time_scale, events_url, events_key: None };
        let service = CarrierService::start(&home, &options).expect("a carrier");
        Self { service, _home: home }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.service.url())
    }

    async fn label(&self, key: &str, changes: Value) -> (u16, Value) {
        let mut body = json!({"reference": "1-F1-P1", "facility_id": "F1", "service": "standard", "country": "GB", "weight_g": 900});
        for (field, value) in changes.as_object().expect("an object") {
            body[field] = value.clone();
        }
        let (status, answer) = post(&self.url("/v1/labels"), key, &body).await.expect("an answer");
        (status.as_u16(), answer)
    }

    async fn void(&self, number: &str) -> StatusCode {
        let sent = impatient().delete(self.url(&format!("/v1/labels/{number}"))).send().await;
        sent.expect("an answer").status()
    }
}

fn number(answer: &(u16, Value)) -> String {
    assert_eq!(answer.0, 201, "{}", answer.1);
    answer.1["tracking_number"].as_str().expect("a tracking number").to_owned()
}

#[tokio::test]
async fn a_key_has_one_label() {
    let carrier = Carrier::start(1, None).await;
    let first = carrier.label("k1", json!({})).await;
    assert_eq!(first.1["carrier"], "SIMPOST");
    assert_eq!(carrier.label("k1", json!({})).await, first);
    let (status, other) = carrier.label("k1", json!({"weight_g": 901})).await;
    assert_eq!((status, &other["code"]), (422, &json!("idempotency_key_reused")));
    let (status, other) = carrier.label("k2", json!({})).await;
    assert_eq!((status, &other["code"]), (409, &json!("already_labelled")), "one parcel, one label");
    let (status, found) = get(&carrier.url("/v1/labels/k1")).await;
    assert_eq!((status, &found["tracking_number"], &found["voided"]), (StatusCode::OK, &first.1["tracking_number"], &json!(false)));
    assert_eq!(get(&carrier.url("/v1/labels/k2")).await.0, StatusCode::NOT_FOUND);
    let printed = impatient().get(first.1["label_url"].as_str().expect("a URL")).send().await.expect("the label");
    assert!(printed.text().await.expect("text").contains(&number(&first)));
}

#[tokio::test]
async fn the_number_follows_from_the_reference() {
    let (one, another) = (Carrier::start(1, None).await, Carrier::start(1, None).await);
    let first = number(&one.label("k1", json!({})).await);
    assert_eq!(number(&another.label("other", json!({"weight_g": 5})).await), first);
    assert_ne!(number(&one.label("k2", json!({"reference": "2-F1-P1"})).await), first);
}

#[tokio::test]
async fn a_void_label_is_replaced_by_one_with_another_number() {
    let carrier = Carrier::start(1, None).await;
    let first = number(&carrier.label("k1", json!({})).await);
    assert_eq!(carrier.void(&first).await, StatusCode::NO_CONTENT);
    assert_eq!(carrier.void(&first).await, StatusCode::NO_CONTENT, "void already");
    assert_eq!(carrier.void("SIM0").await, StatusCode::NOT_FOUND);
    assert_ne!(number(&carrier.label("k2", json!({})).await), first);
    let (_, found) = get(&carrier.url("/v1/labels/k1")).await;
    assert_eq!(found["voided"], true);
}

#[tokio::test]
async fn it_refuses_what_it_does_not_take() {
    let carrier = Carrier::start(1, None).await;
    for (changes, code) in [
        (json!({"postal_code": "00000"}), "destination_not_served"),
        (json!({"weight_g": 30_001}), "weight_not_accepted"),
        (json!({"weight_g": 0}), "weight_not_accepted"),
        (json!({"surprise": 1}), "invalid_request"),
    ] {
        let (status, answer) = carrier.label("k1", changes).await;
        assert_eq!((status, &answer["code"]), (422, &json!(code)));
    }
    let set = impatient().post(carrier.url("/control")).json(&json!({"refuse_next": 1})).send().await.expect("an answer");
    assert_eq!(set.status(), StatusCode::NO_CONTENT);
    let (status, answer) = carrier.label("k1", json!({})).await;
    assert_eq!((status, &answer["code"]), (422, &json!("refused_by_control")));
    number(&carrier.label("k1", json!({})).await);
}

/// What an events URL was sent, and how often it refuses first.
#[derive(Clone, Default)]
struct Inbox {
    events: Arc<Mutex<Vec<Value>>>,
    refusals: Arc<Mutex<u32>>,
}

impl Inbox {
    async fn start(refusals: u32) -> (Self, String) {
        let inbox = Self { refusals: Arc::new(Mutex::new(refusals)), ..Self::default() };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/events", listener.local_addr().expect("an address"));
        let app = Router::new().route("/events", on_post(Self::take)).with_state(inbox.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        (inbox, url)
    }

    async fn take(State(inbox): State<Self>, Json(mut batch): Json<Value>) -> StatusCode {
        let mut refusals = inbox.refusals.lock().expect("a lock");
        if *refusals > 0 {
            *refusals -= 1;
            return StatusCode::SERVICE_UNAVAILABLE;
        }
        let events = batch["events"].as_array_mut().expect("events");
        inbox.events.lock().expect("a lock").append(events);
        StatusCode::ACCEPTED
    }

    fn statuses(&self, number: &str) -> Vec<String> {
        let events = self.events.lock().expect("a lock");
        let of_parcel = events.iter().filter(|event| event["tracking_number"] == number);
        of_parcel.map(|event| event["status"].as_str().expect("a status").to_owned()).collect()
    }
}

#[tokio::test]
async fn scans_are_posted_in_order_until_they_are_taken() {
    let (inbox, url) = Inbox::start(2).await;
    // 50 hours in 0.9 s.
    let carrier = Carrier::start(200_000, Some(url)).await;
    let parcel = number(&carrier.label("k1", json!({})).await);
    eventually("the parcel is delivered", async || inbox.statuses(&parcel).len() >= 4).await;
    assert_eq!(inbox.statuses(&parcel), ["handed_over", "in_transit", "out_for_delivery", "delivered"]);
    assert_eq!(*inbox.refusals.lock().expect("a lock"), 0, "it was refused, and tried again");
    let event = inbox.events.lock().expect("a lock")[0].clone();
    assert_eq!(event["carrier"], "SIMPOST");
    assert!(event["event_id"].is_string() && event["occurred_at"].is_string(), "{event}");
    assert_eq!(carrier.void(&parcel).await, StatusCode::CONFLICT, "it has left");
}

#[tokio::test]
async fn void_parcels_stay_and_others_travel_once_there_is_a_url() {
    let (inbox, url) = Inbox::start(0).await;
    let carrier = Carrier::start(200_000, None).await;
    let void = number(&carrier.label("k1", json!({})).await);
    let travels = number(&carrier.label("k2", json!({"reference": "2-F1-P1"})).await);
    assert_eq!(carrier.void(&void).await, StatusCode::NO_CONTENT);
    carrier.service.send_events_to(&url, None);
    eventually("the parcel is delivered", async || inbox.statuses(&travels).len() >= 4).await;
    assert_eq!(inbox.statuses(&void), Vec::<String>::new());
}
