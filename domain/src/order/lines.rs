//! Units per line, and what is done with them.

use std::collections::BTreeMap;

use crate::ids::LineId;

/// Units per line. A line without units has no entry, except where a figure is being counted down.
pub type Lines = BTreeMap<LineId, u32>;

/// Takes from `wanted` what `available` has of it.
pub(super) fn take(wanted: &mut Lines, available: &Lines) -> Lines {
    let mut taken = Lines::new();
    for (id, units) in available {
        let Some(left) = wanted.get_mut(id) else { continue };
        let now = (*left).min(*units);
        *left -= now;
        if now > 0 {
            taken.insert(id.clone(), now);
        }
    }
    taken
}

/// Adds `lines` to `sum`.
pub(super) fn add(sum: &mut Lines, lines: &Lines) {
    for (id, units) in lines {
        let total = sum.entry(id.clone()).or_default();
        *total = total.saturating_add(*units);
    }
}

/// What is left of `lines` without `gone`.
pub(super) fn without(lines: &Lines, gone: &Lines) -> Lines {
    let left = lines.iter().map(|(id, units)| (id.clone(), units.saturating_sub(gone.get(id).copied().unwrap_or(0))));
    left.filter(|(_, units)| *units > 0).collect()
}
