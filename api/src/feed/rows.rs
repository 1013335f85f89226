//! A feed's bytes to typed rows: gzip and format are told by the first bytes, and columns found by their names in the header.

use std::{
    io::{self, BufRead, BufReader, Cursor, Read},
    marker::PhantomData,
};

use flate2::read::MultiGzDecoder;
use serde_json::{Map, Value};

use super::{
    CSV_ROW_MAX_BYTES, JSON_LINE_MAX_BYTES,
    csv::{Cells, Record, Records},
    json_lines::{Line, next_line},
};
use crate::{
    problem::{FieldError, Problem},
    reader::{Form, Node, read_json, read_value},
};

/// Most wrong fields that the reason of one rejected row names.
const REASON_ERRORS_MAX: usize = 5;
/// What spreadsheets put between columns in countries that write decimals with a comma, and what copying out of them does.
const OTHER_SEPARATORS: &[(char, &str)] = &[(';', "semicolons"), ('\t', "tabs")];
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// What is looked at to tell the format: a byte order mark, some blank lines and the first character.
const PEEKED_BYTES: u64 = 1024;

/// What a row of a feed is about.
pub trait FeedRecord: Sized {
    /// Columns of a CSV file that must be there. Empty: the record is no flat row, and comes as JSON lines only.
    const REQUIRED: &'static [&'static str];
    /// Columns that may be there as well.
    const OPTIONAL: &'static [&'static str];

    fn read(node: &Node<'_>) -> Option<Self>;
}

/// A row: what it says, or why it says nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Row<T> {
    /// Counted from 1. In a CSV file the first row after the header, in JSON lines the number of the line.
    pub number: u64,
    /// `Err` is `validation_failed: ...`, or `malformed_body: ...`, naming the fields that are wrong.
    pub content: Result<T, String>,
}

/// Why a feed cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the feed cannot be read: {0}")]
    Io(#[from] io::Error),
    #[error("the feed's columns are not the expected ones")]
    Columns(Vec<FieldError>),
    #[error("this feed comes as JSON lines: one object a line")]
    NotJsonLines,
}

/// What the first cell, or the only key, of a line is that says how many rows there are.
const TRAILER: &str = "#rows";
/// Whoever wrote such a file counted otherwise than it was put together: what was meant by it, nobody here knows.
const AFTER_TRAILER: &str = "validation_failed: the row comes after the line that says how many rows there are";
/// A longer line is no trailer.
const JSON_TRAILER_MAX_BYTES: usize = 64;

/// The rows of a feed, in order. An `Err` is the input's own and ends it; rows before it were read whole.
pub struct Rows<T> {
    source: Source,
    number: u64,
    said: Option<u64>,
    ended: bool,
    row: PhantomData<T>,
}

type Input = Box<dyn BufRead + Send>;

enum Source {
    Csv { records: Box<Records<Input>>, header: Vec<String> },
    JsonLines { input: Input, line: Vec<u8> },
}

impl<T: FeedRecord> Rows<T> {
    /// Looks at the first bytes, and at the header of a CSV file.
    pub fn open(input: impl Read + Send + 'static) -> Result<Self, OpenError> {
        let (first, input) = peek(input);
        let (first, input) = if first.starts_with(&GZIP_MAGIC) { peek(MultiGzDecoder::new(input)) } else { (first, input) };
        let source = if looks_like_json(&first) {
            Source::JsonLines { input, line: Vec::new() }
        } else {
            let mut records = Records::new(input);
            let header = header::<T>(&mut records)?;
            Source::Csv { records: Box::new(records), header }
        };
        Ok(Self { source, number: 0, said: None, ended: false, row: PhantomData })
    }

    /// How many rows there are, as the last line says: `#rows,17`, or `{"#rows":17}`. None, before that and where none does.
    pub fn said(&self) -> Option<u64> {
        self.said
    }
}

