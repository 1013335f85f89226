//! Free texts: kept with their order, found by what stands for them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use oms_store::Store;

use crate::{
    placed::placed_order,
    stack::{dynamodb_local, fresh_config},
    support::order,
};

/// Both implementations, where both can run.
async fn stores() -> Vec<(Store, Store)> {
    let mut configs = vec![fresh_config().await];
    if let Some(endpoint) = dynamodb_local().await {
        configs.push(oms_store::StoreConfig { dynamodb_endpoint: Some(endpoint), ..fresh_config().await });
    }
    let mut stores = Vec::new();
    for config in configs {
        let store = Store::connect(&config).await.unwrap();
        store.setup().await.unwrap();
        // Another process, which remembers nothing.
        stores.push((store, Store::connect(&config).await.unwrap()));
    }
    stores
}

#[tokio::test]
async fn a_text_is_found_by_what_stands_for_it_and_no_other_orders_is() {
    for (store, other) in stores().await {
        let (of_one, of_another) = (store.text_reference(&order("A-1"), "too small"), store.text_reference(&order("A-2"), "too small"));
        assert_ne!(of_one, of_another);
        assert_eq!(other.text_reference(&order("A-1"), "too small"), of_one, "the same text has the same reference");
        assert_eq!(store.text_reference(&order("A-1"), &of_one.to_string()), of_one, "a reference stays what it is");
        let texts = BTreeMap::from([(of_one.clone(), "too small".to_owned())]);
        for _ in 0..2 {
            store.keep_texts(&texts).await.unwrap();
        }
        let asked = BTreeSet::from([of_one, of_another]);
        assert_eq!(other.texts(&asked).await.unwrap(), texts);
        assert_eq!(other.texts(&BTreeSet::new()).await.unwrap(), BTreeMap::new());
    }
}

#[tokio::test]
async fn whether_an_order_was_taken_in_is_known_to_every_process() {
    for (store, other) in stores().await {
        let placed = placed_order("A-1", 1);
        store.put_intake(&placed, &placed.body_hash().unwrap(), Timestamp::now()).await.unwrap();
        for store in [store, other] {
            assert!(store.is_taken_in(&order("A-1")).await.unwrap());
            assert!(!store.is_taken_in(&order("A-2")).await.unwrap());
        }
    }
}
