//! The table itself, as TOML.

use std::{borrow::Cow, collections::BTreeMap};

use serde::Deserialize;

use crate::{
    facility::FacilityBody,
    feed::FeedRecord,
    product::ProductBody,
    stock::{ReceiptRow, StockRow},
};

/// The form of these tables.
const VERSION: u32 = 1;

/// What a foreign file is a feed of. Orders are no flat rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MappedKind {
    Facilities,
    Products,
    Stock,
    Receipts,
}

impl MappedKind {
    /// The kind's word in paths and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Facilities => "facilities",
            Self::Products => "products",
            Self::Stock => "stock",
            Self::Receipts => "receipts",
        }
    }

    /// Columns that must be there, and those that may.
    fn columns(self) -> [&'static [&'static str]; 2] {
        match self {
            Self::Facilities => [FacilityBody::REQUIRED, FacilityBody::OPTIONAL],
            Self::Products => [ProductBody::REQUIRED, ProductBody::OPTIONAL],
            Self::Stock => [StockRow::REQUIRED, StockRow::OPTIONAL],
            Self::Receipts => [ReceiptRow::REQUIRED, ReceiptRow::OPTIONAL],
        }
    }
}

/// A text is no table of columns.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidMapping(String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    version: u32,
    kind: MappedKind,
    #[serde(default = "comma")]
    delimiter: String,
    #[serde(default)]
    decimal: Decimal,
    #[serde(default)]
    encoding: Encoding,
    #[serde(default)]
    skip_lines: u32,
    #[serde(default)]
    columns: BTreeMap<String, Column>,
}

fn comma() -> String {
    ",".to_owned()
}

/// What stands before the fraction of a number; the other of the two may stand between thousands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub(super) enum Decimal {
    #[default]
    #[serde(rename = ".")]
    Point,
    #[serde(rename = ",")]
    Comma,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Encoding {
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    #[serde(rename = "latin1")]
    Latin1,
}

/// What a column of ours is made of.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Column {
    /// The foreign column.
    pub(super) from: Option<String>,
    /// The same in every row.
    pub(super) constant: Option<String>,
    /// Where the foreign cell is empty.
    pub(super) default: Option<String>,
    /// What the foreign words stand for; without an entry a cell is wrong.
    #[serde(default)]
    pub(super) values: BTreeMap<String, String>,
    #[serde(default, rename = "as")]
    pub(super) form: Form,
    /// Of numbers: each of the foreign units is so many of ours.
    pub(super) factor: Option<i64>,
    /// Of money: decimals of the currency.
    pub(super) digits: Option<u32>,
    /// Of times: as strftime has it.
    pub(super) format: Option<String>,
    /// Of times that do not say: where.
    pub(super) timezone: Option<String>,
}

/// How a cell is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Form {
    #[default]
    Text,
    /// A whole number comes out.
    Number,
    /// An amount of money; it comes out in the currency's minor unit.
    Minor,
    /// RFC 3339 comes out.
    Time,
}

/// A table of columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapping {
    kind: MappedKind,
    delimiter: u8,
    pub(super) decimal: Decimal,
    encoding: Encoding,
    skip_lines: u32,
    columns: Vec<(&'static str, Column)>,
}

impl Mapping {
    /// # Errors
    /// When it is no table of columns: the first mistake, with its line where it is one of TOML.
    pub fn parse(text: &str) -> Result<Self, InvalidMapping> {
        let wrong = |why: String| InvalidMapping(why);
        let table: Table = toml::from_str(text).map_err(|error| wrong(error.to_string().trim_end().to_owned()))?;
        if table.version != VERSION {
            return Err(wrong(format!("version {} is not known; it is {VERSION}", table.version)));
        }
        let [delimiter] = table.delimiter.as_bytes() else { return Err(wrong("delimiter: must be one character".to_owned())) };
        let [required, optional] = table.kind.columns();
        let known: Vec<&'static str> = required.iter().chain(optional).copied().collect();
        if let Some(unknown) = table.columns.keys().find(|name| !known.contains(&name.as_str())) {
            let why = format!("columns: {unknown} is not a column of {}; they are {}", table.kind.name(), known.join(", "));
            return Err(wrong(why));
        }
        for (name, column) in &table.columns {
            column.check().map_err(|why| wrong(format!("columns.{name}: {why}")))?;
        }
        if let Some(missing) = required.iter().find(|name| !table.columns.contains_key(**name)) {
            return Err(wrong(format!("columns: {missing} is missing")));
        }
        let mut columns = table.columns;
        // In our own order.
        let columns = known.into_iter().filter_map(|name| Some((name, columns.remove(name)?))).collect();
        let (decimal, encoding, skip_lines) = (table.decimal, table.encoding, table.skip_lines);
        Ok(Self { kind: table.kind, delimiter: *delimiter, decimal, encoding, skip_lines, columns })
    }

    /// What a file is a feed of.
    pub fn kind(&self) -> MappedKind {
        self.kind
    }

    /// Our columns that come out.
    pub fn columns(&self) -> impl Iterator<Item = &'static str> {
        self.columns.iter().map(|(name, _)| *name)
    }

    pub(super) fn table(&self) -> impl Iterator<Item = super::cell::Rule<'_>> {
        self.columns.iter().map(|(name, column)| super::cell::Rule { name, column })
    }

    /// The foreign column of each of ours.
    pub(super) fn sources(&self) -> impl Iterator<Item = Option<&str>> {
        self.columns.iter().map(|(_, column)| column.from.as_deref())
    }

    pub(super) fn delimiter(&self) -> u8 {
        self.delimiter
    }

    pub(super) fn skip_lines(&self) -> u32 {
        self.skip_lines
    }

    /// A cell's bytes as text; what is not UTF-8 where it should be is marked, and refused by the feed.
    pub(super) fn text<'a>(&self, bytes: &'a [u8]) -> Cow<'a, str> {
        match self.encoding {
            Encoding::Utf8 => String::from_utf8_lossy(bytes),
            Encoding::Latin1 => bytes.iter().map(|byte| char::from(*byte)).collect::<String>().into(),
        }
    }
}

impl Column {
    fn check(&self) -> Result<(), &'static str> {
        if self.from.is_none() && self.constant.is_none() && self.default.is_none() {
            return Err("say from, constant or default");
        }
        if self.from.is_some() && self.constant.is_some() {
            return Err("from and constant do not go together");
        }
        match self.form {
            Form::Text | Form::Time if self.factor.is_some() => Err("factor is of numbers"),
            Form::Text | Form::Number | Form::Minor if self.format.is_some() || self.timezone.is_some() => {
                Err("format and timezone are of times: say as = \"time\"")
            }
            Form::Text | Form::Number | Form::Time if self.digits.is_some() => Err("digits are of money: say as = \"minor\""),
            Form::Time if self.format.is_none() => Err("say the format of the times, as in \"%d.%m.%Y %H:%M\""),
            Form::Text | Form::Number | Form::Minor | Form::Time => Ok(()),
        }
    }
}
