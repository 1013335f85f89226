//! What every adapter of a port does alike, whatever its company's words: the same questions, asked of each.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use oms_activities::{
    adapters::{Credential, EasyPost, HttpCarrier, HttpClient, HttpFraudCheck, HttpGateway, Stripe},
    ports::{Carrier, FraudCheck, GatewayOperation, LabelOrder, Operation, PaymentGateway, PickupRequest, Piece, PortError},
};
use oms_domain::{
    label::LabelFormat,
    money::{Currency, Money},
    payment::{Decline, OperationOutcome},
};
use serde_json::{Value, json};

use super::{label, outside, party, proof, question};
use crate::support::{basket::unique, books::trouble, run};

/// Shorter than the simulators' silence, longer than any answer.
const ANSWERED_WITHIN: Duration = Duration::from_secs(3);

fn http() -> Result<HttpClient> {
    Ok(HttpClient::answering_within(ANSWERED_WITHIN)?)
}

fn credential() -> Credential {
    Credential::fixed("sk_test_contract".into())
}

/// How a company says that it refuses.
#[derive(Debug, Clone, Copy)]
enum Words {
    House,
    Stripe,
    EasyPost,
}

impl Words {
    fn error(self, status: u16, code: &str) -> Value {
        let body = match self {
            Self::House => json!({"status": "refused", "code": code}),
            Self::Stripe => json!({"error": {"type": "invalid_request_error", "code": code}}),
            Self::EasyPost => json!({"error": {"code": code, "message": "in words", "errors": []}}),
        };
        json!({"status": status, "body": body, "times": 1})
    }
}

struct Gateway {
    port: Box<dyn PaymentGateway>,
    words: Words,
    url: String,
}

fn gateways(url: &str) -> Result<Vec<Gateway>> {
    let url = url.to_owned();
    Ok(vec![
        Gateway { port: Box::new(HttpGateway::new(http()?, &url)?), words: Words::House, url: url.clone() },
        Gateway { port: Box::new(Stripe::new(http()?, &url, credential(), true)?), words: Words::Stripe, url },
    ])
}

struct Shipper {
    port: Box<dyn Carrier>,
    words: Words,
    url: String,
}

fn carriers(url: &str) -> Result<Vec<Shipper>> {
    let url = url.to_owned();
    Ok(vec![
        Shipper { port: Box::new(HttpCarrier::new(http()?, &url)?), words: Words::House, url: url.clone() },
        Shipper { port: Box::new(EasyPost::new(http()?, &url, credential())?), words: Words::EasyPost, url },
    ])
}

/// An operation of an order of its own, numbered as the house numbers them.
fn operation(order: &str, number: u32, operation: Operation) -> GatewayOperation {
    GatewayOperation { key: format!("{order}:default:{number}"), reference: order.to_owned(), operation }
}

fn money(minor: i64, code: &str) -> Result<Money> {
    Ok(Money::new(minor, code.parse::<Currency>()?))
}

fn authorize(order: &str, amount: Money, token: &str) -> GatewayOperation {
    operation(order, 1, Operation::Authorize { amount, token: token.into(), three_d_secure: None })
}

fn made(outcome: &OperationOutcome) -> Result<String> {
    match outcome {
        OperationOutcome::Succeeded { reference, .. } => Ok(reference.clone()),
        OperationOutcome::Declined { .. } | OperationOutcome::Unknown => anyhow::bail!("{outcome:?}"),
    }
}

/// Does an operation twice, and asks about it: it is one operation.
async fn once(gateway: &Gateway, asked: GatewayOperation) -> Result<String> {
    let first = gateway.port.operate(asked.clone()).await?;
    ensure!(gateway.port.operate(asked.clone()).await? == first, "the same key is the same operation: {asked:?}");
    let found = gateway.port.find(asked.clone()).await?;
    let found = found.with_context(|| format!("it is found: {asked:?}"))?;
    ensure!(made(&found)? == made(&first)?, "{asked:?}: {found:?}, not {first:?}");
    made(&first)
}

