//! Whatever two calls meet at the same positions, neither waits for the other for ever.

use std::pin::Pin;

use oms_domain::{
    ids::ReturnId,
    order::{RejectionReason, StockFact},
};
use oms_store::{
    Adjustment, AdjustmentReason, Facility, FeedKind, FeedMode, FeedRow, FulfillmentRow, HeldUnits, Hold, HoldLine, Receipt, Record,
    RecordedEvent, Reserve, RestockedGoods, ReturnRecord, Store, Waiting,
};
use secrecy::ExposeSecret;
use serde_json::json;
use sqlx::{Connection, PgConnection};

use crate::{
    stack::fresh_config,
    support::{
        adjust, at, count, facility, facility_id, feed, fulfillment, line, order, queued, record, serve, sku, step, stock_up, target,
        waiting,
    },
};

/// What moves stock, or waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    Reserve,
    Wait,
    Ship,
    Release,
    Close,
    Reject,
    Receive,
    Adjust,
    Count,
    TakeBackCount,
    Hold,
    GiveHoldBack,
    TakeHoldOver,
    PutBack,
    ServeDue,
    ExpireOffers,
    Gather,
    ExpireHolds,
    PutFacility,
    TakeCapacity,
}

const CALLS: [Call; 20] = [
    Call::Reserve,
    Call::Wait,
    Call::Ship,
    Call::Release,
    Call::Close,
    Call::Reject,
    Call::Receive,
    Call::Adjust,
    Call::Count,
    Call::TakeBackCount,
    Call::Hold,
    Call::GiveHoldBack,
    Call::TakeHoldOver,
    Call::PutBack,
    Call::ServeDue,
    Call::ExpireOffers,
    Call::Gather,
    Call::ExpireHolds,
    Call::PutFacility,
    Call::TakeCapacity,
];

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The positions, in the order in which a call names them.
type Places = [(&'static str, &'static str, u32); 3];

const PLACES: Places = [("WH-1", "A", 1), ("WH-1", "B", 1), ("WH-2", "A", 1)];

fn hold(id: &str, places: Places) -> Hold {
    let units = places.iter().enumerate().map(|(n, (facility, of, quantity))| HeldUnits {
        line_id: line(&n.to_string()),
        facility_id: facility_id(facility),
        sku: sku(of),
        quantity: *quantity,
    });
    let lines = places.iter().enumerate().map(|(n, (_, of, quantity))| HoldLine {
        line_id: line(&n.to_string()),
        sku: sku(of),
        quantity: *quantity,
    });
    Hold { reservation_id: id.parse().unwrap(), body_hash: id.into(), hold_s: 900, lines: lines.collect(), units: units.collect() }
}

async fn started(store: &Store, kind: FeedKind, as_of: &str) -> uuid::Uuid {
    store.feeds().start(&feed(kind, FeedMode::Partial, Some(at(as_of)))).await.unwrap()
}

fn rows<T>(rows: impl Iterator<Item = T>) -> Vec<FeedRow<T>> {
    rows.zip(1..).map(|(row, row_number)| FeedRow { row_number, row }).collect()
}

/// The second record of an order that holds a unit at each of the places.
async fn of_holder(store: &Store, id: &str, places: Places, change: impl FnOnce(Record) -> Record) -> Record {
    store.reserve(&step(id, "place", &places)).await.unwrap();
    let stock = places.iter().map(|(facility, of, _)| target(id, facility, of, 1, 0)).collect();
    let fulfillment_orders = vec![queued(id, 1, "WH-1", "released", None)];
    store.record(&Record { stock, fulfillment_orders, ..record(id, 1, "sourced") }).await.unwrap();
    change(record(id, 2, "changed"))
}

/// The same facility at another cost, so that it is news.
fn changed(id: &str, of: &str) -> Facility {
    let cost = of.bytes().fold(0_i64, |cost, byte| (cost * 31 + i64::from(byte)) % 1_000_003);
    Facility { handling_cost_minor: cost, ..facility(id) }
}

