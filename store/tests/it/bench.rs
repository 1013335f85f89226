//! The benchmark's parts do what they measure.

use oms_store::{
    Store, StoreConfig,
    bench::{Counters, HotSku, Import, bare_hot_sku, import, reserve_hot_sku, source_hot_sku},
};

use secrecy::ExposeSecret;
use sqlx::Connection;

use crate::{stack::fresh_config, support::assert_sound};

const SIZE: HotSku = HotSku { orders: 400, units: 300, at_once: 8 };

async fn store() -> Store {
    Store::connect(&StoreConfig { max_connections: SIZE.at_once, ..fresh_config().await }).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_way_to_reserve_a_hot_sku_gives_every_unit_once() {
    let config = fresh_config().await;
    let workers = [Store::connect(&config).await.unwrap(), Store::connect(&config).await.unwrap()];
    let (one, all) = (&workers[..1], &workers[..]);
    let ours = reserve_hot_sku(one, SIZE, 24).await.unwrap();
    let bare = bare_hot_sku(all, SIZE).await.unwrap();
    let (together, planned) = (reserve_hot_sku(all, SIZE, 1_000).await.unwrap(), source_hot_sku(all, SIZE, 30).await.unwrap());
    println!("reserve {:.0}/s, bare {:.0}/s", ours.per_second(SIZE.orders), bare.per_second(SIZE.orders));
    assert_eq!([ours, bare, together, planned].map(|run| run.won), [SIZE.units; 4]);
    assert_sound(&workers[0]).await;
}

#[tokio::test]
async fn of_a_decision_among_a_thousand_facilities_not_more_than_4_kb_is_stored() {
    let config = fresh_config().await;
    let workers = [Store::connect(&config).await.unwrap()];
    let one = HotSku { orders: 1, units: 1, at_once: 1 };
    reserve_hot_sku(&workers, one, 1_000).await.unwrap();
    source_hot_sku(&workers, one, 1_000).await.unwrap();
    let mut connection = sqlx::PgConnection::connect(config.database_url.expose_secret()).await.unwrap();
    let longest = "SELECT count(*), max(pg_column_size(decision))::bigint FROM decisions";
    let (decisions, bytes): (i64, i64) = sqlx::query_as(longest).fetch_one(&mut connection).await.unwrap();
    assert!(decisions == 2 && bytes <= 4_096, "{decisions} decisions, {bytes} bytes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_beside_a_feed_of_receipts_is_timed_by_what_is_done() {
    let store = store().await;
    let shop = Counters::open(&store, 8).await.unwrap();
    let times = [shop.alone(5).await.unwrap(), shop.beside_receipts(400).await.unwrap()];
    assert!(times.iter().all(|times| [times.reservation, times.waiting, times.restock].iter().all(|took| !took.is_zero())), "{times:?}");
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
