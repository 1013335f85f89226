//! Who pays: `payment` for one instrument, `payments` for several or for one authorized already.

use std::collections::BTreeSet;

use oms_domain::{
    ids::PaymentId,
    placed::{AMOUNT_MAX_MINOR, CheckoutAuthorization, Instrument, Means, PaymentMethod, ThreeDSecure},
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
/// Versions of the 3-D Secure protocol, and the schemes' electronic commerce indicators, that a gateway takes.
pub(crate) const THREE_D_SECURE_VERSIONS: [&str; 5] = ["1.0.2", "2.1.0", "2.2.0", "2.3.0", "2.3.1"];
pub(crate) const ELECTRONIC_COMMERCE_INDICATORS: [&str; 5] = ["01", "02", "05", "06", "07"];

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

pub(crate) fn read_sole(node: &Node<'_>) -> Option<Means> {
    node.object(|fields| {
        let means = means(fields)?;
        proven(fields, &means, false)?;
        Some(means)
    })
}

fn means(fields: &Fields<'_>) -> Option<Means> {
    let method = fields.required("method", choice(METHODS));
    let token = fields.optional("token", token);
    let three_d_secure = fields.optional("three_d_secure", |n| n.object(three_d_secure));
    Some(Means { method: method?, token: token?, three_d_secure: three_d_secure? })
}

/// The instrument that pays for everything.
fn sole(fields: &Fields<'_>, total_minor: Option<i64>) -> Option<Instrument> {
    let means = means(fields)?;
    proven(fields, &means, false)?;
    let (payment_id, Means { method, token, three_d_secure }) = (PaymentId::parse(DEFAULT_NAME).ok()?, means);
    Some(Instrument { payment_id, method, amount_minor: total_minor?, token, three_d_secure, authorization: None })
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
    let means = means(fields);
    let amount_minor = fields.required("amount_minor", amount_minor);
    let authorization = fields.optional("authorization", |n| n.object(authorization));
    let (means, amount_minor, authorization) = (means?, amount_minor?, authorization?);
    proven(fields, &means, authorization.is_some())?;
    if authorization.as_ref().is_some_and(|authorization| authorization.amount_minor < amount_minor) {
        return fields.error("authorization", "must cover amount_minor");
    }
    let Means { method, token, three_d_secure } = means;
    Some(Instrument { payment_id: payment_id?, method, amount_minor, token, three_d_secure, authorization })
}

fn three_d_secure(fields: &Fields<'_>) -> Option<ThreeDSecure> {
    let version = fields.required("version", one_of(THREE_D_SECURE_VERSIONS));
    let transaction_id = fields.required("transaction_id", text(64));
    let cryptogram = fields.required("cryptogram", text(64));
    let indicator = fields.optional("electronic_commerce_indicator", one_of(ELECTRONIC_COMMERCE_INDICATORS));
    Some(ThreeDSecure {
        version: version?,
        transaction_id: transaction_id?,
        cryptogram: cryptogram?,
        electronic_commerce_indicator: indicator?,
    })
}

fn one_of<const N: usize>(words: [&'static str; N]) -> impl Fn(&Node<'_>) -> Option<String> {
    move |node| choice(&words.map(|word| (word, word)))(node).map(str::to_owned)
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

/// What the gateway charges has exactly one of token and authorization; what no gateway is asked for has neither. Who proved themselves did so
/// for a card that is yet to be authorized.
fn proven(fields: &Fields<'_>, means: &Means, authorization: bool) -> Option<()> {
    if means.three_d_secure.is_some() && (means.method != PaymentMethod::Card || means.token.is_none()) {
        return fields.error("three_d_secure", "is for a card with a token alone");
    }
    match (means.method, means.token.is_some(), authorization) {
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
