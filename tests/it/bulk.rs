//! One operation on many orders: exactly those that were chosen, each once, whatever the others say.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use oms_api::{
    bulk::{BulkPreviewView, BulkResultView, BulkView, OutcomesView},
    page::Page,
};
use oms_domain::{
    bulk::{Bulk, BulkCore, Operation, Task},
    ids::{BulkId, OrderId, Sku},
    policy::Policy,
};
use oms_store::{BulkIntake, BulkTaken, OrderFilter};
use oms_workflows::{
    bulk::{BulkWorkflow, contracts::BulkInput},
    names::{Queue, Queues, bulk_workflow_id},
};
use serde_json::{Value, json};
use temporalio_client::WorkflowStartOptions;

use crate::support::{
    Basket, Shop,
    basket::unique,
    in_own_shop, in_shop, replay,
    runtime::until,
    system::{LEEDS, YORK},
};

fn by_sku(id: &str, operation: Value, sku: &Sku) -> Value {
    json!({"bulk_id": id, "operation": operation, "reason": "a test", "selection": {"sku": sku}, "orders_per_second": 1_000})
}

pub fn hold() -> Value {
    json!({"kind": "hold", "hold_reason": "other"})
}

pub async fn start(shop: &Shop, body: &Value) -> Result<BulkView> {
    shop.post("/v1/bulk", body).await?.view(201)
}

pub async fn get(shop: &Shop, id: &str) -> Result<BulkView> {
    shop.get(&format!("/v1/bulk/{id}")).await?.view(200)
}

pub async fn until_ended(shop: &Shop, id: &str) -> Result<BulkView> {
    until(&format!("bulk {id} to end"), async || Ok(Some(get(shop, id).await?).filter(|bulk| bulk.legal_actions.is_empty()))).await
}

/// All results, two a page.
async fn results(shop: &Shop, id: &str, outcome: &str) -> Result<Vec<BulkResultView>> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page: Page<BulkResultView> = shop.get(&format!("/v1/bulk/{id}/results?limit=2{outcome}{cursor}")).await?.view(200)?;
        found.extend(page.items);
        let Some(next) = page.next_cursor else { return Ok(found) };
        cursor = format!("&cursor={next}");
    }
}

/// So many orders of a SKU, each released to Leeds.
pub async fn released(shop: &Shop, sku: &Sku, orders: usize) -> Result<Vec<OrderId>> {
    let mut ids = Vec::new();
    for _ in 0..orders {
        ids.push(shop.place_released(&Basket::of(sku, 2, 255)).await?.heading.order_id.parse()?);
    }
    Ok(ids)
}

async fn holds(shop: &Shop, id: &OrderId) -> Result<Vec<String>> {
    Ok(shop.order(id).await?.holds.into_iter().map(|hold| hold.hold_id).collect())
}

fn done(orders: u64) -> OutcomesView {
    OutcomesView { done: orders, ..OutcomesView::default() }
}

#[test]
fn a_hold_is_placed_on_exactly_what_was_chosen_and_a_release_lifts_it() -> Result<()> {
    in_shop(async |shop| {
        let (sku, other) = (shop.stocked(&[(LEEDS, 100)]).await?, shop.stocked(&[(LEEDS, 100)]).await?);
        let (chosen, beside) = (released(shop, &sku, 6).await?, released(shop, &other, 1).await?);
        let (holding, lifting) = (unique("bulk"), unique("bulk"));
        let mut body = by_sku(&holding, hold(), &sku);
        // Two batches, so that there is time for a latecomer.
        body["orders_per_second"] = json!(1);
        assert_eq!(start(shop, &body).await?.selected, 6);
        let late = released(shop, &sku, 1).await?;
        let ended = until_ended(shop, &holding).await?;
        assert_eq!((ended.status.as_str(), ended.asked, ended.outcomes), ("completed", 6, done(6)));
        for id in &chosen {
            assert_eq!(holds(shop, id).await?, std::slice::from_ref(&holding));
        }
        for id in beside.iter().chain(&late) {
            assert_eq!(holds(shop, id).await?, [""; 0], "{id} was not chosen");
        }
        replay::keep_bulk(&shop.system, &holding.parse()?, "bulk_hold").await?;

        // Each order leaves the selection as its hold is lifted; the next batch passes over none for that.
        body = by_sku(&lifting, json!({"kind": "release", "hold_id": holding}), &sku);
        body["selection"]["hold_reason"] = json!("other");
        body["orders_per_second"] = json!(1);
        assert_eq!(start(shop, &body).await?.selected, 6);
        assert_eq!(until_ended(shop, &lifting).await?.outcomes, done(6));
        for id in &chosen {
            assert_eq!(holds(shop, id).await?, [""; 0]);
        }
        let listed: Vec<String> = results(shop, &lifting, "").await?.into_iter().map(|result| result.order_id).collect();
        let mut expected: Vec<String> = chosen.iter().map(ToString::to_string).collect();
        expected.sort();
        assert_eq!(listed, expected);
        replay::bulk_replays(&shop.system, &lifting.parse()?).await
    })
}

