//! Wire types and the store's, one into the other: neither room knows the other's.

use jiff::Timestamp;
use oms_api::{
    account::{AccountView, KeyView, MadeKeyView},
    actor::ActorView,
    audit::AuditView,
    bulk::BulkResultView,
    carrier::Scan,
    event::{AllocationView, EventView, StreamEventView},
    facility::FacilityBody,
    feed::{FacilityChangeView, FeedMode, FeedView, ParkedView, PickedUnits, PositionChangeView, RejectView},
    fulfillment::FulfillmentOrderSummary,
    inbox::DeadLetterView,
    order::OrderSummary,
    person::{PersonView, SessionView},
    product::ProductBody,
    reservation::{HeldUnitsView, NotHeldUnitsView, ReservationView},
    returns::ReturnSummary,
    stock::{AdjustmentBody, AdjustmentReason, PositionView, ReceiptRow, StockMovementView, StockRow},
};
use oms_domain::{
    access::{By, Permission, Principal},
    event_id::event_id,
    order::published,
};

pub(crate) fn account(found: oms_store::Account) -> AccountView {
    let names = |names: &std::collections::BTreeSet<String>| names.iter().cloned().collect();
    AccountView {
        account_id: found.account_id.to_string(),
        name: found.name,
        roles: found.roles.into_iter().map(|role| role.name().to_owned()).collect(),
        facilities: found.scope.facilities.only().map(|ids| ids.iter().map(ToString::to_string).collect()),
        channels: found.scope.channels.only().map(names),
        carriers: found.scope.carriers.only().map(names),
        currencies: found.scope.currencies.only().map(|all| all.iter().map(ToString::to_string).collect()),
        created_at: found.created_at,
        keys: found.keys.into_iter().map(key).collect(),
    }
}

pub(crate) fn person(found: oms_store::Person) -> PersonView {
    let status = match (found.disabled_at, found.has_come) {
        (Some(_), _) => "disabled",
        (None, true) => "active",
        (None, false) => "invited",
    };
    PersonView {
        person_id: found.person_id.to_string(),
        email: found.email,
        name: found.name,
        roles: found.roles.into_iter().map(|role| role.name().to_owned()).collect(),
        facilities: found.scope.facilities.only().map(|ids| ids.iter().map(ToString::to_string).collect()),
        channels: found.scope.channels.only().map(|channels| channels.iter().cloned().collect()),
        status: status.to_owned(),
        created_at: found.created_at,
        invitation: None,
    }
}

/// Who is in, without what lets them in.
pub(crate) fn session(principal: &Principal) -> SessionView {
    let may = Permission::NAMED.iter().filter(|(_, permission)| principal.may(*permission));
    SessionView {
        kind: principal.kind.name().to_owned(),
        id: principal.id.to_string(),
        roles: principal.roles.iter().map(|role| role.name().to_owned()).collect(),
        permissions: may.map(|(name, _)| (*name).to_owned()).collect(),
        facilities: principal.scope.facilities.only().map(|ids| ids.iter().map(ToString::to_string).collect()),
        channels: principal.scope.channels.only().map(|channels| channels.iter().cloned().collect()),
        token: None,
    }
}

fn key(found: oms_store::KeyRow) -> KeyView {
    KeyView {
        key_id: found.key_id.to_string(),
        created_at: found.created_at,
        expires_at: found.expires_at,
        revoked_at: found.revoked_at,
        last_used_at: found.last_used_at,
    }
}

/// A key that was made; its text is shown once.
pub(crate) fn made_key(found: oms_store::KeyRow, text: Option<String>) -> MadeKeyView {
    MadeKeyView { key: text, made: key(found) }
}

pub(crate) fn audit(row: oms_store::AuditRow) -> AuditView {
    let (actor, request_id) = ActorView::of(row.by);
    AuditView { audit_id: row.audit_id, at: row.at, actor, request_id, action: row.action, subject: row.subject, detail: row.detail }
}

pub(crate) fn facility(body: FacilityBody) -> oms_store::Facility {
    oms_store::Facility {
        facility_id: body.facility_id,
        name: body.name,
        facility_type: body.facility_type,
        country: body.country,
        city: body.city,
        latitude: body.latitude,
        longitude: body.longitude,
        timezone: body.timezone,
        handling_cost_minor: body.handling_cost_minor,
        daily_order_capacity: body.daily_order_capacity,
        cutoff_local_time: body.cutoff_local_time,
        working_days: body.working_days,
        ship_enabled: body.ship_enabled,
        pickup_enabled: body.pickup_enabled,
    }
}

