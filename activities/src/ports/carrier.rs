//! A carrier: labels, one per parcel.

use futures::future::BoxFuture;

use super::PortError;

/// A label to book. Holds the destination only as far as a carrier prices by it.
#[derive(Debug, Clone)]
pub struct LabelOrder {
    /// The same key is the same label.
    pub key: String,
    /// The parcel.
    pub reference: String,
    pub facility_id: String,
    /// `standard` or `express`.
    pub service: String,
    pub country: String,
    pub postal_code: Option<String>,
    pub weight_g: u32,
}

/// A booked label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booking {
    pub carrier: String,
    pub tracking_number: String,
}

/// A carrier that can be asked again without a second label.
pub trait Carrier: Send + Sync + 'static {
    /// Books a label, once per key. `Refused`: this parcel gets none as it is.
    fn book(&self, label: LabelOrder) -> BoxFuture<'_, Result<Booking, PortError>>;

    /// Sees to it that nothing travels under the label of this key; one that was never made, or is void, is fine. `Refused`: the
    /// carrier has the parcel already.
    fn void(&self, key: &str) -> BoxFuture<'_, Result<(), PortError>>;
}
