//! What somebody gives away by asking an order for something: money for nothing that came back, or goods for no money. It counts against
//! what they may give, and above that a second person must agree.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Command, Lines, Order, Request, Resolution, decide};
use crate::{error::Rejection, kinds::named};

named! {
    /// How it is given away.
    GivingKind {
        Refund = "refund",
        Claim = "claim",
        /// Units are sent again, at no charge.
        Replacement = "replacement",
        /// Goods go out before those that pay for them have come back.
        Exchange = "exchange",
        /// No money: one operation on many orders.
        Bulk = "bulk",
    }
}

/// Something that is given away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Giving {
    pub kind: GivingKind,
    /// What exactly, apart from the amount: the same thing has the same words, whatever it is called and why.
    pub what: String,
    pub amount_minor: i64,
}

/// What the request would give away, by the order as it is; None: nothing.
///
/// # Errors
/// As the order would refuse it.
pub fn given_away(order: &Order, command_id: &str, request: &Request, at: Timestamp) -> Result<Option<Giving>, Rejection> {
    let Some((kind, what)) = kind_of(request) else { return Ok(None) };
    let command = Command::Request { command_id: command_id.to_owned(), request: request.clone() };
    let after = decide(order, &command, at)?.state;
    let amount_minor = match request {
        Request::ResolveParcel { parcel_id, resolution: Resolution::Replace } if after != *order => {
            let parcels = order.fulfillment_orders.iter().flat_map(|part| &part.parcels);
            parcels.filter(|parcel| parcel.parcel_id == *parcel_id).map(|parcel| order.refund_share_minor(&parcel.lines)).sum()
        }
        _ => owed_back_minor(&after) - owed_back_minor(order),
    };
    Ok((amount_minor > 0).then_some(Giving { kind, what, amount_minor }))
}

fn owed_back_minor(order: &Order) -> i64 {
    order.refunds.iter().map(|refund| refund.amount_minor).sum()
}

/// Whether it is one of those that give something away.
pub fn may_give_away(request: &Request) -> bool {
    kind_of(request).is_some()
}

/// Requests that may give something away. What was cancelled and what has come back is paid for.
fn kind_of(request: &Request) -> Option<(GivingKind, String)> {
    match request {
        Request::Refund { lines, of, .. } => Some((GivingKind::Refund, format!("{} {}", of.name(), words(lines.as_ref())))),
        Request::ApproveClaim { claim_id } => Some((GivingKind::Claim, claim_id.to_string())),
        Request::ResolveParcel { parcel_id, resolution: Resolution::Replace } => Some((GivingKind::Replacement, parcel_id.to_string())),
        Request::ResolveParcel { parcel_id, resolution: Resolution::Refund } => Some((GivingKind::Refund, parcel_id.to_string())),
        _ => None,
    }
}

fn words(lines: Option<&Lines>) -> String {
    let line = |(line_id, units): (&_, &u32)| format!("{line_id}={units}");
    lines.into_iter().flatten().map(line).collect::<Vec<_>>().join(",")
}

impl Order {
    /// What goes out for these units before they have come back: their worth. None: nothing.
    pub fn given_in_advance(&self, lines: &Lines) -> Option<Giving> {
        let amount_minor = self.refund_share_minor(lines).min(self.refundable_minor());
        let giving = || Giving { kind: GivingKind::Exchange, what: words(Some(lines)), amount_minor };
        (amount_minor > 0).then(giving)
    }
}
