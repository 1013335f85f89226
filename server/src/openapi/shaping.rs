//! What the derived description cannot say by itself: schemas that stand for themselves, names that mean the same everywhere, and bodies
//! that take no field more.

use std::collections::BTreeSet;

use oms_api::vocabulary;
use serde_json::{Map, Value, json};

/// Machines outside send these, and add fields without notice.
const OPEN: [&str; 2] = ["CarrierEventsBody", "CarrierEventBody"];
const REFERENCE: &str = "#/components/schemas/";

/// The description as it is served.
pub(super) fn shaped(mut document: Value) -> Value {
    let Some(Value::Object(mut schemas)) = document.pointer_mut("/components/schemas").map(Value::take) else { return document };
    let derived = schemas.clone();
    schemas.values_mut().for_each(|schema| merge(schema, &derived));
    leave_ids_out(&mut schemas);
    let asked = asked(&document, &schemas);
    for (name, schema) in &mut schemas {
        describe(name, schema, asked.contains(name));
        if asked.contains(name) && !OPEN.contains(&name.as_str()) {
            close(schema);
        }
    }
    for operation in operations(&mut document) {
        describe_operation(operation, &schemas);
    }
    document["components"]["schemas"] = Value::Object(schemas);
    document
}

fn operations(document: &mut Value) -> impl Iterator<Item = &mut Value> {
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    paths.into_iter().flat_map(|paths| paths.values_mut()).filter_map(Value::as_object_mut).flat_map(|item| item.values_mut())
}

/// One object in place of a composition of objects: a composition cannot say that there is nothing more.
fn merge(schema: &mut Value, known: &Map<String, Value>) {
    match schema {
        Value::Array(parts) => parts.iter_mut().for_each(|part| merge(part, known)),
        Value::Object(map) => {
            map.values_mut().for_each(|child| merge(child, known));
            if let Some(Value::Array(parts)) = map.remove("allOf") {
                map.insert("type".to_owned(), "object".into());
                parts.iter().for_each(|part| absorb(map, part, known));
            }
        }
        _ => {}
    }
}

fn absorb(into: &mut Map<String, Value>, part: &Value, known: &Map<String, Value>) {
    let mut part = referenced(part).and_then(|name| known.get(name)).unwrap_or(part).clone();
    merge(&mut part, known);
    if let Some(Value::Object(properties)) = part.get_mut("properties").map(Value::take) {
        into.entry("properties").or_insert_with(|| json!({})).as_object_mut().into_iter().for_each(|all| all.extend(properties.clone()));
    }
    if let Some(Value::Array(required)) = part.get_mut("required").map(Value::take) {
        into.entry("required").or_insert_with(|| json!([])).as_array_mut().into_iter().for_each(|all| all.extend(required.clone()));
    }
}

/// Placed under an Idempotency-Key, an order needs no id, and what is put at a path has its own there: what shows them has both.
fn leave_ids_out(schemas: &mut Map<String, Value>) {
    for (schema, id) in [("OrderBody", "order_id"), ("FacilityBody", "facility_id"), ("ProductBody", "sku")] {
        let required = schemas.get_mut(schema).and_then(|schema| schema.get_mut("required")).and_then(Value::as_array_mut);
        required.into_iter().for_each(|names| names.retain(|name| name != id));
    }
}

fn referenced(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix(REFERENCE)
}

/// The schemas that bodies of requests are made of.
fn asked(document: &Value, schemas: &Map<String, Value>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let items = document["paths"].as_object().into_iter().flat_map(|paths| paths.values());
    for operation in items.filter_map(Value::as_object).flat_map(|item| item.values()) {
        collect(&operation["requestBody"], schemas, &mut found);
    }
    found
}

fn collect(value: &Value, schemas: &Map<String, Value>, found: &mut BTreeSet<String>) {
    if let Some(name) = referenced(value)
        && found.insert(name.to_owned())
    {
        schemas.get(name).into_iter().for_each(|schema| collect(schema, schemas, found));
    }
    let children: Vec<&Value> = match value {
        Value::Array(all) => all.iter().collect(),
        Value::Object(map) => map.values().collect(),
        _ => Vec::new(),
    };
    children.into_iter().for_each(|child| collect(child, schemas, found));
}

