//! Every way in which something becomes possible for an order that waits: it is told of it, whatever made it so.

use jiff::{SignedDuration, Timestamp};
use oms_domain::order::{RejectionReason, StockFact};
use oms_store::{
    Facility, FulfillmentRow, FullFacility, HeldUnits, Hold, HoldLine, Record, Reserve, Reserved, RestockedGoods, ReturnRecord, Store,
    Waiting,
};

use crate::{
    returns,
    stack::fresh_whole_store,
    support::{
        adjust, assert_sound, at, count, facility, facility_id, fulfillment, line, messages, queued, receive, record, serve, sku, step,
        stock_up, target, waiting,
    },
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Adjusted,
    Received,
    Counted,
    CountTakenBack,
    HoldExpired,
    HoldGivenBack,
    OrderReleases,
    GoodsReturned,
    RejectionOverturned,
    CapacityRaised,
    TokenGivenBack,
    NextDay,
    PickupSwitchedOn,
    ShippingSwitchedOn,
    OtherWorkingDays,
    OtherHours,
    OtherRules,
}

const WAYS: [Way; 17] = [
    Way::Adjusted,
    Way::Received,
    Way::Counted,
    Way::CountTakenBack,
    Way::HoldExpired,
    Way::HoldGivenBack,
    Way::OrderReleases,
    Way::GoodsReturned,
    Way::RejectionOverturned,
    Way::CapacityRaised,
    Way::TokenGivenBack,
    Way::NextDay,
    Way::PickupSwitchedOn,
    Way::ShippingSwitchedOn,
    Way::OtherWorkingDays,
    Way::OtherHours,
    Way::OtherRules,
];

impl Way {
    /// The unit is there from the beginning; it is the place that could not ship it.
    fn is_of_the_place(self) -> bool {
        match self {
            Self::Adjusted
            | Self::Received
            | Self::Counted
            | Self::CountTakenBack
            | Self::HoldExpired
            | Self::HoldGivenBack
            | Self::OrderReleases
            | Self::GoodsReturned
            | Self::RejectionOverturned => false,
            Self::CapacityRaised
            | Self::TokenGivenBack
            | Self::NextDay
            | Self::PickupSwitchedOn
            | Self::ShippingSwitchedOn
            | Self::OtherWorkingDays
            | Self::OtherHours
            | Self::OtherRules => true,
        }
    }
}

/// The place, as it is while the order begins to wait.
fn place(way: Way) -> Facility {
    let daily_order_capacity = Some(if way == Way::TokenGivenBack { 1 } else { 400 });
    Facility { daily_order_capacity, ship_enabled: way != Way::ShippingSwitchedOn, ..facility("WH-1") }
}

fn tomorrow() -> Timestamp {
    Timestamp::now() + SignedDuration::from_hours(24)
}

fn hold(hold_s: u32) -> Hold {
    let unit = HeldUnits { line_id: line("1"), facility_id: facility_id("WH-1"), sku: sku("A"), quantity: 1 };
    let lines = vec![HoldLine { line_id: line("1"), sku: sku("A"), quantity: 1 }];
    Hold { reservation_id: "cart".parse().unwrap(), body_hash: "cart".into(), hold_s, lines, units: vec![unit] }
}

fn holder(version: u64, status: &str, allocated: u32) -> Record {
    let row = FulfillmentRow { ship_days: vec!["2010-12-06".parse().unwrap()], ..queued("holder", 1, "WH-1", status, None) };
    let stock = vec![target("holder", "WH-1", "A", allocated, 0)];
    Record { fulfillment_orders: vec![row], stock, ..record("holder", version, status) }
}