#[test]
fn an_order_that_is_too_late_refuses_and_the_others_are_cancelled_and_give_their_stock_back() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let orders = released(shop, &sku, 3).await?;
        let part = shop.order(&orders[0]).await?.fulfillment_orders[0].fulfillment_order_id.clone();
        shop.ship(&part).await?;
        let id = unique("bulk");
        start(shop, &by_sku(&id, json!({"kind": "cancel"}), &sku)).await?;
        let ended = until_ended(shop, &id).await?;
        assert_eq!((ended.outcomes.done, ended.outcomes.refused, ended.asked), (2, 1, 3), "{ended:?}");
        let refused = results(shop, &id, "&outcome=refused").await?;
        assert_eq!((refused.len(), refused[0].order_id.as_str()), (1, orders[0].as_str()));
        ensure!(refused[0].code.is_some() && refused[0].why.is_some(), "{refused:?}");
        for order in &orders[1..] {
            shop.until_status(order, "cancelled").await?;
        }
        assert_eq!(shop.stock(&sku, LEEDS).await?, (8, 0));
        Ok(())
    })
}

#[test]
fn a_dry_run_says_what_would_be_and_changes_nothing() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let orders = released(shop, &sku, 3).await?;
        let part = shop.order(&orders[0]).await?.fulfillment_orders[0].fulfillment_order_id.clone();
        shop.ship(&part).await?;
        // Its payment is captured, and so it is at rest.
        shop.until(&orders[0], "be captured", |order| order.totals.captured_minor > 0).await?;
        let mut before = Vec::new();
        for order in &orders {
            before.push(shop.document(order).await?);
        }
        let id = unique("bulk");
        let mut body = by_sku(&id, json!({"kind": "cancel"}), &sku);
        body["dry_run"] = json!(true);
        let preview: BulkPreviewView = shop.post("/v1/bulk", &body).await?.view(200)?;
        let mut legal: Vec<_> = preview.sample.iter().map(|found| (found.order_id.clone(), found.legal)).collect();
        legal.sort();
        let mut expected: Vec<_> = orders.iter().map(|order| (order.to_string(), *order != orders[0])).collect();
        expected.sort();
        assert_eq!((preview.orders, legal), (3, expected));
        shop.get(&format!("/v1/bulk/{id}")).await?.problem(404, "bulk_not_found")?;
        for (order, before) in orders.iter().zip(before) {
            assert_eq!(shop.document(order).await?, before);
        }
        Ok(())
    })
}

#[test]
fn who_has_given_up_a_line_is_not_chosen_by_its_sku() -> Result<()> {
    in_shop(async |shop| {
        let (recalled, other) = (shop.stocked(&[(LEEDS, 10)]).await?, shop.stocked(&[(LEEDS, 10)]).await?);
        let mut orders = Vec::new();
        for _ in 0..3 {
            let order = shop.place_released(&Basket::of(&recalled, 1, 255).and(&other, 1, 255)).await?;
            orders.push(order.heading.order_id.parse::<OrderId>()?);
        }
        let changes = json!({"change_id": "c1", "reason": "recalled", "changes": [{"change": "remove", "line_id": "1"}]});
        shop.post(&format!("/v1/orders/{}/changes", orders[0]), &changes).await?.view::<Value>(200)?;
        shop.cancel(&orders[1], "c1", &[("1", 1)]).await?;
        let chosen = async |sku: &Sku| -> Result<Vec<String>> {
            let mut body = by_sku(&unique("bulk"), json!({"kind": "cancel"}), sku);
            body["dry_run"] = json!(true);
            let preview: BulkPreviewView = shop.post("/v1/bulk", &body).await?.view(200)?;
            Ok(preview.sample.into_iter().map(|found| found.order_id).collect())
        };
        assert_eq!(chosen(&recalled).await?, [orders[2].to_string()]);
        assert_eq!(chosen(&other).await?.len(), 3);
        Ok(())
    })
}

