//! Idempotency keys: the same request again gets the first answer, whatever has happened since.

use anyhow::Result;
use futures_util::future::try_join_all;
use serde_json::{Value, json};

use crate::support::{Basket, in_shop, system::LEEDS};

#[test]
fn a_request_under_a_key_is_done_once() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 2, 255)).await?;
        let path = format!("/v1/fulfillment-orders/{}/start-picking", order.fulfillment_orders[0].fulfillment_order_id);
        let body = json!({"picker": "P-7"});
        shop.post_keyed(&path, "k1", &body).await?.view::<Value>(200)?;
        let version = shop.order(&order.heading.order_id.parse()?).await?.version;
        // Without the key a second start would be refused; under it, it is the first one's answer.
        let again = shop.post_keyed(&path, "k1", &body).await?;
        assert_eq!(again.headers["idempotency-replayed"], "true");
        assert_eq!(again.view::<Value>(200)?["status"], "picking");
        shop.post_keyed(&path, "k2", &body).await?.problem(409, "illegal_transition")?;
        assert_eq!(shop.order(&order.heading.order_id.parse()?).await?.version, version);
        Ok(())
    })
}

#[test]
fn a_key_is_not_for_two_bodies() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let basket = Basket::of(&sku, 2, 255);
        shop.post_keyed("/v1/orders", &basket.id().to_string(), &basket.body).await?.view::<Value>(201)?;
        shop.note(basket.id());
        let other = Basket::of(&sku, 3, 255);
        shop.post_keyed("/v1/orders", &basket.id().to_string(), &other.body).await?.problem(422, "idempotency_key_reused")?;
        shop.get(&format!("/v1/orders/{}", other.id())).await?.problem(404, "order_not_found")?;
        Ok(())
    })
}

#[test]
fn the_same_key_ten_times_at_once_is_one_command() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 2, 255)).await?;
        let path = format!("/v1/fulfillment-orders/{}/accept", order.fulfillment_orders[0].fulfillment_order_id);
        let body = json!({});
        let answers = try_join_all((0..10).map(|_| shop.post_keyed(&path, "k", &body))).await?;
        // The first answer, or word that it is not there yet.
        assert!(answers.iter().all(|answer| [200, 409].contains(&answer.status)), "{answers:?}");
        assert!(answers.iter().any(|answer| answer.status == 200));
        for answer in answers.into_iter().filter(|answer| answer.status == 409) {
            answer.problem(409, "idempotency_key_in_flight")?;
        }
        let accepted = shop.timeline(&order.heading.order_id.parse()?).await?.iter().filter(|kind| *kind == "fulfillment_accepted").count();
        assert_eq!(accepted, 1);
        Ok(())
    })
}

#[test]
fn a_refusal_under_a_key_has_done_nothing_and_is_judged_anew() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 2, 255)).await?;
        let part = &order.fulfillment_orders[0].fulfillment_order_id;
        let path = format!("/v1/fulfillment-orders/{part}/pack");
        shop.post_keyed(&path, "k", &json!({})).await?.problem(409, "illegal_transition")?;
        shop.acts(part, "start-picking", json!({"picker": "P-7"})).await?;
        shop.post_keyed(&path, "k", &json!({})).await?.view::<Value>(200)?;
        Ok(())
    })
}
