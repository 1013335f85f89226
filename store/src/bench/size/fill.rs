//! The shop: two years of orders, most of them ended, and whatever stands beside them. Written as rows: taking a million orders through the
//! system takes days.

use sqlx::PgPool;

use super::super::whole;
use crate::{error::StoreError, store::Store};

/// How large it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub orders: u64,
    pub positions: u64,
    pub facilities: u64,
}

/// Orders that one statement makes; two are made side by side.
const AT_ONCE: u64 = 20_000;

/// Orders by number ($1 to $2, of $3), the last placed now ($4), a SKU of so many ($5) and a facility of so many ($6) each. The last 2 in
/// 100 are open. Customers have 20 orders, but for the guests, who are one customer with a tenth of all, as one facility has; 100 in a million
/// came by phone.
macro_rules! orders {
    ($rest:literal) => {
        concat!(
            "WITH o AS (
                SELECT n, 'S' || lpad(n::text, 9, '0') AS order_id, n > $3 * 0.98 AS is_open, n % 40 = 0 AS is_cancelled,
                    $4 - ($3 - n)::double precision / $3 * interval '730 days' AS placed_at,
                    CASE WHEN n % 50 = 0 THEN 'K0' ELSE 'K' || n * 7919 % $5 END AS sku,
                    CASE WHEN n % 10 = 5 THEN 'F0000' ELSE 'F' || lpad(((hashint8(n) & 2147483647) % $6)::text, 4, '0') END AS facility_id,
                    CASE WHEN n % 10 = 0 THEN 'guest' ELSE 'C' || n / 20 END AS customer_id
                FROM generate_series($1::bigint, $2::bigint) AS n
            ) ",
            $rest
        )
    };
}

const OF_ORDERS: &[&str] = &[
    orders!(
        "INSERT INTO orders (order_id, version, status, channel, customer_id, customer_email_hash, currency, total_minor, placed_at,
            updated_at, needs_attention, hold_reasons, next_wait_at)
        SELECT order_id, 6, CASE WHEN is_open THEN CASE WHEN n % 50 = 0 THEN 'created' ELSE 'processing' END
                WHEN is_cancelled THEN 'cancelled' ELSE 'completed' END,
            CASE WHEN n % 10000 = 1 THEN 'phone' ELSE ('{web,app,store}'::text[])[1 + n % 3] END, customer_id,
            encode(sha256(customer_id::bytea), 'hex'), 'GBP', 100 + n % 9000, placed_at, placed_at + interval '3 days',
            is_open AND n % 40 = 1, CASE WHEN is_open AND n % 20 = 3 THEN '{awaiting_payment}'::text[] ELSE '{}' END,
            CASE WHEN is_open THEN $4 + interval '1 hour' - n % 1000 * interval '4 seconds' END FROM o"
    ),
    orders!(
        "INSERT INTO order_guards (order_id, version, closed_at, pruned, rank_at)
        SELECT order_id, 6, CASE WHEN NOT is_open THEN placed_at + interval '3 days' END, placed_at < $4 - interval '60 days', placed_at FROM o"
    ),
    orders!("INSERT INTO order_skus (sku, order_id, placed_at) SELECT sku, order_id, placed_at FROM o"),
    orders!(
        "INSERT INTO fulfillment_orders (fulfillment_order_id, order_id, facility_id, status, delivery_method, ship_by, placed_at, updated_at)
        SELECT order_id || '-F1', order_id, facility_id, CASE WHEN is_open THEN ('{released,accepted,picking,packed,open}'::text[])[1 + n % 5]
                WHEN is_cancelled THEN 'cancelled' ELSE 'shipped' END, 'standard', placed_at + interval '2 days', placed_at,
            placed_at + interval '1 day' FROM o"
    ),
    orders!(
        "INSERT INTO parcels (parcel_id, fulfillment_order_id, order_id, carrier, tracking_number, status, carrier_key, tracking_key,
            numbered_at, ended_at)
        SELECT order_id || '-F1-P1', order_id || '-F1', order_id, 'acme', 'T' || n, 'delivered', 'acme', tracking_key('T' || n),
            placed_at + interval '1 day', placed_at + interval '3 days' FROM o WHERE NOT is_open AND NOT is_cancelled"
    ),
    orders!(
        "INSERT INTO reservations (order_id, fulfillment_order_id, line_id, facility_id, sku, allocated, consumed)
        SELECT order_id, order_id || '-F1', '1', facility_id, sku, is_open::int, (NOT is_open)::int FROM o WHERE NOT is_cancelled"
    ),
    orders!(
        "INSERT INTO reservation_steps (order_id, step_key, answer)
        SELECT order_id, 'source:1', jsonb_build_object('facility_id', facility_id) FROM o WHERE placed_at >= $4 - interval '60 days'"
    ),
    orders!(
        "INSERT INTO stock_movements (facility_id, sku, on_hand, reserved, unavailable, cause, order_id, occurred_at, effective_at, recorded_at)
        SELECT o.facility_id, o.sku, m.on_hand, m.reserved, 0, m.cause, o.order_id, placed_at + m.later,
            CASE WHEN m.on_hand <> 0 THEN placed_at + m.later END, placed_at + m.later
        FROM o, (VALUES (0, 1, 'reserved', interval '0'), (-1, -1, 'shipped', interval '1 day')) AS m (on_hand, reserved, cause, later)
        WHERE NOT is_cancelled AND (m.reserved > 0 OR NOT is_open)"
    ),
    orders!(
        // Of transactions of a server before this one, each with the events of an order that came together.
        "INSERT INTO order_events (epoch, xid, order_id, seq, kind, at, data, recorded_at)
        SELECT 0, (3 * n + k.seq / 2)::text::xid8, order_id, k.seq, k.kind, placed_at + k.seq * interval '4 hours',
            jsonb_build_object('actor', 'system', 'round', 1, 'fulfillment_order_id', order_id || '-F1', 'facility_id', facility_id, 'units',
                jsonb_build_array(jsonb_build_object('line_id', '1', 'quantity', 1))), placed_at + k.seq * interval '4 hours'
        FROM o, unnest('{order_placed,payment_authorized,order_approved,fulfillment_released,fulfillment_shipped,order_completed}'::text[])
            WITH ORDINALITY AS k (kind, seq)
        WHERE NOT is_open OR k.seq <= 4"
    ),
    orders!(
        "INSERT INTO returns (return_id, order_id, version, status, needs_attention, opened_at, updated_at, doc)
        SELECT order_id || '-R1', order_id, 4, CASE WHEN n > $3 * 0.97 THEN 'requested' ELSE 'closed' END, n > $3 * 0.97 AND n % 200 = 3,
            placed_at + interval '5 days', placed_at + interval '9 days', '{}' FROM o WHERE n % 20 = 3 AND NOT is_open"
    ),
    orders!(
        "INSERT INTO order_commands (order_id, command_id, body_hash, version, taken_at)
        SELECT order_id, 'ship:' || n, md5(order_id), 5, placed_at FROM o WHERE placed_at >= $4 - interval '60 days'"
    ),
    orders!(
        "INSERT INTO idempotency_keys (caller, route, key, body_hash, begun_at, leased_until, status, headers, body)
        SELECT 'checkout', 'POST /v1/orders', order_id, md5(order_id), placed_at, placed_at, 201, '{}', '' FROM o
        WHERE placed_at >= $4 - interval '60 days'"
    ),
];

