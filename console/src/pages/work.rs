//! The queue of a facility, and waves out of it.

use askama::Template;
use axum::{
    extract::{Path, Query},
    response::{IntoResponse, Redirect},
};
use oms_api::{
    facility::FacilityBody,
    fulfillment::{FulfillmentOrderSummary, FulfillmentOrderView, PicklistView, QueueCountView, QueueView},
    page::Page,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{find::all_facilities, order_actions::said};
use crate::{
    api::{at, encoded, with_query},
    form::{Fields, number},
    frame::{Frame, Shown},
    visitor::{self, Visitor},
};

#[derive(Template)]
#[template(path = "work.html")]
struct Places<'a> {
    f: &'a Frame,
    facilities: Vec<FacilityBody>,
}

/// Which facility: who works at one is led there.
pub(crate) async fn places(visitor: Visitor) -> Shown {
    let facilities = all_facilities(&visitor).await?;
    if let [only] = facilities.as_slice() {
        return Ok(Redirect::to(&format!("/console/work/{}", only.facility_id)).into_response());
    }
    visitor::page(&visitor, &Places { f: &visitor.frame, facilities })
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Tab {
    status: String,
    /// What they have begun themselves, in place of everybody's.
    mine: String,
    cursor: String,
}

#[derive(Template)]
#[template(path = "queue.html")]
struct Queue<'a> {
    f: &'a Frame,
    facility: FacilityBody,
    counts: Vec<QueueCountView>,
    tab: String,
    is_mine: bool,
    rows: Vec<FulfillmentOrderSummary>,
    next: Option<String>,
}

impl Queue<'_> {
    fn topics(&self) -> String {
        format!("queue:{}", self.facility.facility_id)
    }

    fn waiting(&self) -> u64 {
        self.counts.iter().find(|count| count.status == "released").map_or(0, |count| count.count)
    }

    fn units(&self, part: &FulfillmentOrderView) -> u32 {
        part.lines.iter().map(|line| line.quantity).sum()
    }

    /// What somebody waits for the facility to say.
    fn asked(&self, part: &FulfillmentOrderView) -> bool {
        !part.cancellation_requested.is_empty() || part.change_requested.as_ref().is_some_and(|asked| !asked.agreed)
    }

    fn can(&self, part: &FulfillmentOrderView, word: &str) -> bool {
        part.legal_actions.iter().any(|known| known == word)
    }
}

pub(crate) async fn queue(visitor: Visitor, Path(facility_id): Path<String>, Query(tab): Query<Tab>) -> Shown {
    shown(visitor, &facility_id, tab).await
}

async fn shown(mut visitor: Visitor, facility_id: &str, tab: Tab) -> Shown {
    let facility = visitor.in_zone_of(facility_id).await?;
    let counts: QueueView = visitor.need(at(&["facilities", facility_id, "queue"])).await?;
    let known = |status: &str| counts.items.iter().any(|count| count.status == status);
    let status = if known(&tab.status) { tab.status } else { "released".to_owned() };
    let is_mine = tab.mine == "true";
    let picker = if is_mine { visitor.frame.id() } else { "" };
    let query = [
        ("facility_id", facility_id),
        ("status", &status),
        ("picker", picker),
        ("expand", "fulfillment_order"),
        ("limit", "50"),
        ("cursor", &tab.cursor),
    ];
    let page: Page<FulfillmentOrderSummary> = visitor.need(with_query(&at(&["fulfillment-orders"]), &query)).await?;
    let mut rows = page.items;
    // What a facility is asked comes before what it has to do.
    rows.sort_by_key(|row| {
        !row.fulfillment_order.as_ref().is_some_and(|part| !part.cancellation_requested.is_empty() || part.change_requested.is_some())
    });
    let further = |cursor: String| {
        with_query(&format!("/console/work/{}", encoded(facility_id)), &[("status", &status), ("mine", &tab.mine), ("cursor", &cursor)])
    };
    let next = page.next_cursor.map(further);
    visitor::page(&visitor, &Queue { f: &visitor.frame, facility, counts: counts.items, tab: status, is_mine, rows, next })
}

/// A wave: the next few are begun, by whoever asks.
pub(crate) async fn wave(mut visitor: Visitor, Path(facility_id): Path<String>, form: Fields) -> Shown {
    let body = json!({"facility_id": facility_id, "at_most": number(form.get("at_most")), "picker": visitor.frame.id()});
    let told = visitor.api.post::<PicklistView>(at(&["picklists"]), form.key(), &body).await;
    let page = match &told {
        Ok(list) if list.results.iter().any(|result| result.picking) => format!("/console/pick/{}", list.picklist_id),
        Ok(_) | Err(_) => format!("/console/work/{}", encoded(&facility_id)),
    };
    match visitor.then(told, "wave", &page)? {
        Some(response) => Ok(response),
        None => shown(visitor, &facility_id, Tab::default()).await,
    }
}

/// Something that is done to one of them from the queue.
pub(crate) async fn act(mut visitor: Visitor, Path((facility_id, part, action)): Path<(String, String, String)>, form: Fields) -> Shown {
    let told = visitor.api.post::<Value>(at(&["fulfillment-orders", &part, &action]), form.key(), &said(&action, &form)).await;
    let tab = form.get("status").to_owned();
    match visitor.then(told, "acted", &with_query(&format!("/console/work/{}", encoded(&facility_id)), &[("status", &tab)]))? {
        Some(response) => Ok(response),
        None => shown(visitor, &facility_id, Tab { status: tab, ..Tab::default() }).await,
    }
}
