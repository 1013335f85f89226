//! The books refuse a record for good, for a reason that only a person can take away: the run stays, says so where people look, and goes
//! on once it is told to try again.

use anyhow::{Context, Result, ensure};
use oms_domain::{ids::OrderId, policy::Policy};
use oms_workflows::names::NEEDS_ATTENTION;
use serde_json::json;

use super::lives_once::handle;
use crate::support::{Basket, Shop, in_own_shop, runtime::until, system::LEEDS};

/// What the run shows to whoever looks for trouble.
async fn says_that_it_needs_attention(shop: &Shop, id: &OrderId) -> Result<bool> {
    let described = handle(shop, id).describe(Default::default()).await?;
    let attributes = described.raw_description.workflow_execution_info.and_then(|info| info.search_attributes);
    let shown = attributes.context("search attributes")?.indexed_fields.remove(NEEDS_ATTENTION.name());
    Ok(shown.context("the attribute")?.data == b"true")
}

#[test]
fn a_run_whose_record_is_refused_for_good_says_so_and_goes_on_when_it_is_told_to() -> Result<()> {
    in_own_shop(Policy { remorse_ms: 3_600_000, ..Policy::default() }, async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let id = shop.place(&Basket::of(&sku, 2, 255)).await?;
        shop.until_status(&id, "processing").await?;
        ensure!(!says_that_it_needs_attention(shop, &id).await?, "nothing is wrong yet");

        shop.system.execute(format!("ALTER TABLE orders ADD CONSTRAINT refused CHECK (order_id <> '{id}') NOT VALID")).await?;
        let holds = format!("/v1/orders/{id}/holds");
        let body = json!({"hold_id": "h", "reason": "other"});
        let (asked, mended) = futures_util::join!(shop.post(&holds, &body), async {
            until("it to say so", async || Ok(says_that_it_needs_attention(shop, &id).await?.then_some(()))).await?;
            ensure!(shop.order(&id).await?.holds.is_empty(), "nobody is told of what is not durable");
            shop.system.execute("ALTER TABLE orders DROP CONSTRAINT refused").await?;
            ensure!(shop.starter.tell_to_look_again(&id).await?, "it has its run");
            anyhow::Ok(())
        });
        mended?;
        asked?.view::<serde_json::Value>(201)?;
        until("it to take that back", async || Ok((!says_that_it_needs_attention(shop, &id).await?).then_some(()))).await?;
        assert_eq!(shop.order(&id).await?.holds.len(), 1);
        shop.cancel(&id, "c1", &[]).await?;
        shop.until_status(&id, "cancelled").await.map(drop)
    })
}
