//! A long history is handed over to a new run: commands go on, nothing is done twice.

use anyhow::{Context, Result, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use oms_api::{
    hold::HoldView,
    order::{OrderView, parse_order},
};
use oms_domain::policy::Policy;
use oms_workflows::{
    messages::OrderInput,
    names::{Queue, Queues, order_workflow_id},
    order::OrderWorkflow,
};
use serde_json::json;
use temporalio_client::WorkflowStartOptions;

use crate::support::{Basket, Shop, books::trouble, in_own_shop, in_shop, replay, system::LEEDS};

/// Starts the order so that it hands over again and again.
async fn place_with_short_runs(shop: &Shop, basket: &Basket, policy: Policy, history_max: u32) -> Result<()> {
    let order = parse_order(basket.body.to_string().as_bytes()).map_err(|problem| anyhow::anyhow!("{problem:?}"))?;
    shop.system.store.put_intake(&order, &order.body_hash()?, jiff::Timestamp::now()).await?;
    shop.note(basket.id());
    let queues = Queues::new(shop.system.addresses.queue_prefix.clone());
    let options = WorkflowStartOptions::new(queues.name(Queue::Orders), order_workflow_id(&basket.id())).build();
    let input = OrderInput { order_id: basket.id(), clock: shop.starter.clock(), policy, queues, handed_over_at: 0, history_max, by: None };
    shop.system.temporal.start_workflow(OrderWorkflow::run, input, options).await?;
    Ok(())
}

async fn run_id(shop: &Shop, basket: &Basket) -> Result<String> {
    let handle = shop.system.temporal.get_workflow_handle::<OrderWorkflow>(order_workflow_id(&basket.id()));
    let described = handle.describe(Default::default()).await?;
    let execution = described.raw_description.workflow_execution_info.and_then(|info| info.execution);
    Ok(execution.context("the run")?.run_id)
}

#[test]
fn commands_go_on_while_runs_follow_each_other() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let basket = Basket::of(&sku, 2, 255);
        let policy = Policy { remorse_ms: 3_600_000, ..Policy::default() };
        place_with_short_runs(shop, &basket, policy, 40).await?;
        shop.until_status(&basket.id(), "processing").await?;
        let first = run_id(shop, &basket).await?;
        let holds = format!("/v1/orders/{}/holds", basket.id());
        let place = async |n: usize| -> Result<()> {
            let hold: HoldView = shop.post(&holds, &json!({"hold_id": format!("h{n}"), "reason": "other"})).await?.view(201)?;
            ensure!(hold.hold_id == format!("h{n}"));
            Ok(())
        };
        // Several at a time, so that some arrive in the very moment of handing over.
        stream::iter(0..40).map(place).buffer_unordered(6).try_collect::<Vec<()>>().await?;
        ensure!(run_id(shop, &basket).await? != first, "forty commands fit into one run");
        assert_eq!(shop.order(&basket.id()).await?.holds.len(), 40);
        let placed = shop.timeline(&basket.id()).await?.iter().filter(|kind| *kind == "hold_placed").count();
        assert_eq!(placed, 40, "a command was done twice");
        shop.cancel(&basket.id(), "c1", &[]).await?;
        shop.until_status(&basket.id(), "cancelled").await?;
        assert_eq!(shop.stock(&sku, LEEDS).await?, (10, 0));
        replay::keep_run(&shop.system, &basket.id(), &first, "handed-over-first").await?;
        replay::keep(&shop.system, &basket.id(), "handed-over").await
    })
}

#[test]
fn what_is_under_way_is_not_done_again_by_the_next_run() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        // Slow enough for runs to change while the gateway works.
        trouble(&shop.system.addresses.gateway_url, json!({"slow_ms": 900})).await?;
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let basket = Basket::of(&sku, 2, 255);
        place_with_short_runs(shop, &basket, Policy::default(), 12).await?;
        let released = |order: &OrderView| order.fulfillment_orders.iter().any(|part| part.status == "released");
        let order = shop.until(&basket.id(), "be released", released).await?;
        shop.fulfill(&order).await?;
        shop.until_status(&basket.id(), "completed").await?;
        let books = shop.books(&basket.id()).await?;
        assert_eq!(books.0.len(), 2, "one authorization and one capture: {books:?}");
        Ok(())
    })
}
