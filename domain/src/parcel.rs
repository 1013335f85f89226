//! The parcel's machine. Carriers skip scans, so any forward jump is legal; what comes late or twice changes nothing.
//! A parcel that its customer collects goes from Packed to Delivered.

use unicode_normalization::UnicodeNormalization;

use crate::machine;

machine! {
    /// Where a parcel stands (LIFECYCLE.md, Parcel).
    states ParcelStatus {
        /// Packed; no label has been asked for yet.
        Packed = "packed",
        LabelPending = "label_pending",
        Labelled = "labelled",
        Voided = "voided",
        HandedOver = "handed_over",
        InTransit = "in_transit",
        OutForDelivery = "out_for_delivery",
        Attempted = "attempted",
        Exception = "exception",
        Delivered = "delivered",
        ReturnedToSender = "returned_to_sender",
        Lost = "lost",
    }
    /// What is done to a parcel, or reported of it.
    actions ParcelAction {
        RequestLabel = "request-label",
        Label = "label",
        /// The carrier gave no label.
        RefuseLabel = "refuse-label",
        Void = "void",
        HandOver = "handed_over",
        Transit = "in_transit",
        OutForDelivery = "out_for_delivery",
        Attempt = "attempted",
        Except = "exception",
        Deliver = "delivered",
        ReturnToSender = "returned_to_sender",
        Lose = "lost",
    }
    transitions {
        Packed, RequestLabel => LabelPending;
        Packed | LabelPending, Label => Labelled;
        LabelPending, RefuseLabel => Packed;
        Packed | LabelPending | Labelled, Void => Voided;
        Labelled, HandOver => HandedOver;
        Labelled | HandedOver | Exception, Transit => InTransit;
        Labelled | HandedOver | InTransit | Attempted | Exception, OutForDelivery => OutForDelivery;
        Labelled | HandedOver | InTransit | OutForDelivery | Exception, Attempt => Attempted;
        HandedOver | InTransit | OutForDelivery | Attempted, Except => Exception;
        Packed | Labelled | HandedOver | InTransit | OutForDelivery | Attempted | Exception | Lost, Deliver => Delivered;
        HandedOver | InTransit | OutForDelivery | Attempted | Exception, ReturnToSender => ReturnedToSender;
        HandedOver | InTransit | OutForDelivery | Attempted | Exception, Lose => Lost;
    }
}

impl ParcelAction {
    /// The action a carrier's status stands for, however it is written (`In Transit`, `in-transit`, `IN_TRANSIT`); none for a word that no
    /// carrier of ours uses.
    pub fn from_carrier_status(status: &str) -> Option<Self> {
        let reported = [
            Self::HandOver,
            Self::Transit,
            Self::OutForDelivery,
            Self::Attempt,
            Self::Except,
            Self::Deliver,
            Self::ReturnToSender,
            Self::Lose,
        ];
        reported.into_iter().find(|action| bare_word(action.name()) == bare_word(status))
    }
}

fn bare_word(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '_' | '-')).flat_map(char::to_lowercase).collect()
}

impl ParcelStatus {
    /// On its way: shipped and not yet anywhere for good.
    pub fn is_in_transit(self) -> bool {
        match self {
            Self::Labelled | Self::HandedOver | Self::InTransit | Self::OutForDelivery | Self::Attempted | Self::Exception => true,
            Self::Packed | Self::LabelPending | Self::Voided | Self::Delivered | Self::ReturnedToSender | Self::Lost => false,
        }
    }

    /// Nothing more is to come of it: a later scan of its number is of another parcel.
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Voided | Self::Delivered | Self::ReturnedToSender | Self::Lost)
    }
}

/// The form in which tracking numbers are kept: people and scanners write them with blanks, in either case, or full width.
pub fn tracking_number(text: &str) -> String {
    text.nfkc().filter(|c| !c.is_whitespace()).flat_map(char::to_uppercase).collect()
}

/// Whether two ways to write a tracking number are one: dashes do not tell two numbers apart either.
pub fn same_tracking_number(one: &str, other: &str) -> bool {
    let bare = |text: &str| tracking_number(text).replace('-', "");
    bare(one) == bare(other)
}
