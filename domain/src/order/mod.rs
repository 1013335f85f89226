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
mod follow;
mod line_state;
mod lines;
mod money;
mod published;
mod reallocation;
mod refund;
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
        Answer, CarrierReport, Command, Fact, Finding, FulfillmentRequest, Grant, LabelOutcome, PackedParcel, Request, Short,
        SourcedPackage, SourcingAnswer, WaitingPackage,
    },
    core::{CoreGroup, CoreLine, CorePayment, OrderCore},
    credit::{CREDIT, CoreExchange, Credit, SettledCredit},
    deadlines::{Deadline, Wait},
    decide::{ORDER_MAX_BYTES, decide},
    decision::{Choice, Decision},
    effects::{Effect, LabelRequest, PaymentRequest, ScreenRequest, SourceRequest},
    event::Event,
    follow::{Beginning, Unfollowed},
    line_state::LineState,
    lines::Lines,
    published::published,
    reallocation::{Pooled, Reallocation},
    refund::{Refund, RefundOf, RefundProgress},
    returned::ReturnedUnits,
    screening::{Screening, Verdict},
    shares::Share,
    status::{OrderAction, OrderStatus},
    stock::{StockFact, StockTarget},
    units::{FulfillmentProgress, Units},
};
use crate::{
    fulfillment::FulfillmentStatus,
    ids::{CancellationId, FacilityId, FulfillmentOrderId, HoldId, LineId, ParcelId},
    kinds::named,
    parcel::{ParcelStatus, same_tracking_number},
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

/// What one facility ships of the order by one method.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FulfillmentOrder {
    pub fulfillment_order_id: FulfillmentOrderId,
    /// None while Backordered.
    pub facility_id: Option<FacilityId>,
    /// Index into the core's groups: how and where it is delivered.
    #[serde(default)]
    pub group: u16,
    pub status: FulfillmentStatus,
    pub since: Timestamp,
    /// The order's version when it last changed.
    pub version: u64,
    /// Units in it now.
    pub lines: Lines,
    /// Backordered as a whole: nothing of it ships before all of it can.
    #[serde(default, skip_serializing_if = "is_false")]
    pub whole: bool,
    /// Backordered although somebody has stock: not worth a consignment of its own yet.
    #[serde(default, skip_serializing_if = "is_false")]
    pub on_purpose: bool,
    /// Backordered anew: its units have been waiting since then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_since: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fulfill_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ship_by: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parcels: Vec<Parcel>,
    /// Someone asked to ship it; it ships when every parcel has its label.
    #[serde(default, skip_serializing_if = "is_false")]
    pub ship_requested: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancellation_request: Option<CancellationRequest>,
    /// The parcel whose units it sends again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<ParcelId>,
    /// Shipped, and not with the carrier yet: what each of its lines was charged for, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub charged_minor: Vec<i64>,
    /// Of those: units that cost nothing, since others were charged that they are sent in place of.
    #[serde(default, skip_serializing_if = "Lines::is_empty")]
    pub free_lines: Lines,
    /// Incomplete: where a person wants its units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wanted_facility_id: Option<FacilityId>,
    /// For a pickup: what the customer shows, hashed under a key that the order does not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pickup_code_hash: Option<String>,
    /// Why facilities gave units of it back, the last one last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rejections: Vec<FacilityRejection>,
}

/// A facility that would not or could not ship some lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FacilityRejection {
    pub facility_id: FacilityId,
    pub reason: RejectionReason,
    pub lines: Lines,
    pub at: Timestamp,
}

named! {
    /// Why a facility gives units back; the reason decides what becomes of its stock (LIFECYCLE.md).
    RejectionReason {
        NotInStock = "not_in_stock",
        Mismatch = "mismatch",
        Damaged = "damaged",
        NoCapacity = "no_capacity",
        Other = "other",
    }
}

/// What a facility says of its stock by giving units back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StockEffect {
    /// Nothing is left but what is picked.
    ShelfIsEmpty,
    /// The units are not there; others are.
    FewerOnHand,
    /// They are there and cannot be sold.
    Unavailable,
    Nothing,
}

/// When a facility is offered units again that it gave back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OfferedAgain {
    Tomorrow,
    /// Once it was counted, or goods came.
    AfterGoodsCame,
    Never,
}

impl RejectionReason {
    pub const ALL: [Self; 5] = [Self::NotInStock, Self::Mismatch, Self::Damaged, Self::NoCapacity, Self::Other];

    pub fn stock_effect(self) -> StockEffect {
        match self {
            Self::NotInStock => StockEffect::ShelfIsEmpty,
            Self::Mismatch => StockEffect::FewerOnHand,
            Self::Damaged => StockEffect::Unavailable,
            Self::NoCapacity | Self::Other => StockEffect::Nothing,
        }
    }

    pub fn offered_again(self) -> OfferedAgain {
        match self {
            Self::NotInStock | Self::Mismatch | Self::Damaged => OfferedAgain::AfterGoodsCame,
            Self::NoCapacity => OfferedAgain::Tomorrow,
            Self::Other => OfferedAgain::Never,
        }
    }
}

