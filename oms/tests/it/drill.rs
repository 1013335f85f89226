//! Losses, tried: a run that is gone, money that nobody placed an order for. What the books say before and after `oms repair`.

use serde_json::{Value, json};
use temporalio_client::{Connection, ConnectionOptions, Url};
use temporalio_common::protos::temporal::api::{common::v1::WorkflowExecution, workflowservice::v1::DeleteWorkflowExecutionRequest};
use tonic::IntoRequest;

use crate::run::{Dev, eventually};

pub fn place(dev: &Dev, id: &str) {
    let example = dev.oms(&["order", "example", "--id", id, "--quantity", "1"]).ok().stdout.clone();
    dev.oms_with(&["order", "place", "-f", "-", "--wait", "10", "-o", "json"], &example).ok();
}

/// The figures of the reconciler, over everything.
pub fn books(dev: &Dev) -> Value {
    let ran = dev.oms(&["doctor", "--reconcile", "--all", "-o", "json"]);
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", ran.stdout, ran.stderr))
}

/// What is found of an order.
pub fn found(books: &Value, order_id: &str) -> Vec<String> {
    let findings = books["findings"].as_array().expect("findings");
    findings.iter().filter(|found| found["order_id"] == order_id).map(|found| found["what"].as_str().unwrap().to_owned()).collect()
}

/// The steps for an order.
pub fn steps(repaired: &Value, order_id: &str) -> Vec<String> {
    let repairs = repaired["repairs"].as_array().expect("repairs");
    repairs.iter().filter(|repair| repair["order_id"] == order_id).map(|repair| repair["step"].as_str().unwrap().to_owned()).collect()
}

/// Says what it would do, which changes nothing, and does it: then the books agree.
fn repair(dev: &Dev) -> Value {
    let before = books(dev);
    let said: Value = serde_json::from_str(&dev.oms(&["repair", "-o", "json"]).exits(4).stdout).expect("JSON");
    assert_eq!(books(dev)["findings"], before["findings"], "it was only said");
    let done = dev.oms(&["repair", "--apply", "-o", "json"]);
    assert_eq!(done.code, 0, "{}\n{}\n{}", said, done.stdout, done.stderr);
    let after = books(dev);
    assert!(after["findings"].as_array().unwrap().is_empty(), "{after:#}");
    for figure in ["oversold_units", "leaked_reservations", "waiting_of_closed_orders", "unit_mismatches", "money_mismatches"] {
        assert_eq!(after[figure], json!(0), "{figure} {after:#}");
    }
    said
}

/// Everything that was open goes on to its end, once.
fn ends(dev: &Dev) {
    dev.oms(&["fulfillment", "deliver", "open-1-F1"]).ok();
    eventually("completion", || (dev.status("open-1") == "completed").then_some(()));
    dev.complete("still-1");
    for id in ["ends-1", "open-1", "still-1"] {
        let order = dev.oms(&["order", "get", id, "-o", "json"]).json();
        assert_eq!(order["status"], "completed", "{order:#}");
        assert_eq!(order["totals"]["captured_minor"], order["totals"]["total_minor"], "{order:#}");
    }
    let after = books(dev);
    assert!(after["findings"].as_array().unwrap().is_empty(), "{after:#}");
}

/// Deletes the order's run, as Temporal's retention or a mistaken hand would.
fn delete_run(dev: &Dev, order_id: &str) {
    let address = format!("http://{}", dev.ready["temporal_address"].as_str().unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let connection = Connection::connect(ConnectionOptions::new(Url::parse(&address).unwrap()).build()).await.unwrap();
        let execution = WorkflowExecution { workflow_id: format!("order:{order_id}"), run_id: String::new() };
        let namespace = "default".to_owned();
        let request = DeleteWorkflowExecutionRequest { namespace, workflow_execution: Some(execution) };
        connection.workflow_service().delete_workflow_execution(request.into_request()).await.unwrap();
    });
}

/// Has the gateway authorize something for an order that nobody placed.
fn authorize(dev: &Dev, reference: &str) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (_, gateway) = dev.env.iter().find(|(name, _)| name == "OMS_PAYMENT_GATEWAY_URL").expect("the gateway's address");
    let body = json!({"reference": reference, "amount_minor": 500, "currency": "GBP", "token": "tok_1"}).to_string();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let request = reqwest::Client::new().post(format!("{gateway}/v1/authorizations")).header("idempotency-key", reference);
        request.header("content-type", "application/json").body(body).send().await.unwrap().error_for_status().unwrap();
    });
}

#[test]
fn money_taken_for_an_order_that_nobody_placed_is_found_each_time_and_is_for_a_person() {
    let dev = Dev::start(&["--ephemeral"]);
    place(&dev, "placed-1");
    authorize(&dev, "stranger-1");
    let what = ["the gateway has operations of an order that nobody placed"];
    assert_eq!(found(&books(&dev), "stranger-1"), what);
    let since: Value = serde_json::from_str(&dev.oms(&["doctor", "--reconcile", "-o", "json"]).exits(4).stdout).unwrap();
    assert_eq!((found(&since, "stranger-1"), &since["all"]), (what.map(str::to_owned).into(), &json!(false)));
    for apply in [&[][..], &["--apply"]] {
        let repaired = dev.oms(&[&["repair", "-o", "json"], apply].concat());
        let repaired: Value = serde_json::from_str(&repaired.exits(4).stdout).expect("JSON");
        assert_eq!((steps(&repaired, "stranger-1"), steps(&repaired, "placed-1")), (vec!["person".to_owned()], vec![]));
    }
}

#[test]
fn an_open_order_whose_run_was_deleted_is_found_and_gets_another_and_a_closed_one_is_sound() {
    let dev = Dev::start(&["--ephemeral"]);
    for id in ["ends-1", "open-1", "still-1"] {
        place(&dev, id);
    }
    dev.complete("ends-1");
    dev.ship("open-1");
    for id in ["ends-1", "still-1"] {
        delete_run(&dev, id);
    }
    let before = eventually("the run to be gone", || Some(books(&dev)).filter(|books| !found(books, "still-1").is_empty()));
    assert_eq!(found(&before, "still-1"), ["it is open and has no run"]);
    assert_eq!(found(&before, "ends-1"), [""; 0], "Temporal may forget what is over");
    let said = repair(&dev);
    assert_eq!(steps(&said, "still-1"), ["revive"]);
    ends(&dev);
}
