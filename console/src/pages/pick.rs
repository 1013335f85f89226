//! A picklist as it is walked, and what was not found.

use askama::Template;
use axum::extract::Path;
use oms_api::fulfillment::WalkView;
use oms_domain::order::RejectionReason;
use serde_json::{Value, json};

use crate::{
    api::{at, encoded},
    codes,
    form::{Fields, number},
    frame::{Frame, Shown},
    visitor::{self, Visitor},
};

#[derive(Template)]
#[template(path = "pick.html")]
struct Pick<'a> {
    f: &'a Frame,
    walk: WalkView,
    reasons: Vec<&'static str>,
    /// The list itself, for another device.
    qr: String,
}

impl Pick<'_> {
    fn is_packable(&self, status: &Option<String>) -> bool {
        status.as_deref().is_some_and(|status| ["released", "accepted", "picking"].contains(&status))
    }
}

pub(crate) async fn page(visitor: Visitor, Path(id): Path<String>) -> Shown {
    shown(visitor, &id).await
}

async fn shown(mut visitor: Visitor, id: &str) -> Shown {
    let walk: WalkView = visitor.need(at(&["picklists", id, "walk"])).await?;
    visitor.in_zone_of(&walk.picklist.facility_id).await?;
    let reasons = RejectionReason::NAMED.iter().map(|(name, _)| *name).collect();
    let qr = codes::qr(id).unwrap_or_default();
    visitor::page(&visitor, &Pick { f: &visitor.frame, walk, reasons, qr })
}

/// Fewer were found: the rest looks for another facility.
pub(crate) async fn short(mut visitor: Visitor, Path(id): Path<String>, form: Fields) -> Shown {
    let (part, line_id) = form.get("where").split_once('/').unwrap_or_default();
    let line = json!({"line_id": line_id, "quantity_short": number(form.get("quantity_short"))});
    let body = json!({"reason": form.get("reason"), "lines": [line]});
    let path = at(&["fulfillment-orders", part, "short-pick"]);
    let told = visitor.api.post::<Value>(path, form.key(), &body).await;
    match visitor.then(told, "short-picked", &format!("/console/pick/{}", encoded(&id)))? {
        Some(response) => Ok(response),
        None => shown(visitor, &id).await,
    }
}
