//! PostgreSQL has committed and its answer is lost, as when it fails over just then: what is tried again by itself is done once.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use oms_store::{FeedKind, FeedMode, FeedRow, Receipt, Reserved, Store, StoreConfig};
use secrecy::ExposeSecret;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

use crate::{
    stack::fresh_config,
    support::{adjust, at, facility_id, feed, position, sku, step, stock_up},
};

/// Whether the next answer is to be lost, with the connection that it came on.
type Losing = Arc<AtomicBool>;

/// A store with one connection, and a way to have its next answer lost.
async fn store_that_loses() -> (Store, Losing) {
    let config = fresh_config().await;
    let url = config.database_url.expose_secret();
    let (login, place) = url.rsplit_once('@').expect("a login");
    let (server, database) = place.split_once('/').expect("a database");
    let (listener, losing) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), Losing::default());
    let way = format!("{login}@{}/{database}", listener.local_addr().unwrap());
    tokio::spawn(carry_all(listener, server.to_owned(), losing.clone()));
    let store = Store::connect(&StoreConfig { database_url: way.into(), max_connections: 1, ..config }).await.unwrap();
    store.setup().await.unwrap();
    (store, losing)
}

async fn carry_all(listener: TcpListener, server: String, losing: Losing) {
    while let Ok((client, _)) = listener.accept().await {
        let server = TcpStream::connect(&server).await.unwrap();
        let ((mut questions, to_client), (answers, mut to_server)) = (client.into_split(), server.into_split());
        let losing = losing.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = copy(&mut questions, &mut to_server) => {}
                () = answer(answers, to_client, &losing) => {}
            }
        });
    }
}

/// Until either side breaks off, or an answer is lost.
async fn answer(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, losing: &AtomicBool) {
    let mut bytes = vec![0; 64 << 10];
    while let Ok(length @ 1..) = from.read(&mut bytes).await {
        if losing.swap(false, Ordering::SeqCst) || to.write_all(&bytes[..length]).await.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn an_adjustment_whose_answer_was_lost_counts_once() {
    let (store, losing) = store_that_loses().await;
    stock_up(&store, "WH-1", "A", 10).await;
    // The statement is known from now on: the next answer to it is that of its execution.
    adjust(&store, "WH-1", "A", 1).await;
    losing.store(true, Ordering::SeqCst);
    adjust(&store, "WH-1", "A", 5).await;
    assert!(!losing.load(Ordering::SeqCst), "no answer was lost");
    assert_eq!(position(&store, "WH-1", "A").await.on_hand, 16);
}

#[tokio::test]
async fn units_whose_reservation_was_not_heard_of_are_reserved_once() {
    let (store, losing) = store_that_loses().await;
    stock_up(&store, "WH-1", "A", 10).await;
    store.reserve(&step("o1", "place", &[("WH-1", "A", 1)])).await.unwrap();
    losing.store(true, Ordering::SeqCst);
    let answer = store.reserve(&step("o2", "place", &[("WH-1", "A", 5)])).await.unwrap();
    assert!(matches!(answer, Reserved::Done(_)) && !losing.load(Ordering::SeqCst), "{answer:?}");
    assert_eq!(position(&store, "WH-1", "A").await.reserved, 6);
}

#[tokio::test]
async fn rows_of_a_feed_whose_answer_was_lost_count_once_and_so_do_their_figures() {
    let (store, losing) = store_that_loses().await;
    stock_up(&store, "WH-1", "A", 10).await;
    let feed_id = store.feeds().start(&feed(FeedKind::Receipts, FeedMode::Partial, None)).await.unwrap();
    let row = |row_number: u64| {
        let received_at = at("2010-12-02T00:00:00Z");
        let row = Receipt {
            receipt_id: Some(format!("r-{row_number}")),
            received_at,
            facility_id: facility_id("WH-1"),
            sku: sku("A"),
            quantity: 2,
        };
        FeedRow { row_number, row }
    };
    store.feeds().apply_receipts(feed_id, &[row(1)]).await.unwrap();
    losing.store(true, Ordering::SeqCst);
    store.feeds().apply_receipts(feed_id, &[row(2)]).await.unwrap();
    assert!(!losing.load(Ordering::SeqCst), "no answer was lost");
    assert_eq!(position(&store, "WH-1", "A").await.on_hand, 14);
    let run = store.feeds().get(feed_id).await.unwrap().expect("the run");
    assert_eq!((run.rows_read, run.accepted, run.rejected), (2, 2, 0));
}
