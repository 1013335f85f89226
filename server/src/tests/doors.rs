//! The lock, as a matrix: every route by every role, by every credential that is none, and by accounts that know of a part of the house.
//! Expected is what the table of roles and the routes themselves say.

use std::{collections::BTreeMap, sync::LazyLock};

use axum::{Router, http::StatusCode, middleware::from_fn_with_state, routing::any};
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use oms_domain::{
    access::{Permission, Reach, Role, Scope, approval::BULK_UNAPPROVED_MAX},
    ids::{FacilityId, FulfillmentOrderId, OrderId},
    placed::DeliveryMethod,
};
use oms_store::{ApiKey, FulfillmentRow, OrderRow, Record, RecordedEvent, Store};
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::app::{Answer, App};
use crate::{
    AppState, DeclaredAccount, DeclaredAccounts,
    doors::{Narrowed, Need, Needs},
    layers::{identity, scope},
    routes,
};

/// What the house has for accounts that know of a part of it: an order in a channel with a part at a facility.
pub(super) const HERE: (&str, &str, &str) = ("D-HERE", "web", "DOOR-HERE");
pub(super) const THERE: (&str, &str, &str) = ("D-THERE", "shop", "DOOR-THERE");
/// The channel of one order more than a bulk operation may be about by itself.
pub(super) const MANY: &str = "many";
/// Probes, and where people come in: these say themselves who may.
const OPEN: [&str; 8] = [
    "/healthz",
    "/readyz",
    "/openapi.json",
    "/v1/sessions",
    "/v1/sessions/current",
    "/v1/invitations/accept",
    "/v1/stations/take-over",
    "/v1/webhooks/{provider_id}",
];
/// Where whoever can sign may post, and nobody else may read.
const OPEN_TO_SENDERS: [&str; 1] = ["/v1/inlets/{inlet_id}/messages"];
/// Requests under way at a time.
const AT_ONCE: usize = 16;

/// Keys of the accounts that the tests' server declares, by name.
pub(super) static KEYS: LazyLock<BTreeMap<String, ApiKey>> =
    LazyLock::new(|| ACCOUNTS.iter().map(|(name, ..)| (name.clone(), ApiKey::random())).collect());
/// One for each role, and two of all roles that know of a part.
static ACCOUNTS: LazyLock<Vec<(String, Vec<Role>, Scope)>> = LazyLock::new(|| {
    let of_role = Role::NAMED.iter().map(|(name, role)| ((*name).to_owned(), vec![*role], Scope::default()));
    let facilities = Reach::Only([FacilityId::parse(HERE.2).unwrap()].into());
    let here = Scope { facilities, ..Scope::default() };
    let web = Scope { channels: Reach::Only([HERE.1.to_owned()].into()), ..Scope::default() };
    let nothing = ("nothing".to_owned(), Vec::new(), Scope::default());
    let acme = Scope { carriers: Reach::Only(["acme".to_owned()].into()), ..Scope::default() };
    let pounds = Scope { currencies: Reach::Only(["GBP".parse().unwrap()].into()), ..Scope::default() };
    let bound = [("acme", Role::Carrier, acme), ("pounds", Role::Checkout, pounds)];
    let bound = bound.map(|(name, role, scope)| (name.to_owned(), vec![role], scope));
    let narrowed = [("here", here), ("web", web)].map(|(name, scope)| (name.to_owned(), Role::all().collect(), scope));
    of_role.chain(narrowed).chain(bound).chain([nothing]).collect()
});

/// The accounts, for the server to know.
pub(super) fn accounts() -> DeclaredAccounts {
    let account = |(name, roles, scope): &(String, Vec<Role>, Scope)| DeclaredAccount {
        name: name.parse().unwrap(),
        roles: roles.iter().copied().collect(),
        facilities: scope.facilities.clone(),
        channels: scope.channels.clone(),
        carriers: scope.carriers.clone(),
        currencies: scope.currencies.clone(),
        key_sha256: KEYS[name].hash(),
    };
    ACCOUNTS.iter().map(account).try_fold(DeclaredAccounts::default(), DeclaredAccounts::with).unwrap()
}

pub(super) fn key(account: &str) -> &'static str {
    KEYS[account].text().expose_secret()
}

