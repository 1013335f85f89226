//! Who asks.

use std::collections::BTreeSet;

use super::{Actor, Permission, Role, Scope};
use crate::{
    ids::{AccountId, FacilityId, StationId},
    kinds::named,
};

named! {
    /// What kind of one it is.
    PrincipalKind {
        /// A system that shows a key.
        Machine = "machine",
        Person = "person",
        /// A station that people take over.
        Bench = "bench",
        /// The house itself, or whoever runs its commands beside its databases.
        House = "house",
    }
}

/// Somebody who has shown who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    pub kind: PrincipalKind,
    /// The account.
    pub id: AccountId,
    pub roles: BTreeSet<Role>,
    pub scope: Scope,
    /// The station that they have taken over.
    pub station: Option<StationId>,
}

impl Principal {
    /// Whether one of its roles may.
    pub fn may(&self, permission: Permission) -> bool {
        self.roles.iter().any(|role| role.permissions().contains(&permission))
    }

    pub fn sees_facility(&self, id: &FacilityId) -> bool {
        self.scope.facilities.covers(id)
    }

    pub fn sees_channel(&self, channel: &str) -> bool {
        self.scope.channels.covers(channel)
    }

    pub fn actor(&self) -> Actor {
        Actor { kind: self.kind, id: self.id.clone(), station: self.station.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_add_up_and_no_role_may_nothing() {
        let with = |roles: &[Role]| Principal {
            kind: PrincipalKind::Machine,
            id: AccountId::parse("shop").unwrap(),
            roles: roles.iter().copied().collect(),
            scope: Scope::default(),
            station: None,
        };
        let both = with(&[Role::Checkout, Role::Carrier]);
        assert!(both.may(Permission::PlaceOrders) && both.may(Permission::SendCarrierEvents) && !both.may(Permission::FindOrders));
        assert!(Permission::NAMED.iter().all(|(_, permission)| !with(&[]).may(*permission)));
    }
}