#[test]
fn money_is_authorized_captured_in_parts_given_back_and_found_by_its_key_in_every_kind_of_currency() -> Result<()> {
    run(async {
        let (_own, url, _) = outside().await?;
        for gateway in gateways(&url)? {
            for code in ["GBP", "JPY", "KWD"] {
                let order = unique("contract-");
                ensure!(gateway.port.find(authorize(&order, money(10_000, code)?, "tok_fine")).await?.is_none());
                let id = once(&gateway, authorize(&order, money(10_000, code)?, "tok_fine")).await?;
                let seen = gateway.port.authorization(&id).await?.context("the authorization")?;
                ensure!((&seen.reference, seen.amount, seen.left) == (&order, money(10_000, code)?, money(10_000, code)?), "{seen:?}");
                ensure!(seen.expires_at.is_some(), "{seen:?}");
                let part = |number, minor| {
                    Ok::<_, anyhow::Error>(operation(
                        &order,
                        number,
                        Operation::Capture { authorization: id.clone(), amount: money(minor, code)? },
                    ))
                };
                let first = once(&gateway, part(2, 2_000)?).await?;
                let second = once(&gateway, part(3, 3_000)?).await?;
                ensure!(first != second, "{first}");
                let captured = gateway.port.capture(&second).await?.context("the capture")?;
                ensure!((&captured.reference, captured.amount) == (&order, money(3_000, code)?), "{captured:?}");
                let too_much = gateway.port.operate(part(4, 6_000)?).await?;
                ensure!(matches!(&too_much, OperationOutcome::Declined { decline: Decline::Hard, .. }), "{too_much:?}");
                let refund = Operation::Refund { capture: first.clone(), amount: money(500, code)? };
                once(&gateway, operation(&order, 5, refund)).await?;
                let void = Operation::Void { authorization: id.clone(), amount: money(5_000, code)? };
                let void = gateway.port.operate(operation(&order, 6, void)).await?;
                made(&void)?;
                let seen = gateway.port.authorization(&id).await?.context("the authorization")?;
                ensure!(seen.left == money(0, code)?, "{seen:?}");
            }
            ensure!(gateway.port.authorization("pi_nobody").await?.is_none() && gateway.port.capture("cap_nobody").await?.is_none());
        }
        Ok(())
    })
}

#[test]
fn a_decline_is_hard_or_soft_and_stays_what_it_was() -> Result<()> {
    run(async {
        let (_own, url, _) = outside().await?;
        for gateway in gateways(&url)? {
            for (token, decline) in [("tok_decline_hard", Decline::Hard), ("tok_decline_soft", Decline::Soft)] {
                let asked = authorize(&unique("declined-"), money(1_000, "GBP")?, token);
                let declined = gateway.port.operate(asked.clone()).await?;
                ensure!(matches!(&declined, OperationOutcome::Declined { decline: how, .. } if *how == decline), "{declined:?}");
                ensure!(gateway.port.find(asked).await? == Some(declined));
            }
            let no_card = gateway.port.operate(authorize(&unique("cash-"), money(1_000, "GBP")?, "cash")).await;
            ensure!(matches!(no_card, Err(PortError::Refused(_))), "{no_card:?}");
        }
        Ok(())
    })
}

#[test]
fn a_bank_that_wants_proof_is_content_with_what_the_checkout_got() -> Result<()> {
    run(async {
        let (_own, url, _) = outside().await?;
        for gateway in gateways(&url)? {
            let amount = money(1_000, "GBP")?;
            let unproven = gateway.port.operate(authorize(&unique("unproven-"), amount, "tok_wants_proof")).await?;
            let code = "authentication_required".to_owned();
            assert_eq!(unproven, OperationOutcome::Declined { decline: Decline::Soft, code });
            let proven = Operation::Authorize { amount, token: "tok_wants_proof".into(), three_d_secure: Some(proof()) };
            once(&gateway, operation(&unique("proven-"), 1, proven)).await?;
        }
        Ok(())
    })
}

#[test]
fn what_was_done_without_an_answer_is_found_and_what_was_not_is_not() -> Result<()> {
    run(async {
        let (_own, url, _) = outside().await?;
        for gateway in gateways(&url)? {
            let after = authorize(&unique("after-"), money(1_000, "GBP")?, "tok_timeout");
            assert_eq!(gateway.port.operate(after.clone()).await?, OperationOutcome::Unknown);
            made(&gateway.port.find(after).await?.context("it was done")?)?;
            let before = authorize(&unique("before-"), money(1_000, "GBP")?, "tok_timeout_before");
            assert_eq!(gateway.port.operate(before.clone()).await?, OperationOutcome::Unknown);
            // What the gateway never had, or has forgotten, is none: whether it is sent again is for the house to say.
            assert_eq!(gateway.port.find(before).await?, None);
        }
        Ok(())
    })
}

