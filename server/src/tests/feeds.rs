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
    let csv = "facility_id,sku,on_hand\nF-F1,F-1,5\nF-F1,F-1,-5\nF-F1,NO-SUCH,1\nNO-SUCH,F-1,1\nF-F1,a/b,1\n";
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
    assert_eq!(app.get("/v1/stock/F-1").await.body["positions"][0]["on_hand"], 5);
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
    assert_eq!(app.get("/v1/stock/F-2").await.body["positions"][0]["on_hand"], 12);
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
    assert_eq!(app.feed("/v1/feeds/wishes", "a\n").await.code(), "not_found");
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
    let half = format!("{head}\r\n\r\n{:x}\r\n{rows}\r\n", rows.len());
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
