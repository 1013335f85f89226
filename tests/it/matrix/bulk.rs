//! The steps of bulk operations: each fails once, or does its work unheard, and every order is asked once.

use anyhow::{Result, ensure};
use oms_api::bulk::BulkView;
use oms_domain::policy::Policy;
use oms_worker::Around;
use serde_json::json;

use super::{faults::Fault, house::Mischief, steps};
use crate::{
    bulk::{get, hold, released, start, until_ended},
    support::{Setup, Shop, basket::unique, in_shop_of, replay, runtime::until, system::LEEDS},
};

#[test]
fn every_step_of_a_bulk_operation_fails_and_every_order_is_asked_once() -> Result<()> {
    let mischief = Mischief::default();
    let setup = Setup { around: Some(Around::new(mischief.clone())), ..Setup::default() };
    in_shop_of(setup, Policy::default(), async |shop| {
        for fault in [Fault::FailsBefore, Fault::AnswerLost] {
            for step in steps::of_bulks()? {
                for operation in [hold(), json!({"kind": "cancel"}), json!({"kind": "move", "facility_id": LEEDS})] {
                    mischief.plan(&step, fault);
                    asked_once(shop, operation.clone())
                        .await
                        .map_err(|error| error.context(format!("{step} {}: {operation}", fault.name())))?;
                    ensure!(mischief.has_struck(), "{step} was not taken");
                }
            }
        }
        Ok(())
    })
}

#[test]
fn a_batch_that_fails_for_good_pauses_the_bulk_until_a_person_resumes_it() -> Result<()> {
    let mischief = Mischief::default();
    let setup = Setup { around: Some(Around::new(mischief.clone())), ..Setup::default() };
    in_shop_of(setup, Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let id = unique("bulk");
        released(shop, &sku, 2).await?;
        mischief.plan("ask_batch", Fault::GivesUp);
        start(shop, &json!({"bulk_id": id, "operation": hold(), "reason": "a test", "selection": {"sku": sku}})).await?;
        let stuck = async || Ok(Some(get(shop, &id).await?).filter(|bulk| bulk.status == "paused"));
        let paused = until("the bulk operation to pause", stuck).await?;
        ensure!(paused.asked == 0 && paused.why.as_deref().is_some_and(|why| why.contains("made to fail")), "{paused:?}");
        let resumed: BulkView = shop.post(&format!("/v1/bulk/{id}/resume"), &json!({})).await?.view(200)?;
        ensure!(resumed.why.is_none(), "{resumed:?}");
        ensure!(until_ended(shop, &id).await?.outcomes.done == 2);
        replay::bulk_replays(&shop.system, &id.parse()?).await
    })
}

async fn asked_once(shop: &Shop, operation: serde_json::Value) -> Result<()> {
    // Leeds alone has it: what is moved waits.
    let sku = shop.stocked(&[(LEEDS, 10)]).await?;
    let (orders, id) = (released(shop, &sku, 2).await?, unique("bulk"));
    start(shop, &json!({"bulk_id": id, "operation": operation, "reason": "a test", "selection": {"sku": sku}})).await?;
    let ended = until_ended(shop, &id).await?;
    ensure!((ended.status.as_str(), ended.selected, ended.outcomes.done) == ("completed", 2, 2), "{ended:?}");
    for order in orders {
        let timeline = shop.timeline(&order).await?;
        let asked =
            timeline.iter().filter(|kind| ["hold_placed", "cancellation_recorded", "fulfillment_moved"].contains(&kind.as_str())).count();
        ensure!(asked == 1, "{order} was asked {asked} times: {timeline:?}");
    }
    Ok(())
}
