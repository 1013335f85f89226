//! Receivers that are not as they should be: gone, busy, elsewhere, slow, dead, or where nothing may be sent.

use std::time::Duration;

use anyhow::Result;
use oms_domain::policy::Policy;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    endpoint, order,
    receiver::{Mood, Receiver},
    skip_waits, state, until_taken,
};
use crate::support::{in_own_shop, runtime::until, system::LEEDS};

#[test]
fn one_that_is_gone_is_disabled_and_goes_on_where_it_was_when_a_person_says_so() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let receiver = Receiver::listen().await?;
        let id = endpoint(shop, &receiver, json!({})).await?;
        receiver.is(Mood::Refuses(410));
        let subject = order(shop, &sku).await?;
        let found =
            until("it to be disabled", async || Ok(Some(state(shop, &id).await?).filter(|found| found.status == "disabled"))).await?;
        assert_eq!(found.disabled_because.as_deref(), Some("the receiver said 410 Gone"));
        let sent = receiver.sent().len();
        receiver.is(Mood::Takes);
        shop.post(&format!("/v1/endpoints/{id}/resume"), &json!({})).await?.view::<Value>(200)?;
        until_taken(&receiver, &subject, "order.completed").await?;
        assert!(sent <= 8, "{sent} were sent to a receiver that is gone");
        receiver.is_whole()
    })
}

#[test]
fn one_that_is_busy_is_left_alone_for_as_long_as_it_asks() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let receiver = Receiver::listen().await?;
        let id = endpoint(shop, &receiver, json!({"types": ["order.placed"]})).await?;
        receiver.is(Mood::IsBusy(3));
        let asked = Instant::now();
        let subject = order(shop, &sku).await?;
        until("it to be asked", async || Ok((!receiver.sent().is_empty()).then_some(()))).await?;
        receiver.is(Mood::Takes);
        let count = receiver.sent().len();
        until("the endpoint to be left alone", async || Ok((state(shop, &id).await?.failed > 0).then_some(()))).await?;
        skip_waits(shop).await?;
        until_taken(&receiver, &subject, "order.placed").await?;
        assert!(asked.elapsed() >= Duration::from_secs(3), "it asked for 3 s, and had {:?}", asked.elapsed());
        assert_eq!(count, 1);
        Ok(())
    })
}

#[test]
fn redirects_are_not_followed() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let receiver = Receiver::listen().await?;
        let id = endpoint(shop, &receiver, json!({"types": ["order.placed"]})).await?;
        receiver.is(Mood::Redirects);
        order(shop, &sku).await?;
        let found = until("it to fail", async || Ok(Some(state(shop, &id).await?).filter(|found| found.failed > 0))).await?;
        assert_eq!(found.last_failure.as_deref(), Some("307 Temporary Redirect: redirects are not followed"));
        assert_eq!(receiver.sent().len() as u64, found.failed, "one request a try");
        Ok(())
    })
}

#[test]
fn one_that_is_dead_and_one_that_is_slow_keep_no_other_waiting() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 20)]).await?;
        let (good, slow, dead) = (Receiver::listen().await?, Receiver::listen().await?, Receiver::listen().await?);
        endpoint(shop, &good, json!({})).await?;
        endpoint(shop, &slow, json!({})).await?;
        let dead_id = endpoint(shop, &dead, json!({})).await?;
        slow.is(Mood::IsSlow(Duration::from_secs(4)));
        dead.is(Mood::Refuses(503));
        let mut subjects = Vec::new();
        for _ in 0..8 {
            subjects.push(order(shop, &sku).await?);
        }
        let since = Instant::now();
        for subject in &subjects {
            until_taken(&good, subject, "order.completed").await?;
        }
        assert!(since.elapsed() < Duration::from_secs(4), "the good one waited {:?}", since.elapsed());
        until("the dead one to be given less and less", async || {
            let found = state(shop, &dead_id).await?;
            Ok((found.status == "active" && found.delivered == 0 && (5..40).contains(&found.failed)).then_some(()))
        })
        .await?;
        dead.is(Mood::Takes);
        good.is_whole()
    })
}

#[test]
fn nothing_is_sent_where_nothing_may_be_sent() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        for url in [
            "http://erp.example/hooks",
            "https://10.0.0.1/",
            "https://169.254.169.254/latest/meta-data",
            "https://[::ffff:169.254.169.254]/",
            "https://[fd00:ec2::254]/",
            "https://2852039166/",
            "https://a:b@erp.example/",
            "ftp://erp.example/",
            "arn:aws:events:eu-west-1:123456789012:event-bus/orders",
            "arn:aws:sqs:eu-west-1:123456789012:orders",
        ] {
            let refused = shop.post("/v1/endpoints", &json!({"name": "x", "url": url})).await?.problem(422, "validation_failed")?;
            assert_eq!(refused.errors[0].pointer, "/url", "{url}");
        }
        // A name is looked at when it is connected to, each time: it may stand for something else by then.
        let sku = shop.stocked(&[(LEEDS, 5)]).await?;
        let receiver = Receiver::listen().await?;
        let id = endpoint(shop, &receiver, json!({})).await?;
        shop.system.execute("UPDATE endpoints SET url = 'https://10.0.0.1/', version = version + 1").await?;
        order(shop, &sku).await?;
        let found = until("it to fail", async || Ok(Some(state(shop, &id).await?).filter(|found| found.failed > 0))).await?;
        assert!(found.last_failure.is_some_and(|why| why.contains("not on the public network")));
        let tested: Value = shop.post(&format!("/v1/endpoints/{id}/test"), &json!({})).await?.view(200)?;
        assert_eq!(tested["delivered"], false);
        Ok(())
    })
}

#[test]
fn one_that_is_paused_is_told_afterwards_and_a_test_is_sent_at_once() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 5)]).await?;
        let receiver = Receiver::listen().await?;
        let id = endpoint(shop, &receiver, json!({})).await?;
        shop.post(&format!("/v1/endpoints/{id}/pause"), &json!({})).await?.view::<Value>(200)?;
        let subject = order(shop, &sku).await?;
        let tested: Value = shop.post(&format!("/v1/endpoints/{id}/test"), &json!({"type": "stock.low"})).await?.view(200)?;
        assert_eq!((&tested["delivered"], &tested["status"]), (&json!(true), &json!(204)));
        assert!(receiver.taken_of(&subject).is_empty());
        let figures = shop.request(reqwest::Method::GET, "/metrics").send().await?.text().await?;
        assert!(figures.contains(&format!(r#"oms_endpoint{{endpoint_id="{id}",figure="active"}} 0"#)), "{figures}");
        shop.post(&format!("/v1/endpoints/{id}/resume"), &json!({})).await?.view::<Value>(200)?;
        until_taken(&receiver, &subject, "order.completed").await?;
        let removed = shop.request(reqwest::Method::DELETE, &format!("/v1/endpoints/{id}")).send().await?;
        assert_eq!(removed.status(), 204);
        shop.get(&format!("/v1/endpoints/{id}")).await?.problem(404, "endpoint_not_found")?;
        let audit: Value = shop.get(&format!("/v1/audit?subject={id}")).await?.view(200)?;
        let actions: Vec<&str> = audit["items"].as_array().into_iter().flatten().filter_map(|row| row["action"].as_str()).collect();
        assert!(actions.contains(&"endpoint_made") && actions.contains(&"endpoint_removed"), "{audit}");
        Ok(())
    })
}
