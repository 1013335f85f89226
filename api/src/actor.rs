//! Who did something.

use oms_domain::{
    access::{Actor, By},
    ids::RequestId,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Who did it. Names are no part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ActorView {
    /// `machine`, `person`, `bench`, or `house`: what the house does by itself.
    pub kind: String,
    /// An account or a person, or a part of the house. Absent in the stream of all events, which says the kind alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The station that they had taken over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub station: Option<String>,
}

impl ActorView {
    /// For everybody who reads events: who it was is not said.
    pub fn of_kind(kind: String) -> Self {
        Self { kind, id: None, station: None }
    }

    /// The one who did it, and the request in which they did it.
    pub fn of(by: Option<By>) -> (Option<Self>, Option<String>) {
        let request_id = by.as_ref().and_then(|by| by.request_id.as_ref()).map(RequestId::to_string);
        (by.map(|by| by.actor.into()), request_id)
    }
}

impl From<Actor> for ActorView {
    fn from(Actor { kind, id, station }: Actor) -> Self {
        Self { kind: kind.name().to_owned(), id: Some(id.into()), station: station.map(String::from) }
    }
}

/// As a list of the command line shows it.
impl std::fmt::Display for ActorView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.kind)?;
        let parts = [&self.id, &self.station].into_iter().flatten();
        parts.into_iter().try_for_each(|part| write!(f, " {part}"))
    }
}
