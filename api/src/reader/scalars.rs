//! Readers of scalars, each with its bounds: every message says what would be right.

use std::{collections::BTreeMap, fmt::Display, ops::RangeInclusive, str::FromStr};

use jiff::{Timestamp, civil::Date};
use oms_domain::{
    payment::{GATEWAY_REFERENCE_MAX_CHARS, is_gateway_reference},
    placed::{AMOUNT_MAX_MINOR, QUANTITY_MAX},
};
use serde_json::Value;

use super::{Form, Node};

/// Times of other years are typing errors, and would leave the range of a database column.
const YEARS: RangeInclusive<&str> = "1970"..="2199";

fn string<'a>(node: &Node<'a>) -> Option<&'a str> {
    node.value.as_str().or_else(|| node.error("must be a string"))
}

/// A text of 1 to `max` characters without control characters.
pub fn text(max: usize) -> impl Fn(&Node<'_>) -> Option<String> {
    move |node| {
        let text = string(node)?;
        if text.trim().is_empty() || text.chars().count() > max || text.chars().any(char::is_control) {
            return node.error(format!("must be 1 to {max} characters, none of them a control character"));
        }
        Some(text.to_owned())
    }
}

/// A text of 1 to `max` characters that may have lines and tabs, and no other control characters.
pub fn prose(max: usize) -> impl Fn(&Node<'_>) -> Option<String> {
    move |node| {
        let text = string(node)?;
        let illegal = |c: char| c.is_control() && !matches!(c, '\n' | '\t' | '\r');
        if text.trim().is_empty() || text.chars().count() > max || text.chars().any(illegal) {
            return node.error(format!("must be 1 to {max} characters, without control characters but for line breaks and tabs"));
        }
        Some(text.to_owned())
    }
}

/// A text that its type parses: ids, currencies.
pub fn parsed<T: FromStr<Err: Display>>(node: &Node<'_>) -> Option<T> {
    string(node)?.parse().map_err(|error| node.error::<()>(format!("{error}"))).ok()
}

/// A name made of the characters of an id, such as a channel.
pub fn name(node: &Node<'_>) -> Option<String> {
    let text = string(node)?;
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    if text.len() <= 64 && text.bytes().all(legal) && !text.bytes().all(|b| b == b'.') {
        return Some(text.to_owned());
    }
    node.error("must be 1 to 64 characters out of A-Z a-z 0-9 . _ -, and not dots alone")
}

/// A carrier's name, as people write it.
pub fn carrier_name(node: &Node<'_>) -> Option<String> {
    let text = text(64)(node)?;
    let legal = |c: char| !c.is_ascii_punctuation() || matches!(c, '.' | '_' | '-' | '&' | '+' | '\'' | '/' | '(' | ')');
    let counts = |c: char| !c.is_ascii_punctuation() && !c.is_whitespace();
    if text.chars().all(legal) && text.chars().any(counts) {
        return Some(text.trim().to_owned());
    }
    node.error("must be 1 to 64 letters and digits, with blanks and . _ - & + ' / ( ) between them")
}

/// A carrier's tracking number, as people write it; read into the form in which it is kept.
pub fn tracking_number(node: &Node<'_>) -> Option<String> {
    let number = oms_domain::parcel::tracking_number(&text(64)(node)?);
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'/');
    if number.bytes().all(legal) {
        Some(number)
    } else {
        node.error("must be 1 to 64 letters and digits, blanks, and . _ - / between them")
    }
}

/// A language, and mostly a region, as BCP 47 has it: `en-GB`.
pub fn locale(node: &Node<'_>) -> Option<String> {
    let text = string(node)?;
    let mut parts = text.split('-');
    let language = parts.next().is_some_and(|part| (2..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphabetic()));
    let rest = |part: &str| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    if language && text.len() <= 35 && parts.all(rest) {
        return Some(text.to_owned());
    }
    node.error("must be a language tag, such as en-GB")
}

/// Texts by their names: at most so many, of at most so many characters.
pub fn texts(most: usize, max: usize) -> impl Fn(&Node<'_>) -> Option<BTreeMap<String, String>> {
    move |node| node.entries(most, |entry| text(max)(entry))
}

/// An id that the gateway has given: it goes into the gateway's addresses.
pub fn gateway_reference(node: &Node<'_>) -> Option<String> {
    let id = text(GATEWAY_REFERENCE_MAX_CHARS)(node)?;
    if is_gateway_reference(&id) {
        return Some(id);
    }
    node.error(format!("must be 1 to {GATEWAY_REFERENCE_MAX_CHARS} characters out of A-Z a-z 0-9 . _ : -, the first a letter or a digit"))
}

