//! Each adapter against what it adapts: what the other side does, in the port's terms.

mod contract;
mod guard;
#[cfg(feature = "neighbours")]
mod mock;
mod recorded;
mod statuses;

use std::time::Duration;

use anyhow::{Result, bail};
use jiff::Timestamp;
use oms_activities::{
    adapters::{HttpCarrier, HttpClient, HttpFraudCheck, HttpGateway},
    ports::{
        Carrier, Content, FraudCheck, FraudQuestion, GatewayOperation, LabelOrder, Operation, Party, PaymentGateway, PickupRequest, Piece,
        PortError, Rate,
    },
};
use oms_devstack::{DataDir, Home};
use oms_domain::{
    label::LabelFormat,
    money::Money,
    order::Verdict,
    payment::{Decline, OperationOutcome},
    placed::{Address, ThreeDSecure},
};
use serde_json::json;

use crate::support::{basket::unique, books::trouble, ground::Simulators, run};

/// A gateway, a carrier and a fraud check nobody else uses, and the first two's addresses.
async fn outside() -> Result<(Simulators, String, String)> {
    let simulators = Simulators::start(&Home::open(&DataDir::Ephemeral).await?)?;
    let (gateway_url, carrier_url) = (simulators.gateway.url().to_owned(), simulators.carrier.url().to_owned());
    Ok((simulators, gateway_url, carrier_url))
}

fn http() -> Result<HttpClient> {
    Ok(HttpClient::answering_within(Duration::from_millis(700))?)
}

fn pounds(minor: i64) -> Result<Money> {
    Ok(Money::new(minor, "GBP".parse()?))
}

/// The operation under a key of its own.
fn under(key: &str, operation: Operation) -> GatewayOperation {
    GatewayOperation { key: key.to_owned(), reference: "order".to_owned(), operation }
}

fn authorize(key: &str, token: &str) -> Result<GatewayOperation> {
    Ok(under(key, Operation::Authorize { amount: pounds(1_000)?, token: token.into(), three_d_secure: None }))
}

/// What a checkout got when it asked the customer's bank.
fn proof() -> ThreeDSecure {
    ThreeDSecure {
        version: "2.2.0".to_owned(),
        transaction_id: "f879ea1c-aa2c-4441-806d-e30406466d79".to_owned(),
        cryptogram: "AAABBEg0VhI0VniQEjRWAAAAAAA=".to_owned(),
        electronic_commerce_indicator: Some("05".to_owned()),
    }
}

fn reference(outcome: OperationOutcome) -> Result<String> {
    match outcome {
        OperationOutcome::Succeeded { reference, .. } => Ok(reference),
        OperationOutcome::Declined { .. } | OperationOutcome::Unknown => bail!("{outcome:?}"),
    }
}

#[test]
fn the_gateway_authorizes_captures_voids_and_refunds_once_under_a_key() -> Result<()> {
    run(async {
        let (_own, url, _) = outside().await?;
        let gateway = HttpGateway::new(http()?, &url)?;
        let made = gateway.operate(authorize("a", "tok_fine")?).await?;
        assert_eq!(gateway.operate(authorize("a", "tok_fine")?).await?, made, "the same key is the same operation");
        assert_eq!(gateway.find(authorize("a", "tok_fine")?).await?, Some(made.clone()));
        assert_eq!(gateway.find(authorize("never", "tok_fine")?).await?, None);
        let authorization = reference(made)?;
        let capture = Operation::Capture { authorization: authorization.clone(), amount: pounds(600)? };
        let captured = reference(gateway.operate(under("c", capture)).await?)?;
        let too_much = Operation::Capture { authorization: authorization.clone(), amount: pounds(600)? };
        let refused = gateway.operate(under("c2", too_much)).await?;
        assert_eq!(refused, OperationOutcome::Declined { decline: Decline::Hard, code: "amount_exceeds_authorization".to_owned() });
        // A void takes what is left at the gateway, whatever the house's books say.
        reference(gateway.operate(under("v", Operation::Void { authorization, amount: pounds(399)? })).await?)?;
        reference(gateway.operate(under("r", Operation::Refund { capture: captured, amount: pounds(600)? })).await?)?;
        Ok(())
    })
}

