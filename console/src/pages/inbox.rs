//! What only a person can put right, each with what solves it.

use askama::Template;
use axum::extract::Path;
use oms_api::{attention::AttentionItem, page::Page};
use serde_json::{Value, json};

use crate::{
    api::{at, with_query},
    form::Fields,
    frame::{Frame, Shown},
    visitor::{self, Visitor},
};

#[derive(Template)]
#[template(path = "inbox.html")]
struct Inbox<'a> {
    f: &'a Frame,
    items: Vec<AttentionItem>,
    has_more: bool,
}

pub(crate) async fn page(visitor: Visitor) -> Shown {
    let found: Page<AttentionItem> = visitor.need(with_query(&at(&["attention"]), &[("limit", "100")])).await?;
    visitor::page(&visitor, &Inbox { f: &visitor.frame, items: found.items, has_more: found.has_more })
}

pub(crate) async fn retry(mut visitor: Visitor, Path(id): Path<String>, form: Fields) -> Shown {
    let told = visitor.api.post::<Value>(at(&["attention", &id, "retry"]), form.key(), &json!({})).await;
    match visitor.then(told, "retried", "/console/inbox")? {
        Some(response) => Ok(response),
        None => page(visitor).await,
    }
}
