//! Every list and search that the API offers, by every filter: the first page, and the one after it.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use oms_domain::{
    access::{Reach, Scope},
    bulk::{Operation, Task},
    ids::{BulkId, CustomerId, FacilityId, OrderId, Sku},
};
use uuid::Uuid;

use super::{
    super::id,
    fill::Size,
    timing::{Timed, timed},
};
use crate::{
    audit::AuditFilter,
    bulks::BulkIntake,
    error::StoreError,
    fulfillment_list::FulfillmentFilter,
    order_list::{OrderFilter, Page},
    outbox::EventFilter,
    returns::ReturnFilter,
    store::Store,
};

/// As many as the API shows unless it is asked for more.
const LIMIT: u32 = 50;

/// The facility that a tenth of all orders are from.
const OF_MANY: &str = "F0000";

/// An order, a customer, a facility ... of those that there are, for each number.
#[derive(Clone, Copy)]
struct Any {
    size: Size,
    n: u64,
}

impl Any {
    /// Spread over all of them.
    fn number(self, of: u64) -> u64 {
        (self.n + 1).wrapping_mul(2_654_435_761) % of.max(1)
    }

    fn order(self) -> u64 {
        1 + self.number(self.size.orders)
    }

    fn order_id(self) -> Result<OrderId, StoreError> {
        id(OrderId::parse(format!("S{:09}", self.order())))
    }

    fn facility(self) -> Result<FacilityId, StoreError> {
        id(FacilityId::parse(format!("F{:04}", self.number(self.size.facilities))))
    }

    fn sku(self) -> Result<Sku, StoreError> {
        id(Sku::parse(format!("K{}", self.number(self.size.positions / self.size.facilities.max(1)))))
    }

    fn customer(self) -> Result<CustomerId, StoreError> {
        id(format!("C{}", self.order() / 20).parse())
    }

    /// Some time in the two years.
    fn day(self) -> Timestamp {
        Timestamp::now().saturating_sub(SignedDuration::from_hours(24 * (self.number(730).cast_signed()))).unwrap_or(Timestamp::MIN)
    }

    /// What one facility's people, or those of a channel with few orders, know of.
    fn scope(self, facility: bool, channel: bool) -> Result<Scope, StoreError> {
        let facilities = if facility { Reach::Only(BTreeSet::from([self.facility()?])) } else { Reach::All };
        Ok(Scope {
            facilities,
            channels: if channel { Reach::Only(BTreeSet::from(["phone".to_owned()])) } else { Reach::All },
            ..Scope::default()
        })
    }
}

type By<Filter> = fn(Any) -> Result<Filter, StoreError>;

