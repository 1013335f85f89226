//! A server that dies between taking an order in and starting its workflow.

use std::time::Duration;

use anyhow::{Context, Result};
use oms_api::order::{OrderView, parse_order};
use oms_domain::policy::Policy;
use oms_store::Intake;

use crate::support::{Basket, Shop, in_own_shop, system::LEEDS};

/// Takes the order in, and dies.
async fn take_in(shop: &Shop, basket: &Basket) -> Result<()> {
    let order = parse_order(basket.body.to_string().as_bytes()).map_err(|problem| anyhow::anyhow!("{problem:?}"))?;
    let taken = shop.system.store.put_intake(&order, &order.body_hash()?, jiff::Timestamp::now()).await?;
    anyhow::ensure!(taken == Intake::New, "{taken:?}");
    shop.note(basket.id());
    Ok(())
}

#[test]
fn an_order_whose_start_was_lost_is_started_by_the_sweep() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let basket = Basket::of(&sku, 4, 255);
        take_in(shop, &basket).await?;
        // It can be read from then on, as placed.
        assert_eq!(shop.order(&basket.id()).await?.status, "created");
        assert_eq!(shop.starter.start_lost_orders(Duration::from_secs(3_600)).await?.done, 0, "what has only just come is not lost");
        assert_eq!(shop.starter.start_lost_orders(Duration::ZERO).await?.done, 1);
        let order = shop.until_part(&basket.id(), 1, "released").await?;
        assert_eq!(shop.starter.start_lost_orders(Duration::ZERO).await?.done, 0, "an order that runs is not swept again");
        shop.ship(&order.fulfillment_order_id).await?;
        Ok(())
    })
}

#[test]
fn an_order_whose_start_was_lost_is_started_by_placing_it_again() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let basket = Basket::of(&sku, 4, 255);
        take_in(shop, &basket).await?;
        shop.send(&basket).await?.view::<OrderView>(200)?;
        shop.until_part(&basket.id(), 1, "released").await?;
        let intakes = shop.system.store.invariants().await?.pending_intakes;
        assert_eq!(intakes, 0);
        shop.document(&basket.id()).await?.context("its document")?;
        Ok(())
    })
}
