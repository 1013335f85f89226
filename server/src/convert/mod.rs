//! Wire types and the store's, one into the other: neither room knows the other's.

mod endpoints;
mod feeds;
mod orders;
mod people;
mod providers;
mod stock;

pub(crate) use self::{
    endpoints::{dead_event, delivery, endpoint, endpoint_secret},
    endpoints::{inlet, inlet_message, inlet_secret},
    feeds::{feed, feed_kind, feed_mode, picked_units, reject},
    orders::{
        allocation, bulk_result, carrier_event, customer, dead_letter, event, fulfillment_summary, order_summary, return_summary,
        stream_event,
    },
    people::{account, audit, made_key, person, session, station},
    providers::{provider, provider_wait},
    stock::{
        adjustment, facility, facility_body, label_print, manifest, picklist, position, product, product_body, receipt, reservation,
        stock_count, stock_movement,
    },
};
