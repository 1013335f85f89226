//! What each status of a system outside means, across HTTP: a table for each port, and one for what is no answer at all.

use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::future::BoxFuture;
use oms_activities::{
    adapters::{HttpCarrier, HttpClient, HttpFraudCheck, HttpGateway},
    ports::{Carrier, FraudCheck, Operation, PaymentGateway, PortError},
};
use oms_domain::payment::{Decline, OperationOutcome};
use reqwest::Method;
use serde_json::{Value, json};

use super::{authorize, label, outside, pounds, question, under};
use crate::support::{
    books::trouble,
    http::{Answer, SIMULATORS_ANSWER_WITHIN, asked_of_simulator},
    run,
};

/// What came of a call, without the words.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Came {
    Done,
    Unknown,
    Declined(Decline),
    Nothing,
    Unreachable,
    Busy(Option<u64>),
    Denied,
    Refused,
    Unexpected,
}
use Came::*;

impl From<PortError> for Came {
    fn from(error: PortError) -> Self {
        match error {
            PortError::Unreachable(_) => Unreachable,
            PortError::Busy { after, .. } => Busy(after.as_ref().map(Duration::as_secs)),
            PortError::Denied(_) => Denied,
            PortError::Refused(_) => Refused,
            PortError::Unexpected(_) => Unexpected,
        }
    }
}

fn of(outcome: Result<OperationOutcome, PortError>) -> Came {
    match outcome {
        Ok(OperationOutcome::Succeeded { .. }) => Done,
        Ok(OperationOutcome::Declined { decline, .. }) => Declined(decline),
        Ok(OperationOutcome::Unknown) => Unknown,
        Err(error) => error.into(),
    }
}

/// Every call here is answered; one that is not in time would mean something else than its answer.
fn http() -> Result<HttpClient> {
    Ok(HttpClient::answering_within(SIMULATORS_ANSWER_WITHIN)?)
}

/// One call of a port, under a key that nobody has used.
type Call<'a> = &'a dyn Fn(usize) -> BoxFuture<'a, Came>;

/// Answers in place of the simulator's own, and what comes of the call then.
async fn each(url: &str, call: Call<'_>, table: Vec<(Value, Came)>) -> Result<()> {
    for (number, (answer, expected)) in table.into_iter().enumerate() {
        trouble(url, json!({"answer_next": answer})).await?;
        assert_eq!(call(number).await, expected, "{answer}");
    }
    trouble(url, json!({})).await
}

fn status(status: u16) -> Value {
    json!({"status": status, "body": {"status": "refused", "code": "because"}})
}

fn later(status: u16, after: &str) -> Value {
    json!({"status": status, "headers": {"retry-after": after}, "body": "<html>busy</html>"})
}

/// What all ports make of these.
fn alike() -> Vec<(Value, Came)> {
    let in_flight = json!({"status": 409, "body": {"status": "refused", "code": "key_in_flight"}});
    vec![
        (status(400), Refused),
        (status(401), Denied),
        (status(403), Denied),
        (status(407), Denied),
        (status(408), Busy(None)),
        (status(410), Refused),
        (in_flight, Busy(None)),
        (json!({"status": 409, "body": "<html>conflict</html>"}), Busy(None)),
        (status(413), Refused),
        (status(422), Refused),
        (status(425), Busy(None)),
        (status(429), Busy(None)),
        (later(429, "7"), Busy(Some(7))),
        (later(429, "soon"), Busy(None)),
        (later(429, "999999999"), Busy(Some(3_600))),
        (later(503, "30"), Busy(Some(30))),
        (later(503, "Wed, 21 Oct 2015 07:28:00 GMT"), Busy(Some(0))),
        // Not the system's own words, but those of something on the way to it.
        (json!({"status": 404, "body": "<html>not found</html>"}), Unexpected),
        (json!({"status": 422, "body": "<html>no</html>"}), Unexpected),
        (json!({"status": 307, "headers": {"location": "/healthz"}}), Unexpected),
        (json!({"status": 302, "headers": {"location": "http://127.0.0.1:9/"}}), Unexpected),
        (json!({"status": 422, "form": "huge", "body": {"code": "because"}}), Unexpected),
    ]
}

