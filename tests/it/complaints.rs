//! What users of other systems complain of, each with the test that answers it. Where a journey is the answer, it is named and not told twice.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};
use oms_api::{order::OrderView, refund::RefundView};
use oms_domain::payment::OperationKind;
use serde_json::json;

use crate::support::{
    Basket, Shop, in_shop,
    system::{BATH, LEEDS, YORK},
};

/// The complaint, the file of its answer, and the test.
const ANSWERS: [(&str, &str, &str); 14] = [
    (
        "The last unit is sold twice; more is allocated than ordered; a paid order has no allocation",
        "races",
        "of_forty_orders_for_seven_units_exactly_seven_win",
    ),
    (
        "Reservations leak after a cancellation",
        "outages/lost_task",
        "a_reservation_nobody_heard_of_is_given_back_when_its_order_is_cancelled",
    ),
    ("One location is tried, so checkout fails with stock elsewhere", "complaints", "what_no_single_location_has_is_sold_all_the_same"),
    (
        "An order of several lines is completed while one fulfillment failed",
        "complaints",
        "an_order_is_not_completed_while_a_part_of_it_failed",
    ),
    (
        "A captured order cannot be cancelled; cancelling one item blocks the rest",
        "complaints",
        "a_captured_order_is_cancelled_as_far_as_it_has_not_shipped",
    ),
    (
        "A partial refund refunds everything; a refund without the tax",
        "complaints",
        "a_partial_refund_is_its_units_with_their_tax_and_nothing_else",
    ),
    ("Charged, but no order", "outages/lost_start", "an_order_whose_start_was_lost_is_started_by_the_sweep"),
    ("A retried create makes a second order or answers 500", "journeys/placing", "the_same_order_twice_is_one_order"),
    ("A reject hangs, or is impossible once a picker is assigned", "complaints", "what_a_picker_has_begun_is_rejected_and_answered"),
    (
        "Completed when the parcel reached the store, not the customer",
        "journeys/pickup",
        "a_pickup_is_handed_over_against_its_code_and_charged_then",
    ),
    ("Unpaid orders hold stock for ever", "journeys/declined", "a_soft_decline_waits_for_the_customer_and_expires_at_its_deadline"),
    ("Webhooks lost, doubled, out of order", "journeys/reading", "every_event_of_an_order_is_in_its_timeline_and_in_the_stream_in_order"),
    ("Lists unusable at a million orders", "journeys/reading", "a_list_is_paged_through_without_gap_or_repeat"),
    ("An authorization expires on a backorder", "journeys/refunding", "an_authorization_is_renewed_before_it_expires"),
];

#[test]
fn every_complaint_has_a_test() -> Result<()> {
    for (complaint, file, test) in ANSWERS {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("it").join(file).with_extension("rs");
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        ensure!(text.contains(&format!("#[test]\nfn {test}(")), "{complaint}: {file} has no test {test}");
    }
    Ok(())
}

#[test]
fn what_no_single_location_has_is_sold_all_the_same() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 3), (YORK, 2), (BATH, 1)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 6, 6_000)).await?;
        let mut parts: Vec<_> = order.fulfillment_orders.iter().map(|f| (f.facility_id.clone(), f.lines[0].quantity)).collect();
        parts.sort();
        assert_eq!(parts, [(Some(BATH.to_owned()), 1), (Some(LEEDS.to_owned()), 3), (Some(YORK.to_owned()), 2)]);
        shop.fulfill(&order).await?;
        shop.until_status(&order.heading.order_id.parse()?, "completed").await?;
        Ok(())
    })
}

/// An order of two lines in two parts, of which the first is with Leeds, has shipped and is paid for.
async fn half_shipped(shop: &Shop) -> Result<OrderView> {
    let (near, far) = (shop.stocked(&[(LEEDS, 10)]).await?, shop.stocked(&[(YORK, 10)]).await?);
    let order = shop.place_released(&Basket::of(&near, 2, 400).and(&far, 3, 500)).await?;
    let id = order.heading.order_id.parse()?;
    let part = order.fulfillment_orders.iter().find(|part| part.facility_id.as_deref() == Some(LEEDS)).context("a part in Leeds")?;
    shop.ship(&part.fulfillment_order_id).await?;
    shop.until(&id, "be captured for what has shipped", |order| order.totals.captured_minor == 800).await
}

/// The part at a facility.
fn part_at<'a>(order: &'a OrderView, facility: &str) -> Result<&'a str> {
    let part = order.fulfillment_orders.iter().find(|part| part.facility_id.as_deref() == Some(facility));
    Ok(&part.with_context(|| format!("a part at {facility}"))?.fulfillment_order_id)
}

