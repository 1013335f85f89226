//! What a command prints on standard output: a table for people, JSON for programs.

use std::io::Write;

use anyhow::{Context, Result};
use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, presets};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::style;

/// How data is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// The API's answer, indented.
    Json,
    /// The same on one line; of a list, one item a line.
    Jsonl,
}

/// Prints one thing; `text` words it for people, from the type `T` of the API.
pub fn show<T: DeserializeOwned>(format: Format, value: &Value, text: impl FnOnce(&T) -> String) -> Result<()> {
    line(&shown(format, value, text)?)
}

/// One thing as it is printed.
pub fn shown<T: DeserializeOwned>(format: Format, value: &Value, text: impl FnOnce(&T) -> String) -> Result<String> {
    Ok(match format {
        Format::Text => text(&typed(value)?),
        Format::Json => serde_json::to_string_pretty(value)?,
        Format::Jsonl => value.to_string(),
    })
}

/// Prints the items of a list; `next_cursor` is where it goes on, if it does.
pub fn list<T: DeserializeOwned>(
    format: Format,
    items: &[Value],
    next_cursor: Option<&str>,
    text: impl FnOnce(&[T]) -> String,
) -> Result<()> {
    let printed = listed(format, items, next_cursor, text)?;
    // No items are no lines.
    if format != Format::Jsonl || !items.is_empty() {
        line(&printed)?;
    }
    if format == Format::Text && next_cursor.is_some() {
        anstream::eprintln!("{}", style::faint(&format!("the first {}; --all lists the rest, too", items.len())));
    }
    Ok(())
}

/// The items of a list as they are printed.
pub fn listed<T: DeserializeOwned>(
    format: Format,
    items: &[Value],
    next_cursor: Option<&str>,
    text: impl FnOnce(&[T]) -> String,
) -> Result<String> {
    Ok(match format {
        Format::Text => text(&items.iter().map(typed).collect::<Result<Vec<T>>>()?),
        Format::Json => serde_json::to_string_pretty(&serde_json::json!({"items": items, "next_cursor": next_cursor}))?,
        Format::Jsonl => items.iter().map(Value::to_string).collect::<Vec<_>>().join("\n"),
    })
}

fn typed<T: DeserializeOwned>(value: &Value) -> Result<T> {
    T::deserialize(value).context("the server's answer is not what this version of oms understands; -o json shows it as it is")
}

/// Prints a line.
///
/// # Errors
/// When standard output is closed: `println!` would panic then.
pub fn line(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}

/// A table without frames, as wide as it needs to be.
pub fn table<const N: usize>(header: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header);
    for row in rows {
        table.add_row(row);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// So many of something: `1 row`, `2 rows`.
pub fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// What may be done with something in this status, worded for people.
pub fn possible(legal_actions: &[String], status: &str) -> String {
    match legal_actions {
        [] => format!("nothing is to be done while it is {status}"),
        actions => format!("possible: {}", actions.join(", ")),
    }
}

/// What stands for nothing in a table.
pub fn or_dash<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_not_many() {
        assert_eq!([0, 1, 2].map(|count| counted(count, "row")), ["0 rows", "1 row", "2 rows"]);
    }

    #[test]
    fn a_table_is_aligned_and_has_no_frame() {
        let rows = [["536365".to_owned(), "processing".to_owned()], ["1".to_owned(), or_dash::<u32>(None)]];
        assert_eq!(table(["ORDER", "STATUS"], rows), "ORDER   STATUS\n536365  processing\n1       -");
    }
}