/// Properties by their names. What is only shown keeps its own bounds, but for its words.
fn describe(owner: &str, schema: &mut Value, is_asked: bool) {
    match schema {
        Value::Array(parts) => parts.iter_mut().for_each(|part| describe(owner, part, is_asked)),
        Value::Object(map) => {
            let properties = map.get_mut("properties").and_then(Value::as_object_mut);
            for (name, property) in properties.into_iter().flatten() {
                let means = if is_asked { vocabulary::of(owner, name) } else { vocabulary::special(owner, name) };
                means.into_iter().for_each(|means| apply(property, &means));
            }
            map.values_mut().for_each(|child| describe(owner, child, is_asked));
        }
        _ => {}
    }
}

/// The parameters of an operation by their names; and whether it may be asked without a body.
fn describe_operation(operation: &mut Value, schemas: &Map<String, Value>) {
    let owner = operation["operationId"].as_str().unwrap_or_default().to_owned();
    for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
        let name = parameter["name"].as_str().unwrap_or_default().to_owned();
        let means = vocabulary::of(&owner, &name);
        let schema = &mut parameter["schema"];
        refuse_null(schema);
        means.into_iter().for_each(|means| apply(schema, &means));
    }
    let body = operation.pointer("/requestBody/content/application~1json/schema").and_then(referenced).and_then(|name| schemas.get(name));
    if body.is_some_and(|schema| schema.get("type").is_some() && schema["required"].as_array().is_none_or(Vec::is_empty)) {
        operation["requestBody"]["required"] = false.into();
    }
}

/// A parameter is there or is not: there is no null in a query or a header.
fn refuse_null(schema: &mut Value) {
    let Some(types) = schema["type"].as_array_mut() else { return };
    types.retain(|name| name != "null");
    if let [only] = &types[..] {
        schema["type"] = only.clone();
    }
}

/// Puts what a name means into its schema, as far as that is of such a type.
fn apply(schema: &mut Value, means: &Value) {
    let types = type_names(schema);
    if types.contains(&"array") {
        for bound in ["minItems", "maxItems"] {
            means.get(bound).into_iter().for_each(|value| schema[bound] = value.clone());
        }
        // Named twice is named once.
        schema.as_object_mut().into_iter().for_each(|list| drop(list.remove("uniqueItems")));
        return schema.get_mut("items").into_iter().for_each(|items| apply(items, means));
    }
    let (is_text, is_number) = (types.contains(&"string"), types.contains(&"integer") || types.contains(&"number"));
    let is_nullable = types.contains(&"null");
    for (keyword, value) in means.as_object().into_iter().flatten() {
        let fits = match keyword.as_str() {
            "minimum" | "maximum" | "not" => is_number,
            "maxProperties" | "propertyNames" | "additionalProperties" => types.contains(&"object"),
            "minItems" | "maxItems" => false,
            _ => is_text,
        };
        if !fits {
            continue;
        }
        schema[keyword] = value.clone();
        if keyword == "enum" && is_nullable {
            schema[keyword].as_array_mut().into_iter().for_each(|words| words.push(Value::Null));
        }
    }
    schema.as_object_mut().into_iter().for_each(|map| map.retain(|keyword, value| keyword != "format" || !value.is_null()));
}

fn type_names(schema: &Value) -> Vec<&'static str> {
    let known = ["array", "object", "string", "integer", "number", "null"];
    let is = |name: &&str| match &schema["type"] {
        Value::String(only) => only == name,
        Value::Array(all) => all.iter().any(|one| one == name),
        _ => false,
    };
    known.into_iter().filter(is).collect()
}

/// What need not be there may be null as well.
fn allow_null(map: &mut Map<String, Value>) {
    let required: Vec<String> =
        map.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect();
    let properties = map.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten();
    for (_, property) in properties.filter(|(name, _)| !required.contains(name)) {
        match property.get("type").cloned() {
            Some(Value::String(only)) => property["type"] = json!([only, "null"]),
            None if property.get("$ref").is_some() => *property = json!({"oneOf": [{"type": "null"}, property.take()]}),
            Some(_) | None => continue,
        }
        property.get_mut("enum").and_then(Value::as_array_mut).into_iter().for_each(|words| words.push(Value::Null));
    }
}

/// No field but those that are named.
fn close(schema: &mut Value) {
    match schema {
        Value::Array(parts) => parts.iter_mut().for_each(close),
        Value::Object(map) => {
            for (keyword, child) in map.iter_mut() {
                match keyword.as_str() {
                    "properties" => child.as_object_mut().into_iter().flat_map(|all| all.values_mut()).for_each(close),
                    "items" | "oneOf" | "anyOf" => close(child),
                    _ => {}
                }
            }
            allow_null(map);
            if map.get("type").is_some_and(|kind| kind == "object") && !map.contains_key("additionalProperties") {
                map.insert("additionalProperties".to_owned(), false.into());
            }
        }
        _ => {}
    }
}
