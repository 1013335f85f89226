//! Many orders for few units: exactly as many are served as there are units, never one more.

use anyhow::Result;
use futures_util::future::try_join_all;

use crate::support::{
    Basket, in_shop,
    system::{LEEDS, YORK},
};

#[test]
fn of_forty_orders_for_seven_units_exactly_seven_win() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 7)]).await?;
        let baskets: Vec<Basket> = (0..40).map(|_| Basket::of(&sku, 1, 255).with("/allow_backorder", false)).collect();
        try_join_all(baskets.iter().map(|basket| shop.place(basket))).await?;
        let mut won = Vec::new();
        for basket in &baskets {
            let order =
                shop.until(&basket.id(), "be decided", |order| ["processing", "cancelled"].contains(&order.status.as_str())).await?;
            won.extend((order.status == "processing").then(|| basket.id()));
        }
        assert_eq!(won.len(), 7);
        assert_eq!(shop.stock(&sku, LEEDS).await?, (7, 7));
        for id in &won {
            let order = shop.until_part(id, 1, "released").await?;
            shop.ship(&order.fulfillment_order_id).await?;
        }
        assert_eq!(shop.stock(&sku, LEEDS).await?, (0, 0));
        Ok(())
    })
}

#[test]
fn units_at_two_places_are_shared_out_to_the_last() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 13), (YORK, 11)]).await?;
        // 20 orders of three units for 24: what cannot be had is waited for, nothing is left lying.
        let baskets: Vec<Basket> = (0..20).map(|_| Basket::of(&sku, 3, 90_000)).collect();
        try_join_all(baskets.iter().map(|basket| shop.place(basket))).await?;
        let (mut allocated, mut unfilled) = (0, 0);
        for basket in &baskets {
            let units = shop.until_status(&basket.id(), "processing").await?.lines[0].units.clone();
            assert_eq!(units.allocated + units.unfilled, 3);
            allocated += units.allocated;
            unfilled += units.unfilled;
        }
        assert_eq!((allocated, unfilled), (24, 36));
        assert_eq!((shop.stock(&sku, LEEDS).await?, shop.stock(&sku, YORK).await?), ((13, 13), (11, 11)));
        Ok(())
    })
}

#[test]
fn orders_of_several_lines_never_block_each_other_for_good() -> Result<()> {
    in_shop(async |shop| {
        // Every order wants the same three products, named in another order: the classic way to a deadlock.
        let skus = [shop.stocked(&[(LEEDS, 10)]).await?, shop.stocked(&[(LEEDS, 10)]).await?, shop.stocked(&[(LEEDS, 10)]).await?];
        let basket = |n: usize| {
            (0..3).fold(Basket::empty(), |basket, line| basket.and(&skus[(n + line) % 3], 1, 90_000)).with("/allow_split", false)
        };
        let baskets: Vec<Basket> = (0..24).map(|n| basket(n).with("/allow_backorder", false)).collect();
        try_join_all(baskets.iter().map(|basket| shop.place(basket))).await?;
        let mut won = 0;
        for basket in &baskets {
            let order =
                shop.until(&basket.id(), "be decided", |order| ["processing", "cancelled"].contains(&order.status.as_str())).await?;
            won += i64::from(order.status == "processing");
        }
        assert_eq!(won, 10);
        for sku in &skus {
            assert_eq!(shop.stock(sku, LEEDS).await?, (10, 10));
        }
        Ok(())
    })
}
