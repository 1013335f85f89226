//! People: invited, coming in, going out, shut out; and a browser that is not theirs.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::app::{Answer, App};

const PASSWORD: &str = "correct horse battery";

/// A person of these roles who has set a password: their id.
async fn person(app: &App, email: &str, roles: &[&str]) -> String {
    let made = app.post("/v1/people", &json!({"email": email, "name": "Kim", "roles": roles})).await;
    assert_eq!((made.status.as_u16(), &made.body["status"]), (201, &json!("invited")), "{made:?}");
    assert_eq!(accept(app, &made.body["invitation"]["token"], PASSWORD).await.status, 204);
    made.body["person_id"].as_str().unwrap().to_owned()
}

async fn accept(app: &App, token: &Value, password: &str) -> Answer {
    app.send(app.anonymous(Method::POST, "/v1/invitations/accept").json(&json!({"token": token, "password": password}))).await
}

fn login(app: &App, email: &str, password: &str) -> RequestBuilder {
    app.anonymous(Method::POST, "/v1/sessions").json(&json!({"email": email, "password": password}))
}

/// The token of a session.
async fn token(app: &App, email: &str) -> String {
    let came = app.send(login(app, email, PASSWORD)).await;
    assert_eq!(came.status, 201, "{came:?}");
    came.body["token"].as_str().unwrap().to_owned()
}

/// The token of somebody of these roles who has just come in.
pub(super) async fn token_of(app: &App, email: &str, roles: &[&str]) -> String {
    person(app, email, roles).await;
    token(app, email).await
}

