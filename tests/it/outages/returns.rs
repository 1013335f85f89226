//! Returns that lose their runs, or whose runs are behind: what orders have, they have too.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use oms_api::returns::ReturnView;
use oms_domain::{
    ids::{OrderId, ReturnId},
    policy::Policy,
    returns::{Command, ReceivedGoods, Request, Return, decide},
};
use oms_store::{Recorded, RecordedEvent, ReturnRecord};
use oms_workflows::{names::return_workflow_id, returns::ReturnWorkflow};
use serde_json::{Value, json};
use temporalio_client::WorkflowTerminateOptions;

use crate::support::{Basket, Shop, basket::unique, in_own_shop, in_shop_under, runtime::until, system::LEEDS};

/// A return of all four units of an order that was delivered.
async fn opened(shop: &Shop) -> Result<(OrderId, ReturnId)> {
    let sku = shop.stocked(&[(LEEDS, 10)]).await?;
    let basket = Basket::of(&sku, 4, 255);
    let order = shop.place_released(&basket).await?;
    shop.fulfill(&order).await?;
    shop.until_status(&basket.id(), "completed").await?;
    let body = json!({"order_id": basket.id(), "lines": [{"line_id": "1", "quantity": 4, "reason": "too small"}]});
    let opened: ReturnView = shop.post("/v1/returns", &body).await?.view(201)?;
    Ok((basket.id(), opened.return_id.parse()?))
}

async fn until_status(shop: &Shop, id: &ReturnId, status: &str) -> Result<ReturnView> {
    until(&format!("return {id} to be {status}"), async || {
        let found: ReturnView = shop.get(&format!("/v1/returns/{id}")).await?.view(200)?;
        Ok(Some(found).filter(|found| found.status == status))
    })
    .await
}

/// Ends the return's run by force.
async fn terminate(shop: &Shop, id: &ReturnId) -> Result<()> {
    let handle = shop.system.temporal.get_workflow_handle::<ReturnWorkflow>(return_workflow_id(id));
    Ok(handle.terminate(WorkflowTerminateOptions::default()).await?)
}

#[test]
fn an_open_return_without_a_run_is_found_by_its_next_wait() -> Result<()> {
    let policy = Policy { return_labels: false, return_sending_ms: 3_000, ..Policy::default() };
    in_own_shop(policy, async |shop| {
        let (order, id) = opened(shop).await?;
        terminate(shop, &id).await?;
        // Another one has its run, and is left alone.
        let (_, other) = opened(shop).await?;
        until("the return's wait to be over", async || {
            let revived = shop.starter.revive_lost_returns(Duration::ZERO).await?;
            ensure!(revived.done <= 1 && revived.failed == 0, "{revived:?}");
            Ok((revived.done == 1).then_some(()))
        })
        .await?;
        // What nobody has sent has expired, as it would have, and its order has its units back.
        until_status(shop, &id, "expired").await?;
        until_status(shop, &other, "expired").await?;
        shop.until(&order, "have its units back", |order| order.returns[0].amount_minor == Some(0)).await.map(drop)
    })
}

#[test]
fn a_scan_of_an_open_return_without_a_run_arrives() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let (_, id) = opened(shop).await?;
        let label = until_status(shop, &id, "label_sent").await?.label.context("a label")?;
        terminate(shop, &id).await?;
        let scan = json!({"event_id": unique("E"), "carrier": label.carrier, "tracking_number": label.tracking_number,
            "status": "in_transit", "occurred_at": Timestamp::now().to_string()});
        shop.post("/v1/carrier-events", &json!({"events": [scan]})).await?.view::<Value>(202)?;
        until_status(shop, &id, "in_transit").await.map(drop)
    })
}

/// Somebody else has recorded that all goods have come.
async fn receive_beside_its_run(shop: &Shop, id: &ReturnId) -> Result<()> {
    let store = &shop.system.store;
    let this: Return = serde_json::from_value(store.return_document(id).await?.context("the document")?)?;
    let goods = vec![ReceivedGoods { line_id: Some("1".parse()?), sku: None, quantity: 4 }];
    let receive = Request::Receive { receipt_id: "d1".into(), facility_id: LEEDS.parse()?, goods, complete: None };
    let at = Timestamp::from_microsecond(Timestamp::now().as_microsecond())?;
    let decided = decide(&this, &Command::Request { command_id: "beside".into(), request: receive }, at)
        .map_err(|refusal| anyhow::anyhow!("{refusal}"))?;
    let event = |(seq, event): (u64, &oms_domain::returns::Event)| {
        Ok(RecordedEvent { seq, kind: event.kind().to_owned(), at, data: serde_json::to_value(event)?, by: None })
    };
    let after = decided.state;
    let record = ReturnRecord {
        return_id: id.clone(),
        order_id: after.core.order_id.clone(),
        base: this.version,
        version: after.version,
        status: after.status.name().to_owned(),
        needs_attention: after.needs_attention(),
        opened_at: after.core.opened_at,
        updated_at: at,
        next_wait_at: after.next_wait_at(at),
        events: (this.version + 1..).zip(&decided.events).map(event).collect::<Result<_>>()?,
        goods: Vec::new(),
        label: None,
        doc: serde_json::to_value(&after)?,
    };
    assert_eq!(store.record_return(&record).await?, Recorded::Appended { deficit_units: 0 });
    Ok(())
}

#[test]
fn a_run_that_does_not_know_what_is_recorded_of_its_return_is_told_so_and_not_believed() -> Result<()> {
    in_shop_under(Policy { return_labels: false, ..Policy::default() }, async |shop| {
        let (order, id) = opened(shop).await?;
        until_status(shop, &id, "approved").await?;
        receive_beside_its_run(shop, &id).await?;
        // Its run knows of no goods that could be judged.
        let judged = json!({"lines": [{"line_id": "1", "quantity": 4, "verdict": "accepted"}]});
        shop.post(&format!("/v1/returns/{id}/inspect"), &judged).await?.view::<ReturnView>(200)?;
        until_status(shop, &id, "closed").await?;
        shop.until(&order, "have paid it back", |order| order.totals.refunded_minor == 1_020).await.map(drop)
    })
}
