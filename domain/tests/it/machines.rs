//! Every machine, every state, every action: a transition of the table, or a refusal that names the state and what is possible.

use std::collections::BTreeSet;

use oms_domain::{
    bulk::{BulkAction, BulkStatus},
    error::ErrorCode,
    feed::{FeedAction, FeedStatus},
    fulfillment::{FulfillmentAction, FulfillmentStatus},
    order::{ChangeAction, ChangeStatus, ClaimAction, ClaimStatus, OrderAction, OrderStatus},
    parcel::{ParcelAction, ParcelStatus},
    payment::{OperationAction, OperationStatus},
    reservation::{ReservationAction, ReservationStatus},
    returns::{ReturnAction, ReturnStatus},
};

macro_rules! machine_is_whole {
    ($test:ident, $State:ident, $Action:ident, starts: [$($start:ident),+], ends: [$($end:ident),+]) => {
        #[test]
        fn $test() {
            for state in $State::ALL {
                for action in $Action::ALL {
                    let rows: Vec<_> = $State::TABLE.iter().filter(|(from, by, _)| (from, by) == (state, action)).collect();
                    match (rows.as_slice(), state.try_after(*action)) {
                        ([(_, _, to)], Ok(after)) => assert_eq!(*to, after),
                        ([], Err(refusal)) => {
                            assert_eq!(refusal.code, ErrorCode::IllegalTransition);
                            assert_eq!(refusal.status.as_deref(), Some(state.name()));
                            assert!(refusal.message.contains(action.name()) && refusal.message.contains(state.name()));
                            let legal: Vec<&str> = state.legal_actions().iter().map(|a| a.name()).collect();
                            assert_eq!(refusal.legal_actions, legal);
                        }
                        (rows, answer) => panic!("{state:?}, {action:?}: {rows:?} in the table, but {answer:?}"),
                    }
                }
                assert_eq!($State::from_name(state.name()), Some(*state));
                assert_eq!(serde_json::to_value(state).unwrap(), state.name());
            }
            let mut reached: BTreeSet<$State> = [$($State::$start),+].into();
            for _ in $State::ALL {
                let next: Vec<_> = $State::TABLE.iter().filter(|(from, _, _)| reached.contains(from)).map(|row| row.2).collect();
                reached.extend(next);
            }
            assert_eq!(reached.len(), $State::ALL.len(), "some states are never reached");
            let ends: BTreeSet<$State> = $State::ALL.iter().copied().filter(|s| s.is_final()).collect();
            assert_eq!(ends, [$($State::$end),+].into());
            let used: BTreeSet<$Action> = $State::TABLE.iter().map(|row| row.1).collect();
            assert_eq!(used.len(), $Action::ALL.len(), "some actions are legal nowhere");
        }
    };
}

machine_is_whole!(orders, OrderStatus, OrderAction, starts: [Created], ends: [Completed, Cancelled, Rejected, Expired]);
machine_is_whole!(fulfillment_orders, FulfillmentStatus, FulfillmentAction, starts: [Open, Scheduled, Backordered], ends: [PickedUp, Cancelled]);
machine_is_whole!(parcels, ParcelStatus, ParcelAction, starts: [Packed], ends: [Voided, Delivered, ReturnedToSender]);
machine_is_whole!(operations, OperationStatus, OperationAction, starts: [Pending], ends: [Succeeded, Failed]);
machine_is_whole!(claims, ClaimStatus, ClaimAction, starts: [Opened], ends: [Declined, Closed]);
machine_is_whole!(change_sets, ChangeStatus, ChangeAction, starts: [Requested], ends: [Confirmed, Declined, Cancelled]);
machine_is_whole!(returns, ReturnStatus, ReturnAction, starts: [Requested], ends: [Closed, Declined, Cancelled, Expired, Lost]);
machine_is_whole!(feed_runs, FeedStatus, FeedAction, starts: [Running], ends: [Finished, Rejected, Failed]);
machine_is_whole!(bulk_operations, BulkStatus, BulkAction, starts: [Running], ends: [Completed, Cancelled]);
machine_is_whole!(
    reservations, ReservationStatus, ReservationAction, starts: [Requested],
    ends: [Denied, Expired, Released, Moved, Shorted, Restocked]
);
