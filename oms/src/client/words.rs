//! Arguments that several commands read, and how they are read.

use std::{io::Read, path::Path, str::FromStr};

use anyhow::{Context, Result};
use clap::builder::{PossibleValue, PossibleValuesParser};
use oms_domain::{error::ErrorCode, order::HoldReason};
use serde::Serialize;
use serde_json::{Value, json};

use crate::exit::Coded;

/// `LINE=UNITS`, such as `1=3`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Units {
    pub line_id: String,
    pub quantity: u32,
}

impl FromStr for Units {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text} is not LINE=UNITS, such as 1=3");
        let (line_id, quantity) = text.split_once('=').ok_or_else(wrong)?;
        Ok(Self { line_id: line_id.to_owned(), quantity: quantity.parse().map_err(|_| wrong())? })
    }
}

/// One of these, as the API spells them: shown in help, completed by shells, and checked before anything is sent.
pub fn spelled<T: Serialize>(values: &[T]) -> PossibleValuesParser {
    let name = |value: &T| serde_json::to_value(value).ok()?.as_str().map(str::to_owned);
    values.iter().filter_map(name).map(PossibleValue::new).collect::<Vec<_>>().into()
}

/// Why an order is held.
pub fn hold_reason() -> PossibleValuesParser {
    spelled(&HoldReason::NAMED.iter().map(|(_, reason)| *reason).collect::<Vec<_>>())
}

/// A list of `{"line_id", "<quantity>"}`; absent when no line was named.
pub fn units(lines: &[Units], quantity: &str) -> Option<Value> {
    let line = |units: &Units| json!({"line_id": units.line_id, quantity: units.quantity});
    (!lines.is_empty()).then(|| lines.iter().map(line).collect())
}

/// `LINE=UNITS,LINE=UNITS` with `@GRAMS` after it, if the weight is known: one parcel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParcelOf {
    pub lines: Vec<Units>,
    pub weight_g: Option<u32>,
}

impl FromStr for ParcelOf {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (lines, weight_g) = match text.split_once('@') {
            None => (text, None),
            Some((lines, grams)) => (lines, Some(grams.parse().map_err(|_| format!("{grams} is not a weight in grams"))?)),
        };
        Ok(Self { lines: lines.split(',').map(str::parse).collect::<Result<_, _>>()?, weight_g })
    }
}

/// The object without what is null: the API takes absent and null for different things.
pub fn object(value: Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(fields.into_iter().filter(|(_, value)| !value.is_null()).collect()),
        other => other,
    }
}

/// The items of a list that comes whole.
pub fn items(answer: &Value) -> &[Value] {
    answer.get("items").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A file whole, or standard input for `-`.
///
/// # Errors
/// When it cannot be read, or is larger than the API takes.
pub fn read_small(file: &Path) -> Result<Vec<u8>> {
    /// The API's bound; what is larger it refuses, so one byte more is read and no further.
    const MAX_BYTES: u64 = 5 * 1024 * 1024;
    let mut body = Vec::new();
    if file == Path::new("-") {
        std::io::stdin().lock().take(MAX_BYTES + 1).read_to_end(&mut body).context("read standard input")?;
    } else {
        let open = std::fs::File::open(file).map_err(|error| not_readable(file, &error))?;
        open.take(MAX_BYTES + 1).read_to_end(&mut body).map_err(|error| not_readable(file, &error))?;
    }
    Ok(body)
}

/// A text file whole, or standard input for `-`.
///
/// # Errors
/// When it cannot be read, or is not UTF-8.
pub fn read_text(file: &Path) -> Result<String> {
    if file == Path::new("-") {
        return std::io::read_to_string(std::io::stdin().lock()).context("read standard input");
    }
    Ok(std::fs::read_to_string(file).map_err(|error| not_readable(file, &error))?)
}

/// A small JSON file, or standard input for `-`.
///
/// # Errors
/// When it cannot be read, or is not JSON.
pub fn read_json(file: &Path) -> Result<Value> {
    let wrong = |error| Coded::new(ErrorCode::MalformedBody, format!("{} is not JSON: {error}", file.display()));
    Ok(serde_json::from_slice(&read_small(file)?).map_err(wrong)?)
}

/// A file that is not there is a mistake in the command.
pub fn not_readable(file: &Path, error: &std::io::Error) -> Coded {
    Coded::new(ErrorCode::ValidationFailed, format!("{} cannot be read: {error}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_and_parcels_are_read_from_their_short_form() {
        let parcel: ParcelOf = "1=2,a=1@950".parse().unwrap();
        assert_eq!(parcel.weight_g, Some(950));
        assert_eq!(units(&parcel.lines, "quantity").unwrap(), json!([{"line_id": "1", "quantity": 2}, {"line_id": "a", "quantity": 1}]));
        assert!("1".parse::<Units>().is_err() && "1=x".parse::<Units>().is_err() && "1=1@heavy".parse::<ParcelOf>().is_err());
        assert_eq!(units(&[], "quantity"), None);
    }

    #[test]
    fn what_was_not_said_is_not_sent() {
        assert_eq!(object(json!({"reason": "x", "lines": null})), json!({"reason": "x"}));
    }
}
