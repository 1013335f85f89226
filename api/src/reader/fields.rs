//! The fields of one object, with a note of those asked for.

use std::{cell::RefCell, fmt::Display, str::FromStr};

use serde_json::{Map, Value};

use super::{Node, Step};

/// An object under reading. A field that was never asked for is unknown, and unknown fields are refused.
#[derive(Debug)]
pub struct Fields<'a> {
    node: &'a Node<'a>,
    map: &'a Map<String, Value>,
    asked: RefCell<Vec<&'static str>>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(node: &'a Node<'a>, map: &'a Map<String, Value>) -> Self {
        Self { node, map, asked: RefCell::default() }
    }

    /// A field that must be there.
    pub fn required<T>(&self, name: &'static str, read: impl FnOnce(&Node<'_>) -> Option<T>) -> Option<T> {
        match self.optional(name, read)? {
            Some(value) => Some(value),
            None => self.error(name, "is required"),
        }
    }

    /// A field that may be absent, null or empty, which is the same in JSON as in a cell of CSV: `Some(None)` then, `None` if it is wrong.
    pub fn optional<T>(&self, name: &'static str, read: impl FnOnce(&Node<'_>) -> Option<T>) -> Option<Option<T>> {
        self.asked.borrow_mut().push(name);
        match self.map.get(name) {
            None | Some(Value::Null) => Some(None),
            Some(Value::String(text)) if text.trim().is_empty() => Some(None),
            Some(value) => read(&self.child(name, value)).map(Some),
        }
    }

    /// The id of something new, which the caller may leave to us: `made_up` then.
    pub fn new_id<T: FromStr<Err: Display>>(&self, name: &'static str, made_up: &str) -> Option<T> {
        match self.optional(name, super::parsed)? {
            Some(id) => Some(id),
            None => made_up.parse().ok().or_else(|| self.error(name, "is required")),
        }
    }

    /// Whether the field was sent, and says something.
    pub fn has(&self, name: &str) -> bool {
        self.map.get(name).is_some_and(|value| !value.is_null() && value.as_str().is_none_or(|text| !text.trim().is_empty()))
    }

    /// Records that a field is wrong in the light of others.
    pub fn error<T>(&self, name: &str, message: impl Into<String>) -> Option<T> {
        self.child(name, &Value::Null).error(message)
    }

    fn child<'b>(&'b self, name: &'b str, value: &'b Value) -> Node<'b> {
        Node { value, step: Step::Key(name), parent: Some(self.node), errors: self.node.errors }
    }

    /// Records each field that was not asked for. False if there is one.
    pub(super) fn refuse_unknown(&self) -> bool {
        let asked = self.asked.borrow();
        let mut known = true;
        for name in self.map.keys().filter(|name| !asked.contains(&name.as_str())) {
            known = false;
            self.error::<()>(name, "is not a known field");
        }
        known
    }
}

/// An id that the path has already: the body may repeat it, and may not name another.
pub fn same_as_path<T>(fields: &Fields<'_>, name: &'static str, in_path: &T) -> Option<T>
where
    T: std::str::FromStr<Err: std::fmt::Display> + Clone + PartialEq,
{
    match fields.optional(name, super::parsed::<T>)? {
        Some(other) if other != *in_path => fields.error(name, "must be the one in the path, or absent"),
        Some(_) | None => Some(in_path.clone()),
    }
}
