//! Holds stock for a checkout: plans the basket as sourcing would plan the order, and takes what the plan found.

use jiff::Timestamp;
use oms_allocation::{Decision, Service};
use oms_api::{availability::PlaceBody, promise::PromiseBody, reservation::ReservationBody};
use oms_domain::{error::ErrorCode, ids::Sku, placed::DeliveryMethod};
use oms_store::{HeldUnits, Hold, HoldLine, Holding};
use sha2::{Digest, Sha256};

use crate::{
    failure::{self, Failure},
    promising::Basket,
    routes::promises::products,
    state::AppState,
};

/// Under contention a plan is stale when it comes to holding.
const PLANS_MAX: u32 = 10;

/// Holds what there is. Planned again when the stock moved underneath.
pub(crate) async fn hold(state: &AppState, body: &ReservationBody) -> Result<Holding, Failure> {
    let at = state.starter.clock().business(Timestamp::now());
    let basket_of = promise(body);
    let products = products(state, &body.lines).await?;
    let skus: Vec<Sku> = products.keys().cloned().collect();
    for _ in 0..PLANS_MAX {
        let availability = state.store.availability(&skus).await?;
        let basket = Basket {
            body: &basket_of,
            pickup_facility_id: body.pickup_facility_id.clone(),
            products: products.clone(),
            places: state.store.places(Some(availability.facilities_version), at).await?,
            stock: availability.positions.into_iter().map(Into::into).collect(),
            rules: &state.rules.current(),
            // What is there is held, whether or not it is worth a consignment of its own: else others could have it.
            may_wait: false,
            at,
        };
        refuse_unknown_store(body, &basket)?;
        let decision = basket.plan(body.reservation_id.as_str(), service(body.method)).map_err(failure::no_plan)?;
        match state.store.hold(&hold_of(body, &decision)?).await? {
            Holding::Short => {}
            held @ (Holding::New(_) | Holding::Same(_) | Holding::Other) => return Ok(held),
        }
    }
    Err(ErrorCode::InsufficientStock.into())
}

/// The same basket as a question for a promise. A pickup without an address goes nowhere.
fn promise(body: &ReservationBody) -> PromiseBody {
    let nowhere = PlaceBody { country: String::new(), city: None, postal_code: None, latitude: None, longitude: None };
    PromiseBody {
        lines: body.lines.clone(),
        address: body.address.clone().unwrap_or(nowhere),
        channel: body.channel.clone(),
        requested_delivery_date: body.requested_delivery_date,
    }
}

fn service(method: DeliveryMethod) -> Service {
    match method {
        DeliveryMethod::Express => Service::Express,
        DeliveryMethod::Standard | DeliveryMethod::Pickup => Service::Standard,
    }
}

fn refuse_unknown_store(body: &ReservationBody, basket: &Basket<'_>) -> Result<(), Failure> {
    let known = |id: &str| basket.places.facilities.iter().any(|facility| facility.facility_id == id);
    match &body.pickup_facility_id {
        Some(id) if !known(id.as_str()) => {
            Err(failure::unknown(ErrorCode::UnknownFacility, std::iter::once("/pickup_facility_id".to_owned())))
        }
        Some(_) | None => Ok(()),
    }
}

fn hold_of(body: &ReservationBody, decision: &Decision) -> Result<Hold, Failure> {
    let json = serde_json::to_vec(body).map_err(|_| ErrorCode::Internal)?;
    let asked = body.lines.iter();
    let mut units = Vec::new();
    for package in &decision.packages {
        for part in &package.lines {
            let line = body.lines.iter().find(|line| line.line_id.as_str() == part.line_id).ok_or(ErrorCode::Internal)?;
            units.push(HeldUnits {
                line_id: line.line_id.clone(),
                facility_id: package.facility_id.parse().map_err(|_| ErrorCode::Internal)?,
                sku: line.sku.clone(),
                quantity: u32::try_from(part.quantity).map_err(|_| ErrorCode::Internal)?,
            });
        }
    }
    Ok(Hold {
        reservation_id: body.reservation_id.clone(),
        body_hash: Sha256::digest(&json).iter().map(|byte| format!("{byte:02x}")).collect(),
        hold_s: body.hold_s,
        lines: asked.map(|line| HoldLine { line_id: line.line_id.clone(), sku: line.sku.clone(), quantity: line.quantity }).collect(),
        units,
    })
}