#[tokio::test]
async fn somebody_is_invited_once_comes_in_does_something_under_their_id_and_goes_out() {
    let app = App::new();
    let made = app.post("/v1/people", &json!({"email": "Kim@People.example", "name": "Kim", "roles": ["ops"]})).await;
    let (id, invitation) = (made.body["person_id"].as_str().unwrap(), &made.body["invitation"]["token"]);
    assert_eq!(app.send(login(&app, "kim@people.example", PASSWORD)).await.code(), "unauthenticated");
    assert_eq!(accept(&app, invitation, "too short").await.pointers(), ["/password"]);
    assert_eq!(accept(&app, invitation, PASSWORD).await.status, 204);
    assert_eq!(accept(&app, invitation, PASSWORD).await.code(), "invitation_not_found");

    let token = token(&app, " KIM@people.example").await;
    let me = app.send(app.anonymous(Method::GET, "/v1/sessions/current").bearer_auth(&token)).await;
    assert_eq!((&me.body["id"], &me.body["kind"], me.body["token"].is_null()), (&json!(id), &json!("person"), true), "{me:?}");
    app.product("PEO-1").await;
    app.facility("PEO-F1").await;
    let count = app.anonymous(Method::PUT, "/v1/stock/PEO-F1/PEO-1").bearer_auth(&token).json(&json!({"on_hand": 1}));
    assert_eq!(app.send(count).await.status, 200);
    let moved = app.get("/v1/stock/PEO-F1/PEO-1/movements").await;
    assert_eq!(moved.body["items"][0]["actor"], json!({"kind": "person", "id": id}));

    let leave = app.send(app.anonymous(Method::DELETE, "/v1/sessions/current").bearer_auth(&token)).await;
    assert_eq!(leave.status, 204);
    assert_eq!(app.send(app.anonymous(Method::GET, "/v1/sessions/current").bearer_auth(&token)).await.code(), "unauthenticated");
    // The trail has it all, and nobody's address.
    let trail = app.get(&format!("/v1/audit?subject={id}")).await;
    let actions: Vec<&str> = trail.body["items"].as_array().unwrap().iter().map(|row| row["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["logged_out", "logged_in", "password_set", "person_invited", "person_made"]);
    assert!(!trail.body.to_string().contains("people.example") && !trail.body.to_string().contains("Kim"));
}

#[tokio::test]
async fn a_browser_is_known_by_its_cookie_and_only_where_a_page_of_ours_asks() {
    let app = App::new();
    person(&app, "browser@people.example", &["ops"]).await;
    let origin = format!("http://{}", app.address());
    let came = app.send(login(&app, "browser@people.example", PASSWORD).header("origin", &origin)).await;
    assert!(came.status == 201 && came.body["token"].is_null(), "{came:?}");
    let cookie = came.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.contains("; HttpOnly; SameSite=Strict"), "{cookie}");
    let (cookie, _) = cookie.split_once(';').unwrap();
    let hold = |headers: &[(&str, &str)]| {
        let request = app.anonymous(Method::POST, "/v1/orders/none/holds").header("cookie", cookie).json(&json!({"reason": "other"}));
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
    };
    assert_eq!(app.send(hold(&[("origin", &origin)])).await.code(), "order_not_found");
    for foreign in [&[("origin", "https://evil.example")][..], &[("sec-fetch-site", "cross-site")]] {
        assert_eq!(app.send(hold(foreign)).await.code(), "foreign_origin", "{foreign:?}");
    }
    assert_eq!(app.send(hold(&[])).await.code(), "unauthenticated", "nothing says which page asks");
    let read = app.anonymous(Method::GET, "/v1/sessions/current").header("cookie", cookie);
    assert_eq!(app.send(read).await.status, 200);
    let key_in_cookie = app.anonymous(Method::GET, "/v1/sessions/current").header("cookie", format!("oms_session={}", app.own_key()));
    assert_eq!(app.send(key_in_cookie).await.code(), "unauthenticated", "keys are no cookies");
}

#[tokio::test]
async fn wrong_passwords_are_slowed_where_they_come_from() {
    let app = App::new();
    person(&app, "slow@people.example", &["ops"]).await;
    let mut refused = Vec::new();
    while refused.len() < 40 {
        let answer = app.send(login(&app, "slow@people.example", "not the password")).await;
        refused.push(answer.status.as_u16());
        if answer.status == 429 {
            assert!(answer.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() <= 61, "{answer:?}");
            break;
        }
    }
    assert!(
        refused.len() > 4 && refused.last() == Some(&429) && refused[..refused.len() - 1].iter().all(|status| *status == 401),
        "{refused:?}"
    );
    // Somebody else, from the same place, is not.
    person(&app, "other@people.example", &["ops"]).await;
    token(&app, "other@people.example").await;
    // Whoever knows the password comes in once the pause is over.
    while app.send(login(&app, "slow@people.example", PASSWORD)).await.status != 201 {}
    let nobody = app.send(login(&app, "nobody@people.example", PASSWORD)).await;
    assert_eq!((nobody.status.as_u16(), nobody.code()), (401, "unauthenticated"));
}

#[tokio::test]
async fn whoever_is_shut_out_or_given_other_roles_is_out_at_once() {
    let app = App::new();
    let id = person(&app, "leaver@people.example", &["ops"]).await;
    let (path, first) = (format!("/v1/people/{id}"), token(&app, "leaver@people.example").await);
    let in_with = async |token: &str| app.send(app.anonymous(Method::GET, "/v1/orders?limit=1").bearer_auth(token)).await.status.as_u16();
    assert_eq!(in_with(&first).await, 200);
    let change = async |body: Value| app.send(app.request(Method::PATCH, &path).json(&body)).await;
    assert_eq!(change(json!({"roles": ["carrier"]})).await.body["roles"], json!(["carrier"]));
    assert_eq!(in_with(&first).await, 401);
    let second = token(&app, "leaver@people.example").await;
    assert_eq!(in_with(&second).await, 403);
    assert_eq!(change(json!({"disabled": true})).await.body["status"], "disabled");
    assert_eq!(in_with(&second).await, 401);
    assert_eq!(app.send(login(&app, "leaver@people.example", PASSWORD)).await.code(), "unauthenticated");
    assert_eq!(app.post(&format!("{path}/invitations"), &json!({})).await.code(), "person_not_found");
    assert_eq!(change(json!({"disabled": false})).await.body["status"], "active");
    token(&app, "leaver@people.example").await;
    let twice = app.post("/v1/people", &json!({"email": "leaver@people.example", "name": "Lee", "roles": ["ops"]})).await;
    assert_eq!((twice.status.as_u16(), twice.code()), (409, "person_conflict"));
}

#[tokio::test]
async fn nobody_gives_themselves_more_and_a_person_without_the_permission_makes_nobody() {
    let app = App::new();
    let id = person(&app, "admin@people.example", &["admin"]).await;
    let token = token(&app, "admin@people.example").await;
    let own = app.anonymous(Method::PATCH, &format!("/v1/people/{id}")).bearer_auth(&token).json(&json!({"roles": ["admin", "finance"]}));
    assert_eq!(app.send(own).await.code(), "refused_by_rule");
    person(&app, "clerk@people.example", &["support"]).await;
    let clerk = self::token(&app, "clerk@people.example").await;
    let made =
        app.anonymous(Method::POST, "/v1/people").bearer_auth(&clerk).json(&json!({"email": "x@y", "name": "X", "roles": ["admin"]}));
    assert_eq!(app.send(made).await.code(), "forbidden");
}

#[tokio::test]
async fn an_invitation_is_shown_once_also_to_who_asks_again_under_an_idempotency_key() {
    let app = App::new();
    let body = json!({"email": "again@people.example", "name": "Kim", "roles": ["ops"]});
    let again = || app.send(app.request(Method::POST, "/v1/people").header("idempotency-key", "person-again").json(&body));
    let (first, second) = (again().await, again().await);
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (201, 201));
    assert_eq!(first.body["person_id"], second.body["person_id"]);
    assert!(first.body["invitation"].is_object() && second.body["invitation"].is_null(), "{second:?}");
}
