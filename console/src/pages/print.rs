//! Papers. Each has a code that opens its screen when it is scanned.

use askama::Template;
use axum::{
    body::Body,
    extract::{Path, Query},
    http::{HeaderValue, Method, StatusCode, header},
    response::Response,
};
use oms_api::{
    fulfillment::{FulfillmentOrderView, LabelPrintView, WalkView},
    manifest::{ManifestParcelView, ManifestView},
    page::Page,
};
use oms_domain::{bench::COMMANDS, label::LabelFormat};
use serde::Deserialize;

use crate::{
    api::{at, done, with_query},
    codes,
    frame::{Frame, Shown, Stop},
    visitor::{self, Visitor},
};

#[derive(Template)]
#[template(path = "print_picklist.html")]
struct Picklist<'a> {
    f: &'a Frame,
    walk: WalkView,
    code: String,
}

/// What is picked, by the walk.
pub(crate) async fn picklist(mut visitor: Visitor, Path(id): Path<String>) -> Shown {
    let walk: WalkView = visitor.need(at(&["picklists", &id, "walk"])).await?;
    visitor.in_zone_of(&walk.picklist.facility_id).await?;
    visitor::page(&visitor, &Picklist { f: &visitor.frame, walk, code: codes::qr(&id).unwrap_or_default() })
}

#[derive(Template)]
#[template(path = "print_slip.html")]
struct Slip<'a> {
    f: &'a Frame,
    part: FulfillmentOrderView,
    code: String,
}

/// What goes into the box: no price stands on it.
pub(crate) async fn slip(visitor: Visitor, Path(id): Path<String>) -> Shown {
    let part: FulfillmentOrderView = visitor.need(at(&["fulfillment-orders", &id])).await?;
    visitor::page(&visitor, &Slip { f: &visitor.frame, part, code: codes::code_128(&id).unwrap_or_default() })
}

#[derive(Template)]
#[template(path = "print_commands.html")]
struct Commands<'a> {
    f: &'a Frame,
    commands: Vec<(&'static str, String, String)>,
}

/// Codes that a bench takes in place of keys.
pub(crate) async fn commands(visitor: Visitor) -> Shown {
    let f = &visitor.frame;
    let shown = |code: &'static str| (code, codes::code_128(code).unwrap_or_default(), f.word("command", code));
    visitor::page(&visitor, &Commands { f, commands: COMMANDS.into_iter().map(shown).collect() })
}

#[derive(Template)]
#[template(path = "print_manifest.html")]
struct Manifest<'a> {
    f: &'a Frame,
    manifest: ManifestView,
    /// With the codes of their numbers.
    parcels: Vec<(ManifestParcelView, String)>,
    code: String,
}

/// What a carrier signs for.
pub(crate) async fn manifest(mut visitor: Visitor, Path(id): Path<String>) -> Shown {
    let mut manifest: ManifestView = visitor.need(at(&["manifests", &id])).await?;
    visitor.in_zone_of(&manifest.facility_id).await?;
    let drawn =
        |parcel: &ManifestParcelView| codes::code_128(parcel.tracking_number.as_deref().unwrap_or(&parcel.parcel_id)).unwrap_or_default();
    let parcels =
        std::mem::take(&mut manifest.parcels).into_iter().map(|parcel| (drawn(&parcel), parcel)).map(|(code, parcel)| (parcel, code));
    let parcels = parcels.collect();
    visitor::page(&visitor, &Manifest { f: &visitor.frame, manifest, parcels, code: codes::qr(&id).unwrap_or_default() })
}

#[derive(Template)]
#[template(path = "print_label.html")]
struct Label<'a> {
    f: &'a Frame,
    parcel_id: String,
    formats: Vec<&'static str>,
    prints: Vec<LabelPrintView>,
}

/// A parcel's label: to be printed as its carrier made it, and who has done so.
pub(crate) async fn label(visitor: Visitor, Path(parcel_id): Path<String>) -> Shown {
    let prints: Page<LabelPrintView> = visitor.need(at(&["parcels", &parcel_id, "label", "prints"])).await?;
    let formats = LabelFormat::NAMED.iter().map(|(name, _)| *name).collect();
    visitor::page(&visitor, &Label { f: &visitor.frame, parcel_id, formats, prints: prints.items })
}

#[derive(Deserialize)]
pub(crate) struct Wanted {
    #[serde(default)]
    format: String,
}

/// What the carrier made is kept from doing anything here: it is saved, or opened by what prints it.
const APART: &str = "default-src 'none'; sandbox";

/// The document itself; each time is a print.
pub(crate) async fn label_document(visitor: Visitor, Path(parcel_id): Path<String>, Query(Wanted { format }): Query<Wanted>) -> Shown {
    let path = with_query(&at(&["parcels", &parcel_id, "label"]), &[("format", &format)]);
    let mut response: Response = visitor.api.send(Method::GET, &path, &[], Body::empty()).await;
    if !response.status().is_success() {
        return match done(response).await {
            Ok(()) => Err(Stop::with(StatusCode::NOT_FOUND)),
            Err(problem) => Err(visitor::refuse(visitor.frame, problem)),
        };
    }
    let headers = response.headers_mut();
    let name = HeaderValue::from_str(&format!("attachment; filename=\"{parcel_id}.{}\"", if format.is_empty() { "pdf" } else { &format }));
    if let Ok(name) = name {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(APART));
    Ok(response)
}
