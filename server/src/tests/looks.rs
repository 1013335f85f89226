//! Looks at what names people: a person's are in the trail before they have the answer, and a machine's are counted.

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    app::{App, order},
    people::token_of,
};

/// Rows of the trail that say what somebody read.
async fn looks(app: &App, actor: &str) -> Vec<Value> {
    let trail = app.get(&format!("/v1/audit?actor={actor}&limit=500")).await;
    let rows = trail.body["items"].as_array().unwrap().clone();
    rows.into_iter().filter(|row| row["action"] == "personal_data_read").collect()
}

#[tokio::test]
async fn what_a_person_reads_of_people_is_in_the_trail_and_what_they_may_not_read_is_not() {
    let app = App::new();
    app.product("LOOK-SKU").await;
    let placed = app.post("/v1/orders", &order("LOOK-1", "LOOK-SKU")).await;
    assert_eq!(placed.status, 201, "{placed:?}");
    let token = token_of(&app, "looks@people.example", &["support"]).await;
    let ask = async |path: &str| app.send(app.anonymous(Method::GET, path).bearer_auth(&token)).await;
    let id = ask("/v1/sessions/current").await.body["id"].as_str().unwrap().to_owned();
    for path in ["/v1/orders/LOOK-1", "/v1/orders/LOOK-1", "/v1/orders/LOOK-1/events", "/v1/orders?limit=1", "/v1/facilities"] {
        assert_eq!(ask(path).await.status, 200, "{path}");
    }
    assert_eq!(ask("/v1/orders/LOOK-none").await.status, 404);
    assert_eq!(ask("/v1/people").await.status, 403);
    let rows = looks(&app, &id).await;
    let seen: Vec<(&str, &Value)> = rows.iter().rev().map(|row| (row["detail"]["route"].as_str().unwrap(), &row["subject"])).collect();
    let order_id = json!("LOOK-1");
    assert_eq!(seen, [("/v1/orders/{order_id}", &order_id), ("/v1/orders/{order_id}/events", &order_id), ("/v1/orders", &Value::Null)]);
}
