//! What travels to running workflows and activities is read by releases that are a little newer and a little older than its writer.

use oms_domain::{order, policy::Policy, returns};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    bulk::contracts::{BatchInput, BulkInput, BulkRequest},
    contracts::{AskOrder, FollowRefund, RecordedEvent, TellCredit},
    maintenance::contracts::{
        ExportDays, ExportReport, MaintenanceInput, PlanPool, PoolPlan, PoolReport, PriceStock, PricesReport, PruneReport,
    },
    messages::{CommandAnswer, CommandRequest, OrderInput, Refusal, ReturnInput, ReturnRequest},
};

/// Reads what says no more than it must, and the same, written in full, with a field that nobody here knows.
fn travels<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(least: Value) {
    let value: T = serde_json::from_value(least.clone()).unwrap_or_else(|error| panic!("{error}: {least}"));
    let mut more = serde_json::to_value(&value).unwrap();
    more["of_a_newer_release"] = json!({"some": ["thing"]});
    assert_eq!(serde_json::from_value::<T>(more).unwrap(), value, "{least}");
}

#[test]
fn inputs_of_runs_and_what_is_asked_of_them_are_read_with_a_field_more_or_less() {
    let (order_id, opened_at) = ("A1", "2010-12-01T09:00:00Z");
    let by = json!({"kind": "person", "id": "per-1", "station": "desk-1", "request_id": "r1"});
    travels::<OrderInput>(json!({"order_id": order_id}));
    travels::<OrderInput>(json!({"order_id": order_id, "by": by}));
    travels::<ReturnInput>(json!({"core": {"return_id": "A1-R1", "order_id": order_id, "opened_at": opened_at, "lines": []}}));
    travels::<MaintenanceInput>(json!({"task": "prune"}));
    let core = json!({"bulk_id": "b1", "selected": 2, "orders_per_second": 5, "started_at": opened_at, "pause_ms": 1_000});
    let bulk = json!({"core": core, "version": 1, "status": "running", "status_since": opened_at, "cursor": null, "counts": {}});
    travels::<BulkInput>(json!({"bulk": bulk}));
    travels::<CommandRequest>(json!({"command_id": "c1", "request": {"request": "retry", "subject": "capture 1"}}));
    travels::<CommandRequest>(json!({"command_id": "c1", "request": {"request": "retry", "subject": "capture 1"}, "by": by}));
    travels::<ReturnRequest>(json!({"command_id": "c1", "request": {"request": "retry"}}));
    travels::<ReturnRequest>(json!({"command_id": "c1", "request": {"request": "retry"}, "by": by}));
    travels::<BulkRequest>(json!({"command_id": "c1", "request": "pause"}));
    travels::<CommandAnswer>(json!({"version": 7, "status": "processing"}));
    travels::<Refusal>(json!({"code": "order_closed", "message": "the order is completed", "version": 7}));
}

#[test]
fn what_activities_are_asked_and_answer_is_read_with_a_field_more_or_less() {
    let at = "2010-12-01T09:00:00Z";
    travels::<AskOrder>(json!({"order_id": "A1", "return_id": "A1-R1", "lines": {"1": 2}}));
    travels::<TellCredit>(json!({"order_id": "A1", "return_id": "A1-R1", "amount_minor": 5}));
    travels::<FollowRefund>(json!({"order_id": "A1", "return_id": "A1-R1", "retries": 1}));
    travels::<RecordedEvent>(json!({"seq": 1, "at": at, "kind": "order_approved", "data": {"type": "order_approved"}}));
    travels::<BatchInput>(json!({"bulk_id": "b1", "after": null, "at_most": 5, "orders_per_second": 5}));
    travels::<PlanPool>(json!({"pool_id": "p1", "at": at}));
    travels::<PoolPlan>(serde_json::to_value(PoolPlan::default()).unwrap());
    travels::<PoolReport>(serde_json::to_value(PoolReport::default()).unwrap());
    travels::<PriceStock>(json!({"at": at}));
    travels::<PricesReport>(json!({"version": "v1", "skus": 1, "positions": 1, "in_force": true}));
    travels::<PruneReport>(json!({"rows": 1}));
    travels::<ExportDays>(json!({"first": "2010-12-01", "last": "2010-12-02"}));
    travels::<ExportReport>(json!({"tables": 10, "days_written": 1, "rows_written": 7}));
    travels::<order::ScreenRequest>(json!({"order_id": "A1", "amount_minor": 5, "currency": "GBP"}));
    travels::<returns::Settlement>(json!({"lines": {"1": 2}, "amount_minor": 5}));
    travels::<Policy>(json!({}));
}
