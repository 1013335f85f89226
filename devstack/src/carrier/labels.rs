//! The carrier's books: labels, and how far their parcels are. Pure: time comes in, nothing goes out.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::answer::{Answer, refusal};

/// The name of the carrier.
pub(crate) const CARRIER: &str = "SIMPOST";
/// The heaviest parcel it takes.
const HEAVIEST_G: i64 = 30_000;
/// The postal code it does not serve.
const NOT_SERVED: &str = "00000";

/// What `POST /v1/labels` takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LabelRequest {
    /// The parcel's id.
    pub(crate) reference: String,
    pub(crate) facility_id: String,
    /// The delivery service, such as `standard`.
    pub(crate) service: String,
    /// ISO 3166-1 alpha-2.
    pub(crate) country: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) postal_code: Option<String>,
    pub(crate) weight_g: i64,
    /// Length, width and height.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) size_mm: Option<[u32; 3]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<Party>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) to: Option<Party>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) contents: Vec<Content>,
}

/// Sender or recipient.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Party {
    pub(crate) name: String,
    pub(crate) line1: String,
    #[serde(default)]
    pub(crate) line2: Option<String>,
    pub(crate) city: String,
    #[serde(default)]
    pub(crate) region: Option<String>,
    #[serde(default)]
    pub(crate) postal_code: Option<String>,
    pub(crate) country: String,
    #[serde(default)]
    pub(crate) phone: Option<String>,
    #[serde(default)]
    pub(crate) email: Option<String>,
}

/// Units of one product.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Content {
    pub(crate) sku: String,
    pub(crate) description: String,
    pub(crate) quantity: u32,
    pub(crate) unit_weight_g: u32,
    pub(crate) unit_value_minor: i64,
    pub(crate) currency: String,
    #[serde(default)]
    pub(crate) hs_code: Option<String>,
    #[serde(default)]
    pub(crate) origin_country: Option<String>,
}

impl Party {
    /// As it is written on a label.
    pub(crate) fn lines(&self) -> Vec<String> {
        let place = [self.postal_code.as_deref(), Some(&self.city), self.region.as_deref()];
        let place = place.into_iter().flatten().collect::<Vec<_>>().join(" ");
        let lines = [Some(self.name.clone()), Some(self.line1.clone()), self.line2.clone(), Some(place), Some(self.country.clone())];
        lines.into_iter().flatten().filter(|line| !line.is_empty()).collect()
    }
}

/// Where a parcel is, in the order in which it gets there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stage {
    HandedOver,
    InTransit,
    OutForDelivery,
    Delivered,
}

/// When each stage is reached after the label was made, at time scale 1.
pub(crate) const JOURNEY: [(Stage, SignedDuration); 4] = [
    (Stage::HandedOver, SignedDuration::from_hours(4)),
    (Stage::InTransit, SignedDuration::from_hours(12)),
    (Stage::OutForDelivery, SignedDuration::from_hours(44)),
    (Stage::Delivered, SignedDuration::from_hours(50)),
];

/// A label that was made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Label {
    pub(crate) tracking_number: String,
    pub(crate) key: String,
    pub(crate) request: LabelRequest,
    pub(crate) created_at: Timestamp,
}

/// What happened, as the journal has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Entry {
    Made(Box<Label>),
    Voided {
        tracking_number: String,
    },
    /// The stage was told to the events URL, or nobody wants to know.
    Told {
        tracking_number: String,
        stage: Stage,
    },
}

/// A label and what became of it.
#[derive(Debug)]
pub(crate) struct Parcel {
    pub(crate) label: Label,
    pub(crate) voided: bool,
    pub(crate) told: Option<Stage>,
}

/// All labels.
#[derive(Debug, Default)]
pub(crate) struct Labels {
    parcels: BTreeMap<String, Parcel>,
    by_key: BTreeMap<String, String>,
    by_reference: BTreeMap<String, Vec<String>>,
}

impl Labels {
    /// The parcel with the tracking number.
    ///
    /// # Errors
    /// The answer when there is none.
    pub(crate) fn parcel(&self, tracking_number: &str) -> Result<&Parcel, Answer> {
        self.parcels.get(tracking_number).ok_or_else(|| refusal(StatusCode::NOT_FOUND, "not_found"))
    }

