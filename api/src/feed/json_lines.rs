//! Lines of bounded length.

use std::io::{self, BufRead};

/// What `next_line` found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// The buffer holds it, without its end.
    Whole,
    /// Longer than the bound: skipped to its end.
    TooLong,
    End,
}

/// Reads a line into `line`, of which it keeps at most `max` bytes.
pub(super) fn next_line(input: &mut impl BufRead, line: &mut Vec<u8>, max: usize) -> io::Result<Line> {
    line.clear();
    let (mut any, mut too_long) = (false, false);
    loop {
        let chunk = input.fill_buf()?;
        if chunk.is_empty() {
            return Ok(outcome(any, too_long));
        }
        any = true;
        let end = chunk.iter().position(|byte| *byte == b'\n');
        let part = &chunk[..end.unwrap_or(chunk.len())];
        too_long |= line.len() + part.len() > max;
        if !too_long {
            line.extend_from_slice(part);
        }
        let read = end.map_or(chunk.len(), |at| at + 1);
        input.consume(read);
        if end.is_some() {
            return Ok(outcome(any, too_long));
        }
    }
}

fn outcome(any: bool, too_long: bool) -> Line {
    match (any, too_long) {
        (false, _) => Line::End,
        (true, true) => Line::TooLong,
        (true, false) => Line::Whole,
    }
}
