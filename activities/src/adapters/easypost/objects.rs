//! EasyPost's objects, as far as they are written and read here.

use jiff::Timestamp;
use oms_domain::{label::LabelFormat, money::Money, parcel::ParcelAction};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::ports::{Content, LabelOrder, Party, Piece, PortError, Rate, TrackedScan};

/// Where its label files are, and where people follow parcels.
pub(super) const FILE_HOSTS: [&str; 2] = ["easypost-files.s3.us-west-2.amazonaws.com", "easypost-files.s3-us-west-2.amazonaws.com"];
pub(super) const TRACKING_HOSTS: [&str; 1] = ["track.easypost.com"];
/// Longest name of a carrier, and longest tracking number.
const NAME_MAX_CHARS: usize = 64;
const GRAMS_PER_OUNCE: f64 = 28.349_523_125;
const MM_PER_INCH: f64 = 25.4;

/// What a shipment is asked for with. Errors: `Refused`, for what EasyPost cannot be asked.
pub(super) fn shipment(order: &LabelOrder, reference: Option<&str>) -> Result<Value, PortError> {
    let mut shipment = json!({
        "from_address": address(&order.from)?, "to_address": address(&order.to)?, "parcel": parcel(order.piece),
    });
    if order.service == "return" {
        shipment["is_return"] = json!(true);
    }
    if let Some(reference) = reference {
        shipment["reference"] = json!(reference);
    }
    if order.is_abroad() {
        shipment["customs_info"] = customs(order)?;
    }
    Ok(json!({"shipment": shipment}))
}

pub(super) fn address(party: &Party) -> Result<Value, PortError> {
    let address = &party.address;
    if address.line1.is_empty() {
        return Err(PortError::Refused(format!(
            "no carrier comes to a street that nobody has said: see `oms facility put-address` ({})",
            address.city
        )));
    }
    let fields = [
        ("name", Some(&address.name)),
        ("street1", Some(&address.line1)),
        ("street2", address.line2.as_ref()),
        ("city", Some(&address.city)),
        ("state", address.region.as_ref()),
        ("zip", address.postal_code.as_ref()),
        ("country", Some(&address.country)),
        ("phone", address.phone.as_ref()),
        ("email", party.email.as_ref()),
    ];
    Ok(fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value?)))).collect::<serde_json::Map<_, _>>().into())
}

/// In ounces and inches, to a tenth.
fn parcel(piece: Piece) -> Value {
    let tenths = |value: f64| (value * 10.0).round().max(1.0) / 10.0;
    let mut parcel = json!({"weight": tenths(f64::from(piece.weight_g) / GRAMS_PER_OUNCE)});
    if let Some(sides) = piece.size_mm {
        for (name, side) in ["length", "width", "height"].iter().zip(sides) {
            parcel[*name] = json!(tenths(f64::from(side) / MM_PER_INCH));
        }
    }
    parcel
}

/// What customs are told: nothing that nobody has said.
fn customs(order: &LabelOrder) -> Result<Value, PortError> {
    let items: Vec<Value> = order.contents.iter().map(customs_item).collect::<Option<_>>().ok_or_else(|| {
        PortError::Refused("customs ask for hs_code and origin_country among the properties of every line that goes abroad".to_owned())
    })?;
    Ok(json!({
        "contents_type": "merchandise", "customs_certify": true, "customs_signer": order.from.address.name, "non_delivery_option": "return",
        "restriction_type": "none", "eel_pfc": "NOEEI 30.37(a)", "customs_items": items,
    }))
}

fn customs_item(content: &Content) -> Option<Value> {
    let units = i64::from(content.quantity);
    let value = Money::new(content.unit_value.minor().checked_mul(units)?, content.unit_value.currency()).to_string();
    let ounces = f64::from(content.unit_weight_g) * f64::from(content.quantity) / GRAMS_PER_OUNCE;
    Some(json!({
        "description": content.description, "quantity": content.quantity, "weight": (ounces * 10.0).round().max(1.0) / 10.0,
        "value": value.rsplit_once(' ').map_or(value.as_str(), |(_, amount)| amount), "currency": content.unit_value.currency(),
        "hs_tariff_number": content.hs_code.as_ref()?, "origin_country": content.origin_country.as_ref()?, "code": content.sku,
    }))
}

