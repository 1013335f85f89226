//! Stations: one person at a time, for the work of one facility, by a badge and a PIN.

use reqwest::Method;
use serde_json::{Value, json};

use super::app::{Answer, App};

const PIN: &str = "4071";

/// A station at a facility of this name, and its token.
async fn station(app: &App, id: &str, facility: &str) -> String {
    app.facility(facility).await;
    let made = app.post("/v1/stations", &json!({"station_id": id, "name": "Bench", "facility_id": facility})).await;
    assert_eq!(made.status, 201, "{made:?}");
    made.body["token"].as_str().unwrap().to_owned()
}

/// Somebody of these roles, who knows of these facilities, and their badge.
async fn badge(app: &App, email: &str, roles: &[&str], facilities: Option<&[&str]>) -> (String, String) {
    let mut body = json!({"email": email, "name": "Kim", "roles": roles});
    if let Some(facilities) = facilities {
        body["facilities"] = json!(facilities);
    }
    let made = app.post("/v1/people", &body).await;
    let id = made.body["person_id"].as_str().unwrap().to_owned();
    let given = app.post(&format!("/v1/people/{id}/badge"), &json!({"pin": PIN})).await;
    assert_eq!(given.status, 201, "{given:?}");
    (id, given.body["badge"].as_str().unwrap().to_owned())
}

async fn take_over(app: &App, station: &str, badge: &str, pin: &str) -> Answer {
    let request = app.anonymous(Method::POST, "/v1/stations/take-over").bearer_auth(station);
    app.send(request.json(&json!({"badge": badge, "pin": pin}))).await
}

async fn me(app: &App, session: &str) -> Answer {
    app.send(app.anonymous(Method::GET, "/v1/sessions/current").bearer_auth(session)).await
}

#[tokio::test]
async fn a_person_works_at_a_station_for_its_facility_alone_and_what_they_do_says_where() {
    let app = App::new();
    let (token, other) = (station(&app, "sta-1a", "STA-1").await, station(&app, "sta-1b", "STA-1-OTHER").await);
    let (id, badge) = badge(&app, "one@stations.example", &["facility_manager", "support", "admin"], None).await;
    let came = take_over(&app, &token, &badge.to_lowercase(), PIN).await;
    assert_eq!(came.status, 201, "{came:?}");
    let session = came.body["token"].as_str().unwrap();
    let known = me(&app, session).await.body;
    assert_eq!((&known["id"], &known["station_id"], &known["facilities"]), (&json!(id), &json!("sta-1a"), &json!(["STA-1"])));
    assert_eq!(known["roles"], json!(["facility_manager"]), "neither money nor people");

    app.product("STA-SKU").await;
    let count = |facility: &str| {
        app.anonymous(Method::PUT, &format!("/v1/stock/{facility}/STA-SKU")).bearer_auth(session).json(&json!({"on_hand": 3}))
    };
    assert_eq!(app.send(count("STA-1")).await.status, 200);
    assert_eq!(app.send(count("STA-1-OTHER")).await.status, 404);
    let moved = app.get("/v1/stock/STA-1/STA-SKU/movements").await;
    assert_eq!(moved.body["items"][0]["actor"], json!({"kind": "person", "id": id, "station": "sta-1a"}));

    // They go on elsewhere without leaving here; whoever comes next is in their place.
    assert_eq!(take_over(&app, &other, &badge, PIN).await.status, 201);
    let (_, next) = self::badge(&app, "next@stations.example", &["associate"], Some(&["STA-1"])).await;
    assert_eq!(take_over(&app, &token, &next, PIN).await.status, 201);
    assert_eq!(me(&app, session).await.code(), "unauthenticated");
    assert_eq!(app.get("/v1/stations/sta-1b").await.body["taken_by"], json!(id));
}

#[tokio::test]
async fn nothing_but_a_stations_token_a_badge_and_its_pin_opens_a_station() {
    let app = App::new();
    let token = station(&app, "sta-2", "STA-2").await;
    let (_, badge) = badge(&app, "two@stations.example", &["associate"], Some(&["STA-2"])).await;
    for wrong in ["", "oms-station_", app.own_key(), &token.replace("station", "session")] {
        assert_eq!(take_over(&app, wrong, &badge, PIN).await.code(), "unauthenticated", "{wrong}");
    }
    assert_eq!(me(&app, &token).await.code(), "unauthenticated", "a station by itself is nobody");
    for (wrong, pin) in [("BDG-0000000000000000", PIN), ("kim", PIN), (badge.as_str(), "4072")] {
        assert_eq!(take_over(&app, &token, wrong, pin).await.code(), "unauthenticated", "{wrong} {pin}");
    }
    let (_, elsewhere) = self::badge(&app, "elsewhere@stations.example", &["associate"], Some(&["STA-2-OTHER"])).await;
    let (_, clerk) = self::badge(&app, "clerk@stations.example", &["support"], None).await;
    for stranger in [&elsewhere, &clerk] {
        assert_eq!(take_over(&app, &token, stranger, PIN).await.code(), "forbidden");
    }
    assert_eq!(take_over(&app, &token, &badge, PIN).await.status, 201);
}

