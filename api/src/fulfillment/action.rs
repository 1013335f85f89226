//! What an associate does to a fulfillment order: one word in the path, one small body each.

use oms_domain::{
    ids::ParcelId,
    order::{FulfillmentRequest, PackedParcel, RejectionReason},
};

use crate::reader::{Fields, Node, boolean, carrier_name, choice, integer, name, parsed, text, tracking_number, units_per_line};

/// Most parcels of one fulfillment order.
const PARCELS_MAX: usize = 500;
/// Heaviest parcel, in grams.
const WEIGHT_MAX_G: i64 = 10_000_000;
/// Longest code that a customer shows.
const CODE_MAX_CHARS: usize = 64;
/// What stands for a code that a customer shows, wherever it is kept.
type CodeHash<'a> = &'a dyn Fn(&str) -> String;
type ReadBody = fn(&Fields<'_>, CodeHash<'_>) -> Option<FulfillmentRequest>;

/// The actions, by their word in the path, each with the reader of its body.
const READERS: &[(&str, ReadBody)] = &[
    ("release", |_, _| Some(FulfillmentRequest::Release)),
    ("accept", |_, _| Some(FulfillmentRequest::Accept)),
    ("reject", reject),
    ("start-picking", start_picking),
    ("short-pick", short_pick),
    ("pack", pack),
    ("unpack", |_, _| Some(FulfillmentRequest::Unpack)),
    ("ready", |fields, hash| Some(FulfillmentRequest::Ready { code_hash: code_hash(fields, hash)? })),
    ("ship", ship),
    ("unship", |_, _| Some(FulfillmentRequest::Unship)),
    ("handover", |fields, hash| Some(FulfillmentRequest::Handover { code_hash: code_hash(fields, hash)? })),
    ("no-show", |_, _| Some(FulfillmentRequest::NoShow)),
    ("deliver", |_, _| Some(FulfillmentRequest::Deliver)),
    ("mark-lost", |fields, _| Some(FulfillmentRequest::MarkLost { parcels: parcels(fields)?.unwrap_or_default() })),
    ("move", move_away),
    ("split", |fields, _| Some(FulfillmentRequest::Split { lines: fields.required("lines", units_per_line("quantity"))? })),
    ("merge", |fields, _| Some(FulfillmentRequest::Merge { other: fields.required("fulfillment_order_id", parsed)? })),
    ("accept-cancellation", |_, _| Some(FulfillmentRequest::AcceptCancellation)),
    ("refuse-cancellation", |_, _| Some(FulfillmentRequest::RefuseCancellation)),
    ("accept-change", |_, _| Some(FulfillmentRequest::AcceptChange)),
    ("refuse-change", |fields, _| Some(FulfillmentRequest::RefuseChange { reason: fields.optional("reason", text(200))? })),
];

/// The words of the actions.
pub const ACTIONS: [&str; READERS.len()] = {
    let mut words = [""; READERS.len()];
    let mut i = 0;
    while i < words.len() {
        words[i] = READERS[i].0;
        i += 1;
    }
    words
};

/// The reader of an action's body, if there is such an action; `hash` is for its fulfillment order alone.
pub fn read_action(action: &str, hash: impl Fn(&str) -> String) -> Option<impl Fn(&Node<'_>) -> Option<FulfillmentRequest>> {
    let (_, read) = READERS.iter().find(|(word, _)| *word == action)?;
    Some(move |node: &Node<'_>| node.object(|fields| read(fields, &hash)))
}

fn reject(fields: &Fields<'_>, _: CodeHash<'_>) -> Option<FulfillmentRequest> {
    let reason = fields.required("reason", choice(RejectionReason::NAMED));
    let lines = fields.optional("lines", units_per_line("quantity"));
    Some(FulfillmentRequest::Reject { reason: reason?, lines: lines? })
}

fn start_picking(fields: &Fields<'_>, _: CodeHash<'_>) -> Option<FulfillmentRequest> {
    Some(FulfillmentRequest::StartPicking { picker: fields.required("picker", name)? })
}

fn short_pick(fields: &Fields<'_>, _: CodeHash<'_>) -> Option<FulfillmentRequest> {
    let reason = fields.required("reason", choice(RejectionReason::NAMED));
    let lines = fields.required("lines", units_per_line("quantity_short"));
    Some(FulfillmentRequest::ShortPick { reason: reason?, lines: lines? })
}

fn pack(fields: &Fields<'_>, _: CodeHash<'_>) -> Option<FulfillmentRequest> {
    let parcels = fields.optional("parcels", |n| n.list(0, PARCELS_MAX, |parcel| parcel.object(packed_parcel)))?;
    Some(FulfillmentRequest::Pack { parcels: parcels.unwrap_or_default() })
}

fn packed_parcel(fields: &Fields<'_>) -> Option<PackedParcel> {
    let lines = fields.required("lines", units_per_line("quantity"));
    let weight_g = fields.optional("weight_g", integer(1..=WEIGHT_MAX_G));
    Some(PackedParcel { lines: lines?, weight_g: weight_g?.and_then(|grams| u32::try_from(grams).ok()) })
}

fn ship(fields: &Fields<'_>, _: CodeHash<'_>) -> Option<FulfillmentRequest> {
    let carrier = fields.optional("carrier", carrier_name);
    let tracking_number = fields.optional("tracking_number", tracking_number);
    let parcels = parcels(fields);
    let (carrier, tracking_number) = (carrier?, tracking_number?);
    match parcels? {
        None => Some(FulfillmentRequest::Ship { carrier, tracking_number }),
        Some(_) if carrier.is_some() || tracking_number.is_some() => fields.error("parcels", "must not stand beside a label of your own"),
        Some(parcels) => Some(FulfillmentRequest::ShipParcels { parcels }),
    }
}

/// Some of its parcels, by their ids.
fn parcels(fields: &Fields<'_>) -> Option<Option<Vec<ParcelId>>> {
    fields.optional("parcels", |n| n.list(1, PARCELS_MAX, parsed))
}

/// The code never travels further than this.
fn code_hash(fields: &Fields<'_>, hash: CodeHash<'_>) -> Option<Option<String>> {
    let code = fields.optional("code", text(CODE_MAX_CHARS))?;
    Some(code.map(|code| hash(&code)))
}

fn move_away(fields: &Fields<'_>, _: CodeHash<'_>) -> Option<FulfillmentRequest> {
    let facility_id = fields.optional("facility_id", parsed);
    let consented = fields.optional("consented", boolean);
    Some(FulfillmentRequest::Move { facility_id: facility_id?, consented: consented?.unwrap_or(false) })
}
