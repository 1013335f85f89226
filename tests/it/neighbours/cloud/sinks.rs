//! EventBridge as a receiver: read back from a queue that it sends everything to.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use oms_api::endpoint::EndpointView;
use serde_json::{Value, json};

use super::{
    beside_moto,
    moto::{Mood, Moto},
};
use crate::{
    sending::{order, skip_waits, state},
    support::{Shop, runtime::until, system::LEEDS},
};

/// What has come, by subject and number.
#[derive(Default)]
struct Told(BTreeMap<String, BTreeMap<u64, Value>>);

impl Told {
    /// What came twice is the same, under one id.
    async fn read_on(&mut self, moto: &Moto, queue: &str) -> Result<()> {
        for envelope in moto.take_all(queue).await? {
            let event = &envelope["detail"];
            ensure!(envelope["detail-type"] == event["type"] && envelope["resources"][0] == event["subject"], "{envelope}");
            let (subject, sequence) = (event["subject"].as_str().context("a subject")?, event["sequence"].as_u64().context("a number")?);
            let known = self.0.entry(subject.to_owned()).or_default().entry(sequence).or_insert_with(|| event.clone());
            ensure!(known == event, "{subject}: two events are number {sequence}");
        }
        Ok(())
    }

    fn has(&self, subject: &str, kind: &str) -> bool {
        self.0.get(subject).is_some_and(|all| all.values().any(|event| event["type"] == kind))
    }

    fn is_whole(&self, subject: &str) -> bool {
        self.0.get(subject).is_some_and(|all| all.keys().copied().eq(1..=all.len() as u64))
    }
}

/// What is tried again is tried now.
async fn hurry(shop: &Shop) -> Result<()> {
    skip_waits(shop).await?;
    shop.system.execute("UPDATE endpoints SET left_alone_until = NULL").await
}

#[test]
fn everything_reaches_the_bus_whatever_becomes_of_some_requests_and_nothing_is_told_in_two_ways() -> Result<()> {
    beside_moto(async |shop, moto| {
        let bus = moto.bus("orders").await?;
        let made: EndpointView = shop.post("/v1/endpoints", &json!({"name": "bus", "url": bus})).await?.view(201)?;
        let sku = shop.stocked(&[(LEEDS, 20)]).await?;
        let mut subjects = vec![order(shop, &sku).await?];
        let mut failed = 0;
        for mood in [Mood::Throttles, Mood::TakesSome, Mood::IsDown, Mood::LosesAnswers] {
            moto.is(mood);
            subjects.push(order(shop, &sku).await?);
            failed = until("something to fail", async || {
                hurry(shop).await?;
                Ok(Some(state(shop, &made.endpoint_id).await?.failed).filter(|now| *now > failed))
            })
            .await?;
        }
        moto.is(Mood::Passes);
        let mut told = Told::default();
        until("everything to be told", async || {
            hurry(shop).await?;
            told.read_on(moto, "orders").await?;
            Ok(subjects.iter().all(|subject| told.has(subject, "order.completed") && told.is_whole(subject)).then_some(()))
        })
        .await?;
        let stands = state(shop, &made.endpoint_id).await?;
        ensure!(stands.last_failure.is_some() && stands.dead_letters == 0, "{stands:?}");
        Ok(())
    })
}

#[test]
fn a_bus_is_tested_and_one_that_is_not_there_says_so() -> Result<()> {
    beside_moto(async |shop, moto| {
        let bus = moto.bus("tried").await?;
        let made: EndpointView = shop.post("/v1/endpoints", &json!({"name": "bus", "url": bus})).await?.view(201)?;
        let tested: Value =
            shop.post(&format!("/v1/endpoints/{}/test", made.endpoint_id), &json!({"type": "stock.low"})).await?.view(200)?;
        assert_eq!(tested["delivered"], true, "{tested}");
        let came =
            until("it to come", async || Ok(moto.take_all("tried").await?.into_iter().find(|came| came["detail-type"] == "stock.low")));
        assert_eq!(came.await?["detail"]["id"], tested["event_id"]);
        moto.is(Mood::Throttles);
        let tested: Value = shop.post(&format!("/v1/endpoints/{}/test", made.endpoint_id), &json!({})).await?.view(200)?;
        assert_eq!((&tested["delivered"], &tested["why"]), (&json!(false), &json!("ThrottlingException: Rate exceeded")));
        moto.is(Mood::Passes);
        Ok(())
    })
}