#[test]
fn a_pause_holds_also_while_the_worker_is_built_anew_and_a_resume_goes_on() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 100)]).await?;
        let orders = released(shop, &sku, 8).await?;
        let id = unique("bulk");
        let act = async |action: &str| shop.post(&format!("/v1/bulk/{id}/{action}"), &json!({})).await;
        let mut body = by_sku(&id, hold(), &sku);
        body["orders_per_second"] = json!(1);
        start(shop, &body).await?;
        assert_eq!(act("resume").await?.problem(409, "illegal_transition")?.legal_actions, Some(vec!["pause".into(), "cancel".into()]));
        let paused: BulkView = act("pause").await?.view(200)?;
        ensure!(paused.status == "paused" && paused.asked < 8 && paused.paused_until.is_some(), "{paused:?}");
        let held = async || -> Result<u64> {
            let mut held = 0;
            for order in &orders {
                held += u64::try_from(holds(shop, order).await?.len())?;
            }
            Ok(held)
        };
        assert_eq!(held().await?, paused.asked, "the batch in hand is done, and no other was begun");
        shop.system.stop_worker().await?;
        shop.system.start_worker().await?;
        let again: BulkView = act("pause").await?.view(200)?;
        assert_eq!((again.status.as_str(), again.asked, held().await?), ("paused", paused.asked, paused.asked));
        act("resume").await?.view::<BulkView>(200)?;
        assert_eq!(until_ended(shop, &id).await?.outcomes, done(8));
        assert_eq!(held().await?, 8);
        assert_eq!(act("pause").await?.problem(409, "illegal_transition")?.current_status.as_deref(), Some("completed"));
        shop.post("/v1/bulk/nobodys/pause", &json!({})).await?.problem(404, "bulk_not_found")?;
        Ok(())
    })
}

#[test]
fn a_cancelled_bulk_asks_no_further_order_and_undoes_nothing() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 100)]).await?;
        released(shop, &sku, 6).await?;
        let id = unique("bulk");
        let mut body = by_sku(&id, hold(), &sku);
        body["orders_per_second"] = json!(1);
        start(shop, &body).await?;
        let cancelled: BulkView = shop.post(&format!("/v1/bulk/{id}/cancel"), &json!({})).await?.view(200)?;
        ensure!(cancelled.status == "cancelled" && cancelled.asked < 6, "{cancelled:?}");
        let ended = until_ended(shop, &id).await?;
        assert_eq!((ended.asked, results(shop, &id, "").await?.len() as u64), (cancelled.asked, cancelled.asked));
        Ok(())
    })
}

#[test]
fn the_same_bulk_again_is_the_same_and_another_under_its_id_is_refused() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let orders = released(shop, &sku, 2).await?;
        let id = unique("bulk");
        let body = by_sku(&id, hold(), &sku);
        start(shop, &body).await?;
        let ended = until_ended(shop, &id).await?;
        let again: BulkView = shop.post("/v1/bulk", &body).await?.view(200)?;
        assert_eq!(again, ended);
        for (pointer, value) in
            [("/reason", json!("another")), ("/selection/sku", json!("other")), ("/operation/hold_reason", json!("incorrect_address"))]
        {
            let mut other = body.clone();
            *other.pointer_mut(pointer).expect("the field") = value;
            shop.post("/v1/bulk", &other).await?.problem(409, "bulk_conflict")?;
        }
        for order in &orders {
            assert_eq!(holds(shop, order).await?, std::slice::from_ref(&id));
        }
        Ok(())
    })
}

