//! Reading TOML so that each mistake is named with its line and column, not just the first.

use std::collections::BTreeSet;
use std::ops::{Range, RangeInclusive};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::RuleMistake;

/// Money and kilometres a rule file may name: products of a few of them stay within 64 bits.
pub(super) const AMOUNTS: RangeInclusive<i64> = 0..=1_000_000_000;
/// Days of transit, or of a horizon: a year.
pub(super) const DAYS: RangeInclusive<i64> = 0..=366;

/// Collects mistakes while tables are read.
pub(super) struct Reader<'t> {
    text: &'t str,
    /// None: any facility may be named.
    facility_ids: Option<&'t BTreeSet<String>>,
    pub(super) mistakes: Vec<RuleMistake>,
}

/// A table and where it stands.
#[derive(Clone, Copy)]
pub(super) struct Section<'a, 't> {
    pub(super) table: &'a DeTable<'t>,
    pub(super) start: usize,
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str, facility_ids: Option<&'t BTreeSet<String>>) -> Self {
        Self { text, facility_ids, mistakes: vec![] }
    }

    /// Notes a mistake at a byte of the file.
    pub(super) fn mistake(&mut self, at: usize, message: impl Into<String>) {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let (line, column) = (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1);
        self.mistakes.push(RuleMistake { line, column, message: message.into() });
    }

    /// The file as a table, with what is wrong in its syntax.
    pub(super) fn document(&mut self) -> Spanned<DeTable<'t>> {
        let (document, errors) = DeTable::parse_recoverable(self.text);
        for error in errors {
            self.mistake(error.span().map_or(0, |span: Range<usize>| span.start), error.message());
        }
        document
    }

    /// Notes each key that is not in the list.
    pub(super) fn only(&mut self, section: Section, known: &[&str]) {
        for key in section.table.keys().filter(|key| !known.contains(&key.get_ref().as_ref())) {
            self.mistake(key.span().start, format!("unknown key `{}`; known here: {}", key.get_ref(), known.join(", ")));
        }
    }

    /// A value that must be there.
    pub(super) fn required<'a>(&mut self, section: Section<'a, 't>, key: &str) -> Option<&'a Spanned<DeValue<'t>>> {
        let value = section.table.get(key);
        if value.is_none() {
            self.mistake(section.start, format!("`{key}` is missing"));
        }
        value
    }

    pub(super) fn text(&mut self, value: Option<&Spanned<DeValue<'t>>>, what: &str) -> Option<String> {
        let value = value?;
        match value.get_ref().as_str() {
            Some(text) if !text.is_empty() => Some(text.to_owned()),
            Some(_) | None => self.wrong(value, what, "a text"),
        }
    }

    pub(super) fn number(&mut self, value: Option<&Spanned<DeValue<'t>>>, what: &str, range: RangeInclusive<i64>) -> Option<i64> {
        let value = value?;
        let number = value.get_ref().as_integer().and_then(|n| i64::from_str_radix(n.as_str(), n.radix()).ok());
        match number {
            Some(number) if range.contains(&number) => Some(number),
            Some(number) => {
                let message = format!("`{what}` must be from {} to {}, not {number}", range.start(), range.end());
                self.mistake(value.span().start, message);
                None
            }
            None => self.wrong(value, what, "a whole number"),
        }
    }

    pub(super) fn flag(&mut self, value: Option<&Spanned<DeValue<'t>>>, what: &str) -> Option<bool> {
        let value = value?;
        value.get_ref().as_bool().or_else(|| self.wrong(value, what, "true or false"))
    }

    /// A list of texts; absent is empty.
    pub(super) fn texts(&mut self, value: Option<&Spanned<DeValue<'t>>>, what: &str) -> Vec<String> {
        let Some(value) = value else { return vec![] };
        match value.get_ref().as_array() {
            Some(array) => array.iter().filter_map(|item| self.text(Some(item), what)).collect(),
            None => {
                self.mistake(value.span().start, format!("`{what}` must be a list of texts"));
                vec![]
            }
        }
    }

    /// A list of facility ids; absent is empty.
    pub(super) fn facilities(&mut self, value: Option<&Spanned<DeValue<'t>>>) -> Vec<String> {
        let items = value.and_then(|value| value.get_ref().as_array());
        for item in items.into_iter().flat_map(|array| array.iter()) {
            let known = |id: &str| self.facility_ids.is_none_or(|ids| ids.contains(id));
            if let Some(id) = item.get_ref().as_str().filter(|id| !known(id)) {
                self.mistake(item.span().start, format!("there is no facility `{id}`"));
            }
        }
        self.texts(value, "facilities")
    }

    pub(super) fn section<'a>(&mut self, value: Option<&'a Spanned<DeValue<'t>>>, what: &str) -> Option<Section<'a, 't>> {
        let value = value?;
        let section = value.get_ref().as_table().map(|table| Section { table, start: value.span().start });
        section.or_else(|| self.wrong(value, what, "a table"))
    }

    /// An array of tables; absent is empty.
    pub(super) fn sections<'a>(&mut self, value: Option<&'a Spanned<DeValue<'t>>>, what: &str) -> Vec<Section<'a, 't>> {
        let Some(value) = value else { return vec![] };
        match value.get_ref().as_array() {
            Some(array) => array.iter().filter_map(|item| self.section(Some(item), what)).collect(),
            None => {
                self.mistake(value.span().start, format!("`{what}` must be an array of tables: write [[{what}]]"));
                vec![]
            }
        }
    }

    fn wrong<T>(&mut self, value: &Spanned<DeValue<'t>>, what: &str, expected: &str) -> Option<T> {
        self.mistake(value.span().start, format!("`{what}` must be {expected}, not this {}", value.get_ref().type_str()));
        None
    }
}
