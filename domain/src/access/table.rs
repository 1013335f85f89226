//! The table: what each role may.

use super::{
    Permission::{self, *},
    Role,
};

impl Permission {
    /// Whether what it lets read names people.
    pub fn names_people(self) -> bool {
        matches!(self, ReadOrders | FindOrders | ReadFulfillment | PrintLabels | NoteOrders | ManagePeople)
    }
}

impl Role {
    /// What it may.
    pub fn permissions(self) -> &'static [Permission] {
        match self {
            Self::Checkout => &[AskPromises, ReserveStock, PlaceOrders, ReadOrders],
            Self::Marketplace => &[AskPromises, ReserveStock, PlaceOrders, PayElsewhere, ReadOrders],
            Self::Support => &[
                AskPromises,
                PlaceOrders,
                ReadOrders,
                FindOrders,
                Find,
                CancelOrders,
                ChangeOrders,
                HoldOrders,
                NoteOrders,
                DecideOrders,
                ExtendDeadlines,
                RefundOrders,
                TakePayments,
                ReadReturns,
                OpenReturns,
                DecideReturns,
                OpenClaims,
                DecideClaims,
                StartExchanges,
                HandleAttention,
                ReadFulfillment,
                PrintLabels,
                ReadCatalog,
                ReadStock,
            ],
            Self::Metrics => &[ReadMetrics],
            Self::Approver => &[ReadOrders, FindOrders, Find, DecideApprovals],
            Self::Associate => &[Find, ReadFulfillment, WorkFulfillment, PrintLabels, ReadReturns, ReceiveReturns, ReadCatalog, ReadStock],
            Self::FacilityManager => &[
                Find,
                ReadFulfillment,
                WorkFulfillment,
                PrintLabels,
                PlanFulfillment,
                ReadReturns,
                ReceiveReturns,
                ReadCatalog,
                WriteFacilities,
                ReadStock,
                WriteStock,
                ManageStations,
                ReadInsights,
            ],
            Self::Ops => &[
                ReadOrders,
                FindOrders,
                Find,
                HoldOrders,
                DecideOrders,
                ExtendDeadlines,
                ReadReturns,
                DecideReturns,
                HandleAttention,
                HandleDeadLetters,
                ReadFulfillment,
                PlanFulfillment,
                AllocateOrders,
                RunBulk,
                ReadCatalog,
                WriteProducts,
                WriteFacilities,
                ReadStock,
                WriteStock,
                ReadFeeds,
                SendFeeds,
                ApproveFeeds,
                ReadEvents,
                ManageAdapters,
                ReadEndpoints,
                OperateEndpoints,
                ReadMetrics,
                ReadInsights,
                RebuildInsights,
            ],
            Self::Finance => &[
                ReadOrders,
                FindOrders,
                Find,
                RefundOrders,
                TakePayments,
                PayElsewhere,
                ResolvePayments,
                ManageLimits,
                HandleAttention,
                ReadReturns,
                ReadInsights,
            ],
            Self::Analyst => &[ReadCatalog, ReadStock, ReadInsights],
            Self::Auditor => &[ReadAudit],
            Self::Integration => &[ReadCatalog, WriteProducts, WriteFacilities, ReadStock, WriteStock, ReadFeeds, SendFeeds, ReadEvents],
            Self::Carrier => &[SendCarrierEvents],
            Self::Admin => &[ManageAccounts, ManagePeople, ManageStations, ReadEndpoints, OperateEndpoints, ManageEndpoints, ReadAudit],
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn all(roles: impl IntoIterator<Item = Role>) -> BTreeSet<Permission> {
        roles.into_iter().flat_map(Role::permissions).copied().collect()
    }

    #[test]
    fn every_permission_is_held_by_some_role_and_no_role_names_one_twice() {
        assert_eq!(all(Role::all()).len(), Permission::NAMED.len());
        for role in Role::all() {
            assert!(!role.permissions().is_empty(), "{role:?}");
            assert_eq!(all([role]).len(), role.permissions().len(), "{role:?}");
        }
    }

    #[test]
    fn those_who_make_accounts_get_no_work_done_with_them() {
        let expected = [
            Permission::ManageAccounts,
            Permission::ManagePeople,
            Permission::ManageStations,
            Permission::ReadEndpoints,
            Permission::OperateEndpoints,
            Permission::ManageEndpoints,
            Permission::ReadAudit,
        ];
        assert_eq!(all([Role::Admin]), expected.into());
        let others = all(Role::all().filter(|role| *role != Role::Admin));
        assert!(!others.contains(&Permission::ManageAccounts) && !others.contains(&Permission::ManagePeople));
    }

    #[test]
    fn a_machine_outside_gets_what_it_is_for_and_nothing_that_names_people() {
        for role in [Role::Metrics, Role::Carrier, Role::Integration, Role::Analyst, Role::Auditor] {
            let may = all([role]);
            let naming: Vec<_> = may.iter().filter(|permission| permission.names_people()).collect();
            assert!(naming.is_empty(), "{role:?} {naming:?}");
        }
        assert_eq!(Role::Carrier.permissions(), [Permission::SendCarrierEvents]);
    }

    #[test]
    fn money_is_given_by_support_and_finance_alone() {
        let giving = Role::all().filter(|role| role.permissions().contains(&Permission::RefundOrders));
        assert_eq!(giving.collect::<Vec<_>>(), [Role::Support, Role::Finance]);
    }
}
