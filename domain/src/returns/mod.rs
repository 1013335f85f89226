//! A return: goods that come back, judged, put away and paid back. A process of its own beside its order, which it asks twice: before
//! anything, to speak for the units (so that no unit comes back twice), and at the end, for the exact money of those accepted.

mod command;
mod deadlines;
mod decide;
mod effects;
mod event;
mod evolve;
mod goods;
mod status;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::{
    command::{Answer, CarrierMove, Command, Inspected, ReceivedGoods, Request},
    deadlines::{Deadline, Wait},
    decide::decide,
    effects::{Effect, LabelRequest},
    event::Event,
    goods::{Disposition, Goods, GoodsRef, Verdict},
    status::{ReturnAction, ReturnStatus},
};
use crate::{
    error::Rejection,
    ids::{FacilityId, LineId, OrderId, ReturnId, Sku},
    order::{Credit, LabelFinding, Lines},
    policy::Policy,
    taken::TakenCommands,
};

/// Most lines a return may announce, most deliveries of goods it takes, and most kinds of goods in them.
pub const LINES_MAX: usize = 2_000;
pub const RECEIPTS_MAX: usize = 100;
pub const GOODS_MAX: usize = 2_000;

/// Under this name a person must look at what the carrier says of the goods.
const SCANS: &str = "scans";

/// A return in the middle of its life. Its JSON is the document; nothing in it is personal data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Return {
    pub core: ReturnCore,
    pub policy: Policy,
    pub status: ReturnStatus,
    pub status_since: Timestamp,
    /// How many events it has seen; the sequence number of the last one.
    pub version: u64,
    pub consent: Consent,
    /// What the order said of itself when it agreed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<Label>,
    /// What the carrier has said last of the goods on their way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scanned: Option<CarrierMove>,
    /// Ids of the deliveries of goods, each with what it brought.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub receipts: BTreeMap<String, Receipt>,
    /// What came, where, and how it was judged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub goods: Vec<Goods>,
    /// What the order pays back for the accepted units, once it has said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settlement: Option<Settlement>,
    /// How often the order was asked to try a failed refund again.
    #[serde(default)]
    pub refund_retries: u32,
    /// What only a person can put right, or time: each is tried again after a while.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attention: Vec<Attention>,
    /// How often effects gave up, by key.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub gave_up: BTreeMap<String, u32>,
    /// What was asked of it last, by the ids under which a repeat is known.
    #[serde(default, skip_serializing_if = "TakenCommands::is_empty")]
    pub commands: TakenCommands,
    /// Waits that were given more time, by [`Wait::of`]: until when.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extended: BTreeMap<String, Timestamp>,
    /// The order that it pays for knows what the return has come to.
    #[serde(default, skip_serializing_if = "is_false")]
    pub credit_told: bool,
}

/// The return as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnCore {
    pub return_id: ReturnId,
    pub order_id: OrderId,
    pub opened_at: Timestamp,
    /// What is announced; nothing when the goods came unannounced.
    pub lines: Vec<AnnouncedLine>,
    /// What of their money is to pay for another order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credit: Option<Credit>,
}

/// Units of a line that are to come back, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnnouncedLine {
    pub line_id: LineId,
    pub quantity: u32,
    pub reason: String,
}

/// Whether the return may speak for its units. The order decides, since two returns may ask it at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consent {
    Pending,
    Given,
    /// The order said no; its words.
    Refused(Rejection),
    /// Given up or used up: the order has been told how it ended.
    Settled,
}

/// What a return needs to know of its order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    pub currency: crate::money::Currency,
    /// What each line is: goods that come are told by it.
    pub skus: BTreeMap<LineId, Sku>,
    /// Where the goods go, unless they turn up elsewhere: the facility that sent them.
    pub return_to: Option<FacilityId>,
    /// When the first of the announced units reached the customer: the window counts from there.
    pub delivered_at: Option<Timestamp>,
}

/// The label the customer sends with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    pub carrier: String,
    pub tracking_number: String,
    /// Where people follow what they send with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking_url: Option<String>,
    /// Nobody can send with it any more.
    #[serde(default)]
    pub voided: bool,
    /// What a person has said of it, which the carrier was not heard to void.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finding: Option<LabelFinding>,
}

