//! Every public type: what it says and which fields its `data` has.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// A field of an event's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    pub name: &'static str,
    /// Not each event of the type has it.
    pub is_optional: bool,
}

macro_rules! types {
    ($($variant:ident = $name:literal [$fields:literal] $about:literal;)+) => {
        /// What has happened, by the name that is a contract.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum PublicType { $(#[doc = $about] $variant,)+ }

        impl PublicType {
            /// Every one of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Its `type`.
            pub fn name(self) -> &'static str { match self { $(Self::$variant => $name,)+ } }

            /// What it says, for people.
            pub fn about(self) -> &'static str { match self { $(Self::$variant => $about,)+ } }

            fn field_names(self) -> &'static str { match self { $(Self::$variant => $fields,)+ } }
        }
    };
}

// Fields with a question mark need not be there. `actor?` and `links` are in all of them.
types! {
    OrderPlaced = "order.placed" ["order_id channel line_count units total_minor currency"] "An order was taken in.";
    OrderApproved = "order.approved" ["order_id channel"] "It may be fulfilled: paid for and let through.";
    OrderHeld = "order.held" ["order_id channel hold_id hold_reason expires_at?"] "It does not go on until the hold is lifted or expires.";
    OrderReleasedFromHold = "order.released_from_hold" ["order_id channel hold_id"] "A hold was lifted or has expired.";
    OrderChanged = "order.changed" ["order_id channel change_id difference_minor currency"] "A change set was made, as a whole.";
    OrderChangeDeclined = "order.change_declined" ["order_id channel change_id"] "A change set was not made: nothing has changed.";
    OrderUnitsCancelled = "order.units_cancelled" ["order_id channel lines? truncated?"] "Units that no facility had yet were cancelled.";
    OrderCompleted = "order.completed" ["order_id channel"] "Every unit has arrived, was handed over or was cancelled.";
    OrderCancelled = "order.cancelled" ["order_id channel"] "Nothing of it ships.";
    OrderRejected = "order.rejected" ["order_id channel"] "It was refused, by the fraud check for example.";
    OrderExpired = "order.expired" ["order_id channel"] "It was never paid for in time.";
    FulfillmentCancellationRequested = "fulfillment.cancellation_requested"
        ["order_id channel fulfillment_order_id facility_id? cancellation_id lines? truncated?"]
        "Stop: its facility is asked not to ship these units, and has to answer.";
    FulfillmentChangeRequested = "fulfillment.change_requested" ["order_id channel change_id fulfillment_order_ids? facility_ids? truncated?"]
        "Stop: the facilities of these fulfillment orders are asked to let go of units for a change, and have to answer.";
    FulfillmentCancelled = "fulfillment.cancelled" ["order_id channel fulfillment_order_id facility_id? lines? truncated?"]
        "Stop: these units are not to be shipped any more.";
    FulfillmentMoved = "fulfillment.moved" ["order_id channel fulfillment_order_id facility_id? into? moved_because lines? truncated?"]
        "Stop: units of a fulfillment order, all of them unless `lines` names some, go on elsewhere, or as another fulfillment order.";
    FulfillmentBackordered = "fulfillment.backordered" ["order_id channel fulfillment_order_id"] "Its units wait for stock.";
    FulfillmentReleased = "fulfillment.released" ["order_id channel fulfillment_order_id facility_id?"] "Its facility may begin.";
    FulfillmentAccepted = "fulfillment.accepted" ["order_id channel fulfillment_order_id facility_id?"] "Its facility has taken it on.";
    FulfillmentRejected = "fulfillment.rejected" ["order_id channel fulfillment_order_id facility_id rejection_reason lines? truncated?"]
        "Its facility gave it back as a whole.";
    FulfillmentPickedShort = "fulfillment.picked_short"
        ["order_id channel fulfillment_order_id facility_id rejection_reason into? lines? truncated?"]
        "Its facility gave these units back and goes on with the rest.";
    FulfillmentPacked = "fulfillment.packed" ["order_id channel fulfillment_order_id facility_id? parcels? truncated?"] "Its units are in parcels.";
    FulfillmentReadyForPickup = "fulfillment.ready_for_pickup" ["order_id channel fulfillment_order_id facility_id?"] "It waits for its customer.";
    FulfillmentPickedUp = "fulfillment.picked_up" ["order_id channel fulfillment_order_id facility_id? amount_minor currency"]
        "It was handed to its customer; so much of the money is due.";
    FulfillmentShipped = "fulfillment.shipped" ["order_id channel fulfillment_order_id facility_id? amount_minor currency"]
        "It has left its facility; so much of the money is due.";
    FulfillmentUnshipped = "fulfillment.unshipped" ["order_id channel fulfillment_order_id facility_id? amount_minor currency"]
        "The carrier does not have it yet after all; so much of the money is owed back.";
    ParcelLabelled = "parcel.labelled" ["order_id channel fulfillment_order_id? facility_id? parcel_id carrier tracking_number tracking_url?"]
        "A parcel has its label, and the number that its carrier knows it by.";
    ParcelMoved = "parcel.moved" ["order_id channel fulfillment_order_id? facility_id? parcel_id parcel_action occurred_at is_assumed"]
        "Its carrier reports of a parcel on its way.";
    ParcelDelivered = "parcel.delivered" ["order_id channel fulfillment_order_id? facility_id? parcel_id occurred_at is_assumed"] "A parcel has arrived.";
    ParcelLost = "parcel.lost" ["order_id channel fulfillment_order_id? facility_id? parcel_id occurred_at is_assumed"]
        "A parcel is lost, by its carrier's word or by its silence.";
    ParcelReturnedToSender = "parcel.returned_to_sender" ["order_id channel fulfillment_order_id? facility_id? parcel_id occurred_at is_assumed"]
        "A parcel comes back unopened.";
    PaymentAuthorized = "payment.authorized" ["order_id channel payment_id amount_minor currency"] "An instrument will pay so much.";
    PaymentCaptured = "payment.captured" ["order_id channel payment_id amount_minor currency"] "So much was charged.";
    PaymentRefunded = "payment.refunded" ["order_id channel payment_id amount_minor currency"] "So much was given back.";
    PaymentVoided = "payment.voided" ["order_id channel payment_id amount_minor currency"] "So much will not be charged.";
    PaymentFailed = "payment.failed" ["order_id channel payment_id payment_operation amount_minor currency"] "The gateway would not do it.";
    PaymentLapsed = "payment.lapsed" ["order_id channel payment_id"] "An authorization has expired before all of it was charged.";
    PaymentInvoiceDue = "payment.invoice_due" ["order_id channel payment_id amount_minor currency"] "On terms: an invoice for what was shipped is due.";
    PaymentCreditDue = "payment.credit_due" ["order_id channel payment_id refund_id amount_minor currency"]
        "So much is to be given back where no gateway is asked: as a credit on an invoice, or where it was paid.";
    DecisionAsked = "decision.asked" ["order_id channel decision_id fulfillment_order_id"] "The customer is asked what to do about units without stock.";
    ReturnRequested = "return.requested" ["order_id return_id units"] "Goods are to come back.";
    ReturnApproved = "return.approved" ["order_id return_id"] "They may.";
    ReturnReceived = "return.received" ["order_id return_id facility_id units is_complete"] "Goods have come back.";
    ReturnClosed = "return.closed" ["order_id return_id return_outcome"] "Nothing more is to come of it.";
    ClaimOpened = "claim.opened" ["order_id channel claim_id lines? truncated?"] "The customer wants their money back for units that do not come back.";
    ClaimApproved = "claim.approved" ["order_id channel claim_id amount_minor currency"] "They get so much.";
    ClaimDeclined = "claim.declined" ["order_id channel claim_id"] "They get nothing.";
    ClaimClosed = "claim.closed" ["order_id channel claim_id"] "Its money has reached the customer.";
    StockChanged = "stock.changed" ["facility_id sku on_hand reserved unavailable safety_stock available"]
        "How many units a facility has of a SKU now: changes within a moment are one event, and each says all.";
    StockLow = "stock.low" ["facility_id sku available low_units"] "What can still be promised has fallen to so many units, or below.";
    FeedFinished = "feed.finished" ["feed_id feed_kind feed_status accepted unchanged rejected"] "A feed run has ended.";
    FeedParked = "feed.parked" ["feed_id feed_kind feed_status accepted unchanged rejected"]
        "A count would change too much: nothing of it is applied until somebody decides.";
    AttentionRaised = "attention.raised" ["order_id return_id? channel? about wait?"] "A person must look at this.";
    AttentionResolved = "attention.resolved" ["order_id return_id? channel? about wait?"] "It has gone on.";
    EventsRestored = "events.restored" ["after?"] "The books were moved or restored: events after this position may be lost, and will be told again if they happen again.";
}

impl Serialize for PublicType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for PublicType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::named(&name).ok_or_else(|| D::Error::custom("no type of event has this name"))
    }
}

impl PublicType {
    /// The type of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// What its data has.
    pub fn fields(self) -> impl Iterator<Item = Field> {
        let own = self.field_names().split(' ').chain(["actor?", "links"]);
        own.map(|name| Field { name: name.trim_end_matches('?'), is_optional: name.ends_with('?') })
    }
}