pub(crate) fn facility_body(facility: oms_store::Facility) -> FacilityBody {
    FacilityBody {
        facility_id: facility.facility_id,
        name: facility.name,
        facility_type: facility.facility_type,
        country: facility.country,
        city: facility.city,
        latitude: facility.latitude,
        longitude: facility.longitude,
        timezone: facility.timezone,
        handling_cost_minor: facility.handling_cost_minor,
        daily_order_capacity: facility.daily_order_capacity,
        cutoff_local_time: facility.cutoff_local_time,
        working_days: facility.working_days,
        ship_enabled: facility.ship_enabled,
        pickup_enabled: facility.pickup_enabled,
    }
}

pub(crate) fn product(body: ProductBody) -> oms_store::Product {
    oms_store::Product {
        sku: body.sku,
        title: body.title,
        price_minor: body.price_minor,
        currency: body.currency,
        weight_g: body.weight_g,
        length_mm: body.length_mm,
        width_mm: body.width_mm,
        height_mm: body.height_mm,
    }
}

pub(crate) fn product_body(product: oms_store::Product) -> ProductBody {
    ProductBody {
        sku: product.sku,
        title: product.title,
        price_minor: product.price_minor,
        currency: product.currency,
        weight_g: product.weight_g,
        length_mm: product.length_mm,
        width_mm: product.width_mm,
        height_mm: product.height_mm,
    }
}

pub(crate) fn stock_count(row: StockRow) -> oms_store::StockCount {
    oms_store::StockCount {
        facility_id: row.facility_id,
        sku: row.sku,
        on_hand: row.count.on_hand,
        safety_stock: row.count.safety_stock,
        oversell_limit: row.count.oversell_limit,
        unavailable: row.count.unavailable,
    }
}

pub(crate) fn receipt(row: ReceiptRow) -> oms_store::Receipt {
    oms_store::Receipt {
        receipt_id: row.receipt_id,
        received_at: row.received_at,
        facility_id: row.facility_id,
        sku: row.sku,
        quantity: row.quantity,
    }
}

pub(crate) fn adjustment(body: AdjustmentBody, told_at: Timestamp) -> oms_store::Adjustment {
    oms_store::Adjustment {
        adjustment_id: body.adjustment_id,
        facility_id: body.facility_id,
        sku: body.sku,
        quantity: body.quantity,
        unavailable: 0,
        reason: match body.reason {
            AdjustmentReason::Receipt => oms_store::AdjustmentReason::Receipt,
            AdjustmentReason::Sale => oms_store::AdjustmentReason::Sale,
            AdjustmentReason::Return => oms_store::AdjustmentReason::Return,
            AdjustmentReason::TransferIn => oms_store::AdjustmentReason::TransferIn,
            AdjustmentReason::TransferOut => oms_store::AdjustmentReason::TransferOut,
            AdjustmentReason::Damage => oms_store::AdjustmentReason::Damage,
            AdjustmentReason::Theft => oms_store::AdjustmentReason::Theft,
            AdjustmentReason::Correction => oms_store::AdjustmentReason::Correction,
        },
        occurred_at: body.occurred_at,
        told_at,
    }
}

pub(crate) fn position(position: oms_store::StockPosition) -> PositionView {
    PositionView {
        facility_id: position.facility_id.to_string(),
        sku: position.sku.to_string(),
        on_hand: position.on_hand,
        reserved: position.reserved,
        unavailable: position.unavailable,
        safety_stock: position.safety_stock,
        oversell_limit: position.oversell_limit,
        deficit: position.deficit,
        available: position.available,
    }
}

pub(crate) fn stock_movement(found: oms_store::StockMovement) -> StockMovementView {
    let (actor, request_id) = ActorView::of(found.by);
    StockMovementView {
        movement_id: found.movement_id,
        on_hand: found.on_hand,
        reserved: found.reserved,
        unavailable: found.unavailable,
        cause: found.cause,
        order_id: found.order_id.map(|id| id.to_string()),
        reference: found.reference,
        occurred_at: found.occurred_at,
        recorded_at: found.recorded_at,
        moved: found.moved,
        actor,
        request_id,
    }
}

pub(crate) fn carrier_event(scan: &Scan, occurred_at: Timestamp, by: Option<&By>) -> oms_store::CarrierEvent {
    oms_store::CarrierEvent {
        event_id: scan.event_id.clone(),
        carrier: scan.carrier.clone(),
        tracking_number: scan.tracking_number.clone(),
        status: scan.action.name().to_owned(),
        occurred_at,
        by: by.cloned(),
    }
}

