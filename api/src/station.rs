//! Stations: places of work that people take over by their badge and PIN.

use jiff::Timestamp;
use oms_domain::{
    access::station::pin_flaw,
    ids::{FacilityId, StationId},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::reader::{Node, parsed, text};

const NAME_MAX_CHARS: usize = 100;
/// Far longer than any that is taken.
const SECRET_MAX_CHARS: usize = 200;

/// The body of `POST /stations`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StationBody {
    /// Absent: one is made up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, examples("leeds-pack-1"))]
    pub station_id: Option<StationId>,
    /// What people call it.
    #[schema(min_length = 1, max_length = 100, examples("Pack bench 1"))]
    pub name: String,
    /// Where it stands: what is done at it is done there.
    #[schema(value_type = String, examples("LEEDS"))]
    pub facility_id: FacilityId,
    /// What prints there, as the facility calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 100, examples("zebra-2"))]
    pub printer: Option<String>,
}

impl StationBody {
    pub fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let (station_id, name) = (fields.optional("station_id", parsed), fields.required("name", text(NAME_MAX_CHARS)));
            let (facility_id, printer) = (fields.required("facility_id", parsed), fields.optional("printer", text(NAME_MAX_CHARS)));
            Some(Self { station_id: station_id?, name: name?, facility_id: facility_id?, printer: printer? })
        })
    }
}

/// A place of work.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StationView {
    pub station_id: String,
    pub name: String,
    pub facility_id: String,
    pub printer: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// The person who took it over last, and has not gone; it may have locked itself since.
    pub taken_by: Option<String>,
    /// What the station shows as a bearer when somebody takes it over: in the answer that makes it, and never again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// The body of `POST /stations/take-over`, which a station sends with its token as a bearer.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TakeOverBody {
    /// As it was scanned.
    #[schema(min_length = 1, max_length = 200)]
    pub badge: String,
    #[schema(min_length = 1, max_length = 200, format = Password)]
    pub pin: String,
}

impl TakeOverBody {
    pub fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let (badge, pin) = (fields.required("badge", text(SECRET_MAX_CHARS)), fields.required("pin", text(SECRET_MAX_CHARS)));
            Some(Self { badge: badge?, pin: pin? })
        })
    }
}

/// The body of `POST /people/{person_id}/badge`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BadgeBody {
    /// Not one digit again and again, nor digits in a row.
    #[schema(pattern = "^[0-9]{4,12}$", format = Password)]
    pub pin: String,
}

impl BadgeBody {
    pub fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| Some(Self { pin: fields.required("pin", new_pin)? }))
    }
}

fn new_pin(node: &Node<'_>) -> Option<String> {
    let pin = text(SECRET_MAX_CHARS)(node)?;
    match pin_flaw(&pin) {
        Some(flaw) => node.error(flaw),
        None => Some(pin),
    }
}

/// A badge, to be printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BadgeView {
    pub person_id: String,
    /// What its barcode holds: in the answer that makes it, and never again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(examples("BDG-7KQ2M9XW4TBC8HNR"))]
    pub badge: Option<String>,
}

crate::secret::without_what_a_log_must_not_have!(StationView TakeOverBody BadgeBody BadgeView);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::reader::read_json;

    #[test]
    fn a_pin_that_is_none_is_named_and_not_repeated() {
        for pin in ["1234", "12", "four"] {
            let problem = read_json(json!({"pin": pin}).to_string().as_bytes(), BadgeBody::read).unwrap_err();
            assert_eq!(problem.errors[0].pointer, "/pin");
            assert!(!format!("{problem:?}").contains(&format!("\"{pin}\"")));
        }
    }
}
