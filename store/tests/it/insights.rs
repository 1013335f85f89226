//! Figures as they are kept: over a month that was drawn, equal to what the pure room says of the same events; however it was counted.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, civil::date, tz::TimeZone};
use oms_domain::{
    access::{Reach, Scope},
    ids::OrderId,
    order::{Event, Order},
};
use oms_insights::{BySums, Cells, FIGURES, Figure, How, Measure, Period, Step, Value, facts, value};
use oms_store::{CountedOrder, InsightSums, InsightsFilter, Record, RecordedEvent, SplitBy, Store, StoreConfig};
use secrecy::ExposeSecret;
use serde_json::json;
use sqlx::{Connection, PgConnection};

use crate::{
    month::{self, Told},
    stack::fresh_config,
    support::record,
};

/// The events of an order after so many, up to so many, as the worker records them.
fn recorded(told: &Told, from: usize, to: usize) -> Record {
    let events: Vec<RecordedEvent> = told.events[from..to]
        .iter()
        .enumerate()
        .map(|(n, (event, at))| RecordedEvent {
            seq: (from + n + 1) as u64,
            kind: event.kind().to_owned(),
            at: *at,
            data: serde_json::to_value(event).unwrap(),
            by: None,
        })
        .collect();
    let core = &told.beginning.core;
    let mut record = record(core.order_id.as_str(), 1, "placed");
    (record.base, record.version) = (from as u64, to as u64);
    record.beginning = (from == 0).then(|| serde_json::to_value(&told.beginning).unwrap());
    (record.row.channel, record.row.placed_at) = (core.channel.clone(), core.placed_at);
    record.events = events;
    record
}

async fn tell(store: &Store, told: &Told, from: usize, to: usize) {
    if from < to {
        store.record(&recorded(told, from, to)).await.unwrap();
    }
}