#[tokio::test]
async fn whoever_guesses_pins_waits_wherever_they_stand() {
    let app = App::new();
    let stations = [station(&app, "sta-3a", "STA-3").await, station(&app, "sta-3b", "STA-3").await];
    let (_, badge) = badge(&app, "three@stations.example", &["associate"], None).await;
    let mut codes = Vec::new();
    for token in stations.iter().cycle().take(12) {
        codes.push(take_over(&app, token, &badge, "9999").await.code().to_owned());
    }
    assert!(codes.contains(&"too_many_requests".to_owned()), "{codes:?}");
    let (_, other) = self::badge(&app, "other@stations.example", &["associate"], None).await;
    assert_eq!(take_over(&app, &stations[0], &other, PIN).await.status, 201, "nobody else waits");
}

#[tokio::test]
async fn a_lost_badge_and_a_station_that_is_gone_open_nothing() {
    let app = App::new();
    let token = station(&app, "sta-4", "STA-4").await;
    let (id, lost) = badge(&app, "four@stations.example", &["associate"], None).await;
    let session = take_over(&app, &token, &lost, PIN).await.body["token"].as_str().unwrap().to_owned();
    let found: Value = app.post(&format!("/v1/people/{id}/badge"), &json!({"pin": "1793"})).await.body["badge"].take();
    assert_eq!(me(&app, &session).await.code(), "unauthenticated", "whoever came in by the lost one is out");
    assert_eq!(take_over(&app, &token, &lost, PIN).await.code(), "unauthenticated");
    let session = take_over(&app, &token, found.as_str().unwrap(), "1793").await.body["token"].as_str().unwrap().to_owned();
    let removed = app.send(app.request(Method::DELETE, "/v1/stations/sta-4")).await;
    assert_eq!(removed.status, 204);
    assert_eq!(me(&app, &session).await.code(), "unauthenticated");
    assert_eq!(take_over(&app, &token, found.as_str().unwrap(), "1793").await.code(), "unauthenticated");
    assert_eq!(app.get("/v1/stations/sta-4").await.code(), "station_not_found");
}

#[tokio::test]
async fn whoever_answers_for_a_facility_makes_its_stations_and_badges_and_no_others() {
    let app = App::new();
    let token = station(&app, "sta-5", "STA-5").await;
    app.facility("STA-5-OTHER").await;
    app.post("/v1/stations", &json!({"station_id": "sta-5-other", "name": "Far", "facility_id": "STA-5-OTHER"})).await;
    let (manager, theirs) = badge(&app, "five@stations.example", &["facility_manager"], Some(&["STA-5"])).await;
    let session = take_over(&app, &token, &theirs, PIN).await.body["token"].as_str().unwrap().to_owned();
    let ask = |method: Method, path: &str| app.anonymous(method, path).bearer_auth(&session);
    let listed = app.send(ask(Method::GET, "/v1/stations?limit=500")).await;
    let ids: Vec<&str> = listed.body["items"].as_array().unwrap().iter().map(|row| row["station_id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["sta-5"]);
    assert_eq!(app.send(ask(Method::GET, "/v1/stations/sta-5-other")).await.code(), "station_not_found");
    let make = |facility: &str| ask(Method::POST, "/v1/stations").json(&json!({"name": "New", "facility_id": facility}));
    assert_eq!(app.send(make("STA-5-OTHER")).await.code(), "unknown_facility");
    assert_eq!(app.send(make("STA-5")).await.status, 201);
    let (everywhere, _) = badge(&app, "everywhere@stations.example", &["associate"], None).await;
    let give = |id: &str| ask(Method::POST, &format!("/v1/people/{id}/badge")).json(&json!({"pin": PIN}));
    assert_eq!(app.send(give(&everywhere)).await.code(), "person_not_found");
    assert_eq!(app.send(give(&manager)).await.status, 201);
    // The trail has it, and no secret.
    let trail = app.get(&format!("/v1/audit?subject={manager}")).await.body.to_string();
    assert!(trail.contains("badge_given") && trail.contains("\"sta-5\"") && !trail.contains("BDG-") && !trail.contains("argon2"));
}
