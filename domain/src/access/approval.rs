//! A second person lets through what is above what the first one may give.

use super::{Actor, Principal, PrincipalKind};
use crate::{
    error::{ErrorCode, Rejection},
    kinds::named,
};

/// An approval that nobody has decided about, or that nobody has used, ends after so long.
pub const APPROVAL_S: u32 = 24 * 60 * 60;
/// An operation on more orders than these needs one.
pub const BULK_UNAPPROVED_MAX: u64 = 100;

named! {
    /// What has become of it.
    ApprovalStatus {
        Pending = "pending",
        /// Whoever asked may do just this, once.
        Approved = "approved",
        Declined = "declined",
        /// It was done.
        Used = "used",
        /// Nobody has decided, or used it, in time.
        Expired = "expired",
    }
}

impl ApprovalStatus {
    /// The status of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::NAMED.iter().find(|(known, _)| *known == name).map(|(_, status)| *status)
    }
}

/// Whether somebody may decide about what another one asks.
///
/// # Errors
/// `refused_by_rule`: of a machine, and about what one has asked for oneself.
pub fn refuse_decider(decider: &Principal, asked_by: &Actor) -> Result<(), Rejection> {
    let refuse = |why: &str| Err(Rejection::new(ErrorCode::RefusedByRule, why));
    match decider.kind {
        PrincipalKind::Machine | PrincipalKind::House => refuse("a machine approves nothing: a person must"),
        PrincipalKind::Person | PrincipalKind::Bench if decider.id == asked_by.id => {
            refuse("nobody decides about what they ask for themselves")
        }
        PrincipalKind::Person | PrincipalKind::Bench => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Role, Scope};

    #[test]
    fn a_second_person_decides_and_nobody_else() {
        let of = |kind, id: &str| Principal {
            kind,
            id: id.parse().unwrap(),
            roles: [Role::Approver].into(),
            scope: Scope::default(),
            station: None,
        };
        let asked = of(PrincipalKind::Person, "per-1").actor();
        assert!(refuse_decider(&of(PrincipalKind::Person, "per-2"), &asked).is_ok());
        for wrong in [of(PrincipalKind::Person, "per-1"), of(PrincipalKind::Machine, "acc-2"), of(PrincipalKind::House, "relay")] {
            assert_eq!(refuse_decider(&wrong, &asked).unwrap_err().code, ErrorCode::RefusedByRule, "{wrong:?}");
        }
    }
}
