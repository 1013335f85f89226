//! A change of an order: looked at first, with what it would do to stock, promise and money, and who must agree; then asked for.

use askama::Template;
use axum::{
    extract::Path,
    http::{HeaderName, Method, header},
};
use oms_api::{change::ChangePreviewView, order::OrderView};
use serde_json::{Map, Value, json};

use super::new_order::{Row, fill, minor};
use crate::{
    api::{Told, at, encoded, with_query},
    form::{Fields, number, object},
    frame::{Frame, Shown},
    visitor::{self, Visitor},
};

const ADDRESS: [&str; 8] = ["name", "line1", "line2", "city", "region", "postal_code", "country", "phone"];

#[derive(Template)]
#[template(path = "change_order.html")]
struct ChangeOrder<'a> {
    f: &'a Frame,
    o: OrderView,
    currency: String,
    form: Fields,
    key: String,
    added: Row,
    preview: Option<ChangePreviewView>,
}

impl ChangeOrder<'_> {
    /// What stands in the field: as somebody has just typed it, else as it is.
    fn quantity(&self, line_id: &str, now: u64) -> String {
        self.form.said(&format!("units-{line_id}")).map_or_else(|| now.to_string(), str::to_owned)
    }

    fn said(&self, name: &str) -> &str {
        self.form.get(name)
    }

    fn address(&self, name: &str) -> String {
        if !self.form.get("reason").is_empty() {
            return self.form.get(name).to_owned();
        }
        let to = self.o.heading.ship_to.as_ref().and_then(|to| serde_json::to_value(to).ok());
        to.and_then(|to| to.get(name)?.as_str().map(str::to_owned)).unwrap_or_default()
    }

    /// Units of a line that are still ordered.
    fn ordered(&self, line: &oms_api::order::LineView) -> u64 {
        line.units.ordered.saturating_sub(line.units.cancelled)
    }
}

pub(crate) async fn page(visitor: Visitor, Path(id): Path<String>) -> Shown {
    let o: OrderView = visitor.need(at(&["orders", &id])).await?;
    shown(&visitor, o, Fields::default(), Row::default(), None)
}

fn shown(visitor: &Visitor, o: OrderView, form: Fields, added: Row, preview: Option<ChangePreviewView>) -> Shown {
    let (currency, key) = (o.heading.currency.clone(), form.said("key").map_or_else(|| visitor.frame.key(), str::to_owned));
    visitor::page(visitor, &ChangeOrder { f: &visitor.frame, o, currency, form, key, added, preview })
}

/// Looks at it, or asks for it: against the version that was looked at.
pub(crate) async fn send(mut visitor: Visitor, Path(id): Path<String>, form: Fields) -> Shown {
    let o: OrderView = visitor.need(at(&["orders", &id])).await?;
    let mut added = Row {
        sku: form.get("sku").to_owned(),
        quantity: form.get("quantity").to_owned(),
        price: form.get("price").to_owned(),
        ..Row::default()
    };
    if !added.sku.is_empty() {
        fill(&visitor, &mut added, &o.heading.currency).await;
    }
    let body = json!({"reason": form.get("reason"), "changes": changes(&o, &form, &added)});
    let path = at(&["orders", &id, "changes"]);
    if form.get("step") == "confirm" {
        let (key, version) = ((HeaderName::from_static("idempotency-key"), form.key()), (header::IF_MATCH, form.get("version")));
        let told: Told<Value> = visitor.api.write(Method::POST, &path, &[key, version], &body).await;
        let done = if told.as_ref().is_ok_and(|answer| answer["status"] == "requested") { "change-requested" } else { "changed" };
        if let Some(response) = visitor.then(told, done, &format!("/console/orders/{}", encoded(&id)))? {
            return Ok(response);
        }
        return shown(&visitor, o, form, added, None);
    }
    let told: Told<ChangePreviewView> = visitor.api.post(with_query(&path, &[("dry_run", "true")]), &visitor.frame.key(), &body).await;
    match told {
        Ok(preview) => shown(&visitor, o, form, added, Some(preview)),
        Err(problem) => {
            visitor.frame.problem = Some(problem);
            shown(&visitor, o, form, added, None)
        }
    }
}

/// What is otherwise than it was.
fn changes(o: &OrderView, form: &Fields, added: &Row) -> Vec<Value> {
    let mut changes: Vec<Value> = o.lines.iter().filter_map(|line| quantity(line, form)).collect();
    if !added.sku.is_empty() {
        let line_id = format!("{}", o.lines.len() + 1);
        let price = minor(&added.price, &o.heading.currency);
        let line = [
            ("line_id", line_id.into()),
            ("sku", added.sku.clone().into()),
            ("quantity", number(&added.quantity)),
            ("unit_price_minor", price),
        ];
        changes.push(json!({"change": "add", "line": object(&line)}));
    }
    let (now, wanted): (Map<String, Value>, _) = (address(o), form.object(&ADDRESS));
    if !wanted.is_empty() && now != wanted {
        changes.push(json!({"change": "address", "ship_to": wanted}));
    }
    changes
}

/// The address as the form has it.
fn address(o: &OrderView) -> Map<String, Value> {
    let to = o.heading.ship_to.as_ref().and_then(|to| serde_json::to_value(to).ok()).unwrap_or_default();
    ADDRESS.iter().filter_map(|name| Some(((*name).to_owned(), to.get(*name)?.clone()))).collect()
}

fn quantity(line: &oms_api::order::LineView, form: &Fields) -> Option<Value> {
    let line_id = &line.line.line_id;
    let said = form.said(&format!("units-{line_id}"))?;
    let now = i64::try_from(line.units.ordered.saturating_sub(line.units.cancelled)).unwrap_or(i64::MAX);
    match said.parse::<i64>() {
        Ok(wanted) if wanted == now => None,
        Ok(0) => Some(json!({"change": "remove", "line_id": line_id})),
        Ok(wanted) if wanted > now => Some(json!({"change": "increase", "line_id": line_id, "quantity": wanted - now})),
        Ok(wanted) => Some(json!({"change": "decrease", "line_id": line_id, "quantity": now - wanted})),
        Err(_) => Some(json!({"change": "increase", "line_id": line_id, "quantity": said})),
    }
}
