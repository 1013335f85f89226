//! Every store put back, alone, in pairs and all of them, to different minutes of a day on which something went on in each: what the books
//! say before and after `oms repair`, what is named as gone, and that everything comes to its end.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    drill::{books, found, place, steps},
    run::{Dev, Ran, eventually},
};

/// Steps for an order that name something as gone.
type Gone = BTreeMap<String, usize>;

/// A day's data folder: as it was three times, and as it is at last.
struct Day {
    folder: TempDir,
}

impl Day {
    /// `ends-1` is completed in the first part of the day, and `back-1-R1` closed; `fresh-1` and `back-1-R2` come in the second; `open-1` is
    /// shipped in the third. `back-1` has ended before, and nothing becomes of `still-1`.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // PostgreSQL's account must get through, or its data is elsewhere.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711)).unwrap();
        let day = Self { folder };
        day.part("t0", |dev| {
            place_two(dev, "back-1");
            dev.complete("back-1");
            open_return(dev, "back-1-R1");
            ["ends-1", "open-1", "still-1"].iter().for_each(|id| place_released(dev, id));
        });
        assert!(day.now().join("postgres/data").is_dir(), "its data is elsewhere");
        day.part("t1", |dev| {
            dev.complete("ends-1");
            close_return(dev, "back-1-R1");
        });
        day.part("t2", |dev| {
            place_released(dev, "fresh-1");
            open_return(dev, "back-1-R2");
        });
        day.part("last", |dev| drop(dev.ship("open-1")));
        day
    }

    fn now(&self) -> PathBuf {
        self.folder.path().join("now")
    }

    fn start(&self) -> Dev {
        Dev::start(&["--data-dir", self.now().to_str().unwrap()])
    }

    /// Something goes on, and when all is at rest its data is copied under this name.
    fn part(&self, name: &str, goes_on: impl FnOnce(&Dev)) {
        let mut dev = self.start();
        goes_on(&dev);
        eventually("the books to agree", || (books(&dev)["findings"] == json!([])).then_some(()));
        stop(&mut dev);
        copy(&self.now(), &self.folder.path().join(name));
    }

    /// The day's end, with these stores put back.
    fn restored(&self, stores: &[(&str, &str)]) -> Dev {
        put(&self.folder.path().join("last"), &self.now());
        for (store, time) in stores {
            put(&self.folder.path().join(time).join(store), &self.now().join(store));
        }
        self.start()
    }
}

/// A folder and all in it, as it is.
fn copy(from: &Path, to: &Path) {
    let copied = std::process::Command::new("cp").arg("-a").arg(from).arg(to).status().expect("cp");
    assert!(copied.success());
}

fn put(from: &Path, to: &Path) {
    fs::remove_dir_all(to).unwrap();
    copy(from, to);
}

fn stop(dev: &mut Dev) {
    assert_eq!(dev.service.end(Signal::SIGINT).code(), Some(0), "{}", dev.service.log());
}

fn place_two(dev: &Dev, id: &str) {
    let example = dev.oms(&["order", "example", "--id", id, "--quantity", "2"]).ok().stdout.clone();
    dev.oms_with(&["order", "place", "-f", "-", "--wait", "10", "-o", "json"], &example).ok();
}

fn place_released(dev: &Dev, id: &str) {
    place(dev, id);
    let part = format!("{id}-F1");
    eventually("release", || dev.oms(&["fulfillment", "get", &part, "-o", "json"]).stdout.contains("\"ship\"").then_some(()));
}

fn until_return(dev: &Dev, id: &str, status: &str) {
    eventually(status, || (dev.oms(&["return", "get", id, "-o", "json"]).json()["status"] == status).then_some(()));
}

/// The next return of `back-1`, with its label.
fn open_return(dev: &Dev, id: &str) {
    let opened = dev.oms(&["return", "create", "back-1", "--line", "1=1", "--reason", "too small", "-o", "json"]);
    assert_eq!(opened.json()["return_id"], id);
    until_return(dev, id, "label_sent");
}

fn close_return(dev: &Dev, id: &str) {
    dev.oms(&["return", "receive", id, "--facility", "WH-NORTH", "--line", "1=1"]).ok();
    dev.oms(&["return", "inspect", id, "--line", "1=1", "--verdict", "accepted", "--disposition", "restock"]).ok();
    until_return(dev, id, "closed");
}

