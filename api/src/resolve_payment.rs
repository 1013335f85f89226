//! What became of an operation at the gateway, said by a person who has looked it up there.

use jiff::Timestamp;
use oms_domain::{
    ids::PaymentId,
    order::{Finding, Request},
    payment::OperationStatus,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::reader::{Fields, Node, choice, gateway_reference, text, timestamp};

/// The body of `POST /orders/{id}/payments/{payment_id}/operations/{number}/resolve`. Legal for an operation that is `unknown`, and for a
/// `pending` one whose call gave up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ResolvePaymentBody {
    /// `succeeded`: the gateway did it. `failed`: it did not; what is still wanted is asked for anew.
    #[schema(pattern = "^(succeeded|failed)$")]
    pub outcome: String,
    /// The gateway's id of what it did; required if it succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 255, pattern = "^[A-Za-z0-9][A-Za-z0-9._:-]*$", examples("cap_1ad3"))]
    pub reference: Option<String>,
    /// Until when an authorization lasts, if it ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    #[schema(min_length = 1, max_length = 200, examples("found in the gateway's dashboard"))]
    pub reason: String,
}

const OUTCOMES: &[(&str, OperationStatus)] = &[("succeeded", OperationStatus::Succeeded), ("failed", OperationStatus::Failed)];

/// Reads the body into the order's request about this operation.
pub fn read_resolve_payment(payment_id: PaymentId, number: u32) -> impl FnOnce(&Node<'_>) -> Option<Request> {
    move |node| {
        node.object(|fields| {
            let outcome = fields.required("outcome", choice(OUTCOMES));
            let reason = fields.required("reason", text(200));
            let reference = fields.optional("reference", gateway_reference);
            let expires_at = fields.optional("expires_at", timestamp);
            let finding = finding(fields, outcome?, reference?, expires_at?);
            Some(Request::ResolvePayment { payment_id, number, finding: finding?, reason: reason? })
        })
    }
}

fn finding(fields: &Fields<'_>, outcome: OperationStatus, reference: Option<String>, expires_at: Option<Timestamp>) -> Option<Finding> {
    match (outcome, reference) {
        (OperationStatus::Succeeded, Some(reference)) => Some(Finding::Succeeded { reference, expires_at }),
        (OperationStatus::Succeeded, None) => fields.error("reference", "is required, as it succeeded: the gateway's id of what it did"),
        (_, Some(_)) => fields.error("reference", "must not stand beside the outcome failed: there is nothing to refer to"),
        (_, None) if expires_at.is_some() => fields.error("expires_at", "must not stand beside the outcome failed"),
        (_, None) => Some(Finding::Failed),
    }
}
