//! The order: one aggregate, changed only by its own events. `decide` says what a command leads to, `evolve` what an event means.

mod change;
mod change_request;
mod claim;
mod command;
mod core;
mod credit;
mod deadlines;
mod decide;
mod decision;
mod effects;
mod event;
mod event_kind;
mod evolve;
mod exceptions;
mod follow;
mod fulfillment_order;
mod giving;
mod hold;
mod line_state;
mod lines;
mod money;
mod parcel;
mod published;
mod reallocation;
mod refund;
mod rejection;
mod returned;
mod screening;
mod shares;
mod status;
mod stock;
mod units;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::{
    change::{ConfirmedChange, CoreChange},
    change_request::{Asked, ChangeAction, ChangeRequest, ChangeStatus},
    claim::{Claim, ClaimAction, ClaimStatus},
    command::{
        Answer, CarrierReport, Command, Fact, Finding, FulfillmentRequest, Grant, LabelFinding, LabelOutcome, PackedParcel, Request, Short,
        SourcedPackage, SourcingAnswer, WaitingPackage,
    },
    core::{CoreGroup, CoreLine, CorePayment, OrderCore},
    credit::{CREDIT, CoreExchange, Credit, SettledCredit},
    deadlines::{Deadline, Wait},
    decide::{AskedAction, ORDER_MAX_BYTES, Possible, decide},
    decision::{Choice, Decision},
    effects::{Effect, LabelRequest, PaymentRequest, ScreenRequest, SourceRequest},
    event::Event,
    exceptions::{Exception, ExceptionKind, Settling},
    follow::{Beginning, Unfollowed},
    fulfillment_order::{CancellationPart, CancellationRequest, FulfillmentOrder},
    giving::{Giving, GivingKind, given_away, may_give_away},
    hold::{Hold, HoldReason},
    line_state::LineState,
    lines::Lines,
    parcel::{Parcel, Resolution},
    published::published,
    reallocation::{Pooled, Reallocation},
    refund::{Refund, RefundOf, RefundProgress},
    rejection::{FacilityRejection, OfferedAgain, RejectionReason, StockEffect},
    returned::ReturnedUnits,
    screening::{Screening, Verdict},
    shares::Share,
    status::{OrderAction, OrderStatus},
    stock::{StockFact, StockTarget},
    units::{FulfillmentProgress, Units},
};
use crate::{
    fulfillment::FulfillmentStatus,
    ids::{CancellationId, FacilityId, FulfillmentOrderId, LineId},
    payment::Payment,
    policy::Policy,
    taken::TakenCommands,
};

/// The rules that orders are begun by now. It grows with a rule that must not change for orders that are under way: the rule then asks
/// [`Order::rules`] which of its forms is theirs.
pub const RULES: u32 = 0;

/// An order in the middle of its life. Its JSON is the order document; nothing in it is personal data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    pub core: OrderCore,
    pub policy: Policy,
    pub status: OrderStatus,
    pub status_since: Timestamp,
    /// How many events it has seen; the sequence number of the last one.
    pub version: u64,
    /// [`RULES`] when it began.
    #[serde(default, skip_serializing_if = "line_state::is_none_of_them")]
    pub rules: u32,
    pub lines: BTreeMap<LineId, LineState>,
    pub fulfillment_orders: Vec<FulfillmentOrder>,
    pub payments: Vec<Payment>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<Hold>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cancellations: Vec<Cancellation>,
    /// Change sets that were confirmed, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<ConfirmedChange>,
    /// Change sets that facilities were asked about, and what became of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub change_requests: Vec<ChangeRequest>,
    /// Delivery groups that changed while a round of sourcing was under way: what it answers for them is out of date.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub outdated_groups: BTreeSet<u16>,
    /// What the customer was asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<Decision>,
    /// What a person must look at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attention: Vec<Attention>,
    /// Effects that gave up, by key, until they have come back after all or are not owed any more.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub gave_up: BTreeMap<String, GivenUp>,
    /// What was asked of it last, by the ids under which a repeat is known.
    #[serde(default, skip_serializing_if = "TakenCommands::is_empty")]
    pub commands: TakenCommands,
    pub sourcing: Sourcing,
    /// The fraud check, once it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub screening: Option<Screening>,
    #[serde(default, skip_serializing_if = "Pooled::is_nothing")]
    pub pooled: Pooled,
    /// Waits that were given more time, by [`Wait::of`]: until when.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extended: BTreeMap<String, Timestamp>,
    /// Grants, hints and shorts of stock that were taken notice of, with the version at which: messages come more than once.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub grants_seen: BTreeMap<String, u64>,
    /// The number that the next fulfillment order gets.
    pub next_number: u32,
    /// What shipped units are worth, captured or not.
    pub shipped_minor: i64,
    /// What was invoiced on terms.
    #[serde(default)]
    pub invoiced_minor: i64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refunds: Vec<Refund>,
    /// What was owed back and was set off against what was not charged yet.
    #[serde(default, skip_serializing_if = "is_no_money")]
    pub set_off_minor: i64,
    /// Units that returns speak for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub returns: Vec<ReturnedUnits>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<Claim>,
    /// For an exchange: what the return has come to that pays for it, once that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credit_settled: Option<SettledCredit>,
}

