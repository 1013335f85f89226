//! Every value of every enum that is kept, recorded or sent, as it is spelled: `snake_case`, and for ever.

use std::{collections::BTreeSet, fs};

use oms_domain::{
    access::{HousePart, Permission, PrincipalKind, Role, approval::ApprovalStatus},
    address::AddressFlaw,
    bulk::{self, BulkStatus, Operation, Outcome},
    change::Change,
    error::ErrorCode,
    fulfillment::FulfillmentStatus,
    order::{self, ChangeStatus, Choice, ClaimStatus, CoreChange, Fact, FulfillmentRequest, HoldReason, LabelOutcome, OrderStatus},
    order::{RejectionReason, Resolution},
    parcel::ParcelStatus,
    payment::{Decline, OperationKind, OperationOutcome, OperationStatus},
    placed::{DeliveryMethod, Destination, PaymentMethod},
    policy::OnLoss,
    reservation::ReservationStatus,
    returns::{self, Consent, Disposition, ReturnStatus},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// The values that a type knows, by its own refusal of one that it does not.
pub fn variants<T: DeserializeOwned>(unknown: Value) -> Vec<String> {
    let Err(refusal) = serde_json::from_value::<T>(unknown) else { panic!("nothing is called ?") };
    let message = refusal.to_string();
    let (_, known) = message.split_once("expected ").unwrap_or_else(|| panic!("{message}"));
    let named: Vec<String> = known.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    assert!(!named.is_empty(), "{message}");
    named
}

/// Of an enum without data, or with data under its name.
fn of<T: DeserializeOwned>(name: &str) -> Vec<String> {
    variants::<T>(json!("?")).into_iter().map(|value| format!("{name} {value}")).collect()
}

/// Of an enum that names itself in a field.
fn tagged<T: DeserializeOwned>(name: &str, tag: &str) -> Vec<String> {
    variants::<T>(json!({tag: "?"})).into_iter().map(|value| format!("{name} {value}")).collect()
}

fn spellings() -> BTreeSet<String> {
    let all = [
        of::<OrderStatus>("order_status"),
        of::<FulfillmentStatus>("fulfillment_status"),
        of::<ParcelStatus>("parcel_status"),
        of::<OperationStatus>("operation_status"),
        of::<OperationKind>("operation_kind"),
        of::<Decline>("decline"),
        tagged::<OperationOutcome>("operation_outcome", "outcome"),
        of::<ReservationStatus>("reservation_status"),
        of::<ChangeStatus>("change_status"),
        of::<ClaimStatus>("claim_status"),
        of::<ReturnStatus>("return_status"),
        of::<BulkStatus>("bulk_status"),
        of::<Outcome>("bulk_outcome"),
        tagged::<Operation>("bulk_operation", "kind"),
        of::<bulk::Request>("bulk_request"),
        of::<HoldReason>("hold_reason"),
        of::<RejectionReason>("rejection_reason"),
        of::<Resolution>("resolution"),
        of::<Choice>("choice"),
        of::<OnLoss>("on_loss"),
        of::<order::Verdict>("screening_verdict"),
        of::<order::Wait>("order_wait"),
        of::<order::Command>("order_command"),
        tagged::<order::Request>("order_request", "request"),
        tagged::<FulfillmentRequest>("fulfillment_request", "action"),
        of::<order::Answer>("order_answer"),
        of::<Fact>("fact"),
        tagged::<LabelOutcome>("label_outcome", "outcome"),
        tagged::<order::Event>("order_event", "type"),
        of::<order::Effect>("order_effect"),
        tagged::<CoreChange>("core_change", "change"),
        tagged::<Change>("change", "change"),
        of::<returns::Verdict>("return_verdict"),
        of::<Disposition>("disposition"),
        of::<returns::Wait>("return_wait"),
        of::<returns::Command>("return_command"),
        tagged::<returns::Request>("return_request", "request"),
        of::<returns::Answer>("return_answer"),
        tagged::<returns::Event>("return_event", "type"),
        of::<returns::Effect>("return_effect"),
        of::<Consent>("consent"),
        of::<DeliveryMethod>("delivery_method"),
        of::<PaymentMethod>("payment_method"),
        of::<Destination>("destination"),
        of::<AddressFlaw>("address_flaw"),
        of::<ErrorCode>("error_code"),
        of::<Role>("role"),
        of::<Permission>("permission"),
        of::<PrincipalKind>("principal_kind"),
        of::<HousePart>("house_part"),
        of::<ApprovalStatus>("approval_status"),
        of::<order::GivingKind>("giving_kind"),
    ];
    all.into_iter().flatten().collect()
}

#[test]
fn no_value_is_spelled_with_a_capital_or_a_hyphen() {
    let odd = |spelling: &&String| !spelling.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == ' ');
    assert_eq!(spellings().iter().filter(odd).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn no_value_is_ever_spelled_otherwise() {
    let (path, now) = (super::path("spellings.txt"), spellings());
    let known: BTreeSet<String> = super::kept("spellings.txt").into_iter().collect();
    let gone: Vec<&String> = known.difference(&now).collect();
    assert_eq!(gone, Vec::<&String>::new(), "something may be stored under these, and nobody could read it");
    if super::updates() {
        fs::create_dir_all(super::path("")).unwrap();
        fs::write(path, now.into_iter().collect::<Vec<_>>().join("\n") + "\n").unwrap();
    } else {
        assert_eq!(known, now, "UPDATE_KEPT=1 adds what is new");
    }
}
