//! An order lives once, whatever becomes of its runs: forgotten by Temporal, terminated, or set back to an earlier day.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use oms_api::{order::OrderView, refund::RefundView};
use oms_domain::{ids::OrderId, order::Order, policy::Policy};
use oms_store::RecordedEvent;
use oms_workflows::{names::order_workflow_id, order::OrderWorkflow};
use serde_json::json;
use temporalio_client::{
    NamespacedClient, WorkflowExecutionStatus, WorkflowHandle, WorkflowTerminateOptions, errors::WorkflowInteractionError,
};
use temporalio_common::protos::temporal::api::{
    common::v1::WorkflowExecution,
    enums::v1::EventType,
    workflowservice::v1::{DeleteWorkflowExecutionRequest, ResetWorkflowExecutionRequest},
};
use tonic::IntoRequest;

use crate::support::{
    Basket, Shop, in_own_shop, in_shop, in_shop_under,
    runtime::{until, until_within},
    system::LEEDS,
};

/// A run that has just ended is forgotten once the server has noted how far its queues are, which it does every half minute or so, and it
/// looks for that less and less often: 40, 62 and 96 seconds after it was asked.
const FORGOTTEN_WITHIN: Duration = Duration::from_secs(180);

type Handle = WorkflowHandle<temporalio_client::Client, OrderWorkflow>;

pub(super) fn handle(shop: &Shop, id: &OrderId) -> Handle {
    shop.system.temporal.get_workflow_handle(order_workflow_id(id))
}

fn execution(id: &OrderId) -> WorkflowExecution {
    WorkflowExecution { workflow_id: order_workflow_id(id), run_id: String::new() }
}

/// What there is of an order: its document, its timeline.
pub(super) async fn known(shop: &Shop, id: &OrderId) -> Result<(Order, Vec<RecordedEvent>)> {
    Ok((shop.document(id).await?.context("the document")?, shop.system.store.events(id, 0, 1_000).await?))
}

pub(super) async fn has_run(shop: &Shop, workflow_id: &str) -> Result<bool> {
    let handle: Handle = shop.system.temporal.get_workflow_handle(workflow_id);
    match handle.describe(Default::default()).await {
        Ok(_) => Ok(true),
        Err(WorkflowInteractionError::NotFound(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

async fn runs(shop: &Shop, id: &OrderId) -> Result<bool> {
    Ok(handle(shop, id).describe(Default::default()).await?.status() == WorkflowExecutionStatus::Running)
}

/// Temporal forgets the workflow, as it does with every one once its retention is over.
pub(super) async fn forget(shop: &Shop, workflow_id: &str) -> Result<()> {
    let client = &shop.system.temporal;
    let execution = WorkflowExecution { workflow_id: workflow_id.to_owned(), run_id: String::new() };
    let request = DeleteWorkflowExecutionRequest { namespace: client.namespace(), workflow_execution: Some(execution) };
    client.connection().workflow_service().delete_workflow_execution(request.into_request()).await?;
    until_within(FORGOTTEN_WITHIN, "the run to be forgotten", async || Ok((!has_run(shop, workflow_id).await?).then_some(()))).await
}

/// Placed by hand: the equations at the end look for a run, which this order has lost.
async fn completed(shop: &Shop, basket: &Basket) -> Result<()> {
    shop.place_unnoted(basket).await?;
    let part = shop.until_part(&basket.id(), 1, "released").await?.fulfillment_order_id;
    shop.ship(&part).await?;
    shop.acts(&part, "deliver", json!({})).await?;
    shop.until_status(&basket.id(), "completed").await?;
    let closed = async || Ok(shop.document(&basket.id()).await?.filter(Order::is_closed));
    until("the order to be closed", closed).await?;
    // The record of the end comes first, then the run's.
    until("its run to end", async || Ok((!runs(shop, &basket.id()).await?).then_some(()))).await
}

#[test]
fn an_order_that_is_placed_again_when_temporal_has_forgotten_it_is_the_same_order() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let basket = Basket::of(&sku, 2, 255);
        completed(shop, &basket).await?;
        let (before, books) = (known(shop, &basket.id()).await?, shop.books(&basket.id()).await?);
        for pruned in [false, true] {
            if pruned {
                while shop.system.store.prune(1_000).await?.rows() > 0 {}
            }
            let workflow_id = order_workflow_id(&basket.id());
            if has_run(shop, &workflow_id).await? {
                forget(shop, &workflow_id).await?;
            }
            shop.send(&basket).await?.view::<OrderView>(200)?;
            ensure!(!has_run(shop, &workflow_id).await?, "it lives a second time");
        }
        assert_eq!(known(shop, &basket.id()).await?, before);
        assert_eq!(shop.stock(&sku, LEEDS).await?, (8, 0));
        assert_eq!(shop.books(&basket.id()).await?, books);
        Ok(())
    })
}

#[test]
fn a_run_of_an_order_that_has_ended_finds_out_by_itself_and_ends() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let basket = Basket::of(&sku, 2, 255);
        completed(shop, &basket).await?;
        let before = known(shop, &basket.id()).await?;
        forget(shop, &order_workflow_id(&basket.id())).await?;
        // The document is gone as well: what is recorded stands over the intake, and brings the document back.
        shop.system.forget_document(&basket.id()).await?;
        shop.send(&basket).await?.view::<OrderView>(200)?;
        let brought_back = async || Ok(shop.document(&basket.id()).await?);
        assert_eq!(until("the document to be brought back", brought_back).await?, before.0);
        until("the run to end", async || Ok((!runs(shop, &basket.id()).await?).then_some(()))).await?;
        assert_eq!(known(shop, &basket.id()).await?, before);
        assert_eq!(shop.stock(&sku, LEEDS).await?, (8, 0));
        Ok(())
    })
}