/// What an answer of the company's comes to, to an operation and to a question.
#[test]
fn busy_denied_and_broken_gateways_are_told_apart() -> Result<()> {
    run(async {
        let (_own, url, _) = outside().await?;
        for gateway in gateways(&url)? {
            let words = gateway.words;
            let in_flight = match words {
                Words::House => "key_in_flight",
                Words::Stripe | Words::EasyPost => "idempotency_key_in_use",
            };
            let mut later = words.error(429, "rate_limit");
            later["headers"] = json!({"retry-after": "7"});
            let busy = |after: Option<u64>| move |error: &PortError| matches!(error, PortError::Busy { after: said, .. } if said.as_ref().map(Duration::as_secs) == after);
            type Means = Box<dyn Fn(&PortError) -> bool>;
            let table: Vec<(Value, Means)> = vec![
                (later, Box::new(busy(Some(7)))),
                (words.error(429, "rate_limit"), Box::new(busy(None))),
                (words.error(409, in_flight), Box::new(busy(None))),
                (words.error(401, "unauthenticated"), Box::new(|error| matches!(error, PortError::Denied(_)))),
                (words.error(403, "forbidden"), Box::new(|error| matches!(error, PortError::Denied(_)))),
                (words.error(422, "because"), Box::new(|error| matches!(error, PortError::Refused(_)))),
                (
                    json!({"status": 200, "body": {"id": "x", "object": "customer"}}),
                    Box::new(|error| matches!(error, PortError::Unexpected(_))),
                ),
                (
                    json!({"status": 302, "headers": {"location": "http://127.0.0.1:9/"}}),
                    Box::new(|error| matches!(error, PortError::Unexpected(_))),
                ),
            ];
            for (answer, means) in table {
                trouble(&gateway.url, json!({"answer_next": answer})).await?;
                let came = gateway.port.operate(authorize(&unique("table-"), money(1_000, "GBP")?, "tok_fine")).await;
                ensure!(came.as_ref().is_err_and(&means), "{words:?} {answer}: {came:?}");
                trouble(&gateway.url, json!({"answer_next": answer})).await?;
                let asked = gateway.port.find(authorize(&unique("table-"), money(1_000, "GBP")?, "tok_fine")).await;
                ensure!(asked.as_ref().is_err_and(&means), "{words:?} asked, {answer}: {asked:?}");
            }
            // For as long as it is broken an operation may have been done, and a question has no answer.
            let mut broken = words.error(500, "internal");
            broken["times"] = json!(1_000);
            trouble(&gateway.url, json!({"answer_next": broken})).await?;
            for _ in 0..3 {
                let asked = authorize(&unique("broken-"), money(1_000, "GBP")?, "tok_fine");
                assert_eq!(gateway.port.operate(asked.clone()).await?, OperationOutcome::Unknown);
                assert!(matches!(gateway.port.find(asked).await, Err(PortError::Unreachable(_))));
            }
            trouble(&gateway.url, json!({})).await?;
        }
        Ok(())
    })
}

#[test]
fn a_key_is_one_operations_and_an_answer_is_believed_when_it_is_one_to_the_question() -> Result<()> {
    run(async {
        let (_own, url, _) = outside().await?;
        for gateway in gateways(&url)? {
            let order = unique("key-");
            let first = authorize(&order, money(1_000, "GBP")?, "tok_fine");
            made(&gateway.port.operate(first).await?)?;
            let other = authorize(&order, money(999, "GBP")?, "tok_fine");
            let came = gateway.port.operate(other.clone()).await;
            ensure!(matches!(came, Err(PortError::Refused(_) | PortError::Unexpected(_))), "{came:?}");
            let found = gateway.port.find(other).await;
            ensure!(matches!(found, Err(PortError::Unexpected(_))), "{found:?}");
        }
        Ok(())
    })
}

#[test]
fn a_parcel_has_one_label_with_its_documents_until_it_is_void() -> Result<()> {
    run(async {
        let (_own, _, url) = outside().await?;
        for carrier in carriers(&url)? {
            let key = format!("{}:1", unique("A1-F1-P"));
            let order = LabelOrder { key: key.clone(), reference: key.trim_end_matches(":1").to_owned(), ..label(&key) };
            let booked = carrier.port.book(order.clone()).await?;
            ensure!(carrier.port.book(order.clone()).await? == booked, "the same key is the same label");
            for format in [LabelFormat::Pdf, LabelFormat::Zpl] {
                let document = booked.documents.iter().find(|document| document.format == format).context("a document")?;
                format.check(&document.bytes)?;
            }
            ensure!(booked.tracking_url.as_deref().is_some_and(|at| at.starts_with(&url)), "{:?}", booked.tracking_url);
            carrier.port.void(&key).await?;
            carrier.port.void(&key).await?;
            carrier.port.void("never:1").await?;
            let nowhere = LabelOrder { key: unique("n-"), to: party("Jane Roe", "Nowhere", "00000"), ..label("n") };
            let refused = carrier.port.book(nowhere).await;
            ensure!(matches!(refused, Err(PortError::Refused(_))), "{refused:?}");
            let heavy = LabelOrder { key: unique("h-"), piece: Piece { weight_g: 40_000, size_mm: None }, ..label("h") };
            let refused = carrier.port.book(heavy).await;
            ensure!(matches!(refused, Err(PortError::Refused(_))), "{refused:?}");
        }
        Ok(())
    })
}