#[derive(Debug, Deserialize)]
pub(super) struct Shipment {
    pub(super) id: String,
    #[serde(default)]
    pub(super) reference: Option<String>,
    #[serde(default)]
    tracking_code: Option<String>,
    #[serde(default)]
    pub(super) refund_status: Option<String>,
    #[serde(default)]
    pub(super) rates: Vec<Offer>,
    #[serde(default)]
    selected_rate: Option<Offer>,
    #[serde(default)]
    postage_label: Option<PostageLabel>,
    #[serde(default)]
    tracker: Option<PublicTracker>,
    #[serde(default)]
    pub(super) scan_form: Option<ScanForm>,
    #[serde(default)]
    messages: Vec<Message>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Offer {
    #[serde(default)]
    pub(super) id: String,
    pub(super) carrier: String,
    pub(super) service: String,
    rate: String,
    currency: String,
    #[serde(default)]
    delivery_days: Option<u32>,
}

#[derive(Debug, Deserialize)]
struct PostageLabel {
    #[serde(default)]
    label_url: Option<String>,
    #[serde(default)]
    label_pdf_url: Option<String>,
    #[serde(default)]
    label_zpl_url: Option<String>,
}

#[derive(Debug, Deserialize)]
struct PublicTracker {
    #[serde(default)]
    public_url: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ScanForm {
    pub(super) id: String,
    #[serde(default)]
    pub(super) tracking_codes: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Message {
    #[serde(default)]
    carrier: Option<String>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
}

/// A pickup.
#[derive(Debug, Deserialize)]
pub(super) struct Made {
    pub(super) id: String,
    #[serde(default)]
    pub(super) confirmation: Option<String>,
    #[serde(default)]
    pub(super) pickup_rates: Vec<Offer>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Tracker {
    id: String,
    pub(super) tracking_code: String,
    #[serde(default)]
    pub(super) carrier: Option<String>,
    #[serde(default)]
    tracking_details: Vec<TrackingDetail>,
}

#[derive(Debug, Deserialize)]
struct TrackingDetail {
    status: String,
    datetime: Timestamp,
}

impl Shipment {
    pub(super) fn is_bought(&self) -> bool {
        self.postage_label.is_some() && self.tracking_code.is_some()
    }

    pub(super) fn is_given_back(&self) -> bool {
        matches!(self.refund_status.as_deref(), Some("submitted" | "refunded"))
    }

    /// Whose it is and under which number, if both are such.
    pub(super) fn label(&self) -> Option<(String, String)> {
        let is_name = |text: &&String| (1..=NAME_MAX_CHARS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        let carrier = self.selected_rate.as_ref().map(|rate| &rate.carrier).filter(is_name)?;
        Some((carrier.clone(), self.tracking_code.as_ref().filter(is_name)?.clone()))
    }

    pub(super) fn tracking_url(&self) -> Option<&str> {
        self.tracker.as_ref()?.public_url.as_deref()
    }

    /// Where its label is in a format, once it was converted.
    pub(super) fn file(&self, format: LabelFormat) -> Option<&str> {
        let label = self.postage_label.as_ref()?;
        match format {
            LabelFormat::Pdf => label.label_pdf_url.as_deref(),
            LabelFormat::Zpl => label.label_zpl_url.as_deref(),
            LabelFormat::Png => label.label_url.as_deref(),
        }
    }

    /// The rate to buy for a service of the house.
    pub(super) fn best(&self, service: &str) -> Option<&Offer> {
        let price = |offer: &&Offer| offer.rate().map_or(i64::MAX, |rate| rate.amount.minor());
        let days = |offer: &&Offer| offer.delivery_days.unwrap_or(u32::MAX);
        let priced = self.rates.iter().filter(|offer| offer.rate().is_some());
        if service == "express" { priced.min_by_key(|offer| (days(offer), price(offer))) } else { priced.min_by_key(price) }
    }

    /// In carriers' names and EasyPost's kinds of messages: their texts may repeat addresses.
    pub(super) fn why_no_rate(&self) -> String {
        let said = |message: &Message| {
            format!("{} {}", message.carrier.as_deref().unwrap_or("a carrier"), message.kind.as_deref().unwrap_or("error"))
        };
        let messages: Vec<String> = self.messages.iter().take(5).map(said).collect();
        format!("no service takes this parcel there ({})", messages.join(", "))
    }
}

impl Offer {
    /// What it costs, if that is money.
    pub(super) fn rate(&self) -> Option<Rate> {
        let currency: oms_domain::money::Currency = self.currency.parse().ok()?;
        let amount = Money::new(currency.minor_of(&self.rate)?, currency);
        let (carrier, service) = (self.carrier.clone(), self.service.clone());
        Some(Rate { carrier, service, amount, delivery_days: self.delivery_days })
    }
}

impl Tracker {
    /// What counts of it, the oldest first.
    pub(super) fn scans(&self) -> Vec<TrackedScan> {
        let scan = |detail: &TrackingDetail| {
            let action = action(&detail.status)?;
            let event_id = format!("{}-{}-{}", self.id, detail.datetime.as_second(), detail.status);
            Some(TrackedScan { event_id, action, occurred_at: detail.datetime })
        };
        let mut scans: Vec<TrackedScan> = self.tracking_details.iter().filter_map(scan).collect();
        scans.sort_by_key(|scan| scan.occurred_at);
        scans
    }
}

/// What a status is to a parcel; none of what says nothing of where it is.
fn action(status: &str) -> Option<ParcelAction> {
    Some(match status {
        "in_transit" => ParcelAction::Transit,
        "out_for_delivery" => ParcelAction::OutForDelivery,
        "available_for_pickup" => ParcelAction::Attempt,
        "delivered" => ParcelAction::Deliver,
        "return_to_sender" => ParcelAction::ReturnToSender,
        "failure" | "error" => ParcelAction::Except,
        _ => return None,
    })
}
