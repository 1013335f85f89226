//! The queue for stock: whoever has the lowest rank and could have it gets what becomes possible, whatever made it so; and nobody waits
//! beside what they could have.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use jiff::Timestamp;
use oms_store::{Facility, Reserved, Waiting};
use serde_json::Value;

use crate::{
    queue_bench::Bench,
    stack::fresh_store,
    support::{adjust, facility, messages, serve, sku, step, stock_up, wait_since, waiting},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_orders_of_three_channels_are_served_by_the_rule_and_nobody_waits_beside_what_they_could_have() {
    let mut bench = Bench::new(500).await;
    let served = |bench: &Bench| bench.model.waiters.iter().filter(|waiter| !waiter.got.is_empty()).count();
    for n in 1..=320 {
        if n % 8 == 0 {
            bench.change(n).await;
        } else {
            bench.arrive().await;
        }
        bench.settle().await;
        bench.compare(n).await;
        bench.new_demand(n).await;
        // What comes is drawn: where it was little, more comes.
        if n >= 160 && served(&bench) > 100 {
            break;
        }
    }
    assert!(served(&bench) > 100, "only {} were served", served(&bench));
}

/// Waits, each for one unit, and brings stock in every way at once, while others want it, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn however_much_happens_at_once_the_first_in_the_queue_get_the_units_and_new_demand_gets_none() {
    const WAITING: u32 = 80;
    const UNITS: u32 = 50;
    let store = fresh_store().await;
    stock_up(&store, "WH-1", "A", 0).await;
    stock_up(&store, "WH-2", "A", i64::from(UNITS) - 30).await;
    store.catalog().put_facility(&Facility { ship_enabled: false, ..facility("WH-2") }).await.unwrap();
    serve(&store, Timestamp::now()).await;
    for n in 0..WAITING {
        // The last to come is the first by rank.
        let id = format!("o{n:02}");
        let only_there = Waiting { could_have: Some([0].into_iter().collect()), ..waiting(&id, "A", 1) };
        wait_since(&store, only_there, &id, &format!("2010-12-01T00:{:02}:{:02}Z", (WAITING - n) / 60, (WAITING - n) % 60)).await;
    }
    let (over, taken) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let (switched_on, taken_since) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let demand = (0..4).map(|n| {
        let (store, over, taken) = (store.clone(), over.clone(), taken.clone());
        let (switched_on, taken_since) = (switched_on.clone(), taken_since.clone());
        tokio::spawn(async move {
            for round in 0.. {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let looks_since = switched_on.load(Ordering::SeqCst);
                for level in store.availability(&[sku("A")]).await.unwrap().positions {
                    let wants = step(&format!("new{n}-{round}"), "place", &[(level.facility_id.as_str(), "A", 1)]);
                    if matches!(store.reserve(&wants).await.unwrap(), Reserved::Done(_)) {
                        taken.fetch_add(1, Ordering::Relaxed);
                        taken_since.fetch_add(looks_since.into(), Ordering::Relaxed);
                    }
                }
            }
        })
    });
    let demand: Vec<_> = demand.collect();
    let arrive = (0..3).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            for _ in 0..10 {
                adjust(&store, "WH-1", "A", 1).await;
            }
        })
    });
    let served = || {
        let store = store.clone();
        tokio::spawn(async move { serve(&store, Timestamp::now()).await })
    };
    let arrive: Vec<_> = arrive.collect();
    store.catalog().put_facility(&facility("WH-2")).await.unwrap();
    switched_on.store(true, Ordering::SeqCst);
    let serving = [served(), served()];
    for task in arrive.into_iter().chain(serving) {
        task.await.unwrap();
    }
    serve(&store, Timestamp::now()).await;
    over.store(true, Ordering::Relaxed);
    for task in demand {
        task.await.unwrap();
    }
    let told = messages(&store).await;
    let given = |kind: &str| -> BTreeMap<String, u64> {
        let units =
            |payload: &Value| payload[kind].as_array().unwrap().iter().map(|given| given["quantity"].as_u64().unwrap()).sum::<u64>();
        told.iter().map(|(id, payload)| (id.clone(), units(payload))).filter(|(_, units)| *units > 0).collect()
    };
    let (granted, offered) = (given("grants"), given("offers"));
    assert_eq!(taken_since.load(Ordering::Relaxed), 0, "new demand is served after those who wait");
    // Before, they may have taken what nobody could have then.
    let taken = taken.load(Ordering::Relaxed);
    let units = usize::try_from(UNITS - taken).unwrap();
    assert_eq!((granted.len(), granted.len() + offered.len()), (30, units), "what came, and what a switched-on facility has");
    let mut served: Vec<&String> = granted.keys().chain(offered.keys()).collect();
    served.sort();
    let first: Vec<String> = (WAITING - (UNITS - taken)..WAITING).map(|n| format!("o{n:02}")).collect();
    assert_eq!(served, first.iter().collect::<Vec<_>>(), "the lowest ranks, each once");
}
