//! Bytes to a JSON tree. serde_json bounds the depth (128); what it would let pass is a key that comes twice.

use std::fmt;

use oms_domain::error::ErrorCode;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::{Errors, push_key};
use crate::problem::Problem;

/// The tree of a body. A key that comes twice is recorded in `errors`: "the last wins" would let one amount hide another.
pub(super) fn tree(body: &[u8], errors: &Errors) -> Result<Value, Box<Problem>> {
    let malformed = |detail: String| Box::new(Problem::new(ErrorCode::MalformedBody).detail(detail));
    let text =
        std::str::from_utf8(body).map_err(|error| malformed(format!("the body is not UTF-8 from byte {} on", error.valid_up_to())))?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let mut pointer = String::new();
    let tree = Tree { pointer: &mut pointer, errors }.deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value));
    tree.map_err(|error| malformed(format!("the body is not JSON: {error}")))
}

struct Tree<'s> {
    pointer: &'s mut String,
    errors: &'s Errors,
}

impl<'de> DeserializeSeed<'de> for Tree<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let (mut values, here) = (Vec::new(), self.pointer.len());
        loop {
            self.pointer.push_str(&format!("/{}", values.len()));
            let element = elements.next_element_seed(Tree { pointer: self.pointer, errors: self.errors })?;
            self.pointer.truncate(here);
            match element {
                Some(value) => values.push(value),
                None => return Ok(Value::Array(values)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let (mut map, here) = (Map::new(), self.pointer.len());
        while let Some(key) = entries.next_key::<String>()? {
            push_key(self.pointer, &key);
            let value = entries.next_value_seed(Tree { pointer: self.pointer, errors: self.errors })?;
            if map.contains_key(&key) {
                self.errors.push(self.pointer.clone(), "comes twice".to_owned());
            }
            self.pointer.truncate(here);
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}
