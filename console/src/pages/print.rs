//! Papers. Each has a code that opens its screen when it is scanned.

use askama::Template;
use axum::extract::Path;
use oms_api::fulfillment::{FulfillmentOrderView, WalkView};
use oms_domain::bench::UNDO;

use crate::{
    api::at,
    codes,
    frame::{Frame, Shown},
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
    let undo = (UNDO, codes::code_128(UNDO).unwrap_or_default(), visitor.frame.t("command-undo"));
    visitor::page(&visitor, &Commands { f: &visitor.frame, commands: vec![undo] })
}
