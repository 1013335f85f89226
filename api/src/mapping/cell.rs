//! One cell: foreign text in, ours out.

use std::fmt;

use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    fmt::strtime,
    tz::TimeZone,
};

use super::table::{Column, Decimal, Form, Mapping};

/// Decimals that are read of a number.
const SCALE: u32 = 9;

/// A cell that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongCell {
    /// Ours.
    pub column: &'static str,
    /// The foreign one, and what stood there.
    pub from: Option<String>,
    pub came: String,
    pub why: String,
}

impl fmt::Display for WrongCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = self.from.as_ref().map(|from| format!(" ({from})")).unwrap_or_default();
        write!(f, "{}: {}{from} {}", self.column, self.came, self.why)
    }
}

/// A column with its name.
#[derive(Clone, Copy)]
pub(super) struct Rule<'a> {
    pub(super) name: &'static str,
    pub(super) column: &'a Column,
}

impl Rule<'_> {
    /// Ours; or what came, and why it cannot be read.
    pub(super) fn read(self, came: Option<&str>, mapping: &Mapping) -> Result<String, (String, WrongCell)> {
        let Column { constant, default, values, .. } = self.column;
        if let Some(constant) = constant {
            return Ok(constant.clone());
        }
        let came = came.unwrap_or_default().trim();
        if came.is_empty() {
            return Ok(default.clone().unwrap_or_default());
        }
        let wrong = |why: String| {
            let mistake = WrongCell { column: self.name, from: self.column.from.clone(), came: came.to_owned(), why };
            (came.to_owned(), mistake)
        };
        let text = match values.get(came) {
            Some(stands_for) => stands_for.as_str(),
            None if values.is_empty() => came,
            None => return Err(wrong("has no entry in values".to_owned())),
        };
        self.formed(text, mapping.decimal).map_err(wrong)
    }

    fn formed(self, text: &str, decimal: Decimal) -> Result<String, String> {
        match self.column.form {
            Form::Text => Ok(text.to_owned()),
            Form::Number => times(text, decimal, self.column.factor.unwrap_or(1)),
            Form::Minor => {
                let per_unit = 10_i64.checked_pow(self.column.digits.unwrap_or(2)).ok_or("has too many digits")?;
                times(text, decimal, per_unit.saturating_mul(self.column.factor.unwrap_or(1)))
            }
            Form::Time => time(text, self.column),
        }
    }
}

/// A number times a factor, as a whole number.
fn times(text: &str, decimal: Decimal, factor: i64) -> Result<String, String> {
    let scaled = scaled(text, decimal).ok_or("is not a number")?;
    let product = scaled.checked_mul(i128::from(factor)).ok_or("is too large")?;
    let unit = 10_i128.pow(SCALE);
    if product % unit != 0 {
        return Err(if factor == 1 { "is not a whole number".to_owned() } else { format!("times {factor} is not a whole number") });
    }
    Ok((product / unit).to_string())
}

/// A number as so many billionths.
fn scaled(text: &str, decimal: Decimal) -> Option<i128> {
    let (point, thousands) = match decimal {
        Decimal::Point => ('.', ','),
        Decimal::Comma => (',', '.'),
    };
    let grouped = |c: char| c == thousands || matches!(c, '\u{a0}' | '\u{202f}' | '\'' | ' ');
    let (sign, digits) = match text.strip_prefix('-').or_else(|| text.strip_suffix('-')) {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once(point).unwrap_or((digits, ""));
    let whole: String = whole.chars().filter(|c| !grouped(*c)).collect();
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() && fraction.is_empty() || !is_number(&whole) || !is_number(fraction) || fraction.len() > SCALE as usize {
        return None;
    }
    let padded = format!("{fraction:0<width$}", width = SCALE as usize);
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    Some(sign * (whole.checked_mul(10_i128.pow(SCALE))? + padded.parse::<i128>().ok()?))
}

/// A time of the column's form; one that does not say where is of the column's place.
fn time(text: &str, column: &Column) -> Result<String, String> {
    let format = column.format.as_deref().unwrap_or_default();
    let parsed = strtime::parse(format, text).map_err(|_| format!("is not a time of the form {format}"))?;
    if let Ok(at) = parsed.to_timestamp() {
        return Ok(at.to_string());
    }
    let zone = column.timezone.as_deref().unwrap_or("UTC");
    let zone = TimeZone::get(zone).map_err(|_| format!("is in {zone}, which is no time zone"))?;
    let civil: DateTime =
        parsed.to_datetime().or_else(|_| parsed.to_date().map(Date::into)).map_err(|_| format!("is not a time of the form {format}"))?;
    let at: Timestamp = zone.to_timestamp(civil).map_err(|_| "is no time there".to_owned())?;
    Ok(at.to_string())
}
