//! What a command leads to: events, or a refusal that changes nothing.

mod advance;
mod answers;
mod asking;
mod authorizations;
mod cancellation;
mod changes;
mod claims;
mod credit;
mod decisions;
mod facts;
mod fulfillment;
mod gateway;
mod holds;
mod legal;
mod money;
mod moving;
mod parcels;
mod pickup;
mod possible;
mod reallocating;
mod refunds;
mod resolving;
mod retry;
mod returns;
mod screening;
mod size;
mod sourcing;
mod time;

use jiff::Timestamp;

pub(super) use self::money::renews;
pub use self::{
    possible::{AskedAction, Possible},
    size::ORDER_MAX_BYTES,
};

use super::{Answer, Command, Event, Fact, Order, RULES, Request};
use crate::{
    error::{ErrorCode, Rejection},
    taken::{Decided, TakenCommand, body_hash},
};

/// What `command` leads to at `at` (business time), including everything that then follows by itself: approval, release, captures, the
/// end. No events is an answer too: nothing changes. So it is for every command that has led to events before and is told again: people's
/// are known by their ids, answers by what was asked, facts by their own ids, and a tick by what is due.
pub fn decide(order: &Order, command: &Command, at: Timestamp) -> Result<Decided<Order, Event>, Rejection> {
    let mut draft = Draft { order: order.clone(), events: Vec::new(), at };
    match command {
        Command::Place => draft.place(),
        Command::Request { command_id, request } => draft.taken(command_id, request)?,
        Command::Answer(answer) => draft.answered(answer),
        Command::Fact(Fact::StockArrived { grants, offers }) => draft.stock_arrived(grants, offers),
        Command::Fact(Fact::StockShorted { shorts }) => draft.stock_shorted(shorts),
        Command::Fact(Fact::Carrier(report)) => draft.carrier_reported(report),
        Command::Fact(Fact::Gateway(report)) => draft.gateway_reported(report),
        Command::Tick => draft.time_passed(),
    }
    // What follows from nothing is nothing.
    if !draft.events.is_empty() {
        draft.advance();
        if let Command::Request { command_id, request } = command {
            draft.keep(command_id, request);
        }
    }
    Ok(Decided { state: draft.order, events: draft.events })
}

/// An order as it becomes, with the events that make it so.
#[derive(Clone)]
struct Draft {
    order: Order,
    events: Vec<Event>,
    at: Timestamp,
}

impl Draft {
    fn emit(&mut self, event: Event) {
        self.order.evolve(&event, self.at);
        self.events.push(event);
    }

    /// Done before, under this id; or done now.
    fn taken(&mut self, command_id: &str, request: &Request) -> Result<(), Rejection> {
        if self.order.commands.knows(command_id, request)? {
            return Ok(());
        }
        self.request(request)?;
        self.refuse_too_large(request)
    }

    fn keep(&mut self, command_id: &str, request: &Request) {
        let (command_id, body_hash, version) = (command_id.to_owned(), body_hash(request), self.order.version);
        self.order.commands.keep(TakenCommand { command_id, body_hash, version });
    }

    fn answered(&mut self, answer: &Answer) {
        match answer {
            Answer::Sourced(answer) => self.sourced(answer),
            Answer::Payment { payment_id, number, outcome } => self.paid(payment_id, *number, outcome),
            Answer::Label { parcel_id, attempt, outcome } => self.labelled(parcel_id, *attempt, outcome),
            Answer::Screened { verdict } => self.screened(*verdict, false),
            Answer::LabelVoided { parcel_id } => self.label_voided(parcel_id),
            Answer::GaveUp { effect, attempt, why } => self.gave_up(effect, *attempt, why),
        }
    }

    fn place(&mut self) {
        if self.order.version > 0 {
            return;
        }
        let core = &self.order.core;
        let (lines, units, total_minor) = (core.lines.len(), core.units(), core.total_minor());
        let placed = Event::OrderPlaced { lines, units, total_minor, rules: RULES };
        self.emit(placed);
        self.emit(Event::SourcingAsked { round: 1, reallocation: None });
        self.take_over();
        self.await_goods();
        self.review_addresses();
    }

