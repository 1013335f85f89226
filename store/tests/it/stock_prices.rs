//! Prices of stock, and the demand they are foretold from.

use oms_store::{StockPrice, Store, WantedUnits};

use crate::{
    placed::placed_order,
    stack::{fresh_store, fresh_whole_store},
    support::{at, facility_id, sku, stock_up},
};

fn price(facility: &str, of: &str, price_milli: i64) -> StockPrice {
    StockPrice { facility_id: facility_id(facility), sku: sku(of), price_milli }
}

/// The prices that plans see, by facility, and which they are.
async fn seen(store: &Store) -> (Vec<(String, i64)>, Option<String>) {
    let found = store.availability(&[sku("A")]).await.unwrap();
    let prices = found.positions.into_iter().map(|position| (position.facility_id.to_string(), position.stock_price_milli));
    (prices.collect(), found.stock_prices_version)
}

#[tokio::test]
async fn new_prices_replace_all_others_and_older_ones_none() {
    let store = fresh_store().await;
    stock_up(&store, "WH-1", "A", 3).await;
    stock_up(&store, "WH-2", "A", 3).await;
    let both = |one, two| vec![("WH-1".to_owned(), one), ("WH-2".to_owned(), two)];
    assert_eq!(seen(&store).await, (both(0, 0), None));
    let (monday, tuesday) = (at("2010-12-06T00:00:00Z"), at("2010-12-07T00:00:00Z"));
    assert!(store.put_stock_prices("tuesday", tuesday, &[price("WH-1", "A", 70), price("WH-2", "A", 20)]).await.unwrap());
    assert_eq!(seen(&store).await, (both(70, 20), Some("tuesday".to_owned())));
    assert!(!store.put_stock_prices("monday", monday, &[price("WH-1", "A", 5)]).await.unwrap());
    assert_eq!(seen(&store).await, (both(70, 20), Some("tuesday".to_owned())));
    // A repeat may know better: what it leaves out costs nothing any more.
    assert!(store.put_stock_prices("again", tuesday, &[price("WH-1", "A", 60)]).await.unwrap());
    assert_eq!(seen(&store).await, (both(60, 0), Some("again".to_owned())));
}

#[tokio::test]
async fn an_intake_counts_once_as_demand_of_its_square_of_a_degree() {
    let store = fresh_whole_store().await;
    stock_up(&store, "WH-1", "SKU-00001", 3).await;
    let (order, at_noon) = (placed_order("D1", 1), at("2010-12-01T12:00:00Z"));
    for _ in 0..2 {
        store.put_intake(&order, "hash", jiff::Timestamp::now()).await.unwrap();
    }
    let (since, until) = (at("2010-11-01T00:00:00Z"), at_noon);
    let found = store.demand(since, until).await.unwrap();
    assert_eq!(found.since, Some(order.placed_at));
    let demand = found.skus.iter().find(|demand| demand.sku == order.lines[0].sku).expect("the SKU");
    assert_eq!(demand.available.get(&facility_id("WH-1")), Some(&3));
    let wanted = WantedUnits { country: "GB".into(), latitude: Some(54), longitude: Some(-2), quantity: order.lines[0].quantity.into() };
    assert_eq!(demand.wanted, [wanted]);
    assert_eq!(store.demand(at_noon, until).await.unwrap().since, None);
}