/// Answers that say that something was made, and are none of the call's.
fn strange() -> Vec<Value> {
    vec![
        json!({"status": 201, "body": {"id": "x"}}),
        json!({"status": 200, "body": []}),
        json!({"status": 200, "body": null}),
        json!({"status": 200, "body": {"verdict": "accepted", "reference": "another"}}),
    ]
}

fn unreadable() -> Vec<Value> {
    let whole = json!({"id": "x", "key": "k", "kind": "authorize", "reference": "order", "amount_minor": 1_000, "currency": "GBP"});
    vec![
        json!({"status": 201, "body": "<html>made</html>"}),
        json!({"status": 201, "body": whole, "form": "cut"}),
        json!({"status": 201, "body": whole, "form": "huge"}),
    ]
}

fn all(answers: Vec<Value>, came: &Came) -> Vec<(Value, Came)> {
    answers.into_iter().map(|answer| (answer, came.clone())).collect()
}

#[test]
fn what_a_status_means_to_an_operation_at_the_gateway() -> Result<()> {
    run(async {
        let (_own, url, _) = outside().await?;
        let gateway = &HttpGateway::new(http()?, &url)?;
        let call = |n: usize| -> BoxFuture<'_, Came> {
            Box::pin(async move { of(gateway.operate(authorize(&format!("op-{n}"), "tok_fine").expect("an operation")).await) })
        };
        let mut table = alike();
        table.extend([
            (json!({"status": 402, "body": {"decline": "soft", "code": "insufficient_funds"}}), Declined(Decline::Soft)),
            (json!({"status": 402, "body": {"code": "stolen"}}), Declined(Decline::Hard)),
            (json!({"status": 402, "body": "<html>your account</html>"}), Denied),
            (status(404), Unexpected),
            (status(409), Declined(Decline::Hard)),
            (status(500), Unknown),
            (status(502), Unknown),
            (status(503), Unknown),
            (status(504), Unknown),
        ]);
        table.extend(all(strange(), &Unexpected));
        table.extend(all(unreadable(), &Unknown));
        each(&url, &call, table).await?;
        let booked: Value = Answer::to(asked_of_simulator(Method::GET, &format!("{url}/v1/operations"))).await?.view(200)?;
        assert_eq!(booked["items"], json!([]), "none of it was done, and nothing was sent elsewhere");
        Ok(())
    })
}

#[test]
fn what_a_status_means_to_a_question_about_an_operation_or_an_authorization() -> Result<()> {
    run(async {
        let (_own, url, _) = outside().await?;
        let gateway = &HttpGateway::new(http()?, &url)?;
        let find = |n: usize| -> BoxFuture<'_, Came> {
            Box::pin(async move {
                match gateway.find(authorize(&format!("op-{n}"), "tok_fine").expect("an operation")).await {
                    Ok(None) => Nothing,
                    Ok(Some(outcome)) => of(Ok(outcome)),
                    Err(error) => error.into(),
                }
            })
        };
        let look_up = |_: usize| -> BoxFuture<'_, Came> {
            Box::pin(async move {
                match gateway.authorization("auth_1").await {
                    Ok(None) => Nothing,
                    Ok(Some(_)) => Done,
                    Err(error) => error.into(),
                }
            })
        };
        let captured = |_: usize| -> BoxFuture<'_, Came> {
            Box::pin(async move {
                match gateway.capture("cap_1").await {
                    Ok(None) => Nothing,
                    Ok(Some(_)) => Done,
                    Err(error) => error.into(),
                }
            })
        };
        let mut table = alike();
        table.push((json!({"status": 404, "body": {"code": "not_found"}}), Nothing));
        table.extend([402, 409, 500, 502, 503, 504].map(|code| (status(code), if code >= 500 { Unreachable } else { Busy(None) })));
        table.retain(|(answer, _)| answer["status"] != 402);
        table.push((status(402), Denied));
        table.extend(all(strange(), &Unexpected));
        table.extend(all(unreadable(), &Unexpected));
        each(&url, &find, table.clone()).await?;
        each(&url, &captured, table.clone()).await?;
        each(&url, &look_up, table).await
    })
}

