//! What is above somebody's limit, and waits for a second person.

use askama::Template;
use axum::extract::Path;
use oms_api::{approval::ApprovalView, page::Page};
use serde_json::{Value, json};

use crate::{
    api::{at, with_query},
    form::Fields,
    frame::{Frame, Shown},
    visitor::{self, Visitor},
};

#[derive(Template)]
#[template(path = "approvals.html")]
struct Approvals<'a> {
    f: &'a Frame,
    approvals: Vec<ApprovalView>,
}

pub(crate) async fn page(visitor: Visitor) -> Shown {
    let pending: Page<ApprovalView> = visitor.need(with_query(&at(&["approvals"]), &[("status", "pending")])).await?;
    visitor::page(&visitor, &Approvals { f: &visitor.frame, approvals: pending.items })
}

pub(crate) async fn one(visitor: Visitor, Path(id): Path<String>) -> Shown {
    let approval: ApprovalView = visitor.need(at(&["approvals", &id])).await?;
    visitor::page(&visitor, &Approvals { f: &visitor.frame, approvals: vec![approval] })
}

pub(crate) async fn decide(mut visitor: Visitor, Path((id, decision)): Path<(String, String)>, form: Fields) -> Shown {
    let word = if decision == "approve" { "approve" } else { "decline" };
    let told = visitor.api.post::<Value>(at(&["approvals", &id, word]), form.key(), &json!({})).await;
    match visitor.then(told, if word == "approve" { "approved" } else { "declined" }, "/console/approvals")? {
        Some(response) => Ok(response),
        None => page(visitor).await,
    }
}
