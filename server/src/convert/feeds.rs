//! Runs of feeds and what they were refused.

use oms_api::feed::{FacilityChangeView, FeedMode, FeedView, ParkedView, PickedUnits, PositionChangeView, RejectView};

pub(crate) fn feed_mode(mode: FeedMode) -> oms_store::FeedMode {
    match mode {
        FeedMode::Full => oms_store::FeedMode::Full,
        FeedMode::Partial => oms_store::FeedMode::Partial,
    }
}

pub(crate) fn picked_units(picked: PickedUnits) -> oms_store::PickedUnits {
    match picked {
        PickedUnits::Counted => oms_store::PickedUnits::Counted,
        PickedUnits::NotCounted => oms_store::PickedUnits::NotCounted,
    }
}

/// The kind's word in the path.
pub(crate) fn feed_kind(kind: oms_store::FeedKind) -> &'static str {
    match kind {
        oms_store::FeedKind::Facilities => "facilities",
        oms_store::FeedKind::Products => "products",
        oms_store::FeedKind::Stock => "stock",
        oms_store::FeedKind::Receipts => "receipts",
        oms_store::FeedKind::Orders => "orders",
    }
}

pub(crate) fn feed(run: oms_store::FeedRun) -> FeedView {
    let parked = parked(&run);
    FeedView {
        feed_id: run.feed_id.to_string(),
        kind: feed_kind(run.kind).to_owned(),
        source: run.source,
        as_of: run.as_of,
        mode: match run.mode {
            oms_store::FeedMode::Full => FeedMode::Full,
            oms_store::FeedMode::Partial => FeedMode::Partial,
        },
        picked_units: match run.picked_units {
            oms_store::PickedUnits::Counted => PickedUnits::Counted,
            oms_store::PickedUnits::NotCounted => PickedUnits::NotCounted,
        },
        status: run.status.name().to_owned(),
        legal_actions: run.status.decisions().into_iter().map(str::to_owned).collect(),
        expected_rows: run.expected_rows,
        rows_read: run.rows_read,
        waiting: run.waiting,
        accepted: run.accepted,
        unchanged: run.unchanged,
        rejected: run.rejected,
        started_at: run.started_at,
        finished_at: run.finished_at,
        failure: run.failure,
        parked,
        started_by: run.started_by.map(|by| by.actor.into()),
        decided_by: run.decided_by.map(|by| by.actor.into()),
    }
}

fn parked(run: &oms_store::FeedRun) -> Option<ParkedView> {
    let (parked, decide_by) = (run.parked.as_ref()?, run.decide_by?);
    let change = |change: &oms_store::PositionChange| PositionChangeView {
        facility_id: change.facility_id.to_string(),
        sku: change.sku.to_string(),
        before: change.before,
        after: change.after,
    };
    let facility = |found: &oms_store::FacilityChange| FacilityChangeView {
        facility_id: found.facility_id.to_string(),
        positions: found.change.positions,
        units_before: found.change.units_before,
        units_after: found.change.units_after,
        units_changed: found.change.units_changed,
        changed_percent: found.change.changed_percent,
    };
    Some(ParkedView {
        parked_at: parked.parked_at,
        decide_by,
        decided_at: run.decided_at,
        positions: parked.change.positions,
        units_before: parked.change.units_before,
        units_after: parked.change.units_after,
        units_changed: parked.change.units_changed,
        changed_percent: parked.change.changed_percent,
        limit_percent: parked.limit_percent,
        facilities: parked.facilities.iter().map(facility).collect(),
        largest: parked.largest.iter().map(change).collect(),
    })
}

pub(crate) fn reject(row: oms_store::RejectedRow) -> RejectView {
    RejectView { row_number: row.row_number, reason: row.reason }
}