#[test]
fn a_command_to_an_order_whose_run_was_terminated_gives_it_a_new_one() -> Result<()> {
    in_shop_under(Policy { remorse_ms: 3_600_000, ..Policy::default() }, async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let id = shop.place(&Basket::of(&sku, 4, 255)).await?;
        shop.until_status(&id, "processing").await?;
        handle(shop, &id).terminate(WorkflowTerminateOptions::default()).await?;
        // What the rules refuse gives it none.
        shop.post(&format!("/v1/orders/{id}/refunds"), &json!({"refund_id": "r1", "amount_minor": 1, "reason": "late"}))
            .await?
            .problem(409, "refused_by_rule")?;
        ensure!(!runs(shop, &id).await?, "a refusal has started a run");
        shop.cancel(&id, "c1", &[("1", 1)]).await?;
        let left = shop.order(&id).await?.lines[0].units.cancelled;
        assert_eq!((left, shop.stock(&sku, LEEDS).await?), (1, (10, 3)));
        shop.cancel(&id, "c2", &[]).await?;
        shop.until_status(&id, "cancelled").await?;
        assert_eq!(shop.stock(&sku, LEEDS).await?, (10, 0));
        Ok(())
    })
}

#[test]
fn a_run_that_was_reset_goes_on_from_what_is_recorded() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 2, 255)).await?;
        let (id, part): (OrderId, _) = (order.heading.order_id.parse()?, &order.fulfillment_orders[0].fulfillment_order_id);
        shop.acts(part, "accept", json!({})).await?;
        let before = known(shop, &id).await?.1;
        reset_to_the_first_task(shop, &id).await?;
        // Whatever the run believed, it is told what is recorded.
        shop.ship(part).await?;
        shop.acts(part, "deliver", json!({})).await?;
        shop.until_status(&id, "completed").await?;
        let after = known(shop, &id).await?.1;
        assert_eq!(after[..before.len()], before, "what was recorded was taken back");
        assert_eq!(after.iter().filter(|event| event.kind == "fulfillment_shipped").count(), 1);
        assert_eq!(shop.stock(&sku, LEEDS).await?, (8, 0));
        Ok(())
    })
}

async fn reset_to_the_first_task(shop: &Shop, id: &OrderId) -> Result<()> {
    let client = &shop.system.temporal;
    let events = handle(shop, id).fetch_history(Default::default()).into_events().await?;
    let first_task = events.iter().find(|event| event.event_type() == EventType::WorkflowTaskCompleted).context("a task")?;
    let request = ResetWorkflowExecutionRequest {
        namespace: client.namespace(),
        workflow_execution: Some(execution(id)),
        reason: "to see that it goes on".into(),
        workflow_task_finish_event_id: first_task.event_id,
        request_id: format!("reset {id}"),
        ..ResetWorkflowExecutionRequest::default()
    };
    client.connection().workflow_service().reset_workflow_execution(request.into_request()).await?;
    Ok(())
}

#[test]
fn of_two_who_ask_an_ended_order_for_the_same_money_each_gets_an_answer_of_its_own() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 2, 255)).await?;
        shop.fulfill(&order).await?;
        let id: OrderId = order.heading.order_id.parse()?;
        shop.until_status(&id, "completed").await?;
        let ask = async |refund_id: &str| {
            let body = json!({"refund_id": refund_id, "amount_minor": 510, "reason": "goodwill"});
            shop.post(&format!("/v1/orders/{id}/refunds"), &body).await
        };
        let (one, two) = tokio::try_join!(ask("r1"), ask("r2"))?;
        let (done, refused) = if one.status == 201 { (one, two) } else { (two, one) };
        let done: RefundView = done.view(201)?;
        refused.problem(409, "refused_by_rule")?;
        let order = shop.until(&id, "have given it back", |order| order.totals.refunded_minor == 510).await?;
        assert_eq!(order.refunds.iter().map(|refund| &refund.refund_id).collect::<Vec<_>>(), [&done.refund_id]);
        Ok(())
    })
}
