//! What only a person can put right, whatever it is: whose it is, since when, and the one thing that settles it.

use askama::Template;
use axum::extract::{Path, Query};
use oms_api::{
    exception::{ExceptionView, ExceptionsView},
    feed::FeedView,
    inbox::DeadLetterView,
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

/// Runs among which parked ones are looked for.
const FEEDS_LOOKED_AT: &str = "200";

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Whose {
    owner: String,
}

#[derive(Template)]
#[template(path = "inbox.html")]
struct Inbox<'a> {
    f: &'a Frame,
    owner: String,
    /// Of whom there is something, with how much.
    owners: Vec<(String, usize)>,
    items: Vec<ExceptionView>,
    has_more: bool,
    feeds: Vec<FeedView>,
    letters: Vec<DeadLetterView>,
}

impl Inbox<'_> {
    /// How the API names something that needs someone.
    fn attention_id(&self, item: &ExceptionView) -> String {
        encoded(&format!("{}:{}", item.order_id, item.subject))
    }

    fn can(&self, feed: &FeedView, word: &str) -> bool {
        feed.legal_actions.iter().any(|known| known == word)
    }
}

pub(crate) async fn page(visitor: Visitor, Query(Whose { owner }): Query<Whose>) -> Shown {
    shown(visitor, owner).await
}

async fn shown(visitor: Visitor, owner: String) -> Shown {
    let found: ExceptionsView = visitor.need(at(&["exceptions"])).await?;
    let feeds: Option<Page<FeedView>> = visitor.see("read_feeds", with_query(&at(&["feeds"]), &[("limit", FEEDS_LOOKED_AT)])).await?;
    let feeds = feeds.map(|page| page.items).unwrap_or_default().into_iter().filter(|feed| feed.status == "parked").collect();
    let letters: Option<Page<DeadLetterView>> = visitor.see("handle_dead_letters", at(&["inbox", "dead-letters"])).await?;
    let letters = letters.map(|page| page.items).unwrap_or_default();
    let mut owners: Vec<(String, usize)> = Vec::new();
    for item in &found.items {
        match owners.iter_mut().find(|(known, _)| *known == item.owner) {
            Some((_, count)) => *count += 1,
            None => owners.push((item.owner.clone(), 1)),
        }
    }
    let items = found.items.into_iter().filter(|item| owner.is_empty() || item.owner == owner).collect();
    visitor::page(&visitor, &Inbox { f: &visitor.frame, owner, owners, items, has_more: found.has_more, feeds, letters })
}

/// The inbox again, after something was settled in it.
async fn back(mut visitor: Visitor, told: crate::api::Told<Value>, done: &str) -> Shown {
    match visitor.then(told, done, "/console/inbox")? {
        Some(response) => Ok(response),
        None => shown(visitor, String::new()).await,
    }
}

pub(crate) async fn retry(visitor: Visitor, Path(id): Path<String>, form: Fields) -> Shown {
    let told = visitor.api.post::<Value>(at(&["attention", &id, "retry"]), form.key(), &json!({})).await;
    back(visitor, told, "retried").await
}

pub(crate) async fn retry_letter(visitor: Visitor, Path(id): Path<String>, form: Fields) -> Shown {
    let told = visitor.api.post::<Value>(at(&["inbox", "dead-letters", &id, "retry"]), form.key(), &json!({})).await;
    back(visitor, told, "retried").await
}

/// A parked feed is applied, or nothing of it is.
pub(crate) async fn decide_feed(visitor: Visitor, Path((id, word)): Path<(String, String)>, form: Fields) -> Shown {
    let word = if word == "approve" { "approve" } else { "reject" };
    let told = visitor.api.post::<Value>(at(&["feeds", &id, word]), form.key(), &json!({})).await;
    back(visitor, told, if word == "approve" { "approved" } else { "declined" }).await
}
