//! A command is one command for as long as the house keeps it, not only for as long as its order remembers.

use anyhow::{Result, ensure};
use oms_domain::{
    error::ErrorCode,
    ids::HoldId,
    order::{HoldReason, Request},
    policy::Policy,
    taken::COMMANDS_KEPT,
};
use oms_starter::{CommandRequest, StarterError};
use serde_json::json;
use temporalio_client::WorkflowTerminateOptions;

use super::lives_once::{handle, known};
use crate::support::{Basket, in_shop_under, system::LEEDS};

#[test]
fn a_command_that_comes_again_after_a_hundred_others_and_another_run_is_the_same_command() -> Result<()> {
    in_shop_under(Policy { remorse_ms: 3_600_000, ..Policy::default() }, async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let id = shop.place(&Basket::of(&sku, 2, 255)).await?;
        shop.until_status(&id, "processing").await?;
        let hold_id: HoldId = "h".parse()?;
        let ask = async |command_id: &str, request: Request| shop.starter.command(&id, CommandRequest::new(command_id, request)).await;
        let place = || Request::PlaceHold { hold_id: hold_id.clone(), reason: HoldReason::Other, expires_at: None };
        let release = || Request::ReleaseHold { hold_id: hold_id.clone() };
        ask("first", place()).await?;
        for n in 0..=COMMANDS_KEPT {
            ask(&format!("other-{n}"), if n % 2 == 0 { release() } else { place() }).await?;
        }
        // A run remembers what it was asked; the next one has only the order.
        handle(shop, &id).terminate(WorkflowTerminateOptions::default()).await?;
        let before = known(shop, &id).await?;
        ensure!(before.0.holds.is_empty() && before.0.commands.find("first").is_none(), "{:?}", before.0.holds);
        ask("first", place()).await?;
        assert_eq!(known(shop, &id).await?, before, "it was done a second time");
        let other = ask("first", release()).await;
        let reused = matches!(&other, Err(StarterError::Rejected(refusal)) if refusal.code == ErrorCode::IdempotencyKeyReused);
        ensure!(reused, "{other:?}");
        shop.cancel(&id, "c1", &[]).await?;
        shop.until_status(&id, "cancelled").await.map(drop)
    })
}

#[test]
fn a_key_is_known_by_the_next_run_and_by_an_order_that_has_ended() -> Result<()> {
    in_shop_under(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 2, 255)).await?;
        let id = order.heading.order_id.parse()?;
        let part = order.fulfillment_orders[0].fulfillment_order_id.as_str();
        let act = async |action: &str, body: serde_json::Value| {
            let answer = shop.post_keyed(&format!("/v1/fulfillment-orders/{part}/{action}"), "k", &body).await?;
            let repeated = answer.headers.contains_key("idempotency-replayed");
            answer.view::<serde_json::Value>(200).map(|_| repeated)
        };
        let picks = json!({"picker": "P-7"});
        ensure!(!act("start-picking", picks.clone()).await?, "it is new");
        handle(shop, &id).terminate(WorkflowTerminateOptions::default()).await?;
        let before = known(shop, &id).await?;
        ensure!(act("start-picking", picks.clone()).await?, "it was recorded");
        assert_eq!(known(shop, &id).await?, before);
        ensure!(!act("ship", json!({"carrier": "van", "tracking_number": format!("V-{part}")})).await?, "it is new");
        ensure!(!act("deliver", json!({})).await?, "it is new");
        shop.until_status(&id, "completed").await?;
        let before = known(shop, &id).await?;
        ensure!(act("start-picking", picks).await?, "the order knows it, though it has ended");
        assert_eq!(known(shop, &id).await?, before);
        Ok(())
    })
}