fn needs() -> Needs {
    let others = [routes::placing(), routes::commands(), routes::published(), routes::entrance(), routes::streamed(), routes::probes()];
    others.into_iter().fold(routes::small().into_parts().1, |all, doors| all.merge(doors.into_parts().1))
}

/// Every route behind the very lock, with nothing behind it: 204 says that somebody was let in.
pub(super) fn locks(state: AppState) -> Router {
    let needs = needs();
    let paths: std::collections::BTreeSet<String> = needs.all().map(|(path, ..)| path.to_owned()).collect();
    let all = paths.iter().fold(Router::new(), |router, path| router.route(path, any(|| async { StatusCode::NO_CONTENT })));
    let keeper = std::sync::Arc::new(identity::Doorkeeper { state: state.clone(), needs });
    all.layer(from_fn_with_state(keeper, identity::admit))
        .layer(from_fn_with_state(crate::metrics::Metrics::new(), crate::layers::log::log))
}

/// The two orders, as they are listed.
pub(super) async fn furnish(store: &Store) {
    let many: Vec<String> = (0..=BULK_UNAPPROVED_MAX).map(|n| format!("MANY-{n}")).collect();
    let many = many.iter().map(|id| (id.as_str(), MANY, HERE.2));
    for (order_id, channel, facility_id) in [HERE, THERE].into_iter().chain(many) {
        let id = OrderId::parse(order_id).unwrap();
        let at: Timestamp = "2010-12-01T09:00:00Z".parse().unwrap();
        let part = FulfillmentRow {
            fulfillment_order_id: FulfillmentOrderId::of(&id, 1),
            facility_id: Some(FacilityId::parse(facility_id).unwrap()),
            status: "released".to_owned(),
            delivery_method: DeliveryMethod::Standard,
            ship_by: None,
            updated_at: at,
            parcels: Vec::new(),
            ship_days: Vec::new(),
            planned_again: false,
        };
        let row = OrderRow {
            status: "processing".to_owned(),
            channel: channel.to_owned(),
            customer_id: if channel == MANY { "D-MANY" } else { "D-1" }.parse().unwrap(),
            currency: "GBP".parse().unwrap(),
            total_minor: 1,
            placed_at: at,
            updated_at: at,
            needs_attention: false,
            hold_reasons: Vec::new(),
            next_wait_at: None,
            skus: Vec::new(),
            gone_skus: Vec::new(),
        };
        let record = Record {
            order_id: id,
            base: 0,
            version: 1,
            beginning: Some(json!({"of": order_id})),
            doc: json!({}),
            events: vec![RecordedEvent { seq: 1, kind: "released".to_owned(), at, data: json!({}), by: None }],
            commands: Vec::new(),
            row,
            fulfillment_orders: vec![part],
            stock: Vec::new(),
            grants_seen: Vec::new(),
            stock_facts: Vec::new(),
            planning: false,
            closed: false,
        };
        store.record(&record).await.unwrap();
    }
}

/// A request to a route, whose path names something of one of the two.
#[derive(Debug, Clone)]
struct Cell {
    method: Method,
    path: String,
    permission: Permission,
    narrowed: Narrowed,
    /// Parts of the path that lead to an order, and those that lead to a facility.
    names_order: bool,
    names_facility: bool,
}

/// All routes, naming what is of this order.
fn cells((order_id, _, facility_id): (&str, &str, &str)) -> Vec<Cell> {
    needs().all().map(|(path, method, need)| cell(path, method, need, order_id, facility_id)).collect()
}

fn cell(path: &str, method: &Method, need: &Need, order_id: &str, facility_id: &str) -> Cell {
    let mut parameters = Vec::new();
    let named = |name: &str| match name {
        "order_id" | "exchange_id" => order_id.to_owned(),
        "fulfillment_order_id" => format!("{order_id}-F1"),
        "parcel_id" => format!("{order_id}-F1-P1"),
        "return_id" => format!("{order_id}-R1"),
        "claim_id" => format!("{order_id}-C1"),
        "attention_id" => format!("{order_id}:x"),
        "facility_id" => facility_id.to_owned(),
        _ => "1".to_owned(),
    };
    let parts = path.split('/').map(|part| match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
        Some(name) => {
            parameters.push(name);
            named(name)
        }
        None => part.to_owned(),
    });
    let filled = parts.collect::<Vec<_>>().join("/");
    let names = |what: &[&str]| parameters.iter().any(|name| what.contains(name));
    let orders = ["order_id", "exchange_id", "return_id", "claim_id", "attention_id", "fulfillment_order_id", "parcel_id"];
    Cell {
        method: method.clone(),
        path: filled,
        permission: need.permission,
        narrowed: need.narrowed,
        names_order: names(&orders),
        names_facility: names(&["facility_id"]),
    }
}

