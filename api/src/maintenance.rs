//! What is done to the house as a whole.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::reader::{Node, boolean};

/// The body of `POST /allocation/pool`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PoolBody {
    /// True: nothing moves; the answer says what would.
    #[serde(default)]
    pub dry_run: bool,
}

impl PoolBody {
    pub fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let dry_run = fields.optional("dry_run", boolean);
            Some(Self { dry_run: dry_run?.unwrap_or(false) })
        })
    }
}

/// What became of the orders that are not released yet, decided again together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PoolView {
    /// Names the run in the decisions of the orders it moved.
    pub pool_id: String,
    pub dry_run: bool,
    /// Orders that were decided again.
    pub orders: u32,
    /// Orders that were to move.
    pub planned: u32,
    /// Left out, as they wait for each other's units.
    pub blocked: u32,
    pub moved: u32,
    /// Orders that had gone on, or whose units somebody else had taken.
    pub skipped: u32,
    /// Orders that could not be asked; the next run asks again.
    pub failed: u32,
    /// By those that moved, or, dry, by all that would; in thousandths of a minor unit.
    pub saved_milli: i64,
}

/// The stock's prices after a look at recent demand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StockPricesView {
    /// Decisions name it.
    pub version: String,
    /// SKUs that recent orders wanted.
    pub skus: u32,
    /// Positions with a price; every other costs nothing.
    pub positions: u32,
    /// False: newer ones were there already.
    pub in_force: bool,
}