    /// All of them, in the order of their tracking numbers.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Parcel> {
        self.parcels.values()
    }

    /// The label made under an idempotency key.
    pub(crate) fn by_key(&self, key: &str) -> Option<&Parcel> {
        self.parcels.get(self.by_key.get(key)?)
    }

    /// The label that this request made before under this key.
    ///
    /// # Errors
    /// The answer to another request under the key.
    pub(crate) fn repeated(&self, key: &str, request: &LabelRequest) -> Result<Option<&Label>, Answer> {
        match self.by_key(key) {
            None => Ok(None),
            Some(parcel) if parcel.label.request == *request => Ok(Some(&parcel.label)),
            Some(_) => Err(refusal(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused")),
        }
    }

    /// The label to make under a key that is new. Changes nothing: see [`Labels::record`].
    ///
    /// # Errors
    /// The answer to what the carrier does not take.
    pub(crate) fn decide(&self, key: &str, request: LabelRequest, now: Timestamp) -> Result<Label, Answer> {
        let refused = |code| Err(refusal(StatusCode::UNPROCESSABLE_ENTITY, code));
        if !(1..=HEAVIEST_G).contains(&request.weight_g) {
            return refused("weight_not_accepted");
        }
        if request.postal_code.as_deref() == Some(NOT_SERVED) {
            return refused("destination_not_served");
        }
        let earlier = self.by_reference.get(&request.reference).map_or(&[][..], Vec::as_slice);
        if earlier.iter().any(|number| self.parcels.get(number).is_some_and(|parcel| !parcel.voided)) {
            return Err(refusal(StatusCode::CONFLICT, "already_labelled"));
        }
        Ok(Label { tracking_number: tracking_number(&request.reference, earlier.len()), key: key.to_owned(), request, created_at: now })
    }

    /// Writes an entry into the books.
    pub(crate) fn record(&mut self, entry: Entry) {
        match entry {
            Entry::Made(label) => self.add(*label),
            Entry::Voided { tracking_number } => {
                if let Some(parcel) = self.parcels.get_mut(&tracking_number) {
                    parcel.voided = true;
                }
            }
            Entry::Told { tracking_number, stage } => {
                if let Some(parcel) = self.parcels.get_mut(&tracking_number) {
                    parcel.told = Some(stage);
                }
            }
        }
    }

    fn add(&mut self, label: Label) {
        let number = label.tracking_number.clone();
        self.by_key.insert(label.key.clone(), number.clone());
        let numbers = self.by_reference.entry(label.request.reference.clone()).or_default();
        numbers.push(number.clone());
        let parcel = Parcel { label, voided: false, told: None };
        self.parcels.insert(number, parcel);
    }

    /// Stages reached by now that were not told yet, at most `limit`, in order for each parcel.
    pub(crate) fn untold(&self, now: Timestamp, time_scale: u32, limit: usize) -> Vec<(&Parcel, Stage, Timestamp)> {
        let parcels = self.parcels.values().filter(|parcel| !parcel.voided && parcel.told != Some(Stage::Delivered));
        let due = parcels.flat_map(|parcel| {
            JOURNEY.iter().map(move |&(stage, after)| (parcel, stage, parcel.label.created_at + after / scale(time_scale)))
        });
        due.filter(|(parcel, stage, at)| *at <= now && parcel.told.is_none_or(|told| told < *stage)).take(limit).collect()
    }
}

impl Label {
    /// Its 201, from a carrier at the base URL.
    pub(crate) fn answer(&self, url: &str) -> Answer {
        let number = &self.tracking_number;
        let body = json!({
            "key": self.key,
            "reference": self.request.reference,
            "carrier": CARRIER,
            "tracking_number": number,
            "label_url": format!("{url}/labels/{number}"),
            "tracking_url": format!("{url}/track/{number}"),
        });
        Answer::new(StatusCode::CREATED, body)
    }

    /// What happened to its parcel by now, the oldest first.
    pub(crate) fn scans(&self, now: Timestamp, time_scale: u32) -> impl Iterator<Item = (Stage, Timestamp)> {
        let at = move |after| self.created_at + after / scale(time_scale);
        JOURNEY.iter().map(move |(stage, after)| (*stage, at(*after))).filter(move |(_, at)| *at <= now)
    }

    /// Whether the parcel has left by now.
    pub(crate) fn handed_over(&self, now: Timestamp, time_scale: u32) -> bool {
        self.created_at + JOURNEY[0].1 / scale(time_scale) <= now
    }
}

fn scale(time_scale: u32) -> i32 {
    i32::try_from(time_scale.max(1)).unwrap_or(i32::MAX)
}

/// The same reference always has the same numbers, one for each label it had.
fn tracking_number(reference: &str, earlier: usize) -> String {
    let name = format!("{reference}#{earlier}");
    let digest = Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).as_u128();
    format!("SIM{:016}", digest % 10_u128.pow(16))
}
