//! Handing over to carriers: what has its label and waits to be fetched, by carrier, and the paper that is signed for it.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, Query};
use oms_api::{facility::FacilityBody, fulfillment::FulfillmentOrderSummary, page::Page};
use serde::Deserialize;

use crate::{
    api::{at, with_query},
    codes,
    frame::{Frame, Shown},
    visitor::{self, Visitor},
};

/// Pages of 50 that are looked through: what has left earlier was fetched long ago.
const PAGES_MAX: usize = 10;

/// A parcel that waits.
struct Waiting {
    parcel_id: String,
    tracking_number: String,
    code: String,
}

/// A carrier, and what it is to fetch.
struct Manifest {
    carrier: String,
    parcels: Vec<Waiting>,
}

#[derive(Template)]
#[template(path = "handover.html")]
struct Handover<'a> {
    f: &'a Frame,
    facility: FacilityBody,
    manifests: Vec<Manifest>,
    /// One carrier's, to be printed.
    carrier: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Which {
    carrier: String,
}

pub(crate) async fn page(mut visitor: Visitor, Path(facility_id): Path<String>, Query(Which { carrier }): Query<Which>) -> Shown {
    let facility = visitor.in_zone_of(&facility_id).await?;
    let (mut by_carrier, mut cursor): (BTreeMap<String, Vec<Waiting>>, String) = Default::default();
    for _ in 0..PAGES_MAX {
        let query = [
            ("facility_id", facility_id.as_str()),
            ("status", "shipped"),
            ("expand", "fulfillment_order"),
            ("limit", "50"),
            ("cursor", &cursor),
        ];
        let found: Page<FulfillmentOrderSummary> = visitor.need(with_query(&at(&["fulfillment-orders"]), &query)).await?;
        let parts = found.items.into_iter().filter_map(|row| row.fulfillment_order);
        for parcel in parts.flat_map(|part| part.parcels).filter(|parcel| parcel.status == "labelled") {
            let tracking_number = parcel.tracking_number.unwrap_or_default();
            let code = codes::code_128(&tracking_number).unwrap_or_default();
            let waiting = Waiting { parcel_id: parcel.parcel_id, tracking_number, code };
            by_carrier.entry(parcel.carrier.unwrap_or_default()).or_default().push(waiting);
        }
        match found.next_cursor {
            Some(next) => cursor = next,
            None => break,
        }
    }
    let is_meant = |manifest: &Manifest| carrier.is_empty() || manifest.carrier == carrier;
    let manifests = by_carrier.into_iter().map(|(carrier, parcels)| Manifest { carrier, parcels }).filter(is_meant).collect();
    visitor::page(&visitor, &Handover { f: &visitor.frame, facility, manifests, carrier })
}
