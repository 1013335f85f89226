//! A cancellation and a shipment at the same moment: each unit goes one way, and its money with it.

use anyhow::Result;
use futures_util::future::{join, try_join_all};
use serde_json::{Value, json};

use crate::support::{Basket, Shop, in_shop, replay, system::LEEDS};

/// Orders in a round, and rounds; the order of the two requests is left to the machine.
const ORDERS: usize = 10;
const ROUNDS: usize = 3;
const UNITS: u32 = 3;

/// One order whose cancellation and shipment race; how many of its units shipped.
async fn race(shop: &Shop, basket: &Basket, cancel_first: bool) -> Result<u32> {
    let order = shop.place_released(basket).await?;
    let (id, part) = (basket.id(), &order.fulfillment_orders[0].fulfillment_order_id);
    let cancel = async {
        if !cancel_first {
            tokio::task::yield_now().await;
        }
        shop.cancel(&id, "c1", &[]).await
    };
    let (cancelled, shipped) = join(cancel, shop.act(part, "ship", json!({"carrier": "van", "tracking_number": format!("R-{id}")}))).await;
    let (cancelled, shipped) = (cancelled?, shipped?);
    let units = |list: &[oms_api::cancellation::CancelledUnits]| list.iter().map(|units| units.quantity).sum::<u32>();
    let gone = units(&cancelled.cancelled);
    assert_eq!(gone + units(&cancelled.too_late), UNITS, "every unit is answered: {cancelled:?}");
    match shipped.status {
        200 => assert_eq!(gone, 0, "shipped, and {gone} units cancelled as well"),
        _ => {
            // The order has ended, or is about to: its money is being given back.
            assert!(["order_closed", "illegal_transition"].map(Value::from).contains(&shipped.body["code"]), "{shipped:?}");
            assert_eq!(gone, UNITS, "neither shipped nor cancelled");
        }
    }
    Ok(UNITS - gone)
}

#[test]
fn of_a_cancellation_and_a_shipment_exactly_one_wins_each_unit() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 1_000)]).await?;
        let mut shipped = 0;
        for round in 0..ROUNDS {
            let baskets: Vec<Basket> = (0..ORDERS).map(|_| Basket::of(&sku, UNITS, 300)).collect();
            let races = baskets.iter().enumerate().map(|(n, basket)| race(shop, basket, (n + round) % 2 == 0));
            shipped += try_join_all(races).await?.into_iter().map(i64::from).sum::<i64>();
            replay::keep(&shop.system, &baskets[0].id(), "raced").await?;
        }
        println!("{shipped} of {} units shipped", ROUNDS * ORDERS * 3);
        assert_eq!(shop.stock(&sku, LEEDS).await?, (1_000 - shipped, 0));
        Ok(())
    })
}
