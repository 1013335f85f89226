//! A bench that cannot just go on: the customer wants it otherwise, or it is not all there.

use anyhow::{Context, Result, ensure};
use oms_api::fulfillment::ScanView;
use oms_workflows::{names::order_workflow_id, order::OrderWorkflow};
use serde_json::json;
use temporalio_common::protos::temporal::api::enums::v1::EventType;

use crate::support::{
    Basket, Shop, in_shop,
    people::{Visitor, person},
    system::{LEEDS, YORK},
};

async fn scan(shop: &Shop, part: &str, scan_id: &str, code: &str) -> Result<ScanView> {
    shop.post(&format!("/v1/fulfillment-orders/{part}/scans"), &json!({"scan_id": scan_id, "code": code})).await?.view(200)
}

/// An order that somebody has begun to pick: its id and its part's.
async fn picking(shop: &Shop, basket: &Basket) -> Result<(String, String)> {
    let order = shop.place_released(basket).await?;
    let part = order.fulfillment_orders[0].fulfillment_order_id.clone();
    shop.acts(&part, "start-picking", json!({"picker": "kim"})).await?;
    Ok((order.heading.order_id, part))
}

#[test]
fn a_customer_who_wants_to_cancel_stops_the_bench_until_it_has_answered() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 50)]).await?;
        let (id, part) = picking(shop, &Basket::of(&sku, 2, 100)).await?;
        ensure!(scan(shop, &part, "c-1", sku.as_str()).await?.result == "counted");
        shop.cancel(&id.parse()?, "c", &[]).await?;
        let stopped = scan(shop, &part, "c-2", sku.as_str()).await?;
        ensure!((stopped.result.as_str(), stopped.bench.lines[0].counted) == ("stopped", 1), "{stopped:?}");
        let mut associate = Visitor::of(shop, &person(shop, &["associate"], &[LEEDS]).await?).await?;
        let bench = associate.opens(&format!("/console/pack/{part}?facility={LEEDS}")).await?;
        ensure!(bench.html.contains("verdict cancellation") && bench.html.contains("Stop: the customer wants to cancel"), "{}", bench.html);

        let kept = scan(shop, &part, "c-3", "CMD-KEEP").await?;
        ensure!(kept.result == "kept" && kept.bench.fulfillment_order.cancellation_requested.is_empty(), "{kept:?}");
        ensure!(scan(shop, &part, "c-3", "CMD-KEEP").await?.result == "kept", "the answer sent again is the answer");
        ensure!(scan(shop, &part, "c-4", sku.as_str()).await?.result == "complete");
        shop.until_part(&id.parse()?, 1, "shipped").await?;

        let (id, part) = picking(shop, &Basket::of(&sku, 2, 100)).await?;
        shop.cancel(&id.parse()?, "c", &[]).await?;
        let answer = [("scan_id", "c-5"), ("code", "CMD-LET-GO"), ("facility", LEEDS)];
        let gone = associate.send(&format!("/console/pack/{part}/scan"), &answer).await?;
        ensure!(gone.html.contains("Cancelled: put back what is in the box"), "{gone:?}");
        ensure!(scan(shop, &part, "c-6", sku.as_str()).await?.result == "cancelled");
        shop.until_status(&id.parse()?, "cancelled").await?;
        Ok(())
    })
}

#[test]
fn what_becomes_less_while_it_is_packed_is_packed_by_a_code() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 50)]).await?;
        let (id, part) = picking(shop, &Basket::of(&sku, 3, 100)).await?;
        for n in 0..2 {
            scan(shop, &part, &format!("l-{n}"), sku.as_str()).await?;
        }
        ensure!(scan(shop, &part, "l-early", "CMD-PACK").await?.result == "not_all_there");
        shop.cancel(&id.parse()?, "c", &[("1", 2)]).await?;
        let less = scan(shop, &part, "l-go", "CMD-LET-GO").await?;
        ensure!((less.bench.lines[0].quantity, less.bench.lines[0].counted, less.bench.lines[0].surplus) == (1, 1, 1), "{less:?}");
        let packed = scan(shop, &part, "l-pack", "CMD-PACK").await?;
        ensure!(packed.result == "complete" && packed.problem.is_none(), "{packed:?}");
        let shipped = shop.until_part(&id.parse()?, 1, "shipped").await?;
        ensure!(shipped.lines[0].quantity == 1, "{shipped:?}");
        Ok(())
    })
}

