//! What must be done outside, derived from the state: so a run that starts afresh knows what is still owed.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{CoreChange, FacilityRejection, FulfillmentOrder, Lines, Order, OrderStatus, Parcel, Reallocation, is_false};
use crate::{
    fulfillment::FulfillmentStatus,
    ids::{ChangeId, FacilityId, LineId, OrderId, ParcelId, PaymentId},
    money::Currency,
    parcel::ParcelStatus,
    payment::{OperationKind, OperationStatus, operation_key},
    placed::DeliveryMethod,
};

/// One thing to be done outside. Its key is deterministic: doing it twice under the key is doing it once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    Source(SourceRequest),
    Pay(PaymentRequest),
    Screen(ScreenRequest),
    BookLabel(LabelRequest),
    /// The parcel was unpacked, or does not go after all: its label must not be used any more.
    VoidLabel(LabelRequest),
}

/// Find facilities for the open units, and reserve there, in one transaction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceRequest {
    pub order_id: OrderId,
    pub round: u32,
    /// The number of the first fulfillment order that the answer may open.
    pub first_number: u32,
    pub lines: Lines,
    /// Facilities that gave lines back.
    pub rejections: Vec<FacilityRejection>,
    /// Confirmed change sets, in their order: they say what the lines are and where they go, beside the order as placed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<ChangeId>,
    /// Where a person wants some of the lines, rather than where it is cheapest.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub wanted: BTreeMap<LineId, FacilityId>,
    /// Reserve exactly this or nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reallocation: Option<Reallocation>,
    /// Where units of the order stay that what arrives can travel with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub joinable: Vec<FacilityId>,
    /// Packages that the order has already.
    pub packages_already: u32,
    /// Units may wait rather than travel alone; after their wait they may not.
    pub may_wait_until: Timestamp,
    /// By so much before others that came when it did, the order stands in the queue for stock.
    #[serde(default, skip_serializing_if = "is_none")]
    pub head_start_ms: i64,
}

fn is_none(ms: &i64) -> bool {
    *ms == 0
}

/// Do this at the gateway, or, where sight of it was lost, ask what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PaymentRequest {
    pub order_id: OrderId,
    pub payment_id: PaymentId,
    pub number: u32,
    pub kind: OperationKind,
    pub amount_minor: i64,
    pub currency: Currency,
    pub acts_on: Option<String>,
    /// Sent before, and no answer came.
    pub ask_first: bool,
    /// An authorization that the checkout has made, by the gateway's id: looked up and bound to this order, instead of asked for anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub takes_over: Option<String>,
    /// What it acts on is there by a person's word alone: nothing is done with it before the gateway has said that it is this order's.
    #[serde(default, skip_serializing_if = "is_false")]
    pub verify_parent: bool,
    /// How much that is of, by the same word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_minor: Option<i64>,
    /// An authorization that is not the instrument's first: what its holder proved at checkout is used up.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_later: bool,
    /// When it was asked for, or lost sight of: what a gateway has forgotten since is not sent again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_at: Option<Timestamp>,
}

/// Have the order checked for fraud. What is told of it is read from the order as placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScreenRequest {
    pub order_id: OrderId,
    pub amount_minor: i64,
    pub currency: Currency,
}

impl ScreenRequest {
    /// The check is asked once an order, so the order names the question.
    pub fn key(&self) -> String {
        format!("{}:screen", self.order_id)
    }
}

/// Book a label with the carrier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabelRequest {
    pub order_id: OrderId,
    pub parcel_id: ParcelId,
    pub attempt: u32,
    pub facility_id: FacilityId,
    pub group: u16,
    pub method: DeliveryMethod,
    pub weight_g: Option<u32>,
    pub lines: Lines,
    /// Confirmed change sets, in their order: one may have brought the address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<ChangeId>,
    pub asked_at: Timestamp,
}

