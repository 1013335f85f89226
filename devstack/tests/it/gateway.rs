//! The payment gateway: keys, tokens, and no money out of nothing.

use std::sync::Arc;

use oms_devstack::{DataDir, Home, Listen, PaymentGateway, PaymentGatewayOptions};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{get, impatient, post};

struct Gateway {
    service: PaymentGateway,
    _home: Arc<Home>,
}

impl Gateway {
    /// Time flies: what is slow at scale 1 is within a client's patience.
    async fn start() -> Self {
        let home = Home::open(&DataDir::Ephemeral).await.expect("a folder");
        let options = PaymentGatewayOptions { listen: Listen::Loopback { port: None }, time_scale: 100 };
        let service = PaymentGateway::start(&home, &options).expect("a gateway");
        Self { service, _home: home }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.service.url())
    }

    async fn authorize(&self, key: &str, reference: &str, token: &str) -> Option<(StatusCode, Value)> {
        let body = json!({"reference": reference, "amount_minor": 1000, "currency": "GBP", "token": token});
        post(&self.url("/v1/authorizations"), key, &body).await
    }

    /// An authorization over 10.00 and its id.
    async fn authorized(&self, reference: &str, token: &str) -> String {
        let (status, body) = self.authorize(&format!("{reference}:a"), reference, token).await.expect("an answer");
        assert_eq!((status, &body["status"]), (StatusCode::CREATED, &json!("succeeded")), "{body}");
        body["id"].as_str().expect("an id").to_owned()
    }

    async fn take(&self, path: &str, key: &str, amount_minor: i64) -> Option<(StatusCode, Value)> {
        post(&self.url(path), key, &json!({"amount_minor": amount_minor})).await
    }

    async fn captured(&self, authorization: &str, key: &str, amount_minor: i64) -> String {
        let path = format!("/v1/authorizations/{authorization}/captures");
        let (status, body) = self.take(&path, key, amount_minor).await.expect("an answer");
        assert_eq!(status, StatusCode::CREATED, "{body}");
        body["id"].as_str().expect("an id").to_owned()
    }
}