#[test]
fn what_a_carrier_charges_closes_and_tells_is_asked_alike() -> Result<()> {
    run(async {
        let (_own, _, url) = outside().await?;
        for carrier in carriers(&url)? {
            let rates = carrier.port.rates(label("r")).await?;
            ensure!(rates.len() == 2 && rates.iter().all(|rate| rate.amount.minor() > 0), "{rates:?}");
            let key = format!("{}:1", unique("M-P"));
            let order = LabelOrder { key: key.clone(), reference: key.trim_end_matches(":1").to_owned(), ..label(&key) };
            let booked = carrier.port.book(order).await?;
            let manifest = carrier.port.manifest(&unique("man-"), vec![key.clone()]).await?;
            ensure!(manifest.labels == 1, "{manifest:?}");
            let pickup = PickupRequest {
                key: unique("pick-"),
                from: party("Warehouse LEEDS", "Leeds", "LS1 4AP"),
                labels: vec![key],
                ready_at: Timestamp::from_second(1_291_190_400)?,
                until: Timestamp::from_second(1_291_204_800)?,
            };
            let coming = carrier.port.request_pickup(pickup.clone()).await?;
            ensure!(!coming.confirmation.is_empty() && carrier.port.request_pickup(pickup.clone()).await? == coming, "{coming:?}");
            let nothing = carrier.port.request_pickup(PickupRequest { key: unique("pick-"), labels: Vec::new(), ..pickup }).await;
            ensure!(matches!(nothing, Err(PortError::Refused(_))), "{nothing:?}");
            ensure!(carrier.port.track(&booked.tracking_number).await?.is_empty(), "nobody has scanned it yet");
        }
        Ok(())
    })
}

#[test]
fn busy_denied_and_broken_carriers_are_told_apart() -> Result<()> {
    run(async {
        let (_own, _, url) = outside().await?;
        for carrier in carriers(&url)? {
            let words = carrier.words;
            let mut later = words.error(429, "RATE_LIMITED");
            later["headers"] = json!({"retry-after": "7"});
            type Means = fn(&PortError) -> bool;
            let table: Vec<(Value, Means)> = vec![
                (later, |error| matches!(error, PortError::Busy { after: Some(after), .. } if after.as_secs() == 7)),
                (words.error(429, "RATE_LIMITED"), |error| matches!(error, PortError::Busy { after: None, .. })),
                (words.error(401, "APIKEY.INACTIVE"), |error| matches!(error, PortError::Denied(_))),
                (words.error(422, "PARAMETER.REQUIRED"), |error| matches!(error, PortError::Refused(_))),
                (words.error(500, "INTERNAL_SERVER_ERROR"), |error| matches!(error, PortError::Unreachable(_))),
                (json!({"status": 200, "body": {"object": "Address"}}), |error| matches!(error, PortError::Unexpected(_))),
            ];
            for (answer, means) in table {
                trouble(&carrier.url, json!({"answer_next": answer})).await?;
                let key = unique("t-");
                let came = carrier.port.book(LabelOrder { key: key.clone(), reference: key.clone(), ..label(&key) }).await;
                ensure!(came.as_ref().is_err_and(means), "{words:?} {answer}: {came:?}");
            }
            trouble(&carrier.url, json!({})).await?;
        }
        Ok(())
    })
}

#[test]
fn a_fraud_check_is_asked_again_and_says_the_same() -> Result<()> {
    run(async {
        let simulators = outside().await?.0;
        let check = HttpFraudCheck::new(http()?, &simulators.fraud.url())?;
        let asked = question("C-suspect", 100)?;
        let first = check.screen(asked.clone()).await?;
        ensure!(check.screen(asked).await? == first);
        Ok(())
    })
}
