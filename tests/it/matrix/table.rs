//! What became of each cell, as a table: a row for each step, a column for each fault.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, PoisonError},
};

use anyhow::{Result, ensure};

use super::{cell::Cell, faults::Fault};

type Row = (&'static str, String);

/// Filled by many cells at once.
#[derive(Default)]
pub struct Table(Mutex<BTreeMap<Row, BTreeMap<Fault, Result<String>>>>);

impl Table {
    pub fn enter(&self, cell: &Cell, outcome: Result<String>) {
        let Some((step, fault)) = cell.fault.clone() else { return };
        let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rows.entry((cell.scenario.name, step)).or_default().insert(fault, outcome);
    }

    /// # Errors
    /// Names every cell whose equations did not hold.
    pub fn all_held(&self) -> Result<()> {
        let rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let cells = || rows.iter().flat_map(|((scenario, step), cells)| cells.iter().map(move |cell| (scenario, step, cell)));
        let failed = cells().filter_map(|(scenario, step, (fault, outcome))| {
            let error = outcome.as_ref().err()?;
            Some(format!("{scenario} / {step} / {}: {error:#}", fault.name()))
        });
        let failed: Vec<_> = failed.collect();
        ensure!(failed.is_empty(), "{} of {} cells do not hold:\n{}", failed.len(), cells().count(), failed.join("\n"));
        Ok(())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let cell = |outcome: Option<&Result<String>>| match outcome {
            Some(Ok(end)) => end.clone(),
            Some(Err(_)) => "DOES NOT HOLD".to_owned(),
            None => "-".to_owned(),
        };
        let columns = Fault::ALL.map(Fault::name).join(" | ");
        writeln!(f, "| scenario | step | {columns} |\n| --- | --- {}|", "| --- ".repeat(Fault::ALL.len()))?;
        for ((scenario, step), cells) in &*rows {
            let ends = Fault::ALL.map(|fault| cell(cells.get(&fault))).join(" | ");
            writeln!(f, "| {scenario} | {step} | {ends} |")?;
        }
        write!(f, "{} cells ", rows.values().map(BTreeMap::len).sum::<usize>())
    }
}
