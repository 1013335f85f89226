//! A pack bench: units are counted as they are scanned, and only the last one of them is a command to the order.

use std::collections::BTreeMap;

use crate::{
    ids::{LineId, Sku},
    kinds::named,
};

/// Scanned twice in a row, it takes the last count back.
pub const UNDO: &str = "CMD-UNDO";
/// Scanned when all is there and nothing is left to scan: some of it was cancelled, or was not found.
pub const PACK: &str = "CMD-PACK";
/// Answers a customer who wants to cancel, or have it otherwise: the facility lets go of it.
pub const LET_GO: &str = "CMD-LET-GO";
/// The same: it is too late.
pub const KEEP: &str = "CMD-KEEP";
/// Prints the label of what was just packed.
pub const PRINT: &str = "CMD-PRINT";
/// All of them, for the sheet that lies at the bench.
pub const COMMANDS: [&str; 5] = [UNDO, PACK, PRINT, LET_GO, KEEP];

named! {
    /// What came of a scan.
    ScanResult {
        /// One more of what is packed.
        Counted = "counted",
        /// The last one: it is all there.
        Complete = "complete",
        /// Nothing of the kind is packed here.
        WrongItem = "wrong_item",
        /// As many as there should be are counted already.
        TooMany = "too_many",
        /// No product has such a code.
        UnknownCode = "unknown_code",
        /// Once more, and the last count is taken back.
        UndoAsked = "undo_asked",
        Undone = "undone",
        /// There is nothing to take back.
        NothingToUndo = "nothing_to_undo",
        /// It cannot be packed yet: units lack.
        NotAllThere = "not_all_there",
        /// The customer wants to cancel, or have it otherwise: that is answered first.
        Stopped = "stopped",
        /// The facility has let go of what was asked for.
        LetGo = "let_go",
        /// It goes on as it was.
        Kept = "kept",
        /// It was cancelled: what is in the box goes back.
        Cancelled = "cancelled",
        /// It is not being packed.
        NotNow = "not_now",
    }
}

/// Units of a line that are packed together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BenchLine {
    pub line_id: LineId,
    pub sku: Sku,
    pub quantity: u32,
}

impl BenchLine {
    fn lacks(&self, counted: &BTreeMap<LineId, u32>) -> u32 {
        self.quantity.saturating_sub(counted.get(&self.line_id).copied().unwrap_or_default())
    }
}

/// What a code stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scanned {
    Item { sku: Sku, units: u32 },
    Undo,
    Pack,
    Unknown,
}

/// Units that a scan has counted, or taken back.
pub type Units = BTreeMap<LineId, i64>;

/// A scan that was taken: what came of it, and what it counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    pub result: ScanResult,
    pub units: Units,
}

/// What all scans so far have counted of each line.
pub fn counted(before: &[Taken]) -> BTreeMap<LineId, u32> {
    let mut sums = Units::new();
    for (line_id, units) in before.iter().flat_map(|taken| &taken.units) {
        *sums.entry(line_id.clone()).or_default() += units;
    }
    sums.into_iter().filter_map(|(line_id, units)| Some((line_id, u32::try_from(units).ok()?))).collect()
}

/// What comes of a scan, after those before it.
pub fn take(lines: &[BenchLine], before: &[Taken], scanned: &Scanned) -> Taken {
    let nothing = |result| Taken { result, units: Units::new() };
    match scanned {
        Scanned::Unknown => nothing(ScanResult::UnknownCode),
        Scanned::Pack if lacking(lines, &counted(before)) == 0 => nothing(ScanResult::Complete),
        Scanned::Pack => nothing(ScanResult::NotAllThere),
        Scanned::Undo if before.last().map(|last| last.result) != Some(ScanResult::UndoAsked) => nothing(ScanResult::UndoAsked),
        Scanned::Undo => match last_standing(before) {
            Some(last) => Taken { result: ScanResult::Undone, units: last.into_iter().map(|(line_id, units)| (line_id, -units)).collect() },
            None => nothing(ScanResult::NothingToUndo),
        },
        Scanned::Item { sku, .. } if lines.iter().all(|line| line.sku != *sku) => nothing(ScanResult::WrongItem),
        Scanned::Item { sku, units } => count(lines, &counted(before), sku, *units).unwrap_or_else(|| nothing(ScanResult::TooMany)),
    }
}

/// Units that are not counted yet.
fn lacking(lines: &[BenchLine], counted: &BTreeMap<LineId, u32>) -> u32 {
    lines.iter().map(|line| line.lacks(counted)).sum()
}

