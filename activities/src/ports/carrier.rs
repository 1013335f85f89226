//! A carrier: what it would charge, labels with their documents, one per parcel, what becomes of them, and what is asked of it beside.

use std::fmt;

use futures::future::BoxFuture;
use jiff::Timestamp;
use oms_domain::{label::LabelFormat, money::Money, parcel::ParcelAction, placed::Address};
use oms_store::LabelDocument;

use super::PortError;

/// Somebody with an address: a sender or a recipient. A sender whose street nobody has said has an empty `line1`.
#[derive(Clone, PartialEq)]
pub struct Party {
    pub address: Address,
    pub email: Option<String>,
}

/// It is somebody: of what is printed of it no more than the country.
impl fmt::Debug for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Party({})", self.address.country)
    }
}

/// How heavy and large a parcel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    pub weight_g: u32,
    /// Length, width and height; none where a product's are not known.
    pub size_mm: Option<[u32; 3]>,
}

/// Units of one product in a parcel, as customs ask for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    pub sku: String,
    pub description: String,
    pub quantity: u32,
    pub unit_weight_g: u32,
    /// What the customer paid for one.
    pub unit_value: Money,
    /// Harmonized System code, and where it was made (ISO 3166-1 alpha-2): the properties `hs_code` and `origin_country` of the order's line.
    pub hs_code: Option<String>,
    pub origin_country: Option<String>,
}

/// A parcel that is to travel: what a carrier prices by, and makes a label of.
#[derive(Debug, Clone)]
pub struct LabelOrder {
    /// The same key is the same label.
    pub key: String,
    /// The parcel, or the return.
    pub reference: String,
    pub facility_id: String,
    /// `standard`, `express` or `return`.
    pub service: String,
    pub from: Party,
    pub to: Party,
    pub piece: Piece,
    pub contents: Vec<Content>,
}

impl LabelOrder {
    /// Whether it passes a customs border.
    pub fn is_abroad(&self) -> bool {
        self.from.address.country != self.to.address.country
    }
}

/// A booked label, with what it is printed from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booking {
    pub carrier: String,
    pub tracking_number: String,
    pub tracking_url: Option<String>,
    pub documents: Vec<LabelDocument>,
}

/// What one service would charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rate {
    pub carrier: String,
    pub service: String,
    pub amount: Money,
    /// Days until it arrives, where the carrier says so.
    pub delivery_days: Option<u32>,
}

/// What the driver signs: the parcels that were handed over together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    pub reference: String,
    /// How many labels it names.
    pub labels: u32,
}

/// That somebody comes for parcels.
#[derive(Debug, Clone)]
pub struct PickupRequest {
    /// The same key is the same request.
    pub key: String,
    pub from: Party,
    /// Labels of the parcels, by their keys.
    pub labels: Vec<String>,
    pub ready_at: Timestamp,
    pub until: Timestamp,
}

/// The carrier comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pickup {
    pub confirmation: String,
}

/// What a carrier says of a parcel's way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackedScan {
    pub event_id: String,
    pub action: ParcelAction,
    pub occurred_at: Timestamp,
}

/// A carrier that can be asked again without a second label.
pub trait Carrier: Send + Sync + 'static {
    /// Which services would carry this there, and for how much. `Refused`: none.
    fn rates(&self, label: LabelOrder) -> BoxFuture<'_, Result<Vec<Rate>, PortError>>;

    /// Books a label, once per key, and fetches its documents. `Refused`: this parcel gets none as it is.
    fn book(&self, label: LabelOrder) -> BoxFuture<'_, Result<Booking, PortError>>;

    /// Sees to it that nothing travels under the label of this key; one that was never made, or is void, is fine. `Refused`: the
    /// carrier has the parcel already.
    fn void(&self, key: &str) -> BoxFuture<'_, Result<(), PortError>>;

    /// Closes the labels of these keys on one manifest, once per key of its own.
    fn manifest(&self, key: &str, labels: Vec<String>) -> BoxFuture<'_, Result<Manifest, PortError>>;

    /// Asks for a pickup, once per key.
    fn request_pickup(&self, pickup: PickupRequest) -> BoxFuture<'_, Result<Pickup, PortError>>;

    /// What happened to a parcel so far, the oldest first; what the carrier says in words of its own alone is left out.
    fn track(&self, tracking_number: &str) -> BoxFuture<'_, Result<Vec<TrackedScan>, PortError>>;
}

/// The documents of a label are what they say that they are, and of at least one format.
pub(crate) fn checked(system: &str, documents: Vec<LabelDocument>) -> Result<Vec<LabelDocument>, PortError> {
    for document in &documents {
        document.format.check(&document.bytes).map_err(|flaw| PortError::Unexpected(format!("{system}: {flaw}")))?;
    }
    if documents.is_empty() {
        return Err(PortError::Unexpected(format!("{system}: a label without a document to print it from")));
    }
    Ok(documents)
}

/// The formats that are kept of each label: for people's printers, and for label printers.
pub(crate) const KEPT_FORMATS: [LabelFormat; 2] = [LabelFormat::Pdf, LabelFormat::Zpl];
