//! What merchants carry along with an order and its lines: kept and shown as it came, and of no consequence here.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::placed::Address;

/// Most entries of one map, and most tags.
pub const ENTRIES_MAX: usize = 50;
/// Most systems that know an order by names of their own.
pub const EXTERNAL_IDS_MAX: usize = 20;
/// Most kinds of tax on one line.
pub const TAX_LINES_MAX: usize = 20;

/// What an order carries along.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Carried {
    /// The shop's own name for it, unique in its channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_number: Option<String>,
    /// What other systems call it, by system; each unique in its channel.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub external_ids: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billing_address: Option<Address>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
}

/// What a line carries along.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarriedLine {
    /// As it was sold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gift_message: Option<String>,
    /// What the line's tax is made of: they add up to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tax_lines: Vec<TaxLine>,
}

/// A part of a line's tax.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaxLine {
    pub title: String,
    pub amount_minor: i64,
    /// In parts per million of what is taxed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_ppm: Option<u32>,
}

impl Carried {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// For an order that goes out in this one's place: names are one order's alone.
    pub fn without_names(self) -> Self {
        Self { order_number: None, external_ids: BTreeMap::new(), ..self }
    }
}

impl CarriedLine {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
