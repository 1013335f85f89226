//! Builds beside each other, by the commands that an operator gives.

use nix::sys::signal::Signal;

use crate::{
    production::Installation,
    run::{Service, eventually},
};

/// A worker of a build, for the workflows alone.
fn worker_of(installation: &Installation, build_id: &str) -> Service {
    Service::start(&installation.env, &["worker", "--queues", "orders", "--deployment-name", "oms", "--build-id", build_id])
}

#[test]
fn a_build_takes_over_from_another_without_stopping_an_order() {
    let installation = Installation::start();
    installation.oms(&["setup"]).ok();
    let simulators = installation.simulators();
    let activities = Service::start(&installation.env, &["worker", "--queues", "data,relations,payments,fraud,shipping,bulk"]);
    let server = installation.server();
    let mut first = worker_of(&installation, "b1");
    assert!(installation.oms(&["deploy", "status"]).ok().stdout.contains("no build"));
    eventually("a first build", || (installation.oms(&["deploy", "set-current", "b1"]).code == 0).then_some(()));
    installation.import_samples();
    let build_of = |order: &str| {
        let replayed = installation.oms(&["replay", "--order", order, "-o", "jsonl"]);
        replayed.ok().stdout.clone()
    };
    installation.place("d-1");
    assert!(build_of("d-1").contains("\"would_change\":null"), "{}", build_of("d-1"));
    assert!(installation.oms(&["replay", "--build", "b0"]).exits(3).stderr.contains("nothing was replayed"));
    assert!(installation.oms(&["replay", "--order", "d-0"]).exits(3).stderr.contains("d-0 has no run"));

    // The second build takes the new orders; the old one stays where it is.
    let second = worker_of(&installation, "b2");
    assert!(installation.oms(&["deploy", "drain", "b1"]).exits(4).stderr.contains("b1 is current"));
    eventually("a second build", || (installation.oms(&["deploy", "ramp", "b2", "--percent", "50"]).code == 0).then_some(()));
    let status = eventually("its ramp", || Some(installation.oms(&["deploy", "status"])).filter(|ran| ran.stdout.contains("ramping 50 %")));
    assert!(status.stdout.contains("b1"), "{}", status.stdout);
    installation.oms(&["deploy", "set-current", "b2"]).ok();
    installation.place("d-2");
    let open = |build: &str| {
        let builds = installation.oms(&["deploy", "status", "-o", "json"]).json();
        let builds = builds["items"].as_array().unwrap().clone();
        builds.iter().find(|found| found["build_id"] == build).map(|found| found["open_runs"].as_u64().unwrap())
    };
    eventually("an order on each build", || (open("b1") == Some(1) && open("b2") == Some(1)).then_some(()));

    // Drained, the first build can go, and its order goes on.
    let drained = installation.oms(&["deploy", "drain", "--timeout", "60"]);
    assert!(drained.ok().stdout.contains("b2"), "{}", drained.stdout);
    eventually("nothing on the first build", || (open("b1") == Some(0) && open("b2") == Some(2)).then_some(()));
    assert_eq!(first.end(Signal::SIGTERM).code(), Some(0), "{}", first.log());
    for order in ["d-1", "d-2"] {
        assert_eq!(installation.oms(&["fulfillment", "ship", &format!("{order}-F1"), "-o", "json"]).json()["status"], "shipped");
    }
    let replayed = installation.oms(&["replay", "--sample", "10"]);
    assert!(replayed.ok().stdout.contains("Order"), "{}", replayed.stdout);
    installation.stop([server, second, activities, simulators]);
}
