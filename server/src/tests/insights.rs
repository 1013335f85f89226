//! Figures as they are asked for: of some orders whose lives were drawn, all in a channel of their own.

use std::time::{Duration, Instant};

use oms_store::{OrderRow, Record, RecordedEvent, Store};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    app::{Answer, App},
    doors::{HERE, THERE, key},
    month::{self, Told},
};

/// The channel, the orders and the months in which they live.
const CHANNEL: &str = "figures";
const ORDERS: u32 = 20;
const SPRING: &str = "from=2026-03-01&to=2026-12-31&channel=figures";

/// The orders, as a worker would have recorded them.
pub(super) async fn furnish(store: &Store) {
    for mut told in month::month(4711, ORDERS) {
        told.beginning.core.channel = CHANNEL.to_owned();
        store.record(&recorded(&told)).await.unwrap();
    }
}

/// What a messenger does where messengers run.
pub(super) async fn keep_counting(store: Store) {
    loop {
        store.count_insights().await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn recorded(told: &Told) -> Record {
    let core = &told.beginning.core;
    let event = |(n, (event, at)): (u64, &(oms_domain::order::Event, jiff::Timestamp))| RecordedEvent {
        seq: n,
        kind: event.kind().to_owned(),
        at: *at,
        data: serde_json::to_value(event).unwrap(),
        by: None,
    };
    let events: Vec<RecordedEvent> = (1..).zip(&told.events).map(event).collect();
    Record {
        order_id: core.order_id.clone(),
        base: 0,
        version: events.len() as u64,
        beginning: Some(serde_json::to_value(&told.beginning).unwrap()),
        doc: json!({}),
        events,
        commands: Vec::new(),
        row: OrderRow {
            status: "completed".to_owned(),
            channel: CHANNEL.to_owned(),
            customer_id: "D-FIGURES".parse().unwrap(),
            currency: core.currency,
            total_minor: core.total_minor(),
            placed_at: core.placed_at,
            updated_at: core.placed_at,
            needs_attention: false,
            hold_reasons: Vec::new(),
            next_wait_at: None,
            skus: Vec::new(),
            gone_skus: Vec::new(),
        },
        fulfillment_orders: Vec::new(),
        stock: Vec::new(),
        grants_seen: Vec::new(),
        stock_facts: Vec::new(),
        planning: false,
        closed: false,
    }
}

/// The figure, once all of the orders are counted in it.
async fn counted(app: &App, path: &str) -> Value {
    let begun = Instant::now();
    loop {
        let orders = app.get(&format!("/v1/insights/orders?{SPRING}")).await;
        assert_eq!(orders.status, 200, "{orders:?}");
        if orders.body["total"][0]["counted"] == ORDERS {
            let answer = app.get(path).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            return answer.body;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{orders:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn all_orders(app: &App, figure: &str, rest: &str) -> (Vec<Value>, Value) {
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = app.get(&format!("/v1/insights/{figure}/orders?{SPRING}&limit=3{rest}{cursor}")).await;
        assert_eq!(page.status, 200, "{page:?}");
        items.extend(page.body["items"].as_array().unwrap().clone());
        match page.body["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return (items, page.body),
        }
    }
}

#[tokio::test]
async fn every_figure_of_the_list_is_told_and_opens_what_it_counts() {
    let app = App::new();
    let list = app.get("/v1/insights").await;
    let figures = list.body["items"].as_array().unwrap();
    assert!(figures.len() > 40, "{}", figures.len());
    for figure in figures {
        let id = figure["figure"].as_str().unwrap();
        let told = counted(&app, &format!("/v1/insights/{id}?{SPRING}")).await;
        assert!(told["total"].is_array() && told["lag_ms"].is_i64() && told["text"] == figure["text"], "{told}");
        let (items, last) = all_orders(&app, id, "").await;
        let sum = |field: &str| items.iter().map(|item| item[field].as_i64().unwrap()).sum::<i64>();
        assert_eq!(sum("n"), last["n"].as_i64().unwrap(), "{id}");
        assert!(last["sum"].is_null() == (figure["by_currency"] == true && told["total"].as_array().unwrap().len() > 1), "{id}: {last}");
        assert!(last["sum"].is_null() || last["sum"] == sum("sum"), "{id}: {last}");
        let counted: i64 = told["total"].as_array().unwrap().iter().map(|value| value["counted"].as_i64().unwrap()).sum();
        assert!(counted == sum("n") || counted == sum("sum"), "{id}: {counted} in the tile, {} and {} in its list", sum("n"), sum("sum"));
    }
}

#[tokio::test]
async fn a_theme_says_of_each_figure_what_the_figure_says_itself() {
    let app = App::new();
    counted(&app, "/v1/insights").await;
    let mut told = 0;
    for theme in ["orders", "speed", "promises", "stock", "money"] {
        let summary = app.get(&format!("/v1/insights/summary?{SPRING}&theme={theme}")).await;
        assert_eq!(summary.status, 200, "{summary:?}");
        for one in summary.body["items"].as_array().unwrap() {
            let itself = app.get(&format!("/v1/insights/{}?{SPRING}", one["figure"].as_str().unwrap())).await.body;
            assert_eq!((&one["total"], &one["before"], &one["theme"]), (&itself["total"], &itself["before"], &json!(theme)), "{one}");
            told += 1;
        }
    }
    assert_eq!(told, app.get("/v1/insights").await.body["items"].as_array().unwrap().len());
    let narrow = app.get("/v1/insights/summary?theme=promises&facility_id=LEEDS").await.body;
    let told = narrow["items"].as_array().unwrap();
    assert!(!told.is_empty() && told.iter().all(|one| one["by_facility"] == true), "{narrow}");
    assert_eq!(app.get("/v1/insights/summary?theme=weather").await.pointers(), ["?theme"]);
}

#[tokio::test]
async fn a_figure_is_cut_into_days_of_a_zone_and_parts_which_add_up() {
    let app = App::new();
    let told = counted(&app, &format!("/v1/insights/orders?{SPRING}&zone=Europe/London&by=month")).await;
    let pieces = told["items"].as_array().unwrap();
    assert_eq!((pieces.len(), &pieces[1]["from"]), (10, &json!("2026-03-31T23:00:00Z")), "{told}");
    assert_eq!(pieces.iter().map(|piece| piece["counted"].as_i64().unwrap()).sum::<i64>(), i64::from(ORDERS));
    let split = app.get(&format!("/v1/insights/on_time_ship_rate?{SPRING}&by=facility")).await.body;
    let of = |value: &Value, field: &str| value[field].as_i64().unwrap();
    let parts = split["items"].as_array().unwrap();
    assert!(parts.len() > 1 && parts.iter().all(|part| part["part"].is_string()), "{split}");
    for field in ["counted", "divided_by"] {
        assert_eq!(parts.iter().map(|part| of(part, field)).sum::<i64>(), of(&split["total"][0], field));
    }
    let by_reason = app.get(&format!("/v1/insights/cancellation_rate?{SPRING}&by=reason")).await.body;
    assert!(by_reason["items"].as_array().unwrap().iter().all(|part| part["divided_by"] == by_reason["total"][0]["divided_by"]));
    // No two currencies are added.
    let money = app.get(&format!("/v1/insights/value?{SPRING}")).await.body;
    let currencies: Vec<&str> = money["total"].as_array().unwrap().iter().map(|value| value["currency"].as_str().unwrap()).collect();
    assert_eq!(currencies, ["EUR", "GBP"]);
    assert!(money["total"].as_array().unwrap().iter().all(|value| value["value"].is_i64()), "money is no float: {money}");
}

#[tokio::test]
async fn spreadsheets_get_a_table() {
    let app = App::new();
    counted(&app, "/v1/insights").await;
    for request in [
        app.request(Method::GET, &format!("/v1/insights/orders?{SPRING}&by=month&format=csv")),
        app.request(Method::GET, &format!("/v1/insights/orders?{SPRING}&by=month")).header("accept", "text/csv"),
    ] {
        let answer = request.send().await.unwrap();
        assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/csv"));
        let text = answer.text().await.unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!((lines.len(), lines[0].split(',').count()), (11, 12), "{text}");
        assert!(lines[1..].iter().all(|line| line.starts_with("orders,orders,2026-")), "{text}");
    }
}

#[tokio::test]
async fn a_question_that_has_no_answer_is_named() {
    let app = App::new();
    let pointers = async |path: &str| app.get(path).await.pointers().iter().map(|pointer| (*pointer).to_owned()).collect::<Vec<_>>();
    assert_eq!(app.get("/v1/insights/fill_rate").await.code(), "not_found");
    for (rest, wrong) in [
        ("from=yesterday", "?from"),
        ("from=2026-03-02&to=2026-03-01", "?to"),
        ("from=2026-03-01T00:07:00Z&to=2026-03-02", "?to"),
        ("zone=Mars", "?zone"),
        ("by=minute", "?by"),
        ("by=facility", "?by"),
        ("by=reason", "?by"),
        ("from=2020-01-01&by=hour", "?by"),
        ("facility_id=LEEDS", "?facility_id"),
        ("currency=GBP", "?currency"),
        ("reason=other", "?reason"),
        ("colour=red", "?colour"),
    ] {
        assert_eq!(pointers(&format!("/v1/insights/orders?{rest}")).await, [wrong], "{rest}");
    }
    assert_eq!(pointers("/v1/insights/orders/orders?part=divided_by").await, ["?part"]);
    assert_eq!(pointers("/v1/insights/orders/orders?cursor=nowhere").await, ["?cursor"]);
}

#[tokio::test]
async fn who_knows_of_a_part_is_told_of_that_part() {
    let app = App::new();
    counted(&app, "/v1/insights").await;
    let asked =
        async |account: &str, path: String| -> Answer { app.send(app.anonymous(Method::GET, &path).bearer_auth(key(account))).await };
    let web = asked("web", format!("/v1/insights/orders?{SPRING}")).await;
    assert_eq!(web.body["total"][0]["counted"], 0, "{web:?}");
    assert_eq!(asked("web", format!("/v1/insights/orders/orders?{SPRING}")).await.body["items"], json!([]));
    assert_eq!(asked("here", format!("/v1/insights/orders?{SPRING}")).await.code(), "forbidden");
    assert_eq!(asked("here", format!("/v1/insights/split_rate/orders?{SPRING}")).await.code(), "forbidden");
    let here = asked("here", format!("/v1/insights/on_time_ship_rate?{SPRING}")).await;
    assert_eq!((here.status.as_u16(), &here.body["total"][0]["divided_by"]), (200, &json!(0)), "{here:?}");
    assert_eq!(asked("analyst", format!("/v1/insights/orders?{SPRING}")).await.body["total"][0]["counted"], ORDERS);
    assert_eq!(asked("checkout", "/v1/insights".to_owned()).await.code(), "forbidden");
}

#[tokio::test]
async fn figures_counted_anew_are_the_same() {
    let app = App::new();
    let before = counted(&app, &format!("/v1/insights/unit_fill_rate?{SPRING}")).await;
    let begun = app.post("/v1/insights/rebuild", &json!({})).await;
    assert_eq!(begun.status, 202, "{begun:?}");
    assert_eq!(app.post("/v1/insights/rebuild", &json!({"colour": "red"})).await.pointers(), ["/colour"]);
    let begun = Instant::now();
    while app.get(&format!("/v1/insights/orders?{SPRING}")).await.body["is_rebuilding"] == true {
        assert!(begun.elapsed() < Duration::from_secs(60));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let after = counted(&app, &format!("/v1/insights/unit_fill_rate?{SPRING}")).await;
    assert_eq!(before["total"], after["total"]);
}

#[tokio::test]
async fn what_waits_now_is_counted_where_it_waits() {
    let app = App::new();
    let asked = async |account: &str| app.send(app.anonymous(Method::GET, "/v1/insights/live").bearer_auth(key(account))).await.body;
    let released = |view: &Value, facility: &str| {
        let all = view["in_work"].as_array().unwrap().iter();
        all.filter(|one| one["facility_id"] == facility && one["status"] == "released")
            .map(|one| one["fulfillment_orders"].as_i64().unwrap())
            .sum::<i64>()
    };
    let all = asked("analyst").await;
    assert!(released(&all, HERE.2) > 100 && released(&all, THERE.2) == 1, "{all}");
    assert!(all["in_work"].as_array().unwrap().iter().all(|one| one["oldest_age_ms"].as_i64().unwrap() > 0), "{all}");
    let (here, web) = (asked("here").await, asked("web").await);
    assert_eq!((released(&here, HERE.2), released(&here, THERE.2)), (released(&all, HERE.2), 0), "{here}");
    assert_eq!((released(&web, HERE.2), released(&web, THERE.2)), (1, 0), "{web}");
}