#[test]
fn an_order_is_not_completed_while_a_part_of_it_failed() -> Result<()> {
    in_shop(async |shop| {
        let order = half_shipped(shop).await?;
        let id = order.heading.order_id.parse()?;
        shop.acts(part_at(&order, LEEDS)?, "deliver", json!({})).await?;
        shop.acts(part_at(&order, YORK)?, "reject", json!({"reason": "other"})).await?;
        // Nobody else has it: it waits, and so does the order.
        let order = shop.until(&id, "wait for stock", |order| order.fulfillment_orders.iter().any(|f| f.status == "backordered")).await?;
        assert_eq!((order.status.as_str(), order.lines[0].units.delivered, order.lines[1].units.unfilled), ("processing", 2, 3));
        let sku = order.lines[1].line.sku.parse()?;
        shop.adjust(&sku, BATH, 3).await?;
        let order = shop.until(&id, "be with Bath", |order| order.fulfillment_orders.iter().any(|f| f.status == "released")).await?;
        shop.fulfill(&order).await?;
        shop.until_status(&id, "completed").await?;
        Ok(())
    })
}

#[test]
fn a_captured_order_is_cancelled_as_far_as_it_has_not_shipped() -> Result<()> {
    in_shop(async |shop| {
        let order = half_shipped(shop).await?;
        let id = order.heading.order_id.parse()?;
        // One unit of what has not shipped leaves the rest as it is; then everything is to be cancelled.
        assert_eq!(shop.cancel(&id, "one", &[("2", 1)]).await?.cancelled[0].quantity, 1);
        assert_eq!(shop.order(&id).await?.lines[1].units.allocated, 2);
        let all = shop.cancel(&id, "all", &[]).await?;
        assert_eq!((all.cancelled[0].quantity, all.too_late[0].quantity, all.requested.len()), (2, 2, 0), "{all:?}");
        shop.acts(part_at(&order, LEEDS)?, "deliver", json!({})).await?;
        let order = shop.until_status(&id, "completed").await?;
        assert_eq!((order.totals.captured_minor, order.totals.voided_minor, order.totals.refunded_minor), (800, 1_500, 0));
        Ok(())
    })
}

#[test]
fn a_partial_refund_is_its_units_with_their_tax_and_nothing_else() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        // 3 units for 3,100 with tax: no unit has an even share.
        let order = shop.place_released(&Basket::of(&sku, 3, 1_000).with("/lines/0/tax_minor", 100)).await?;
        let id = order.heading.order_id.parse()?;
        let part = &order.fulfillment_orders[0].fulfillment_order_id;
        shop.ship(part).await?;
        shop.until(&id, "be captured", |order| order.totals.captured_minor == 3_100).await?;
        let (path, one) = (format!("/v1/orders/{id}/refunds"), json!([{"line_id": "1", "quantity": 1}]));
        let refund = json!({"refund_id": "r1", "amount_minor": 1_033, "reason": "scratched", "lines": one});
        for _ in 0..2 {
            // The same id again is the same refund.
            let made: RefundView = shop.post(&path, &refund).await?.view(201)?;
            assert_eq!(made.amount_minor, 1_033);
        }
        let all = json!({"refund_id": "r2", "amount_minor": 2_067, "reason": "all of it", "lines": [{"line_id": "1", "quantity": 3}]});
        shop.post(&path, &all).await?.problem(409, "refused_by_rule")?;
        shop.acts(part, "deliver", json!({})).await?;
        shop.until(&id, "have paid back", |order| order.totals.refunded_minor == 1_033).await?;
        assert_eq!(shop.books(&id).await?.amounts(OperationKind::Refund), [1_033]);
        shop.until_status(&id, "completed").await?;
        Ok(())
    })
}

#[test]
fn what_a_picker_has_begun_is_rejected_and_answered() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10), (YORK, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 4, 255)).await?;
        let part = part_at(&order, LEEDS)?;
        shop.acts(part, "accept", json!({})).await?;
        shop.acts(part, "start-picking", json!({"picker": "P-7"})).await?;
        shop.acts(part, "reject", json!({"reason": "damaged"})).await?;
        let elsewhere = |order: &OrderView| {
            order.fulfillment_orders.iter().any(|part| part.status == "released" && part.facility_id.as_deref() == Some(YORK))
        };
        shop.until(&order.heading.order_id.parse()?, "be with York", elsewhere).await?;
        assert_eq!((shop.stock(&sku, LEEDS).await?.1, shop.stock(&sku, YORK).await?), (0, (10, 4)));
        Ok(())
    })
}