/// The same numbers, of positions: each facility has each SKU.
const OF_POSITIONS: &[&str] = &[
    "INSERT INTO stock (facility_id, sku, on_hand, counted_as_of)
    SELECT 'F' || lpad((n / $5)::text, 4, '0'), 'K' || n % $5, 1000 + n % 100, $4 - interval '800 days'
    FROM generate_series($1::bigint - 1, $2::bigint - 1) AS n WHERE n < $3 AND n / $5 < $6",
    "INSERT INTO stock_movements (facility_id, sku, on_hand, reserved, unavailable, cause, occurred_at, recorded_at)
    SELECT 'F' || lpad((n / $5)::text, 4, '0'), 'K' || n % $5, 1000 + n % 100, 0, 0, 'snapshot', $4 - interval '800 days',
        $4 - interval '800 days'
    FROM generate_series($1::bigint - 1, $2::bigint - 1) AS n WHERE n < $3 AND n / $5 < $6",
];

/// What stands before all of it: so many SKUs ($1) and facilities ($2).
const CATALOGUE: &[&str] = &[
    "INSERT INTO facilities (facility_id, name, facility_type, country, city, latitude, longitude, timezone, handling_cost_minor,
        cutoff_local_time, working_days, ship_enabled, pickup_enabled, number, version)
    SELECT 'F' || lpad(n::text, 4, '0'), 'Store', 'store', 'GB', 'Leeds', 53.8, -1.5, 'Europe/London', 90, '17:00', 'Mon-Fri', true, true,
        (SELECT coalesce(max(number) + 1, 0) FROM facilities) + n, 0 FROM generate_series(0, $2::bigint - 1) AS n WHERE $1 > 0",
    "INSERT INTO products (sku, title, price_minor, currency, weight_g, length_mm, width_mm, height_mm)
    SELECT 'K' || n, 'Benchmark', 255, 'GBP', 500, 100, 80, 60 FROM generate_series(0, $1::bigint - 1) AS n WHERE $2 > 0",
];