/// Makes the order wait in vain for a unit of A at WH-1.
async fn begin(store: &Store, way: Way) {
    stock_up(store, "WH-1", "A", 1).await;
    store.catalog().put_facility(&place(way)).await.unwrap();
    assert!(store.rules_in_force("old").await.unwrap());
    serve(store, Timestamp::now()).await;
    match way {
        Way::Adjusted | Way::Received | Way::Counted | Way::GoodsReturned => adjust(store, "WH-1", "A", -1).await,
        Way::CountTakenBack => {
            store.catalog().put_stock(&count("WH-1", "A", 0), Some(at("2010-12-03T00:00:00Z"))).await.unwrap();
        }
        Way::HoldExpired => drop(store.hold(&hold(0)).await.unwrap()),
        Way::HoldGivenBack => drop(store.hold(&hold(900)).await.unwrap()),
        Way::OrderReleases => drop(store.reserve(&step("holder", "place", &[("WH-1", "A", 1)])).await.unwrap()),
        Way::TokenGivenBack => recorded(store, &holder(1, "released", 0)).await,
        Way::RejectionOverturned => {
            // One of two, so that one is left for it.
            adjust(store, "WH-1", "A", 1).await;
            let reason = RejectionReason::Damaged;
            let (id, fulfillment_order_id) = ("waits", fulfillment("waits", 1));
            store.reserve(&step(id, "place", &[("WH-1", "A", 1)])).await.unwrap();
            let (line_id, facility_id, sku, quantity) = (line("A"), facility_id("WH-1"), sku("A"), 1);
            let fact = StockFact { seq: 1, fulfillment_order_id, line_id, facility_id, sku, reason, quantity };
            let fulfillment_orders = vec![queued(id, 1, "WH-1", "incomplete", None)];
            store.record(&Record { stock_facts: vec![fact], fulfillment_orders, ..record(id, 1, "rejected") }).await.unwrap();
        }
        Way::CapacityRaised
        | Way::NextDay
        | Way::PickupSwitchedOn
        | Way::ShippingSwitchedOn
        | Way::OtherWorkingDays
        | Way::OtherHours
        | Way::OtherRules => {}
    }
    let seen = store.availability(&[sku("A")]).await.unwrap();
    let could_have = if way.is_of_the_place() && way != Way::PickupSwitchedOn { Vec::new() } else { vec![0] };
    let only_at = if way == Way::PickupSwitchedOn { vec![facility_id("WH-1")] } else { Vec::new() };
    let wait = Waiting { could_have: Some(could_have.into_iter().collect()), only_at, ..waiting("waits", "A", 1) };
    let full = if way == Way::NextDay { vec![FullFacility { facility_id: facility_id("WH-1"), due: tomorrow() }] } else { Vec::new() };
    let (planned_at, facilities_version) = (Some(seen.mark), Some(seen.facilities_version));
    let request = Reserve { waiting: vec![wait], full, planned_at, facilities_version, ..step("waits", "wait", &[]) };
    assert!(matches!(store.reserve(&request).await.unwrap(), Reserved::Done(_)), "{way:?}");
}

async fn recorded(store: &Store, record: &Record) {
    store.record(record).await.unwrap();
}

/// Makes it possible.
async fn happen(store: &Store, way: Way) {
    let catalog = store.catalog();
    let put = async |changed: Facility| catalog.put_facility(&changed).await.unwrap();
    match way {
        Way::Adjusted => adjust(store, "WH-1", "A", 1).await,
        Way::Received => receive(store, "WH-1", "A", 1, at("2010-12-05T00:00:00Z")).await,
        Way::Counted | Way::RejectionOverturned => {
            let there = if way == Way::Counted { 1 } else { 2 };
            catalog.put_stock(&count("WH-1", "A", there), Some(at("2010-12-06T00:00:00Z"))).await.unwrap();
        }
        Way::CountTakenBack => {
            catalog.take_back_count(&facility_id("WH-1"), &sku("A"), at("2010-12-03T00:00:00Z")).await.unwrap();
        }
        Way::HoldExpired => assert_eq!(store.expire_holds(10).await.unwrap(), 1),
        Way::HoldGivenBack => drop(store.release_hold(&"cart".parse().unwrap()).await.unwrap()),
        Way::OrderReleases => recorded(store, &Record { closed: true, ..record("holder", 1, "cancelled") }).await,
        Way::GoodsReturned => {
            let goods = vec![RestockedGoods { facility_id: facility_id("WH-1"), sku: sku("A"), restocked: 1 }];
            store.record_return(&ReturnRecord { goods, ..returns::record("shopper", 1, "judged", "A", 1) }).await.unwrap();
        }
        Way::CapacityRaised => put(Facility { daily_order_capacity: Some(401), ..place(way) }).await,
        Way::TokenGivenBack => recorded(store, &holder(2, "cancelled", 0)).await,
        Way::NextDay => serve(store, tomorrow()).await,
        Way::PickupSwitchedOn => put(Facility { pickup_enabled: true, ..place(way) }).await,
        Way::ShippingSwitchedOn => put(Facility { ship_enabled: true, ..place(way) }).await,
        Way::OtherWorkingDays => put(Facility { working_days: "Mon-Sun".into(), ..place(way) }).await,
        Way::OtherHours => put(Facility { cutoff_local_time: jiff::civil::time(20, 0, 0, 0), ..place(way) }).await,
        Way::OtherRules => assert!(store.rules_in_force("new").await.unwrap()),
    }
    serve(store, Timestamp::now()).await;
}

#[tokio::test]
async fn whatever_makes_it_possible_who_has_waited_for_it_is_told() {
    for way in WAYS {
        let store = fresh_whole_store().await;
        begin(&store, way).await;
        serve(&store, Timestamp::now()).await;
        assert_eq!(messages(&store).await, [], "{way:?} has not happened");
        happen(&store, way).await;
        let told = messages(&store).await;
        let who: Vec<_> = told.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(who, ["waits"], "{way:?}");
        // A place that is another matter is planned with anew.
        let kind = if way.is_of_the_place() { "offers" } else { "grants" };
        assert_eq!(told[0].1[kind][0]["quantity"], 1, "{way:?}: {told:?}");
        assert_sound(&store).await;
    }
}
