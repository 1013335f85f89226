//! What identifies an event wherever it is kept or sent: what happened, and where in its timeline, not when. So whoever decides the same
//! again, after a replay or a restore, arrives at the same id.

use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The id of an event of `of` (an order or a return), a UUID of version 8: of its number in the timeline, its kind, and its data without
/// times.
pub fn event_id(of: &str, seq: u64, kind: &str, data: &Value) -> String {
    let mut hasher = Sha256::new();
    put(&mut hasher, of);
    hasher.update(seq.to_be_bytes());
    put_event(&mut hasher, kind, data);
    let digest: [u8; 32] = hasher.finalize().into();
    let mut bytes: [u8; 16] = std::array::from_fn(|n| digest[n]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hex(&bytes);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// A digest of events, by kind and data without times: the same for everybody who has decided the same.
pub fn digest<'a>(events: impl IntoIterator<Item = (&'a str, &'a Value)>) -> String {
    let mut hasher = Sha256::new();
    for (kind, data) in events {
        put_event(&mut hasher, kind, data);
    }
    hex(&hasher.finalize()[..16])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn put_event(hasher: &mut Sha256, kind: &str, data: &Value) {
    put(hasher, kind);
    put_value(hasher, data);
}

/// With its length, so that no two sequences of texts look alike.
fn put(hasher: &mut Sha256, text: &str) {
    hasher.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
    hasher.update(text);
}

/// Canonical: keys in order, and every time left out.
fn put_value(hasher: &mut Sha256, value: &Value) {
    match value {
        Value::Null => hasher.update("n"),
        Value::Bool(flag) => hasher.update(if *flag { "t" } else { "f" }),
        Value::Number(number) => put(hasher, &number.to_string()),
        Value::String(text) if is_time(text) => hasher.update("@"),
        Value::String(text) => {
            hasher.update("s");
            put(hasher, text);
        }
        Value::Array(values) => {
            hasher.update("[");
            values.iter().for_each(|value| put_value(hasher, value));
            hasher.update("]");
        }
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_unstable_by_key(|(name, _)| *name);
            hasher.update("{");
            for (name, value) in fields {
                put(hasher, name);
                put_value(hasher, value);
            }
            hasher.update("}");
        }
    }
}

/// As we write them: `2011-01-05T10:00:00Z`, with or without a fraction.
fn is_time(text: &str) -> bool {
    text.len() >= 20 && text.ends_with('Z') && text.as_bytes().get(10) == Some(&b'T') && text.parse::<Timestamp>().is_ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_has_the_same_id_whenever_it_is_decided_and_however_its_json_is_kept() {
        let one = json!({"type": "hold_placed", "hold_id": "h1", "placed_at": "2011-01-05T10:00:00Z"});
        let two: Value =
            serde_json::from_str(r#"{"placed_at":"2012-01-05T10:00:00.123456Z","hold_id":"h1","type":"hold_placed"}"#).unwrap();
        assert_eq!(event_id("o1", 3, "hold_placed", &one), event_id("o1", 3, "hold_placed", &two));
        assert_eq!(event_id("o1", 3, "hold_placed", &one), "caad194a-fd7c-80a6-a91a-98e9938b2a41");
    }

    #[test]
    fn any_other_event_has_another_id() {
        let data = json!({"hold_id": "h1", "parts": ["a", "b"], "n": 1, "by": null});
        let id = |of: &str, seq, kind: &str, data: &Value| event_id(of, seq, kind, data);
        let known = id("o1", 3, "held", &data);
        let others = [
            json!({"hold_id": "h2", "parts": ["a", "b"], "n": 1, "by": null}),
            json!({"hold_id": "h1", "parts": ["ab"], "n": 1, "by": null}),
            json!({"hold_id": "h1", "parts": ["a", "b"], "n": "1", "by": null}),
            json!({"hold_id": "h1", "parts": ["a", "b"], "n": 1, "by": false}),
            json!({"hold_id": "h1", "parts": ["a", "b"], "n": 1}),
        ];
        assert!(others.iter().all(|other| id("o1", 3, "held", other) != known));
        assert!([id("o2", 3, "held", &data), id("o1", 4, "held", &data), id("o1", 3, "holds", &data)].iter().all(|other| *other != known));
    }

    #[test]
    fn a_digest_is_of_all_events_in_their_order() {
        let (a, b) = (json!({"n": 1}), json!({"n": 2}));
        let both = digest([("x", &a), ("x", &b)]);
        assert_eq!(both, digest([("x", &a), ("x", &b)]));
        assert!([digest([("x", &b), ("x", &a)]), digest([("x", &a)]), digest([])].iter().all(|other| *other != both));
    }
}
