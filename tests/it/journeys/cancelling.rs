//! Cancelling: the whole order, lines or units, before and after a facility has begun; always answered, unit by unit.

use anyhow::{Result, ensure};
use oms_domain::policy::Policy;
use oms_workflows::{names::order_workflow_id, order::OrderWorkflow};
use serde_json::json;

use crate::support::{
    Basket, in_shop, in_shop_under, replay,
    shop::cancellation,
    system::{LEEDS, YORK},
};

#[test]
fn a_whole_order_is_cancelled_and_everything_given_back() -> Result<()> {
    in_shop(async |shop| {
        let (near, far) = (shop.stocked(&[(LEEDS, 10)]).await?, shop.stocked(&[(YORK, 10)]).await?);
        let order = shop.place_released(&Basket::of(&near, 4, 6_000).and(&far, 3, 6_000)).await?;
        let id = order.heading.order_id.parse()?;
        let cancelled = shop.cancel(&id, "c1", &[]).await?;
        assert_eq!(cancelled.cancelled.iter().map(|units| units.quantity).sum::<u32>(), 7);
        ensure!(cancelled.requested.is_empty() && cancelled.too_late.is_empty(), "{cancelled:?}");
        let order = shop.until_status(&id, "cancelled").await?;
        assert_eq!(order.totals.voided_minor, 42_000);
        assert_eq!((shop.stock(&near, LEEDS).await?, shop.stock(&far, YORK).await?), ((10, 0), (10, 0)));
        let part = &order.fulfillment_orders[0].fulfillment_order_id;
        let refusal = shop.act(part, "accept", json!({})).await?.problem(409, "order_closed")?;
        assert_eq!(refusal.current_status.as_deref(), Some("cancelled"));
        replay::keep(&shop.system, &id, "cancelled").await
    })
}

#[test]
fn an_order_that_temporal_is_asked_to_cancel_gives_everything_back() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let id = shop.place_released(&Basket::of(&sku, 4, 255)).await?.heading.order_id.parse()?;
        let handle = shop.system.temporal.get_workflow_handle::<OrderWorkflow>(order_workflow_id(&id));
        handle.cancel(Default::default()).await?;
        assert_eq!(shop.until_status(&id, "cancelled").await?.totals.voided_minor, 1_020);
        assert_eq!(shop.stock(&sku, LEEDS).await?, (10, 0));
        replay::keep(&shop.system, &id, "cancel-requested").await
    })
}

#[test]
fn the_same_cancellation_again_gets_the_same_answer() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 4, 255)).await?;
        let id = order.heading.order_id.parse()?;
        let path = format!("/v1/orders/{id}/cancellations");
        let first = shop.cancel(&id, "c1", &[("1", 1)]).await?;
        assert_eq!(shop.cancel(&id, "c1", &[("1", 1)]).await?, first);
        shop.post(&path, &cancellation("c1", &[("1", 2)])).await?.problem(409, "refused_by_rule")?;
        assert_eq!(shop.get(&format!("{path}/c1")).await?.view::<serde_json::Value>(200)?["cancelled"][0]["quantity"], 1);
        shop.get(&format!("{path}/c2")).await?.problem(404, "not_found")?;
        shop.cancel(&id, "c2", &[]).await?;
        shop.until_status(&id, "cancelled").await?;
        // Also after the end.
        assert_eq!(shop.cancel(&id, "c1", &[("1", 1)]).await?, first);
        shop.post(&path, &cancellation("c3", &[])).await?.problem(409, "order_closed")?;
        Ok(())
    })
}

#[test]
fn one_line_is_cancelled_and_the_rest_goes_on() -> Result<()> {
    in_shop(async |shop| {
        let (tea, cups) = (shop.stocked(&[(LEEDS, 10)]).await?, shop.stocked(&[(LEEDS, 10)]).await?);
        let order = shop.place_released(&Basket::of(&tea, 4, 300).and(&cups, 3, 500)).await?;
        let id = order.heading.order_id.parse()?;
        shop.cancel(&id, "c1", &[("2", 3)]).await?;
        assert_eq!((shop.stock(&tea, LEEDS).await?, shop.stock(&cups, LEEDS).await?), ((10, 4), (10, 0)));
        shop.fulfill(&order).await?;
        let order = shop.until_status(&id, "completed").await?;
        assert_eq!((order.totals.captured_minor, order.totals.voided_minor), (1_200, 1_500));
        Ok(())
    })
}

#[test]
fn units_that_were_never_there_cannot_be_cancelled() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 4, 300)).await?;
        let path = format!("/v1/orders/{}/cancellations", order.heading.order_id);
        for (id, lines) in [("c1", ("1", 5)), ("c2", ("9", 1))] {
            shop.post(&path, &cancellation(id, &[lines])).await?.problem(409, "refused_by_rule")?;
        }
        assert_eq!(shop.order(&order.heading.order_id.parse()?).await?.version, order.version);
        shop.post("/v1/orders/nobodys/cancellations", &cancellation("c1", &[])).await?.problem(404, "order_not_found")?;
        Ok(())
    })
}

