//! Units per line: the list that cancelling, rejecting and packing share.

use std::collections::BTreeMap;

use oms_domain::{ids::LineId, placed::LINES_MAX};

use super::{Node, parsed, quantity};

/// A list of `{"line_id", <count>}`, no line twice. `count` names the field with the units.
pub fn units_per_line(count: &'static str) -> impl Fn(&Node<'_>) -> Option<BTreeMap<LineId, u32>> {
    move |node| {
        let mut lines = BTreeMap::new();
        node.list(1, LINES_MAX, |element| {
            element.object(|fields| {
                let line_id: Option<LineId> = fields.required("line_id", parsed);
                let units = fields.required(count, quantity);
                let (line_id, units) = (line_id?, units?);
                match lines.insert(line_id, units) {
                    None => Some(()),
                    Some(_) => fields.error("line_id", "is used by an earlier element"),
                }
            })
        })?;
        Some(lines)
    }
}