/// What stands beside it, whatever its size.
const BESIDE: &[&str] = &[
    // What was ordered has left, and what is to be shipped is held.
    "UPDATE stock s SET on_hand = s.on_hand - r.consumed, reserved = s.reserved + r.allocated
    FROM (SELECT facility_id, sku, sum(allocated) AS allocated, sum(consumed) AS consumed FROM reservations
        WHERE order_id LIKE 'S%' GROUP BY 1, 2) AS r
    WHERE (s.facility_id, s.sku) = (r.facility_id, r.sku)",
    "INSERT INTO order_inbox (order_id, kind, payload, failure, leased_until, dead_at)
    SELECT 'S' || n, 'carrier_event', '{}', 'refused', now() + interval '1 hour', CASE WHEN n % 4 = 0 THEN now() END FROM generate_series(1, 4000) AS n",
    "INSERT INTO pending_intakes (order_id, leased_until) SELECT 'P' || n, now() + interval '1 hour' FROM generate_series(1, 1000) AS n",
    "INSERT INTO waiting_units (order_id, fulfillment_order_id, line_id, sku, quantity, rank_at, plans_again, all_or_nothing, only_at,
        planned_version)
    SELECT 'W' || n, 'W' || n || '-F1', '1', 'NONE', 2, now() - n * interval '1 minute', false, false, '{}', 0 FROM generate_series(1, 20000) AS n",
    "INSERT INTO checkout_holds (reservation_id, body_hash, status, requested_at, expires_at, lines)
    SELECT 'H' || n, '', CASE WHEN n % 100 = 0 THEN 'held' ELSE 'released' END, now() - n * interval '1 minute', now() + interval '1 hour', '[]'
    FROM generate_series(1, 100000) AS n",
    "INSERT INTO promises (promise_id, made_at) SELECT 'Q' || n, now() - n * interval '1 minute' FROM generate_series(1, 100000) AS n",
    "INSERT INTO audit (at, actor_kind, actor_id, action, subject)
    SELECT now(), 'machine', 'A' || n % 100, 'key_made', 'K' || n FROM generate_series(1, 200000) AS n",
    "INSERT INTO accounts (account_id, name, roles) SELECT 'A' || lpad(n::text, 5, '0'), 'Account ' || n, '{}' FROM generate_series(1, 5000) AS n",
    "INSERT INTO feeds (feed_id, kind, source, as_of_said, mode, picked_units, status, rejected, finished_at)
    SELECT lpad(to_hex(n), 32, '0')::uuid, 'receipts', 'benchmark', false, 'partial', 'counted', 'finished', CASE WHEN n = 1 THEN 50000 ELSE 0 END, now()
    FROM generate_series(1, 20000) AS n",
    "INSERT INTO feed_rejects (feed_id, row_number, reason) SELECT lpad('1', 32, '0')::uuid, n, 'unknown_sku: it is not in the catalogue'
    FROM generate_series(1, 50000) AS n",
    "VACUUM ANALYZE",
];

/// Months that hold two years, with what came before.
const MONTHS: &str = "SELECT count(make_month(t.parent, date_trunc('month', now() AT TIME ZONE 'UTC') - n * interval '1 month'))
    FROM unnest('{order_events,stock_movements}'::text[]) AS t (parent), generate_series(1, 28) AS n";

/// Makes it. The database is a scratch one, set up, with time for long statements.
pub async fn fill(store: &Store, size: Size) -> Result<(), StoreError> {
    let skus = size.positions.div_ceil(size.facilities.max(1)).max(1);
    sqlx::query(MONTHS).execute(&store.pool).await?;
    for statement in CATALOGUE {
        sqlx::query(*statement).bind(whole(skus)).bind(whole(size.facilities)).execute(&store.pool).await?;
    }
    let now: jiff_sqlx::Timestamp = sqlx::query_scalar("SELECT now()").fetch_one(&store.pool).await?;
    for (statements, rows) in [(OF_POSITIONS, size.positions), (OF_ORDERS, size.orders)] {
        let of = Of { rows, now, skus, facilities: size.facilities };
        for first in (1..=rows).step_by(2 * AT_ONCE as usize) {
            let one = write(&store.pool, statements, first, of);
            tokio::try_join!(one, write(&store.pool, statements, first + AT_ONCE, of))?;
        }
    }
    sqlx::query("UPDATE orders SET customer_email_hash = $1 WHERE customer_id = 'C7'")
        .bind(store.email_hash("c7@example.com"))
        .execute(&store.pool)
        .await?;
    for statement in BESIDE {
        sqlx::query(*statement).execute(&store.pool).await?;
    }
    Ok(())
}

/// Lets it stand: nothing of it is due for those who look after orders whose runs were lost, of which it has none.
pub async fn rest(store: &Store) -> Result<(), StoreError> {
    let later = sqlx::query("UPDATE orders SET next_wait_at = now() + interval '30 days' WHERE next_wait_at IS NOT NULL");
    later.execute(&store.pool).await?;
    Ok(())
}

#[derive(Clone, Copy)]
struct Of {
    rows: u64,
    now: jiff_sqlx::Timestamp,
    skus: u64,
    facilities: u64,
}

/// The rows from this one on, table by table.
async fn write(pool: &PgPool, statements: &[&'static str], first: u64, of: Of) -> Result<(), StoreError> {
    let last = of.rows.min(first + AT_ONCE - 1);
    for statement in statements {
        let query = sqlx::query(*statement).bind(whole(first)).bind(whole(last)).bind(whole(of.rows)).bind(of.now);
        query.bind(whole(of.skus)).bind(whole(of.facilities)).execute(pool).await?;
    }
    Ok(())
}
