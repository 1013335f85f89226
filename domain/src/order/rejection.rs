//! Why a facility gives units back, and what follows from it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Lines;
use crate::{ids::FacilityId, kinds::named};

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