/// One delivery of goods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    pub facility_id: FacilityId,
    pub goods: Vec<ReceivedGoods>,
    pub at: Timestamp,
}

/// The order's last word: what it pays back for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settlement {
    /// Units that are back for good; fewer than accepted, where more came than the customer ever had.
    pub lines: Lines,
    pub amount_minor: i64,
    /// What of it pays for another order.
    #[serde(default, skip_serializing_if = "is_no_money")]
    pub credited_minor: i64,
}

fn is_no_money(minor: &i64) -> bool {
    *minor == 0
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// Something that did not work, and is tried again when its time comes or a person says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attention {
    /// The effect that gave up, by its key, or the wait that is overdue.
    pub subject: String,
    pub why: String,
    pub since: Timestamp,
}

impl Return {
    /// A new return, before its first event. `decide` with [`Command::Open`] starts its life.
    pub fn new(core: ReturnCore, policy: Policy) -> Self {
        Self {
            status: ReturnStatus::Requested,
            status_since: core.opened_at,
            core,
            policy,
            version: 0,
            consent: Consent::Pending,
            origin: None,
            label: None,
            scanned: None,
            receipts: BTreeMap::new(),
            goods: Vec::new(),
            settlement: None,
            refund_retries: 0,
            attention: Vec::new(),
            gave_up: BTreeMap::new(),
            commands: TakenCommands::default(),
            extended: BTreeMap::new(),
            credit_told: false,
        }
    }

    /// Announced units per line.
    pub fn announced(&self) -> Lines {
        let mut lines = Lines::new();
        for line in &self.core.lines {
            let units = lines.entry(line.line_id.clone()).or_default();
            *units = line.quantity.saturating_add(*units);
        }
        lines
    }

    /// No event will follow by itself, and the order knows how it ended.
    pub fn is_closed(&self) -> bool {
        let settled = match self.consent {
            Consent::Refused(_) | Consent::Settled => true,
            Consent::Pending | Consent::Given => false,
        };
        self.status.is_final() && settled && !self.has_unused_label() && self.credit_to_tell().is_none()
    }

    /// The order that it pays for, and how much, while that order has not been told.
    fn credit_to_tell(&self) -> Option<(&OrderId, i64)> {
        let credit = self.core.credit.as_ref().filter(|_| !self.credit_told)?;
        Some((&credit.order_id, self.settlement.as_ref()?.credited_minor))
    }

    /// The carrier has booked a label for goods that will not come any more: it is kept, so that it is voided.
    fn is_label_too_late(&self) -> bool {
        self.needs_no_label() && self.label.is_none()
    }

    fn needs_no_label(&self) -> bool {
        matches!(self.status, ReturnStatus::Cancelled | ReturnStatus::Expired)
    }

    /// A label was sent, and the goods will not come under it.
    fn has_unused_label(&self) -> bool {
        self.needs_no_label() && self.label.as_ref().is_some_and(|label| !label.voided && label.finding.is_none())
    }

    /// A person should look: something gave up, or the money does not get through.
    pub fn needs_attention(&self) -> bool {
        !self.attention.is_empty() || self.status == ReturnStatus::RefundFailed
    }

    /// The order has answered whether the units may come back.
    pub fn is_answered(&self) -> bool {
        self.consent != Consent::Pending
    }

    /// What the API takes now, in its own words.
    pub fn legal_actions(&self) -> Vec<&'static str> {
        let mut words: Vec<&'static str> = Vec::new();
        for action in self.status.legal_actions() {
            let word = match action {
                ReturnAction::Approve | ReturnAction::Decline | ReturnAction::Cancel | ReturnAction::Inspect | ReturnAction::Retry => {
                    action.name()
                }
                ReturnAction::ReceivePart | ReturnAction::ReceiveAll => ReturnAction::ReceiveAll.name(),
                ReturnAction::SendLabel | ReturnAction::Expire | ReturnAction::Transit | ReturnAction::Lose => continue,
                ReturnAction::StopWaiting | ReturnAction::Refund | ReturnAction::FailRefund | ReturnAction::Close => continue,
            };
            if !words.contains(&word) {
                words.push(word);
            }
        }
        if !self.attention.is_empty() && !words.contains(&ReturnAction::Retry.name()) {
            words.push(ReturnAction::Retry.name());
        }
        words
    }
}
