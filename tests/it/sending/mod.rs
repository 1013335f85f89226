//! Events sent to receivers: signed, in order, once more where one is in doubt, and given up for good only where everybody can see it.

mod inlets;
mod kills;
mod lost;
mod process;
pub mod receiver;
mod receivers;

use anyhow::{Context, Result};
use oms_api::endpoint::EndpointView;
use oms_domain::policy::Policy;
use serde_json::{Value, json};

use self::receiver::Receiver;
use crate::support::{Basket, Shop, in_own_shop, runtime::until, system::LEEDS};

/// An endpoint for the receiver, which knows its secret from then on.
async fn endpoint(shop: &Shop, receiver: &Receiver, told: Value) -> Result<String> {
    let mut body = json!({"name": "ERP", "url": receiver.url});
    told.as_object().into_iter().flatten().for_each(|(name, value)| body[name] = value.clone());
    let made: EndpointView = shop.post("/v1/endpoints", &body).await?.view(201)?;
    let secret = made.secrets.first().and_then(|first| first.secret.clone()).context("a secret")?;
    receiver.knows(&[&secret]);
    Ok(made.endpoint_id)
}

pub async fn state(shop: &Shop, id: &str) -> Result<EndpointView> {
    shop.get(&format!("/v1/endpoints/{id}")).await?.view(200)
}

/// An order that goes all the way, and what its subject is.
pub async fn order(shop: &Shop, sku: &oms_domain::ids::Sku) -> Result<String> {
    let order = shop.place_released(&Basket::of(sku, 1, 255)).await?;
    shop.fulfill(&order).await?;
    Ok(format!("order/{}", order.heading.order_id))
}

pub async fn until_taken(receiver: &Receiver, subject: &str, kind: &str) -> Result<Vec<Value>> {
    until(&format!("{kind} of {subject} to arrive"), async || {
        let taken = receiver.taken_of(subject);
        Ok(taken.iter().any(|event| event["type"] == kind).then_some(taken))
    })
    .await
}

/// Until all that has arrived of orders is noted: what is set back before is told once more.
async fn until_noted(shop: &Shop, id: &str, receiver: &Receiver) -> Result<()> {
    let is_of_order = |subject: &Value| subject.as_str().is_some_and(|subject| subject.starts_with("order/"));
    until("what has arrived to be noted", async || {
        let arrived = receiver.sent().iter().filter(|one| one.was_taken && is_of_order(&one.event["subject"])).count();
        let page: Value = shop.get(&format!("/v1/endpoints/{id}/deliveries?limit=500")).await?.view(200)?;
        let noted = page["items"].as_array().into_iter().flatten();
        Ok((noted.filter(|one| one["delivered"] == true && is_of_order(&one["subject"])).count() == arrived).then_some(()))
    })
    .await
}

/// As if so long had passed for what failed.
pub async fn skip_waits(shop: &Shop) -> Result<()> {
    shop.system.execute("UPDATE endpoint_retries SET next_at = now() WHERE next_at IS NOT NULL").await
}

#[test]
fn a_receiver_is_told_what_happens_signed_and_in_order_and_no_more_than_it_asked_for() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let (all, shipped) = (Receiver::listen().await?, Receiver::listen().await?);
        let id = endpoint(shop, &all, json!({})).await?;
        endpoint(shop, &shipped, json!({"types": ["fulfillment.shipped"], "facilities": [LEEDS]})).await?;
        let elsewhere = Receiver::listen().await?;
        endpoint(shop, &elsewhere, json!({"channels": ["another"]})).await?;
        let subject = order(shop, &sku).await?;
        let taken = until_taken(&all, &subject, "order.completed").await?;
        assert!(taken.iter().map(|event| event["sequence"].as_u64()).eq((1..=taken.len() as u64).map(Some)), "{taken:#?}");
        let told = until_taken(&shipped, &subject, "fulfillment.shipped").await?;
        assert_eq!((told.len(), shipped.taken().len()), (1, 1));
        assert!(all.sent().iter().all(|one| one.event["id"] == one.id.as_str()));
        assert!(elsewhere.taken().is_empty());
        // The feed has the very same.
        let feed: Value = shop.get("/v1/events?limit=500&types=fulfillment.shipped").await?.view(200)?;
        let mut same = feed["items"][0].clone();
        same.as_object_mut().context("an event")?.remove("position");
        assert_eq!(same, told[0]);
        let deliveries: Value = shop.get(&format!("/v1/endpoints/{id}/deliveries")).await?.view(200)?;
        assert!(deliveries["items"][0]["delivered"] == true && deliveries["items"][0]["status"] == 204, "{deliveries}");
        all.is_whole()
    })
}