fn is_no_money(minor: &i64) -> bool {
    *minor == 0
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// What became of an effect that could not be done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenUp {
    /// How often it gave up.
    pub times: u32,
    /// It is left alone until someone, or time, says that it may be tried again.
    #[serde(default, skip_serializing_if = "is_false")]
    pub waits: bool,
}

/// Rounds of sourcing: each asks for the units that are open then, and is answered once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sourcing {
    pub asked: u32,
    pub answered: u32,
    /// The first of the [`ROUND_NUMBERS`] numbers that the last round asked for may give to fulfillment orders.
    pub first_number: u32,
    /// When the last round was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

/// How many fulfillment orders one round of sourcing may open.
pub const ROUND_NUMBERS: u32 = 10_000;

/// What became of a request to cancel, unit by unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancellation {
    pub cancellation_id: CancellationId,
    pub reason: String,
    pub at: Timestamp,
    /// As asked for; none is the whole order.
    pub asked: Option<Lines>,
    pub cancelled: Lines,
    /// With a facility that must agree.
    pub requested: Lines,
    /// Already shipped, or gone before.
    pub too_late: Lines,
}

impl Cancellation {
    /// A facility has answered for some of what is asked of it.
    fn answer(&mut self, lines: &Lines, accepted: bool) {
        self.requested = lines::without(&self.requested, lines);
        lines::add(if accepted { &mut self.cancelled } else { &mut self.too_late }, lines);
    }
}

/// Something that only a person can put right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attention {
    /// What it is about: an operation, a parcel, a fulfillment order.
    pub subject: String,
    pub why: String,
    /// The wait that is overdue, if it is one: settled by itself when the wait ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<Wait>,
    pub since: Timestamp,
}

impl Order {
    /// A new order, before its first event. `decide` with [`Command::Place`] starts its life.
    pub fn new(core: OrderCore, policy: Policy) -> Self {
        let received_at = core.received_at;
        Self {
            lines: core.line_states(),
            payments: core.payments.iter().map(CorePayment::opened).collect(),
            core,
            policy,
            status: OrderStatus::Created,
            status_since: received_at,
            version: 0,
            rules: RULES,
            fulfillment_orders: Vec::new(),
            holds: Vec::new(),
            cancellations: Vec::new(),
            changes: Vec::new(),
            change_requests: Vec::new(),
            outdated_groups: BTreeSet::new(),
            decisions: Vec::new(),
            attention: Vec::new(),
            gave_up: BTreeMap::new(),
            commands: TakenCommands::default(),
            sourcing: Sourcing::default(),
            screening: None,
            pooled: Pooled::default(),
            extended: BTreeMap::new(),
            grants_seen: BTreeMap::new(),
            next_number: 1,
            shipped_minor: 0,
            invoiced_minor: 0,
            refunds: Vec::new(),
            set_off_minor: 0,
            returns: Vec::new(),
            claims: Vec::new(),
            credit_settled: None,
        }
    }

    /// No event will follow by itself, and nothing is under way or will be tried again.
    pub fn is_closed(&self) -> bool {
        self.status.is_final() && !self.has_effects() && self.waits().is_empty()
    }

    /// The carrier's event has moved a parcel with this number before.
    fn has_heard(&self, report: &CarrierReport) -> bool {
        let of_number = |p: &&Parcel| p.has_number(&report.tracking_number);
        self.fulfillment_orders.iter().flat_map(|f| &f.parcels).filter(of_number).any(|p| p.reported.contains(&report.event_id))
    }

    pub fn fulfillment_order(&self, id: &FulfillmentOrderId) -> Option<&FulfillmentOrder> {
        self.fulfillment_orders.iter().find(|f| f.fulfillment_order_id == *id)
    }

    fn next_id(&self) -> FulfillmentOrderId {
        FulfillmentOrderId::of(&self.core.order_id, self.next_number)
    }

    /// Units that look for a facility: those in no fulfillment order, and those of Incomplete ones.
    pub fn sourceable(&self) -> Lines {
        let open = self.lines.iter().filter(|(_, line)| line.open > 0);
        let mut sourceable: Lines = open.map(|(id, line)| (id.clone(), line.open)).collect();
        for incomplete in self.fulfillment_orders.iter().filter(|f| f.status == FulfillmentStatus::Incomplete) {
            lines::add(&mut sourceable, &incomplete.lines);
        }
        sourceable
    }

    /// Facilities that ship something of it, sorted.
    pub fn facilities(&self) -> Vec<FacilityId> {
        let mut ids: Vec<FacilityId> = self.fulfillment_orders.iter().filter_map(|f| f.facility_id.clone()).collect();
        ids.sort();
        ids.dedup();
        ids
    }
}
