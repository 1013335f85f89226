//! Who pays: `payment` for one instrument, `payments` for several or for one authorized already.

use std::collections::BTreeSet;

use oms_domain::{
    ids::PaymentId,
    placed::{AMOUNT_MAX_MINOR, CheckoutAuthorization, Instrument, PaymentMethod},
};

use super::DEFAULT_NAME;
use crate::reader::{Fields, Node, amount_minor, choice, gateway_reference, integer, parsed, text, timestamp};

/// Most instruments of one order.
const INSTRUMENTS_MAX: usize = 20;
const METHODS: &[(&str, PaymentMethod)] = &[
    ("card", PaymentMethod::Card),
    ("gift_card", PaymentMethod::GiftCard),
    ("terms", PaymentMethod::Terms),
    ("external", PaymentMethod::External),
];

/// The method as JSON has it.
pub fn method_name(method: PaymentMethod) -> &'static str {
    match method {
        PaymentMethod::Card => "card",
        PaymentMethod::GiftCard => "gift_card",
        PaymentMethod::Terms => "terms",
        PaymentMethod::External => "external",
        PaymentMethod::Credit => "credit",
    }
}

/// The instruments out of an order's fields. `total_minor` is what is due, if that could be told.
pub(super) fn payments(fields: &Fields<'_>, total_minor: Option<i64>) -> Option<Vec<Instrument>> {
    let payment = fields.optional("payment", |n| n.object(|f| sole(f, total_minor)));
    let payments = fields.optional("payments", |n| several(n, total_minor));
    if fields.has("payment") && fields.has("payments") {
        return fields.error("payments", "must not stand beside payment");
    }
    match (payment?, payments?) {
        (Some(instrument), _) => Some(vec![instrument]),
        (None, Some(instruments)) => Some(instruments),
        (None, None) if total_minor? == 0 => Some(Vec::new()),
        (None, None) => fields.error("payment", "is required, as something is due"),
    }
}

/// An instrument that pays whatever is due: its method, and what the gateway knows it by.
pub(crate) fn read_sole(node: &Node<'_>) -> Option<(PaymentMethod, Option<String>)> {
    node.object(by_token)
}

fn by_token(fields: &Fields<'_>) -> Option<(PaymentMethod, Option<String>)> {
    let method = fields.required("method", choice(METHODS));
    let token = fields.optional("token", token);
    let (method, token) = (method?, token?);
    proven(fields, method, token.is_some(), false)?;
    Some((method, token))
}

/// The instrument that pays for everything.
fn sole(fields: &Fields<'_>, total_minor: Option<i64>) -> Option<Instrument> {
    let (method, token) = by_token(fields)?;
    let payment_id = PaymentId::parse(DEFAULT_NAME).ok()?;
    Some(Instrument { payment_id, method, amount_minor: total_minor?, token, authorization: None })
}

fn several(node: &Node<'_>, total_minor: Option<i64>) -> Option<Vec<Instrument>> {
    let mut seen = BTreeSet::new();
    let instruments = node.list(1, INSTRUMENTS_MAX, |n| n.object(|f| instrument(f, unused(f, &mut seen))))?;
    let sum_minor: i64 = instruments.iter().map(|instrument| instrument.amount_minor).sum();
    match total_minor? {
        due if due == sum_minor => Some(instruments),
        due => node.error(format!("must add up to the order's total of {due}, add up to {sum_minor}")),
    }
}

/// The body of `POST /orders/{id}/payments`: one more instrument, or another try with one that was declined.
/// `made_up` is its id, if it has none of its own.
pub fn read_payment(node: &Node<'_>, made_up: &str) -> Option<Instrument> {
    node.object(|fields| {
        let payment_id = fields.new_id("payment_id", made_up);
        instrument(fields, payment_id)
    })
}

fn unused(fields: &Fields<'_>, seen: &mut BTreeSet<PaymentId>) -> Option<PaymentId> {
    fields.required("payment_id", |n| {
        let id: PaymentId = parsed(n)?;
        if seen.insert(id.clone()) { Some(id) } else { n.error("is used by an earlier payment") }
    })
}

fn instrument(fields: &Fields<'_>, payment_id: Option<PaymentId>) -> Option<Instrument> {
    let method = fields.required("method", choice(METHODS));
    let amount_minor = fields.required("amount_minor", amount_minor);
    let token = fields.optional("token", token);
    let authorization = fields.optional("authorization", |n| n.object(authorization));
    let (method, amount_minor, token, authorization) = (method?, amount_minor?, token?, authorization?);
    proven(fields, method, token.is_some(), authorization.is_some())?;
    if authorization.as_ref().is_some_and(|authorization| authorization.amount_minor < amount_minor) {
        return fields.error("authorization", "must cover amount_minor");
    }
    Some(Instrument { payment_id: payment_id?, method, amount_minor, token, authorization })
}

fn token(node: &Node<'_>) -> Option<String> {
    text(256)(node)
}

fn authorization(fields: &Fields<'_>) -> Option<CheckoutAuthorization> {
    let id = fields.required("id", gateway_reference);
    let expires_at = fields.optional("expires_at", timestamp);
    let amount_minor = fields.required("amount_minor", integer(1..=AMOUNT_MAX_MINOR));
    Some(CheckoutAuthorization { id: id?, expires_at: expires_at?, amount_minor: amount_minor? })
}

/// What the gateway charges has exactly one of token and authorization; what no gateway is asked for has neither.
fn proven(fields: &Fields<'_>, method: PaymentMethod, token: bool, authorization: bool) -> Option<()> {
    match (method, token, authorization) {
        (PaymentMethod::Card | PaymentMethod::GiftCard, true, false) => Some(()),
        (PaymentMethod::Card | PaymentMethod::GiftCard, false, true) => Some(()),
        (PaymentMethod::Card | PaymentMethod::GiftCard, false, false) => fields.error("token", "is required"),
        (_, true, true) => fields.error("authorization", "must not stand beside token"),
        (PaymentMethod::Terms | PaymentMethod::External | PaymentMethod::Credit, false, false) => Some(()),
        (PaymentMethod::Terms | PaymentMethod::External | PaymentMethod::Credit, true, false) => {
            fields.error("token", "is for card and gift_card alone")
        }
        (PaymentMethod::Terms | PaymentMethod::External | PaymentMethod::Credit, false, true) => {
            fields.error("authorization", "is for card and gift_card alone")
        }
    }
}
