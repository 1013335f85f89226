//! What lists cost: a page reads a page, however many orders there are. Counted by the database itself, so that it holds for what is asked and
//! not for a copy of it.

use oms_store::{EventFilter, FulfillmentFilter, OrderFilter, ReturnFilter, Store, StoreConfig};
use secrecy::ExposeSecret;
use sqlx::{Connection, PgConnection};

use crate::{
    stack::fresh_config,
    support::{at, facility_id, order, sku},
};

/// Rows shown; what is read for them may be some pages of each index and table.
const LIMIT: u32 = 50;
const READ_MAX: i64 = 2_000;

/// 40,000 orders, a minute apart. Whatever is rare is of the oldest 30, so that walking from the newest finds it last.
const FILL: &[&str] = &[
    "INSERT INTO orders (order_id, version, status, channel, customer_id, customer_email_hash, currency, total_minor, placed_at, updated_at,
        needs_attention, hold_reasons, next_wait_at)
    SELECT 'o' || n, 5, CASE WHEN n <= 30 THEN 'created' WHEN n < 39000 THEN 'completed' ELSE 'processing' END,
        CASE WHEN n <= 30 THEN 'rare' ELSE 'web' END, CASE WHEN n <= 30 THEN 'rare' ELSE 'c' || n % 5000 END,
        'hash' || n % 5000, 'GBP', 100, '2010-01-01'::timestamptz + n * interval '1 minute',
        CASE WHEN n <= 30 THEN '2011-01-01'::timestamptz ELSE '2010-01-01'::timestamptz + n * interval '1 minute' END,
        n <= 30, CASE WHEN n <= 30 OR n % 400 = 0 THEN '{awaiting_payment}'::text[] ELSE '{}' END, NULL
    FROM generate_series(1, 40000) AS n",
    "INSERT INTO order_skus (sku, order_id, placed_at) SELECT s.sku, o.order_id, o.placed_at
    FROM orders o, LATERAL (VALUES ('HOT'), (CASE WHEN o.channel = 'rare' THEN 'RARE' ELSE 'SKU-' || right(o.order_id, 2) END)) AS s (sku)",
    "INSERT INTO fulfillment_orders (fulfillment_order_id, order_id, facility_id, status, delivery_method, ship_by, placed_at, updated_at)
    SELECT o.order_id || '-F' || n, o.order_id, CASE WHEN o.channel = 'rare' THEN 'RARE' ELSE 'WH-1' END,
        CASE WHEN o.status = 'completed' THEN 'shipped' ELSE 'released' END, 'standard', o.placed_at + interval '2 days', o.placed_at,
        o.updated_at
    FROM orders o, generate_series(1, 2) AS n",
    "INSERT INTO parcels (parcel_id, fulfillment_order_id, order_id, carrier, tracking_number, status, carrier_key, tracking_key, numbered_at)
    SELECT fulfillment_order_id || '-P1', fulfillment_order_id, order_id, 'acme', 'N-' || fulfillment_order_id, 'handed_over', 'acme',
        tracking_key('N-' || fulfillment_order_id), placed_at FROM fulfillment_orders",
    "INSERT INTO returns (return_id, order_id, version, status, needs_attention, opened_at, updated_at, doc)
    SELECT 'o' || n || '-R1', 'o' || n, 1, CASE WHEN n <= 30 THEN 'requested' ELSE 'closed' END, n <= 30,
        '2011-01-01'::timestamptz + n * interval '1 minute', '2011-01-01', '{}' FROM generate_series(1, 20000) AS n",
    // Two years of months, and what is in none of them.
    "SELECT make_month(t.parent, date_trunc('month', now() AT TIME ZONE 'UTC') - n * interval '1 month')
    FROM unnest('{order_events,stock_movements}'::text[]) AS t (parent), generate_series(1, 24) AS n",
    "INSERT INTO stock_movements (facility_id, sku, on_hand, reserved, unavailable, cause, occurred_at, effective_at, recorded_at)
    SELECT CASE WHEN n % 2 = 0 THEN 'WH-1' ELSE 'ST-' || n % 50 END, 'HOT', 1, 0, 0, 'receipt', at, at, at
    FROM generate_series(1, 40000) AS n, LATERAL (SELECT now() - (40000 - n) * interval '27 minutes' AS at) AS t",
    "INSERT INTO order_events (order_id, seq, kind, at, data, epoch, xid, recorded_at)
    SELECT 'o' || n % 2000, 1 + n / 2000, CASE WHEN n = 100 THEN 'rare' ELSE 'common' END, at, '{}', CASE WHEN n < 5000 THEN 0 ELSE 1 END,
        (n % 500 + 1)::text::xid8, at
    FROM generate_series(0, 39999) AS n, LATERAL (SELECT now() - (40000 - n) * interval '27 minutes' AS at) AS t",
    "INSERT INTO order_events (order_id, seq, kind, at, data, epoch, xid, recorded_at)
    VALUES ('o7', 21, 'common', now(), '{}', 1, '601', '2262-01-01'), ('o7', 22, 'common', now(), '{}', 1, '602', '1970-01-01')",
    "VACUUM ANALYZE",
];

