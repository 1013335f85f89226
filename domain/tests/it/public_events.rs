//! What others are told: each event has what its schema says, each type is told by something, and docs/events.md is printed from the code.

use std::{collections::BTreeSet, fmt::Write as _, fs, path::Path};

use oms_domain::{
    ids::OrderId,
    public_event::{
        Circumstances, EVENT_MAX_BYTES, PublicEvent, PublicType, Said, Subject, example, is_public, of_order, of_return, schema,
    },
    returns,
};
use serde_json::Value;

use crate::{kept, model};

const LIVES: u32 = 1_500;

/// As it would be sent: what is known of an order is not known of a return.
fn told(subject: Subject, said: Said) -> PublicEvent {
    let of_order = |text: &str| matches!(subject, Subject::Order(_)).then(|| text.to_owned());
    let circumstances = Circumstances {
        channel: of_order("web"),
        currency: of_order("GBP"),
        facility_ids: said.fulfillment_order_ids.iter().map(|_| "WH-1".to_owned()).collect(),
        actor_kind: Some("house".into()),
    };
    let at = "2010-12-01T09:05:25Z".parse().unwrap();
    let event = PublicEvent { id: "e".into(), kind: said.kind, subject, sequence: 1, version: 1, at, data: said.data };
    event.under(&circumstances)
}

/// What of JSON Schema these schemas use; the mistakes that were found.
fn mistakes(value: &Value, schema: &Value, at: &str) -> Vec<String> {
    let is = match schema["type"].as_str() {
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("boolean") => value.is_boolean(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        Some(other) => panic!("{other} at {at}"),
        None => schema.get("const").is_none_or(|only| only == value),
    };
    let mut found: Vec<String> = (!is).then(|| format!("{at} is {value}, not {schema}")).into_iter().collect();
    if schema["enum"].as_array().is_some_and(|words| !words.contains(value)) {
        found.push(format!("{at}: {value} is none of {}", schema["enum"]));
    }
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if value.get(name).is_none() {
            found.push(format!("{at} has no {name}: {value}"));
        }
    }
    for (name, child) in schema["properties"].as_object().into_iter().flatten() {
        found.extend(value.get(name).into_iter().flat_map(|value| mistakes(value, child, &format!("{at}/{name}"))));
    }
    for child in value.as_array().into_iter().flatten() {
        found.extend(mistakes(child, &schema["items"], &format!("{at}/-")));
    }
    found
}

fn assert_fits(event: &PublicEvent) {
    let (body, schema) = (event.body(), schema(event.kind));
    assert_eq!(mistakes(&body, &schema, ""), [""; 0], "{}", event.kind.name());
    let known = schema["properties"]["data"]["properties"].as_object().unwrap();
    let unknown: Vec<&String> = event.data.keys().filter(|name| !known.contains_key(*name)).collect();
    assert!(unknown.is_empty(), "{}: {unknown:?}", event.kind.name());
    assert!(body.to_string().len() < EVENT_MAX_BYTES);
}

#[test]
fn whatever_happens_to_an_order_is_told_as_its_schema_says_and_every_type_is_told_by_something() {
    let order_id: OrderId = "A1".parse().unwrap();
    let mut seen = BTreeSet::new();
    for event in model::lived(LIVES).flat_map(|world| world.events()) {
        let said = of_order(&order_id, &event);
        assert_eq!(said.is_some(), is_public(&event));
        let Some(said) = said else { continue };
        assert!(said.kind.kinds_of_order().contains(&event.kind()), "{} is told as {}", event.kind(), said.kind.name());
        let event = told(Subject::Order(order_id.clone()), said);
        assert_fits(&event);
        seen.insert(event.kind);
    }
    let of_orders = PublicType::ALL.iter().filter(|kind| !kind.kinds_of_order().is_empty());
    let unseen: Vec<&str> = of_orders.filter(|kind| !seen.contains(kind)).map(|kind| kind.name()).collect();
    assert!(unseen.is_empty(), "nothing is told as {unseen:?}");
}

#[test]
fn whatever_happens_to_a_return_is_told_as_its_schema_says() {
    let (return_id, order_id) = ("A1-R1".parse().unwrap(), "A1".parse().unwrap());
    let mut seen = BTreeSet::new();
    for line in kept::lines("return_events.jsonl") {
        let event: returns::Event = serde_json::from_str(&line).unwrap();
        let Some(said) = of_return(&return_id, &order_id, &event) else { continue };
        let event = told(Subject::Return(return_id.clone()), said);
        assert_fits(&event);
        seen.insert(event.kind.name());
    }
    let expected = ["attention.raised", "attention.resolved", "return.approved", "return.closed", "return.received", "return.requested"];
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn examples_fit_their_schemas_and_names_are_told_apart() {
    for kind in PublicType::ALL {
        assert_eq!(mistakes(&example(*kind), &schema(*kind), ""), [""; 0], "{}", kind.name());
        assert_eq!(PublicType::named(kind.name()), Some(*kind));
    }
    assert_eq!(PublicType::named("order_placed"), None);
}

fn page() -> String {
    let mut text = include_str!("public_events.md").to_owned();
    text.push_str("\n## Types\n\n| type | what it says |\n| --- | --- |\n");
    for kind in PublicType::ALL {
        let _ = writeln!(text, "| [`{0}`](#{1}) | {2} |", kind.name(), kind.name().replace('.', ""), kind.about());
    }
    for kind in PublicType::ALL {
        let _ = writeln!(text, "\n### {}\n\n{}\n\n| field of `data` | | |\n| --- | --- | --- |", kind.name(), kind.about());
        let (schema, fields) = (schema(*kind), kind.fields());
        for field in fields {
            let found = &schema["properties"]["data"]["properties"][field.name];
            let words = found["enum"].as_array().map(|words| words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("`, `"));
            let words = words.map(|words| format!(": `{words}`")).unwrap_or_default();
            let need = if field.is_optional { "not always" } else { "always" };
            let about = found["description"].as_str().unwrap_or_default();
            let _ = writeln!(text, "| `{}` | {}, {need} | {about}{words} |", field.name, found["type"].as_str().unwrap_or_default());
        }
        let _ = writeln!(text, "\n```json\n{}\n```", serde_json::to_string_pretty(&example(*kind)).unwrap());
    }
    text
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test's own settings, not the rules'")]
fn the_page_of_events_in_the_docs_says_what_the_code_does() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/events.md");
    if std::env::var("UPDATE_DOCS").is_ok() {
        fs::write(&path, page()).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == page(), "docs/events.md is not what the code says: UPDATE_DOCS=1 cargo test -p oms-domain docs");
}
