//! Reads a JSON tree field by field and keeps every error with its JSON pointer, where serde would stop at the first.
//!
//! A reading function takes a [`Node`] and gives `Some(value)`, or `None` after it has recorded why. Fields are all asked for
//! before the first `?`, so that one bad field hides no other.

mod fields;
mod json;
mod lines;
mod scalars;

use std::{cell::RefCell, collections::BTreeMap};

use serde_json::Value;

use crate::problem::{FieldError, Problem};

pub use fields::{Fields, same_as_path};
pub use lines::units_per_line;
pub use scalars::*;

/// How a body is read that has been chosen by a word of the path.
pub type ReadOnce<T> = Box<dyn FnOnce(&Node<'_>) -> Option<T>>;

/// Most errors that one answer lists; what is beyond is not needed to mend a body.
pub const ERRORS_MAX: usize = 20;
/// A pointer is cut after so many characters: an answer stays small whatever was sent.
const POINTER_MAX_CHARS: usize = 256;
/// A key longer than this is cut in a pointer, so that an answer stays small whatever was sent.
const POINTER_KEY_MAX_CHARS: usize = 64;

/// How the scalars of a tree are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// JSON: a number is a number.
    Json,
    /// CSV cells and query parameters: every scalar is a text.
    Text,
}

/// What was found wrong so far.
#[derive(Debug)]
struct Errors {
    form: Form,
    list: RefCell<Vec<FieldError>>,
}

impl Errors {
    fn push(&self, mut pointer: String, message: String) {
        let mut list = self.list.borrow_mut();
        if list.len() < ERRORS_MAX {
            if let Some((cut, _)) = pointer.char_indices().nth(POINTER_MAX_CHARS) {
                pointer.truncate(cut);
            }
            list.push(FieldError { pointer, message });
        }
    }
}

/// A value of the tree and the way to it.
#[derive(Debug)]
pub struct Node<'a> {
    value: &'a Value,
    step: Step<'a>,
    parent: Option<&'a Node<'a>>,
    errors: &'a Errors,
}

#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    Root,
    Key(&'a str),
    Index(usize),
}

impl Node<'_> {
    /// Records that this value is wrong. Gives `None`, so that a reader can end with it.
    pub fn error<T>(&self, message: impl Into<String>) -> Option<T> {
        self.errors.push(self.pointer(), message.into());
        None
    }

    /// The JSON pointer (RFC 6901) of this value; empty for the whole body.
    fn pointer(&self) -> String {
        let mut pointer = self.parent.map(Node::pointer).unwrap_or_default();
        match self.step {
            Step::Root => {}
            Step::Key(key) => push_key(&mut pointer, key),
            Step::Index(index) => pointer.push_str(&format!("/{index}")),
        }
        pointer
    }

    /// Reads this value by itself: its errors, with pointers from here on, are the caller's to tell, and no fault of what is around it.
    pub fn apart<T>(&self, read: impl FnOnce(&Node<'_>) -> Option<T>) -> Result<T, (Value, Vec<FieldError>)> {
        read_value(self.value, self.errors.form, read).map_err(|errors| (self.value.clone(), errors))
    }

    /// The elements of an array of `1..=most` (or `0..=most`) elements, each by `read`.
    pub fn list<T>(&self, least: usize, most: usize, mut read: impl FnMut(&Node<'_>) -> Option<T>) -> Option<Vec<T>> {
        let Value::Array(values) = self.value else { return self.error("must be an array") };
        if values.len() < least || values.len() > most {
            return self.error(format!("must have {least} to {most} elements, has {}", values.len()));
        }
        let element = |(index, value)| read(&Node { value, step: Step::Index(index), parent: Some(self), errors: self.errors });
        // Every element is read before the first failure counts.
        let read: Vec<Option<T>> = values.iter().enumerate().map(element).collect();
        read.into_iter().collect()
    }

    /// The entries of an object whose names are the caller's own, each of them a name like that of a channel.
    pub fn entries<T>(&self, most: usize, mut read: impl FnMut(&Node<'_>) -> Option<T>) -> Option<BTreeMap<String, T>> {
        let Value::Object(map) = self.value else { return self.error("must be an object") };
        if map.len() > most {
            return self.error(format!("must have at most {most} entries, has {}", map.len()));
        }
        let entry = |(key, value): (&String, &Value)| {
            let entry = Node { value, step: Step::Key(key), parent: Some(self), errors: self.errors };
            let named = Node { value: &Value::String(key.clone()), ..entry };
            Some((scalars::name(&named)?, read(&entry)?))
        };
        let read: Vec<Option<(String, T)>> = map.iter().map(entry).collect();
        read.into_iter().collect()
    }

    /// The fields of an object, by `read`; those it does not ask for are errors.
    pub fn object<T>(&self, read: impl FnOnce(&Fields<'_>) -> Option<T>) -> Option<T> {
        let Value::Object(map) = self.value else { return self.error("must be an object") };
        let fields = Fields::new(self, map);
        let value = read(&fields);
        if fields.refuse_unknown() { value } else { None }
    }
}

impl Node<'_> {
    /// The fields of an object that a machine outside sends, by `read`: those it does not ask for are left alone, since such objects grow
    /// without notice.
    pub fn open_object<T>(&self, read: impl FnOnce(&Fields<'_>) -> Option<T>) -> Option<T> {
        let Value::Object(map) = self.value else { return self.error("must be an object") };
        read(&Fields::new(self, map))
    }
}

fn push_key(pointer: &mut String, key: &str) {
    pointer.push('/');
    for character in key.chars().take(POINTER_KEY_MAX_CHARS) {
        match character {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            other => pointer.push(other),
        }
    }
    if key.chars().nth(POINTER_KEY_MAX_CHARS).is_some() {
        pointer.push('…');
    }
}

/// Reads a JSON body. Errors: `malformed_body` if it is not JSON, else `validation_failed` with every field that is wrong.
pub fn read_json<T>(body: &[u8], read: impl FnOnce(&Node<'_>) -> Option<T>) -> Result<T, Box<Problem>> {
    let errors = Errors { form: Form::Json, list: RefCell::default() };
    let value = json::tree(body, &errors)?;
    read_tree(&value, errors, read).map_err(|errors| Box::new(Problem::validation(errors)))
}

/// Reads a tree that is already there, such as a CSV row. `Err` has at least one error.
pub fn read_value<T>(value: &Value, form: Form, read: impl FnOnce(&Node<'_>) -> Option<T>) -> Result<T, Vec<FieldError>> {
    read_tree(value, Errors { form, list: RefCell::default() }, read)
}

fn read_tree<T>(value: &Value, errors: Errors, read: impl FnOnce(&Node<'_>) -> Option<T>) -> Result<T, Vec<FieldError>> {
    let root = Node { value, step: Step::Root, parent: None, errors: &errors };
    let read = read(&root);
    let mut list = errors.list.into_inner();
    match read {
        Some(value) if list.is_empty() => Ok(value),
        _ => {
            if list.is_empty() {
                // A reader that gave up in silence would otherwise answer with a refusal that names nothing.
                list.push(FieldError { pointer: String::new(), message: "cannot be read".to_owned() });
            }
            Err(list)
        }
    }
}

#[cfg(test)]
mod tests;
