//! Handing over to carriers: what has its label and waits to be fetched, by carrier, scanned onto the paper that is signed for it.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::Path;
use oms_api::{
    facility::FacilityBody,
    manifest::{HandoverScanView, HandoverView, ManifestView, WaitingParcelView},
    page::Page,
};
use serde_json::json;

use crate::{
    api::{at, encoded, with_query},
    form::Fields,
    frame::{Frame, Shown},
    visitor::{self, Visitor},
};

/// A carrier, and what it is to fetch.
struct Carrier {
    name: String,
    /// The manifest that its parcels are scanned onto.
    manifest_id: Option<String>,
    scanned: usize,
    parcels: Vec<WaitingParcelView>,
}

impl Carrier {
    fn of((name, parcels): (String, Vec<WaitingParcelView>)) -> Self {
        let manifest_id = parcels.iter().find_map(|parcel| parcel.manifest_id.clone());
        let scanned = parcels.iter().filter(|parcel| parcel.manifest_id.is_some()).count();
        Self { name, manifest_id, scanned, parcels }
    }
}

#[derive(Template)]
#[template(path = "handover.html")]
struct Handover<'a> {
    f: &'a Frame,
    facility: FacilityBody,
    carriers: Vec<Carrier>,
    has_more: bool,
    scan: Option<HandoverScanView>,
    /// Those that were closed last.
    closed: Vec<ManifestView>,
}

pub(crate) async fn page(visitor: Visitor, Path(facility_id): Path<String>) -> Shown {
    shown(visitor, &facility_id, None).await
}

async fn shown(mut visitor: Visitor, facility_id: &str, scan: Option<HandoverScanView>) -> Shown {
    let facility = visitor.in_zone_of(facility_id).await?;
    let waiting: HandoverView = visitor.need(at(&["facilities", facility_id, "handover"])).await?;
    let manifests: Page<ManifestView> =
        visitor.need(with_query(&at(&["manifests"]), &[("facility_id", facility_id), ("limit", "10")])).await?;
    let mut by_carrier: BTreeMap<String, Vec<WaitingParcelView>> = BTreeMap::new();
    for parcel in waiting.parcels {
        by_carrier.entry(parcel.carrier.clone()).or_default().push(parcel);
    }
    let carriers = by_carrier.into_iter().map(Carrier::of).collect();
    let closed = manifests.items.into_iter().filter(|manifest| manifest.closed_at.is_some()).collect();
    visitor::page(&visitor, &Handover { f: &visitor.frame, facility, carriers, has_more: waiting.has_more, scan, closed })
}

/// A parcel that the carrier takes along: scanned twice, it is taken along once.
pub(crate) async fn scan(mut visitor: Visitor, Path(facility_id): Path<String>, form: Fields) -> Shown {
    let path = at(&["facilities", &facility_id, "handover", "scans"]);
    match visitor.api.post::<HandoverScanView>(path, form.key(), &json!({"code": form.get("code")})).await {
        Ok(scan) => shown(visitor, &facility_id, Some(scan)).await,
        Err(problem) => {
            visitor.frame.problem = Some(problem);
            shown(visitor, &facility_id, None).await
        }
    }
}

/// The carrier signs for what was scanned.
pub(crate) async fn close(mut visitor: Visitor, Path((facility_id, id)): Path<(String, String)>, form: Fields) -> Shown {
    let told = visitor.api.post::<ManifestView>(at(&["manifests", &id, "close"]), form.key(), &json!({})).await;
    match visitor.then(told, "manifest-closed", &format!("/console/print/manifest/{}", encoded(&id)))? {
        Some(response) => Ok(response),
        None => shown(visitor, &facility_id, None).await,
    }
}