#[test]
fn a_gateways_no_is_hard_or_soft() -> Result<()> {
    run(async {
        let (_own, url, _) = outside().await?;
        let gateway = HttpGateway::new(http()?, &url)?;
        for (token, decline, code) in
            [("tok_decline_hard", Decline::Hard, "card_declined"), ("tok_decline_soft", Decline::Soft, "insufficient_funds")]
        {
            let declined = OperationOutcome::Declined { decline, code: code.to_owned() };
            assert_eq!(gateway.operate(authorize(token, token)?).await?, declined);
            assert_eq!(gateway.find(authorize(token, token)?).await?, Some(declined));
        }
        // What is no token at all is an error of ours, not a customer's.
        assert!(matches!(gateway.operate(authorize("x", "cash")?).await, Err(PortError::Refused(_))));
        Ok(())
    })
}

#[test]
fn a_gateway_that_does_not_answer_leaves_it_unknown_until_it_is_asked() -> Result<()> {
    run(async {
        let (_own, url, _) = outside().await?;
        let gateway = HttpGateway::new(http()?, &url)?;
        assert_eq!(gateway.operate(authorize("after", "tok_timeout")?).await?, OperationOutcome::Unknown);
        assert!(matches!(gateway.find(authorize("after", "tok_timeout")?).await?, Some(OperationOutcome::Succeeded { .. })));
        assert_eq!(gateway.operate(authorize("before", "tok_timeout_before")?).await?, OperationOutcome::Unknown);
        assert_eq!(gateway.find(authorize("before", "tok_timeout_before")?).await?, None);
        assert_eq!(gateway.operate(authorize("errors", "tok_errors_1")?).await?, OperationOutcome::Unknown);
        trouble(&url, json!({"down_for_ms": 60_000})).await?;
        assert_eq!(gateway.operate(authorize("down", "tok_fine")?).await?, OperationOutcome::Unknown);
        assert!(matches!(gateway.find(authorize("down", "tok_fine")?).await, Err(PortError::Unreachable(_))));
        // Where nobody listens nothing can have been done.
        let nobody = HttpGateway::new(http()?, "http://127.0.0.1:9")?;
        assert!(matches!(nobody.operate(authorize("gone", "tok_fine")?).await, Err(PortError::Unreachable(_))));
        Ok(())
    })
}

fn label(key: &str) -> LabelOrder {
    LabelOrder {
        key: key.to_owned(),
        reference: unique("parcel-"),
        facility_id: "LEEDS".to_owned(),
        service: "standard".to_owned(),
        from: party("Warehouse LEEDS", "Leeds", "LS1 4AP"),
        to: party("Jane Roe", "York", "YO1 7HH"),
        piece: Piece { weight_g: 400, size_mm: Some([300, 200, 50]) },
        contents: vec![Content {
            sku: "22423".to_owned(),
            description: "Cake stand".to_owned(),
            quantity: 2,
            unit_weight_g: 200,
            unit_value: pounds(1_275).expect("pounds"),
            hs_code: None,
            origin_country: None,
        }],
    }
}

fn party(name: &str, city: &str, postal_code: &str) -> Party {
    let address = Address {
        name: name.to_owned(),
        line1: "1 High Street".to_owned(),
        line2: None,
        city: city.to_owned(),
        region: None,
        postal_code: Some(postal_code.to_owned()),
        country: "GB".to_owned(),
        phone: Some("+44 113 496 0000".to_owned()),
        position: None,
    };
    Party { address, email: Some("jane@example.com".to_owned()) }
}

#[test]
fn the_carrier_labels_a_parcel_once_refuses_or_cannot_be_reached() -> Result<()> {
    run(async {
        let (_own, _, url) = outside().await?;
        let carrier = HttpCarrier::new(http()?, &url)?;
        let parcel = label("k1");
        let booked = carrier.book(parcel.clone()).await?;
        assert_eq!(carrier.book(parcel.clone()).await?, booked, "the same key is the same label");
        let formats: Vec<_> = booked.documents.iter().map(|document| document.format).collect();
        assert_eq!(formats, [LabelFormat::Pdf, LabelFormat::Zpl]);
        let zpl = String::from_utf8(booked.documents[1].bytes.clone())?;
        assert!(zpl.contains("Jane Roe") && zpl.contains("LS1 4AP") && zpl.contains(&booked.tracking_number), "{zpl}");
        assert_eq!(booked.tracking_url, Some(format!("{url}/track/{}", booked.tracking_number)));
        assert!(!format!("{parcel:?} {booked:?}").contains("Jane"), "what is logged of it names nobody");
        let nowhere = LabelOrder { to: party("Jane Roe", "Nowhere", "00000"), ..label("k2") };
        assert_eq!(carrier.book(nowhere).await, Err(PortError::Refused("destination_not_served".to_owned())));
        let heavy = LabelOrder { piece: Piece { weight_g: 30_001, size_mm: None }, ..label("k3") };
        assert_eq!(carrier.book(heavy).await, Err(PortError::Refused("weight_not_accepted".to_owned())));
        trouble(&url, json!({"down_for_ms": 60_000})).await?;
        assert!(matches!(carrier.book(label("k4")).await, Err(PortError::Unreachable(_))));
        trouble(&url, json!({"slow_ms": 5_000})).await?;
        assert!(matches!(carrier.book(label("k5")).await, Err(PortError::Unreachable(_))));
        Ok(())
    })
}