/// Gets a call ready, so that only the call itself runs beside another.
async fn ready(store: &Store, call: Call, id: String, places: Places) -> Work {
    let mut places = places;
    if id.ends_with('2') {
        places.reverse();
    }
    let units = move |id: &str, allocated, consumed| {
        places.iter().map(|(facility, of, _)| target(id, facility, of, allocated, consumed)).collect::<Vec<_>>()
    };
    let own = store.clone();
    let recording = |record: Record| -> Work {
        Box::pin(async move {
            own.record(&record).await.unwrap();
        })
    };
    let own = store.clone();
    match call {
        Call::Reserve => Box::pin(async move { drop(own.reserve(&step(&id, "place", &places)).await.unwrap()) }),
        Call::Wait => {
            let planned_at = Some(store.availability(&[sku("A"), sku("B")]).await.unwrap().mark);
            let waiting = ["A", "B"].map(|of| waiting(&id, of, 1)).to_vec();
            let request = Reserve { waiting, planned_at, ..step(&id, "wait", &places) };
            Box::pin(async move { drop(own.reserve(&request).await.unwrap()) })
        }
        Call::Ship => recording(of_holder(store, &id, places, |r| Record { stock: units(&id, 0, 1), ..r }).await),
        Call::Release => recording(of_holder(store, &id, places, |r| Record { stock: units(&id, 0, 0), ..r }).await),
        Call::Close => recording(of_holder(store, &id, places, |r| Record { closed: true, ..r }).await),
        Call::Reject => {
            let fact = |(facility, of, quantity): &(&str, &str, u32)| StockFact {
                seq: 2,
                fulfillment_order_id: fulfillment(&id, 1),
                line_id: line(&format!("{facility}-{of}")),
                facility_id: facility_id(facility),
                sku: sku(of),
                reason: RejectionReason::Mismatch,
                quantity: *quantity,
            };
            let stock_facts = places.iter().map(fact).collect();
            let fulfillment_orders = vec![queued(&id, 1, "WH-1", "incomplete", None)];
            recording(of_holder(store, &id, places, |r| Record { stock_facts, fulfillment_orders, ..r }).await)
        }
        Call::Receive => {
            let feed_id = started(store, FeedKind::Receipts, "2010-12-02T00:00:00Z").await;
            let receipt = |(facility, of, quantity): (&str, &str, u32)| Receipt {
                receipt_id: Some(format!("{id}-{facility}-{of}")),
                received_at: at("2010-12-03T00:00:00Z"),
                facility_id: facility_id(facility),
                sku: sku(of),
                quantity,
            };
            let rows = rows(places.into_iter().map(receipt));
            Box::pin(async move { drop(own.feeds().apply_receipts(feed_id, &rows).await.unwrap()) })
        }
        Call::Adjust => {
            let adjustment = |(facility, of, quantity): (&str, &str, u32)| Adjustment {
                adjustment_id: None,
                facility_id: facility_id(facility),
                sku: sku(of),
                quantity: i64::from(quantity),
                unavailable: 0,
                reason: AdjustmentReason::Correction,
                occurred_at: None,
                told_at: at("2010-12-03T00:00:00Z"),
            };
            let adjustments: Vec<_> = places.into_iter().map(adjustment).collect();
            Box::pin(async move { drop(own.adjust_stock(&adjustments).await.unwrap()) })
        }
        Call::Count => {
            let feed_id = started(store, FeedKind::Stock, "2010-12-02T00:00:00Z").await;
            let rows = rows(places.into_iter().map(|(facility, of, _)| count(facility, of, 100_000)));
            store.feeds().apply_stock(feed_id, &rows).await.unwrap();
            Box::pin(async move { drop(own.feeds().finish(feed_id).await.unwrap()) })
        }
        Call::TakeBackCount => Box::pin(async move {
            let of = at("2010-12-02T00:00:00Z");
            drop(own.catalog().take_back_count(&facility_id("WH-1"), &sku("A"), of).await);
        }),
        Call::Hold => Box::pin(async move { drop(own.hold(&hold(&id, places)).await.unwrap()) }),
        Call::GiveHoldBack => {
            let held = hold(&id, places);
            store.hold(&held).await.unwrap();
            Box::pin(async move { drop(own.release_hold(&held.reservation_id).await.unwrap()) })
        }
        Call::TakeHoldOver => {
            let held = hold(&id, places);
            store.hold(&held).await.unwrap();
            let request = Reserve { takes_over: Some(held.reservation_id), ..step(&id, "place", &places[..2]) };
            Box::pin(async move { drop(own.reserve(&request).await.unwrap()) })
        }
        Call::PutBack => {
            let time = at("2011-01-05T10:00:00Z");
            let goods = places.iter().map(|(facility, of, quantity)| RestockedGoods {
                facility_id: facility_id(facility),
                sku: sku(of),
                restocked: *quantity,
            });
            let record = ReturnRecord {
                return_id: ReturnId::of(&order(&id), 1),
                order_id: order(&id),
                base: 0,
                version: 1,
                status: "received".into(),
                needs_attention: false,
                opened_at: time,
                updated_at: time,
                next_wait_at: None,
                events: vec![RecordedEvent { seq: 1, kind: "judged".into(), at: time, data: json!({}), by: None }],
                goods: goods.collect(),
                label: None,
                doc: json!({}),
            };
            Box::pin(async move {
                own.record_return(&record).await.unwrap();
            })
        }
        Call::ServeDue => {
            for place in ["WH-1", "WH-2"] {
                store.catalog().put_facility(&changed(place, &id)).await.unwrap();
            }
            Box::pin(async move { serve(&own, jiff::Timestamp::now()).await })
        }
        Call::ExpireOffers => {
            let seen = store.availability(&[sku("A"), sku("B")]).await.unwrap();
            let waiting = ["A", "B"].map(|of| Waiting { plans_again: true, ..waiting(&id, of, 1) }).to_vec();
            let request = Reserve { waiting, planned_at: Some(seen.mark), ..step(&id, "wait", &[]) };
            store.reserve(&request).await.unwrap();
            for (facility, of, _) in places {
                adjust(store, facility, of, 1).await;
            }
            store.hurry_offers(std::time::Duration::from_secs(61)).await.unwrap();
            Box::pin(async move {
                own.expire_offers(10).await.unwrap();
            })
        }
        Call::Gather => {
            let seen = store.availability(&[sku("A"), sku("B")]).await.unwrap();
            // Of C there is nothing anywhere.
            let with_all = |of| Waiting { plans_again: true, all_or_nothing: true, ships_with: Some("0".into()), ..waiting(&id, of, 1) };
            let request =
                Reserve { waiting: ["A", "B", "C"].map(with_all).to_vec(), planned_at: Some(seen.mark), ..step(&id, "wait", &[]) };
            store.reserve(&request).await.unwrap();
            adjust(store, "WH-1", "A", 1).await;
            let tomorrow = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(25);
            Box::pin(async move {
                serve(&own, jiff::Timestamp::now()).await;
                serve(&own, tomorrow).await;
            })
        }
        Call::ExpireHolds => {
            store.hold(&Hold { hold_s: 0, ..hold(&id, places) }).await.unwrap();
            Box::pin(async move {
                own.expire_holds(10).await.unwrap();
            })
        }
        Call::PutFacility => Box::pin(async move { own.catalog().put_facility(&changed("WH-1", &id)).await.unwrap() }),
        Call::TakeCapacity => {
            let days = ["2010-12-06", "2010-12-07"].map(|day| day.parse().unwrap()).to_vec();
            let released = |n, place| FulfillmentRow { ship_days: days.clone(), ..queued(&id, n, place, "released", None) };
            let fulfillment_orders = vec![released(1, "WH-1"), released(2, "WH-2")];
            recording(of_holder(store, &id, places, |r| Record { stock: units(&id, 1, 0), fulfillment_orders, ..r }).await)
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_two_calls_wait_for_each_other() {
    let config = fresh_config().await;
    let store = Store::connect(&config).await.unwrap();
    store.setup().await.unwrap();
    for (facility, of, _) in PLACES {
        stock_up(&store, facility, of, 100_000).await;
    }
    stock_up(&store, "WH-2", "B", 100_000).await;
    for (n, one) in CALLS.into_iter().enumerate() {
        for other in &CALLS[n..] {
            let names = |n: u32| (format!("{one:?}-{other:?}-{n}-1").to_lowercase(), format!("{one:?}-{other:?}-{n}-2").to_lowercase());
            for n in 0..3 {
                let (first, second) = names(n);
                let pair = [ready(&store, one, first, PLACES).await, ready(&store, *other, second, PLACES).await];
                futures_util::future::join_all(pair.map(tokio::spawn)).await.into_iter().for_each(|done| done.unwrap());
            }
        }
    }
    store.close().await;
    assert_eq!(deadlocks(&config).await, 0);
}

/// How many there were in the test's database. Backends say so when they end, at the latest.
async fn deadlocks(config: &oms_store::StoreConfig) -> i64 {
    let mut connection = PgConnection::connect(config.database_url.expose_secret()).await.unwrap();
    loop {
        let others: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()",
        )
        .fetch_one(&mut connection)
        .await
        .unwrap();
        if others == 0 {
            break;
        }
        tokio::task::yield_now().await;
    }
    let counted = sqlx::query_scalar("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()");
    counted.fetch_one(&mut connection).await.unwrap()
}
