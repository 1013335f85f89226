//! The placed order as JSON again: what `GET` shows, and what a checkout in Rust sends.

use oms_domain::{
    carried::TaxLine,
    placed::{Address, DeliveryGroup, Destination, Instrument, PlacedLine, PlacedOrder, ThreeDSecure},
};

use super::{
    DEFAULT_NAME,
    body::{
        AddressBody, AuthorizationBody, CustomerBody, DeliveryGroupBody, DiscountBody, InstrumentBody, LineBody, OrderBody, OrderHeading,
        PaymentBody, ShippingBody, TaxLineBody, ThreeDSecureBody,
    },
    payment,
};

impl From<&PlacedOrder> for OrderBody {
    fn from(order: &PlacedOrder) -> Self {
        let payment = sole_payment(order);
        let payments = if payment.is_some() { Vec::new() } else { order.payments.iter().map(instrument).collect() };
        let lines = order.lines.iter().map(|line| line_body(order, line)).collect();
        Self { heading: heading(order), payment, payments, lines, total_minor: Some(order.total_minor()) }
    }
}

/// The order without lines and payments.
pub fn heading(order: &PlacedOrder) -> OrderHeading {
    let whole = sole_group(order);
    OrderHeading {
        order_id: order.order_id.to_string(),
        channel: order.channel.clone(),
        placed_at: order.placed_at,
        currency: order.currency.code().to_owned(),
        customer: CustomerBody {
            customer_id: order.customer.customer_id.to_string(),
            name: order.customer.name.clone(),
            email: order.customer.email.clone(),
        },
        ship_to: whole.and_then(ship_to),
        shipping: whole.map(|group| ShippingBody { pickup_facility_id: pickup_facility_id(group), ..shipping(group) }),
        delivery_groups: if whole.is_some() { Vec::new() } else { order.delivery_groups.iter().map(group_body).collect() },
        discounts: order
            .discounts
            .iter()
            .map(|discount| DiscountBody { code: discount.code.clone(), amount_minor: discount.amount_minor })
            .collect(),
        taxes_included: order.taxes_included,
        requested_delivery_date: order.requested_delivery_date,
        promise_id: order.promise_id.clone(),
        reservation_id: order.reservation_id.as_ref().map(ToString::to_string),
        allow_split: order.allow_split,
        allow_backorder: order.allow_backorder,
        cancel_after: order.cancel_after,
        order_number: order.carried.order_number.clone(),
        external_ids: order.carried.external_ids.clone(),
        metadata: order.carried.metadata.clone(),
        tags: order.carried.tags.clone(),
        billing_address: order.carried.billing_address.as_ref().map(address_body),
        locale: order.carried.locale.clone(),
    }
}

/// A line as placed.
pub fn line_body(order: &PlacedOrder, line: &PlacedLine) -> LineBody {
    let group = order.delivery_groups.get(usize::from(line.delivery_group));
    LineBody {
        line_id: line.line_id.to_string(),
        sku: line.sku.to_string(),
        quantity: line.quantity,
        unit_price_minor: line.unit_price_minor,
        tax_minor: line.tax_minor,
        discount_minor: line.discount_minor,
        delivery_group: group.filter(|_| sole_group(order).is_none()).map(|group| group.delivery_group.clone()),
        fulfill_at: line.fulfill_at,
        substitutes: line.substitutes.iter().map(ToString::to_string).collect(),
        unfilled_penalty_minor: line.unfilled_penalty_minor,
        title: line.carried.title.clone(),
        properties: line.carried.properties.clone(),
        gift_message: line.carried.gift_message.clone(),
        tax_lines: line.carried.tax_lines.iter().map(TaxLineBody::from).collect(),
    }
}

impl From<&TaxLine> for TaxLineBody {
    fn from(part: &TaxLine) -> Self {
        Self { title: part.title.clone(), amount_minor: part.amount_minor, rate_ppm: part.rate_ppm }
    }
}

/// An address as JSON.
pub fn address_body(address: &Address) -> AddressBody {
    AddressBody {
        name: address.name.clone(),
        line1: address.line1.clone(),
        line2: address.line2.clone(),
        city: address.city.clone(),
        region: address.region.clone(),
        postal_code: address.postal_code.clone(),
        country: address.country.clone(),
        phone: address.phone.clone(),
        latitude: address.position.map(|position| position.latitude),
        longitude: address.position.map(|position| position.longitude),
    }
}

/// The one group of the order-level form.
fn sole_group(order: &PlacedOrder) -> Option<&DeliveryGroup> {
    match order.delivery_groups.as_slice() {
        [group] if group.delivery_group == DEFAULT_NAME => Some(group),
        _ => None,
    }
}

/// The one instrument of the form `payment`.
fn sole_payment(order: &PlacedOrder) -> Option<PaymentBody> {
    match order.payments.as_slice() {
        [only] if only.payment_id.as_str() == DEFAULT_NAME && only.authorization.is_none() => {
            let (method, three_d_secure) = (payment::method_name(only.method).to_owned(), only.three_d_secure.as_ref().map(three_d_secure));
            Some(PaymentBody { method, token: only.token.clone(), three_d_secure })
        }
        _ => None,
    }
}

fn three_d_secure(proof: &ThreeDSecure) -> ThreeDSecureBody {
    ThreeDSecureBody {
        version: proof.version.clone(),
        transaction_id: proof.transaction_id.clone(),
        cryptogram: proof.cryptogram.clone(),
        electronic_commerce_indicator: proof.electronic_commerce_indicator.clone(),
    }
}

fn group_body(group: &DeliveryGroup) -> DeliveryGroupBody {
    DeliveryGroupBody {
        delivery_group: group.delivery_group.clone(),
        shipping: shipping(group),
        ship_to: ship_to(group),
        pickup_facility_id: pickup_facility_id(group),
    }
}

fn shipping(group: &DeliveryGroup) -> ShippingBody {
    ShippingBody {
        method: group.method.as_str().to_owned(),
        price_minor: group.price_minor,
        tax_minor: group.tax_minor,
        discount_minor: group.discount_minor,
        pickup_facility_id: None,
    }
}

fn ship_to(group: &DeliveryGroup) -> Option<AddressBody> {
    match &group.destination {
        Destination::Address(address) => Some(address_body(address)),
        Destination::Pickup { address, .. } => address.as_ref().map(address_body),
    }
}

fn pickup_facility_id(group: &DeliveryGroup) -> Option<String> {
    match &group.destination {
        Destination::Address(_) => None,
        Destination::Pickup { facility_id, .. } => Some(facility_id.to_string()),
    }
}

fn instrument(instrument: &Instrument) -> InstrumentBody {
    InstrumentBody {
        payment_id: instrument.payment_id.to_string(),
        method: payment::method_name(instrument.method).to_owned(),
        amount_minor: instrument.amount_minor,
        token: instrument.token.clone(),
        three_d_secure: instrument.three_d_secure.as_ref().map(three_d_secure),
        authorization: instrument.authorization.as_ref().map(|authorization| AuthorizationBody {
            id: authorization.id.clone(),
            expires_at: authorization.expires_at,
            amount_minor: authorization.amount_minor,
        }),
    }
}
