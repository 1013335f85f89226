//! Stations: enrolled once, known by the hash of what they show, and taken over by one person at a time.

use jiff::Timestamp;
use oms_domain::{
    access::login,
    error::ErrorCode,
    ids::{AccountId, FacilityId, StationId},
};
use serde::Deserialize;
use sqlx::types::Json;

use crate::{api_key::KeyHash, audit::AuditAction, error::StoreError, order_list::Page, people::noted, store::Store, token::Token};

/// A place of work.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Station {
    pub station_id: StationId,
    pub name: String,
    pub facility_id: FacilityId,
    /// What prints there.
    pub printer: Option<String>,
    pub created_at: Timestamp,
    /// Who took it over last, and has not gone; it may have locked itself since.
    pub taken_by: Option<AccountId>,
}

/// A station that is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewStation {
    pub station_id: StationId,
    pub name: String,
    pub facility_id: FacilityId,
    pub printer: Option<String>,
}

/// Whose badge it is.
#[derive(Clone, Deserialize)]
pub struct Badge {
    pub person_id: AccountId,
    /// argon2id, in PHC form.
    pub pin_hash: String,
}

macro_rules! select_stations {
    ($from:literal) => {
        concat!(
            "SELECT to_jsonb(t) - 'token_sha256' || jsonb_build_object('taken_by', (
                SELECT s.person_id FROM sessions s WHERE s.station_id = t.station_id AND s.expires_at > now()
                ORDER BY s.created_at DESC LIMIT 1)) FROM ",
            $from
        )
    };
}

const ADD: &str = concat!(
    "WITH added AS (
        INSERT INTO stations (station_id, name, facility_id, printer, token_sha256) VALUES ($3, $4, $5, $6, $7) RETURNING *
    )",
    noted!("station_id, jsonb_build_object('facility_id', facility_id) FROM added"),
    select_stations!("added t")
);

/// Whoever works there has to find another one.
const REMOVE: &str = concat!(
    "WITH removed AS (
        DELETE FROM stations WHERE station_id = $3 RETURNING station_id, facility_id
    )",
    noted!("station_id, jsonb_build_object('facility_id', facility_id) FROM removed"),
    "SELECT to_jsonb(station_id) FROM removed"
);

/// A badge that was lost opens nothing once there is another, and whoever came in by it is out.
const GIVE_BADGE: &str = concat!(
    "WITH given AS (
        UPDATE people SET badge_sha256 = $4, pin_hash = $5 WHERE person_id = $3 AND disabled_at IS NULL RETURNING person_id
    ), ended AS (
        DELETE FROM sessions s USING given g WHERE s.person_id = g.person_id AND s.station_id IS NOT NULL
    )",
    noted!("person_id, '{}'::jsonb FROM given"),
    "SELECT to_jsonb(person_id) FROM given"
);

/// One person at a time: whoever was there before is out.
const TAKE_OVER: &str = concat!(
    "WITH there AS (
        SELECT t.station_id FROM stations t WHERE t.station_id = $5 FOR UPDATE
    ), before AS (
        DELETE FROM sessions s USING there t WHERE s.station_id = t.station_id
    ), came AS (
        INSERT INTO sessions (token_sha256, person_id, expires_at, station_id)
        SELECT $3, p.person_id, now() + make_interval(secs => $6), t.station_id FROM people p, there t
        WHERE p.person_id = $4 AND p.disabled_at IS NULL
        RETURNING person_id, station_id
    ), forgotten AS (
        DELETE FROM login_tries WHERE place_hash = $7
    )",
    noted!("person_id, jsonb_build_object('station_id', station_id) FROM came"),
    "SELECT to_jsonb(person_id) FROM came"
);

