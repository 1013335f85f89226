//! What is kept is read for ever. `tests/fixtures/kept` has a record of each kind as it was first written: each is still read, with a
//! field more and with those that it lacks, and each event is written again byte for byte. The files are only ever added to:
//! `UPDATE_KEPT=1 cargo test -p oms-domain kept` adds what has no record yet, and changes nothing that has.

mod samples;
mod spellings;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    fs,
    path::PathBuf,
};

use oms_domain::{
    bulk::{self, Bulk, OrderOutcome, Task},
    change::ChangeSet,
    order::{self, Order, OrderCore},
    placed::PlacedOrder,
    policy::Policy,
    returns::{self, Return},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/kept").join(name)
}

#[expect(clippy::disallowed_methods, reason = "a test's own settings, not the rules'")]
fn updates() -> bool {
    std::env::var("UPDATE_KEPT").is_ok()
}

/// The records of a file, a line each.
pub fn lines(name: &str) -> Vec<String> {
    kept(name)
}

fn kept(name: &str) -> Vec<String> {
    fs::read_to_string(path(name)).unwrap_or_default().lines().map(str::to_owned).collect()
}

/// Adds a record of each kind that has none.
fn add(name: &str, samples: impl FnOnce() -> BTreeMap<String, String>, kind: impl Fn(&Value) -> String) {
    if !updates() {
        return;
    }
    let mut lines = kept(name);
    let known: BTreeSet<String> = lines.iter().map(|line| kind(&serde_json::from_str(line).unwrap())).collect();
    lines.extend(samples().into_iter().filter(|(kind, _)| !known.contains(kind)).map(|(_, line)| line));
    fs::create_dir_all(path("")).unwrap();
    fs::write(path(name), lines.join("\n") + "\n").unwrap();
}

/// A record's fields, rather than the keys of what it lists: those are ids, which have a digit or a capital in these records.
fn is_record(map: &serde_json::Map<String, Value>) -> bool {
    !map.is_empty() && map.keys().all(|key| key.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
}

/// With a field more in each record of it, as a newer release may write.
fn with_more(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut map: serde_json::Map<_, _> = map.iter().map(|(key, value)| (key.clone(), with_more(value))).collect();
            // Where there is one key alone it may name an enum's variant, and nothing stands beside it.
            if is_record(&map) && map.len() > 1 {
                map.insert("of_a_newer_release".to_owned(), json!({"some": ["thing"]}));
            }
            Value::Object(map)
        }
        Value::Array(values) => Value::Array(values.iter().map(with_more).collect()),
        other => other.clone(),
    }
}

/// Without the fields that say nothing, as an older release may have written.
fn with_less(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            Value::Object(map.iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| (key.clone(), with_less(value))).collect())
        }
        Value::Array(values) => Value::Array(values.iter().map(with_less).collect()),
        other => other.clone(),
    }
}

/// Whether everything that `old` says, `new` says too.
fn says(new: &Value, old: &Value) -> bool {
    match (new, old) {
        (Value::Object(new), Value::Object(old)) => old.iter().all(|(key, old)| new.get(key).map_or(old.is_null(), |new| says(new, old))),
        (Value::Array(new), Value::Array(old)) => new.len() == old.len() && new.iter().zip(old).all(|(new, old)| says(new, old)),
        _ => new == old,
    }
}

/// Each record of the file is read as what it says, by this release and beside newer and older ones.
fn is_read<T: Serialize + DeserializeOwned + PartialEq + Debug>(name: &str) -> Vec<(String, T)> {
    let lines = kept(name);
    assert!(!lines.is_empty(), "{name} has no record");
    let read = |line: String| {
        let value: T = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{name}: {error}: {line}"));
        let old: Value = serde_json::from_str(&line).unwrap();
        assert!(says(&serde_json::to_value(&value).unwrap(), &old), "{name}: something is lost of {line}");
        for (what, other) in [("more", with_more(&old)), ("less", with_less(&old))] {
            let again: T = serde_json::from_value(other.clone()).unwrap_or_else(|error| panic!("{name}: {error}: a field {what}: {other}"));
            assert_eq!(again, value, "{name}: a field {what}: {other}");
        }
        (line, value)
    };
    lines.into_iter().map(read).collect()
}