/// A cancellation that only the facility can answer, since it has begun its work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancellationRequest {
    /// All that is asked for.
    pub lines: Lines,
    /// By whom: the oldest first.
    pub parts: Vec<CancellationPart>,
    pub since: Timestamp,
}

/// What one cancellation asks of a facility.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancellationPart {
    pub cancellation_id: CancellationId,
    pub lines: Lines,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parcel {
    pub parcel_id: ParcelId,
    pub status: ParcelStatus,
    pub since: Timestamp,
    pub lines: Lines,
    pub weight_g: Option<u32>,
    pub carrier: Option<String>,
    pub tracking_number: Option<String>,
    /// The carrier's time of the last event that counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported_at: Option<Timestamp>,
    /// The carrier's last events that moved it, by id: each counts once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reported: Vec<String>,
    /// Requests for a label so far.
    #[serde(default, skip_serializing_if = "line_state::is_none_of_them")]
    pub label_attempts: u32,
    /// Its label was asked of the carrier, and neither refused nor voided there.
    #[serde(default, skip_serializing_if = "is_false")]
    pub label_at_carrier: bool,
    /// What was done about its units, once it was lost or sent back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<Resolution>,
    /// No carrier said so; time did.
    #[serde(default, skip_serializing_if = "is_false")]
    pub assumed_delivered: bool,
}

/// What is done about units that did not reach their customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// They are sent again, at no charge.
    Replace,
    /// Their exact share is given back.
    Refund,
}

/// More events than a parcel meets on its way.
const REPORTED_KEPT: usize = 30;

impl Parcel {
    /// Whether the carrier means this one, however the number is written.
    pub(crate) fn has_number(&self, tracking_number: &str) -> bool {
        self.tracking_number.as_deref().is_some_and(|number| same_tracking_number(number, tracking_number))
    }

    /// Somebody said where it was then; the carrier, under the event's id.
    fn note_report(&mut self, occurred_at: Timestamp, event_id: Option<&str>) {
        self.reported_at = self.reported_at.max(Some(occurred_at));
        event_id.into_iter().for_each(|id| self.note_event(id));
    }

    /// The carrier's event counts once.
    fn note_event(&mut self, event_id: &str) {
        self.reported.push(event_id.to_owned());
        self.reported.drain(..self.reported.len().saturating_sub(REPORTED_KEPT));
    }

    /// On its way, and the carrier never said where.
    pub(crate) fn is_silent(&self) -> bool {
        self.status.is_in_transit() && self.reported_at.is_none()
    }

    /// Lost or sent back, and nothing has been done about it yet.
    pub fn is_unresolved(&self) -> bool {
        matches!(self.status, ParcelStatus::Lost | ParcelStatus::ReturnedToSender) && self.resolution.is_none()
    }
}

named! {
    /// Why an order may not go on for now.
    HoldReason {
        AwaitingPayment = "awaiting_payment",
        HighRiskOfFraud = "high_risk_of_fraud",
        IncorrectAddress = "incorrect_address",
        InventoryOutOfStock = "inventory_out_of_stock",
        AwaitingReturnItems = "awaiting_return_items",
        UnknownDeliveryDate = "unknown_delivery_date",
        Other = "other",
    }
}

/// Blocks approval and release until it is lifted or expires.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    pub hold_id: HoldId,
    pub reason: HoldReason,
    pub placed_at: Timestamp,
    /// Lifted by itself then.
    pub expires_at: Option<Timestamp>,
    /// What the order itself has found, for the person who lifts it. No personal data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

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

    /// The number that the next fulfillment order gets: never one that was used.
    pub fn next_fulfillment_order(&self) -> u32 {
        self.next_number
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

impl FulfillmentOrder {
    /// All its units.
    pub fn units(&self) -> u64 {
        self.lines.values().map(|q| u64::from(*q)).sum()
    }

    /// Its lines with their units, and which of them were charged for when they left.
    pub(crate) fn charges(&self) -> impl Iterator<Item = (&LineId, u32, Share)> {
        let free = |id: &LineId| self.free_lines.get(id).copied().unwrap_or(0);
        let charged = self.lines.iter().zip(&self.charged_minor);
        charged.map(move |((id, units), minor)| (id, *units, Share { units: units.saturating_sub(free(id)), minor: *minor }))
    }

    /// Its units but those that someone has asked to cancel.
    pub(crate) fn unasked(&self) -> Lines {
        self.cancellation_request.as_ref().map_or_else(|| self.lines.clone(), |request| lines::without(&self.lines, &request.lines))
    }

    /// Shipped, and every parcel reached its customer.
    pub fn is_delivered(&self) -> bool {
        self.status == FulfillmentStatus::Shipped
            && self.parcels.iter().all(|p| matches!(p.status, ParcelStatus::Delivered | ParcelStatus::Voided))
    }

    /// The status people see: Shipped becomes Delivered with its last parcel.
    pub fn shown_status(&self) -> &'static str {
        if self.is_delivered() { "delivered" } else { self.status.name() }
    }
}