/// A whole number within a range.
pub fn integer(range: RangeInclusive<i64>) -> impl Fn(&Node<'_>) -> Option<i64> {
    move |node| match whole_number(node) {
        Whole::Number(number) if range.contains(&number) => Some(number),
        Whole::Number(_) | Whole::TooLarge => node.error(format!("must be between {} and {}", range.start(), range.end())),
        Whole::No => node.error("must be a whole number"),
    }
}

enum Whole {
    Number(i64),
    TooLarge,
    No,
}

fn whole_number(node: &Node<'_>) -> Whole {
    match (node.value, node.errors.form) {
        (Value::String(text), Form::Text) => text.trim().parse().map_or(Whole::No, Whole::Number),
        (Value::Number(number), _) if number.is_f64() => match number.as_f64() {
            // 1e30 and 99999999999999999999 are whole, only too large; 1.0 is 1, as JSON has but one kind of number.
            Some(large) if large.abs() >= i64::MAX as f64 => Whole::TooLarge,
            Some(whole) if whole.fract() == 0.0 => Whole::Number(whole as i64),
            Some(_) | None => Whole::No,
        },
        (Value::Number(number), _) => number.as_i64().map_or(Whole::TooLarge, Whole::Number),
        _ => Whole::No,
    }
}

/// Units of a line: 1 to [`QUANTITY_MAX`].
pub fn quantity(node: &Node<'_>) -> Option<u32> {
    u32::try_from(integer(1..=i64::from(QUANTITY_MAX))(node)?).ok()
}

/// An amount in minor units: 0 to [`AMOUNT_MAX_MINOR`].
pub fn amount_minor(node: &Node<'_>) -> Option<i64> {
    integer(0..=AMOUNT_MAX_MINOR)(node)
}

/// A number of degrees within a range.
pub fn degrees(range: RangeInclusive<f64>) -> impl Fn(&Node<'_>) -> Option<f64> {
    move |node| {
        let number = match (node.value, node.errors.form) {
            (Value::String(text), Form::Text) => text.trim().parse().ok(),
            (value, _) => value.as_f64(),
        };
        number
            .filter(|number| range.contains(number))
            .or_else(|| node.error(format!("must be a number between {} and {}", range.start(), range.end())))
    }
}

/// True or false.
pub fn boolean(node: &Node<'_>) -> Option<bool> {
    match (node.value, node.errors.form) {
        (Value::Bool(value), _) => Some(*value),
        (Value::String(text), Form::Text) if text == "true" => Some(true),
        (Value::String(text), Form::Text) if text == "false" => Some(false),
        _ => node.error("must be true or false"),
    }
}

/// An RFC 3339 time between 1970 and 2200.
pub fn timestamp(node: &Node<'_>) -> Option<Timestamp> {
    let text = string(node)?;
    match text.parse() {
        Ok(time) if is_rfc3339(text) && YEARS.contains(&text.get(..4).unwrap_or_default()) => Some(time),
        _ => node.error("must be an RFC 3339 time between 1970 and 2200, such as 2010-12-01T08:26:00Z"),
    }
}

/// The parser behind takes more of ISO 8601 than RFC 3339 does: 20101201T0826Z, a time zone's name in brackets, a 61st second.
fn is_rfc3339(text: &str) -> bool {
    let shaped = |text: &[u8], shape: &[u8]| {
        text.len() == shape.len()
            && text.iter().zip(shape).all(|(c, s)| if *s == b'0' { c.is_ascii_digit() } else { c.eq_ignore_ascii_case(s) })
    };
    let (Some(time), Some(rest)) = (text.as_bytes().get(..19), text.as_bytes().get(19..)) else { return false };
    let digits = rest.iter().skip(1).take_while(|byte| byte.is_ascii_digit()).count();
    let offset = if rest.first() == Some(&b'.') && (1..=9).contains(&digits) { &rest[digits + 1..] } else { rest };
    let signed = shaped(offset, b"+00:00") || shaped(offset, b"-00:00");
    shaped(time, b"0000-00-00T00:00:00") && time[17] < b'6' && (shaped(offset, b"Z") || signed && offset[1..3] < b"24"[..])
}

/// A day between 1970 and 2200.
pub fn date(node: &Node<'_>) -> Option<Date> {
    let text = string(node)?;
    match text.parse::<Date>() {
        Ok(date) if text.len() == 10 && (1970..2200).contains(&date.year()) => Some(date),
        _ => node.error("must be a date between 1970 and 2200, such as 2010-12-24"),
    }
}

/// One of a few words.
pub fn choice<T: Copy>(choices: &[(&str, T)]) -> impl Fn(&Node<'_>) -> Option<T> {
    move |node| {
        let text = string(node)?;
        let found = choices.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        found.or_else(|| {
            let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
            node.error(format!("must be one of {}", words.join(", ")))
        })
    }
}
