//! Typed ids. But for a SKU, which is any printable text, every id a caller may choose matches `[A-Za-z0-9._-]{1,64}` and is not dots
//! alone, which no address can hold; ids derived from an order's (`<order_id>-F2`,
//! `<order_id>-F2-P1`) may be up to 80 characters and are parsed from the right, so an order id may itself contain `-F2`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::access::HousePart;

/// Longest id a caller may choose.
pub const ID_MAX_CHARS: usize = 64;
/// Longest id the house derives from another.
pub const DERIVED_ID_MAX_CHARS: usize = 80;

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} must be 1 to {max} {characters}")]
pub struct InvalidId {
    pub kind: &'static str,
    pub max: usize,
    pub characters: &'static str,
}

/// Ids that are parts of workflow ids, of keys at gateways and of barcodes.
fn plain(text: String, kind: &'static str, max: usize) -> Result<String, InvalidId> {
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    if text.is_empty() || text.len() > max || !text.bytes().all(legal) || text.bytes().all(|b| b == b'.') {
        return Err(InvalidId { kind, max, characters: "characters out of A-Z a-z 0-9 . _ -, and not dots alone" });
    }
    Ok(text)
}

/// A name that a merchant has printed on shelves and cannot change: any text that can be read, in the one form (NFC) in which it is
/// compared. `.` and `..` would vanish from a path.
fn printable(text: String, kind: &'static str, max: usize) -> Result<String, InvalidId> {
    let text: String = text.nfc().collect();
    let visible = |c: char| !c.is_control() && (c == ' ' || !c.is_whitespace());
    if text.is_empty() || text.chars().count() > max || text != text.trim() || !text.chars().all(visible) || matches!(&*text, "." | "..") {
        return Err(InvalidId { kind, max, characters: "printable characters, without blanks around them" });
    }
    Ok(text)
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $max:expr) => {
        id!($(#[$doc])* $name, $kind, $max, plain);
    };
    ($(#[$doc:meta])* $name:ident, $kind:literal, $max:expr, $check:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The id, if the text is one.
            pub fn parse(text: impl Into<String>) -> Result<Self, InvalidId> {
                Ok(Self($check(text.into(), $kind, $max)?))
            }
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::parse(text)
            }
        }
        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::parse(text)
            }
        }
        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }
    };
}

id!(/// An operation on many orders, named by whoever starts it.
    BulkId, "bulk_id", ID_MAX_CHARS);
id!(/// Stock held for a checkout, named by whoever asks for it.
    ReservationId, "reservation_id", ID_MAX_CHARS);
id!(/// A change set, named by whoever asked for it.
    ChangeId, "change_id", ID_MAX_CHARS);
id!(/// An order, named by whoever placed it.
    OrderId, "order_id", ID_MAX_CHARS);
id!(/// A line within its order.
    LineId, "line_id", ID_MAX_CHARS);
id!(/// A product's stock keeping unit.
    Sku, "sku", ID_MAX_CHARS, printable);
id!(/// A warehouse or store.
    FacilityId, "facility_id", ID_MAX_CHARS);
id!(/// The buyer, as the checkout knows them.
    CustomerId, "customer_id", ID_MAX_CHARS);
id!(/// One instrument that pays for an order.
    PaymentId, "payment_id", ID_MAX_CHARS);
id!(/// A cancellation, named by whoever asks for it.
    CancellationId, "cancellation_id", ID_MAX_CHARS);
id!(/// A hold on an order.
    HoldId, "hold_id", ID_MAX_CHARS);
id!(/// A refund, named by whoever gives it.
    RefundId, "refund_id", ID_MAX_CHARS);
id!(/// A note on an order, named by whoever writes it.
    NoteId, "note_id", ID_MAX_CHARS);
id!(/// What one facility ships of an order by one method: `<order_id>-F<n>`.
    FulfillmentOrderId, "fulfillment_order_id", DERIVED_ID_MAX_CHARS);
id!(/// A parcel of a fulfillment order: `<fulfillment_order_id>-P<n>`.
    ParcelId, "parcel_id", DERIVED_ID_MAX_CHARS);
id!(/// A return: `<order_id>-R<n>`.
    ReturnId, "return_id", DERIVED_ID_MAX_CHARS);

id!(/// A claim: `<order_id>-C<n>`.
    ClaimId, "claim_id", DERIVED_ID_MAX_CHARS);

id!(/// An account: `acc-` and a number of its own, or the name under which the configuration declares it; or a person: `per-` and a number.
    AccountId, "account_id", ID_MAX_CHARS);
id!(/// A key of an account: the part of it that is no secret.
    KeyId, "key_id", ID_MAX_CHARS);
id!(/// A place of work that people take over.
    StationId, "station_id", ID_MAX_CHARS);
id!(/// A company that does something for the house, as the configuration names it.
    ProviderId, "provider_id", ID_MAX_CHARS);
id!(/// Where events are sent: `ep-` and a number of its own.
    EndpointId, "endpoint_id", ID_MAX_CHARS);
id!(/// Where others send messages to: `in-` and a number of its own.
    InletId, "inlet_id", ID_MAX_CHARS);
id!(/// A request, named by whoever sent it or by the server.
    RequestId, "request_id", ID_MAX_CHARS);

impl AccountId {
    /// What of the house acts by itself.
    pub fn house(part: HousePart) -> Self {
        Self(part.name().to_owned())
    }
}

