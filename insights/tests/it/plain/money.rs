//! Plain counts of money.

use jiff::Timestamp;
use oms_domain::{
    ids::{PaymentId, RefundId, ReturnId},
    order::Event,
    payment::{OperationKind, OperationOutcome},
};

use super::{
    Counted,
    history::{ended_at, left, parts},
};
use crate::month::Told;

pub fn is_captured(event: &Event) -> bool {
    succeeded(event, OperationKind::Capture).is_some()
}

/// So much of an operation that was answered, and went well.
fn succeeded(event: &Event, wanted: OperationKind) -> Option<i64> {
    match event {
        Event::PaymentAnswered { kind, amount_minor, outcome: OperationOutcome::Succeeded { .. }, .. } if *kind == wanted => {
            Some(*amount_minor)
        }
        _ => None,
    }
}

/// Each event that is worth something.
fn worth(told: &Told, of: impl Fn(&Event) -> Option<i64>) -> Vec<Counted> {
    told.events.iter().filter_map(|(event, at)| Some(Counted::new(*at, of(event)?, 0))).collect()
}

fn sum(told: &Told, of: impl Fn(&Event) -> Option<i64>) -> i64 {
    worth(told, of).iter().map(|counted| counted.upper).sum()
}

pub fn shipped_value(told: &Told) -> Vec<Counted> {
    let parts = parts(told);
    left(told).into_iter().map(|one| Counted::new(one.at, one.minor, 0).at_facility(&parts[&one.id].facility_id)).collect()
}

pub fn captured(told: &Told) -> Vec<Counted> {
    worth(told, |event| succeeded(event, OperationKind::Capture))
}

pub fn refunded(told: &Told) -> Vec<Counted> {
    worth(told, |event| match event {
        Event::RefundSetOff { amount_minor, .. } | Event::CreditDue { amount_minor, .. } => Some(*amount_minor),
        event => succeeded(event, OperationKind::Refund),
    })
}

pub fn authorizations(told: &Told) -> Vec<Counted> {
    let answered = |(event, at): &(Event, Timestamp)| match event {
        Event::PaymentAnswered { kind: OperationKind::Authorize, outcome: OperationOutcome::Succeeded { .. }, .. } => {
            Some(Counted::new(*at, 1, 1))
        }
        Event::PaymentAnswered { kind: OperationKind::Authorize, outcome: OperationOutcome::Declined { .. }, .. } => {
            Some(Counted::new(*at, 0, 1))
        }
        _ => None,
    };
    told.events.iter().filter_map(answered).collect()
}

/// What gateways took, and what was set off, beyond the worth of everything that ever left.
fn ahead(told: &Told) -> i64 {
    let captured = sum(told, |event| succeeded(event, OperationKind::Capture));
    let set_off = sum(told, |event| if let Event::RefundSetOff { amount_minor, .. } = event { Some(*amount_minor) } else { None });
    let left = sum(told, |event| if let Event::FulfillmentShipped { amount_minor, .. } = event { Some(*amount_minor) } else { None });
    captured + set_off - left
}

fn balance(told: &Told, minor: i64) -> Vec<Counted> {
    if minor > 0 { vec![Counted::new(told.beginning.core.placed_at, minor, 0)] } else { vec![] }
}

pub fn captured_not_shipped(told: &Told) -> Vec<Counted> {
    balance(told, ahead(told))
}

pub fn shipped_not_captured(told: &Told) -> Vec<Counted> {
    balance(told, -ahead(told))
}

/// An order that is over, with nothing under way, whose charges are not the worth of what left.
pub fn mismatches(told: &Told) -> Vec<Counted> {
    let is_wrong = ahead(told) != 0;
    ended_at(told).filter(|_| is_wrong).map(|at| Counted::new(at, 1, 0)).into_iter().collect()
}

/// From opening the return to the last piece of its refund.
pub fn return_refunds(told: &Told) -> Vec<Counted> {
    let opened = told.events.iter().filter_map(|(event, at)| match event {
        Event::ReturnOpened { return_id, .. } => Some((return_id, *at)),
        _ => None,
    });
    let done = |(return_id, opened): (&ReturnId, Timestamp)| {
        let at = refund_done(told, return_id)?;
        Some(Counted::new(at, 1, at.as_millisecond() - opened.as_millisecond()))
    };
    opened.filter_map(done).collect()
}

fn refund_done(told: &Told, return_id: &ReturnId) -> Option<Timestamp> {
    let of_return = |id: &RefundId| id.as_str() == format!("auto.return.{}", return_id.number().unwrap());
    let (mut owed, mut asked): (Option<i64>, Vec<(&PaymentId, u32)>) = (None, Vec::new());
    for (event, at) in &told.events {
        let given = match event {
            Event::RefundAsked(refund) if of_return(&refund.refund_id) => {
                owed = Some(refund.amount_minor);
                0
            }
            Event::PaymentAsked { payment_id, number, refund_id: Some(id), .. } if of_return(id) => {
                asked.push((payment_id, *number));
                0
            }
            Event::PaymentAnswered { payment_id, number, .. } if asked.contains(&(payment_id, *number)) => {
                succeeded(event, OperationKind::Refund).unwrap_or(0)
            }
            Event::RefundSetOff { refund_id, amount_minor } | Event::CreditDue { refund_id, amount_minor, .. } if of_return(refund_id) => {
                *amount_minor
            }
            _ => 0,
        };
        owed = owed.map(|owed| owed - given);
        if owed.is_some_and(|owed| owed <= 0) {
            return Some(*at);
        }
    }
    None
}
