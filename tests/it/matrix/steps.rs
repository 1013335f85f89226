//! What a step is called, and which steps there must be.

use std::{collections::BTreeSet, fs, path::Path};

use anyhow::{Context, Result};
use oms_domain::order::PaymentRequest;
use oms_workflows::contracts::{RecordInput, RecordedEvent, ReturnProgress};
use temporalio_sdk::interceptors::ExecuteActivityInput;

/// How contracts name their activities.
const NAMED: &str = "#[activity(name = \"";

/// An activity, and what it is about: `pay capture`, `record fulfillment_shipped`. The same step in every run of a scenario, however
/// its tasks fall together.
pub type Step = String;

/// The step that an execution is; a record is one for each kind of event that it makes durable, the first being its own.
pub fn of(input: &ExecuteActivityInput) -> Vec<Step> {
    let activity = &input.activity_info().activity_type;
    if let Some(request) = input.args_ref::<PaymentRequest>() {
        return vec![format!("{activity} {}", request.kind.as_str())];
    }
    if let Some(record) = input.args_ref::<RecordInput>() {
        return record.events.iter().map(|event| format!("{activity} {}", about(event))).collect();
    }
    if let Some(record) = input.args_ref::<ReturnProgress>() {
        return record.events.iter().map(|event| format!("{activity} {}", about(event))).collect();
    }
    vec![activity.clone()]
}

/// An operation's event is about its kind of operation, a parcel's about what became of it, the fraud check's about what it says.
fn about(event: &RecordedEvent) -> String {
    let more = ["kind", "action", "verdict"].iter().find_map(|field| event.data.get(field)?.as_str());
    more.map_or_else(|| event.kind.clone(), |more| format!("{} {more}", event.kind))
}

/// The activity of a step.
pub fn activity(step: &str) -> &str {
    step.split_once(' ').map_or(step, |(activity, _)| activity)
}

/// Every activity that the contracts of orders and returns name, read where they are written: one that is added is known here at once.
pub fn in_contracts() -> Result<BTreeSet<String>> {
    let others = &of_the_house()? | &of_bulks()?;
    Ok(named("")?.difference(&others).cloned().collect())
}

/// Those of maintenance, which no order takes.
pub fn of_the_house() -> Result<BTreeSet<String>> {
    named("maintenance")
}

/// Those of bulk operations, likewise.
pub fn of_bulks() -> Result<BTreeSet<String>> {
    named("bulk")
}

fn named(room: &str) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../workflows/src").join(room), &mut found)?;
    Ok(found)
}

fn read(folder: &Path, found: &mut BTreeSet<String>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            read(&path, found)?;
        } else {
            let text = fs::read_to_string(&path)?;
            found.extend(text.split(NAMED).skip(1).filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
        }
    }
    Ok(())
}