fn code(answer: Option<(StatusCode, Value)>) -> (u16, String) {
    let (status, body) = answer.expect("an answer");
    (status.as_u16(), body["code"].as_str().unwrap_or_default().to_owned())
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn a_key_has_one_answer() {
    let gateway = Gateway::start().await;
    let first = gateway.authorize("k1", "1", "tok_1").await;
    assert_eq!(gateway.authorize("k1", "1", "tok_1").await, first);
    assert_eq!(code(gateway.authorize("k1", "2", "tok_1").await), refused(422, "idempotency_key_reused"));
    assert_eq!(code(gateway.authorize("k1", "1", "tok_2").await), refused(422, "idempotency_key_reused"));
    let (_, operations) = get(&gateway.url("/v1/operations?reference=1")).await;
    assert_eq!(operations["items"].as_array().map(Vec::len), Some(1), "{operations}");
}

#[tokio::test]
async fn a_request_without_a_key_or_with_a_bad_body_does_nothing() {
    let gateway = Gateway::start().await;
    let body = json!({"reference": "1", "amount_minor": 1000, "currency": "GBP", "token": "tok_1"});
    let url = gateway.url("/v1/authorizations");
    let keyless = impatient().post(&url).json(&body).send().await.expect("an answer");
    assert_eq!(keyless.status(), StatusCode::BAD_REQUEST);
    for (field, wrong) in
        [("amount_minor", json!(0)), ("amount_minor", json!(-5)), ("amount_minor", json!("10")), ("token", json!("4111111111111111"))]
    {
        let mut body = body.clone();
        body[field] = wrong;
        let (status, answer) = post(&url, "k1", &body).await.expect("an answer");
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert!(!answer.to_string().contains("4111"), "the answer quotes the request: {answer}");
    }
    let (_, operations) = get(&gateway.url("/v1/operations")).await;
    assert_eq!(operations["items"], json!([]));
}

#[tokio::test]
async fn money_comes_from_somewhere() {
    let gateway = Gateway::start().await;
    let authorization = gateway.authorized("1", "tok_1").await;
    let captures = format!("/v1/authorizations/{authorization}/captures");
    assert_eq!(code(gateway.take(&captures, "c0", 1001).await), refused(409, "amount_exceeds_authorization"));
    let capture = gateway.captured(&authorization, "c1", 600).await;
    assert_eq!(code(gateway.take(&captures, "c2", 401).await), refused(409, "amount_exceeds_authorization"));
    let refunds = format!("/v1/captures/{capture}/refunds");
    let (status, refund) = gateway.take(&refunds, "r1", 500).await.expect("an answer");
    assert_eq!((status, &refund["amount_minor"]), (StatusCode::CREATED, &json!(500)));
    assert_eq!(code(gateway.take(&refunds, "r2", 101).await), refused(409, "amount_exceeds_capture"));
    let (status, void) =
        post(&gateway.url(&format!("/v1/authorizations/{authorization}/void")), "v1", &json!({})).await.expect("an answer");
    assert_eq!((status, &void["amount_minor"]), (StatusCode::CREATED, &json!(400)), "what was not captured");
    assert_eq!(code(gateway.take(&captures, "c3", 1).await), refused(409, "authorization_voided"));
    assert_eq!(code(gateway.take("/v1/captures/cap_none/refunds", "r3", 1).await), refused(404, "not_found"));
    assert_eq!(code(gateway.take(&format!("/v1/captures/{authorization}/refunds"), "r4", 1).await), refused(404, "not_found"));
}

#[tokio::test]
async fn simultaneous_captures_share_one_authorization() {
    let gateway = Gateway::start().await;
    let authorization = gateway.authorized("1", "tok_1").await;
    let captures = format!("/v1/authorizations/{authorization}/captures");
    let keys: Vec<String> = (0..5).map(|n| format!("c{n}")).collect();
    let (a, b, c, d, e) = tokio::join!(
        gateway.take(&captures, &keys[0], 300),
        gateway.take(&captures, &keys[1], 300),
        gateway.take(&captures, &keys[2], 300),
        gateway.take(&captures, &keys[3], 300),
        gateway.take(&captures, &keys[4], 300),
    );
    let codes = [a, b, c, d, e].map(|answer| code(answer).0);
    assert_eq!(codes.iter().filter(|status| **status == 201).count(), 3, "{codes:?}");
    assert_eq!(codes.iter().filter(|status| **status == 409).count(), 2, "{codes:?}");
}

#[tokio::test]
async fn declining_tokens_decline() {
    let gateway = Gateway::start().await;
    let hard = gateway.authorize("h", "1", "tok_decline_hard").await.expect("an answer");
    assert_eq!(hard, (StatusCode::PAYMENT_REQUIRED, json!({"status": "declined", "decline": "hard", "code": "card_declined"})));
    let soft = gateway.authorize("s", "2", "tok_decline_soft").await.expect("an answer");
    assert_eq!(soft, (StatusCode::PAYMENT_REQUIRED, json!({"status": "declined", "decline": "soft", "code": "insufficient_funds"})));
    assert_eq!(gateway.authorize("s", "2", "tok_decline_soft").await, Some(soft), "a decline is an answer too");
}

#[tokio::test]
async fn soft_once_approves_the_second_attempt_of_a_reference() {
    let gateway = Gateway::start().await;
    assert_eq!(code(gateway.authorize("k1", "1", "tok_soft_once").await), refused(402, "insufficient_funds"));
    assert_eq!(code(gateway.authorize("k2", "1", "tok_soft_once").await), refused(201, ""));
    assert_eq!(code(gateway.authorize("k3", "2", "tok_soft_once").await), refused(402, "insufficient_funds"), "another reference");
}

#[tokio::test]
async fn a_timeout_after_the_work_is_told_by_key() {
    let gateway = Gateway::start().await;
    assert_eq!(gateway.authorize("k1", "1", "tok_timeout").await, None);
    let (status, operation) = get(&gateway.url("/v1/operations/k1")).await;
    assert_eq!((status, &operation["status"]), (StatusCode::OK, &json!("succeeded")));
    let (status, again) = gateway.authorize("k1", "1", "tok_timeout").await.expect("the first answer, at once");
    assert_eq!((status, &again), (StatusCode::CREATED, &operation["answer"]["body"]));

    let authorization = gateway.authorized("2", "tok_timeout_capture").await;
    let captures = format!("/v1/authorizations/{authorization}/captures");
    assert_eq!(gateway.take(&captures, "c1", 1000).await, None);
    let (_, operation) = get(&gateway.url("/v1/operations/c1")).await;
    assert_eq!((&operation["kind"], &operation["status"]), (&json!("capture"), &json!("succeeded")));
}

#[tokio::test]
async fn a_timeout_before_the_work_leaves_nothing() {
    let gateway = Gateway::start().await;
    assert_eq!(gateway.authorize("k1", "1", "tok_timeout_before").await, None);
    let (status, _) = get(&gateway.url("/v1/operations/k1")).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(code(gateway.authorize("k1", "1", "tok_timeout_before").await).0, 201);
}

#[tokio::test]
async fn errors_end_after_as_many_attempts_as_the_token_says() {
    let gateway = Gateway::start().await;
    assert_eq!(code(gateway.authorize("k1", "1", "tok_errors_2").await).0, 500);
    assert_eq!(code(gateway.authorize("k1", "1", "tok_errors_2").await).0, 500);
    let (status, _) = get(&gateway.url("/v1/operations/k1")).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "an error is no operation");
    assert_eq!(code(gateway.authorize("k1", "1", "tok_errors_2").await).0, 201);
}