fn gone(repaired: &Value) -> Gone {
    let mut gone = Gone::new();
    for repair in repaired["repairs"].as_array().unwrap().iter().filter(|repair| repair["step"] == "gone") {
        *gone.entry(repair["order_id"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    gone
}

fn json_of(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", ran.stdout, ran.stderr))
}

/// What is done about it, what is named as gone, and what is left then.
fn repaired(dev: &Dev, stores: &[(&str, &str)], is_gone: &[(&str, usize)], is_left: &[(&str, &str)]) {
    let said = json_of(dev.oms(&["repair", "-o", "json"]).exits(4));
    assert_ne!(said["found"]["findings"], json!([]), "{stores:?}");
    assert_eq!(steps(&said, "still-1"), [""; 0], "{stores:?}");
    let expected: Gone = is_gone.iter().map(|(id, count)| ((*id).to_owned(), *count)).collect();
    assert_eq!(gone(&said), expected, "{stores:?} {:#}", said["repairs"]);
    // Whether PostgreSQL was put back shows where it alone was, and what was put back beside it must be said.
    let flag = if stores.len() > 1 || stores[0].0 == "temporal" { &["--restored"][..] } else { &[] };
    let done = dev.oms(&[&["repair", "--apply", "-o", "json"], flag].concat());
    let done_json = json_of(&done);
    assert_eq!(done.code, if is_left.is_empty() { 0 } else { 4 }, "{stores:?} {done_json:#}");
    let new_epoch = !flag.is_empty() || stores[0].0 == "postgres";
    assert_eq!(done_json["restored"]["epoch"].as_i64() > Some(1), new_epoch, "{stores:?} {done_json:#}");
    let after = books(dev);
    let left: Vec<&Value> = after["findings"].as_array().unwrap().iter().collect();
    assert_eq!(left.len(), is_left.len(), "{stores:?} {done_json:#} {after:#}");
    for (id, what) in is_left {
        assert!(found(&after, id).iter().any(|found| found.contains(what)), "{stores:?} {id} {after:#}");
    }
    for figure in ["oversold_units", "leaked_reservations", "waiting_of_closed_orders", "unit_mismatches"] {
        assert_eq!(after[figure], json!(0), "{stores:?} {figure} {after:#}");
    }
}

/// Ships the order's one fulfillment order unless that has been done, and sees it through.
fn fulfil(dev: &Dev, id: &str) {
    let part = format!("{id}-F1");
    if dev.oms(&["fulfillment", "get", &part, "-o", "json"]).json()["status"] != "shipped" {
        dev.ship(id);
    }
    dev.oms(&["fulfillment", "deliver", &part]).ok();
    eventually("completion", || (dev.status(id) == "completed").then_some(()));
}

/// Everything that was open goes on to its end, once.
fn ends(dev: &Dev, stores: &[(&str, &str)], orders: &[&str]) {
    orders.iter().for_each(|id| fulfil(dev, id));
    close_return(dev, "back-1-R2");
    if dev.oms(&["return", "get", "back-1-R1", "-o", "json"]).json()["status"] != "closed" {
        // What became of it nobody knows any more but its order, which does not pay twice.
        dev.oms(&["return", "cancel", "back-1-R1", "--reason", "it has been here"]).ok();
    }
    for id in orders.iter().chain(&["ends-1"]) {
        let order = dev.oms(&["order", "get", id, "-o", "json"]).json();
        assert_eq!(order["status"], "completed", "{stores:?} {order:#}");
        assert_eq!(order["totals"]["captured_minor"], order["totals"]["total_minor"], "{stores:?} {order:#}");
    }
    eventually("all units of back-1 to be paid back, once", || {
        let order = dev.oms(&["order", "get", "back-1", "-o", "json"]).json();
        (order["totals"]["refunded_minor"] == order["totals"]["captured_minor"]).then_some(())
    });
    let of_others = |books: &Value| books["findings"].as_array().unwrap().iter().all(|finding| finding["what"] == "it has no intake");
    eventually("the books to agree", || of_others(&books(dev)).then_some(()));
}

#[test]
fn whatever_was_restored_to_whichever_minutes_is_brought_together_and_comes_to_its_end() {
    let day = Day::new();
    let (all, without_fresh) = (["open-1", "still-1", "fresh-1"], ["open-1", "still-1"]);
    let no_intake = [("fresh-1", "no intake")];
    // PostgreSQL's events, each order's and each return's.
    let events = [("back-1", 3), ("ends-1", 1), ("fresh-1", 1), ("open-1", 1)];
    let events_but_shipping = [("back-1", 3), ("ends-1", 1), ("fresh-1", 1)];
    type Round<'a> = (&'a [(&'a str, &'a str)], &'a [(&'a str, usize)], &'a [(&'a str, &'a str)], &'a [&'a str]);
    let rounds: [Round<'_>; 7] = [
        (&[("postgres", "t0")], &events, &[], &all),
        (&[("temporal", "t0")], &[], &[], &all),
        (&[("dynamodb", "t0")], &[("fresh-1", 1)], &no_intake, &without_fresh),
        (&[("postgres", "t0"), ("temporal", "t2")], &events, &[], &all),
        (&[("postgres", "t2"), ("dynamodb", "t1")], &[("fresh-1", 1)], &no_intake, &without_fresh),
        (&[("temporal", "t1"), ("dynamodb", "t0")], &[("fresh-1", 1)], &no_intake, &without_fresh),
        // What was shipped last, the gateway alone knows: it is shipped again, and not paid for again.
        (&[("postgres", "t0"), ("temporal", "t1"), ("dynamodb", "t2")], &events_but_shipping, &[("open-1", "gateway")], &all),
    ];
    for (stores, is_gone, is_left, orders) in rounds {
        let mut dev = day.restored(stores);
        repaired(&dev, stores, is_gone, is_left);
        ends(&dev, stores, orders);
        stop(&mut dev);
    }
}
