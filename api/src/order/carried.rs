//! What merchants carry along, out of its JSON.

use std::collections::BTreeSet;

use oms_domain::carried::{Carried, CarriedLine, ENTRIES_MAX, EXTERNAL_IDS_MAX, TAX_LINES_MAX, TaxLine};

use super::address;
use crate::reader::{Fields, Node, amount_minor, integer, locale, prose, text, texts};

/// Longest value of an entry.
const VALUE_MAX_CHARS: usize = 500;
/// Ten times what is taxed: more is a typing error.
const RATE_MAX_PPM: i64 = 10_000_000;

/// What the order carries, out of its fields.
pub(super) fn order(fields: &Fields<'_>) -> Option<Carried> {
    let order_number = fields.optional("order_number", text(64));
    let external_ids = fields.optional("external_ids", texts(EXTERNAL_IDS_MAX, 100));
    let metadata = fields.optional("metadata", texts(ENTRIES_MAX, VALUE_MAX_CHARS));
    let tags = fields.optional("tags", tags);
    let billing_address = fields.optional("billing_address", address);
    let locale = fields.optional("locale", locale);
    Some(Carried {
        order_number: order_number?,
        external_ids: external_ids?.unwrap_or_default(),
        metadata: metadata?.unwrap_or_default(),
        tags: tags?.unwrap_or_default(),
        billing_address: billing_address?,
        locale: locale?,
    })
}

/// What a line carries; its tax is the sum of its parts, if it has some.
pub(super) fn line(fields: &Fields<'_>, tax_minor: Option<i64>) -> Option<CarriedLine> {
    let title = fields.optional("title", text(300));
    let properties = fields.optional("properties", texts(ENTRIES_MAX, VALUE_MAX_CHARS));
    let gift_message = fields.optional("gift_message", prose(1_000));
    let tax_lines = fields.optional("tax_lines", |n| n.list(0, TAX_LINES_MAX, tax_line));
    let tax_lines = tax_lines?.unwrap_or_default();
    let sum_minor: i64 = tax_lines.iter().map(|part| part.amount_minor).sum();
    if !tax_lines.is_empty() && tax_minor.is_some_and(|tax_minor| tax_minor != sum_minor) {
        return fields.error("tax_lines", format!("must add up to tax_minor, add up to {sum_minor}"));
    }
    Some(CarriedLine { title: title?, properties: properties?.unwrap_or_default(), gift_message: gift_message?, tax_lines })
}

fn tax_line(node: &Node<'_>) -> Option<TaxLine> {
    node.object(|fields| {
        let title = fields.required("title", text(100));
        let amount_minor = fields.required("amount_minor", amount_minor);
        let rate_ppm = fields.optional("rate_ppm", integer(0..=RATE_MAX_PPM));
        Some(TaxLine { title: title?, amount_minor: amount_minor?, rate_ppm: rate_ppm?.and_then(|rate| u32::try_from(rate).ok()) })
    })
}

fn tags(node: &Node<'_>) -> Option<BTreeSet<String>> {
    Some(node.list(0, ENTRIES_MAX, text(100))?.into_iter().collect())
}

/// The name of an order that `?external_id=` gives: the system, and what it calls the order.
pub fn external_id(node: &Node<'_>) -> Option<(String, String)> {
    let given = text(165)(node)?;
    let Some((system, id)) = given.split_once(':').filter(|(system, id)| !system.is_empty() && !id.is_empty()) else {
        return node.error("must be a system and what it calls the order, such as marketplace:4711");
    };
    Some((system.to_owned(), id.to_owned()))
}
