//! docs/lifecycle.md is printed from the tables in the code. Changed a table? `UPDATE_DOCS=1 cargo test -p oms-domain docs`.

use std::{fmt::Write as _, fs, path::Path};

use oms_domain::{
    bulk::{self, BulkAction, BulkStatus},
    error::{ErrorCode, Retry},
    feed::{self, FeedAction, FeedStatus},
    fulfillment::{FulfillmentAction, FulfillmentStatus},
    order::{ChangeAction, ChangeStatus, ClaimAction, ClaimStatus, Event, OrderAction, OrderStatus, Wait},
    parcel::{ParcelAction, ParcelStatus},
    payment::{OperationAction, OperationStatus},
    reservation::{self, ReservationAction, ReservationStatus},
    returns::{self, ReturnAction, ReturnStatus},
};

/// A machine as text: its name, its states (final or not) and its rows.
struct Machine {
    title: &'static str,
    about: &'static str,
    starts: &'static [&'static str],
    states: Vec<(&'static str, bool)>,
    actions: Vec<&'static str>,
    rows: Vec<(&'static str, &'static str, &'static str)>,
}

macro_rules! machine {
    ($title:literal, $about:literal, $State:ident, $Action:ident, $starts:expr) => {
        Machine {
            title: $title,
            about: $about,
            starts: $starts,
            states: $State::ALL.iter().map(|s| (s.name(), s.is_final())).collect(),
            actions: $Action::ALL.iter().map(|a| a.name()).collect(),
            rows: $State::TABLE.iter().map(|(from, by, to)| (from.name(), by.name(), to.name())).collect(),
        }
    };
}

fn machines() -> Vec<Machine> {
    vec![
        machine!(
            "Order",
            "Where an order stands. Everything else about it is an axis beside this one.",
            OrderStatus,
            OrderAction,
            &["created"]
        ),
        machine!(
            "Fulfillment order",
            "What one facility ships of an order by one method. A cancellation is asked for beside the state, which it does not change; \
             `delivered` is shown for a `shipped` one whose parcels have all arrived.",
            FulfillmentStatus,
            FulfillmentAction,
            &["open", "scheduled", "backordered"]
        ),
        machine!(
            "Parcel",
            "Carriers skip scans, so any forward jump is legal; what comes late or twice changes nothing.",
            ParcelStatus,
            ParcelAction,
            &["packed"]
        ),
        machine!(
            "Payment operation",
            "One operation at a gateway; an instrument has one under way at a time.",
            OperationStatus,
            OperationAction,
            &["pending"]
        ),
        machine!(
            "Reservation",
            "Reserved units. The store moves them, in the transaction that moves the stock.",
            ReservationStatus,
            ReservationAction,
            &["requested"]
        ),
        machine!(
            "Change set",
            "What a customer wants otherwise. A draft is a dry run: it shows stock, promise and money, and nothing is kept of it. One that touches nothing \
             that a facility has accepted is Confirmed at once, or refused. The others are Requested, one at a time: the facilities answer, or the \
             deadline does.",
            ChangeStatus,
            ChangeAction,
            &["requested", "confirmed"]
        ),
        machine!(
            "Claim",
            "The customer wants their money back for units that do not come back. An axis of its order, also after the order's end.",
            ClaimStatus,
            ClaimAction,
            &["opened"]
        ),
        machine!(
            "Return",
            "Goods on their way back, in a workflow of its own. Each unit that came is `accepted`, `rejected` or in `manual_review` beside it; the \
             order is told once which units are back for good, and owes their exact money.",
            ReturnStatus,
            ReturnAction,
            &["requested"]
        ),
        machine!(
            "Bulk operation",
            "One operation on many orders, in a workflow of its own. Its orders are chosen once, when it begins. It looks whether to go on after \
             each batch; what was done by then is not undone, and one order that refuses stops no other.",
            BulkStatus,
            BulkAction,
            &["running"]
        ),
        machine!(
            "Feed run",
            "Rows are applied as they come. A stock snapshot's are kept until all are there: a change beyond a set share of the units on hand \
             parks it for a person.",
            FeedStatus,
            FeedAction,
            &["running"]
        ),
    ]
}

fn section(machine: &Machine) -> String {
    let Machine { title, about, starts, states, actions, rows } = machine;
    let mut text = format!("## {title}\n\n{about}\n\n```mermaid\nstateDiagram-v2\n");
    for start in *starts {
        let _ = writeln!(text, "    [*] --> {start}");
    }
    for (from, by, to) in rows {
        let _ = writeln!(text, "    {from} --> {to}: {by}");
    }
    for (state, _) in states.iter().filter(|(_, is_final)| *is_final) {
        let _ = writeln!(text, "    {state} --> [*]");
    }
    text.push_str("```\n\nWhat has no row is refused, with the state and what is possible.\n\n");
    let used: Vec<&&str> = actions.iter().filter(|action| rows.iter().any(|row| row.1 == **action)).collect();
    let _ = writeln!(text, "| from | action | to |\n| --- | --- | --- |");
    for (state, is_final) in states {
        if *is_final {
            let _ = writeln!(text, "| {state} | | final |");
        }
        for action in &used {
            if let Some((_, _, to)) = rows.iter().find(|(from, by, _)| from == state && *by == **action) {
                let _ = writeln!(text, "| {state} | {action} | {to} |");
            }
        }
    }
    text
}

fn waits() -> String {
    let mut text = "## Waits\n\nEvery wait has a deadline, a default, and someone who can extend it.\n\n".to_owned();
    text.push_str("| wait | how long | what happens then | who extends it |\n| --- | --- | --- | --- |\n");
    let orders = Wait::TABLE.iter().map(|(_, key, lasts, default, extends)| (key, lasts, default, extends));
    let returns = returns::Wait::TABLE.iter().map(|(_, key, lasts, default, extends)| (key, lasts, default, extends));
    let bulks = bulk::Wait::TABLE.iter().map(|(_, key, lasts, default, extends)| (key, lasts, default, extends));
    let reservations = reservation::Wait::TABLE.iter().map(|(_, key, lasts, default, extends)| (key, lasts, default, extends));
    let feeds = feed::Wait::TABLE.iter().map(|(_, key, lasts, default, extends)| (key, lasts, default, extends));
    for (key, lasts, default, extends) in orders.chain(returns).chain(bulks).chain(reservations).chain(feeds) {
        let _ = writeln!(text, "| `{key}` | {lasts} | {default} | {extends} |");
    }
    text
}

fn errors() -> String {
    let mut text =
        "## Errors\n\nThe one table: what each stable code means to HTTP, to a client that could try again, and to a shell.\n\n".to_owned();
    text.push_str("| code | HTTP | again | exit | title |\n| --- | --- | --- | --- | --- |\n");
    for error in ErrorCode::ALL {
        let again = match error.retry() {
            Retry::Never => "no",
            Retry::Later => "later",
        };
        let _ = writeln!(text, "| `{}` | {} | {again} | {} | {} |", error.code(), error.http_status(), error.exit_code(), error.title());
    }
    text
}

fn events() -> String {
    let mut text = "## Events\n\nWhat an order's timeline says has happened, by `type`; what others are told of it has [types of its own](events.md):\n\n".to_owned();
    for kind in Event::KINDS {
        let _ = writeln!(text, "- `{kind}`");
    }
    text.push_str("\nAnd what a return's timeline says:\n\n");
    for kind in returns::Event::KINDS {
        let _ = writeln!(text, "- `{kind}`");
    }
    text
}

fn changes() -> String {
    "## Changes\n\nA change set is made as a whole, or not at all: the refusal names each change that cannot be made, and what can. The same set again is the \
     same answer, for ever.\n\n\
     | Change | At once | Asked of the facilities |\n| --- | --- | --- |\n\
     | more units, a new line | until the order ends | of an order that must not be split, once a facility has accepted some of it |\n\
     | fewer units, a line less, a substitute | of units that no facility has accepted and nobody has been charged for | of the others, until they ship |\n\
     | address, method (with its price, if it says so) | until a facility has accepted some of the delivery group | until some of it ships |\n\n\
     A facility that is asked goes on meanwhile, and what it ships wins. Each fulfillment order whose units would leave it, or be called back, is asked; when \
     its units go on elsewhere, whoever has them then. When the last one agrees the set is made as it would have been at once, if it still can be: what is \
     called back looks for a facility anew, labels are voided, and units that leave are put back. A refusal, the deadline, a cancellation of the whole \
     order, or anything that makes it impossible declines it, and nothing has changed. While one is asked for, another is refused.\n\n\
     Units that leave the order give up the shares that they would have cost next. What is shipped or cancelled keeps its worth, and the rest is shared anew. \
     What is owed beyond what the instruments were given to pay is put to the first card, or to the terms; without either the order waits for another \
     payment. Fulfillment orders of a delivery group that goes elsewhere or otherwise are re-issued: called back, and sourced anew under new numbers; so are \
     those of an order that must not be split, when it grows.\n"
        .to_owned()
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test's own settings, not the rules'")]
fn the_lifecycle_page_says_what_the_code_does() {
    let mut sections = vec![
        "# The lifecycle\n\nPrinted from the tables in `domain/` by its test `docs`, which fails when they differ; `UPDATE_DOCS=1 cargo test -p oms-domain docs` \
         prints it anew.\n"
            .to_owned(),
    ];
    sections.extend(machines().iter().map(section));
    sections.extend([changes(), waits(), events(), errors()]);
    let page = sections.join("\n");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/lifecycle.md");
    if std::env::var("UPDATE_DOCS").is_ok() {
        fs::write(&path, &page).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == page, "docs/lifecycle.md is not what the code says: UPDATE_DOCS=1 cargo test -p oms-domain docs");
}
