//! A run is lost while the gateway works for it: the next one does not know whether the operation was made, and asks before it makes one.

use std::time::Duration;

use anyhow::{Result, ensure};
use oms_domain::{ids::OrderId, payment::OperationKind, policy::Policy};
use serde_json::{Value, json};
use temporalio_client::WorkflowTerminateOptions;

use super::lives_once::handle;
use crate::support::{
    Basket, Shop, in_shop_under, queues, replay,
    runtime::{until, until_within},
    system::LEEDS,
};

/// The next run waits until an attempt of the last one would be over (15 s), and then asks.
const ASKED_WITHIN: Duration = Duration::from_secs(45);

/// What the order's present run has asked of the gateway.
async fn asked_of_gateway(shop: &Shop, id: &OrderId) -> Result<Vec<String>> {
    let scheduled = queues::scheduled(&replay::history(&shop.system, id).await?)?;
    Ok(scheduled.into_iter().map(|scheduled| scheduled.activity).filter(|activity| activity.contains("pay")).collect())
}

fn is_answered_once(token: &str, was_made: bool) -> Result<()> {
    in_shop_under(Policy { remorse_ms: 3_600_000, ..Policy::default() }, async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let basket = Basket::of(&sku, 2, 255).token(token);
        let id = shop.place(&basket).await?;
        until("the gateway to be asked", async || Ok((asked_of_gateway(shop, &id).await? == ["pay"]).then_some(()))).await?;
        if was_made {
            let made = async || Ok((shop.books(&id).await?.amounts(OperationKind::Authorize).len() == 1).then_some(()));
            until("the gateway to have made it", made).await?;
        }
        handle(shop, &id).terminate(WorkflowTerminateOptions::default()).await?;

        // Whoever asks the order for something gets it another run.
        let hold: Value = shop.post(&format!("/v1/orders/{id}/holds"), &json!({"hold_id": "h", "reason": "other"})).await?.view(201)?;
        ensure!(hold["hold_id"] == "h", "{hold}");
        let authorized = async || Ok(Some(shop.order(&id).await?).filter(|order| order.payments[0].authorized_minor == 510));
        until_within(ASKED_WITHIN, "it to be authorized", authorized).await?;
        let asked = asked_of_gateway(shop, &id).await?;
        assert!(!asked.is_empty() && asked.iter().all(|activity| activity == "ask_payment"), "the run that follows asks first: {asked:?}");
        assert_eq!(shop.books(&id).await?.amounts(OperationKind::Authorize), [510]);
        shop.cancel(&id, "c1", &[]).await?;
        shop.until_status(&id, "cancelled").await.map(drop)
    })
}

#[test]
fn what_a_lost_run_had_asked_for_is_found_by_the_next_one() -> Result<()> {
    is_answered_once("tok_timeout", true)
}

#[test]
fn what_a_lost_run_had_asked_for_in_vain_is_made_once_by_the_next_one() -> Result<()> {
    is_answered_once("tok_timeout_before", false)
}