#[test]
fn a_bench_gives_back_what_is_not_there_and_packs_the_rest() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 2), (YORK, 9)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 2, 10_000)).await?;
        let (id, part) = (order.heading.order_id.clone(), order.fulfillment_orders[0].fulfillment_order_id.clone());
        ensure!(order.fulfillment_orders[0].facility_id.as_deref() == Some(LEEDS), "{order:?}");
        let mut associate = Visitor::of(shop, &person(shop, &["associate"], &[LEEDS]).await?).await?;
        let bench = format!("/console/pack/{part}");
        let counted = [("scan_id", "s-1"), ("code", sku.as_str()), ("facility", LEEDS)];
        ensure!(associate.send(&format!("{bench}/scan"), &counted).await?.html.contains("data-result=\"counted\""));
        let key = associate.opens(&bench).await?.key(&format!("{bench}/short"))?;
        let short = [("key", key.as_str()), ("line_id", "1"), ("quantity_short", "1"), ("reason", "damaged"), ("facility", LEEDS)];
        let done = associate.does(&format!("{bench}/short"), &short).await?;
        ensure!(done.html.contains("The rest looks for another facility.") && done.html.contains("Pack it"), "{}", done.html);
        let pack = [("scan_id", "s-2"), ("code", "CMD-PACK"), ("facility", LEEDS)];
        ensure!(associate.send(&format!("{bench}/scan"), &pack).await?.html.contains("All there: packed"));
        let order = shop
            .until(&id.parse()?, "find another facility", |order| {
                order.fulfillment_orders.iter().any(|part| part.facility_id.as_deref() == Some(YORK))
            })
            .await?;
        let reason = order.fulfillment_orders.iter().flat_map(|part| &part.rejections).next().context("a rejection")?;
        ensure!(reason.reason == "damaged", "{reason:?}");
        Ok(())
    })
}

/// Updates that the order has taken, and what Temporal counts of it.
async fn cost(shop: &Shop, id: &str) -> Result<(usize, i64)> {
    let handle = shop.system.temporal.get_workflow_handle::<OrderWorkflow>(order_workflow_id(&id.parse()?));
    let history = handle.fetch_history(Default::default()).into_events().await?;
    let updates = history.iter().filter(|event| event.event_type() == EventType::WorkflowExecutionUpdateAccepted).count();
    let described = handle.describe(Default::default()).await?;
    let info = described.raw_description.workflow_execution_info.context("the run")?;
    Ok((updates, info.state_transition_count))
}

#[test]
fn a_pack_of_twenty_units_by_scanner_costs_the_order_no_more_than_to_pack_and_ship_it() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 90)]).await?;
        let (scanned, part) = picking(shop, &Basket::of(&sku, 20, 100)).await?;
        for n in 0..20 {
            scan(shop, &part, &format!("t-{n}"), sku.as_str()).await?;
        }
        let (plain, other) = picking(shop, &Basket::of(&sku, 20, 100)).await?;
        shop.acts(&other, "pack", json!({})).await?;
        shop.acts(&other, "ship", json!({})).await?;
        for (id, part) in [(&scanned, &part), (&plain, &other)] {
            shop.until_part(&id.parse()?, 1, "shipped").await?;
            shop.acts(part, "deliver", json!({})).await?;
            shop.until_status(&id.parse()?, "completed").await?;
        }
        let (by_scanner, by_hand) = (cost(shop, &scanned).await?, cost(shop, &plain).await?);
        println!("by scanner {by_scanner:?}, by hand {by_hand:?} (updates, transitions)");
        ensure!(by_scanner.0 == by_hand.0, "{by_scanner:?} {by_hand:?}");
        // An activity that was not begun at once costs one or two more, whichever order it is of.
        ensure!(by_scanner.1 <= by_hand.1 + 2, "{by_scanner:?} {by_hand:?}");
        Ok(())
    })
}