/// Asks all, and compares each answer with what is expected.
async fn compare(asked: Vec<(Cell, &'static str, Expected)>) {
    let app = App::new();
    let count = asked.len();
    let answers = asked.into_iter().map(|(cell, account, expected)| {
        let app = &app;
        async move {
            let answer = app.send(app.lock(cell.method.clone(), &cell.path).bearer_auth(key(account))).await;
            let code = (answer.status != StatusCode::NO_CONTENT).then(|| answer.code().to_owned());
            let got = (answer.status.as_u16(), code.as_deref());
            (got != expected).then(|| format!("{} {} as {account}: {got:?}, not {expected:?}", cell.method, cell.path))
        }
    });
    let wrong: Vec<String> = stream::iter(answers).buffer_unordered(AT_ONCE).filter_map(|wrong| async { wrong }).collect().await;
    assert!(wrong.is_empty(), "{} of {count}: {wrong:#?}", wrong.len());
}

/// A status, and the code of a refusal.
type Expected = (u16, Option<&'static str>);

const IN: Expected = (204, None);
const FORBIDDEN: Expected = (403, Some("forbidden"));

#[tokio::test]
async fn every_route_lets_in_whom_the_table_says_and_nobody_else() {
    let mut asked = Vec::new();
    for cell in cells(HERE) {
        for (name, role) in Role::NAMED {
            asked.push((cell.clone(), *name, if role.permissions().contains(&cell.permission) { IN } else { FORBIDDEN }));
        }
        asked.push((cell, "nothing", FORBIDDEN));
    }
    assert!(asked.len() > 1_000, "{}", asked.len());
    compare(asked).await;
}

#[tokio::test]
async fn who_knows_of_a_part_of_the_house_finds_nothing_else() {
    let not_found = |path: &str| {
        let code = match path.split('/').nth(2) {
            Some("returns") => "return_not_found",
            Some("claims") => "claim_not_found",
            Some("fulfillment-orders" | "parcels") => "fulfillment_order_not_found",
            Some("orders" | "attention") => "order_not_found",
            _ => "not_found",
        };
        (404, Some(code))
    };
    let mut asked = Vec::new();
    for (is_own, (own, other)) in cells(HERE).into_iter().zip(cells(THERE)).flat_map(|pair| [(true, pair.clone()), (false, pair)]) {
        let cell = if is_own { own } else { other };
        let facility = match cell.narrowed {
            Narrowed::Refused | Narrowed::ToChannels => FORBIDDEN,
            Narrowed::ToBoth | Narrowed::ToFacilities | Narrowed::ByNothing if is_own => IN,
            Narrowed::ToBoth | Narrowed::ToFacilities | Narrowed::ByNothing if cell.names_order || cell.names_facility => {
                not_found(&cell.path)
            }
            Narrowed::ToBoth | Narrowed::ToFacilities | Narrowed::ByNothing => IN,
        };
        let channel = match cell.narrowed {
            Narrowed::Refused => FORBIDDEN,
            Narrowed::ToBoth if cell.names_order && !is_own => not_found(&cell.path),
            Narrowed::ToBoth | Narrowed::ToChannels | Narrowed::ToFacilities | Narrowed::ByNothing => IN,
        };
        asked.push((cell.clone(), "here", facility));
        asked.push((cell, "web", channel));
    }
    compare(asked).await;
}

#[tokio::test]
async fn no_credential_and_a_wrong_one_get_the_same_answer_on_every_route() {
    let app = App::new();
    let (expired, revoked) = (app.key_that("expires").await, app.key_that("is revoked").await);
    let unknown = ApiKey::random().text().expose_secret().to_owned();
    let mut wrong_secret = app.own_key().to_owned();
    wrong_secret.replace_range(wrong_secret.len() - 4.., "0000");
    let bearer = |key: &str| Some(format!("Bearer {key}"));
    let credentials = [
        None,
        Some(String::new()),
        bearer(""),
        bearer("oms_"),
        Some(format!("Basic {}", app.own_key())),
        bearer(&unknown),
        bearer(&wrong_secret),
        bearer(&expired),
        bearer(&revoked),
    ];
    app.until_refused(&[&expired, &revoked]).await;
    let asked = cells(HERE).into_iter().flat_map(|cell| credentials.iter().map(move |credential| (cell.clone(), credential)));
    let answers = asked.map(|(cell, credential)| {
        let app = &app;
        async move {
            let request = app.anonymous(cell.method.clone(), &cell.path);
            let request = credential.iter().fold(request, |request, credential| request.header("authorization", credential));
            (format!("{} {} with {credential:?}", cell.method, cell.path), app.send(request).await)
        }
    });
    let answers: Vec<(String, Answer)> = stream::iter(answers).buffer_unordered(AT_ONCE).collect().await;
    assert!(answers.len() > 500);
    let but_its_id = |answer: &Answer| {
        Value::Object(
            answer
                .body
                .as_object()
                .into_iter()
                .flatten()
                .filter(|(name, _)| *name != "instance")
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        )
    };
    for (asked, answer) in &answers {
        assert_eq!((answer.status.as_u16(), answer.code()), (401, "unauthenticated"), "{asked}");
        assert_eq!(answer.headers["www-authenticate"], "Bearer realm=\"oms\"", "{asked}");
        assert_eq!(but_its_id(answer), but_its_id(&answers[0].1), "{asked}");
    }
}

#[tokio::test]
async fn probes_and_the_description_ask_nobody_who_they_are() {
    let app = App::new();
    for path in ["/healthz", "/readyz", "/openapi.json"] {
        assert_eq!(app.send(app.anonymous(Method::GET, path)).await.status, 200, "{path}");
    }
    // Also what a layer says by itself, of requests that it refuses.
    for path in ["/openapi.json", "/v1/orders", "/nowhere"] {
        let packed = app.anonymous(Method::GET, path).header("accept-encoding", "gzip").send().await.unwrap();
        assert_eq!(packed.headers()["content-encoding"], "gzip", "{path}");
        let bytes = packed.bytes().await.unwrap();
        assert!(bytes.starts_with(&[0x1f, 0x8b]) && bytes.len() < 64 * 1024, "{path}");
    }
    for (path, kind) in [("/docs/", "text/html"), ("/docs/swagger-initializer.js", "text/javascript"), ("/docs/swagger-ui.css", "text/css")]
    {
        let page = app.anonymous(Method::GET, path).send().await.unwrap();
        assert_eq!((page.status().as_u16(), page.headers()["content-type"].to_str().unwrap()), (200, kind), "{path}");
    }
    assert_eq!(app.send(app.anonymous(Method::GET, "/docs/passwd")).await.code(), "not_found");
    assert_eq!(app.send(app.anonymous(Method::GET, "/metrics")).await.code(), "unauthenticated");
    assert_eq!(app.send(app.anonymous(Method::GET, "/nowhere")).await.code(), "not_found");
    assert_eq!(app.send(app.anonymous(Method::DELETE, "/v1/orders")).await.code(), "method_not_allowed");
}

#[test]
fn every_operation_says_what_it_needs_and_every_part_of_a_path_is_known() {
    let document = serde_json::to_value(crate::openapi()).unwrap();
    let permissions: Vec<&str> = Permission::NAMED.iter().map(|(name, _)| *name).collect();
    // Asked by handlers: it depends on the body.
    let mut used = vec!["pay_elsewhere".to_owned()];
    for (path, item) in document["paths"].as_object().unwrap() {
        for name in path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
            assert!(
                scope::HARMLESS.contains(&name) != scope::is_looked_at(name),
                "{path}: say whether {name} leads to a facility or a channel"
            );
        }
        for (method, operation) in item.as_object().unwrap() {
            let is_open = OPEN.contains(&path.as_str()) || method == "post" && OPEN_TO_SENDERS.contains(&path.as_str());
            assert_eq!(operation["security"].is_null(), is_open, "{method} {path}");
            used.extend(operation["x-permission"].as_str().map(str::to_owned));
        }
    }
    let unused: Vec<&&str> = permissions.iter().filter(|name| !used.iter().any(|used| used == **name)).collect();
    assert!(unused.is_empty(), "{unused:?}");
}