#[test]
fn a_facility_that_has_begun_must_agree() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 20)]).await?;
        for (answer, status) in [("accept-cancellation", "cancelled"), ("refuse-cancellation", "completed")] {
            let order = shop.place_released(&Basket::of(&sku, 4, 300)).await?;
            let (id, part) = (order.heading.order_id.parse()?, &order.fulfillment_orders[0].fulfillment_order_id);
            shop.act(part, answer, json!({})).await?.problem(409, "illegal_transition")?;
            shop.acts(part, "accept", json!({})).await?;
            let asked = shop.cancel(&id, "c1", &[]).await?;
            assert_eq!((asked.requested[0].quantity, asked.cancelled.len()), (4, 0));
            // Picking goes on beside the request.
            let picking = shop.acts(part, "start-picking", json!({"picker": "P-7"})).await?;
            assert_eq!(picking.cancellation_requested[0].quantity, 4);
            shop.acts(part, answer, json!({})).await?;
            let answered = shop.cancel(&id, "c1", &[]).await?;
            match status {
                "cancelled" => assert_eq!(answered.cancelled[0].quantity, 4),
                _ => {
                    assert_eq!(answered.too_late[0].quantity, 4);
                    shop.ship(part).await?;
                    shop.acts(part, "deliver", json!({})).await?;
                }
            }
            shop.until_status(&id, status).await?;
            replay::keep(&shop.system, &id, answer).await?;
        }
        assert_eq!(shop.stock(&sku, LEEDS).await?, (16, 0));
        Ok(())
    })
}

#[test]
fn a_facilitys_silence_is_an_answer() -> Result<()> {
    in_shop_under(Policy { cancellation_request_ms: 1_500, ..Policy::default() }, async |shop| {
        let sku = shop.stocked(&[(LEEDS, 20)]).await?;
        let accepted = shop.place_released(&Basket::of(&sku, 4, 300)).await?;
        let packed = shop.place_released(&Basket::of(&sku, 4, 300)).await?;
        for (order, actions) in [(&accepted, &["accept"][..]), (&packed, &["start-picking", "pack"][..])] {
            let part = &order.fulfillment_orders[0].fulfillment_order_id;
            for action in actions {
                let body = if *action == "start-picking" { json!({"picker": "P-7"}) } else { json!({}) };
                shop.acts(part, action, body).await?;
            }
            let asked = shop.cancel(&order.heading.order_id.parse()?, "c1", &[]).await?;
            assert_eq!(asked.requested[0].quantity, 4);
        }
        // One that has not packed gives the units up; one that has, sends them.
        shop.until_status(&accepted.heading.order_id.parse()?, "cancelled").await?;
        let id = packed.heading.order_id.parse()?;
        shop.until(&id, "be refused", |order| order.cancellations[0].too_late.iter().any(|units| units.quantity == 4)).await?;
        shop.ship(&packed.fulfillment_orders[0].fulfillment_order_id).await?;
        Ok(())
    })
}

#[test]
fn shipping_wins_over_a_request_nobody_has_answered() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 4, 300)).await?;
        let (id, part) = (order.heading.order_id.parse()?, &order.fulfillment_orders[0].fulfillment_order_id);
        shop.acts(part, "accept", json!({})).await?;
        shop.cancel(&id, "c1", &[("1", 3)]).await?;
        shop.ship(part).await?;
        let answered = shop.cancel(&id, "c1", &[("1", 3)]).await?;
        assert_eq!((answered.too_late[0].quantity, answered.requested.len()), (3, 0));
        let later = shop.cancel(&id, "c2", &[]).await?;
        assert_eq!((later.too_late[0].quantity, later.cancelled.len()), (4, 0));
        Ok(())
    })
}

#[test]
fn units_that_wait_for_stock_are_cancelled_first() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 2)]).await?;
        let id = shop.place(&Basket::of(&sku, 5, 300)).await?;
        shop.until(&id, "be partly released", |order| order.fulfillment_orders.iter().any(|part| part.status == "released")).await?;
        shop.cancel(&id, "c1", &[("1", 4)]).await?;
        let order = shop.order(&id).await?;
        let units = &order.lines[0].units;
        assert_eq!((units.unfilled, units.allocated, units.cancelled), (0, 1, 4));
        assert_eq!(shop.stock(&sku, LEEDS).await?, (2, 1));
        shop.fulfill(&order).await?;
        shop.until_status(&id, "completed").await?;
        Ok(())
    })
}

#[test]
fn an_order_is_cancelled_in_the_very_moment_it_is_placed() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 100)]).await?;
        for _ in 0..8 {
            let id = shop.place(&Basket::of(&sku, 4, 300)).await?;
            shop.cancel(&id, "c1", &[]).await?;
            shop.until_status(&id, "cancelled").await?;
        }
        assert_eq!(shop.stock(&sku, LEEDS).await?, (100, 0));
        Ok(())
    })
}
