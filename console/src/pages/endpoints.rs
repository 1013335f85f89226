//! Where events are sent, and what became of them there.

use askama::Template;
use axum::extract::{Path, Query};
use oms_api::{
    endpoint::{DeadEventView, DeliveryView, EndpointSecretView, EndpointTestView, EndpointView, EventAtEndpointView},
    page::Page,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    api::{at, encoded, with_query},
    form::Fields,
    frame::{Frame, Shown},
    visitor::{self, Visitor},
};

/// Rows of a page.
const ROWS: &str = "50";

#[derive(Template)]
#[template(path = "endpoints.html")]
struct Endpoints<'a> {
    f: &'a Frame,
    endpoints: Vec<EndpointView>,
    next: Option<String>,
}

/// What a list is of.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Look {
    cursor: String,
    /// `failed`: tries that were not taken alone.
    outcome: String,
    /// An event of which somebody asks why it was not sent, and what it is about.
    event_id: String,
    subject: String,
}

pub(crate) async fn list(visitor: Visitor, Query(look): Query<Look>) -> Shown {
    listed(visitor, &look).await
}

async fn listed(visitor: Visitor, look: &Look) -> Shown {
    let path = with_query(&at(&["endpoints"]), &[("limit", ROWS), ("cursor", &look.cursor)]);
    let found: Page<EndpointView> = visitor.need(path).await?;
    visitor::page(&visitor, &Endpoints { f: &visitor.frame, endpoints: found.items, next: found.next_cursor })
}

/// A new one; its secret is on the page that follows, and nowhere else.
pub(crate) async fn create(mut visitor: Visitor, form: Fields) -> Shown {
    let types: Vec<&str> = form.get("types").split([',', ' ', '\n', '\r']).filter(|kind| !kind.is_empty()).collect();
    let mut body = json!({"name": form.get("name"), "url": form.get("url")});
    if !types.is_empty() {
        body["types"] = json!(types);
    }
    match visitor.api.post::<EndpointView>(at(&["endpoints"]), form.key(), &body).await {
        Ok(made) => {
            let said = Said { secret: made.secrets.first().and_then(|first| first.secret.clone()), ..Said::default() };
            shown(visitor, &made.endpoint_id, &Look::default(), said).await
        }
        Err(problem) => {
            visitor.frame.problem = Some(problem);
            listed(visitor, &Look::default()).await
        }
    }
}

#[derive(Template)]
#[template(path = "endpoint.html")]
struct EndpointPage<'a> {
    f: &'a Frame,
    endpoint: EndpointView,
    deliveries: Vec<DeliveryView>,
    next: Option<String>,
    dead: Vec<DeadEventView>,
    look: &'a Look,
    said: Said,
}

/// What one page says once.
#[derive(Default)]
struct Said {
    secret: Option<String>,
    tested: Option<EndpointTestView>,
    explained: Option<EventAtEndpointView>,
}

pub(crate) async fn one(mut visitor: Visitor, Path(id): Path<String>, Query(look): Query<Look>) -> Shown {
    let mut said = Said::default();
    if !look.event_id.trim().is_empty() {
        let path = with_query(&at(&["endpoints", &id, "events", look.event_id.trim()]), &[("subject", look.subject.trim())]);
        match visitor.api.get(path).await {
            Ok(explained) => said.explained = Some(explained),
            Err(problem) => visitor.frame.problem = Some(problem),
        }
    }
    shown(visitor, &id, &look, said).await
}

async fn shown(visitor: Visitor, id: &str, look: &Look, said: Said) -> Shown {
    let endpoint: EndpointView = visitor.need(at(&["endpoints", id])).await?;
    let query = [("limit", ROWS), ("outcome", look.outcome.as_str()), ("cursor", look.cursor.as_str())];
    let deliveries: Page<DeliveryView> = visitor.need(with_query(&at(&["endpoints", id, "deliveries"]), &query)).await?;
    let dead: Page<DeadEventView> = visitor.need(with_query(&at(&["endpoints", id, "dead-letters"]), &[("limit", ROWS)])).await?;
    let page = EndpointPage {
        f: &visitor.frame,
        endpoint,
        deliveries: deliveries.items,
        next: deliveries.next_cursor,
        dead: dead.items,
        look,
        said,
    };
    visitor::page(&visitor, &page)
}

/// Pauses it, or has it go on.
pub(crate) async fn set(mut visitor: Visitor, Path((id, action)): Path<(String, String)>, form: Fields) -> Shown {
    let (action, done) = if action == "pause" { ("pause", "endpoint-paused") } else { ("resume", "endpoint-resumed") };
    let told = visitor.api.post::<Value>(at(&["endpoints", &id, action]), form.key(), &json!({})).await;
    match visitor.then(told, done, &here(&id))? {
        Some(response) => Ok(response),
        None => shown(visitor, &id, &Look::default(), Said::default()).await,
    }
}

fn here(id: &str) -> String {
    format!("/console/endpoints/{}", encoded(id))
}

/// Sends an example at once.
pub(crate) async fn test(mut visitor: Visitor, Path(id): Path<String>, form: Fields) -> Shown {
    let mut said = Said::default();
    match visitor.api.post(at(&["endpoints", &id, "test"]), form.key(), &json!({})).await {
        Ok(tested) => said.tested = Some(tested),
        Err(problem) => visitor.frame.problem = Some(problem),
    }
    shown(visitor, &id, &Look::default(), said).await
}

/// Another secret, shown here and nowhere else.
pub(crate) async fn rotate(mut visitor: Visitor, Path(id): Path<String>, form: Fields) -> Shown {
    let mut said = Said::default();
    match visitor.api.post::<EndpointSecretView>(at(&["endpoints", &id, "secrets"]), form.key(), &json!({})).await {
        Ok(made) => said.secret = made.secret,
        Err(problem) => visitor.frame.problem = Some(problem),
    }
    shown(visitor, &id, &Look::default(), said).await
}

/// What was sent is sent again: since a time, after a position, or all of one order.
pub(crate) async fn replay(mut visitor: Visitor, Path(id): Path<String>, form: Fields) -> Shown {
    let body = form.object(&["position", "from", "order_id"]);
    let told = visitor.api.post::<Value>(at(&["endpoints", &id, "replays"]), form.key(), &Value::Object(body)).await;
    match visitor.then(told, "endpoint-replayed", &here(&id))? {
        Some(response) => Ok(response),
        None => shown(visitor, &id, &Look::default(), Said::default()).await,
    }
}

/// One that was given up is sent again.
pub(crate) async fn resend(mut visitor: Visitor, Path((id, event_id)): Path<(String, String)>, form: Fields) -> Shown {
    let told = visitor.api.post::<Value>(at(&["endpoints", &id, "dead-letters", &event_id, "resend"]), form.key(), &json!({})).await;
    match visitor.then(told, "retried", &here(&id))? {
        Some(response) => Ok(response),
        None => shown(visitor, &id, &Look::default(), Said::default()).await,
    }
}
