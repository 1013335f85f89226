//! The order as placed: parsed, bounded, complete. What the INTAKE row keeps, and, beside a change set (`change`), the only type that holds
//! personal data.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    carried::{Carried, CarriedLine},
    ids::{CustomerId, FacilityId, LineId, OrderId, PaymentId, ReservationId, ReturnId, Sku},
    money::Currency,
    returns::AnnouncedLine,
};

/// Most lines an order may have.
pub const LINES_MAX: usize = 2_000;
/// Most units a line may ask for.
pub const QUANTITY_MAX: u32 = 1_000_000;
/// Largest amount the house handles in one field, in minor units: sums of 2,000 lines of a million units stay in an i64.
pub const AMOUNT_MAX_MINOR: i64 = 1_000_000_000_000;

/// An order, as its customer placed it. Built by the api room, which has checked every bound named in DESIGN.md.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlacedOrder {
    pub order_id: OrderId,
    pub channel: String,
    pub placed_at: Timestamp,
    pub currency: Currency,
    pub customer: Customer,
    /// Where each group of lines goes; the order-level form of the body is one group. At least one.
    pub delivery_groups: Vec<DeliveryGroup>,
    /// Who pays, in the order in which authorizations are asked for. Empty only when nothing is due.
    pub payments: Vec<Instrument>,
    pub lines: Vec<PlacedLine>,
    /// Discounts on the whole order.
    pub discounts: Vec<Discount>,
    /// Prices contain their tax: `tax_minor` then informs and is not added.
    pub taxes_included: bool,
    pub requested_delivery_date: Option<Date>,
    pub promise_id: Option<String>,
    /// Stock held for its checkout, which the first round of sourcing takes over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reservation_id: Option<ReservationId>,
    pub allow_split: bool,
    pub allow_backorder: bool,
    /// What waits for stock after this time is cancelled.
    pub cancel_after: Option<Timestamp>,
    /// It is exchanged for units of another order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<Exchange>,
    #[serde(default, skip_serializing_if = "Carried::is_empty")]
    pub carried: Carried,
}

/// The units that an order is exchanged for, and the return in which they come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// The origin: it owes their worth, which pays for this order.
    pub order_id: OrderId,
    pub return_id: ReturnId,
    pub lines: Vec<AnnouncedLine>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Customer {
    pub customer_id: CustomerId,
    pub name: String,
    pub email: Option<String>,
}

/// One shipment's worth of lines: where they go, how, and what the customer pays for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeliveryGroup {
    /// `default` for the order-level form.
    pub delivery_group: String,
    pub method: DeliveryMethod,
    pub destination: Destination,
    pub price_minor: i64,
    pub tax_minor: i64,
    pub discount_minor: i64,
}

/// How a group reaches its customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryMethod {
    Standard,
    Express,
    Pickup,
}

impl DeliveryMethod {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Express => "express",
            Self::Pickup => "pickup",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Destination {
    Address(Address),
    /// The store where it is handed over, and the address of the customer, for the invoice.
    Pickup {
        facility_id: FacilityId,
        address: Option<Address>,
    },
}

impl Destination {
    /// Where it goes, or whom the invoice is for.
    pub fn address(&self) -> Option<&Address> {
        match self {
            Self::Address(address) => Some(address),
            Self::Pickup { address, .. } => address.as_ref(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Address {
    pub name: String,
    pub line1: String,
    pub line2: Option<String>,
    pub city: String,
    pub region: Option<String>,
    pub postal_code: Option<String>,
    /// ISO 3166-1 alpha-2, in capitals.
    pub country: String,
    pub phone: Option<String>,
    pub position: Option<Position>,
}

/// Degrees, WGS 84.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Position {
    pub latitude: f64,
    pub longitude: f64,
}

/// One way of paying, and how much of the order it pays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Instrument {
    pub payment_id: PaymentId,
    pub method: PaymentMethod,
    pub amount_minor: i64,
    /// What the gateway knows the instrument by; absent where an authorization was made at checkout, or on terms.
    pub token: Option<String>,
    /// That its holder was asked by their bank at checkout, and proved who they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub three_d_secure: Option<ThreeDSecure>,
    pub authorization: Option<CheckoutAuthorization>,
}

/// A way of paying whatever is due: its method, and what the gateway knows it by.
#[derive(Debug, Clone, PartialEq)]
pub struct Means {
    pub method: PaymentMethod,
    pub token: Option<String>,
    pub three_d_secure: Option<ThreeDSecure>,
}

/// What a checkout got from EMV 3-D Secure: shown to the gateway with the instrument's first authorization, and worth nothing after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreeDSecure {
    /// Of the protocol, as `2.2.0`.
    pub version: String,
    /// The directory server's id of it.
    pub transaction_id: String,
    /// The bank's proof (CAVV, AAV), base64.
    pub cryptogram: String,
    /// The scheme's word for how strong that is (ECI), as `05`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub electronic_commerce_indicator: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentMethod {
    Card,
    GiftCard,
    /// Invoiced per shipment; no gateway is asked.
    Terms,
    /// Paid elsewhere; no gateway is asked.
    External,
    /// By what another order owes back for returned units: that order is asked, and no gateway.
    Credit,
}

/// An authorization that the checkout made itself and hands over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckoutAuthorization {
    pub id: String,
    pub expires_at: Option<Timestamp>,
    pub amount_minor: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlacedLine {
    pub line_id: LineId,
    pub sku: Sku,
    pub quantity: u32,
    pub unit_price_minor: i64,
    /// Tax on the whole line.
    pub tax_minor: i64,
    /// Discount on the whole line.
    pub discount_minor: i64,
    /// Index into `delivery_groups`.
    pub delivery_group: u16,
    /// A preorder: not before this time.
    pub fulfill_at: Option<Timestamp>,
    pub substitutes: Vec<Sku>,
    /// What leaving one unit unfilled is worth; absent: the live policy decides (ALLOCATION.md).
    pub unfilled_penalty_minor: Option<i64>,
    #[serde(default, skip_serializing_if = "CarriedLine::is_empty")]
    pub carried: CarriedLine,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Discount {
    pub code: String,
    pub amount_minor: i64,
}

impl PlacedOrder {
    /// SHA-256 of the canonical form, in hex: two bodies are the same order exactly when their hashes are equal.
    pub fn body_hash(&self) -> Result<String, serde_json::Error> {
        let digest = Sha256::digest(serde_json::to_vec(self)?);
        Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// What the customer owes: lines, shipping and tax, less discounts.
    pub fn total_minor(&self) -> i64 {
        let tax = |minor: i64| if self.taxes_included { 0 } else { minor };
        let lines: i64 = self.lines.iter().map(|l| l.unit_price_minor * i64::from(l.quantity) - l.discount_minor + tax(l.tax_minor)).sum();
        let discounts: i64 = self.discounts.iter().map(|d| d.amount_minor).sum();
        lines + self.shipping_minor() - discounts
    }

    /// What the customer owes for shipping, with its tax and less its own discounts.
    pub fn shipping_minor(&self) -> i64 {
        let tax = |minor: i64| if self.taxes_included { 0 } else { minor };
        self.delivery_groups.iter().map(|g| g.price_minor - g.discount_minor + tax(g.tax_minor)).sum()
    }
}
