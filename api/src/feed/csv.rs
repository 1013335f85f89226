//! CSV records in bounded memory: `csv-core` works in the buffers it is given, so a record that outgrows them is noticed and skipped.

use std::io::{self, BufRead};

use csv_core::{ReadRecordResult, Reader};

use super::CSV_ROW_MAX_BYTES;

/// Most columns of a row.
const COLUMNS_MAX: usize = 256;

/// The records of a CSV file.
pub(super) struct Records<R> {
    input: R,
    parser: Reader,
    cells: Vec<u8>,
    ends: Vec<usize>,
}

/// A record, as long as the next one is not asked for.
pub(super) enum Record<'a> {
    Cells(Cells<'a>),
    /// Longer than [`CSV_ROW_MAX_BYTES`], or of more than [`COLUMNS_MAX`] columns; with line breaks in its cells or without.
    TooLong {
        lines: bool,
    },
    End,
}

/// The cells of one record, unquoted.
pub(super) struct Cells<'a> {
    bytes: &'a [u8],
    ends: &'a [usize],
}

impl Cells<'_> {
    pub(super) fn count(&self) -> usize {
        self.ends.len()
    }

    /// A cell has line breaks: it is quoted, or a quote before it was never closed.
    pub(super) fn has_lines(&self) -> bool {
        self.bytes.contains(&b'\n')
    }

    /// The cells as texts. Errors: the first cell that is not UTF-8, counted from 1.
    pub(super) fn texts(&self) -> Result<Vec<&str>, usize> {
        let starts = std::iter::once(&0).chain(self.ends);
        let cells = starts.zip(self.ends).map(|(from, to)| std::str::from_utf8(&self.bytes[*from..*to]));
        cells.enumerate().map(|(index, cell)| cell.map_err(|_| index + 1)).collect()
    }
}

impl<R: BufRead> Records<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, parser: Reader::new(), cells: vec![0; CSV_ROW_MAX_BYTES], ends: vec![0; COLUMNS_MAX] }
    }

    /// The next record. Errors are those of the input, and end the file.
    pub(super) fn next(&mut self) -> io::Result<Record<'_>> {
        let (mut bytes, mut ends, mut too_long, mut lines) = (0, 0, false, false);
        loop {
            let input = self.input.fill_buf()?;
            let (result, read, written, ended) = self.parser.read_record(input, &mut self.cells[bytes..], &mut self.ends[ends..]);
            self.input.consume(read);
            (bytes, ends) = (bytes + written, ends + ended);
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    lines |= self.cells[..bytes].contains(&b'\n');
                    (bytes, ends, too_long) = (0, 0, true);
                }
                ReadRecordResult::Record if too_long => return Ok(Record::TooLong { lines }),
                ReadRecordResult::Record => {
                    return Ok(Record::Cells(Cells { bytes: &self.cells[..bytes], ends: &self.ends[..ends] }));
                }
                ReadRecordResult::End => return Ok(Record::End),
            }
        }
    }
}