#[test]
fn a_move_leaves_nothing_at_its_facility_that_nobody_has_begun_with() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10), (YORK, 10)]).await?;
        let orders = released(shop, &sku, 3).await?;
        let mut parts = Vec::new();
        for order in &orders {
            parts.push(shop.order(order).await?.fulfillment_orders[0].fulfillment_order_id.clone());
        }
        shop.acts(&parts[1], "accept", json!({})).await?;
        shop.acts(&parts[2], "start-picking", json!({"picker": "p-1"})).await?;
        let away = |id: &str, consented: bool| json!({"bulk_id": id, "operation": {"kind": "move", "facility_id": LEEDS, "consented": consented}, "reason": "a flood"});
        let (first, second) = (unique("bulk"), unique("bulk"));
        start(shop, &away(&first, false)).await?;
        let ended = until_ended(shop, &first).await?;
        assert_eq!((ended.selected, ended.outcomes.done, ended.outcomes.refused), (3, 1, 2), "{ended:?}");
        shop.until(&orders[0], "be in York", |order| {
            order.fulfillment_orders.iter().any(|part| part.status == "released" && part.facility_id.as_deref() == Some(YORK))
        })
        .await?;
        start(shop, &away(&second, true)).await?;
        let ended = until_ended(shop, &second).await?;
        assert_eq!((ended.selected, ended.outcomes.done, ended.outcomes.refused), (2, 1, 1), "{ended:?}");
        let picking = results(shop, &second, "&outcome=refused").await?;
        assert_eq!((picking.len(), picking[0].order_id.as_str()), (1, orders[2].as_str()));
        for status in ["open", "released", "accepted"] {
            let there: Page<Value> = shop.get(&format!("/v1/fulfillment-orders?facility_id={LEEDS}&status={status}")).await?.view(200)?;
            ensure!(there.items.is_empty(), "{status}: {there:?}");
        }
        shop.post("/v1/bulk", &json!({"bulk_id": "x", "operation": {"kind": "move", "facility_id": "NOWHERE"}, "reason": "r"}))
            .await?
            .problem(422, "unknown_facility")?;
        Ok(())
    })
}

#[test]
fn bulk_operations_are_listed_newest_first_and_by_status() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        released(shop, &sku, 2).await?;
        let ids: Vec<String> = (0..3).map(|_| unique("bulk")).collect();
        for id in &ids {
            start(shop, &by_sku(id, hold(), &sku)).await?;
            until_ended(shop, id).await?;
        }
        let waits = take_in(shop, &sku, 1).await?.task.bulk_id.to_string();
        let list = async |query: &str| shop.get(&format!("/v1/bulk?{query}")).await?.view::<Page<BulkView>>(200);
        let listed = |page: &Page<BulkView>| page.items.iter().map(|bulk| bulk.bulk_id.clone()).collect::<Vec<_>>();
        let first = list("status=completed&limit=2").await?;
        assert_eq!(listed(&first), [ids[2].clone(), ids[1].clone()]);
        let rest = list(&format!("status=completed&limit=2&cursor={}", first.next_cursor.unwrap_or_default())).await?;
        assert_eq!((listed(&rest), rest.next_cursor), (vec![ids[0].clone()], None));
        assert_eq!(listed(&list("status=running").await?), [waits]);
        assert_eq!(list("").await?.items.len(), 4);
        let refused = shop.get("/v1/bulk?status=Gone").await?.problem(422, "validation_failed")?;
        assert_eq!(refused.errors[0].pointer, "?status");
        Ok(())
    })
}