/// The same, and it is written again byte for byte: its digest and its id hang on it.
fn is_written_again<T: Serialize + DeserializeOwned + PartialEq + Debug>(name: &str) -> Vec<T> {
    let read = is_read::<T>(name);
    read.iter().for_each(|(line, value)| assert_eq!(&serde_json::to_string(value).unwrap(), line));
    read.into_iter().map(|(_, value)| value).collect()
}

fn tag(name: &str) -> impl Fn(&Value) -> String {
    move |value| value[name].as_str().unwrap_or_else(|| panic!("no {name}: {value}")).to_owned()
}

#[test]
fn each_kind_of_event_is_written_as_it_was_first() {
    add("order_events.jsonl", samples::order_events, tag("type"));
    add("return_events.jsonl", samples::return_events, tag("type"));
    let orders: BTreeSet<&str> = is_written_again::<order::Event>("order_events.jsonl").iter().map(order::Event::kind).collect();
    assert_eq!(orders, order::Event::KINDS.iter().copied().collect(), "each kind has a record");
    let returns: BTreeSet<&str> = is_written_again::<returns::Event>("return_events.jsonl").iter().map(returns::Event::kind).collect();
    assert_eq!(returns, returns::Event::KINDS.iter().copied().collect(), "each kind has a record");
}

#[test]
fn commands_answers_and_facts_that_travel_are_read() {
    add("order_commands.jsonl", samples::order_commands, samples::kind_of_command);
    add("return_commands.jsonl", samples::return_commands, samples::kind_of_command);
    is_read::<order::Command>("order_commands.jsonl");
    is_read::<returns::Command>("return_commands.jsonl");
}

#[test]
fn documents_are_read() {
    let one = |_: &Value| "one".to_owned();
    add("order.jsonl", || samples::one(&samples::order()), one);
    add("return.jsonl", || samples::one(&samples::a_return()), one);
    add("bulk.jsonl", || samples::one(&samples::bulk()), one);
    add("policy.jsonl", || samples::one(&Policy::default()), one);
    add("core.jsonl", || samples::one(&samples::order().core), one);
    is_read::<Order>("order.jsonl");
    is_read::<OrderCore>("core.jsonl");
    is_read::<Return>("return.jsonl");
    is_read::<Bulk>("bulk.jsonl");
    is_read::<Policy>("policy.jsonl");
}

#[test]
fn what_people_have_asked_for_is_read() {
    add("placed.jsonl", || samples::one(&samples::placed()), |_| "one".to_owned());
    add("change_sets.jsonl", || samples::one(&samples::change_set()), |_| "one".to_owned());
    add("bulk_tasks.jsonl", samples::bulk_tasks, |value| value["operation"]["kind"].to_string());
    add("bulk_outcomes.jsonl", || samples::one(&samples::bulk_outcome()), |_| "one".to_owned());
    is_read::<PlacedOrder>("placed.jsonl");
    is_read::<ChangeSet>("change_sets.jsonl");
    let tasks = is_read::<Task>("bulk_tasks.jsonl");
    assert_eq!(tasks.len(), spellings::variants::<bulk::Operation>(json!({"kind": "?"})).len(), "each kind has a record");
    is_read::<OrderOutcome>("bulk_outcomes.jsonl");
}

#[test]
fn an_empty_policy_is_the_default_one_and_a_newer_one_is_read() {
    assert_eq!(serde_json::from_str::<Policy>("{}").unwrap(), Policy::default());
    let newer = json!({"remorse_ms": 5, "a_setting_of_a_newer_release": 7});
    assert_eq!(serde_json::from_value::<Policy>(newer).unwrap(), Policy { remorse_ms: 5, ..Policy::default() });
}

/// A release beside a newer one, or after a rollback, meets fields that it does not know in all that it reads of the house's own.
#[test]
fn nothing_that_is_kept_or_travels_refuses_what_it_does_not_know() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut folders: Vec<PathBuf> =
        ["domain/src", "workflows/src", "store/src", "activities/src"].iter().map(|room| root.join(room)).collect();
    let mut strict = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            match entry.file_type().unwrap().is_dir() {
                true => folders.push(entry.path()),
                false if fs::read_to_string(entry.path()).unwrap().contains("deny_unknown_fields") => strict.push(entry.path()),
                false => {}
            }
        }
    }
    assert_eq!(strict, Vec::<PathBuf>::new(), "a newer release's field would strand what is kept");
}
