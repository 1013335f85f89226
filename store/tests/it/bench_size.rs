//! The shop that `oms bench size` makes is one that the product could have made, and its parts do what they measure.

use oms_store::{
    OrderFilter, Store, StoreConfig,
    bench::{Size, count_everything, fill, lists, metrics, prune_all, relation_sizes},
};

use crate::{stack::fresh_config, support::assert_sound};

const SIZE: Size = Size { orders: 2_000, positions: 4_000, facilities: 20 };

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shop_is_made_whose_books_are_right_and_read_counted_and_pruned() {
    let store = Store::connect(&StoreConfig { history_months: Some(18), ..fresh_config().await }).await.unwrap();
    fill(&store, SIZE).await.unwrap();
    assert_sound(&store).await;
    let status = |status: &str| OrderFilter { status: Some(status.into()), ..OrderFilter::default() };
    for (of, least) in [("completed", 100), ("cancelled", 40), ("processing", 30)] {
        assert!(store.orders_page(&status(of), None, 100).await.unwrap().items.len() >= least, "{of}");
    }
    let times = lists(&store, SIZE).await.unwrap();
    assert!(times.iter().chain([&metrics(&store).await.unwrap()]).all(|timed| !timed.p99.is_zero()), "{times:?}");
    let counted = count_everything(&store).await.unwrap();
    assert_eq!(counted.positions, SIZE.positions);
    let pruned = prune_all(&store).await.unwrap();
    println!("{counted:?} {pruned:?}");
    assert!(pruned.gone > 5, "old months and keys");
    assert_sound(&store).await;
    assert!(relation_sizes(&store).await.unwrap()["order_events"] > 1_000_000);
}