impl PaymentRequest {
    /// The key under which the gateway knows this operation.
    pub fn key(&self) -> String {
        operation_key(&self.order_id, &self.payment_id, self.number)
    }
}

impl LabelRequest {
    /// The key under which the request for this label is known.
    pub fn key(&self) -> String {
        format!("{}:label:{}", self.parcel_id, self.attempt)
    }
}

impl Effect {
    /// Deterministic, and different for everything that must happen by itself.
    pub fn key(&self) -> String {
        match self {
            Self::Source(source) => format!("{}:source:{}", source.order_id, source.round),
            Self::Pay(pay) if pay.ask_first => format!("{}:ask", pay.key()),
            Self::Pay(pay) => pay.key(),
            Self::Screen(screen) => screen.key(),
            Self::BookLabel(label) => label.key(),
            Self::VoidLabel(label) => format!("{}:void", label.key()),
        }
    }

    /// The effect that must have come back before, by key: what is still being made cannot be undone.
    pub fn after(&self) -> Option<String> {
        match self {
            Self::VoidLabel(label) => Some(label.key()),
            Self::Source(_) | Self::Pay(_) | Self::Screen(_) | Self::BookLabel(_) => None,
        }
    }
}

impl Order {
    /// Which attempt at an effect is made now, by its key: one more than have given up.
    pub fn attempt(&self, effect: &str) -> u32 {
        self.gave_up.get(effect).map_or(0, |known| known.times).saturating_add(1)
    }

    /// Everything that is asked for and not answered, in a fixed order; not what gave up, until it is tried again.
    pub fn pending_effects(&self) -> Vec<Effect> {
        let mut effects = self.owed_effects();
        if !self.attention.is_empty() {
            effects.retain(|effect| self.attention.iter().all(|known| known.wait.is_some() || known.subject != effect.key()));
        }
        effects
    }

    /// Something is asked for and not answered, given up or not.
    pub(super) fn has_effects(&self) -> bool {
        !self.owed_effects().is_empty()
    }

