//! `oms dev`: a whole system from one command, used the way its first screen says.

use std::{
    fmt::Write as _,
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};

use crate::run::{Dev, Ran, eventually, pids_in, processes_in, run};

/// The tests that change nothing of the system share one; it ends with the last of them.
fn shared() -> Arc<Dev> {
    static SHARED: Mutex<Weak<Dev>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        let dev = Arc::new(Dev::start(&["--ephemeral"]));
        *shared = Arc::downgrade(&dev);
        dev
    })
}

fn example(dev: &Dev, id: &str, quantity: u32) -> String {
    dev.oms(&["order", "example", "--id", id, "--quantity", &quantity.to_string()]).ok().stdout.clone()
}

fn place(dev: &Dev, id: &str) -> Value {
    dev.oms_with(&["order", "place", "-f", "-", "--wait", "10", "-o", "json"], &example(dev, id, 1)).json()
}

/// POSTs a body as curl does: status and answer.
fn post(dev: &Dev, url: &str, body: &str) -> (u16, Value) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let request = reqwest::Client::new().post(url).header("content-type", "application/json").body(body.to_owned());
        let answer = request.bearer_auth(dev.ready["api_key"].as_str().unwrap()).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    })
}

#[test]
fn the_ready_line_names_every_part() {
    let dev = shared();
    let ready = dev.ready.as_object().unwrap();
    let names: Vec<&str> = ready.keys().map(String::as_str).collect();
    let console = ["console", "console_email", "console_password"];
    assert_eq!(names[..5], ["api", "api_key", console[0], console[1], console[2]]);
    assert_eq!(names[5..], ["database_url", "dynamodb_endpoint", "temporal_address", "temporal_ui"]);
    for name in ["temporal_ui", "temporal_address", "dynamodb_endpoint"] {
        let address = ready[name].as_str().unwrap();
        assert!(TcpStream::connect(address.trim_start_matches("http://")).is_ok(), "{name} {address}");
    }
}

#[test]
fn a_shell_and_the_command_line_find_the_key_of_a_running_system_by_its_address() {
    let dev = shared();
    let (api, key) = (dev.ready["api"].as_str().unwrap(), dev.ready["api_key"].as_str().unwrap());
    assert_eq!(run(&["--api", api, "dev", "env", "-o", "json"]).json(), json!({"api": api, "api_key": key}));
    let lines = run(&["--api", api, "dev", "env"]).ok().stdout.clone();
    assert_eq!(lines, format!("export OMS_API='{api}'\nexport OMS_API_KEY='{key}'\n"));
    run(&["--api", api, "facility", "get", "WH-NORTH"]).ok();
    // By another name it may be another machine: nothing is shown there.
    let other = api.replace("127.0.0.1", "localhost");
    assert!(run(&["--api", &other, "facility", "get", "WH-NORTH"]).exits(4).stderr.contains("A valid API key is needed"));
}

#[test]
fn an_order_goes_from_entry_to_delivered_by_the_command_line() {
    let dev = shared();
    let order = place(&dev, "cli-1");
    assert_eq!(order["status"], "processing", "{order:#}");
    let shown = dev.oms(&["order", "get", "cli-1"]);
    assert!(shown.ok().stdout.starts_with("Order cli-1: processing") && shown.stdout.contains("cli-1-F1"), "{}", shown.stdout);
    dev.complete("cli-1");
    let order = dev.oms(&["order", "get", "cli-1", "-o", "json"]).json();
    assert_eq!(order["totals"]["captured_minor"], order["totals"]["total_minor"]);
    let kinds = dev.oms(&["order", "events", "cli-1", "-o", "jsonl"]).ok().stdout.clone();
    assert!(kinds.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()) && kinds.lines().count() > 5, "{kinds}");
    assert!(dev.oms(&["order", "allocation", "cli-1"]).ok().stdout.contains("NOT CHOSEN"));
    assert!(dev.oms(&["order", "list", "--status", "completed", "-o", "jsonl"]).ok().stdout.contains("\"cli-1\""));
}

#[test]
fn the_same_post_twice_is_one_order_and_another_body_a_conflict() {
    let dev = shared();
    let (url, body) = (format!("{}/v1/orders", dev.ready["api"].as_str().unwrap()), example(&dev, "twice-1", 1));
    assert_eq!(post(&dev, &url, &body).0, 201);
    let (status, again) = post(&dev, &url, &body);
    assert_eq!((status, &again["order_id"]), (200, &json!("twice-1")));
    let other = example(&dev, "twice-1", 2);
    assert_eq!(post(&dev, &url, &other).0, 409);
    let conflict = dev.oms_with(&["order", "place", "-f", "-"], &other);
    assert!(conflict.exits(5).stderr.contains("Another order has this id"), "{}", conflict.stderr);
    // The list follows the order's first step.
    let times = || dev.oms(&["order", "list", "-o", "jsonl"]).ok().stdout.matches("\"order_id\":\"twice-1\"").count();
    assert_eq!(eventually("a listed order", || Some(times()).filter(|times| *times > 0)), 1);
    dev.oms(&["order", "cancel", "twice-1", "--reason", "a test's end"]).ok();
}

