//! Positions at which something moved since a time, a bounded look at a time.

use jiff::{SignedDuration, Timestamp};
use oms_store::Store;

use crate::{
    stack::fresh_store,
    support::{adjust, facility_id, sku, stock_up},
};

/// The SKUs of a page, and where it leads on.
async fn since(store: &Store, at: Timestamp, after: Option<&str>, limit: u32) -> (Vec<String>, Option<String>) {
    let after = after.map(sku);
    let page = store.stock_page_since(&facility_id("WH-1"), at, after.as_ref(), limit).await.unwrap();
    (page.items.into_iter().map(|position| position.sku.to_string()).collect(), page.next_cursor)
}

#[tokio::test]
async fn what_moved_after_a_time_is_found_by_sku_and_nothing_else_is() {
    let store = fresh_store().await;
    for name in ["A", "B", "C", "D"] {
        stock_up(&store, "WH-1", name, 5).await;
    }
    stock_up(&store, "WH-2", "E", 5).await;
    let long_ago = Timestamp::now() - SignedDuration::from_hours(24 * 40);
    assert_eq!(since(&store, long_ago, None, 2).await, (vec!["A".to_owned(), "B".to_owned()], Some("B".to_owned())));
    assert_eq!(since(&store, long_ago, Some("B"), 5).await, (vec!["C".to_owned(), "D".to_owned()], None));
    let before = Timestamp::now();
    adjust(&store, "WH-1", "C", -1).await;
    assert_eq!(since(&store, before, None, 5).await, (vec!["C".to_owned()], None));
    assert_eq!(since(&store, Timestamp::now(), None, 5).await, (vec![], None));
}
