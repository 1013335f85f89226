//! The order as JSON: HTTP body, feed line, `oms order place -f`. Reading is in `parse`, which collects every error; these types
//! write it, describe it in OpenAPI, and serve clients in Rust.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An order, as its customer places it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OrderBody {
    #[serde(flatten)]
    pub heading: OrderHeading,
    /// The instrument that pays for everything; `payments` in its place for several, or for one authorized already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<PaymentBody>,
    /// In the order in which authorizations are asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub payments: Vec<InstrumentBody>,
    #[schema(min_items = 1, max_items = 2000)]
    pub lines: Vec<LineBody>,
    /// Refused if it does not add up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
    pub total_minor: Option<i64>,
}

/// What is said of the whole order, without its lines and its payments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OrderHeading {
    #[schema(pattern = "^[A-Za-z0-9._-]{1,64}$", examples("536365"))]
    pub order_id: String,
    #[schema(pattern = "^[A-Za-z0-9._-]{1,64}$", examples("web"))]
    pub channel: String,
    /// RFC 3339.
    #[schema(value_type = String, format = DateTime, examples("2010-12-01T08:26:00Z"))]
    pub placed_at: jiff::Timestamp,
    /// ISO 4217.
    #[schema(examples("GBP"))]
    pub currency: String,
    pub customer: CustomerBody,
    /// Where everything goes; absent with `delivery_groups`, optional with method `pickup`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ship_to: Option<AddressBody>,
    /// How everything goes; absent with `delivery_groups`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipping: Option<ShippingBody>,
    /// For mixed baskets, in place of `ship_to` and `shipping`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 50)]
    pub delivery_groups: Vec<DeliveryGroupBody>,
    /// On the whole order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 100)]
    pub discounts: Vec<DiscountBody>,
    /// Prices contain their tax: `tax_minor` then informs and is not added.
    #[serde(default)]
    pub taxes_included: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub requested_delivery_date: Option<jiff::civil::Date>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promise_id: Option<String>,
    /// Stock held for this checkout: the order takes it over. One that is unknown or has ended changes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[A-Za-z0-9._-]{1,64}$")]
    pub reservation_id: Option<String>,
    /// False: one package, and only when everything is there.
    #[serde(default = "yes")]
    pub allow_split: bool,
    /// False: what cannot be filled at once is cancelled.
    #[serde(default = "yes")]
    pub allow_backorder: bool,
    /// What waits for stock after this time is cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub cancel_after: Option<jiff::Timestamp>,
    /// The shop's own name for it, unique in its channel; found by `?order_number=`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(examples("#1001"))]
    pub order_number: Option<String>,
    /// What other systems call it, by system; each unique in its channel, and found by `?external_id=system:id`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(examples(json!({"marketplace": "4711-X"})))]
    pub external_ids: BTreeMap<String, String>,
    /// The caller's own: kept and shown as it came.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    #[schema(max_items = 50)]
    pub tags: BTreeSet<String>,
    /// For the invoice, where it is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billing_address: Option<AddressBody>,
    /// The customer's language, as BCP 47 has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(examples("en-GB"))]
    pub locale: Option<String>,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CustomerBody {
    #[schema(pattern = "^[A-Za-z0-9._-]{1,64}$", examples("17850"))]
    pub customer_id: String,
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 254)]
    pub email: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AddressBody {
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    #[schema(min_length = 1, max_length = 200, examples("94 High Street"))]
    pub line1: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    pub line2: Option<String>,
    #[schema(min_length = 1, max_length = 100, examples("Leeds"))]
    pub city: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100)]
    pub region: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 20)]
    pub postal_code: Option<String>,
    /// ISO 3166-1 alpha-2.
    #[schema(pattern = "^[A-Z]{2}$", examples("GB"))]
    pub country: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 40)]
    pub phone: Option<String>,
    /// Degrees, WGS 84; with `longitude` or not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = -90, maximum = 90)]
    pub latitude: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = -180, maximum = 180)]
    pub longitude: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ShippingBody {
    /// `standard`, `express` or `pickup`.
    #[schema(examples("standard"))]
    pub method: String,
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
    pub price_minor: i64,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub tax_minor: i64,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub discount_minor: i64,
    /// With method `pickup`: the store. In `delivery_groups` it stands beside `shipping`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pickup_facility_id: Option<String>,
}

