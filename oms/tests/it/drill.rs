//! Restores, tried: the order store some minutes back, and a run that is gone. What the books say before and after `oms repair`.

use std::{fs, path::Path};

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use temporalio_client::{Connection, ConnectionOptions, Url};
use temporalio_common::protos::temporal::api::{common::v1::WorkflowExecution, workflowservice::v1::DeleteWorkflowExecutionRequest};
use tonic::IntoRequest;

use crate::run::{Dev, eventually};

/// A folder and all in it, as it is.
fn copy(from: &Path, to: &Path) {
    let copied = std::process::Command::new("cp").arg("-a").arg(from).arg(to).status().expect("cp");
    assert!(copied.success());
}

fn place(dev: &Dev, id: &str) {
    let example = dev.oms(&["order", "example", "--id", id, "--quantity", "1"]).ok().stdout.clone();
    dev.oms_with(&["order", "place", "-f", "-", "--wait", "10", "-o", "json"], &example).ok();
}

/// The figures of the reconciler, over everything.
fn books(dev: &Dev) -> Value {
    let ran = dev.oms(&["doctor", "--reconcile", "--all", "-o", "json"]);
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", ran.stdout, ran.stderr))
}

/// What is found of an order.
fn found(books: &Value, order_id: &str) -> Vec<String> {
    let findings = books["findings"].as_array().expect("findings");
    findings.iter().filter(|found| found["order_id"] == order_id).map(|found| found["what"].as_str().unwrap().to_owned()).collect()
}

/// The steps for an order.
fn steps(repaired: &Value, order_id: &str) -> Vec<String> {
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

/// A system whose data folder had an open order and one that was shipped in between; then one of its stores is put back.
fn restored(store: &str, test: impl FnOnce(&Dev)) {
    let folder = tempfile::tempdir().unwrap();
    let (kept, before) = (folder.path().join("kept"), folder.path().join("before"));
    let args = ["--data-dir", kept.to_str().unwrap()];
    let mut dev = Dev::start(&args);
    for id in ["ends-1", "open-1", "still-1"] {
        place(&dev, id);
    }
    assert_eq!(dev.service.end(Signal::SIGINT).code(), Some(0), "{}", dev.service.log());
    copy(&kept, &before);
    let mut dev = Dev::start(&args);
    dev.complete("ends-1");
    dev.ship("open-1");
    assert_eq!(books(&dev)["findings"], json!([]));
    assert_eq!(dev.service.end(Signal::SIGINT).code(), Some(0), "{}", dev.service.log());
    fs::remove_dir_all(kept.join(store)).unwrap();
    copy(&before.join(store), &kept.join(store));
    test(&Dev::start(&args));
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

#[test]
fn documents_that_were_restored_follow_their_events_again() {
    restored("dynamodb", |dev| {
        assert!(found(&books(dev), "ends-1").iter().any(|what| what.contains("the document is at version")));
        let said = repair(dev);
        assert_eq!(steps(&said, "ends-1"), ["rebuild_document"]);
        assert_eq!(steps(&said, "open-1"), ["rebuild_document"]);
        assert_eq!(steps(&said, "still-1"), [""; 0]);
        ends(dev);
    });
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
