//! What is carried, started and revived beside the requests: one that cannot be helped keeps nobody else, and nobody is forgotten.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use oms_api::{
    event::StreamEventView,
    inbox::DeadLetterView,
    order::OrderView,
    page::{Page, StreamPage},
};
use oms_domain::{ids::OrderId, policy::Policy};
use oms_starter::Relay;
use oms_workflows::{names::order_workflow_id, order::OrderWorkflow};
use serde_json::{Value, json};
use temporalio_client::WorkflowTerminateOptions;

use crate::support::{Basket, Shop, in_own_shop, runtime::until, system::LEEDS};

/// Ends the order's run by force.
async fn terminate(shop: &Shop, id: &OrderId) -> Result<()> {
    let handle = shop.system.temporal.get_workflow_handle::<OrderWorkflow>(order_workflow_id(id));
    Ok(handle.terminate(WorkflowTerminateOptions::default()).await?)
}

/// An order that waits for stock.
async fn waiting(shop: &Shop) -> Result<(oms_domain::ids::Sku, OrderId)> {
    let sku = shop.stocked(&[]).await?;
    let id = shop.place(&Basket::of(&sku, 4, 255)).await?;
    shop.until_part(&id, 1, "backordered").await?;
    Ok((sku, id))
}

#[test]
fn stock_for_an_open_order_without_a_run_revives_it_and_is_never_dropped() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let (sku, id) = waiting(shop).await?;
        terminate(shop, &id).await?;
        shop.put(&format!("/v1/stock/{LEEDS}/{sku}"), &json!({"on_hand": 10})).await?.view::<Value>(200)?;
        let served = shop.until(&id, "be served", |order| order.fulfillment_orders.iter().any(|part| part.status == "released")).await?;
        shop.fulfill(&served).await?;
        shop.until_status(&id, "completed").await?;
        assert_eq!(shop.stock(&sku, LEEDS).await?, (6, 0));
        Ok(())
    })
}

#[test]
fn an_open_order_without_a_run_and_without_a_document_is_found_too() -> Result<()> {
    in_own_shop(Policy { backorder_ms: 3_000, ..Policy::default() }, async |shop| {
        let (_, id) = waiting(shop).await?;
        terminate(shop, &id).await?;
        shop.system.forget_document(&id).await?;
        until("it to be revived", async || Ok((shop.starter.revive_lost_orders(Duration::ZERO).await?.done == 1).then_some(()))).await?;
        shop.until_status(&id, "cancelled").await.map(drop)
    })
}

#[test]
fn an_open_order_without_a_run_is_found_by_its_next_wait() -> Result<()> {
    in_own_shop(Policy { backorder_ms: 3_000, ..Policy::default() }, async |shop| {
        let (_, id) = waiting(shop).await?;
        terminate(shop, &id).await?;
        // Another one has its run, and is left alone.
        let (_, other) = waiting(shop).await?;
        until("the order's wait to be over", async || {
            let revived = shop.starter.revive_lost_orders(Duration::ZERO).await?;
            ensure!(revived.done <= 1 && revived.failed == 0, "{revived:?}");
            Ok((revived.done == 1).then_some(()))
        })
        .await?;
        // What waited too long is cancelled, as it would have been.
        shop.until_status(&id, "cancelled").await?;
        shop.until_status(&other, "cancelled").await?;
        Ok(())
    })
}

#[test]
fn a_message_that_no_order_understands_ends_as_a_dead_letter_and_the_next_is_delivered() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let (sku, id) = waiting(shop).await?;
        let message = format!("INSERT INTO order_inbox (order_id, kind, payload, attempts) VALUES ('{id}', 'of_another_kind', '{{}}', 9)");
        shop.system.execute(message).await?;
        shop.put(&format!("/v1/stock/{LEEDS}/{sku}"), &json!({"on_hand": 10})).await?.view::<Value>(200)?;
        shop.until(&id, "be served", |order| order.fulfillment_orders.iter().any(|part| part.status == "released")).await?;
        let dead = until("the dead letter", async || {
            let page: Page<DeadLetterView> = shop.get("/v1/inbox/dead-letters").await?.view(200)?;
            Ok(page.items.into_iter().next())
        })
        .await?;
        assert_eq!((dead.order_id.as_str(), dead.kind.as_str(), dead.attempts), (id.as_str(), "of_another_kind", 10));
        assert!(dead.why.contains("of_another_kind"), "{dead:?}");

        // Understood by now, it is delivered when somebody has it tried again.
        shop.system.execute("UPDATE order_inbox SET kind = 'carrier_event' WHERE dead_at IS NOT NULL").await?;
        let path = format!("/v1/inbox/dead-letters/{}/retry", dead.message_id);
        assert_eq!(shop.post(&path, &json!({})).await?.status, 204);
        until("the message to be delivered", async || {
            let figures = shop.system.store.invariants().await?;
            Ok((figures.pending_messages == 0).then_some(()))
        })
        .await?;
        shop.post(&path, &json!({})).await?.problem(404, "not_found")?;
        let order: OrderView = shop.order(&id).await?;
        shop.fulfill(&order).await
    })
}

