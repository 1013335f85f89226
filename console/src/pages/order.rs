//! One order: where its units are, what happens next, what may be done, and what has happened.

use askama::Template;
use axum::extract::Path;
use oms_api::{
    event::{AllocationView, EventView},
    fulfillment::FulfillmentOrderView,
    hold::DeadlineView,
    note::NoteView,
    order::OrderView,
    page::Page,
    possible::PossibleActionView,
};
use oms_domain::order::HoldReason;
use serde_json::Value;

use crate::{
    api::{at, with_query},
    frame::{Frame, Shown, Stop},
    visitor::{self, Visitor},
};

/// Events that a page shows: the newest ones.
const EVENTS_MAX: usize = 500;
/// What is done to a fulfillment order with nothing to say about it. Those who work at a facility do the rest there.
const PLAIN: [&str; 10] = [
    "release",
    "accept",
    "unpack",
    "unship",
    "deliver",
    "no-show",
    "accept-cancellation",
    "refuse-cancellation",
    "accept-change",
    "refuse-change",
];

/// What happened on one day.
struct Day {
    day: String,
    events: Vec<Line>,
}

/// Something that happened, in words.
struct Line {
    clock: String,
    at: String,
    what: String,
    detail: String,
    who: String,
}

#[derive(Template)]
#[template(path = "order.html")]
struct OrderPage<'a> {
    f: &'a Frame,
    o: OrderView,
    currency: String,
    actions: Vec<PossibleActionView>,
    deadlines: Vec<DeadlineView>,
    notes: Option<Vec<NoteView>>,
    days: Vec<Day>,
    holds: Vec<&'static str>,
}

impl OrderPage<'_> {
    fn topics(&self) -> String {
        format!("order:{}", self.o.heading.order_id)
    }

    fn action(&self, name: &str) -> Option<&PossibleActionView> {
        self.actions.iter().find(|known| known.action == name)
    }

    /// What the customer still owes of what it costs, as far as somebody has promised it.
    fn owed(&self) -> i64 {
        self.o.totals.total_minor - self.o.totals.captured_minor
    }

    /// What may be done to a part of it by a button alone.
    fn plain<'b>(&self, part: &'b FulfillmentOrderView) -> Vec<&'b str> {
        part.legal_actions.iter().map(String::as_str).filter(|word| PLAIN.contains(word)).collect()
    }

    fn is_open(&self, decision: &oms_api::decision::DecisionView) -> bool {
        decision.choice.is_none()
    }
}

pub(crate) async fn page(visitor: Visitor, Path(id): Path<String>) -> Shown {
    shown(&visitor, &id).await
}

/// The order as it is now, with whatever has just been refused.
pub(crate) async fn shown(visitor: &Visitor, id: &str) -> Shown {
    let o: OrderView = visitor.need(at(&["orders", id])).await?;
    let actions: Page<PossibleActionView> = visitor.need(at(&["orders", id, "actions"])).await?;
    let deadlines: Page<DeadlineView> = visitor.need(at(&["orders", id, "deadlines"])).await?;
    let notes: Option<Page<NoteView>> = visitor.see("note_orders", at(&["orders", id, "notes"])).await?;
    let events = events(visitor, id).await?;
    let f = &visitor.frame;
    let currency = o.heading.currency.clone();
    let days = days(f, events, &currency);
    let page = OrderPage {
        f,
        o,
        currency,
        actions: actions.items,
        deadlines: deadlines.items,
        notes: notes.map(|page| page.items),
        days,
        holds: HoldReason::NAMED.iter().map(|(name, _)| *name).collect(),
    };
    visitor::page(visitor, &page)
}

/// The order's events, the newest first, as many as a page shows.
async fn events(visitor: &Visitor, id: &str) -> Result<Vec<EventView>, Stop> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page: Page<EventView> =
            visitor.need(with_query(&at(&["orders", id, "events"]), &[("limit", "500"), ("cursor", &cursor)])).await?;
        all.extend(page.items);
        match page.next_cursor {
            Some(next) => cursor = next,
            None => break,
        }
        let surplus = all.len().saturating_sub(EVENTS_MAX);
        all.drain(..surplus);
    }
    all.reverse();
    all.truncate(EVENTS_MAX);
    Ok(all)
}