    fn request(&mut self, request: &Request) -> Result<(), Rejection> {
        if self.order.status.is_final() && !self.outlives(request) {
            return Err(self.closed());
        }
        match request {
            Request::Cancel { cancellation_id, reason, lines } => self.cancel(cancellation_id, reason, lines.as_ref()),
            Request::Change { change_id, reason, changes, at_version } => self.change(change_id, reason, changes, *at_version),
            Request::CancelChange { change_id } => self.cancel_change(change_id),
            Request::PlaceHold { hold_id, reason, expires_at } => self.place_hold(hold_id, *reason, *expires_at),
            Request::ReleaseHold { hold_id } => self.release_hold(hold_id),
            Request::Fulfillment { fulfillment_order_id, action } => {
                let legal = self.order.fulfillment_order(fulfillment_order_id).map(|found| self.order.legal_actions(found));
                self.fulfill(fulfillment_order_id, action).map_err(|refusal| refusal.offering(&legal.unwrap_or_default()))
            }
            Request::Decide { decision_id, choice } => self.decide_for(decision_id, *choice),
            Request::Refund { refund_id, amount_minor, reason, lines, of } => {
                self.ask_refund(refund_id, *amount_minor, lines.as_ref(), reason, *of)
            }
            Request::OpenClaim { claim_id, lines, reason } => self.open_claim(claim_id, lines, reason),
            Request::ApproveClaim { claim_id } => self.approve_claim(claim_id),
            Request::DeclineClaim { claim_id, reason } => self.decline_claim(claim_id, reason),
            Request::Reallocate(asked) => self.reallocate(asked),
            Request::OpenReturn { return_id, lines, credit } => self.open_return(return_id, lines, credit.as_ref()),
            Request::SettleReturn { return_id, lines } => self.settle_return(return_id, lines),
            Request::ReleaseCredit { return_id, number, amount_minor } => self.release_credit(return_id, *number, *amount_minor),
            Request::SettleCredit { return_id, amount_minor } => self.settle_credit(return_id, *amount_minor),
            Request::ResolveParcel { parcel_id, resolution } => self.resolve_parcel(parcel_id, *resolution),
            Request::AddPayment { payment } => self.add_payment(payment),
            Request::ResolveLabel { parcel_id, outcome, reason } => self.resolve_label(parcel_id, *outcome, reason),
            Request::ResolvePayment { payment_id, number, finding, reason } => self.resolve_payment(payment_id, *number, finding, reason),
            Request::ExtendDeadline { wait, subject, until } => self.extend(*wait, subject, *until),
            Request::Retry { subject } => self.retry(subject),
        }
    }

    /// Money is given back after the end too; and a cancellation or change that was answered is answered the same for ever.
    fn outlives(&self, request: &Request) -> bool {
        match request {
            Request::Cancel { cancellation_id, .. } => {
                self.order.cancellations.iter().any(|known| known.cancellation_id == *cancellation_id)
            }
            Request::Change { change_id, .. } | Request::CancelChange { change_id } => self.order.knows_change(change_id),
            Request::Refund { .. } | Request::Retry { .. } | Request::ExtendDeadline { .. } | Request::ResolvePayment { .. } => true,
            Request::OpenReturn { .. } | Request::SettleReturn { .. } | Request::ResolveLabel { .. } => true,
            Request::ReleaseCredit { .. } | Request::SettleCredit { .. } => true,
            Request::OpenClaim { .. } | Request::ApproveClaim { .. } | Request::DeclineClaim { .. } => true,
            Request::PlaceHold { .. } | Request::ReleaseHold { .. } | Request::Fulfillment { .. } => false,
            Request::ResolveParcel { .. } | Request::AddPayment { .. } | Request::Decide { .. } => false,
            Request::Reallocate(_) => false,
        }
    }

    fn closed(&self) -> Rejection {
        let left = if self.order.status.came_to_nothing() { "a refund of what was paid" } else { "a return, a refund or a claim" };
        Rejection {
            code: ErrorCode::OrderClosed,
            message: format!("nothing more can be done with it but {left}"),
            status: Some(self.order.status.name().to_owned()),
            legal_actions: Vec::new(),
            parts: Vec::new(),
        }
    }

    /// A person must look at this; the same is not said again.
    fn attend(&mut self, subject: &str, why: &str) {
        if !self.order.attention.iter().any(|known| known.subject == subject && known.why == why) {
            self.emit(Event::AttentionRaised { subject: subject.to_owned(), why: why.to_owned(), wait: None, event_id: None });
        }
    }

    /// What needed attention has gone on.
    fn settle(&mut self, subject: &str) {
        if self.order.attention.iter().any(|known| known.subject == subject && known.wait.is_none()) {
            self.emit(Event::AttentionResolved { subject: subject.to_owned(), wait: None });
        }
    }
}