#[test]
fn what_fails_holds_back_its_own_order_and_nothing_else_and_is_sent_again_under_the_same_id() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let receiver = Receiver::listen().await?;
        let id = endpoint(shop, &receiver, json!({})).await?;
        let held = shop.place_released(&Basket::of(&sku, 1, 255)).await?;
        let subject = format!("order/{}", held.heading.order_id);
        until_taken(&receiver, &subject, "fulfillment.released").await?;
        receiver.is_about(&subject, receiver::Mood::Refuses(500));
        let before = receiver.taken_of(&subject).len();
        shop.fulfill(&held).await?;
        let other = order(shop, &sku).await?;
        until_taken(&receiver, &other, "order.completed").await?;
        assert_eq!(receiver.taken_of(&subject).len(), before, "nothing of the order that fails");
        let stands = until("it to be held back", async || Ok(Some(state(shop, &id).await?).filter(|found| found.held_back == 1))).await?;
        assert_eq!((stands.status.as_str(), stands.last_failure.as_deref()), ("active", Some("500 Internal Server Error")));
        receiver.is_about(&subject, receiver::Mood::Takes);
        skip_waits(shop).await?;
        until_taken(&receiver, &subject, "order.completed").await?;
        until("nothing to be held back", async || Ok((state(shop, &id).await?.held_back == 0).then_some(()))).await?;
        let (failed, again): (Vec<_>, Vec<_>) =
            receiver.sent().into_iter().filter(|one| one.event["subject"] == *subject).partition(|one| !one.was_taken);
        assert!(again.iter().any(|one| one.id == failed[0].id), "under the same id");
        receiver.is_whole()
    })
}

#[test]
fn an_event_that_nobody_takes_is_given_up_the_order_goes_on_and_says_so_and_a_person_sends_it_again() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let receiver = Receiver::listen().await?;
        let id = endpoint(shop, &receiver, json!({"types": ["order.held", "order.released_from_hold"]})).await?;
        let order = shop.place_released(&Basket::of(&sku, 1, 255)).await?;
        let order_id = &order.heading.order_id;
        let subject = format!("order/{order_id}");
        receiver.is_about(&subject, receiver::Mood::Refuses(400));
        shop.post(&format!("/v1/orders/{order_id}/holds"), &json!({"hold_id": "h1", "reason": "other"})).await?.view::<Value>(201)?;
        until("it to fail", async || Ok((state(shop, &id).await?.failed == 1).then_some(()))).await?;
        // Seven more tries, and three days, later.
        shop.system.execute("UPDATE endpoint_retries SET attempts = 8").await?;
        let dead = until("it to be given up", async || {
            skip_waits(shop).await?;
            let page: Value = shop.get(&format!("/v1/endpoints/{id}/dead-letters")).await?.view(200)?;
            Ok(page["items"].get(0).cloned())
        })
        .await?;
        assert_eq!((&dead["type"], &dead["attempts"], &dead["why"]), (&json!("order.held"), &json!(10), &json!("400 Bad Request")));
        receiver.is_about(&subject, receiver::Mood::Takes);
        shop.request(reqwest::Method::DELETE, &format!("/v1/orders/{order_id}/holds/h1")).send().await?.error_for_status()?;
        let next = until_taken(&receiver, &subject, "order.released_from_hold").await?;
        assert_eq!(next[0]["gap"], dead["event_id"], "{next:#?}");
        let event_id = dead["event_id"].as_str().context("an id")?;
        let explained: Value = shop.get(&format!("/v1/endpoints/{id}/events/{event_id}?subject={subject}")).await?.view(200)?;
        assert_eq!(
            (&explained["why"], explained["deliveries"].as_array().map(Vec::len)),
            (&json!("attempt 10 failed: not today"), Some(3))
        );
        let resend = format!("/v1/endpoints/{id}/dead-letters/{event_id}/resend");
        assert_eq!(shop.post(&resend, &json!({})).await?.status, 202);
        until_taken(&receiver, &subject, "order.held").await?;
        until("it to be no dead letter any more", async || Ok((state(shop, &id).await?.dead_letters == 0).then_some(()))).await?;
        shop.post(&resend, &json!({})).await?.problem(404, "not_found")?;
        shop.fulfill(&shop.order(&order_id.parse()?).await?).await
    })
}