fn all() -> OrderFilter {
    OrderFilter::default()
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

const ORDERS: &[(&str, By<OrderFilter>)] = &[
    ("", |_| Ok(all())),
    ("status=completed", |_| Ok(OrderFilter { status: some("completed"), ..all() })),
    ("status=created", |_| Ok(OrderFilter { status: some("created"), ..all() })),
    ("channel=web", |_| Ok(OrderFilter { channel: some("web"), ..all() })),
    ("channel=phone", |_| Ok(OrderFilter { channel: some("phone"), ..all() })),
    ("customer_id", |any| Ok(OrderFilter { customer_id: Some(any.customer()?), ..all() })),
    ("customer_id=guest", |_| Ok(OrderFilter { customer_id: Some(id("guest".parse())?), ..all() })),
    ("email", |any| Ok(OrderFilter { email: Some(format!("c{}@example.com", 7 * (any.n % 2))), ..all() })),
    ("facility", |any| Ok(OrderFilter { facility_id: Some(any.facility()?), ..all() })),
    ("facility of many", |_| Ok(OrderFilter { facility_id: Some(id(FacilityId::parse(OF_MANY))?), ..all() })),
    ("status, facility of many", |_| {
        Ok(OrderFilter { status: some("created"), facility_id: Some(id(FacilityId::parse(OF_MANY))?), ..all() })
    }),
    ("sku", |any| Ok(OrderFilter { sku: Some(any.sku()?), ..all() })),
    ("sku of many", |_| Ok(OrderFilter { sku: Some(id(Sku::parse("K0"))?), ..all() })),
    ("tracking_number", |any| Ok(OrderFilter { tracking_number: Some(format!("t {}", any.order())), ..all() })),
    ("hold_reason", |_| Ok(OrderFilter { hold_reason: some("awaiting_payment"), ..all() })),
    ("hold_reason of none", |_| Ok(OrderFilter { hold_reason: some("fraud_review"), ..all() })),
    ("needs_attention=true", |_| Ok(OrderFilter { needs_attention: Some(true), ..all() })),
    ("needs_attention=false", |_| Ok(OrderFilter { needs_attention: Some(false), ..all() })),
    ("placed_after", |any| Ok(OrderFilter { placed_after: Some(any.day()), ..all() })),
    ("placed_before", |any| Ok(OrderFilter { placed_before: Some(any.day()), ..all() })),
    ("updated_after", |any| Ok(OrderFilter { updated_after: Some(any.day()), ..all() })),
    ("updated_after now", |_| Ok(OrderFilter { updated_after: Some(Timestamp::now()), ..all() })),
    ("status, channel", |_| Ok(OrderFilter { status: some("cancelled"), channel: some("phone"), ..all() })),
    ("status, facility", |any| Ok(OrderFilter { status: some("processing"), facility_id: Some(any.facility()?), ..all() })),
    ("status, sku", |any| Ok(OrderFilter { status: some("processing"), sku: Some(any.sku()?), ..all() })),
    ("status, placed_before", |any| Ok(OrderFilter { status: some("completed"), placed_before: Some(any.day()), ..all() })),
    ("customer_id, sku of many", |any| Ok(OrderFilter { customer_id: Some(any.customer()?), sku: Some(id(Sku::parse("K0"))?), ..all() })),
    ("customer_id, facility", |any| Ok(OrderFilter { customer_id: Some(any.customer()?), facility_id: Some(any.facility()?), ..all() })),
    ("as a facility", |any| Ok(OrderFilter { scope: any.scope(true, false)?, ..all() })),
    ("status, as a facility", |any| Ok(OrderFilter { status: some("processing"), scope: any.scope(true, false)?, ..all() })),
    ("as a channel", |any| Ok(OrderFilter { scope: any.scope(false, true)?, ..all() })),
];

/// Looks at the first page, and the one after it.
async fn two_pages<T>(page: impl AsyncFn(Option<&str>) -> Result<Page<T>, StoreError>) -> Result<(), StoreError> {
    if let Some(next) = page(None).await?.next_cursor {
        page(Some(&next)).await?;
    }
    Ok(())
}

/// All lists; two pages of each are one answer.
pub async fn lists(store: &Store, size: Size) -> Result<Vec<Timed>, StoreError> {
    let mut times = Vec::new();
    for (by, filter) in ORDERS {
        let what = format!("orders?{by}");
        let page = timed(&what, async |n| {
            let filter = filter(Any { size, n })?;
            two_pages(async |after| store.orders_page(&filter, after, LIMIT).await).await
        });
        times.push(page.await?);
    }
    times.push(timed("a customer", async |n| store.customer(&Any { size, n }.customer()?, &Scope::default()).await.map(drop)).await?);
    let guest = id("guest".parse::<CustomerId>())?;
    times.push(
        timed("a customer of many", async |n| store.customer(&guest, &Any { size, n }.scope(n % 2 == 0, false)?).await.map(drop)).await?,
    );
    times.extend(fulfillment_orders(store, size).await?);
    times.extend(returns(store, size).await?);
    times.extend(events(store, size).await?);
    times.extend(stock(store, size).await?);
    times.extend(house(store).await?);
    times.extend(bulks(store, size).await?);
    Ok(times)
}

async fn fulfillment_orders(store: &Store, size: Size) -> Result<Vec<Timed>, StoreError> {
    let mut times = Vec::new();
    for facility in [false, true] {
        for status in [None, Some("released"), Some("shipped"), Some("exception")] {
            for scoped in [false, true] {
                let what = format!("fulfillment-orders?facility={facility}&status={}, scoped={scoped}", status.unwrap_or("any"));
                let page = timed(&what, async |n| {
                    let any = Any { size, n };
                    let facility_id = facility.then(|| any.facility()).transpose()?;
                    let filter = FulfillmentFilter {
                        facility_id,
                        statuses: status.map(str::to_owned).into_iter().collect(),
                        scope: any.scope(scoped, false)?,
                        ..FulfillmentFilter::default()
                    };
                    two_pages(async |after| store.fulfillment_orders_page(&filter, after, LIMIT).await).await
                });
                times.push(page.await?);
            }
        }
    }
    Ok(times)
}

async fn returns(store: &Store, size: Size) -> Result<Vec<Timed>, StoreError> {
    let filters: [(&str, By<ReturnFilter>); 6] = [
        ("", |_| Ok(ReturnFilter::default())),
        ("order_id", |any| Ok(ReturnFilter { order_id: Some(any.order_id()?), ..ReturnFilter::default() })),
        ("status=requested", |_| Ok(ReturnFilter { status: some("requested"), ..ReturnFilter::default() })),
        ("status=closed", |_| Ok(ReturnFilter { status: some("closed"), ..ReturnFilter::default() })),
        ("needs_attention", |_| Ok(ReturnFilter { needs_attention: Some(true), ..ReturnFilter::default() })),
        ("as a facility", |any| Ok(ReturnFilter { scope: any.scope(true, false)?, ..ReturnFilter::default() })),
    ];
    let mut times = Vec::new();
    for (by, filter) in filters {
        let what = format!("returns?{by}");
        let page = timed(&what, async |n| {
            let filter = filter(Any { size, n })?;
            two_pages(async |after| store.returns_page(&filter, after, LIMIT).await).await
        });
        times.push(page.await?);
    }
    Ok(times)
}

async fn events(store: &Store, size: Size) -> Result<Vec<Timed>, StoreError> {
    let feed = async |what: &str, filter: EventFilter| {
        // Each answer goes on where the last one ended.
        let next = tokio::sync::Mutex::new(None);
        timed(what, async |_| {
            let mut next = next.lock().await;
            *next = Some(store.events_after(next.as_deref(), &filter, LIMIT).await?.next);
            Ok(())
        })
        .await
    };
    Ok(vec![
        feed("events", EventFilter::default()).await?,
        feed("events?types", EventFilter { kinds: vec!["order_completed".to_owned()], lane: None, public_alone: false }).await?,
        feed("events?types of none", EventFilter { kinds: vec!["label_voided".to_owned()], lane: None, public_alone: false }).await?,
        feed("events?lane", EventFilter { kinds: Vec::new(), lane: Some(7), public_alone: false }).await?,
        timed("events of an order", async |n| store.events(&Any { size, n }.order_id()?, 0, LIMIT).await.map(drop)).await?,
        timed("timeline of an order", async |n| store.timeline_after(&Any { size, n }.order_id()?, 0).await.map(drop)).await?,
    ])
}

async fn stock(store: &Store, size: Size) -> Result<Vec<Timed>, StoreError> {
    Ok(vec![
        timed("stock of a SKU", async |n| store.stock_of(&Any { size, n }.sku()?).await.map(drop)).await?,
        timed("movements of a position", async |n| {
            let any = Any { size, n };
            store.stock_movements(&any.facility()?, &any.sku()?, None, LIMIT).await.map(drop)
        })
        .await?,
        timed("movements of a position of many", async |n| {
            store.stock_movements(&Any { size, n }.facility()?, &id(Sku::parse("K0"))?, None, LIMIT).await.map(drop)
        })
        .await?,
    ])
}

/// What is no order and no stock.
async fn house(store: &Store) -> Result<Vec<Timed>, StoreError> {
    let audit = async |what: &str, filter: AuditFilter| {
        timed(what, async |n| store.audit_page(&filter, Some(200_000 - n), LIMIT).await.map(drop)).await
    };
    Ok(vec![
        audit("audit", AuditFilter::default()).await?,
        audit("audit?actor", AuditFilter { actor: some("A7"), ..AuditFilter::default() }).await?,
        audit("audit?subject", AuditFilter { subject: some("K7"), ..AuditFilter::default() }).await?,
        timed("accounts", async |_| two_pages(async |after| store.accounts_page(after, LIMIT).await).await).await?,
        timed("feeds", async |_| store.feeds().list(LIMIT, None).await.map(drop)).await?,
        timed("rejects of a feed", async |n| store.feeds().rejects(Uuid::from_u128(1), n * 200, LIMIT).await.map(drop)).await?,
        timed("dead letters", async |n| store.dead_letters(Some(n.cast_signed() * 10), LIMIT).await.map(drop)).await?,
    ])
}

/// Bulk operations, one of which is about many orders.
async fn bulks(store: &Store, size: Size) -> Result<Vec<Timed>, StoreError> {
    let filters = (0..60).map(|n| (n, OrderFilter { customer_id: id(format!("C{n}").parse()).ok(), ..all() }));
    for (n, filter) in filters.chain([(60, OrderFilter { status: some("processing"), ..all() })]) {
        let task = Task { bulk_id: bulk_id(n)?, operation: Operation::Cancel, reason: "benchmark".to_owned() };
        store.put_bulk(&BulkIntake { task, filter, orders_per_second: 20, started_at: Timestamp::now() }).await?;
    }
    let many = bulk_id(60)?;
    Ok(vec![
        timed("bulk", async |_| two_pages(async |after| store.bulks_page(None, after, LIMIT).await).await).await?,
        timed("results of a bulk", async |_| two_pages(async |after| store.bulk_results_page(&many, None, after, LIMIT).await).await)
            .await?,
        timed("orders that a bulk would be about", async |n| {
            let filter = OrderFilter { customer_id: Some(Any { size, n }.customer()?), ..all() };
            store.preview_bulk(&Operation::Cancel, &filter, 10).await.map(drop)
        })
        .await?,
    ])
}

fn bulk_id(n: u64) -> Result<BulkId, StoreError> {
    id(format!("bench-{n}").parse())
}

/// The figures behind `/metrics`, each time anew: a server reads them every few seconds.
pub async fn metrics(store: &Store) -> Result<Timed, StoreError> {
    timed("metrics", async |_| store.backlog(Timestamp::now()).await.map(drop)).await
}
