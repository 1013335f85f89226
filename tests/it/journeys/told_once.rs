//! Commands under a key: the order itself knows them, and answers each the same for ever, at whatever server.

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use oms_domain::{ids::OrderId, policy::Policy};
use serde_json::{Value, json};

use crate::support::{Answer, Basket, Shop, in_shop, in_shop_under, system::LEEDS};

/// How often each key has an answer kept beside its order.
async fn kept_answers(shop: &Shop, of: &str) -> Result<u64> {
    shop.count(&format!("SELECT count(*) FROM idempotency_keys WHERE route LIKE '%{of}%'")).await
}

fn is_repeat(answer: &Answer) -> bool {
    answer.headers.get("idempotency-replayed").is_some_and(|value| value == "true")
}

/// An order with a minute of remorse, so that people may do things with it.
async fn waiting(shop: &Shop) -> Result<OrderId> {
    let sku = shop.stocked(&[(LEEDS, 10)]).await?;
    let id = shop.place(&Basket::of(&sku, 2, 255)).await?;
    shop.until_status(&id, "processing").await?;
    Ok(id)
}

fn patient() -> Policy {
    Policy { remorse_ms: 3_600_000, ..Policy::default() }
}

async fn end(shop: &Shop, id: &OrderId) -> Result<()> {
    shop.cancel(id, "end", &[]).await?;
    shop.until_status(id, "cancelled").await.map(drop)
}

#[test]
fn the_same_key_at_two_servers_at_once_is_one_command_and_each_is_answered() -> Result<()> {
    in_shop(async |shop| {
        let other = Shop::open(shop.system.clone(), Policy::default()).await?;
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 2, 255)).await?;
        let path = format!("/v1/fulfillment-orders/{}/start-picking", order.fulfillment_orders[0].fulfillment_order_id);
        let body = json!({"picker": "P-7"});
        let asked = [shop, &other, shop, &other, shop, &other];
        let answers = try_join_all(asked.map(|at| at.post_keyed(&path, "k", &body))).await?;
        for answer in answers {
            ensure!(answer.status == 200, "{answer:?}");
        }
        let again = other.post_keyed(&path, "k", &body).await?;
        ensure!(is_repeat(&again) && again.status == 200, "{again:?}");
        let id = order.heading.order_id.parse()?;
        assert_eq!(shop.timeline(&id).await?.iter().filter(|kind| *kind == "picking_started").count(), 1);
        assert_eq!(kept_answers(shop, &path).await?, 0, "the order knows it");
        other.shut().await
    })
}

#[test]
fn the_same_key_places_one_order_at_two_servers_at_once_and_both_say_that_it_is_new() -> Result<()> {
    in_shop(async |shop| {
        let other = Shop::open(shop.system.clone(), Policy::default()).await?;
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let (basket, another) = (Basket::of(&sku, 2, 255), Basket::of(&sku, 3, 255));
        let key = basket.id().to_string();
        let asked = [shop, &other, shop, &other];
        let answers = try_join_all(asked.map(|at| at.post_keyed("/v1/orders", &key, &basket.body))).await?;
        shop.note(basket.id());
        for answer in &answers {
            ensure!(answer.status == 201 && answer.headers["location"] == format!("/v1/orders/{key}"), "{answer:?}");
        }
        shop.until_status(&basket.id(), "processing").await?;
        let again = other.post_keyed("/v1/orders", &key, &basket.body).await?;
        ensure!(is_repeat(&again) && again.status == 201 && again.body["status"] == "processing", "{again:?}");
        // Under another key it is the order that is there.
        shop.post_keyed("/v1/orders", &format!("{key}-2"), &basket.body).await?.view::<Value>(200)?;
        let known = shop.post_keyed("/v1/orders", &format!("{key}-2"), &basket.body).await?;
        ensure!(is_repeat(&known) && known.status == 200, "{known:?}");
        other.post_keyed("/v1/orders", &key, &another.body).await?.problem(422, "idempotency_key_reused")?;
        other.shut().await
    })
}