#[test]
fn secrets_are_changed_without_a_gap_and_shown_once() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let receiver = Receiver::listen().await?;
        let id = endpoint(shop, &receiver, json!({})).await?;
        let first = order(shop, &sku).await?;
        until_taken(&receiver, &first, "order.completed").await?;
        // The receiver knows the first one alone, then the second one alone: each delivery is signed with both.
        let made: Value =
            shop.post_keyed(&format!("/v1/endpoints/{id}/secrets"), "rotate-1", &json!({"overlap_s": 600})).await?.view(201)?;
        let again: Value =
            shop.post_keyed(&format!("/v1/endpoints/{id}/secrets"), "rotate-1", &json!({"overlap_s": 600})).await?.view(201)?;
        assert_eq!((again.get("secret"), &again["secret_id"]), (None, &made["secret_id"]));
        let second = order(shop, &sku).await?;
        until_taken(&receiver, &second, "order.completed").await?;
        receiver.knows(&[made["secret"].as_str().context("a secret")?]);
        let third = order(shop, &sku).await?;
        until_taken(&receiver, &third, "order.completed").await?;
        shop.post(&format!("/v1/endpoints/{id}/secrets"), &json!({})).await?.problem(409, "too_many_secrets")?;
        let old =
            state(shop, &id).await?.secrets.into_iter().find(|secret| secret.secret_id != made["secret_id"]).context("the old one")?;
        let end = |secret: &str| shop.request(reqwest::Method::DELETE, &format!("/v1/endpoints/{id}/secrets/{secret}")).send();
        assert_eq!(end(&old.secret_id).await?.status(), 204);
        assert_eq!(end(made["secret_id"].as_str().unwrap_or_default()).await?.status(), 404, "the only one stays");
        let fourth = order(shop, &sku).await?;
        until_taken(&receiver, &fourth, "order.completed").await?;
        receiver.is_whole()
    })
}

#[test]
fn what_was_sent_is_sent_again_by_order_by_type_and_by_time() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let receiver = Receiver::listen().await?;
        let id = endpoint(shop, &receiver, json!({})).await?;
        let (first, second) = (order(shop, &sku).await?, order(shop, &sku).await?);
        for subject in [&first, &second] {
            until_taken(&receiver, subject, "order.completed").await?;
        }
        let replay = async |body: Value| {
            until_noted(shop, &id, &receiver).await?;
            shop.post(&format!("/v1/endpoints/{id}/replays"), &body).await?.view::<Value>(202)
        };
        let counts = |kind: &str| {
            let of = |subject: &String| receiver.taken_of(subject).iter().filter(|event| event["type"] == kind).count();
            (of(&first), of(&second))
        };
        replay(json!({"order_id": first.trim_start_matches("order/")})).await?;
        until("the order to be sent again", async || Ok((counts("order.completed") == (2, 1)).then_some(()))).await?;
        replay(json!({"position": "0-0-0", "types": ["fulfillment.shipped"]})).await?;
        until("the type to be sent again", async || Ok((counts("fulfillment.shipped") == (3, 2)).then_some(()))).await?;
        assert_eq!(counts("order.placed").1, 1, "of the other order, one type alone");
        let third = order(shop, &sku).await?;
        until_taken(&receiver, &third, "order.completed").await?;
        replay(json!({"from": "2026-01-01T00:00:00Z"})).await?;
        until("all to be sent again", async || Ok((counts("order.completed") == (3, 2)).then_some(()))).await?;
        until_noted(shop, &id, &receiver).await?;
        assert_eq!((counts("order.completed"), counts("fulfillment.shipped")), ((3, 2), (4, 3)), "and no more often than that");
        shop.post(&format!("/v1/endpoints/{id}/replays"), &json!({"position": "end"})).await?.problem(422, "validation_failed")?;
        Ok(())
    })
}
