//! The pickup counter: who comes for what, with which code.

use askama::Template;
use axum::extract::Path;
use oms_api::{facility::FacilityBody, fulfillment::FulfillmentOrderSummary, page::Page};
use serde_json::Value;

use super::order_actions::said;
use crate::{
    api::{at, encoded, with_query},
    form::Fields,
    frame::{Frame, Shown},
    visitor::{self, Visitor},
};

#[derive(Template)]
#[template(path = "pickup.html")]
struct Pickup<'a> {
    f: &'a Frame,
    facility: FacilityBody,
    rows: Vec<FulfillmentOrderSummary>,
}

pub(crate) async fn page(visitor: Visitor, Path(facility_id): Path<String>) -> Shown {
    shown(visitor, &facility_id).await
}

async fn shown(mut visitor: Visitor, facility_id: &str) -> Shown {
    let facility = visitor.in_zone_of(facility_id).await?;
    let query = [("facility_id", facility_id), ("status", "ready_for_pickup"), ("expand", "fulfillment_order"), ("limit", "50")];
    let page: Page<FulfillmentOrderSummary> = visitor.need(with_query(&at(&["fulfillment-orders"]), &query)).await?;
    visitor::page(&visitor, &Pickup { f: &visitor.frame, facility, rows: page.items })
}

pub(crate) async fn act(mut visitor: Visitor, Path((facility_id, part, action)): Path<(String, String, String)>, form: Fields) -> Shown {
    let told = visitor.api.post::<Value>(at(&["fulfillment-orders", &part, &action]), form.key(), &said(&action, &form)).await;
    match visitor.then(
        told,
        if action == "handover" { "handed-over" } else { "acted" },
        &format!("/console/pickup/{}", encoded(&facility_id)),
    )? {
        Some(response) => Ok(response),
        None => shown(visitor, &facility_id).await,
    }
}
