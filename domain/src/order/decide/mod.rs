//! What a command leads to: events, or a refusal that changes nothing.

mod advance;
mod answers;
mod cancellation;
mod facts;
mod fulfillment;
mod holds;
mod time;

use jiff::Timestamp;

use super::{Answer, Command, Event, Fact, Order, Request};
use crate::error::{ErrorCode, Rejection};

/// The events that `command` leads to at `at` (business time), including everything that then follows by itself:
/// approval, release, captures, the end. An empty list is an answer too: nothing changes.
pub fn decide(order: &Order, command: &Command, at: Timestamp) -> Result<Vec<Event>, Rejection> {
    let mut draft = Draft { order: order.clone(), events: Vec::new(), at };
    match command {
        Command::Place => draft.place(),
        Command::Request(request) => draft.request(request)?,
        Command::Answer(Answer::Sourced(answer)) => draft.sourced(answer),
        Command::Answer(Answer::Payment { payment_id, number, outcome }) => draft.paid(payment_id, *number, outcome),
        Command::Answer(Answer::Label { parcel_id, outcome }) => draft.labelled(parcel_id, outcome),
        Command::Answer(Answer::GaveUp { effect, why }) => draft.attend(effect, why),
        Command::Fact(Fact::StockArrived { grants }) => draft.stock_arrived(grants),
        Command::Fact(Fact::Carrier(report)) => draft.carrier_reported(report),
        Command::Tick => draft.time_passed(),
    }
    draft.advance();
    Ok(draft.events)
}

/// An order as it becomes, with the events that make it so.
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

    fn place(&mut self) {
        if self.order.version > 0 {
            return;
        }
        let core = &self.order.core;
        let placed = Event::OrderPlaced { lines: core.lines.len(), units: core.units(), total_minor: core.total_minor() };
        self.emit(placed);
        self.emit(Event::SourcingAsked { round: 1 });
    }

    fn request(&mut self, request: &Request) -> Result<(), Rejection> {
        if self.order.status.is_final() && !self.is_repeat(request) {
            return Err(self.closed());
        }
        match request {
            Request::Cancel { cancellation_id, reason, lines } => self.cancel(cancellation_id, reason, lines.as_ref()),
            Request::PlaceHold { hold_id, reason, expires_at } => self.place_hold(hold_id, *reason, *expires_at),
            Request::ReleaseHold { hold_id } => self.release_hold(hold_id),
            Request::Fulfillment { fulfillment_order_id, action } => self.fulfill(fulfillment_order_id, action),
        }
    }

    /// A cancellation that was answered is answered the same for ever, also after the end.
    fn is_repeat(&self, request: &Request) -> bool {
        match request {
            Request::Cancel { cancellation_id, .. } => {
                self.order.cancellations.iter().any(|known| known.cancellation_id == *cancellation_id)
            }
            Request::PlaceHold { .. } | Request::ReleaseHold { .. } | Request::Fulfillment { .. } => false,
        }
    }

    fn closed(&self) -> Rejection {
        Rejection {
            code: ErrorCode::OrderClosed,
            message: format!("the order is {}: nothing more can be done with it", self.order.status),
            status: Some(self.order.status.name().to_owned()),
            legal_actions: Vec::new(),
        }
    }

    /// A person must look at this; the same is not said again.
    fn attend(&mut self, subject: &str, why: &str) {
        if !self.order.attention.iter().any(|known| known.subject == subject && known.why == why) {
            self.emit(Event::AttentionRaised { subject: subject.to_owned(), why: why.to_owned(), wait: None });
        }
    }

    /// What needed attention has gone on.
    fn settle(&mut self, subject: &str) {
        if self.order.attention.iter().any(|known| known.subject == subject && known.wait.is_none()) {
            self.emit(Event::AttentionResolved { subject: subject.to_owned(), wait: None });
        }
    }
}
