//! A change set as it is asked for, with the addresses that it brings. It is kept beside the intake before the order hears of it; the
//! order's own workflow sees the [`CoreChange`]s alone.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    address::AddressFlaw,
    ids::{ChangeId, FacilityId, LineId},
    order::{CoreChange, CoreGroup, CoreLine},
    placed::{Address, DeliveryMethod, Destination, PlacedLine, PlacedOrder},
};

/// Most changes in one change set.
pub const CHANGES_PER_SET_MAX: usize = 100;

/// Changes that are made together or not at all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChangeSet {
    pub change_id: ChangeId,
    pub reason: String,
    pub changes: Vec<Change>,
}

/// One change. Delivery groups are named by their index in the order as placed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// More units, at the line's own price and tax, without its discount.
    Increase {
        line_id: LineId,
        quantity: u32,
    },
    Decrease {
        line_id: LineId,
        quantity: u32,
    },
    Remove {
        line_id: LineId,
    },
    Add {
        line: PlacedLine,
    },
    /// In place of as many units of another line.
    Substitute {
        line_id: LineId,
        by: PlacedLine,
    },
    Address {
        group: u16,
        ship_to: Address,
    },
    Method {
        group: u16,
        method: DeliveryMethod,
        /// The store, for a pickup.
        pickup_facility_id: Option<FacilityId>,
        /// Needed where there was none.
        ship_to: Option<Address>,
        /// What the customer pays for it, before tax and discount, which stay; absent: as before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        price_minor: Option<i64>,
    },
}

impl ChangeSet {
    /// SHA-256 of the canonical form, in hex: two bodies are the same change set exactly when their hashes are equal.
    pub fn hash(&self) -> Result<String, serde_json::Error> {
        let digest = Sha256::digest(serde_json::to_vec(self)?);
        Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Where it would have anything go.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        self.changes.iter().filter_map(|change| match change {
            Change::Address { ship_to, .. } => Some(ship_to),
            Change::Method { ship_to, .. } => ship_to.as_ref(),
            Change::Increase { .. } | Change::Decrease { .. } | Change::Remove { .. } | Change::Add { .. } | Change::Substitute { .. } => {
                None
            }
        })
    }

    /// What the rules need of it. `placed` has the prices.
    pub fn core(&self, placed: &PlacedOrder) -> Vec<CoreChange> {
        self.changes.iter().map(|change| change.core(placed)).collect()
    }
}

impl Change {
    fn core(&self, placed: &PlacedOrder) -> CoreChange {
        match self {
            Self::Increase { line_id, quantity } => {
                // A line that is not there is refused by the rules, whatever it costs.
                let line = placed.lines.iter().find(|line| line.line_id == *line_id);
                let due_minor = line.map_or(0, |line| price_minor(line, *quantity, placed.taxes_included));
                CoreChange::Increase { line_id: line_id.clone(), quantity: *quantity, due_minor }
            }
            Self::Decrease { line_id, quantity } => CoreChange::Decrease { line_id: line_id.clone(), quantity: *quantity },
            Self::Remove { line_id } => CoreChange::Remove { line_id: line_id.clone() },
            Self::Add { line } => CoreChange::Add { line: CoreLine::of(line, placed.taxes_included) },
            Self::Substitute { line_id, by } => {
                CoreChange::Substitute { line_id: line_id.clone(), by: CoreLine::of(by, placed.taxes_included) }
            }
            Self::Address { group, ship_to } => CoreChange::Redirect { group: *group, address_flaw: AddressFlaw::of(ship_to) },
            Self::Method { group, method, pickup_facility_id, ship_to, price_minor } => {
                let address_flaw = ship_to.as_ref().or_else(|| placed.address(*group)).and_then(AddressFlaw::of);
                let address_flaw = address_flaw.filter(|_| pickup_facility_id.is_none());
                let (pickup_facility_id, price_minor) = (pickup_facility_id.clone(), *price_minor);
                let to = CoreGroup { method: *method, pickup_facility_id, address_flaw, price_minor };
                CoreChange::Method { group: *group, to }
            }
        }
    }
}

/// What so many more units of a line cost, with their part of its tax. The bounds of a body keep it far below an i64's.
fn price_minor(line: &PlacedLine, quantity: u32, taxes_included: bool) -> i64 {
    let tax_minor = if taxes_included { 0 } else { line.tax_minor };
    let (more, placed) = (i64::from(quantity), i64::from(line.quantity.max(1)));
    line.unit_price_minor.saturating_mul(more).saturating_add(tax_minor.saturating_mul(more) / placed)
}

impl PlacedOrder {
    /// Where a delivery group goes, if it is not picked up.
    fn address(&self, group: u16) -> Option<&Address> {
        match &self.delivery_groups.get(usize::from(group))?.destination {
            Destination::Address(address) => Some(address),
            Destination::Pickup { .. } => None,
        }
    }

    /// With the lines and addresses of a confirmed change set. How many units of a line are ordered is the order's own affair, and in
    /// its document.
    #[must_use]
    pub fn with(mut self, set: &ChangeSet) -> Self {
        for change in &set.changes {
            match change {
                Change::Add { line } | Change::Substitute { by: line, .. } => self.lines.push(line.clone()),
                Change::Address { group, ship_to } => self.deliver(*group, None, None, Some(ship_to)),
                Change::Method { group, method, pickup_facility_id, ship_to, price_minor } => {
                    self.deliver(*group, Some(*method), pickup_facility_id.as_ref(), ship_to.as_ref());
                    self.price(*group, *price_minor);
                }
                Change::Increase { .. } | Change::Decrease { .. } | Change::Remove { .. } => {}
            }
        }
        self
    }

    fn price(&mut self, group: u16, price_minor: Option<i64>) {
        if let Some(group) = self.delivery_groups.get_mut(usize::from(group)) {
            group.price_minor = price_minor.unwrap_or(group.price_minor);
        }
    }

    fn deliver(&mut self, group: u16, method: Option<DeliveryMethod>, store: Option<&FacilityId>, ship_to: Option<&Address>) {
        let Some(group) = self.delivery_groups.get_mut(usize::from(group)) else { return };
        group.method = method.unwrap_or(group.method);
        let address = ship_to.or(group.destination.address()).cloned();
        group.destination = match (store, address) {
            (Some(facility_id), address) => Destination::Pickup { facility_id: facility_id.clone(), address },
            (None, Some(address)) => Destination::Address(address),
            // Refused at the door: what is to be delivered has an address.
            (None, None) => return,
        };
    }
}