#[test]
fn of_two_orders_under_one_key_at_once_one_is_placed() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 100)]).await?;
        let baskets: Vec<Basket> = (0..6).map(|_| Basket::of(&sku, 1, 255)).collect();
        let key = baskets[0].id().to_string();
        let answers = try_join_all(baskets.iter().map(|basket| shop.post_keyed("/v1/orders", &key, &basket.body))).await?;
        let (mut placed, mut there) = (0, 0);
        for (answer, basket) in answers.into_iter().zip(&baskets) {
            if answer.status == 201 {
                shop.note(basket.id());
                placed += 1;
            } else {
                answer.problem(422, "idempotency_key_reused")?;
            }
            there += usize::from(shop.get(&format!("/v1/orders/{}", basket.id())).await?.status == 200);
        }
        assert_eq!((placed, there), (1, 1));
        Ok(())
    })
}

#[test]
fn what_a_command_was_answered_is_answered_again_after_its_traces_are_gone() -> Result<()> {
    in_shop_under(patient(), async |shop| {
        let id = waiting(shop).await?;
        let path = format!("/v1/orders/{id}/holds");
        let body = json!({"reason": "other"});
        let first = shop.post_keyed(&path, "hold", &body).await?;
        let shown = first.body.clone();
        let hold_id = first.view::<Value>(201)?["hold_id"].as_str().unwrap_or_default().to_owned();
        let asked = shop.request(reqwest::Method::DELETE, &format!("{path}/{hold_id}"));
        assert_eq!(Answer::to(asked).await?.status, 204);
        for ended in [false, true] {
            if ended {
                end(shop, &id).await?;
            }
            let before = shop.timeline(&id).await?;
            let again = shop.post_keyed(&path, "hold", &body).await?;
            ensure!(is_repeat(&again) && again.status == 201 && again.body["hold_id"] == hold_id, "{again:?}");
            assert_eq!(again.body, shown);
            shop.post_keyed(&path, "hold", &json!({"reason": "incorrect_address"})).await?.problem(422, "idempotency_key_reused")?;
            assert_eq!(shop.timeline(&id).await?, before, "nothing was done a second time");
        }
        Ok(())
    })
}

#[test]
fn what_led_to_nothing_has_been_answered_and_leads_to_nothing_for_ever() -> Result<()> {
    in_shop_under(patient(), async |shop| {
        let id = waiting(shop).await?;
        let path = format!("/v1/orders/{id}/holds");
        let body = json!({"hold_id": "h1", "reason": "other"});
        shop.post(&path, &body).await?.view::<Value>(201)?;
        let first = shop.post_keyed(&path, "k", &body).await?;
        ensure!(first.status == 201 && !is_repeat(&first), "it was held before: {first:?}");
        let asked = shop.request(reqwest::Method::DELETE, &format!("{path}/h1"));
        assert_eq!(Answer::to(asked).await?.status, 204);
        let again = shop.post_keyed(&path, "k", &body).await?;
        ensure!(is_repeat(&again) && (again.status, &again.body) == (201, &first.body), "{again:?}");
        ensure!(shop.order(&id).await?.holds.is_empty(), "it was held a second time");
        shop.post_keyed(&path, "k", &json!({"hold_id": "h2", "reason": "other"})).await?.problem(422, "idempotency_key_reused")?;
        end(shop, &id).await
    })
}

#[test]
fn one_key_on_two_orders_is_a_command_to_each() -> Result<()> {
    in_shop_under(patient(), async |shop| {
        for id in [waiting(shop).await?, waiting(shop).await?] {
            let held = shop.post_keyed(&format!("/v1/orders/{id}/holds"), "k", &json!({"hold_id": "h", "reason": "other"})).await?;
            ensure!(held.status == 201 && !is_repeat(&held), "{held:?}");
            assert_eq!(shop.order(&id).await?.holds.len(), 1);
            end(shop, &id).await?;
        }
        Ok(())
    })
}
