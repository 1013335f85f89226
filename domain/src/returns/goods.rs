//! What came back: where, what it is, and how it was judged. Every unit received is undecided, in review, accepted or rejected.

use serde::{Deserialize, Serialize};

use super::Return;
use crate::{
    ids::{FacilityId, LineId, Sku},
    kinds::named,
    order::Lines,
};

/// Goods of one kind at one facility.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Goods {
    pub facility_id: FacilityId,
    /// The line they were sold as; none for goods that this order never sold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line_id: Option<LineId>,
    pub sku: Sku,
    /// Units that came.
    pub received: u32,
    /// Units whose money goes back.
    #[serde(default)]
    pub accepted: u32,
    #[serde(default)]
    pub rejected: u32,
    /// Units that a person must look at again.
    #[serde(default)]
    pub in_review: u32,
    /// Units that can be sold again; on hand from then on.
    #[serde(default)]
    pub restocked: u32,
    /// Units that nobody will sell.
    #[serde(default)]
    pub written_off: u32,
}

/// Which goods of a return are meant: those of a line, or of a SKU; at one facility, or wherever they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoodsRef {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line_id: Option<LineId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<Sku>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facility_id: Option<FacilityId>,
}

named! {
    /// How units are judged.
    Verdict {
        /// Their money goes back.
        Accepted = "accepted",
        Rejected = "rejected",
        /// Someone else must look.
        ManualReview = "manual_review",
    }
}

/// What becomes of judged units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    Restock,
    WriteOff,
    /// Back to the customer, who keeps them.
    SendBack,
}

impl Goods {
    pub(super) fn new(facility_id: FacilityId, line_id: Option<LineId>, sku: Sku) -> Self {
        Self { facility_id, line_id, sku, received: 0, accepted: 0, rejected: 0, in_review: 0, restocked: 0, written_off: 0 }
    }

    /// Units nobody has looked at.
    pub fn undecided(&self) -> u32 {
        self.received - self.accepted - self.rejected - self.in_review
    }

    /// Every unit is accounted for, and what is put away was judged.
    pub fn add_up(&self) -> bool {
        let judged = u64::from(self.accepted) + u64::from(self.rejected);
        judged + u64::from(self.in_review) <= u64::from(self.received) && u64::from(self.restocked) + u64::from(self.written_off) <= judged
    }

    fn is(&self, wanted: &GoodsRef) -> bool {
        wanted.line_id.as_ref().is_none_or(|id| self.line_id.as_ref() == Some(id))
            && wanted.sku.as_ref().is_none_or(|sku| self.sku == *sku)
            && wanted.facility_id.as_ref().is_none_or(|id| self.facility_id == *id)
    }

    /// Judges up to `units`: those in review count as open for everything but another review. How many it judged.
    pub(super) fn judge(&mut self, units: u32, verdict: Verdict, disposition: Disposition) -> u32 {
        let fresh = units.min(self.undecided());
        let reviewed = match verdict {
            Verdict::ManualReview => 0,
            Verdict::Accepted | Verdict::Rejected => (units - fresh).min(self.in_review),
        };
        self.in_review -= reviewed;
        let judged = fresh + reviewed;
        match verdict {
            Verdict::Accepted => self.accepted += judged,
            Verdict::Rejected => self.rejected += judged,
            Verdict::ManualReview => {
                self.in_review += judged;
                return judged;
            }
        }
        match disposition {
            Disposition::Restock => self.restocked += judged,
            Disposition::WriteOff => self.written_off += judged,
            Disposition::SendBack => {}
        }
        judged
    }
}

impl Return {
    /// Goods that are meant, with how many of their units may still be judged so.
    pub(super) fn open_units(&self, wanted: &GoodsRef, verdict: Verdict) -> u64 {
        let open = |goods: &Goods| match verdict {
            Verdict::ManualReview => goods.undecided(),
            Verdict::Accepted | Verdict::Rejected => goods.undecided() + goods.in_review,
        };
        self.goods.iter().filter(|goods| goods.is(wanted)).map(|goods| u64::from(open(goods))).sum()
    }

    /// Some of the goods that are meant were never sold by the order.
    pub(super) fn meant_beyond_the_order(&self, wanted: &GoodsRef) -> bool {
        self.goods.iter().any(|goods| goods.is(wanted) && goods.line_id.is_none())
    }

    pub(super) fn meant<'a>(&'a mut self, wanted: &'a GoodsRef) -> impl Iterator<Item = &'a mut Goods> {
        self.goods.iter_mut().filter(move |goods| goods.is(wanted))
    }

    /// Units of each line that have come, wherever.
    pub fn received(&self) -> Lines {
        self.sum(|goods| goods.received)
    }

    /// Units of each line whose money goes back.
    pub fn accepted(&self) -> Lines {
        self.sum(|goods| goods.accepted)
    }

    fn sum(&self, units: impl Fn(&Goods) -> u32) -> Lines {
        let mut sum = Lines::new();
        for goods in self.goods.iter().filter(|goods| units(goods) > 0) {
            if let Some(id) = &goods.line_id {
                let total = sum.entry(id.clone()).or_default();
                *total = units(goods).saturating_add(*total);
            }
        }
        sum
    }

    /// Someone must still judge something.
    pub fn is_undecided(&self) -> bool {
        self.goods.iter().any(|goods| goods.undecided() + goods.in_review > 0)
    }
}
