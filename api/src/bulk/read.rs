//! Reads the body of a bulk operation.

use oms_domain::{
    bulk::{Operation, Task},
    ids::BulkId,
    order::HoldReason,
};

use crate::reader::{Fields, Node, boolean, choice, integer, parsed, text, timestamp};

/// Orders a second, unless said and at most.
const PACE: (u32, i64) = (20, 1_000);

/// A bulk operation as it was asked for, its selection of whatever kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedBulk<S> {
    pub task: Task,
    pub selection: S,
    pub dry_run: bool,
    pub orders_per_second: u32,
}

#[derive(Clone, Copy)]
enum Kind {
    Cancel,
    Hold,
    Release,
    Move,
}

const KINDS: &[(&str, Kind)] = &[("cancel", Kind::Cancel), ("hold", Kind::Hold), ("release", Kind::Release), ("move", Kind::Move)];

/// Reads the body; `selection` reads the conditions, as those of a list, and `made_up` is its id, if it has none of its own.
pub fn read_bulk<S: Default + PartialEq>(
    node: &Node<'_>,
    made_up: &str,
    selection: impl FnOnce(&Fields<'_>) -> Option<S>,
) -> Option<AskedBulk<S>> {
    node.object(|fields| {
        let bulk_id: Option<BulkId> = fields.new_id("bulk_id", made_up);
        let operation = fields.required("operation", |node| node.object(|fields| operation(fields, bulk_id.as_ref())));
        let reason = fields.required("reason", text(200));
        let selection = fields.optional("selection", |node| node.object(selection));
        let dry_run = fields.optional("dry_run", boolean);
        let pace = fields.optional("orders_per_second", integer(1..=PACE.1));
        let (operation, selection) = (operation?, selection?.unwrap_or_default());
        if selection == S::default() && !matches!(operation, Operation::Move { .. } | Operation::ReleaseFor { .. }) {
            return fields.error("selection", "must name at least one condition, such as status or sku");
        }
        Some(AskedBulk {
            task: Task { bulk_id: bulk_id?, operation, reason: reason? },
            selection,
            dry_run: dry_run?.unwrap_or(false),
            orders_per_second: pace?.and_then(|pace| u32::try_from(pace).ok()).unwrap_or(PACE.0),
        })
    })
}

fn operation(fields: &Fields<'_>, bulk_id: Option<&BulkId>) -> Option<Operation> {
    match fields.required("kind", choice(KINDS))? {
        Kind::Cancel => Some(Operation::Cancel),
        Kind::Hold => {
            let hold_id = fields.optional("hold_id", parsed);
            let reason = fields.required("hold_reason", choice(HoldReason::NAMED));
            let expires_at = fields.optional("expires_at", timestamp);
            let hold_id = hold_id?.or_else(|| bulk_id.map(BulkId::hold_id));
            Some(Operation::Hold { reason: reason?, expires_at: expires_at?, hold_id: hold_id? })
        }
        Kind::Release => {
            let (hold_id, reason) = (fields.optional("hold_id", parsed), fields.optional("hold_reason", choice(HoldReason::NAMED)));
            match (hold_id?, reason?) {
                (Some(hold_id), None) => Some(Operation::Release { hold_id }),
                (None, Some(reason)) => Some(Operation::ReleaseFor { reason }),
                (None, None) => fields.error("hold_id", "is required, or hold_reason in its place"),
                (Some(_), Some(_)) => fields.error("hold_reason", "must not come with a hold_id: name one of the two"),
            }
        }
        Kind::Move => {
            let from = fields.required("facility_id", parsed);
            let to = fields.optional("to_facility_id", parsed);
            let consented = fields.optional("consented", boolean);
            let (from, to) = (from?, to?);
            if to.as_ref() == Some(&from) {
                return fields.error("to_facility_id", "must be another facility");
            }
            Some(Operation::Move { from, to, consented: consented?.unwrap_or(false) })
        }
    }
}
