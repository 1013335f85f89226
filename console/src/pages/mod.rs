//! The pages, and where they are.

pub(crate) mod approvals;
mod change_order;
mod endpoints;
pub(crate) mod entrance;
mod facilities;
pub(crate) mod failed;
mod find;
mod handover;
mod home;
mod inbox;
mod insights;
mod live;
mod new_order;
mod order;
mod order_actions;
mod orders;
mod pack;
mod pick;
mod pickup;
mod print;
mod stations;
mod stock;
mod work;

use axum::{
    Router,
    routing::{get, post},
};

use crate::{api::House, assets};

pub(crate) fn routes() -> Router<House> {
    Router::new()
        .route("/", get(home::page))
        .route("/login", get(entrance::login).post(entrance::log_in))
        .route("/login/badge", post(stations::take_over))
        .route("/logout", post(entrance::log_out))
        .route("/invitation", get(entrance::invitation).post(entrance::accept))
        .route("/preferences", post(entrance::prefer))
        .route("/find", get(find::page))
        .route("/orders", get(orders::page))
        .route("/orders/new", get(new_order::page).post(new_order::send))
        .route("/orders/{order_id}/change", get(change_order::page).post(change_order::send))
        .route("/orders/{order_id}", get(order::page))
        .route("/orders/{order_id}/why", get(order::why))
        .route("/orders/{order_id}/cancel", post(order_actions::cancel))
        .route("/orders/{order_id}/hold", post(order_actions::hold))
        .route("/orders/{order_id}/holds/{hold_id}/release", post(order_actions::release))
        .route("/orders/{order_id}/refund", post(order_actions::refund))
        .route("/orders/{order_id}/notes", post(order_actions::note))
        .route("/orders/{order_id}/deadlines/{deadline_id}", post(order_actions::extend))
        .route("/orders/{order_id}/decisions/{decision_id}", post(order_actions::decide))
        .route("/orders/{order_id}/parts/{fulfillment_order_id}/{action}", post(order_actions::act))
        .route("/approvals", get(approvals::page))
        .route("/approvals/{approval_id}", get(approvals::one))
        .route("/approvals/{approval_id}/{decision}", post(approvals::decide))
        .route("/inbox", get(inbox::page))
        .route("/inbox/{attention_id}/retry", post(inbox::retry))
        .route("/inbox/letters/{message_id}/retry", post(inbox::retry_letter))
        .route("/inbox/feeds/{feed_id}/{word}", post(inbox::decide_feed))
        .route("/work", get(work::places))
        .route("/work/{facility_id}", get(work::queue))
        .route("/work/{facility_id}/wave", post(work::wave))
        .route("/work/{facility_id}/parts/{fulfillment_order_id}/{action}", post(work::act))
        .route("/pick/{picklist_id}", get(pick::page))
        .route("/pick/{picklist_id}/short", post(pick::short))
        .route("/pack", get(pack::start).post(pack::open))
        .route("/pack/{fulfillment_order_id}", get(pack::bench))
        .route("/pack/{fulfillment_order_id}/scan", post(pack::scan))
        .route("/pack/{fulfillment_order_id}/short", post(pack::short))
        .route("/handover/{facility_id}", get(handover::page))
        .route("/handover/{facility_id}/scan", post(handover::scan))
        .route("/handover/{facility_id}/manifests/{manifest_id}/close", post(handover::close))
        .route("/pickup/{facility_id}", get(pickup::page))
        .route("/pickup/{facility_id}/parts/{fulfillment_order_id}/{action}", post(pickup::act))
        .route("/stock/{sku}", get(stock::product))
        .route("/stock/{facility_id}/{sku}", get(stock::position))
        .route("/stock/{facility_id}/{sku}/count", post(stock::count))
        .route("/stock/{facility_id}/{sku}/adjust", post(stock::adjust))
        .route("/stock/{facility_id}/{sku}/bin", post(stock::bin))
        .route("/facilities", get(facilities::list))
        .route("/facilities/{facility_id}", get(facilities::one).post(facilities::put))
        .route("/insights", get(insights::summary))
        .route("/insights/{figure}", get(insights::figure))
        .route("/insights/{figure}/orders", get(insights::orders))
        .route("/facilities/{facility_id}/{word}", post(facilities::switch))
        .route("/facilities/{facility_id}/days/{word}", post(facilities::day))
        .route("/stations", get(stations::page).post(stations::create))
        .route("/stations/here", post(stations::here))
        .route("/stations/badge", post(stations::badge))
        .route("/stations/{station_id}/remove", post(stations::remove))
        .route("/endpoints", get(endpoints::list).post(endpoints::create))
        .route("/endpoints/{endpoint_id}", get(endpoints::one))
        .route("/endpoints/{endpoint_id}/set/{action}", post(endpoints::set))
        .route("/endpoints/{endpoint_id}/test", post(endpoints::test))
        .route("/endpoints/{endpoint_id}/rotate", post(endpoints::rotate))
        .route("/endpoints/{endpoint_id}/replay", post(endpoints::replay))
        .route("/endpoints/{endpoint_id}/dead-letters/{event_id}/resend", post(endpoints::resend))
        .route("/print/picklist/{picklist_id}", get(print::picklist))
        .route("/print/slip/{fulfillment_order_id}", get(print::slip))
        .route("/print/manifest/{manifest_id}", get(print::manifest))
        .route("/print/label/{parcel_id}", get(print::label))
        .route("/print/label/{parcel_id}/document", get(print::label_document))
        .route("/print/commands", get(print::commands))
        .route("/live", get(live::stream))
        .route("/assets/{file}", get(assets::serve))
        .fallback(failed::not_found)
}