    pub(super) fn owed_effects(&self) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.sourcing.asked > self.sourcing.answered {
            effects.push(Effect::Source(self.source_request()));
        }
        effects.extend(self.payment_requests().map(Effect::Pay));
        effects.extend(self.screen_request().map(Effect::Screen));
        effects.extend(self.label_requests().map(Effect::BookLabel));
        effects.extend(self.labels_to_void().into_iter().map(Effect::VoidLabel));
        effects
    }

    fn wanted(&self) -> BTreeMap<LineId, FacilityId> {
        let incomplete = self.fulfillment_orders.iter().filter(|f| f.status == FulfillmentStatus::Incomplete);
        let of = |f: &FulfillmentOrder| Some((f.wanted_facility_id.clone()?, f.lines.clone()));
        let wanted = incomplete.filter_map(of).flat_map(|(facility, lines)| lines.into_keys().map(move |id| (id, facility.clone())));
        wanted.collect()
    }

    fn source_request(&self) -> SourceRequest {
        let asked = self.pooled.asked.as_ref();
        let leaves = |f: &&FulfillmentOrder| asked.is_some_and(|asked| asked.leaving.get(&f.fulfillment_order_id) == Some(&f.lines));
        let live = self.fulfillment_orders.iter().filter(|f| (f.status.holds_stock() || f.status.has_left()) && !leaves(f));
        let stays = live.clone().filter(|f| asked.is_some() && f.status == FulfillmentStatus::Open);
        SourceRequest {
            order_id: self.core.order_id.clone(),
            round: self.sourcing.asked,
            first_number: self.sourcing.first_number,
            lines: asked.map_or_else(|| self.sourceable(), Reallocation::lines),
            reallocation: asked.cloned(),
            joinable: stays.filter_map(|f| f.facility_id.clone()).collect(),
            wanted: self.wanted(),
            changes: self.change_ids(),
            rejections: self.fulfillment_orders.iter().flat_map(|f| f.rejections.clone()).collect(),
            packages_already: u32::try_from(live.count()).unwrap_or(u32::MAX),
            may_wait_until: if self.is_awaited() { self.core.received_at } else { self.may_wait_until() },
            head_start_ms: self.policy.head_start_ms.get(&self.core.channel).copied().unwrap_or_default(),
        }
    }

    /// Somebody waits for these very units: a customer whose parcel was lost or who has just asked for more, or a person who has said
    /// where they go. They do not wait for company.
    fn is_awaited(&self) -> bool {
        if self.changes.iter().flat_map(|set| &set.changes).any(CoreChange::brings_units) {
            return true;
        }
        let mut incomplete = self.fulfillment_orders.iter().filter(|f| f.status == FulfillmentStatus::Incomplete);
        incomplete.any(|f| f.replaces.is_some() || f.wanted_facility_id.is_some())
    }

    fn screen_request(&self) -> Option<ScreenRequest> {
        let open = self.status == OrderStatus::Created && self.screening?.verdict.is_none();
        open.then(|| self.screen_question())
    }

    /// What the fraud check is asked, or was.
    pub(super) fn screen_question(&self) -> ScreenRequest {
        let (order_id, currency) = (self.core.order_id.clone(), self.core.currency);
        ScreenRequest { order_id, amount_minor: self.core.total_minor(), currency }
    }

    fn payment_requests(&self) -> impl Iterator<Item = PaymentRequest> {
        let open = |status| match status {
            OperationStatus::Pending | OperationStatus::Unknown => true,
            OperationStatus::Succeeded | OperationStatus::Failed => false,
        };
        let operations = self.payments.iter().flat_map(|payment| payment.operations.iter().map(move |op| (payment, op)));
        operations.filter(move |(_, op)| open(op.status)).map(|(payment, op)| PaymentRequest {
            order_id: self.core.order_id.clone(),
            payment_id: payment.payment_id.clone(),
            number: op.number,
            kind: op.kind,
            amount_minor: op.amount_minor,
            currency: self.core.currency,
            acts_on: op.acts_on.clone(),
            ask_first: op.status == OperationStatus::Unknown,
            takes_over: payment.to_take_over().filter(|_| op.kind == OperationKind::Authorize).map(str::to_owned),
            verify_parent: payment.finding_acted_on(op).is_some(),
            parent_minor: payment.finding_acted_on(op).map(|found| found.amount_minor),
            is_later: op.kind == OperationKind::Authorize && payment.authorized_minor() > 0,
            asked_at: Some(op.since),
        })
    }

    fn label_requests(&self) -> impl Iterator<Item = LabelRequest> {
        self.labels(|parcel| parcel.status == ParcelStatus::LabelPending)
    }

    /// Labels that the carrier booked, or may have booked, for parcels that were unpacked or unshipped since.
    pub fn labels_to_void(&self) -> Vec<LabelRequest> {
        self.labels(|parcel| parcel.status == ParcelStatus::Voided && parcel.label_at_carrier).collect()
    }

    fn labels(&self, wanted: impl Fn(&Parcel) -> bool) -> impl Iterator<Item = LabelRequest> {
        let parcels = self.fulfillment_orders.iter().flat_map(|f| f.parcels.iter().map(move |parcel| (f, parcel)));
        parcels.filter(move |(_, parcel)| wanted(parcel)).filter_map(|(f, parcel)| {
            Some(LabelRequest {
                order_id: self.core.order_id.clone(),
                parcel_id: parcel.parcel_id.clone(),
                attempt: parcel.label_attempts,
                facility_id: f.facility_id.clone()?,
                group: f.group,
                method: self.core.groups.get(usize::from(f.group))?.method,
                weight_g: parcel.weight_g,
                lines: parcel.lines.clone(),
                changes: self.change_ids(),
                asked_at: parcel.since,
            })
        })
    }
}