/// Splits `<parent>-<letter><n>` from the right.
fn split_derived(text: &str, letter: char) -> Option<(&str, u32)> {
    let (parent, number) = text.rsplit_once(&format!("-{letter}"))?;
    if number.is_empty() || number.starts_with('0') || !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some((parent, number.parse().ok()?))
}

impl HoldId {
    /// One of the house's own, spelled in its code.
    pub(crate) fn reserved(text: &'static str) -> Self {
        Self(text.to_owned())
    }
}

impl BulkId {
    /// What each of its orders knows its cancellation by.
    pub fn cancellation_id(&self) -> CancellationId {
        CancellationId(self.0.clone())
    }
    /// What each of its orders knows its hold by, unless another id was chosen.
    pub fn hold_id(&self) -> HoldId {
        HoldId(self.0.clone())
    }
}

impl OrderId {
    /// The n-th order that is exchanged for units of another, counted from 1: `<order_id>-X<n>`. None: the id leaves no room for it.
    pub fn exchange_of(order: &Self, n: u32) -> Option<Self> {
        Self::parse(format!("{order}-X{n}")).ok()
    }
    /// The order whose units it is exchanged for, if the id has that form; an order that was placed under such an id is no exchange.
    pub fn origin(&self) -> Option<Self> {
        Self::parse(split_derived(&self.0, 'X')?.0).ok()
    }
    /// Its number among the exchanges of its origin, if the id has the form.
    pub fn exchange_number(&self) -> Option<u32> {
        Some(split_derived(&self.0, 'X')?.1)
    }
}

impl FulfillmentOrderId {
    /// The n-th fulfillment order of an order, counted from 1 and never reused.
    pub fn of(order: &OrderId, n: u32) -> Self {
        Self(format!("{order}-F{n}"))
    }
    /// The order it belongs to, if the id has the derived form.
    pub fn order_id(&self) -> Option<OrderId> {
        OrderId::parse(split_derived(&self.0, 'F')?.0).ok()
    }
    /// Its number within the order, if the id has the derived form.
    pub fn number(&self) -> Option<u32> {
        Some(split_derived(&self.0, 'F')?.1)
    }
}

impl ParcelId {
    /// The n-th parcel of a fulfillment order, counted from 1 and never reused.
    pub fn of(fulfillment_order: &FulfillmentOrderId, n: u32) -> Self {
        Self(format!("{fulfillment_order}-P{n}"))
    }
    /// The fulfillment order it belongs to, if the id has the derived form.
    pub fn fulfillment_order_id(&self) -> Option<FulfillmentOrderId> {
        FulfillmentOrderId::parse(split_derived(&self.0, 'P')?.0).ok()
    }
}

impl ReturnId {
    /// The n-th return of an order, counted from 1.
    pub fn of(order: &OrderId, n: u32) -> Self {
        Self(format!("{order}-R{n}"))
    }
    /// The order it belongs to, if the id has the derived form.
    pub fn order_id(&self) -> Option<OrderId> {
        OrderId::parse(split_derived(&self.0, 'R')?.0).ok()
    }
    /// Its number within the order, if the id has the derived form.
    pub fn number(&self) -> Option<u32> {
        Some(split_derived(&self.0, 'R')?.1)
    }
}

impl ClaimId {
    /// The n-th claim of an order, counted from 1.
    pub fn of(order: &OrderId, n: u32) -> Self {
        Self(format!("{order}-C{n}"))
    }
    /// The order it belongs to, if the id has the derived form.
    pub fn order_id(&self) -> Option<OrderId> {
        OrderId::parse(split_derived(&self.0, 'C')?.0).ok()
    }
    /// Its number within the order, if the id has the derived form.
    pub fn number(&self) -> Option<u32> {
        Some(split_derived(&self.0, 'C')?.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_with_slashes_spaces_or_no_characters_are_refused() {
        for text in ["", ".", "..", "a/b", "a b", "ü", &"x".repeat(65)] {
            assert!(OrderId::parse(text).is_err(), "{text:?}");
        }
        assert!(["536365", "..5"].iter().all(|text| OrderId::parse(*text).is_ok()));
    }

    #[test]
    fn derived_ids_are_parsed_from_the_right() {
        let order = OrderId::parse("A-F2-P3").unwrap();
        let fulfillment_order = FulfillmentOrderId::of(&order, 12);
        let parcel = ParcelId::of(&fulfillment_order, 1);
        assert_eq!(parcel.as_str(), "A-F2-P3-F12-P1");
        assert_eq!(parcel.fulfillment_order_id(), Some(fulfillment_order.clone()));
        assert_eq!((fulfillment_order.order_id(), fulfillment_order.number()), (Some(order), Some(12)));
        assert_eq!(FulfillmentOrderId::parse("A-F0").unwrap().order_id(), None);
    }

    #[test]
    fn a_sku_is_what_a_merchant_calls_it() {
        for text in ["85123A", "AB/12", "AB 12", "AB+12", "AB#12", "ÄB-12", "(AB) 12", "AB:12", "AB&12", "袋", &"ä".repeat(64)] {
            assert_eq!(Sku::parse(text).map(String::from), Ok(text.to_owned()));
        }
        assert_eq!(Sku::parse("A\u{308}B"), Sku::parse("ÄB"), "written in two ways, it is one");
        for text in ["", ".", "..", " A", "A ", "A\tB", "A\nB", "A\u{a0}B", &"x".repeat(65)] {
            assert!(Sku::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_invalid_id_does_not_deserialize() {
        assert!(serde_json::from_str::<OrderId>("\"a/b\"").is_err());
    }
}