/// Counts until everything that was recorded is counted: each waits for transactions of other tests on the same server.
async fn count(store: &Store) {
    let begun = std::time::Instant::now();
    loop {
        store.count_insights().await.unwrap();
        let seen = store.insights_freshness().await.unwrap();
        if seen.counted_until.is_some() && seen.lag_ms == 0 && !seen.is_rebuilding {
            return;
        }
        assert!(begun.elapsed().as_secs() < 60, "{seen:?}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

fn cells(month: &[Told]) -> Cells {
    let mut cells = Cells::default();
    for told in month {
        cells.replace(&told.beginning.core.channel, &[], &facts(told.beginning.clone(), told.events.clone()).counts());
    }
    cells
}

fn spring(zone: &str) -> Period {
    Period::days(date(2026, 3, 1), date(2026, 9, 30), TimeZone::get(zone).unwrap()).unwrap()
}

fn whole(period: &Period) -> InsightsFilter {
    InsightsFilter { from: period.from, to: period.to, ..InsightsFilter::default() }
}

/// What the cells say of a figure in one piece of time.
fn plain(cells: &Cells, figure: &Figure, from: Timestamp, to: Timestamp) -> Value {
    let mut sums = BySums::new();
    for (key, sum) in cells.0.iter().filter(|(key, _)| from <= key.cell && key.cell < to) {
        let all = sums.entry((key.measure, key.bucket.unwrap_or(-1))).or_default();
        (all.n, all.sum) = (all.n + sum.n, all.sum + sum.sum);
    }
    value(figure, &sums)
}

async fn kept(store: &Store, figure: &Figure, filter: &InsightsFilter, cuts: &[Timestamp]) -> BTreeMap<usize, Value> {
    let measures: Vec<Measure> = figure.measures().collect();
    let mut pieces: BTreeMap<usize, BySums> = BTreeMap::new();
    for InsightSums { piece, measure, bucket, n, sum, .. } in store.insight_sums(&measures, filter, cuts, SplitBy::Nothing).await.unwrap() {
        let all = pieces.entry(piece).or_default().entry((measure, bucket)).or_default();
        (all.n, all.sum) = (all.n + n, all.sum + sum);
    }
    pieces.into_iter().map(|(piece, sums)| (piece, value(figure, &sums))).collect()
}

/// Each figure of the store is that of the pure room, by the days of three zones.
async fn agrees(store: &Store, month: &[Told]) {
    let cells = cells(month);
    for zone in ["Europe/London", "America/New_York", "Asia/Kathmandu"] {
        let period = spring(zone);
        let cuts = period.cuts(Step::Day).unwrap();
        for figure in FIGURES {
            let kept = kept(store, figure, &whole(&period), &cuts).await;
            for (n, pair) in cuts.windows(2).enumerate() {
                let plain = plain(&cells, figure, pair[0], pair[1]);
                assert_eq!(kept.get(&n).copied().unwrap_or(value(figure, &BySums::new())), plain, "{} {zone} {}", figure.id, pair[0]);
            }
        }
    }
}

async fn fresh() -> (Store, StoreConfig) {
    let config = fresh_config().await;
    let store = Store::connect(&config).await.unwrap();
    store.setup().await.unwrap();
    (store, config)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_counted_as_orders_go_on_is_what_is_counted_anew() {
    let (store, _) = fresh().await;
    let month = month::month(7, 60);
    // Half of each life, the projector in between, and the rest, told late.
    for told in &month {
        tell(&store, told, 0, told.events.len() / 2).await;
    }
    count(&store).await;
    for told in month.iter().rev() {
        tell(&store, told, told.events.len() / 2, told.events.len()).await;
        if told.beginning.core.order_id.as_str().ends_with('3') {
            store.count_insights().await.unwrap();
        }
    }
    count(&store).await;
    agrees(&store, &month).await;
    // And again, beside what stands.
    store.rebuild_insights().await.unwrap();
    assert!(store.insights_freshness().await.unwrap().is_rebuilding);
    count(&store).await;
    agrees(&store, &month).await;
    assert_eq!(store.insights_freshness().await.unwrap().unread_orders, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tile_opens_the_very_orders_that_it_counts() {
    let (store, _) = fresh().await;
    let month = month::month(11, 80);
    for told in &month {
        tell(&store, told, 0, told.events.len()).await;
    }
    count(&store).await;
    let period = spring("Europe/London");
    let mut opened = 0;
    for figure in FIGURES {
        for measure in figure.measures() {
            let sums = store.insight_sums(&[measure], &whole(&period), &[period.from, period.to], SplitBy::Nothing).await.unwrap();
            let told = sums.iter().fold((0, 0), |all, one| (all.0 + one.n, all.1 + one.sum));
            let (orders, total) = listed(&store, measure, &whole(&period)).await;
            let counted = orders.iter().fold((0, 0), |all, one| (all.0 + one.n, all.1 + one.sum));
            assert_eq!((counted, total.n), (told, told.0), "{} {}", figure.id, measure.name());
            let currencies: BTreeSet<&String> = sums.iter().map(|one| &one.currency).collect();
            assert_eq!(total.sum, (currencies.len() < 2).then_some(told.1), "{}: no two currencies are added", measure.name());
            let mut ids: Vec<&OrderId> = orders.iter().map(|order| &order.order_id).collect();
            if measure.is_once_an_order() {
                assert_eq!(ids.len() as i64, told.0, "{}", measure.name());
            }
            ids.sort();
            ids.dedup();
            assert_eq!(ids.len() as i64, total.orders, "{}", measure.name());
            opened += orders.len();
        }
    }
    assert!(opened > 1_000, "{opened}");
}

/// All pages of a list, in small ones.
async fn listed(store: &Store, measure: Measure, filter: &InsightsFilter) -> (Vec<CountedOrder>, oms_store::CountedTotal) {
    let (mut orders, mut after) = (Vec::new(), None::<String>);
    loop {
        let found = store.counted_orders(measure, filter, after.as_deref(), 7).await.unwrap();
        orders.extend(found.page.items);
        after = found.page.next_cursor;
        if after.is_none() {
            return (orders, found.total);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn channels_and_facilities_add_up_and_hide_each_other() {
    let (store, _) = fresh().await;
    let month = month::month(13, 60);
    for told in &month {
        tell(&store, told, 0, told.events.len()).await;
    }
    count(&store).await;
    let period = spring("UTC");
    let ends = [period.from, period.to];
    let sum = async |measure, filter: &InsightsFilter| {
        store.insight_sums(&[measure], filter, &ends, SplitBy::Nothing).await.unwrap().iter().map(|one| one.sum).sum::<i64>()
    };
    let mut by_channel = 0;
    for channel in month::CHANNELS {
        let scope = Scope { channels: Reach::Only([channel.to_owned()].into()), ..Scope::default() };
        let narrowed = InsightsFilter { scope, ..whole(&period) };
        let own = sum(Measure::Orders, &narrowed).await;
        assert_eq!(own, month.iter().filter(|told| told.beginning.core.channel == channel).count() as i64);
        by_channel += own;
        let other = InsightsFilter { channel: Some("elsewhere".to_owned()), ..narrowed };
        assert_eq!(sum(Measure::Orders, &other).await, 0);
    }
    assert_eq!(by_channel, 60);
    let (mut by_facility, all) = (0, sum(Measure::ReleasedUnits, &whole(&period)).await);
    for facility in month::FACILITIES {
        let scope = Scope { facilities: Reach::Only([facility.parse().unwrap()].into()), ..Scope::default() };
        by_facility += sum(Measure::ReleasedUnits, &InsightsFilter { scope, ..whole(&period) }).await;
    }
    assert!(all > 60 && by_facility == all, "{by_facility} {all}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_projectors_count_each_order_once_and_one_that_dies_nothing() {
    let (store, config) = fresh().await;
    let month = month::month(17, 60);
    let (told, others) = (store.clone(), [store.clone(), store.clone(), Store::connect(&config).await.unwrap()]);
    let telling = month.clone();
    let writing = tokio::spawn(async move {
        for part in 0..4 {
            for order in &telling {
                let cut = |n: usize| order.events.len() * n / 4;
                tell(&told, order, cut(part), cut(part + 1)).await;
            }
        }
    });
    while !writing.is_finished() {
        let rounds = others.iter().map(|other| {
            let other = other.clone();
            tokio::spawn(async move { other.count_insights().await })
        });
        let rounds: Vec<_> = rounds.collect();
        // One dies, wherever it is.
        rounds[0].abort();
        for round in rounds {
            if let Ok(outcome) = round.await {
                outcome.unwrap();
            }
        }
    }
    writing.await.unwrap();
    count(&store).await;
    agrees(&store, &month).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_split_was_avoidable_where_the_decision_shows_one_facility_that_had_all() {
    let (store, config) = fresh().await;
    let month = month::month(37, 60);
    for told in &month {
        tell(&store, told, 0, told.events.len()).await;
    }
    count(&store).await;
    let period = spring("UTC");
    let (split, total) = listed(&store, Measure::SplitOrders, &whole(&period)).await;
    assert!(total.orders >= 3, "{total:?}");
    // All and no limit; all and no time; not all.
    for (order, (available, capacity_left)) in split.iter().zip([(5, None), (5, Some(0)), (4, Some(9))]) {
        let problem = json!({"lines": [{"line_id": "1", "sku": "A", "quantity": 2}, {"line_id": "2", "sku": "A", "quantity": 3}],
            "facilities": [{"facility_id": "WH-1", "capacity_left": capacity_left}],
            "availability": [{"facility_id": "WH-1", "sku": "A", "available": available}]});
        decide(&config, order.order_id.as_str(), &json!({"problem": problem})).await;
    }
    store.rebuild_insights().await.unwrap();
    count(&store).await;
    let (avoidable, _) = listed(&store, Measure::AvoidableSplits, &whole(&period)).await;
    assert_eq!(avoidable.iter().map(|order| &order.order_id).collect::<Vec<_>>(), [&split[0].order_id]);
}

/// A decision, and two facilities that have a part of the order.
async fn decide(config: &StoreConfig, order_id: &str, decision: &serde_json::Value) {
    let mut connection = PgConnection::connect(config.database_url.expose_secret()).await.unwrap();
    let insert = "INSERT INTO decisions (order_id, round, decision) VALUES ($1, 1, $2)";
    sqlx::query(insert).bind(order_id).bind(sqlx::types::Json(decision)).execute(&mut connection).await.unwrap();
    let parts =
        "INSERT INTO fulfillment_orders (fulfillment_order_id, order_id, facility_id, status, delivery_method, placed_at, updated_at)
        SELECT $1 || '-F' || n, $1, 'WH-' || n, 'shipped', 'standard', now(), now() FROM generate_series(1, 2) AS n";
    sqlx::query(parts).bind(order_id).execute(&mut connection).await.unwrap();
}

async fn execute(config: &StoreConfig, statement: &'static str) {
    let mut connection = PgConnection::connect(config.database_url.expose_secret()).await.unwrap();
    sqlx::query(statement).execute(&mut connection).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_restore_everything_is_counted_anew_and_what_cannot_be_read_keeps_nothing_else() {
    let (store, config) = fresh().await;
    let month = month::month(19, 30);
    for told in &month {
        tell(&store, told, 0, told.events.len()).await;
    }
    count(&store).await;
    let first = live(&config).await;
    let mut odd = record("ODD", 1, "order_placed");
    odd.beginning = Some(json!({"of": "another release"}));
    store.record(&odd).await.unwrap();
    execute(&config, "UPDATE outbox_epochs SET server_identity = 'another server'").await;
    let after = Store::connect(&config).await.unwrap();
    count(&after).await;
    assert!(live(&config).await > first);
    assert_eq!(after.insights_freshness().await.unwrap().unread_orders, 1);
    agrees(&after, &month).await;
    // Nothing of the generation before is left.
    while rows_of(&config, first).await > 0 {
        after.count_insights().await.unwrap();
    }
}

async fn live(config: &StoreConfig) -> i32 {
    let mut connection = PgConnection::connect(config.database_url.expose_secret()).await.unwrap();
    sqlx::query_scalar("SELECT live_insights()").fetch_one(&mut connection).await.unwrap()
}

async fn rows_of(config: &StoreConfig, generation: i32) -> i64 {
    let mut connection = PgConnection::connect(config.database_url.expose_secret()).await.unwrap();
    let rows =
        "SELECT (SELECT count(*) FROM insight_counts WHERE generation = $1) + (SELECT count(*) FROM fact_orders WHERE generation = $1)";
    sqlx::query_scalar(rows).bind(generation).fetch_one(&mut connection).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_whose_first_events_are_not_kept_any_more_stay_as_they_were_counted() {
    let (store, config) = fresh().await;
    let month = month::month(23, 20);
    for told in &month {
        tell(&store, told, 0, told.events.len()).await;
    }
    count(&store).await;
    // As if a month had been dropped.
    execute(&config, "DELETE FROM order_events WHERE order_id = 'M3'").await;
    execute(&config, "DELETE FROM order_events WHERE order_id = 'M4' AND seq < 4").await;
    store.rebuild_insights().await.unwrap();
    count(&store).await;
    agrees(&store, &month).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn analysts_read_the_same_figures_by_sql_and_nothing_else() {
    let (store, config) = fresh().await;
    let month = month::month(29, 40);
    for told in &month {
        tell(&store, told, 0, told.events.len()).await;
    }
    count(&store).await;
    let mut connection = PgConnection::connect(config.database_url.expose_secret()).await.unwrap();
    sqlx::query("SET ROLE oms_analyst").execute(&mut connection).await.unwrap();
    let (cells, period) = (cells(&month), spring("UTC"));
    for figure in FIGURES {
        let plain = plain(&cells, figure, period.from, period.to);
        let columns = match figure.how {
            How::Total(_) => "sum(value)::bigint, NULL::bigint",
            How::Quotient { .. } => "sum(numerator)::bigint, sum(denominator)::bigint",
            How::Times(_) => "sum(n)::bigint, NULL::bigint",
        };
        let text = format!("SELECT {columns} FROM insights.{}", figure.id);
        let query = sqlx::query_as(sqlx::AssertSqlSafe(text));
        let read: (Option<i64>, Option<i64>) = query.fetch_one(&mut connection).await.unwrap();
        assert_eq!((read.0.unwrap_or(0), read.1), (plain.numerator, plain.denominator.filter(|_| read.1.is_some())), "{}", figure.id);
    }
    let orders: i64 = sqlx::query_scalar("SELECT count(*) FROM insights.fact_orders").fetch_one(&mut connection).await.unwrap();
    assert_eq!(orders, 40);
    for forbidden in ["SELECT 1 FROM orders", "SELECT 1 FROM insight_counts", "SELECT 1 FROM people", "CREATE TABLE insights.mine (n int)"]
    {
        assert!(sqlx::query(forbidden).execute(&mut connection).await.is_err(), "{forbidden}");
    }
    let named = "SELECT count(*) FROM information_schema.columns WHERE table_schema = 'insights'
        AND (column_name ~ 'customer|email|name$|address|phone|street|token')";
    let named: i64 = sqlx::query_scalar(named).fetch_one(&mut connection).await.unwrap();
    assert_eq!(named, 0);
}

/// An order as the events lead to it is the one that was told: the drawn month is a real one.
#[test]
fn a_drawn_life_is_one_that_the_rules_have_led() {
    for told in month::month(31, 20) {
        let events = told.events.iter().zip(1..).map(|((event, at), seq): (&(Event, Timestamp), u64)| (seq, event.clone(), *at));
        Order::follow(None, Some(told.beginning.clone()), events, vec![]).unwrap();
    }
}