#[test]
fn the_carrier_says_what_it_charges_closes_a_manifest_comes_for_parcels_and_tells_where_they_are() -> Result<()> {
    run(async {
        let (_own, _, url) = outside().await?;
        let carrier = HttpCarrier::new(http()?, &url)?;
        let services = |rates: &[Rate]| rates.iter().map(|rate| (rate.service.clone(), rate.amount.minor())).collect::<Vec<_>>();
        assert_eq!(services(&carrier.rates(label("r")).await?), [("standard".to_owned(), 340), ("express".to_owned(), 780)]);
        let nowhere = LabelOrder { to: party("Jane Roe", "Nowhere", "00000"), ..label("r") };
        assert_eq!(services(&carrier.rates(nowhere).await?), []);
        let booked = carrier.book(label("m1")).await?;
        let manifest = carrier.manifest("man-1", vec!["m1".to_owned(), "never".to_owned()]).await?;
        assert_eq!(manifest.labels, 1);
        assert_eq!(carrier.manifest("man-1", vec!["m1".to_owned()]).await?, manifest, "the same key is the same manifest");
        let pickup = |labels: Vec<String>| PickupRequest {
            key: "pick-1".to_owned(),
            from: party("Warehouse LEEDS", "Leeds", "LS1 4AP"),
            labels,
            ready_at: Timestamp::from_second(1_291_190_400).expect("a time"),
            until: Timestamp::from_second(1_291_204_800).expect("a time"),
        };
        let coming = carrier.request_pickup(pickup(vec!["m1".to_owned()])).await?;
        assert_eq!(carrier.request_pickup(pickup(vec!["m1".to_owned()])).await?, coming);
        assert!(matches!(carrier.request_pickup(pickup(Vec::new())).await, Err(PortError::Refused(_))));
        assert_eq!(carrier.track(&booked.tracking_number).await?, [], "nobody has scanned it yet");
        assert!(matches!(carrier.track("SIM0").await, Err(PortError::Unexpected(_))));
        Ok(())
    })
}

fn question(customer: &str, amount_minor: i64) -> Result<FraudQuestion> {
    let reference = unique("order-");
    let (key, customer_id) = (format!("{reference}:screen"), customer.to_owned());
    Ok(FraudQuestion { key, reference, amount: pounds(amount_minor)?, customer_id, country: "GB".to_owned() })
}

#[test]
fn the_fraud_check_accepts_declines_refers_or_cannot_be_reached() -> Result<()> {
    run(async {
        let simulators = outside().await?.0;
        let url = simulators.fraud.url();
        let check = HttpFraudCheck::new(http()?, &url)?;
        for (customer, amount_minor, verdict) in [
            ("C-honest", 10_000_000, Verdict::Accepted),
            ("C-honest", 10_000_001, Verdict::Referred),
            ("C-suspect", 100, Verdict::Referred),
            ("C-fraudster", 100, Verdict::Declined),
        ] {
            assert_eq!(check.screen(question(customer, amount_minor)?).await, Ok(verdict), "{customer}, {amount_minor}");
        }
        trouble(&url, json!({"refuse_next": 1})).await?;
        assert!(matches!(check.screen(question("C-honest", 100)?).await, Err(PortError::Refused(_))));
        assert_eq!(check.screen(question("C-honest", 100)?).await, Ok(Verdict::Accepted));
        trouble(&url, json!({"down_for_ms": 60_000})).await?;
        assert!(matches!(check.screen(question("C-honest", 100)?).await, Err(PortError::Unreachable(_))));
        trouble(&url, json!({"slow_ms": 5_000})).await?;
        assert!(matches!(check.screen(question("C-honest", 100)?).await, Err(PortError::Unreachable(_))));
        Ok(())
    })
}