/// The first bytes, and the input as if they had not been read: also an error among them comes in its place, after what is whole.
fn peek(mut input: impl Read + Send + 'static) -> (Vec<u8>, Input) {
    let mut first = Vec::new();
    let broken = input.by_ref().take(PEEKED_BYTES).read_to_end(&mut first).err();
    let whole = Cursor::new(first.clone()).chain(Broken(broken)).chain(input);
    (first, Box::new(BufReader::with_capacity(64 * 1024, whole)))
}

/// An error that came too early.
struct Broken(Option<io::Error>);

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

fn looks_like_json(first: &[u8]) -> bool {
    let text = first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(first);
    matches!(text.trim_ascii_start().first(), Some(b'{' | b'['))
}

/// The names of the columns. All required ones are there and none that is unknown: otherwise every row would be refused for it.
fn header<T: FeedRecord>(records: &mut Records<Input>) -> Result<Vec<String>, OpenError> {
    if T::REQUIRED.is_empty() {
        return Err(OpenError::NotJsonLines);
    }
    let names: Vec<String> = match records.next()? {
        Record::Cells(cells) => cells.texts().unwrap_or_default().iter().map(|name| name.trim().to_owned()).collect(),
        Record::TooLong { .. } | Record::End => Vec::new(),
    };
    if let [only] = names.as_slice()
        && let Some((_, called)) = OTHER_SEPARATORS.iter().find(|(separator, _)| only.contains(*separator))
    {
        let message = format!("the columns are separated by {called}: save the file with commas between them");
        return Err(OpenError::Columns(vec![FieldError { pointer: "/".to_owned(), message }]));
    }
    let error = |name: &str, message: &str| FieldError { pointer: format!("/{name}"), message: message.to_owned() };
    let missing = T::REQUIRED.iter().filter(|name| !names.iter().any(|known| known == *name));
    let mut errors: Vec<FieldError> = missing.map(|name| error(name, "is a required column")).collect();
    for (index, name) in names.iter().enumerate() {
        if names[..index].contains(name) {
            errors.push(error(name, "is a column twice"));
        } else if !T::REQUIRED.contains(&name.as_str()) && !T::OPTIONAL.contains(&name.as_str()) {
            errors.push(error(name, "is not a known column"));
        }
    }
    if errors.is_empty() { Ok(names) } else { Err(OpenError::Columns(errors)) }
}

impl<T: FeedRecord> Iterator for Rows<T> {
    type Item = io::Result<Row<T>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let content = match &mut self.source {
            Source::Csv { records, header } => next_csv(records, header, &mut self.number, &mut self.said),
            Source::JsonLines { input, line } => next_json(input, line, &mut self.number, &mut self.said),
        };
        let number = self.number;
        // A broken input would repeat its error for ever.
        self.ended = !matches!(content, Ok(Some(_)));
        content.transpose().map(|content| content.map(|content| Row { number, content }))
    }
}

/// The number in a line that says how many rows there are, and nothing else: editors fill it up with empty cells.
fn trailer(cells: &[&str]) -> Option<u64> {
    let [TRAILER, rows, rest @ ..] = cells else { return None };
    if rest.iter().all(|cell| cell.is_empty()) { rows.trim().parse().ok() } else { None }
}

/// Whether a line that says so says it first, or as the first one did.
fn agrees(said: &mut Option<u64>, rows: u64) -> bool {
    *said.get_or_insert(rows) == rows
}

/// No row: it says how many there are, or is as blank as editors leave the lines after that.
fn is_trailing(cells: &Cells<'_>, said: &mut Option<u64>) -> bool {
    let Ok(cells) = cells.texts() else { return false };
    let blank = || cells.iter().all(|cell| cell.trim().is_empty());
    trailer(&cells).is_some_and(|rows| agrees(said, rows)) || said.is_some() && blank()
}

fn next_csv<T: FeedRecord>(
    records: &mut Records<Input>,
    header: &[String],
    number: &mut u64,
    said: &mut Option<u64>,
) -> io::Result<Option<Result<T, String>>> {
    loop {
        match records.next()? {
            Record::End => return Ok(None),
            Record::Cells(cells) if is_trailing(&cells, said) => {}
            record => {
                *number += 1;
                return csv_row(&record, header, *number, said.is_some()).map(Some);
            }
        }
    }
}