#[test]
fn refusals_say_why_and_what_is_possible() {
    let dev = shared();
    assert!(dev.oms(&["order", "get", "nobody-1"]).exits(3).stderr.contains("There is no order with this id"));
    assert!(dev.oms(&["order", "get", ".."]).exits(3).stdout.is_empty());
    let mut order: Value = serde_json::from_str(&example(&dev, "bad-1", 1)).unwrap();
    order["lines"][0]["quantity"] = json!(0);
    order["color"] = json!("red");
    let bad = dev.oms_with(&["order", "place", "-f", "-"], &order.to_string());
    assert!(bad.exits(2).stderr.contains("/lines/0/quantity") && bad.stderr.contains("/color"), "{}", bad.stderr);
    place(&dev, "refused-1");
    let early = dev.oms(&["fulfillment", "deliver", "refused-1-F1"]);
    assert!(early.exits(4).stderr.contains("possible: ") && early.stderr.contains("ship"), "{}", early.stderr);
    dev.oms(&["order", "cancel", "refused-1", "--reason", "a test's end"]).ok();
}

#[test]
fn a_bulk_operation_is_tried_started_followed_and_listed() {
    let dev = shared();
    // Nobody's orders, since all tests share these.
    let hold = ["bulk", "start", "hold", "--id", "cli-bulk", "--reason", "an audit", "--hold-as", "other", "--customer", "nobody-1"];
    let with = |more: &str| dev.oms(&[&hold[..], &[more]].concat());
    assert!(with("--dry-run").ok().stdout.contains("0 orders would be asked"));
    assert!(dev.oms(&["bulk", "get", "cli-bulk"]).exits(3).stderr.contains("There is no bulk operation with this id"));
    let unasked = with("--follow");
    assert!(unasked.exits(2).stderr.contains("--yes starts it unasked"), "{}", unasked.stderr);
    assert!(dev.oms(&[&hold[..], &["--yes", "--follow"]].concat()).ok().stdout.contains("cli-bulk is completed: 0 of 0 orders asked"));
    assert_eq!(dev.oms(&["bulk", "results", "cli-bulk", "-o", "json"]).json()["items"], json!([]));
    assert!(dev.oms(&["bulk", "list", "--status", "completed"]).ok().stdout.contains("cli-bulk"));
    assert!(dev.oms(&["bulk", "list", "--status", "Gone"]).exits(2).stderr.contains("possible values: running"));
    assert!(dev.oms(&["bulk", "pause", "cli-bulk"]).exits(4).stderr.contains("completed"));
    let everything = dev.oms(&["bulk", "start", "cancel", "--reason", "by mistake", "--yes"]);
    assert!(everything.exits(2).stderr.contains("/selection"), "{}", everything.stderr);
}

#[test]
fn an_order_is_watched_to_its_end_opened_and_asked_for_as_it_is() {
    let dev = shared();
    place(&dev, "watched-1");
    // Text for people writes an amount as they do; it is the order's currency that says what it means.
    let refund = |amount: &str| dev.oms(&["order", "refund", "watched-1", "--amount", amount, "--reason", "a gesture"]);
    assert!(refund("0.001").exits(2).stderr.contains("is no amount of GBP"), "{}", refund("0.001").stderr);
    assert!(dev.oms(&["order", "refund", "watched-1", "--reason", "x"]).exits(2).stderr.contains("--amount"));
    dev.oms(&["order", "cancel", "watched-1", "--reason", "a test's end"]).ok();
    // Ends by itself: nothing can change any more.
    assert!(dev.oms(&["order", "get", "watched-1", "--watch", "--every", "1"]).ok().stdout.contains("cancelled"));
    let asked = dev.oms(&["api", "get", "/v1/orders?status=cancelled&limit=1"]).ok().json();
    assert_eq!(asked["items"].as_array().map(Vec::len), Some(1), "{asked}");
    let refused = dev.oms(&["api", "POST", "/v1/orders", "-d", "{}"]);
    assert!(refused.exits(2).stderr.contains("/lines"), "{}", refused.stderr);
    let opened = dev.oms(&["open", "watched-1", "--print", "--temporal-ui", "http://127.0.0.1:1/"]).ok().stdout.clone();
    assert_eq!(opened.trim(), "http://127.0.0.1:1/namespaces/default/workflows/order:watched-1");
    assert!(dev.oms(&["open", "nobodys", "--print"]).exits(3).stdout.is_empty());
}

