//! The benchmark's parts do what they measure.

use oms_store::{
    Store, StoreConfig,
    bench::{HotSku, Import, bare_hot_sku, import, reserve_hot_sku},
};

use crate::{stack::fresh_config, support::assert_sound};

const SIZE: HotSku = HotSku { orders: 400, units: 300, connections: 8 };

async fn store() -> Store {
    Store::connect(&StoreConfig { max_connections: SIZE.connections, ..fresh_config().await }).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_ways_to_reserve_a_hot_sku_give_every_unit_once() {
    let store = store().await;
    let (ours, bare) = (reserve_hot_sku(&store, SIZE).await.unwrap(), bare_hot_sku(&store, SIZE).await.unwrap());
    println!("reserve {:.0}/s, bare {:.0}/s", ours.per_second(SIZE.orders), bare.per_second(SIZE.orders));
    assert_eq!((ours.won, bare.won), (SIZE.units, SIZE.units));
    assert_sound(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn feeds_of_the_real_datas_size_lose_no_row() {
    let store = store().await;
    // The bounds on time are `oms bench`'s, on a quiet machine.
    let times = import(&store, Import { products: 3_642, stock_rows: 11_042, receipts: 20_000 }).await.unwrap();
    println!("{times:?}");
    let received = store.stock_of(&"bench-00000".parse().unwrap()).await.unwrap();
    let on_hand: Vec<_> = received.iter().map(|position| position.on_hand).collect();
    assert_eq!(on_hand, [103, 103, 103, 103, 3, 3]);
    assert_sound(&store).await;
}