/// A table of some pages may well be read whole.
const COUNTED: &str = "SELECT coalesce(sum(seq_scan) FILTER (WHERE pg_relation_size(relid) > 65536), 0)::bigint,
        coalesce(sum(seq_tup_read + idx_tup_fetch), 0)::bigint,
        (SELECT coalesce(sum(idx_tup_read), 0)::bigint FROM pg_stat_user_indexes WHERE relname ~ $1)
    FROM pg_stat_user_tables WHERE relname ~ $1";

/// Months are tables, too.
const GROWING: &str = "^(orders|order_skus|fulfillment_orders|parcels|returns|(stock_movements|order_events)_.*)$";

/// Scans of whole tables, rows read, and entries of indexes, since the beginning: once every other connection has ended and said so.
async fn counted(config: &StoreConfig) -> (i64, i64, i64) {
    let mut connection = PgConnection::connect(config.database_url.expose_secret()).await.unwrap();
    let others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'
        AND pid <> pg_backend_pid()";
    while sqlx::query_scalar::<_, i64>(others).fetch_one(&mut connection).await.unwrap() > 0 {
        tokio::task::yield_now().await;
    }
    sqlx::query_as(COUNTED).bind(GROWING).fetch_one(&mut connection).await.unwrap()
}

/// Looks at two pages, and at what that has cost.
async fn costs_a_page(config: &StoreConfig, what: &str, look: impl AsyncFn(&Store, Option<&str>) -> Option<String>) {
    let before = counted(config).await;
    let store = Store::connect(config).await.unwrap();
    let next = look(&store, None).await;
    if next.is_some() {
        look(&store, next.as_deref()).await;
    }
    store.close().await;
    let after = counted(config).await;
    assert_eq!(after.0 - before.0, 0, "{what} scans a table that grows");
    let (rows, entries) = (after.1 - before.1, after.2 - before.2);
    assert!(rows <= READ_MAX && entries <= READ_MAX, "{what} reads {rows} rows and {entries} entries");
}

async fn filled() -> StoreConfig {
    let config = fresh_config().await;
    let mut connection = PgConnection::connect(config.database_url.expose_secret()).await.unwrap();
    for statement in FILL {
        sqlx::query(*statement).execute(&mut connection).await.unwrap_or_else(|error| panic!("{error}: {statement}"));
    }
    config
}

