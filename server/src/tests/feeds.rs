//! Feeds over HTTP: bad rows among good ones, and senders who stop half-way.

use std::{io::Read, time::Duration};

use flate2::{Compression, read::GzEncoder};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, net::TcpStream, time::Instant};

use super::app::{App, order};

fn counts(run: &Value) -> [u64; 4] {
    ["rows_read", "accepted", "unchanged", "rejected"].map(|name| run[name].as_u64().unwrap())
}

#[tokio::test]
async fn bad_rows_are_kept_with_number_and_reason_and_the_others_count() {
    let app = App::new();
    app.product("F-1").await;
    app.facility("F-F1").await;
    let csv = "facility_id,sku,on_hand\nF-F1,F-1,5\nF-F1,F-1,-5\nF-F1,NO-SUCH,1\nNO-SUCH,F-1,1\nF-F1,..,1\n";
    let mut gzip = Vec::new();
    GzEncoder::new(csv.as_bytes(), Compression::default()).read_to_end(&mut gzip).unwrap();
    let run = app.feed("/v1/feeds/stock?as_of=2010-12-01T00:00:00Z", gzip).await;
    assert_eq!(counts(&run.body), [5, 1, 0, 4], "{run:?}");

    let path = format!("/v1/feeds/{}/rejects", run.body["feed_id"].as_str().unwrap());
    let rejects = app.get(&path).await.body;
    let found: Vec<(u64, &str)> = rejects["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["row_number"].as_u64().unwrap(), row["reason"].as_str().unwrap().split(':').next().unwrap()))
        .collect();
    assert_eq!(found, [(2, "validation_failed"), (3, "unknown_sku"), (4, "unknown_facility"), (5, "validation_failed")]);
    let page = app.get(&format!("{path}?limit=2&cursor=2")).await.body;
    assert_eq!((&page["items"][0]["row_number"], &page["next_cursor"]), (&json!(3), &json!("4")));
    assert_eq!(app.get("/v1/skus/F-1/availability").await.body["positions"][0]["on_hand"], 5);
}

#[tokio::test]
async fn receipts_sent_again_with_rows_appended_add_only_those() {
    let app = App::new();
    app.product("F-2").await;
    app.facility("F-F2").await;
    let head = "received_at,facility_id,sku,quantity\n";
    let row = "2010-12-03T00:00:00Z,F-F2,F-2,4\n";
    let first = app.feed("/v1/feeds/receipts", format!("{head}{row}{row}")).await;
    assert_eq!(counts(&first.body), [2, 2, 0, 0], "{first:?}");
    let appended = app.feed("/v1/feeds/receipts", format!("{head}{row}{row}{row}")).await;
    assert_eq!(counts(&appended.body), [3, 1, 2, 0]);
    assert_eq!(app.get("/v1/skus/F-2/availability").await.body["positions"][0]["on_hand"], 12);
}

#[tokio::test]
async fn a_feed_of_orders_places_each_once() {
    let app = App::new();
    app.product("F-3").await;
    let lines: Vec<String> = [order("feed-1", "F-3"), order("feed-2", "F-3"), order("feed-3", "NO-SUCH"), order("feed/4", "F-3")]
        .iter()
        .map(ToString::to_string)
        .collect();
    let feed = format!("{}\nnot json\n", lines.join("\n"));
    let run = app.feed("/v1/feeds/orders", feed.clone()).await;
    assert_eq!(counts(&run.body), [5, 2, 0, 3], "{run:?}");
    assert_eq!(app.get("/v1/orders/feed-2").await.status, 200);
    assert_eq!(app.get("/v1/orders/feed-3").await.status, 404);
    assert_eq!(counts(&app.feed("/v1/feeds/orders", feed).await.body), [5, 0, 2, 3]);
}

#[tokio::test]
async fn a_feed_that_does_not_fit_is_refused_as_a_whole() {
    let app = App::new();
    let columns = app.feed("/v1/feeds/stock", "facility_id,sku,colour\n").await;
    assert_eq!((columns.status.as_u16(), columns.code(), columns.pointers()), (422, "validation_failed", vec!["/on_hand", "/colour"]));
    assert_eq!(app.feed("/v1/feeds/orders", "order_id\n1\n").await.code(), "unsupported_media_type");
    assert_eq!(app.feed("/v1/feeds/wishes", "a\n").await.code(), "method_not_allowed");
    assert_eq!(app.feed("/v1/feeds/products?mode=full", "a\n").await.pointers(), ["?mode"]);
}

#[tokio::test]
async fn a_feed_that_breaks_off_keeps_what_came_before_and_says_that_it_failed() {
    let app = App::new();
    let head = "sku,title,price_minor,currency,weight_g,length_mm,width_mm,height_mm\n";
    let rows: String = (0..2_000).map(|i| format!("F-9-{i},A,1,GBP,1,1,1,1\n")).collect();
    let mut gzip = Vec::new();
    GzEncoder::new(format!("{head}{rows}").as_bytes(), Compression::default()).read_to_end(&mut gzip).unwrap();
    gzip.truncate(gzip.len() - 20);
    let cut = app.feed("/v1/feeds/products?source=cut-file", gzip).await;
    assert_eq!((cut.status.as_u16(), cut.code()), (400, "malformed_body"));

    let runs = app.get("/v1/feeds?limit=500").await.body;
    let run = runs["items"].as_array().unwrap().iter().find(|run| run["source"] == "cut-file").unwrap();
    assert_eq!(run["status"], "failed");
    assert!(run["accepted"].as_u64().unwrap() > 0, "{run}");
    assert_eq!(app.get("/v1/products/F-9-0").await.status, 200);
}

#[tokio::test]
async fn a_sender_who_hangs_up_leaves_a_run_that_says_so() {
    let app = App::new();
    let rows = "sku,title,price_minor,currency,weight_g,length_mm,width_mm,height_mm\nF-10,A,1,GBP,1,1,1,1\n";
    let head = "POST /v1/feeds/products?source=gone-sender HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked";
    let mut connection = TcpStream::connect(app.address()).await.unwrap();
    let half = format!("{head}\r\nAuthorization: Bearer {}\r\n\r\n{:x}\r\n{rows}\r\n", app.own_key(), rows.len());
    connection.write_all(half.as_bytes()).await.unwrap();
    until_status(&app, "gone-sender", "running").await;
    drop(connection);
    until_status(&app, "gone-sender", "failed").await;
    assert_eq!(app.get("/v1/products/F-10").await.status, 200, "the row before was whole");
}

/// Waits until the run from this source has the status.
async fn until_status(app: &App, source: &str, status: &str) {
    let give_up = Instant::now() + Duration::from_secs(20);
    loop {
        let runs = app.get("/v1/feeds?limit=500").await.body;
        let run = runs["items"].as_array().unwrap().iter().find(|run| run["source"] == source).cloned();
        if run.as_ref().is_some_and(|run| run["status"] == status) {
            return;
        }
        assert!(Instant::now() < give_up, "not {status}: {run:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The same count of so many products at a facility of the test's own.
fn counts_of(facility: &str, positions: usize, on_hand: u32) -> String {
    let rows: String = (0..positions).map(|n| format!("{facility},{facility}-{n},{on_hand}\n")).collect();
    format!("facility_id,sku,on_hand\n{rows}")
}

/// So many positions, counted as ten units each.
async fn counted(app: &App, facility: &str, positions: usize) {
    app.facility(facility).await;
    let head = "sku,title,price_minor,currency,weight_g,length_mm,width_mm,height_mm\n";
    let rows: String = (0..positions).map(|n| format!("{facility}-{n},A,1,GBP,1,1,1,1\n")).collect();
    app.feed("/v1/feeds/products", format!("{head}{rows}")).await;
    let first = app.feed("/v1/feeds/stock?as_of=2010-12-01T00:00:00Z", counts_of(facility, positions, 10)).await;
    assert_eq!((first.status.as_u16(), counts(&first.body)[1]), (200, positions as u64), "a first count is never parked: {first:?}");
}

async fn on_hand(app: &App, sku: &str) -> Value {
    app.get(&format!("/v1/skus/{sku}/availability")).await.body["positions"][0]["on_hand"].clone()
}

#[tokio::test]
async fn a_snapshot_that_changes_too_much_waits_for_a_person_and_is_applied_when_approved() {
    let app = App::new();
    counted(&app, "F-P1", 100).await;
    let path = "/v1/feeds/stock?as_of=2010-12-02T00:00:00Z";
    let parked = app.feed(path, counts_of("F-P1", 100, 4)).await;
    assert_eq!(
        (parked.status.as_u16(), &parked.body["status"], &parked.body["waiting"]),
        (202, &json!("parked"), &json!(100)),
        "{parked:?}"
    );
    let figures = ["positions", "units_before", "units_after", "units_changed", "changed_percent", "limit_percent"];
    assert_eq!(figures.map(|name| parked.body["parked"][name].as_u64().unwrap()), [100, 1_000, 400, 600, 60, 20]);
    assert_eq!(parked.body["parked"]["largest"][0], json!({"facility_id": "F-P1", "sku": "F-P1-0", "before": 10, "after": 4}));
    assert_eq!((on_hand(&app, "F-P1-7").await, &parked.body["legal_actions"]), (json!(10), &json!(["approve", "reject"])));

    let id = parked.body["feed_id"].as_str().unwrap();
    let again = app.feed(path, counts_of("F-P1", 100, 4)).await;
    assert_eq!((again.status.as_u16(), &again.body), (202, &parked.body), "the same file is the same parked run");
    assert_eq!(app.get(&format!("/v1/feeds/{id}")).await.body, parked.body);

    let approved = app.post(&format!("/v1/feeds/{id}/approve"), &json!({})).await;
    assert_eq!((approved.status.as_u16(), &approved.body["status"], counts(&approved.body)), (200, &json!("finished"), [100, 100, 0, 0]));
    assert_eq!(on_hand(&app, "F-P1-7").await, 4);
    let late = app.post(&format!("/v1/feeds/{id}/reject"), &json!({})).await;
    assert_eq!((late.status.as_u16(), late.code(), &late.body["current_status"]), (409, "illegal_transition", &json!("finished")));
}

#[tokio::test]
async fn a_parked_snapshot_that_is_rejected_changes_nothing() {
    let app = App::new();
    counted(&app, "F-P2", 100).await;
    let parked = app.feed("/v1/feeds/stock?mode=full&expected_rows=30", counts_of("F-P2", 30, 10)).await;
    let path = format!("/v1/feeds/{}", parked.body["feed_id"].as_str().unwrap());
    assert_eq!(parked.body["parked"]["units_changed"], 700, "what a full snapshot leaves out is a change: {parked:?}");
    assert_eq!(app.post(&format!("{path}/decide"), &json!({})).await.code(), "not_found");
    let rejected = app.post(&format!("{path}/reject"), &json!({})).await;
    assert_eq!((rejected.status.as_u16(), &rejected.body["status"]), (200, &json!("rejected")));
    assert_eq!((on_hand(&app, "F-P2-99").await, on_hand(&app, "F-P2-1").await), (json!(10), json!(10)));
    assert_eq!(app.post(&format!("{path}/approve"), &json!({})).await.status, 409);
    let unknown = app.post("/v1/feeds/01930f4e-7c1e-7b44-9d57-0e8f4a1c2b3d/approve", &json!({})).await;
    assert_eq!((unknown.status.as_u16(), unknown.code()), (404, "not_found"));
}

#[tokio::test]
async fn what_picked_units_says_is_one_of_two_words_and_for_stock_alone() {
    let app = App::new();
    let wrong = app.feed("/v1/feeds/stock?picked_units=perhaps", "facility_id,sku,on_hand\n").await;
    assert_eq!((wrong.status.as_u16(), wrong.pointers()), (422, vec!["?picked_units"]));
    assert_eq!(app.feed("/v1/feeds/receipts?picked_units=counted", "x\n").await.pointers(), ["?picked_units"]);
    let run = app.feed("/v1/feeds/stock?picked_units=not_counted", "facility_id,sku,on_hand\n").await;
    assert_eq!(run.body["picked_units"], "not_counted", "{run:?}");
}

#[tokio::test]
async fn a_full_snapshot_says_how_many_rows_it_has_and_a_cut_one_changes_nothing() {
    let app = App::new();
    counted(&app, "F-P3", 12).await;
    let path = "/v1/feeds/stock?mode=full";
    let file = counts_of("F-P3", 12, 9);
    for (path, file) in [
        (path.to_owned(), file.clone()),
        (format!("{path}&expected_rows=13"), file.clone()),
        (path.to_owned(), format!("{file}#rows,13\n")),
        (format!("{path}&expected_rows=12"), format!("{file}#rows,13\n")),
    ] {
        let refused = app.feed(&path, file).await;
        assert_eq!((refused.status.as_u16(), refused.pointers()), (422, vec!["?expected_rows"]), "{refused:?}");
    }
    assert_eq!(on_hand(&app, "F-P3-1").await, 10);
    let taken = app.feed(path, format!("{file}#rows,12,\n")).await;
    assert_eq!((taken.status.as_u16(), counts(&taken.body)), (200, [12, 12, 0, 0]), "{taken:?}");
    let lines: String =
        (0..12).map(|n| format!("{}\n", json!({"facility_id": "F-P3", "sku": format!("F-P3-{n}"), "on_hand": 8}))).collect();
    let taken = app.feed(path, format!("{lines}{{\"#rows\":12}}\n")).await;
    assert_eq!((taken.status.as_u16(), counts(&taken.body)), (200, [12, 12, 0, 0]), "{taken:?}");
    assert_eq!(on_hand(&app, "F-P3-1").await, 8);
}

#[tokio::test]
async fn what_claims_to_happen_later_than_now_is_refused_by_its_field() {
    let app = App::new();
    counted(&app, "F-P4", 1).await;
    let soon = |minutes| (jiff::Timestamp::now() + jiff::SignedDuration::from_mins(minutes)).to_string();
    let count = app.put("/v1/stock/F-P4/F-P4-0", &json!({"on_hand": 1, "as_of": soon(6)})).await;
    assert_eq!((count.status.as_u16(), count.pointers()), (422, vec!["/as_of"]));
    let adjustment = |at: String| json!({"facility_id": "F-P4", "sku": "F-P4-0", "quantity": 1, "reason": "receipt", "occurred_at": at});
    let body = json!({"adjustments": [adjustment(soon(-1)), adjustment(soon(9))]});
    assert_eq!(app.post("/v1/stock/adjustments", &body).await.pointers(), ["/adjustments/1/occurred_at"]);
    assert_eq!(app.feed(&format!("/v1/feeds/stock?as_of={}", soon(9)), counts_of("F-P4", 1, 3)).await.pointers(), ["?as_of"]);
    let receipts = format!("received_at,facility_id,sku,quantity\n{},F-P4,F-P4-0,5\n{},F-P4,F-P4-0,7\n", soon(360), soon(4));
    let run = app.feed("/v1/feeds/receipts", receipts).await;
    assert_eq!(counts(&run.body), [2, 1, 0, 1], "{run:?}");
    let rejects = app.get(&format!("/v1/feeds/{}/rejects", run.body["feed_id"].as_str().unwrap())).await;
    let expected = json!({"row_number": 1, "reason": "validation_failed: /received_at lies more than 5 minutes ahead of now"});
    assert_eq!(rejects.body["items"][0], expected);
    assert_eq!(on_hand(&app, "F-P4-0").await, 17);
}
