//! Notes on orders.

use reqwest::Method;
use serde_json::{Value, json};

use super::app::{App, order};

fn note(id: &str, text: &str) -> Value {
    json!({"note_id": id, "text": text, "author": "Kim, support"})
}

#[tokio::test]
async fn a_note_is_kept_once_and_the_newest_comes_first() {
    let app = App::new();
    app.product("N-1").await;
    assert_eq!(app.post("/v1/orders", &order("note-1", "N-1")).await.status, 201);
    assert_eq!(app.get("/v1/orders/note-1/notes").await.body["items"], json!([]));

    let path = "/v1/orders/note-1/notes";
    let first = app.post(path, &note("n-1", "Customer 17850 called.\nWants it on Friday.")).await;
    assert_eq!((first.status.as_u16(), &first.body["text"]), (201, &json!("Customer 17850 called.\nWants it on Friday.")), "{first:?}");
    let again = app.post(path, &note("n-1", "Customer 17850 called.\nWants it on Friday.")).await;
    assert_eq!((again.status.as_u16(), &again.body), (200, &first.body));
    let other = app.post(path, &note("n-1", "Another text")).await;
    assert_eq!((other.status.as_u16(), other.code()), (409, "refused_by_rule"));
    assert!(!other.body.to_string().contains("17850"), "a refusal shows no text of a note");

    let keyed = || app.request(Method::POST, path).header("idempotency-key", "note-key").json(&note("n-2", "Second"));
    let second = app.send(keyed()).await;
    let replayed = app.send(keyed()).await;
    assert_eq!((replayed.headers["idempotency-replayed"].as_bytes(), &replayed.body), (&b"true"[..], &second.body));
    let listed = app.get(path).await;
    assert_eq!(listed.body["items"], json!([second.body, first.body]));
}

#[tokio::test]
async fn a_note_on_no_order_or_without_words_is_refused() {
    let app = App::new();
    let nowhere = app.post("/v1/orders/nobody/notes", &note("n-1", "text")).await;
    assert_eq!((nowhere.status.as_u16(), nowhere.code()), (404, "order_not_found"));
    let empty = app.post("/v1/orders/nobody/notes", &json!({"note_id": "n-1", "text": " ", "author": "Kim"})).await;
    assert_eq!((empty.status.as_u16(), empty.pointers()), (422, vec!["/text"]));
}
