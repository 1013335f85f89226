//! Rules that have changed under a running order: what they make of its history is not what was recorded, and the run stops there.

use anyhow::{Context, Result, ensure};
use oms_domain::ids::OrderId;
use oms_workflows::{
    bulk::BulkWorkflow,
    names::{bulk_workflow_id, order_workflow_id},
    order::OrderWorkflow,
};
use serde_json::json;
use temporalio_common::protos::temporal::api::history::v1::{History, HistoryEvent, history_event::Attributes};

use crate::{
    bulk,
    support::{Basket, basket::unique, in_shop, replay, system::LEEDS},
};

/// The payload of the record's answer, if the event is one.
fn recorded(event: &mut HistoryEvent) -> Option<&mut Vec<u8>> {
    let Some(Attributes::MarkerRecordedEventAttributes(marker)) = &mut event.attributes else { return None };
    let payload = &mut marker.details.get_mut("result")?.payloads.first_mut()?.data;
    String::from_utf8_lossy(payload).contains(r#""digest""#).then_some(payload)
}

#[test]
fn a_task_whose_rules_come_to_something_else_than_was_recorded_fails_and_goes_no_further() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 2, 255)).await?;
        shop.acts(&order.fulfillment_orders[0].fulfillment_order_id, "accept", json!({})).await?;
        let id: OrderId = order.heading.order_id.parse()?;
        let handle = shop.system.temporal.get_workflow_handle::<OrderWorkflow>(order_workflow_id(&id));
        let events = handle.fetch_history(Default::default()).into_events().await?;
        replay::events(History { events: events.clone() }).await?;

        let mut of_other_rules = events;
        let answer = of_other_rules.iter_mut().find_map(recorded).context("a record")?;
        *answer = serde_json::to_vec(&json!({"outcome": "appended", "version": 4, "digest": "0123456789abcdef0123456789abcdef"}))?;
        let failed = replay::events(History { events: of_other_rules }).await;
        let why = failed.err().context("it replays")?;
        ensure!(format!("{why:#}").contains("workflow task failed during replay"), "{why:#}");
        Ok(())
    })
}

#[test]
fn a_bulk_operation_whose_rules_come_to_something_else_than_was_recorded_goes_no_further() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        bulk::released(shop, &sku, 2).await?;
        let id = unique("bulk");
        let body =
            json!({"bulk_id": id, "operation": bulk::hold(), "reason": "a test", "selection": {"sku": sku}, "orders_per_second": 1_000});
        bulk::start(shop, &body).await?;
        bulk::until_ended(shop, &id).await?;
        let handle = shop.system.temporal.get_workflow_handle::<BulkWorkflow>(bulk_workflow_id(&id.parse()?));
        let events = handle.fetch_history(Default::default()).into_events().await?;
        replay::events(History { events: events.clone() }).await?;

        let mut of_other_rules = events;
        let answer = of_other_rules.iter_mut().find_map(recorded).context("a record with a digest")?;
        *answer = serde_json::to_vec(&json!({"digest": "0123456789abcdef0123456789abcdef"}))?;
        let failed = replay::events(History { events: of_other_rules }).await;
        let why = failed.err().context("it replays")?;
        ensure!(format!("{why:#}").contains("workflow task failed during replay"), "{why:#}");
        Ok(())
    })
}