#[test]
fn a_release_for_a_reason_lifts_every_hold_for_it_and_no_other_and_knows_its_own_doing() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let orders = released(shop, &sku, 3).await?;
        let holds_of = [[Some("f-1"), Some("x-1")], [Some("f-2"), None], [None, Some("x-2")]];
        for (order, [fraud, other]) in orders.iter().zip(holds_of) {
            for (hold_id, reason) in [(fraud, "high_risk_of_fraud"), (other, "other")] {
                let Some(hold_id) = hold_id else { continue };
                shop.post(&format!("/v1/orders/{order}/holds"), &json!({"hold_id": hold_id, "reason": reason}))
                    .await?
                    .view::<Value>(201)?;
            }
        }
        let id = unique("bulk");
        let operation = json!({"kind": "release", "hold_reason": "high_risk_of_fraud"});
        let begun = start(shop, &json!({"bulk_id": id, "operation": operation, "reason": "the rule was wrong"})).await?;
        assert_eq!(begun.selected, 2, "those that are held for it");
        assert_eq!(until_ended(shop, &id).await?.outcomes, done(2));
        assert_eq!([holds(shop, &orders[0]).await?, holds(shop, &orders[1]).await?], [vec!["x-1".to_owned()], vec![]]);
        assert_eq!(holds(shop, &orders[2]).await?, ["x-2"]);

        // One that began then and lost its answers asks again: two orders were released since, the third was never held so.
        let row = shop.system.store.bulk(&id.parse()?).await?.context("the bulk operation")?;
        let again = unique("bulk");
        let task = Task { bulk_id: again.parse()?, ..row.task };
        let filter = OrderFilter { sku: Some(sku.clone()), ..OrderFilter::default() };
        shop.system.store.put_bulk(&BulkIntake { task, filter, orders_per_second: 1_000, started_at: row.started_at }).await?;
        shop.starter.start_lost_bulks(Duration::ZERO).await?;
        assert_eq!(until_ended(shop, &again).await?.outcomes, OutcomesView { unchanged: 1, ..done(2) });
        // One that begins now finds nothing to do.
        let late = unique("bulk");
        let released_before = json!({"kind": "release", "hold_id": "f-1"});
        start(shop, &by_sku(&late, released_before, &sku)).await?;
        assert_eq!(until_ended(shop, &late).await?.outcomes, OutcomesView { unchanged: 3, ..done(0) });
        Ok(())
    })
}

/// Takes a bulk hold of these orders in, and dies.
async fn take_in(shop: &Shop, sku: &Sku, orders_per_second: u32) -> Result<BulkIntake> {
    let bulk_id: BulkId = unique("bulk").parse()?;
    let operation = Operation::Hold { hold_id: bulk_id.hold_id(), reason: oms_domain::order::HoldReason::Other, expires_at: None };
    let filter = OrderFilter { sku: Some(sku.clone()), ..OrderFilter::default() };
    let task = Task { bulk_id, operation, reason: "a test".to_owned() };
    let started_at = jiff::Timestamp::from_second(jiff::Timestamp::now().as_second())?;
    let intake = BulkIntake { task, filter, orders_per_second, started_at };
    assert_eq!(shop.system.store.put_bulk(&intake).await?, BulkTaken::New);
    Ok(intake)
}

#[test]
fn a_bulk_whose_start_was_lost_is_started_by_the_sweep() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        released(shop, &sku, 2).await?;
        let id = take_in(shop, &sku, 1_000).await?.task.bulk_id.to_string();
        assert_eq!(get(shop, &id).await?.status, "running");
        shop.starter.start_lost_bulks(Duration::ZERO).await?;
        assert_eq!(until_ended(shop, &id).await?.outcomes, done(2));
        assert_eq!(shop.starter.start_lost_bulks(Duration::ZERO).await?.done, 0);
        Ok(())
    })
}

#[test]
fn a_long_bulk_goes_on_in_a_new_run() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 100)]).await?;
        released(shop, &sku, 6).await?;
        let BulkIntake { task, started_at, .. } = take_in(shop, &sku, 1).await?;
        let core = BulkCore { bulk_id: task.bulk_id.clone(), selected: 6, orders_per_second: 1, started_at, pause_ms: 60_000 };
        let queues = Queues::new(shop.system.addresses.queue_prefix.clone());
        let options = WorkflowStartOptions::new(queues.name(Queue::Orders), bulk_workflow_id(&task.bulk_id)).build();
        // A batch has more events than that.
        let input = BulkInput { bulk: Bulk::new(core), recorded: 0, clock: Default::default(), queues, history_max: 9 };
        let first = shop.system.temporal.start_workflow(BulkWorkflow::run, input, options).await?;
        assert_eq!(until_ended(shop, task.bulk_id.as_str()).await?.outcomes, done(6));
        let last = shop.system.temporal.get_workflow_handle::<BulkWorkflow>(bulk_workflow_id(&task.bulk_id));
        let last = last.describe(Default::default()).await?;
        ensure!(Some(last.run_id()) != first.run_id(), "one run did it all");
        replay::bulk_replays(&shop.system, &task.bulk_id).await
    })
}
