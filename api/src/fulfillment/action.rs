//! What an associate does to a fulfillment order: one word in the path, one small body each.

use oms_domain::order::{FulfillmentRequest, PackedParcel, RejectionReason};

use crate::reader::{Fields, Node, choice, integer, name, units_per_line};

/// Most parcels of one fulfillment order.
const PARCELS_MAX: usize = 500;
/// Heaviest parcel, in grams.
const WEIGHT_MAX_G: i64 = 10_000_000;
const REASONS: &[(&str, RejectionReason)] = &[
    ("NotInStock", RejectionReason::NotInStock),
    ("Mismatch", RejectionReason::Mismatch),
    ("Damaged", RejectionReason::Damaged),
    ("NoCapacity", RejectionReason::NoCapacity),
    ("Other", RejectionReason::Other),
];

type ReadBody = fn(&Fields<'_>) -> Option<FulfillmentRequest>;

/// The actions, by their word in the path, each with the reader of its body.
const READERS: &[(&str, ReadBody)] = &[
    ("release", |_| Some(FulfillmentRequest::Release)),
    ("accept", |_| Some(FulfillmentRequest::Accept)),
    ("reject", reject),
    ("start-picking", start_picking),
    ("short-pick", short_pick),
    ("pack", pack),
    ("unpack", |_| Some(FulfillmentRequest::Unpack)),
    ("ship", ship),
    ("deliver", |_| Some(FulfillmentRequest::Deliver)),
    ("accept-cancellation", |_| Some(FulfillmentRequest::AcceptCancellation)),
    ("refuse-cancellation", |_| Some(FulfillmentRequest::RefuseCancellation)),
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

/// The reader of an action's body, if there is such an action.
pub fn read_action(action: &str) -> Option<impl Fn(&Node<'_>) -> Option<FulfillmentRequest>> {
    let (_, read) = READERS.iter().find(|(word, _)| *word == action)?;
    Some(move |node: &Node<'_>| node.object(read))
}

fn reject(fields: &Fields<'_>) -> Option<FulfillmentRequest> {
    let reason = fields.required("reason", choice(REASONS));
    let lines = fields.optional("lines", units_per_line("quantity"));
    Some(FulfillmentRequest::Reject { reason: reason?, lines: lines? })
}

fn start_picking(fields: &Fields<'_>) -> Option<FulfillmentRequest> {
    Some(FulfillmentRequest::StartPicking { picker: fields.required("picker", name)? })
}

fn short_pick(fields: &Fields<'_>) -> Option<FulfillmentRequest> {
    let reason = fields.required("reason", choice(REASONS));
    let lines = fields.required("lines", units_per_line("quantity_short"));
    Some(FulfillmentRequest::ShortPick { reason: reason?, lines: lines? })
}

fn pack(fields: &Fields<'_>) -> Option<FulfillmentRequest> {
    let parcels = fields.optional("parcels", |n| n.list(0, PARCELS_MAX, |parcel| parcel.object(packed_parcel)))?;
    Some(FulfillmentRequest::Pack { parcels: parcels.unwrap_or_default() })
}

fn packed_parcel(fields: &Fields<'_>) -> Option<PackedParcel> {
    let lines = fields.required("lines", units_per_line("quantity"));
    let weight_g = fields.optional("weight_g", integer(1..=WEIGHT_MAX_G));
    Some(PackedParcel { lines: lines?, weight_g: weight_g?.and_then(|grams| u32::try_from(grams).ok()) })
}

fn ship(fields: &Fields<'_>) -> Option<FulfillmentRequest> {
    let carrier = fields.optional("carrier", name);
    let tracking_number = fields.optional("tracking_number", name);
    Some(FulfillmentRequest::Ship { carrier: carrier?, tracking_number: tracking_number? })
}
