//! What somebody is to the house.

use crate::kinds::named;

named! {
    /// A set of permissions under one name; what it holds stands in the table.
    Role {
        /// Places the orders of its channels.
        Checkout = "checkout",
        /// Places the orders of its channels, which it has been paid for.
        Marketplace = "marketplace",
        /// Helps customers with their orders.
        Support = "support",
        /// Reads the figures that monitoring reads.
        Metrics = "metrics",
        /// Decides what is above others' limits.
        Approver = "approver",
        /// Works on the fulfillment orders of its facilities.
        Associate = "associate",
        /// An associate who also answers for the facility's stock and capacity.
        FacilityManager = "facility_manager",
        /// Keeps the house running.
        Ops = "ops",
        /// Answers for the money.
        Finance = "finance",
        /// Looks at figures that name nobody.
        Analyst = "analyst",
        /// Looks at who did what.
        Auditor = "auditor",
        /// An enterprise system: catalogue, stock and events.
        Integration = "integration",
        /// Reports what carriers report.
        Carrier = "carrier",
        /// Makes accounts and keys.
        Admin = "admin",
    }
}

impl Role {
    /// The role of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::NAMED.iter().find(|(known, _)| *known == name).map(|(_, role)| *role)
    }

    /// All of them together may do everything.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::NAMED.iter().map(|(_, role)| *role)
    }
}