#[test]
fn what_was_announced_and_never_came_is_forgotten_and_hides_no_lost_start() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let ghosts = "INSERT INTO pending_intakes (order_id, received_at, leased_until)
            SELECT 'ghost' || n, now() - interval '2 hours', now() - interval '2 hours' FROM generate_series(1, 450) n";
        shop.system.execute(ghosts).await?;
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let basket = Basket::of(&sku, 4, 255);
        let order = oms_api::order::parse_order(basket.body.to_string().as_bytes()).map_err(|problem| anyhow::anyhow!("{problem:?}"))?;
        shop.system.store.put_intake(&order, &order.body_hash()?, jiff::Timestamp::now()).await?;
        shop.note(basket.id());
        // The server's own messenger may have been at some of them.
        shop.starter.start_lost_orders(Duration::ZERO).await?;
        let part = shop.until_part(&basket.id(), 1, "released").await?;
        shop.ship(&part.fulfillment_order_id).await?;
        until("the ghosts to be gone", async || Ok((shop.system.store.invariants().await?.pending_intakes == 0).then_some(()))).await
    })
}

#[test]
fn two_relays_share_the_messages() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let (sku, id) = waiting(shop).await?;
        shop.system.stop_messengers().await;
        let messages = "INSERT INTO order_inbox (order_id, kind, payload) SELECT 'nobody' || n, 'stock_arrived', '{\"grants\": []}'
            FROM generate_series(1, 300) n";
        shop.system.execute(messages).await?;
        let relays = [0, 1].map(|_| Relay::new(shop.starter.clone()).giving_up_after(1));
        let mut failed = 0;
        let dead = until("each to be given up", async || {
            for round in futures_util::future::try_join_all(relays.iter().map(Relay::deliver_due)).await? {
                ensure!(round.done == 0, "{round:?}");
                failed += round.failed;
            }
            let page: Page<DeadLetterView> = shop.get("/v1/inbox/dead-letters?limit=500").await?.view(200)?;
            Ok((page.items.len() == 300).then_some(page.items))
        })
        .await?;
        // One each, unless Temporal was too busy for some; whatever was tried was tried by one relay.
        let attempts: u32 = dead.iter().map(|letter| letter.attempts).sum();
        assert_eq!(usize::try_from(attempts)?, failed);
        shop.system.execute("DELETE FROM order_inbox").await?;
        shop.system.start_messengers().await;
        shop.put(&format!("/v1/stock/{LEEDS}/{sku}"), &json!({"on_hand": 4})).await?.view::<Value>(200)?;
        let served = shop.until(&id, "be served", |order| order.fulfillment_orders.iter().any(|part| part.status == "released")).await?;
        shop.fulfill(&served).await
    })
}

#[test]
fn a_reader_of_events_is_told_of_a_restore_and_misses_nothing_after_it() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let first = shop.place_released(&Basket::of(&sku, 1, 255)).await?;
        let page =
            async |after: &str| shop.get(&format!("/v1/events?limit=500&cursor={after}")).await?.view::<StreamPage<StreamEventView>>(200);
        let mut after = "0-0-0".to_owned();
        until("the first order's events", async || {
            let found = page(&after).await?;
            after = found.next_cursor;
            Ok(found.items.iter().any(|event| event.event.kind == "fulfillment.released").then_some(()))
        })
        .await?;
        shop.system.store.begin_epoch().await?;
        let second = shop.place_released(&Basket::of(&sku, 1, 255)).await?;
        let mut seen: Vec<StreamEventView> = Vec::new();
        until("the second order's events", async || {
            let found = page(&after).await?;
            after = found.next_cursor;
            seen.extend(found.items);
            Ok(seen.iter().any(|event| event.event.kind == "fulfillment.released").then_some(()))
        })
        .await?;
        let restored = seen.iter().find(|event| event.event.kind == "events.restored").context("the mark")?;
        ensure!(restored.order_id().is_none() && restored.event.data["after"].is_string(), "{restored:?}");
        assert_eq!(seen.iter().filter_map(|event| event.order_id()).collect::<std::collections::BTreeSet<_>>().len(), 1);
        let refused = shop.get("/v1/events?types=order.placed,order_placed").await?.problem(422, "validation_failed")?;
        assert_eq!(refused.errors[0].pointer, "?types");
        shop.get("/v1/events?lane=16").await?.problem(422, "validation_failed")?;
        shop.fulfill(&first).await?;
        shop.fulfill(&second).await
    })
}