/// Counts units to the lines that lack them, in their order; None: so many are not lacking.
fn count(lines: &[BenchLine], counted: &BTreeMap<LineId, u32>, sku: &Sku, units: u32) -> Option<Taken> {
    let (mut left, mut taken) = (units, Units::new());
    for line in lines.iter().filter(|line| line.sku == *sku) {
        let here = left.min(line.lacks(counted));
        if here > 0 {
            taken.insert(line.line_id.clone(), i64::from(here));
            left -= here;
        }
    }
    let result = if lacking(lines, counted) == units { ScanResult::Complete } else { ScanResult::Counted };
    (left == 0).then_some(Taken { result, units: taken })
}

/// The units of the last count that nobody has taken back.
fn last_standing(before: &[Taken]) -> Option<Units> {
    let mut standing = Vec::new();
    for taken in before {
        match taken.result {
            ScanResult::Counted | ScanResult::Complete => standing.push(&taken.units),
            ScanResult::Undone => drop(standing.pop()),
            ScanResult::WrongItem | ScanResult::TooMany | ScanResult::UnknownCode | ScanResult::NotAllThere => {}
            ScanResult::UndoAsked | ScanResult::NothingToUndo => {}
            ScanResult::Stopped | ScanResult::LetGo | ScanResult::Kept | ScanResult::Cancelled | ScanResult::NotNow => {}
        }
    }
    standing.last().map(|units| (*units).clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(line_id: &str, sku: &str, quantity: u32) -> BenchLine {
        BenchLine { line_id: line_id.parse().unwrap(), sku: sku.parse().unwrap(), quantity }
    }

    /// Scans one after the other: `A*3` is a code of three units of A.
    fn scans(lines: &[BenchLine], codes: &[&str]) -> (Vec<&'static str>, Vec<u32>) {
        let mut before: Vec<Taken> = Vec::new();
        for code in codes {
            let (sku, units) = code.split_once('*').unwrap_or((code, "1"));
            let scanned = match *code {
                UNDO => Scanned::Undo,
                PACK => Scanned::Pack,
                "?" => Scanned::Unknown,
                _ => Scanned::Item { sku: sku.parse().unwrap(), units: units.parse().unwrap() },
            };
            before.push(take(lines, &before, &scanned));
        }
        let counted = counted(&before);
        let counts = lines.iter().map(|line| counted.get(&line.line_id).copied().unwrap_or_default()).collect();
        (before.iter().map(|taken| taken.result.name()).collect(), counts)
    }

    #[test]
    fn units_are_counted_until_all_are_there_and_nothing_else_is() {
        let lines = [line("1", "A", 2), line("2", "B", 1)];
        let (results, counts) = scans(&lines, &["A", "C", "?", "A", "A", "B"]);
        assert_eq!(results, ["counted", "wrong_item", "unknown_code", "counted", "too_many", "complete"]);
        assert_eq!(counts, [2, 1]);
    }

    #[test]
    fn a_code_of_several_units_fills_the_lines_of_its_product_or_none() {
        let lines = [line("1", "A", 2), line("2", "A", 4)];
        assert_eq!(scans(&lines, &["A", "A*5"]), (vec!["counted", "complete"], vec![2, 4]));
        assert_eq!(scans(&lines, &["A", "A*6"]), (vec!["counted", "too_many"], vec![1, 0]));
    }

    #[test]
    fn what_has_become_less_is_packed_by_a_code_once_all_of_it_is_there() {
        let lines = [line("1", "A", 2)];
        let (results, _) = scans(&lines, &["A", PACK, "A", PACK]);
        assert_eq!(results, ["counted", "not_all_there", "complete", "complete"]);
        let less = [line("1", "A", 1)];
        let before: Vec<Taken> = vec![take(&lines, &[], &Scanned::Item { sku: "A".parse().unwrap(), units: 1 })];
        assert_eq!(take(&less, &before, &Scanned::Pack).result, ScanResult::Complete);
    }

    #[test]
    fn two_scans_of_the_undo_code_take_the_last_count_back_and_one_does_not() {
        let lines = [line("1", "A", 3)];
        assert_eq!(scans(&lines, &["A", "A", UNDO, "A"]).1, [3], "asked, and gone on");
        let (results, counts) = scans(&lines, &["A", "A", UNDO, UNDO, UNDO, UNDO, UNDO, UNDO]);
        assert_eq!(results[2..], ["undo_asked", "undone", "undo_asked", "undone", "undo_asked", "nothing_to_undo"]);
        assert_eq!(counts, [0]);
    }
}
