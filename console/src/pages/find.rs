//! The find box: what was typed or scanned, wherever it leads.

use askama::Template;
use axum::{
    extract::Query,
    response::{IntoResponse, Redirect},
};
use oms_api::{facility::FacilityBody, find::FoundView, page::Page};
use serde::Deserialize;

use crate::{
    api::{at, encoded, with_query},
    frame::{Frame, Shown, Stop},
    visitor::{self, Visitor},
};

/// Something that was found, and its page.
struct Hit {
    kind: String,
    id: String,
    order_id: Option<String>,
    facility_id: Option<String>,
    status: Option<String>,
    title: Option<String>,
    /// Whether they may read orders: of a fulfillment order they see what they work at.
    reads_orders: bool,
}

impl Hit {
    fn url(&self) -> String {
        let id = encoded(&self.id);
        let order = self.order_id.as_deref().filter(|_| self.reads_orders).map(encoded);
        match (self.kind.as_str(), order) {
            ("order", _) => format!("/console/orders/{id}"),
            ("fulfillment_order", Some(order)) => format!("/console/orders/{order}#{id}"),
            ("fulfillment_order", None) => format!("/console/pack/{id}"),
            ("return", Some(order)) => format!("/console/orders/{order}#returns"),
            ("picklist", _) => format!("/console/pick/{id}"),
            ("manifest", _) => format!("/console/print/manifest/{id}"),
            ("product", _) => format!("/console/stock/{id}"),
            ("facility", _) => format!("/console/facilities/{}", encoded(self.facility_id.as_deref().unwrap_or(&self.id))),
            (_, order) => order.map_or_else(|| "/console".to_owned(), |order| format!("/console/orders/{order}")),
        }
    }
}

#[derive(Template)]
#[template(path = "find.html")]
struct Find<'a> {
    f: &'a Frame,
    q: String,
    found: Vec<Hit>,
}

#[derive(Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    q: String,
}

pub(crate) async fn page(visitor: Visitor, Query(Asked { q }): Query<Asked>) -> Shown {
    let q = q.trim().to_owned();
    let found = if q.is_empty() { Vec::new() } else { look(&visitor, &q).await? };
    // An order is found with its parts: it is meant itself.
    let orders = found.iter().filter(|hit| hit.kind == "order").count();
    let only = if orders == 1 || found.len() == 1 { found.first() } else { None };
    if let Some(only) = only {
        return Ok(Redirect::to(&only.url()).into_response());
    }
    visitor::page(&visitor, &Find { f: &visitor.frame, q, found })
}

async fn look(visitor: &Visitor, q: &str) -> Result<Vec<Hit>, Stop> {
    let found: Page<FoundView> = visitor.need(with_query(&at(&["find"]), &[("q", q)])).await?;
    let reads_orders = visitor.frame.may("read_orders");
    let hit =
        |FoundView { kind, id, order_id, facility_id, status, title }| Hit { kind, id, order_id, facility_id, status, title, reads_orders };
    Ok(found.items.into_iter().map(hit).collect())
}

/// All facilities that they know of: as many as a page of the API has, which is more than anybody looks through.
pub(crate) async fn all_facilities(visitor: &Visitor) -> Result<Vec<FacilityBody>, Stop> {
    let page: Option<Page<FacilityBody>> = visitor.see("read_catalog", with_query(&at(&["facilities"]), &[("limit", "500")])).await?;
    Ok(page.map(|page| page.items).unwrap_or_default())
}