fn is_zero(amount_minor: &i64) -> bool {
    *amount_minor == 0
}

/// Lines that go to one place in one way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeliveryGroupBody {
    #[schema(pattern = "^[A-Za-z0-9._-]{1,64}$")]
    pub delivery_group: String,
    pub shipping: ShippingBody,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ship_to: Option<AddressBody>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pickup_facility_id: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DiscountBody {
    #[schema(min_length = 1, max_length = 64)]
    pub code: String,
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
    pub amount_minor: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PaymentBody {
    /// `card`, `gift_card`, `terms` or `external`.
    #[schema(examples("card"))]
    pub method: String,
    /// What the gateway knows the instrument by. Needed for `card` and `gift_card`; never shown again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 256, write_only, examples("tok_17850"))]
    pub token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(write_only)]
    pub three_d_secure: Option<ThreeDSecureBody>,
}

/// That the customer was asked by their bank at checkout (EMV 3-D Secure), for a card with a token: shown to the gateway with its first
/// authorization, and to nobody again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ThreeDSecureBody {
    /// `1.0.2`, `2.1.0`, `2.2.0`, `2.3.0` or `2.3.1`.
    #[schema(examples("2.2.0"))]
    pub version: String,
    /// The directory server's id of it.
    #[schema(min_length = 1, max_length = 64, examples("f879ea1c-aa2c-4441-806d-e30406466d79"))]
    pub transaction_id: String,
    /// The bank's proof (CAVV, AAV), base64.
    #[schema(min_length = 1, max_length = 64, examples("AAABBEg0VhI0VniQEjRWAAAAAAA="))]
    pub cryptogram: String,
    /// The scheme's word for how strong it is (ECI): `01`, `02`, `05`, `06` or `07`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(examples("05"))]
    pub electronic_commerce_indicator: Option<String>,
}

/// One instrument of several, with its part of the total.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InstrumentBody {
    #[schema(pattern = "^[A-Za-z0-9._-]{1,64}$")]
    pub payment_id: String,
    /// `card`, `gift_card`, `terms` or `external`.
    pub method: String,
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
    pub amount_minor: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 256, write_only)]
    pub token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(write_only)]
    pub three_d_secure: Option<ThreeDSecureBody>,
    /// Made at checkout, in place of a token: the gateway must know it by this order's id, in this order's currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization: Option<AuthorizationBody>,
}

/// One more instrument for an order that is there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NewInstrumentBody {
    /// Absent: one is made up. That of one that was declined: it is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<String>,
    pub method: String,
    pub amount_minor: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(write_only)]
    pub token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(write_only)]
    pub three_d_secure: Option<ThreeDSecureBody>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization: Option<AuthorizationBody>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuthorizationBody {
    /// As the gateway has given it.
    #[schema(pattern = "^[A-Za-z0-9][A-Za-z0-9._:-]{0,254}$", examples("auth_1a2b"))]
    pub id: String,
    /// What the checkout was told; the gateway's own word counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<jiff::Timestamp>,
    #[schema(minimum = 1, maximum = 1_000_000_000_000_i64)]
    pub amount_minor: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LineBody {
    #[schema(pattern = "^[A-Za-z0-9._-]{1,64}$", examples("1"))]
    pub line_id: String,
    #[schema(min_length = 1, max_length = 64, examples("85123A"))]
    pub sku: String,
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub quantity: u32,
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
    pub unit_price_minor: i64,
    /// On the whole line.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub tax_minor: i64,
    /// On the whole line.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub discount_minor: i64,
    /// Needed with more than one delivery group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery_group: Option<String>,
    /// A preorder: not before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub fulfill_at: Option<jiff::Timestamp>,
    /// SKUs that may be sent instead.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 20)]
    pub substitutes: Vec<String>,
    /// What leaving one unit unfilled is worth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
    pub unfilled_penalty_minor: Option<i64>,
    /// As it was sold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The caller's own: kept and shown as it came.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gift_message: Option<String>,
    /// What `tax_minor` is made of: they add up to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 20)]
    pub tax_lines: Vec<TaxLineBody>,
}

/// A part of a line's tax.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TaxLineBody {
    #[schema(examples("VAT"))]
    pub title: String,
    pub amount_minor: i64,
    /// In parts per million of what is taxed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 10_000_000, examples(200_000))]
    pub rate_ppm: Option<u32>,
}
