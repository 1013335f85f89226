//! The one error table: what each stable `code` means to HTTP, to Temporal and to a shell.

use serde::{Deserialize, Serialize};

macro_rules! errors {
    ($( $(#[$doc:meta])* $name:ident = $code:literal, $http:literal, $retry:ident, $exit:literal, $title:literal; )+) => {
        /// Every error the house reports. The `code` is stable; titles may be reworded.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum ErrorCode { $( $(#[$doc])* #[serde(rename = $code)] $name, )+ }

        impl ErrorCode {
            /// Every row of the table.
            pub const ALL: &[ErrorCode] = &[ $( ErrorCode::$name, )+ ];

            /// The stable code, as in problem documents; also the Temporal failure type.
            pub fn code(self) -> &'static str { match self { $( Self::$name => $code, )+ } }
            /// The HTTP status it answers with.
            pub fn http_status(self) -> u16 { match self { $( Self::$name => $http, )+ } }
            /// One short sentence that is the same for every occurrence.
            pub fn title(self) -> &'static str { match self { $( Self::$name => $title, )+ } }
            /// The exit code of the command line.
            pub fn exit_code(self) -> u8 { match self { $( Self::$name => $exit, )+ } }
            /// Whether the same request may succeed later, unchanged.
            pub fn retry(self) -> Retry { match self { $( Self::$name => Retry::$retry, )+ } }
        }
    };
}

/// Whether trying again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// The answer will not change.
    Never,
    /// A passing fault.
    Later,
}

errors! {
    /// The body is not JSON, or not UTF-8.
    MalformedBody = "malformed_body", 400, Never, 2, "The body cannot be read";
    /// Fields are missing, unknown, of the wrong type or out of range; `errors` names each.
    ValidationFailed = "validation_failed", 422, Never, 2, "Some fields are not valid";
    BodyTooLarge = "body_too_large", 413, Never, 2, "The body is too large";
    MethodNotAllowed = "method_not_allowed", 405, Never, 2, "This path does not take this method";
    UnsupportedMediaType = "unsupported_media_type", 415, Never, 2, "The content type is not supported";
    /// No key, or none that is known and in force: which of these is not said.
    Unauthenticated = "unauthenticated", 401, Never, 4, "A valid API key is needed";
    /// The account lacks a permission; the detail names it.
    Forbidden = "forbidden", 403, Never, 4, "This account may not do this";
    /// It is above what this account or person may give away; `approval_id` names what a second person is asked.
    ApprovalNeeded = "approval_needed", 403, Never, 4, "A second person must approve this";
    ApprovalNotFound = "approval_not_found", 404, Never, 3, "There is no approval with this id";
    PersonNotFound = "person_not_found", 404, Never, 3, "There is no person with this id";
    /// The e-mail address is taken by another person.
    PersonConflict = "person_conflict", 409, Never, 5, "Another person has this e-mail address";
    StationNotFound = "station_not_found", 404, Never, 3, "There is no station with this id";
    /// The id is taken by another station.
    StationConflict = "station_conflict", 409, Never, 5, "Another station has this id";
    /// It was used, has ended, or never was one.
    InvitationNotFound = "invitation_not_found", 404, Never, 3, "The invitation is not good any more";
    EndpointNotFound = "endpoint_not_found", 404, Never, 3, "There is no endpoint with this id";
    InletNotFound = "inlet_not_found", 404, Never, 3, "There is no inlet with this id";
    /// The id is taken by a message with another body.
    MessageConflict = "message_conflict", 409, Never, 5, "Another message has this id";
    /// An endpoint has two live secrets at most: one in use, and the next.
    TooManySecrets = "too_many_secrets", 409, Never, 4, "The endpoint has as many live secrets as it may have";
    /// As many as there may be.
    TooManyEndpoints = "too_many_endpoints", 409, Never, 4, "There are as many endpoints as there may be";
    AccountNotFound = "account_not_found", 404, Never, 3, "There is no account with this id";
    KeyNotFound = "key_not_found", 404, Never, 3, "The account has no key with this id";
    /// The name is taken by another account.
    AccountConflict = "account_conflict", 409, Never, 5, "Another account has this name";
    /// An account has two live keys at most: one in use, and the next.
    TooManyKeys = "too_many_keys", 409, Never, 4, "The account has as many live keys as it may have";
    /// A page of another origin sent it, by its visitor's browser.
    ForeignOrigin = "foreign_origin", 403, Never, 4, "Pages of another origin are not served";
    NotFound = "not_found", 404, Never, 3, "There is no such thing";
    OrderNotFound = "order_not_found", 404, Never, 3, "There is no order with this id";
    FulfillmentOrderNotFound = "fulfillment_order_not_found", 404, Never, 3, "There is no fulfillment order with this id";
    ReturnNotFound = "return_not_found", 404, Never, 3, "There is no return with this id";
    ClaimNotFound = "claim_not_found", 404, Never, 3, "There is no claim with this id";
    BulkNotFound = "bulk_not_found", 404, Never, 3, "There is no bulk operation with this id";
    /// The id is taken by a bulk operation with another body.
    BulkConflict = "bulk_conflict", 409, Never, 5, "Another bulk operation has this id";
    ReservationNotFound = "reservation_not_found", 404, Never, 3, "There is no reservation with this id";
    /// The id is taken by a reservation with another body.
    ReservationConflict = "reservation_conflict", 409, Never, 5, "Another reservation has this id";
    /// The id is taken by a return of other units.
    ReturnConflict = "return_conflict", 409, Never, 5, "Another return has this id";
    /// The id is taken by an order with another body.
    OrderConflict = "order_conflict", 409, Never, 5, "Another order has this id";
    /// The name that the shop or another system gives it is another order's in its channel.
    OrderNameTaken = "order_name_taken", 409, Never, 5, "Another order of the channel has this order number or external id";
    /// The command is not legal in the present state; `status` and `legal_actions` say what is.
    IllegalTransition = "illegal_transition", 409, Never, 4, "This is not possible in the present state";
    /// A rule of the house refuses the command.
    RefusedByRule = "refused_by_rule", 409, Never, 4, "A rule refuses this";
    /// What is kept of the order has reached its bound: it can be worked to its end, and nothing can be added.
    OrderTooLarge = "order_too_large", 409, Never, 4, "The order has grown too large";
    /// The order's workflow has ended and the command needs an open one.
    OrderClosed = "order_closed", 409, Never, 4, "The order is closed";
    IdempotencyKeyReused = "idempotency_key_reused", 422, Never, 5, "This idempotency key was used with another body";
    IdempotencyKeyInFlight = "idempotency_key_in_flight", 409, Later, 5, "The first request with this idempotency key has not been answered yet";
    VersionConflict = "version_conflict", 412, Never, 5, "The order has changed since this version";
    /// It is another than the caller has seen: `If-Match` names what they saw.
    PreconditionFailed = "precondition_failed", 412, Never, 5, "It has changed since it was read";
    /// Something is there, and the caller does not say that they know it.
    PreconditionRequired = "precondition_required", 428, Never, 5, "It is not replaced unseen: If-Match is required";
    /// The id, or the time and position, is taken by a receipt of other goods.
    ReceiptConflict = "receipt_conflict", 409, Never, 5, "Another receipt has this key";
    /// The id is taken by an adjustment that says something else.
    AdjustmentConflict = "adjustment_conflict", 409, Never, 5, "Another adjustment has this id";
    StaleSnapshot = "stale_snapshot", 409, Never, 5, "A later snapshot was already accepted";
    UnknownSku = "unknown_sku", 422, Never, 2, "There is no product with this SKU";
    UnknownFacility = "unknown_facility", 422, Never, 2, "There is no facility with this id";
    InsufficientStock = "insufficient_stock", 409, Later, 4, "There is not enough stock";
    TooManyRequests = "too_many_requests", 429, Later, 6, "Too many requests at once";
    Unavailable = "unavailable", 503, Later, 6, "A part of the system cannot be reached";
    TimedOut = "timed_out", 504, Later, 7, "No answer in time";
    Internal = "internal", 500, Later, 1, "Something went wrong on our side";
}

impl ErrorCode {
    /// The row with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|error| error.code() == code)
    }
}

