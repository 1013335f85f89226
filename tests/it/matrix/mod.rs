//! The failure matrix, after steno's saga harness: every step of an order's workflow, on every path, fails before its effect, after it,
//! runs twice, is overtaken by a cancellation, and, where it lies outside the house, fails for good. The undos (a void, a refund, the
//! record that releases everything) are steps like any other. After each cell the equations hold, on a real Temporal server.

mod bulk;
mod cell;
mod faults;
mod house;
mod scenarios;
mod steps;
mod table;

use std::{collections::BTreeSet, time::Instant};

use anyhow::{Result, ensure};
use futures_util::{StreamExt, stream};
use oms_domain::policy::{OnLoss, Policy};
use oms_worker::Around;

use self::{
    cell::{Cell, Shops},
    faults::{Fault, Faults},
    scenarios::SCENARIOS,
    table::Table,
};
use crate::support::{Setup, System, run};

/// Cells at work at once.
const AT_ONCE: usize = 8;
/// Cells that wait, most of their time, for the server to take an attempt for dead.
const WAITING_AT_ONCE: usize = 8;

#[test]
fn every_step_fails_and_every_order_is_sound() -> Result<()> {
    run(async {
        let begun = Instant::now();
        let faults = Faults::default();
        let setup = Setup { around: Some(Around::new(faults.clone())), ..Setup::default() };
        let system = System::own(setup).await?;
        // A lost parcel is refunded without a person, so that the refund is a step of its scenario.
        let shops = Shops::open(&system, Policy { on_loss: OnLoss::Refund, ..Policy::default() }).await?;
        let cells = cells(&shops, &faults).await?;
        let table = Table::default();
        let (held, quick): (Vec<_>, Vec<_>) = cells.into_iter().partition(|cell| fault_of(cell) == Some(Fault::RunsTwice));
        tokio::join!(play(held, WAITING_AT_ONCE, &shops, &faults, &table), play(quick, AT_ONCE, &shops, &faults, &table));
        println!("{table}in {:.0} s", begun.elapsed().as_secs_f64());
        table.all_held()?;
        shops.shut().await?;
        system.stop().await
    })
}

fn fault_of(cell: &Cell) -> Option<Fault> {
    cell.fault.as_ref().map(|(_, fault)| *fault)
}

/// Finds the steps of each scenario by playing it undisturbed, and makes a cell of each with each fault. A step that
/// another scenario has reached in the same way is tried there.
async fn cells(shops: &Shops, faults: &Faults) -> Result<Vec<Cell>> {
    let clean = stream::iter(SCENARIOS).map(async |scenario| {
        let outcome = Cell { scenario, fault: None }.play(shops, faults).await;
        outcome.map(|outcome| (scenario, outcome.seen)).map_err(|error| error.context(format!("{}, undisturbed", scenario.name)))
    });
    let clean: Vec<_> = clean.buffered(AT_ONCE).collect::<Vec<_>>().await.into_iter().collect::<Result<_>>()?;
    let reached: BTreeSet<String> = clean.iter().flat_map(|(_, seen)| seen).map(|seen| steps::activity(&seen.step).to_owned()).collect();
    let named = steps::in_contracts()?;
    ensure!(reached == named, "the contracts name {named:?}, the scenarios reach {reached:?}: add a scenario for what is missing");
    let mut ways = BTreeSet::new();
    let mut cells = Vec::new();
    for (scenario, seen) in clean {
        for (n, step) in seen.iter().enumerate() {
            if ways.insert((scenario.token, scenario.screened.is_some(), scenario.in_stock, seen[..=n].to_vec())) {
                cells.extend(Fault::possible_at(step).map(|fault| Cell { scenario, fault: Some((step.step.clone(), fault)) }));
            }
        }
    }
    Ok(cells)
}

async fn play(cells: Vec<Cell>, at_once: usize, shops: &Shops, faults: &Faults, table: &Table) {
    let played = stream::iter(cells).map(async |cell| {
        let outcome = cell.play(shops, faults).await;
        table.enter(&cell, outcome.map(|outcome| outcome.end));
    });
    played.buffer_unordered(at_once).collect::<()>().await;
}