#[test]
fn events_are_followed_from_a_position_on_and_from_now_on() {
    let dev = shared();
    let now = dev.oms(&["api", "GET", "/v1/events?cursor=end"]).json();
    assert_eq!((&now["items"], &now["has_more"]), (&json!([]), &json!(false)));
    let now = now["next_cursor"].as_str().unwrap().to_owned();
    place(&dev, "tailed-1");
    // Other tests' orders, too.
    let tailed = dev.oms(&["event", "tail", "--after", &now, "--limit", "2", "-o", "jsonl"]).ok().stdout.clone();
    let events: Vec<Value> = tailed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.len(), 2, "{tailed}");
    let next = events[0]["position"].as_str().unwrap();
    let text = dev.oms(&["event", "tail", "--after", next, "--limit", "1"]).ok().stdout.clone();
    assert!(text.starts_with(events[1]["position"].as_str().unwrap()) && text.lines().count() == 1, "{text}");
    assert!(dev.oms(&["event", "tail", "--after", "nowhere", "--limit", "1"]).exits(2).stderr.contains("?cursor"));
}

#[test]
fn a_stock_feed_that_empties_the_shelves_is_parked_with_the_figures_until_somebody_decides() {
    let dev = shared();
    let rows = |row: &dyn Fn(u32) -> String| (0..100).map(row).collect::<String>();
    let head = "sku,title,price_minor,currency,weight_g,length_mm,width_mm,height_mm\n";
    let products = format!("{head}{}", rows(&|n| format!("PARKED-{n},A thing,255,GBP,100,100,80,60\n")));
    dev.oms_with(&["feed", "import", "products", "-"], &products).ok();
    let count = |units: u32| format!("facility_id,sku,on_hand\n{}", rows(&|n| format!("WH-NORTH,PARKED-{n},{units}\n")));
    dev.oms_with(&["feed", "import", "stock", "-", "--picked-units", "not-counted"], &count(10)).ok();
    let parked = dev.oms_with(&["feed", "import", "stock", "-"], &count(0));
    assert!(parked.exits(4).stdout.contains("100 % of them and more than 20 %"), "{}", parked.stdout);
    let feeds = dev.oms(&["feed", "list", "-o", "json"]).json();
    let feed = feeds["items"].as_array().unwrap().iter().find(|feed| feed["status"] == "parked").unwrap();
    let id = feed["feed_id"].as_str().unwrap();
    assert!(parked.stderr.contains(&format!("oms feed approve {id}")), "{}", parked.stderr);
    assert!(dev.oms(&["stock", "get", "PARKED-7"]).ok().stdout.contains("WH-NORTH  10"));
    assert!(dev.oms(&["feed", "approve", id]).ok().stdout.contains("100 accepted"));
    assert!(dev.oms(&["stock", "get", "PARKED-7"]).ok().stdout.contains("WH-NORTH  0"));
    assert!(dev.oms(&["feed", "reject", id]).exits(4).stderr.contains("finished"));
}

#[test]
fn a_feed_with_bad_rows_takes_the_others_and_names_the_bad() {
    let dev = shared();
    let stock = "facility_id,sku,on_hand\nWH-NORTH,22752,7\nWH-NORTH,NO-SUCH-SKU,7\nWH-NORTH,22752,-1\n";
    let ran: Ran = dev.oms_with(&["feed", "import", "stock", "-"], stock);
    assert!(ran.exits(4).stdout.contains("3 rows read, 1 accepted, 0 unchanged, 2 rejected"), "{}", ran.stdout);
    assert!(ran.stdout.contains("unknown_sku") && ran.stderr.contains("oms feed rejects"), "{}{}", ran.stdout, ran.stderr);
    assert!(dev.oms(&["stock", "get", "22752"]).ok().stdout.contains("WH-NORTH  7"));
    assert!(dev.oms(&["feed", "list", "--limit", "5"]).ok().stdout.contains("standard input"));
    let adjusted = dev.oms(&["stock", "adjust", "WH-NORTH", "22752", "--by", "-2", "--reason", "damage", "--id", "a-1"]);
    assert_eq!(adjusted.ok().stdout.trim(), "applied");
    let again = dev.oms(&["stock", "adjust", "WH-NORTH", "22752", "--by", "-2", "--reason", "damage", "--id", "a-1"]);
    assert_eq!(again.ok().stdout.trim(), "duplicate");
    let movements = |more: &[&str]| dev.oms(&[&["stock", "movements", "WH-NORTH", "22752", "-o", "jsonl"], more].concat());
    assert_eq!(movements(&["--limit", "1"]).ok().stdout.lines().count(), 1);
    assert!(movements(&["--all"]).ok().stdout.lines().count() > 1);
    dev.oms(&["stock", "adjust", "WH-NORTH", "NO-SUCH-SKU", "--by", "1", "--reason", "receipt"]).exits(2);
}