fn order_filters() -> Vec<OrderFilter> {
    let all = OrderFilter::default;
    let text = |text: &str| Some(text.to_owned());
    let mut filters = vec![all()];
    filters.extend(["created", "completed"].map(|status| OrderFilter { status: text(status), ..all() }));
    filters.extend(["rare", "web"].map(|channel| OrderFilter { channel: text(channel), ..all() }));
    filters.extend(["rare", "c7"].map(|id| OrderFilter { customer_id: Some(id.parse().unwrap()), ..all() }));
    filters.extend(["RARE", "HOT"].map(|of| OrderFilter { sku: Some(sku(of)), ..all() }));
    filters.extend(["RARE", "WH-1"].map(|id| OrderFilter { facility_id: Some(facility_id(id)), ..all() }));
    filters.extend([true, false].map(|needs| OrderFilter { needs_attention: Some(needs), ..all() }));
    filters.extend([
        OrderFilter { email: text("nobody@example.com"), ..all() },
        OrderFilter { tracking_number: text("n o7-f1"), ..all() },
        OrderFilter { hold_reason: text("awaiting_payment"), ..all() },
        OrderFilter { placed_after: Some(at("2010-01-20T00:00:00Z")), ..all() },
        OrderFilter { placed_before: Some(at("2010-01-02T00:00:00Z")), ..all() },
        OrderFilter { updated_after: Some(at("2010-12-31T00:00:00Z")), ..all() },
        OrderFilter { sku: Some(sku("HOT")), placed_before: Some(at("2010-01-02T00:00:00Z")), ..all() },
        OrderFilter { facility_id: Some(facility_id("WH-1")), placed_before: Some(at("2010-01-02T00:00:00Z")), ..all() },
    ]);
    filters
}

#[tokio::test]
async fn a_page_of_a_list_costs_a_page_whatever_it_is_filtered_by() {
    let config = filled().await;
    for filter in order_filters() {
        costs_a_page(&config, &format!("{filter:?}"), async |store, after| {
            store.orders_page(&filter, after, LIMIT).await.unwrap().next_cursor
        })
        .await;
    }
    for facility in [None, Some("WH-1"), Some("RARE")] {
        for status in [None, Some("released"), Some("shipped"), Some("picking")] {
            let filter = FulfillmentFilter {
                facility_id: facility.map(facility_id),
                statuses: status.map(str::to_owned).into_iter().collect(),
                ..FulfillmentFilter::default()
            };
            costs_a_page(&config, &format!("{filter:?}"), async |store, after| {
                store.fulfillment_orders_page(&filter, after, LIMIT).await.unwrap().next_cursor
            })
            .await;
        }
    }
    let all = ReturnFilter::default;
    for filter in [
        all(),
        ReturnFilter { order_id: Some(order("o7")), ..all() },
        ReturnFilter { status: Some("requested".into()), ..all() },
        ReturnFilter { status: Some("closed".into()), ..all() },
        ReturnFilter { needs_attention: Some(true), ..all() },
        ReturnFilter { needs_attention: Some(false), ..all() },
    ] {
        costs_a_page(&config, &format!("{filter:?}"), async |store, after| {
            store.returns_page(&filter, after, LIMIT).await.unwrap().next_cursor
        })
        .await;
    }
    for before in [None, Some(20_000)] {
        costs_a_page(&config, "the ledger of a position", async |store, _| {
            let movements = store.stock_movements(&facility_id("WH-1"), &sku("HOT"), before, LIMIT).await.unwrap();
            assert_eq!(movements.len(), LIMIT as usize);
            None
        })
        .await;
    }
}

#[tokio::test]
async fn events_of_two_years_cost_what_is_read_of_them() {
    let config = filled().await;
    costs_a_page(&config, "an order's timeline", async |store, _| {
        assert_eq!(store.timeline_after(&order("o7"), 0).await.unwrap().events.len(), 22);
        assert_eq!(store.events(&order("o7"), 20, LIMIT).await.unwrap().len(), 2);
        None
    })
    .await;
    for after in [None, Some("0-400-0"), Some("1-490-0")] {
        costs_a_page(&config, "the feed of events", async |store, next| {
            let page = store.events_after(next.or(after), &EventFilter::default(), LIMIT).await.unwrap();
            assert_eq!(page.events.len(), LIMIT as usize);
            Some(page.next)
        })
        .await;
    }
    costs_a_page(&config, "what happened at a position since a count", async |_, _| {
        let mut connection = PgConnection::connect(config.database_url.expose_secret()).await.unwrap();
        let since = "SELECT on_hand FROM happened_since('WH-1', 'HOT', now() - interval '1 day')";
        let on_hand: i64 = sqlx::query_scalar(since).fetch_one(&mut connection).await.unwrap();
        assert!((20..40).contains(&on_hand), "{on_hand}");
        connection.close().await.unwrap();
        None
    })
    .await;
}
