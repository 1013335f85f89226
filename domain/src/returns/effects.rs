//! What must be done outside the return, derived from its state: so a run that starts afresh knows what is still owed.

use serde::{Deserialize, Serialize};

use super::{Consent, Return, ReturnStatus};
use crate::{
    ids::{FacilityId, OrderId, ReturnId},
    order::Lines,
};

/// One thing to be done outside. Doing it twice under its key is doing it once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Ask the order whether these units may come back.
    AskOrder {
        lines: Lines,
    },
    BookLabel(LabelRequest),
    /// The goods will not come: nobody is to send with the label.
    VoidLabel,
    /// Tell the order how it ended: the units it pays back for, which may be none.
    Settle {
        lines: Lines,
    },
    /// Tell the order that it pays for what it has come to.
    TellCredit {
        order_id: OrderId,
        amount_minor: i64,
    },
    /// See the order's refund through; after a failure, have it tried again first.
    Refund {
        retries: u32,
    },
}

/// Book a label for the customer to send with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabelRequest {
    pub return_id: ReturnId,
    pub order_id: OrderId,
    pub return_to: FacilityId,
    pub lines: Lines,
}

impl Effect {
    /// Unique within the return; the store, the order and the carrier know the effect by it.
    pub fn key(&self) -> String {
        match self {
            Self::AskOrder { .. } => "ask-order".to_owned(),
            Self::BookLabel(_) => "label".to_owned(),
            Self::VoidLabel => "void-label".to_owned(),
            Self::Settle { .. } => "settle".to_owned(),
            Self::TellCredit { .. } => "credit".to_owned(),
            Self::Refund { retries } => format!("refund:{retries}"),
        }
    }
}

impl Return {
    /// Everything that is owed to the outside and not held up.
    pub fn pending_effects(&self) -> Vec<Effect> {
        self.owed_effects().filter(|effect| !self.is_held_up(&effect.key())).collect()
    }

    /// Which attempt at an effect is made now, by its key: one more than have given up.
    pub fn attempt(&self, effect: &str) -> u32 {
        self.gave_up.get(effect).copied().unwrap_or(0).saturating_add(1)
    }

    pub(super) fn owed_effects(&self) -> impl Iterator<Item = Effect> {
        let void_owed = self.has_unused_label().then_some(Effect::VoidLabel);
        let owed = [self.question_owed(), self.label_owed(), void_owed, self.settlement_owed(), self.word_owed(), self.refund_owed()];
        owed.into_iter().flatten()
    }

    /// It gave up, and nobody has said yet that it may be tried again.
    pub(super) fn is_held_up(&self, effect: &str) -> bool {
        self.attention.iter().any(|known| known.subject == effect)
    }

    fn question_owed(&self) -> Option<Effect> {
        (self.version > 0 && self.consent == Consent::Pending).then(|| Effect::AskOrder { lines: self.announced() })
    }

    fn label_owed(&self) -> Option<Effect> {
        let wanted = self.status == ReturnStatus::Approved && self.policy.return_labels && !self.core.lines.is_empty();
        let return_to = self.origin.as_ref()?.return_to.clone()?;
        let request = || LabelRequest {
            return_id: self.core.return_id.clone(),
            order_id: self.core.order_id.clone(),
            return_to,
            lines: self.announced(),
        };
        wanted.then(|| Effect::BookLabel(request()))
    }

    fn settlement_owed(&self) -> Option<Effect> {
        let ended = self.status == ReturnStatus::Refunding || self.status.is_final();
        // The house sent the label, so it answers for the way back.
        let lost_on_our_way = self.status == ReturnStatus::Lost && self.label.is_some();
        let lines = if self.status == ReturnStatus::Refunding { self.accepted() } else { Lines::new() };
        let lines = if lost_on_our_way { self.announced() } else { lines };
        (ended && self.consent == Consent::Given).then_some(Effect::Settle { lines })
    }

    fn word_owed(&self) -> Option<Effect> {
        let (order_id, amount_minor) = self.credit_to_tell()?;
        Some(Effect::TellCredit { order_id: order_id.clone(), amount_minor })
    }

    fn refund_owed(&self) -> Option<Effect> {
        let settled = self.status == ReturnStatus::Refunding && self.consent == Consent::Settled;
        settled.then_some(Effect::Refund { retries: self.refund_retries })
    }
}