#[test]
fn messages_that_are_tried_again_are_named_one_by_one() {
    let dev = shared();
    assert_eq!(dev.oms(&["inbox", "list", "--all", "-o", "json"]).json()["items"], json!([]));
    let retried = dev.oms(&["inbox", "retry", "4711", "4712", "-o", "jsonl"]);
    assert_eq!(retried.exits(3).stdout.matches("\"outcome\":\"not_found\"").count(), 2, "{}", retried.stdout);
    assert!(retried.stderr.contains("2 of 2 messages are not tried again"), "{}", retried.stderr);
}

#[test]
fn every_part_is_found_healthy_and_the_books_agree() {
    let dev = shared();
    // Temporal counts a poller once it has polled.
    let findings = eventually("health", || Some(dev.oms(&["doctor", "-o", "jsonl"])).filter(|findings| findings.code == 0));
    assert_eq!(findings.stdout.lines().filter(|line| line.contains("\"healthy\":true")).count(), 8, "{}", findings.stdout);
    place(&dev, "books-1");
    dev.complete("books-1");
    let figures = dev.oms(&["doctor", "--reconcile", "-o", "json"]).json();
    assert_eq!((&figures["money_mismatches"], &figures["gateway_compared"]), (&json!(0), &json!(true)), "{figures:#}");
}

#[test]
fn kept_data_is_there_again_within_ten_seconds_and_nothing_is_left_behind() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("kept");
    let args = ["--data-dir", kept.to_str().unwrap()];
    let mut first = Dev::start(&args);
    place(&first, "kept-1");
    assert_eq!(first.service.end(Signal::SIGINT).code(), Some(0), "{}", first.service.log());
    assert_eq!(processes_in(&kept), Vec::<String>::new());
    assert!(TcpStream::connect(first.ready["api"].as_str().unwrap().trim_start_matches("http://")).is_err());
    let mut second = Dev::start(&args);
    assert!(second.took < Duration::from_secs(10), "the second start took {:?}", second.took);
    // The order's workflow goes on where it was.
    second.complete("kept-1");
    // Killed without a chance to tidy up, it still takes its servers along.
    second.service.end(Signal::SIGKILL);
    eventually("the end of all servers", || processes_in(&kept).is_empty().then_some(()));
}

#[test]
fn a_part_that_dies_is_started_again_and_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("kept");
    let dev = Dev::start(&["--data-dir", kept.to_str().unwrap()]);
    place(&dev, "survives-1");
    let killed = pids_in(&kept, "temporal");
    assert!(!killed.is_empty(), "{:?}", processes_in(&kept));
    for pid in killed {
        kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    }
    eventually("its restart", || dev.service.log().contains("it was started again on the same data").then_some(()));
    assert!(dev.service.log().contains("Temporal had ended with"), "{}", dev.service.log());
    dev.complete("survives-1");
}

#[test]
fn taken_ports_make_way_for_others() {
    let dev = shared();
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    // The shared system has the well-known ports, or whoever has them leaves neither of the two any.
    let mut other = Dev::start(&["--ephemeral", "--http-addr", &address]);
    for name in ["api", "temporal_address", "dynamodb_endpoint", "temporal_ui", "database_url"] {
        assert_ne!(other.ready[name], dev.ready[name], "{name}");
    }
    assert!(!other.ready["api"].as_str().unwrap().ends_with(&address));
    place(&other, "elsewhere-1");
    assert_eq!(other.service.end(Signal::SIGTERM).code(), Some(0), "{}", other.service.log());
}

#[test]
fn a_worker_is_built_anew_without_dropping_work() {
    const ORDERS: usize = 30;
    let log = [("RUST_LOG".to_owned(), "warn,oms_worker=info".to_owned())];
    let dev = Dev::start_in(&log, &["--ephemeral", "--recycle-after", "50"]);
    let mut orders = String::new();
    for n in 0..ORDERS {
        let order: Value = serde_json::from_str(&example(&dev, &format!("recycled-{n}"), 1)).unwrap();
        writeln!(orders, "{order}").unwrap();
    }
    dev.oms_with(&["feed", "import", "orders", "-"], &orders).ok();
    (0..ORDERS).for_each(|n| dev.complete(&format!("recycled-{n}")));
    let times = dev.service.log().matches("worker is built anew").count();
    assert!(times >= 2, "built anew {times} times");
    let figures = dev.oms(&["doctor", "--reconcile", "-o", "json"]).json();
    assert_eq!(figures["orders"], json!(ORDERS));
}
