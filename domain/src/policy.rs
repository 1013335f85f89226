//! Every duration and limit of an order's life, in one place. Travels in the workflow's start input, so that running orders keep theirs.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::order::Choice;

macro_rules! policy {
    ($( $(#[$doc:meta])* $name:ident : $kind:ty = $default:expr; )+) => {
        /// Durations are milliseconds of business time. Absent fields take the default, and unknown ones are a newer release's.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct Policy { $( $(#[$doc])* pub $name: $kind, )+ }

        impl Default for Policy {
            fn default() -> Self { Self { $( $name: $default, )+ } }
        }
    };
}

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// What is done about units that did not arrive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnLoss {
    /// A person is asked, until a deadline.
    #[default]
    Ask,
    /// They are sent again at once.
    Replace,
    /// Their money is given back at once.
    Refund,
}

policy! {
    /// After an order was taken in, or begun if that was later: payment must be authorized, or the order expires.
    payment_deadline_ms: i64 = 2 * DAY_MS;
    /// After asking where units can come from: the answer is missed.
    sourcing_ms: i64 = HOUR_MS;
    /// After placing a hold without an expiry: someone must look at it.
    hold_review_ms: i64 = 7 * DAY_MS;
    /// After an order was taken in: nothing is released to a facility before, so that a customer may change their mind.
    remorse_ms: i64 = 0;
    /// After becoming Backordered: units that still wait for stock are cancelled.
    backorder_ms: i64 = 30 * DAY_MS;
    /// After a facility had no time for units that wait since: they are sourced again, if they were not served by then.
    no_capacity_ms: i64 = DAY_MS;
    /// After release: a facility that has not accepted needs attention.
    accept_ms: i64 = 2 * DAY_MS;
    /// After acceptance: a facility that has not packed needs attention.
    pick_ms: i64 = 2 * DAY_MS;
    /// After packing: a facility that has not shipped needs attention.
    ship_ms: i64 = 2 * DAY_MS;
    /// After a cancellation request: the facility's silence is an answer (refused if Packed, else accepted).
    cancellation_request_ms: i64 = 4 * HOUR_MS;
    /// After asking facilities to let go of units for a change set: it is declined.
    change_request_ms: i64 = 4 * HOUR_MS;
    /// After asking for a label: the parcel needs attention.
    label_ms: i64 = 4 * HOUR_MS;
    /// After shipping: a parcel of which the carrier never said a word is assumed delivered, marked so.
    assumed_delivery_ms: i64 = 21 * DAY_MS;
    /// After asking the gateway, or losing sight of an operation: its silence needs attention.
    unknown_payment_ms: i64 = DAY_MS;
    /// After asking the customer about units without stock: the default is done. 0: nobody is asked.
    decision_ms: i64 = 0;
    /// What is done about units without stock when the customer does not answer.
    decision_default: Choice = Choice::Wait;
    /// Whether orders are screened for fraud before they are approved.
    fraud_check: bool = false;
    /// After asking the fraud check: without an answer a person decides.
    screening_ms: i64 = HOUR_MS;
    /// Before an authorization expires, and not before half of its time is over: it is renewed for what will still be captured.
    renew_before_ms: i64 = DAY_MS;
    /// Whether an authorization is captured in parts, as parcels leave. If not, the rest of it is the customer's again with the first, and what
    /// is still to be shipped is authorized anew.
    captures_in_parts: bool = true;
    /// After a pickup was made ready: the customer has not come.
    pickup_window_ms: i64 = 7 * DAY_MS;
    /// After the carrier's last word of a parcel on its way: the parcel needs attention.
    transit_ms: i64 = 14 * DAY_MS;
    /// Before a parcel shipped: what was scanned earlier under its number was another parcel.
    scan_before_ms: i64 = DAY_MS;
    /// After a parcel's way has ended: what is scanned later under its number is another parcel.
    scan_after_ms: i64 = 60 * DAY_MS;
    /// What is done about a parcel that was lost or sent back.
    on_loss: OnLoss = OnLoss::Ask;
    /// After a parcel was lost or sent back, and nobody said what to do: its money is given back.
    lost_parcel_ms: i64 = 3 * DAY_MS;
    /// After an operation was refused, or an effect gave up: it is tried again.
    retry_ms: i64 = 6 * HOUR_MS;
    /// How often in a row that happens by itself; after that a person must.
    retries_max: u32 = 5;
    /// After the first of its units was delivered: a return is approved by rule; later, a person must.
    return_window_ms: i64 = 30 * DAY_MS;
    /// Whether the house sends a label for what comes back.
    return_labels: bool = true;
    /// After asking for a return that no rule approves: it is declined.
    return_approval_ms: i64 = 3 * DAY_MS;
    /// After approval: a return whose goods the carrier has not seen expires.
    return_sending_ms: i64 = 30 * DAY_MS;
    /// After the carrier took them: goods that have not come count as lost.
    return_transit_ms: i64 = 21 * DAY_MS;
    /// After the last goods came: what is missing is not waited for.
    return_rest_ms: i64 = 7 * DAY_MS;
    /// After the goods came: units nobody has judged go to manual review.
    return_inspection_ms: i64 = 3 * DAY_MS;
    /// After inspection: units in review are judged in the customer's favour.
    return_review_ms: i64 = 7 * DAY_MS;
    /// After an exchange was placed: without the goods that pay for it, what has not gone out is cancelled. Longer than a return takes.
    exchange_ms: i64 = 90 * DAY_MS;
    /// Whether an exchange goes out before its goods are back.
    exchange_in_advance: bool = false;
    /// After a claim was opened: it is declined.
    claim_ms: i64 = 7 * DAY_MS;
    /// After pausing a bulk operation that nobody resumes: it is cancelled.
    bulk_pause_ms: i64 = 7 * DAY_MS;
    /// A plan may leave units waiting rather than open a dear consignment; after this they ship at any cost.
    split_wait_ms: i64 = 2 * DAY_MS;
    /// By channel: so much earlier than they came, its orders stand in the queue for stock. Other channels have none.
    head_start_ms: BTreeMap<String, i64> = BTreeMap::new();
    /// How often units of a line that facilities give back are sourced again before they wait.
    resource_rounds_max: u32 = 5;
    /// How often an order that no facility knows of yet is moved because a pool was decided again together. 0: never.
    pool_moves_max: u32 = 5;
}

/// A policy's milliseconds as a duration.
pub fn ms(milliseconds: i64) -> SignedDuration {
    SignedDuration::from_millis(milliseconds)
}