/// An event of an order, or of a return.
pub(crate) fn event(of: &str, event: oms_store::RecordedEvent) -> EventView {
    let id = event_id(of, event.seq, &event.kind, &event.data);
    let (actor, request_id) = ActorView::of(event.by);
    EventView { id, seq: event.seq, kind: event.kind, at: event.at, data: published(event.data), actor, request_id }
}

pub(crate) fn stream_event(event: oms_store::OutboxEvent) -> StreamEventView {
    let order_id = event.order_id.map(|id| id.to_string());
    let id = event_id(order_id.as_deref().unwrap_or_default(), event.seq, &event.kind, &event.data);
    StreamEventView {
        position: event.position,
        order_id,
        event: EventView {
            id,
            seq: event.seq,
            kind: event.kind,
            at: event.at,
            data: published(event.data),
            actor: event.actor_kind.map(ActorView::of_kind),
            request_id: None,
        },
    }
}

pub(crate) fn allocation(decision: oms_store::Decision) -> AllocationView {
    AllocationView { round: decision.round, decided_at: decision.decided_at, decision: decision.decision }
}

pub(crate) fn order_summary(order: oms_store::OrderSummary) -> OrderSummary {
    OrderSummary {
        order_id: order.order_id.to_string(),
        status: order.status,
        channel: order.channel,
        customer_id: order.customer_id.to_string(),
        currency: order.currency.code().to_owned(),
        total_minor: order.total_minor,
        placed_at: order.placed_at,
        updated_at: order.updated_at,
        needs_attention: order.needs_attention,
        hold_reasons: order.hold_reasons,
        version: order.version,
    }
}

pub(crate) fn bulk_result(found: oms_store::BulkResult) -> BulkResultView {
    BulkResultView {
        order_id: found.order_id.to_string(),
        outcome: found.outcome.name().to_owned(),
        code: found.code,
        why: found.why,
        at: found.at,
    }
}

pub(crate) fn return_summary(found: oms_store::ReturnSummary) -> ReturnSummary {
    ReturnSummary {
        return_id: found.return_id.to_string(),
        order_id: found.order_id.to_string(),
        status: found.status,
        needs_attention: found.needs_attention,
        opened_at: found.opened_at,
        updated_at: found.updated_at,
        version: found.version,
    }
}

pub(crate) fn fulfillment_summary(found: oms_store::FulfillmentSummary) -> FulfillmentOrderSummary {
    FulfillmentOrderSummary {
        fulfillment_order_id: found.fulfillment_order_id.to_string(),
        order_id: found.order_id.to_string(),
        facility_id: found.facility_id.map(|id| id.to_string()),
        status: found.status,
        delivery_method: found.delivery_method.as_str().to_owned(),
        ship_by: found.ship_by,
        updated_at: found.updated_at,
    }
}

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

pub(crate) fn reservation(hold: oms_store::CheckoutHold) -> ReservationView {
    let not_held = not_held(&hold);
    let held = hold.held.into_iter().map(|units| HeldUnitsView {
        line_id: units.line_id.to_string(),
        sku: units.sku.to_string(),
        facility_id: units.facility_id.to_string(),
        quantity: units.quantity,
    });
    ReservationView {
        reservation_id: hold.reservation_id.to_string(),
        status: hold.status.name().to_owned(),
        requested_at: hold.requested_at,
        expires_at: hold.expires_at,
        order_id: hold.order_id.map(|id| id.to_string()),
        held: held.collect(),
        not_held,
    }
}

fn not_held(hold: &oms_store::CheckoutHold) -> Vec<NotHeldUnitsView> {
    let left = |line: &oms_store::HoldLine| {
        let held: u32 = hold.held.iter().filter(|units| units.line_id == line.line_id).map(|units| units.quantity).sum();
        let quantity = line.quantity.saturating_sub(held);
        NotHeldUnitsView { line_id: line.line_id.to_string(), sku: line.sku.to_string(), quantity }
    };
    hold.lines.iter().map(left).filter(|line| line.quantity > 0).collect()
}

pub(crate) fn dead_letter(letter: oms_store::DeadLetter) -> DeadLetterView {
    DeadLetterView {
        message_id: letter.message_id,
        order_id: letter.order_id.to_string(),
        kind: letter.kind,
        payload: letter.payload,
        attempts: letter.attempts,
        why: letter.failure,
        created_at: letter.created_at,
        dead_at: letter.dead_at,
    }
}
