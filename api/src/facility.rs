//! Facilities: warehouses and stores.

use jiff::{civil::Time, tz::TimeZoneDatabase};
use oms_domain::{ids::FacilityId, placed::AMOUNT_MAX_MINOR};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    feed::FeedRecord,
    order::country,
    reader::{Fields, Node, boolean, choice, degrees, integer, parsed, same_as_path, text},
};

const TYPES: &[(&str, &str)] = &[("warehouse", "warehouse"), ("store", "store")];
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// A place that ships orders, or hands them over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FacilityBody {
    #[schema(value_type = String, pattern = "^[A-Za-z0-9._-]{1,64}$", examples("WH-MIDLANDS"))]
    pub facility_id: FacilityId,
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// `warehouse` or `store`.
    #[serde(rename = "type")]
    #[schema(examples("warehouse"))]
    pub facility_type: String,
    /// ISO 3166-1 alpha-2.
    #[schema(pattern = "^[A-Z]{2}$", examples("GB"))]
    pub country: String,
    #[schema(min_length = 1, max_length = 100)]
    pub city: String,
    /// Degrees, WGS 84.
    pub latitude: f64,
    pub longitude: f64,
    /// IANA name.
    #[schema(examples("Europe/London"))]
    pub timezone: String,
    /// What handling one order costs there, in the house's currency.
    #[schema(minimum = 0)]
    pub handling_cost_minor: i64,
    /// Orders it can take in a local day; absent: no bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daily_order_capacity: Option<u32>,
    /// What is released after this local time ships the next working day.
    #[serde(serialize_with = "hours_and_minutes")]
    #[schema(value_type = String, examples("17:00"))]
    pub cutoff_local_time: Time,
    /// Days and ranges of days, separated by commas.
    #[schema(examples("Mon-Fri"))]
    pub working_days: String,
    pub ship_enabled: bool,
    pub pickup_enabled: bool,
}

/// A day on which a facility ships nothing more that is not planned already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClosedDayView {
    /// Where the facility is.
    #[schema(format = Date, examples("2026-12-24"))]
    pub date: String,
    /// Who closed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_by: Option<String>,
}

fn hours_and_minutes<S: serde::Serializer>(time: &Time, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{:02}:{:02}", time.hour(), time.minute()))
}

impl FeedRecord for FacilityBody {
    const REQUIRED: &'static [&'static str] =
        &["facility_id", "name", "type", "country", "city", "latitude", "longitude", "timezone", "cutoff_local_time", "working_days"];
    const OPTIONAL: &'static [&'static str] = &["handling_cost_minor", "daily_order_capacity", "ship_enabled", "pickup_enabled"];

    fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let facility_id = fields.required("facility_id", parsed);
            facility(fields, facility_id)
        })
    }
}

impl FacilityBody {
    /// The body of `PUT /facilities/{id}`: it may leave the id out, and may not name another.
    pub fn read_at(node: &Node<'_>, facility_id: &FacilityId) -> Option<Self> {
        node.object(|fields| {
            let facility_id = same_as_path(fields, "facility_id", facility_id);
            facility(fields, facility_id)
        })
    }
}

fn facility(fields: &Fields<'_>, facility_id: Option<FacilityId>) -> Option<FacilityBody> {
    let name = fields.required("name", text(200));
    let facility_type = fields.required("type", choice(TYPES));
    let country = fields.required("country", country);
    let city = fields.required("city", text(100));
    let latitude = fields.required("latitude", degrees(-90.0..=90.0));
    let longitude = fields.required("longitude", degrees(-180.0..=180.0));
    let timezone = fields.required("timezone", timezone);
    let handling_cost_minor = fields.optional("handling_cost_minor", integer(0..=AMOUNT_MAX_MINOR));
    let capacity = fields.optional("daily_order_capacity", integer(0..=1_000_000));
    let cutoff_local_time = fields.required("cutoff_local_time", cutoff);
    let working_days = fields.required("working_days", working_days);
    let ship_enabled = fields.optional("ship_enabled", boolean);
    let pickup_enabled = fields.optional("pickup_enabled", boolean);
    Some(FacilityBody {
        facility_id: facility_id?,
        name: name?,
        facility_type: facility_type?.to_owned(),
        country: country?,
        city: city?,
        latitude: latitude?,
        longitude: longitude?,
        timezone: timezone?,
        handling_cost_minor: handling_cost_minor?.unwrap_or(0),
        daily_order_capacity: capacity?.and_then(|orders| u32::try_from(orders).ok()),
        cutoff_local_time: cutoff_local_time?,
        working_days: working_days?,
        ship_enabled: ship_enabled?.unwrap_or(true),
        pickup_enabled: pickup_enabled?.unwrap_or(false),
    })
}

fn timezone(node: &Node<'_>) -> Option<String> {
    let name = text(64)(node)?;
    // The very database that the calendar uses: the machine's own knows other names. It has one for a zone that nobody knows, too.
    let known = TimeZoneDatabase::bundled().get(&name).is_ok_and(|zone| !zone.is_unknown());
    if known { Some(name) } else { node.error("must be an IANA time zone, such as Europe/London") }
}

fn cutoff(node: &Node<'_>) -> Option<Time> {
    let time = text(5)(node)?;
    match Time::strptime("%H:%M", &time) {
        Ok(read) if read.strftime("%H:%M").to_string() == time => Some(read),
        _ => node.error("must be a local time, such as 17:00"),
    }
}

/// `Mon-Fri`, `Mon,Wed,Fri`, `Mon-Thu,Sat`.
fn working_days(node: &Node<'_>) -> Option<String> {
    let days = text(60)(node)?;
    let index = |day: &str| DAYS.iter().position(|known| *known == day);
    // A range may run over the end of the week: it begins on Sunday in some countries, on Saturday in others.
    let trim = |text: &str| text.trim_matches(' ').to_owned();
    let known = |range: &str| match range.split_once('-') {
        Some((first, last)) => index(&trim(first)).is_some() && index(&trim(last)).is_some(),
        None => index(&trim(range)).is_some(),
    };
    if days.split(',').all(known) { Some(days) } else { node.error("must be days such as Mon-Fri or Mon,Wed,Sat") }
}