#[tokio::test]
async fn slow_is_slow_and_shrinks_with_the_time_scale() {
    let gateway = Gateway::start().await;
    let begun = std::time::Instant::now();
    gateway.authorized("1", "tok_slow").await;
    assert!(begun.elapsed().as_millis() >= 30, "3 s at scale 100");
}

#[tokio::test]
async fn captures_and_refunds_fail_on_their_tokens() {
    let gateway = Gateway::start().await;
    let authorization = gateway.authorized("1", "tok_decline_capture").await;
    let captures = format!("/v1/authorizations/{authorization}/captures");
    assert_eq!(code(gateway.take(&captures, "c1", 1000).await), refused(402, "capture_declined"));
    let authorization = gateway.authorized("2", "tok_refund_fails").await;
    let capture = gateway.captured(&authorization, "c2", 1000).await;
    let refunds = format!("/v1/captures/{capture}/refunds");
    assert_eq!(code(gateway.take(&refunds, "r1", 1000).await), refused(402, "refund_failed"));
}

#[tokio::test]
async fn the_reconciler_reads_every_operation_in_pages() {
    let gateway = Gateway::start().await;
    for reference in ["1", "2", "1", "3"] {
        let key = format!("k{}", get(&gateway.url("/v1/operations")).await.1["items"].as_array().map_or(0, Vec::len));
        gateway.authorize(&key, reference, "tok_1").await;
    }
    let (mut after, mut keys) = (json!(0), Vec::new());
    while !after.is_null() {
        let (_, page) = get(&gateway.url(&format!("/v1/operations?after={after}&limit=3"))).await;
        keys.extend(page["items"].as_array().expect("items").iter().map(|item| item["key"].clone()));
        after = page["next_after"].clone();
    }
    assert_eq!(keys, ["k0", "k1", "k2", "k3"]);
    let (_, of_one) = get(&gateway.url("/v1/operations?reference=1&limit=50")).await;
    let positions: Vec<_> = of_one["items"].as_array().expect("items").iter().map(|item| item["position"].clone()).collect();
    assert_eq!(positions, [1, 3]);
    assert!(!of_one.to_string().contains("tok_"), "tokens are not shown: {of_one}");
}

#[tokio::test]
async fn control_takes_it_down_and_refuses() {
    let gateway = Gateway::start().await;
    let control = async |setting: Value| {
        let sent = impatient().post(gateway.url("/control")).json(&setting).send().await;
        assert_eq!(sent.expect("an answer").status(), StatusCode::NO_CONTENT);
    };
    control(json!({"down_for_ms": 600_000})).await;
    assert_eq!(code(gateway.authorize("k1", "1", "tok_1").await), refused(503, "down"));
    let health = impatient().get(gateway.url("/healthz")).send().await.expect("an answer");
    assert_eq!(health.status(), StatusCode::OK);
    control(json!({"refuse_next": 1})).await;
    assert_eq!(code(gateway.authorize("k1", "1", "tok_1").await), refused(409, "refused_by_control"));
    assert_eq!(code(gateway.authorize("k1", "1", "tok_1").await).0, 201, "down no more, and the refusal was not kept");
    control(json!({"slow_ms": 600_000})).await;
    assert_eq!(gateway.authorize("k2", "1", "tok_1").await, None);
    control(json!({})).await;
    assert_eq!(code(gateway.authorize("k2", "1", "tok_1").await).0, 201);
}