/// The gateway has done it, and says something else: no field of another operation is ever taken for this one's.
#[test]
fn an_answer_about_another_operation_is_never_believed() -> Result<()> {
    run(async {
        let (_own, url, _) = outside().await?;
        let gateway = HttpGateway::new(http()?, &url)?;
        let true_answer = || json!({"id": "auth_1", "key": "k", "kind": "authorize", "reference": "order", "parent": null, "amount_minor": 1_000, "currency": "GBP"});
        for (field, other) in [
            ("key", json!("k2")),
            ("kind", json!("refund")),
            ("reference", json!("another-order")),
            ("parent", json!("auth_2")),
            ("amount_minor", json!(1_001)),
            ("amount_minor", json!(-1_000)),
            ("currency", json!("EUR")),
            ("id", json!("../captures/cap_1")),
            ("id", json!("")),
        ] {
            let mut answer = true_answer();
            answer[field] = other;
            trouble(&url, json!({"answer_next": {"status": 201, "body": answer}})).await?;
            assert_eq!(of(gateway.operate(authorize("k", "tok_fine")?).await), Unexpected, "{answer}");
            if field == "id" {
                continue;
            }
            let mut booked = answer.clone();
            booked["answer"] = json!({"http_status": 201, "body": true_answer()});
            trouble(&url, json!({"answer_next": {"status": 200, "body": booked}})).await?;
            assert_eq!(gateway.find(authorize("k", "tok_fine")?).await.map_err(Came::from), Err(Unexpected), "{booked}");
        }
        for (field, other) in
            [("id", json!("auth_2")), ("kind", json!("capture")), ("left_minor", json!("1000")), ("currency", json!("XXX"))]
        {
            let mut answer = json!({"id": "auth_1", "kind": "authorize", "reference": "order", "amount_minor": 1_000, "left_minor": 1_000,
                "currency": "GBP", "voided": false, "expires_at": null});
            answer[field] = other;
            trouble(&url, json!({"answer_next": {"status": 200, "body": answer}})).await?;
            assert_eq!(gateway.authorization("auth_1").await.map_err(Came::from), Err(Unexpected), "{answer}");
        }
        for (field, other) in
            [("id", json!("cap_2")), ("kind", json!("authorize")), ("amount_minor", json!("1000")), ("currency", json!("XXX"))]
        {
            let mut answer = json!({"id": "cap_1", "kind": "capture", "reference": "order", "amount_minor": 1_000, "currency": "GBP"});
            answer[field] = other;
            trouble(&url, json!({"answer_next": {"status": 200, "body": answer}})).await?;
            assert_eq!(gateway.capture("cap_1").await.map_err(Came::from), Err(Unexpected), "{answer}");
        }
        // Done, and answered with nonsense: the books tell, under the same key.
        trouble(&url, json!({"answer_next": {"status": 201, "body": {"id": "x"}, "done": true}})).await?;
        assert_eq!(of(gateway.operate(authorize("k", "tok_fine")?).await), Unexpected);
        let found = gateway.find(authorize("k", "tok_fine")?).await?.context("it was done")?;
        assert_eq!(of(Ok(found)), Done);
        // Another operation has the key.
        let amount = pounds(999)?;
        let other = under("k", Operation::Authorize { amount, token: "tok_fine".into(), three_d_secure: None });
        assert_eq!(gateway.find(other.clone()).await.map_err(Came::from), Err(Unexpected));
        assert_eq!(of(gateway.operate(other).await), Refused);
        Ok(())
    })
}