impl Store {
    /// Enrols a station, which shows the token from now on. Errors: `station_conflict`, `unknown_facility`.
    pub async fn add_station(&self, new: &NewStation, token: &Token) -> Result<Station, StoreError> {
        let query = sqlx::query_scalar(ADD)
            .bind(Json(self.acting()))
            .bind(AuditAction::StationMade.name())
            .bind(new.station_id.as_str())
            .bind(&new.name)
            .bind(new.facility_id.as_str())
            .bind(&new.printer)
            .bind(token.hash().to_string());
        self.row(query).await?.ok_or(StoreError::Corrupt { what: "a station that was made" })
    }

    /// One of them.
    pub async fn station(&self, id: &StationId) -> Result<Option<Station>, StoreError> {
        self.row(sqlx::query_scalar(select_stations!("stations t WHERE t.station_id = $1")).bind(id.as_str())).await
    }

    /// The one that shows this token.
    pub async fn station_of(&self, token: &KeyHash) -> Result<Option<Station>, StoreError> {
        self.row(sqlx::query_scalar(select_stations!("stations t WHERE t.token_sha256 = $1")).bind(token.to_string())).await
    }

    /// Stations of these facilities, or of all, by their ids.
    pub async fn stations_page(&self, facilities: Option<&[String]>, after: Option<&str>, limit: u32) -> Result<Page<Station>, StoreError> {
        let query = sqlx::query_scalar(select_stations!(
            "stations t WHERE ($1::text[] IS NULL OR t.facility_id = ANY ($1)) AND ($2::text IS NULL OR t.station_id > $2)
            ORDER BY t.station_id LIMIT $3"
        ));
        let query = query.persistent(false).bind(facilities).bind(after).bind(i64::from(limit) + 1);
        Ok(Page::cut(self.rows(query).await?, limit, |last: &Station| last.station_id.to_string()))
    }

    /// Nothing is a station under this id any more. Errors: `station_not_found`.
    pub async fn remove_station(&self, id: &StationId) -> Result<(), StoreError> {
        let query = sqlx::query_scalar(REMOVE).bind(Json(self.acting())).bind(AuditAction::StationRemoved.name()).bind(id.as_str());
        self.row::<StationId>(query).await?.map(drop).ok_or(StoreError::Refused { code: ErrorCode::StationNotFound })
    }

    /// Gives somebody a badge and a PIN, in place of those that they had. Errors: `person_not_found`, also of who may not come in.
    pub async fn give_badge(&self, id: &AccountId, badge: &KeyHash, pin_hash: &str) -> Result<(), StoreError> {
        let query = sqlx::query_scalar(GIVE_BADGE)
            .bind(Json(self.acting()))
            .bind(AuditAction::BadgeGiven.name())
            .bind(id.as_str())
            .bind(badge.to_string())
            .bind(pin_hash);
        self.row::<AccountId>(query).await?.map(drop).ok_or(StoreError::Refused { code: ErrorCode::PersonNotFound })
    }

    /// Whose badge it is: nobody's who may not come in.
    pub async fn badge(&self, badge: &KeyHash) -> Result<Option<Badge>, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT jsonb_build_object('person_id', person_id, 'pin_hash', pin_hash) FROM people
            WHERE badge_sha256 = $1 AND pin_hash IS NOT NULL AND disabled_at IS NULL",
        );
        self.row(query.bind(badge.to_string())).await
    }

    /// Somebody works at a station from now on, and whoever did before does not. False: they may not any more, or the station is gone.
    pub async fn take_over(&self, token: &Token, id: &AccountId, station: &StationId, place_hash: &str) -> Result<bool, StoreError> {
        let query = sqlx::query_scalar(TAKE_OVER)
            .bind(Json(self.acting()))
            .bind(AuditAction::LoggedIn.name())
            .bind(token.hash().to_string())
            .bind(id.as_str())
            .bind(station.as_str())
            .bind(f64::from(login::SESSION_MAX_S))
            .bind(place_hash);
        Ok(self.row::<AccountId>(query).await?.is_some())
    }
}
