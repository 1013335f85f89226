//! Where the lines go, and how: the order-level form (one group) or `delivery_groups`.

use std::collections::BTreeSet;

use oms_domain::{
    ids::FacilityId,
    placed::{Address, DeliveryGroup, DeliveryMethod, Destination, Position},
};

use super::DEFAULT_NAME;
use crate::{
    countries::is_country,
    reader::{Fields, Node, amount_minor, choice, degrees, name, parsed, text},
};

/// Most delivery groups of one order.
const GROUPS_MAX: usize = 50;
pub(crate) const METHODS: &[(&str, DeliveryMethod)] =
    &[("standard", DeliveryMethod::Standard), ("express", DeliveryMethod::Express), ("pickup", DeliveryMethod::Pickup)];

/// The groups out of an order's fields, at least one.
pub(super) fn groups(fields: &Fields<'_>) -> Option<Vec<DeliveryGroup>> {
    if !fields.has("delivery_groups") {
        return whole_order(fields).map(|group| vec![group]);
    }
    for name in ["ship_to", "shipping"] {
        fields.optional(name, |n| n.error::<()>("is given in each of delivery_groups"));
    }
    let mut seen = BTreeSet::new();
    fields.required("delivery_groups", |n| n.list(1, GROUPS_MAX, |element| group(element, &mut seen)))
}

/// The index of a line's group among the groups' names.
pub(crate) fn group_of_line(fields: &Fields<'_>, names: Option<&[&str]>) -> Option<u16> {
    let named = fields.optional("delivery_group", |n| {
        let name = name(n)?;
        // Groups that could not be read have been refused already: their lines are not blamed as well.
        let names = names?;
        match names.iter().position(|known| *known == name) {
            Some(index) => u16::try_from(index).ok(),
            None => n.error("is not the name of a delivery group"),
        }
    })?;
    match (named, names) {
        (Some(index), _) => Some(index),
        (None, Some([_])) => Some(0),
        (None, Some(_)) => fields.error("delivery_group", "is required, as there are several delivery groups"),
        (None, None) => None,
    }
}

/// Order-level form: `shipping.pickup_facility_id` names the store.
fn whole_order(fields: &Fields<'_>) -> Option<DeliveryGroup> {
    fields.optional("delivery_groups", |_| Some(()))?;
    let shipping = fields.required("shipping", |n| {
        n.object(|inner| {
            let pickup = pickup_facility(inner);
            let shipping = shipping(inner)?;
            let pickup = fit(inner, shipping.method, pickup?)?;
            Some((shipping, pickup))
        })
    });
    let ship_to = fields.optional("ship_to", address);
    let (shipping, pickup) = shipping?;
    shipping.into_group(DEFAULT_NAME.to_owned(), destination(fields, ship_to?, pickup)?)
}

fn group(node: &Node<'_>, seen: &mut BTreeSet<String>) -> Option<DeliveryGroup> {
    node.object(|fields| {
        let name = fields.required("delivery_group", |n| {
            let name = name(n)?;
            if seen.insert(name.clone()) { Some(name) } else { n.error("is used by an earlier group") }
        });
        let shipping = fields.required("shipping", |n| n.object(shipping));
        let ship_to = fields.optional("ship_to", address);
        let pickup = pickup_facility(fields);
        let shipping = shipping?;
        let pickup = fit(fields, shipping.method, pickup?)?;
        shipping.into_group(name?, destination(fields, ship_to?, pickup)?)
    })
}

struct Shipping {
    method: DeliveryMethod,
    price_minor: i64,
    tax_minor: i64,
    discount_minor: i64,
}

impl Shipping {
    fn into_group(self, delivery_group: String, destination: Destination) -> Option<DeliveryGroup> {
        let Self { method, price_minor, tax_minor, discount_minor } = self;
        Some(DeliveryGroup { delivery_group, method, destination, price_minor, tax_minor, discount_minor })
    }
}

fn shipping(fields: &Fields<'_>) -> Option<Shipping> {
    let method = fields.required("method", choice(METHODS));
    let price_minor = fields.required("price_minor", amount_minor);
    let tax_minor = fields.optional("tax_minor", amount_minor);
    let discount_minor = fields.optional("discount_minor", amount_minor);
    let (price_minor, discount_minor) = (price_minor?, discount_minor?.unwrap_or(0));
    if discount_minor > price_minor {
        return fields.error("discount_minor", "must not be more than price_minor");
    }
    Some(Shipping { method: method?, price_minor, tax_minor: tax_minor?.unwrap_or(0), discount_minor })
}

fn pickup_facility(fields: &Fields<'_>) -> Option<Option<FacilityId>> {
    fields.optional("pickup_facility_id", parsed)
}

/// The store, exactly when the method is pickup.
pub(crate) fn fit(fields: &Fields<'_>, method: DeliveryMethod, store: Option<FacilityId>) -> Option<Option<FacilityId>> {
    match (method, &store) {
        (DeliveryMethod::Pickup, None) => fields.error("pickup_facility_id", "is required for pickup"),
        (DeliveryMethod::Standard | DeliveryMethod::Express, Some(_)) => fields.error("pickup_facility_id", "is for pickup alone"),
        (DeliveryMethod::Pickup, Some(_)) | (DeliveryMethod::Standard | DeliveryMethod::Express, None) => Some(store),
    }
}

fn destination(fields: &Fields<'_>, ship_to: Option<Address>, store: Option<FacilityId>) -> Option<Destination> {
    match (ship_to, store) {
        (address, Some(facility_id)) => Some(Destination::Pickup { facility_id, address }),
        (Some(address), None) => Some(Destination::Address(address)),
        (None, None) => fields.error("ship_to", "is required"),
    }
}

pub fn address(node: &Node<'_>) -> Option<Address> {
    node.object(|fields| {
        let name = fields.required("name", text(200));
        let line1 = fields.required("line1", text(200));
        let line2 = fields.optional("line2", text(200));
        let city = fields.required("city", text(100));
        let region = fields.optional("region", text(100));
        let postal_code = fields.optional("postal_code", text(20));
        let country = fields.required("country", country);
        let phone = fields.optional("phone", text(40));
        let position = position(fields);
        Some(Address {
            name: name?,
            line1: line1?,
            line2: line2?,
            city: city?,
            region: region?,
            postal_code: postal_code?,
            country: country?,
            phone: phone?,
            position: position?,
        })
    })
}

/// An ISO 3166-1 alpha-2 code.
pub(crate) fn country(node: &Node<'_>) -> Option<String> {
    let code = text(200)(node)?;
    if is_country(&code) { Some(code) } else { node.error("must be an ISO 3166-1 alpha-2 code, such as GB") }
}

/// Both coordinates or neither.
pub(crate) fn position(fields: &Fields<'_>) -> Option<Option<Position>> {
    let latitude = fields.optional("latitude", degrees(-90.0..=90.0));
    let longitude = fields.optional("longitude", degrees(-180.0..=180.0));
    match (latitude?, longitude?) {
        (Some(latitude), Some(longitude)) => Some(Some(Position { latitude, longitude })),
        (None, None) => Some(None),
        (Some(_), None) => fields.error("longitude", "is required beside latitude"),
        (None, Some(_)) => fields.error("latitude", "is required beside longitude"),
    }
}