/// Why a command was refused: it changed nothing. Travels as the JSON message of a refused update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Rejection {
    pub code: ErrorCode,
    /// What a person should know, without personal data.
    pub message: String,
    /// The state that refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// What would be legal instead.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub legal_actions: Vec<String>,
    /// The parts of the request that are refused, where it has parts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<RefusedPart>,
}

/// A part of a request that cannot be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedPart {
    /// JSON pointer (RFC 6901) into the request.
    pub pointer: String,
    pub why: String,
}

impl Rejection {
    /// The same refusal of a state, with what can really be asked in it.
    pub fn offering(self, legal: &[&str]) -> Self {
        if self.code != ErrorCode::IllegalTransition {
            return self;
        }
        let words = if legal.is_empty() { "nothing".to_owned() } else { legal.join(", ") };
        let what = self.message.split_once("; possible now: ").map_or(self.message.as_str(), |(what, _)| what);
        let message = format!("{what}; possible now: {words}");
        Self { message, legal_actions: legal.iter().map(|word| (*word).to_owned()).collect(), ..self }
    }

    /// A refusal that no list of legal actions explains.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), status: None, legal_actions: Vec::new(), parts: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_unique_and_found_again() {
        let codes: BTreeSet<_> = ErrorCode::ALL.iter().map(|error| error.code()).collect();
        assert_eq!(codes.len(), ErrorCode::ALL.len());
        for error in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_code(error.code()), Some(*error));
            assert_eq!(serde_json::to_value(error).unwrap(), error.code());
        }
    }
}