/// What nobody needs to read.
const QUIET: [&str; 3] = ["grants_seen", "cancellation_recorded", "books_restored"];

fn days(f: &Frame, events: Vec<EventView>, currency: &str) -> Vec<Day> {
    let mut days: Vec<Day> = Vec::new();
    for event in events.iter().filter(|event| !QUIET.contains(&event.kind.as_str())) {
        let day = f.day(&event.at);
        let line = Line {
            clock: f.clock(&event.at),
            at: event.at.to_string(),
            what: f.word("event", &event.kind),
            detail: detail(f, &event.data, currency),
            who: f.actor(&event.actor),
        };
        match days.last_mut().filter(|last| last.day == day) {
            Some(last) => last.events.push(line),
            None => days.push(Day { day, events: vec![line] }),
        }
    }
    days
}

/// What an event is about, in few words: the part, the money, the reason.
fn detail(f: &Frame, data: &Value, currency: &str) -> String {
    let text = |name: &str| data.get(name).and_then(Value::as_str).map(str::to_owned);
    let named = ["fulfillment_order_id", "parcel_id", "from", "return_id", "payment_id", "line_id"].iter().find_map(|name| text(name));
    let into = text("into").map(|into| format!("→ {into}"));
    let amount = data.get("amount_minor").and_then(Value::as_i64).map(|minor| f.money(minor, currency));
    let kind = text("kind").map(|kind| f.word("payment", &kind));
    let outcome = ["outcome", "status", "verdict", "choice", "action", "resolution"].iter().find_map(|name| text(name));
    let outcome = outcome.map(|word| f.word("parcel", &word));
    let why = ["why", "reason"].iter().find_map(|name| text(name)).map(|why| f.word("reason", &why));
    let carrier = text("carrier").map(|carrier| format!("{carrier} {}", text("tracking_number").unwrap_or_default()));
    [kind, named, into, amount, outcome, carrier, why].into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

#[derive(Template)]
#[template(path = "why.html")]
struct Why<'a> {
    f: &'a Frame,
    id: String,
    rounds: Vec<Round>,
}

/// One decision of sourcing, as it is shown.
struct Round {
    round: u32,
    at: String,
    chosen: Vec<Chosen>,
    others: Vec<Other>,
    whole: String,
}

/// A facility that ships something.
struct Chosen {
    facility_id: String,
    ships: String,
    arrives: String,
    distance_km: String,
}

/// A facility that does not, and why.
struct Other {
    facility_id: String,
    why: String,
    arrives: String,
}

/// Why this facility, and why not that one.
pub(crate) async fn why(visitor: Visitor, Path(id): Path<String>) -> Shown {
    let decisions: Page<AllocationView> = visitor.need(at(&["orders", &id, "allocation"])).await?;
    let rounds = decisions.items.into_iter().map(|decision| round(&visitor.frame, decision)).collect();
    visitor::page(&visitor, &Why { f: &visitor.frame, id, rounds })
}

fn round(f: &Frame, AllocationView { round, decided_at, decision }: AllocationView) -> Round {
    // One of each group of lines.
    let parts = decision.as_array().cloned().unwrap_or_else(|| vec![decision.clone()]);
    let all = |name: &str| parts.iter().filter_map(|part| part.get(name)?.as_array()).flatten().cloned().collect::<Vec<_>>();
    let text = |value: &Value, path: &str| value.pointer(path).map(plain).unwrap_or_default();
    let chosen = all("packages").into_iter().map(|package| Chosen {
        facility_id: text(&package, "/facility_id"),
        ships: text(&package, "/outlook/ship_date"),
        arrives: text(&package, "/outlook/delivery_date"),
        distance_km: text(&package, "/outlook/distance_km"),
    });
    let (chosen, others) = (chosen.collect(), all("not_chosen"));
    let other = |other: &Value| Other {
        facility_id: text(other, "/facility_id"),
        why: text(other, "/detail"),
        arrives: text(other, "/outlook/delivery_date"),
    };
    let others = others.iter().map(other).collect();
    let whole = serde_json::to_string_pretty(&decision).unwrap_or_default();
    Round { round, at: f.time(&decided_at), chosen, others, whole }
}

/// A value without the signs that JSON has around it.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
