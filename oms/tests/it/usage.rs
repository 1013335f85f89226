//! The words of the command line, and its exit codes where no server is needed.

use std::{io::Read, net::TcpListener, thread};

use clap::{Command, CommandFactory};
use oms::Cli;

use crate::run::{oms, run, run_in};

/// Nobody listens there.
const NOBODY: &str = "http://127.0.0.1:1";

#[test]
fn every_command_explains_itself() {
    let mut text = String::new();
    let mut command = Cli::command().term_width(110);
    // Of a feature that not everybody builds.
    if cfg!(feature = "export") {
        command = command.mut_subcommand("export", |export| export.hide(true));
    }
    command.build();
    explain(&mut command, &mut text);
    insta::assert_snapshot!("help", text);
}

/// What `-h` says. The options that every command has are shown once, and nobody's environment is.
fn explain(command: &mut Command, text: &mut String) {
    let is_program = command.get_bin_name() == Some("oms");
    let mut shown = command.clone().mut_args(|arg| {
        let hidden = arg.is_global_set() && !is_program;
        arg.hide_env_values(true).hide(hidden)
    });
    let help = shown.render_help().to_string();
    let name = command.get_bin_name().unwrap_or(command.get_name()).to_owned();
    let is_verb = command.get_subcommands().all(|verb| verb.get_name() == "help");
    assert!(!is_verb || name.contains("help") || help.contains("Example:"), "{name} has no example");
    text.push_str(&format!("$ {name} -h\n{help}\n"));
    for verb in command.get_subcommands_mut().filter(|verb| !["help", "export"].contains(&verb.get_name())) {
        explain(verb, text);
    }
}

#[test]
fn wrong_usage_exits_with_2_and_says_what_is_possible() {
    let unknown = run(&["order", "fly"]);
    assert!(unknown.exits(2).stderr.contains("unrecognized subcommand 'fly'"), "{}", unknown.stderr);
    assert!(run(&["order", "cancel", "1"]).exits(2).stderr.contains("--reason"));
    assert!(run(&["feed", "import", "pigeons", "x.csv"]).exits(2).stderr.contains("facilities, products, stock, receipts, orders"));
    assert!(
        run(&["worker", "--queues", "pigeons"])
            .exits(2)
            .stderr
            .contains("the queues are orders, data, relations, payments, fraud, shipping, bulk")
    );
    assert!(run(&["--api", "nowhere", "order", "get", "1"]).exits(2).stdout.is_empty());
}

#[test]
fn what_is_not_configured_is_named_with_what_to_do() {
    let worker = run(&["worker"]);
    assert!(worker.exits(2).stderr.contains("OMS_PAYMENT_GATEWAY_URL is not set"), "{}", worker.stderr);
    let setup = run(&["setup"]);
    assert!(setup.exits(2).stderr.contains("set DATABASE_URL, pass --database-url"), "{}", setup.stderr);
}

#[test]
fn a_server_that_is_not_there_is_unavailable() {
    let ran = run(&["order", "--api", NOBODY, "get", "1"]);
    assert!(ran.exits(6).stderr.contains("start everything with `oms dev`"), "{}", ran.stderr);
    let database = [
        ("DATABASE_URL".to_owned(), "postgres://oms:secret@127.0.0.1:1/oms".to_owned()),
        ("OMS_PRIVACY_KEY".to_owned(), "k".repeat(16)),
        ("TEMPORAL_ADDRESS".to_owned(), "127.0.0.1:1".to_owned()),
    ];
    let setup = run_in(&database, &["setup"], "");
    assert!(!setup.exits(6).stderr.contains("secret"), "{}", setup.stderr);
    let guessed = run_in(&database, &["setup", "--privacy-key", "k3y"], "");
    assert!(
        guessed.exits(2).stderr.contains("OMS_PRIVACY_KEY has 3 bytes, and needs 16") && !guessed.stderr.contains("k3y"),
        "{}",
        guessed.stderr
    );
}

#[test]
fn a_lost_answer_names_a_key_only_where_something_may_have_happened_under_it() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let api = format!("http://{}", listener.local_addr().unwrap());
    // Takes each request, and closes on it.
    thread::spawn(move || listener.incoming().flatten().for_each(|mut stream| drop(stream.read(&mut [0; 4096]))));
    let lost = |args: &[&str]| run(&[&["--api", &api], args].concat());
    let paused = lost(&["bulk", "pause", "audit-7"]);
    assert!(paused.exits(7).stderr.contains("bulk pause audit-7 --idempotency-key"), "{}", paused.stderr);
    for unkeyed in [&["bulk", "get", "audit-7"][..], &["stock", "set", "WH-NORTH", "A", "--on-hand", "1"], &["stock", "available", "A"]] {
        let ran = lost(unkeyed);
        assert!(!ran.exits(6).stderr.contains("--idempotency-key"), "{}", ran.stderr);
    }
}

#[test]
fn flags_stand_over_the_environment_and_that_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("oms.toml");
    std::fs::write(&file, "[client]\napi = \"http://127.0.0.1:2\"\n").unwrap();
    let file = ["--config", file.to_str().unwrap()];
    let env = [("OMS_API".to_owned(), "http://127.0.0.1:3".to_owned())];
    let get = |env: &[(String, String)], api: &[&str]| run_in(env, &[&file, &["order"][..], api, &["get", "1"]].concat(), "").stderr;
    assert!(get(&[], &[]).contains("http://127.0.0.1:2/"));
    assert!(get(&env, &[]).contains("http://127.0.0.1:3/"));
    assert!(get(&env, &["--api", "http://127.0.0.1:4"]).contains("http://127.0.0.1:4/"));
}

#[test]
fn a_file_that_is_not_there_is_wrong_usage() {
    assert!(run(&["order", "place", "-f", "/nowhere/order.json"]).exits(2).stderr.contains("/nowhere/order.json cannot be read"));
    assert!(run(&["feed", "import", "stock", "/nowhere/stock.csv"]).exits(2).stderr.contains("/nowhere/stock.csv cannot be read"));
    assert!(run(&["--config", "/nowhere/oms.toml", "order", "get", "1"]).code != 0);
}

#[test]
fn shells_get_their_completion() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(run(&["completion", shell]).ok().stdout.contains("fulfillment"), "{shell}");
    }
}

#[test]
fn output_goes_where_it_belongs_and_a_closed_pipe_is_no_failure() {
    let example = run(&["order", "example", "--id", "e-1"]);
    assert!(example.ok().stderr.is_empty());
    assert_eq!(example.json()["order_id"], "e-1");
    let mut child = oms().args(["rules", "show"]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