/// The row of a record that is there. Errors: no row after it can be told.
fn csv_row<T: FeedRecord>(record: &Record<'_>, header: &[String], number: u64, after_trailer: bool) -> io::Result<Result<T, String>> {
    let Record::Cells(cells) = record else {
        let lines = matches!(record, Record::TooLong { lines: true });
        let too_long = || Err(format!("validation_failed: the row is longer than {CSV_ROW_MAX_BYTES} bytes"));
        return if lines { Err(unclosed(number)) } else { Ok(too_long()) };
    };
    let (has, expected) = (cells.count(), header.len());
    if has != expected && cells.has_lines() {
        return Err(unclosed(number));
    }
    if after_trailer {
        return Ok(Err(AFTER_TRAILER.to_owned()));
    }
    if has != expected {
        return Ok(Err(format!("validation_failed: the row has {has} cells, the header has {expected}")));
    }
    let row = match cells.texts() {
        // An empty cell is an absent field.
        Ok(texts) => header.iter().zip(texts).filter(|(_, cell)| !cell.is_empty()),
        Err(cell) => return Ok(Err(format!("malformed_body: cell {cell} is not UTF-8"))),
    };
    let row: Map<String, Value> = row.map(|(name, cell)| (name.clone(), cell.into())).collect();
    Ok(read_value(&Value::Object(row), Form::Text, T::read).map_err(|errors| reason(&errors)))
}

/// A quote that nobody closes makes one cell of all the lines after it. To go on behind it would pass them over in silence.
fn unclosed(row: u64) -> io::Error {
    let message = format!(
        "a quote that opens in row {row} is not closed there: the lines after it were read as one cell. Double it, or leave it out"
    );
    io::Error::new(io::ErrorKind::InvalidData, message)
}

/// `{"#rows":17}`
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonTrailer {
    #[serde(rename = "#rows")]
    rows: u64,
}

fn json_trailer(text: &[u8]) -> Option<u64> {
    if text.len() > JSON_TRAILER_MAX_BYTES { None } else { serde_json::from_slice::<JsonTrailer>(text).ok().map(|end| end.rows) }
}

fn next_json<T: FeedRecord>(
    input: &mut Input,
    line: &mut Vec<u8>,
    number: &mut u64,
    said: &mut Option<u64>,
) -> io::Result<Option<Result<T, String>>> {
    loop {
        let found = next_line(input, line, JSON_LINE_MAX_BYTES)?;
        *number += 1;
        let text = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line).trim_ascii();
        match found {
            Line::End => return Ok(None),
            Line::TooLong => return Ok(Some(Err(format!("validation_failed: the line is longer than {JSON_LINE_MAX_BYTES} bytes")))),
            Line::Whole if text.is_empty() || json_trailer(text).is_some_and(|rows| agrees(said, rows)) => {}
            Line::Whole if said.is_some() => return Ok(Some(Err(AFTER_TRAILER.to_owned()))),
            Line::Whole => return Ok(Some(read_json(text, T::read).map_err(|problem| problem_reason(&problem)))),
        }
    }
}

fn problem_reason(problem: &Problem) -> String {
    if problem.errors.is_empty() {
        return format!("{}: {}", problem.code.code(), problem.detail.as_deref().unwrap_or(&problem.title));
    }
    reason(&problem.errors)
}

fn reason(errors: &[FieldError]) -> String {
    let mut words: Vec<String> = errors.iter().take(REASON_ERRORS_MAX).map(|e| format!("{} {}", e.pointer, e.message)).collect();
    if errors.len() > REASON_ERRORS_MAX {
        words.push(format!("and {} more", errors.len() - REASON_ERRORS_MAX));
    }
    format!("validation_failed: {}", words.join("; "))
}