#[test]
fn what_a_status_means_to_a_label() -> Result<()> {
    run(async {
        let (_own, _, url) = outside().await?;
        let carrier = &HttpCarrier::new(http()?, &url)?;
        let book = |n: usize| -> BoxFuture<'_, Came> {
            Box::pin(async move { carrier.book(label(&format!("k-{n}"))).await.map_or_else(Came::from, |_| Done) })
        };
        let common = || {
            let mut table = alike();
            table.extend([(status(402), Denied), (status(500), Unreachable), (status(502), Unreachable), (status(504), Unreachable)]);
            table.extend(all(strange(), &Unexpected));
            table.extend(all(unreadable(), &Unexpected));
            table
        };
        let mut table = common();
        table.extend([(status(404), Unexpected), (status(409), Refused)]);
        for (field, other) in [("key", "k2"), ("reference", "another parcel"), ("tracking_number", "../1"), ("tracking_number", "1 2")] {
            let mut answer = json!({"key": "k", "reference": "parcel", "carrier": "C", "tracking_number": "T1"});
            answer[field] = json!(other);
            table.push((json!({"status": 201, "body": answer}), Unexpected));
        }
        each(&url, &book, table).await?;
        let none: Answer = Answer::to(asked_of_simulator(Method::GET, &format!("{url}/v1/labels/k-1"))).await?;
        assert_eq!(none.status, 404, "no label was made");
        let void = |n: usize| -> BoxFuture<'_, Came> {
            Box::pin(async move { carrier.void(&format!("k-{n}")).await.map_or_else(Came::from, |()| Done) })
        };
        let mut table = common();
        table.push((json!({"status": 404, "body": {"code": "not_found"}}), Done));
        each(&url, &void, table).await
    })
}

#[test]
fn what_a_status_means_to_the_fraud_check() -> Result<()> {
    run(async {
        let simulators = outside().await?.0;
        let url = simulators.fraud.url();
        let check = &HttpFraudCheck::new(http()?, &url)?;
        let screen = |_: usize| -> BoxFuture<'_, Came> {
            Box::pin(async move { check.screen(question("C-honest", 100).expect("a question")).await.map_or_else(Came::from, |_| Done) })
        };
        let mut table = alike();
        table.extend([402, 404, 409, 500, 502, 503, 504].map(|code| {
            let came = match code {
                402 => Denied,
                404 => Unexpected,
                409 => Busy(None),
                _ => Unreachable,
            };
            (status(code), came)
        }));
        table.extend(all(strange(), &Unexpected));
        table.extend(all(unreadable(), &Unexpected));
        each(&url, &screen, table).await
    })
}

#[test]
fn an_id_from_outside_reaches_nothing_but_itself() -> Result<()> {
    run(async {
        let (_own, url, _) = outside().await?;
        let gateway = HttpGateway::new(http()?, &url)?;
        let made = gateway.operate(authorize("a", "tok_fine")?).await?;
        let OperationOutcome::Succeeded { reference, .. } = made else { anyhow::bail!("{made:?}") };
        let capture = Operation::Capture { authorization: reference, amount: pounds(600)? };
        let captured = gateway.operate(under("c", capture)).await?;
        let OperationOutcome::Succeeded { reference: captured, .. } = captured else { anyhow::bail!("{captured:?}") };
        let asked_as_one_segment = format!("x/../../captures/{captured}/refunds?");
        for (thief, expected) in [(asked_as_one_segment.as_str(), Unexpected), ("..", Refused), (".", Refused), ("", Refused)] {
            let stolen = Operation::Capture { authorization: thief.to_owned(), amount: pounds(600)? };
            assert_eq!(of(gateway.operate(under("t", stolen)).await), expected, "{thief}");
            let looked_up = gateway.authorization(thief).await.map_err(Came::from);
            assert!(matches!(looked_up, Ok(None) | Err(Refused)), "{thief}: {looked_up:?}");
            let captured = gateway.capture(thief).await.map_err(Came::from);
            assert!(matches!(captured, Ok(None) | Err(Refused)), "{thief}: {captured:?}");
        }
        let found = gateway.capture(&captured).await?.context("it was captured")?;
        assert_eq!((found.reference.as_str(), found.amount), ("order", pounds(600)?));
        let booked: Value = Answer::to(asked_of_simulator(Method::GET, &format!("{url}/v1/operations"))).await?.view(200)?;
        assert_eq!(booked["items"].as_array().map(Vec::len), Some(2), "{booked}");
        Ok(())
    })
}
