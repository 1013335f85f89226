//! Facilities, products, where units are and who holds them.

use jiff::Timestamp;
use oms_api::{
    actor::ActorView,
    facility::FacilityBody,
    fulfillment::{LabelPrintView, PicklistResult, PicklistView},
    manifest::{ManifestParcelView, ManifestView},
    product::ProductBody,
    reservation::{HeldUnitsView, NotHeldUnitsView, ReservationView},
    stock::{AdjustmentBody, AdjustmentReason, PositionView, ReceiptRow, StockMovementView, StockRow},
};
use oms_domain::fulfillment::FulfillmentStatus;

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

pub(crate) fn label_print(print: oms_store::LabelPrint) -> LabelPrintView {
    let (actor, request_id) = ActorView::of(print.by);
    let (format, printed_at) = (print.format.name().to_owned(), print.printed_at);
    LabelPrintView { number: print.number, format, printed_at, actor, request_id }
}

/// As it stands: what was begun and is being picked.
pub(crate) fn picklist(found: oms_store::Picklist) -> PicklistView {
    let result = |part: oms_store::PicklistPart| PicklistResult {
        picking: part.status.as_deref() == Some(FulfillmentStatus::Picking.name()),
        fulfillment_order_id: part.fulfillment_order_id.to_string(),
        status: part.status,
        problem: None,
    };
    PicklistView {
        picklist_id: found.picklist_id,
        facility_id: found.facility_id.to_string(),
        picker: found.picker,
        made_at: found.made_at,
        results: found.parts.into_iter().map(result).collect(),
    }
}

pub(crate) fn manifest(found: oms_store::Manifest) -> ManifestView {
    let parcel = |parcel: oms_store::ManifestParcel| ManifestParcelView {
        parcel_id: parcel.parcel_id.to_string(),
        tracking_number: parcel.tracking_number,
        scanned_at: parcel.scanned_at,
    };
    ManifestView {
        manifest_id: found.manifest_id,
        facility_id: found.facility_id.to_string(),
        carrier: found.carrier,
        began_at: found.began_at,
        closed_at: found.closed_at,
        closed_by: found.closed_by,
        parcels: found.parcels.into_iter().map(parcel).collect(),
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
