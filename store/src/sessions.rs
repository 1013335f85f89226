//! Log-ins: counted before anybody looks at the password, and kept by the hash of what their holder shows.

use std::time::Duration;

use oms_domain::{
    access::{login, station},
    ids::{AccountId, FacilityId, StationId},
};
use serde::Deserialize;
use sqlx::types::Json;

use crate::{
    api_key::KeyHash,
    audit::AuditAction,
    error::StoreError,
    people::{Person, Row, noted, select_people},
    store::Store,
    token::Token,
};

/// Whether a try to log in is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginTry {
    Counted,
    /// None is from there, for so long.
    TooMany {
        again_in: Duration,
    },
}

/// Somebody who is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub person: Person,
    /// The station that they have taken over, and its facility.
    pub station: Option<(StationId, FacilityId)>,
}

#[derive(Deserialize)]
struct SessionRow {
    person: Row,
    station_id: Option<StationId>,
    facility_id: Option<FacilityId>,
}

#[derive(Deserialize)]
struct Tried {
    counted: bool,
    again_in_s: f64,
}

/// Those of longer ago do not count.
const TRY: &str = "WITH counted AS (
        INSERT INTO login_tries AS t (place_hash, tries, again_at) VALUES ($1, 1, now())
        ON CONFLICT (place_hash) DO UPDATE SET
            tries = CASE WHEN t.again_at < now() - interval '1 hour' THEN 1 ELSE t.tries + 1 END,
            again_at = now() + CASE WHEN t.again_at < now() - interval '1 hour' OR t.tries + 1 < $2 THEN interval '0'
                ELSE make_interval(secs => least($3 * power(2, least(t.tries + 1 - $2, 20)), $4)) END
        WHERE t.again_at <= now()
        RETURNING true
    )
    SELECT jsonb_build_object('counted', EXISTS (SELECT FROM counted), 'again_in_s',
        coalesce((SELECT extract(epoch FROM again_at - now()) FROM login_tries WHERE place_hash = $1), 0))";

const OPEN: &str = concat!(
    "WITH came AS (
        INSERT INTO sessions (token_sha256, person_id, expires_at)
        SELECT $3, person_id, now() + make_interval(secs => $5) FROM people WHERE person_id = $4 AND disabled_at IS NULL
        RETURNING person_id
    ), forgotten AS (
        DELETE FROM login_tries WHERE place_hash = $6
    )",
    noted!("person_id, '{}'::jsonb FROM came"),
    "SELECT to_jsonb(person_id) FROM came"
);

/// Seen to the minute: most requests of a session write nothing. At a station it ends sooner.
const SESSION: &str = concat!(
    "WITH found AS (
        SELECT s.*, t.facility_id FROM sessions s LEFT JOIN stations t USING (station_id)
        WHERE s.token_sha256 = $1 AND s.expires_at > now()
            AND s.last_seen_at > now() - make_interval(secs => CASE WHEN s.station_id IS NULL THEN $2 ELSE $3 END)
    ), seen AS (
        UPDATE sessions s SET last_seen_at = now() FROM found f
        WHERE s.token_sha256 = f.token_sha256 AND f.last_seen_at < now() - interval '1 minute' AND $4
    )",
    "SELECT jsonb_build_object('station_id', s.station_id, 'facility_id', s.facility_id, 'person', person) FROM found s, LATERAL (",
    select_people!("people p WHERE p.person_id = s.person_id AND p.disabled_at IS NULL"),
    ") AS shown(person)"
);

const END: &str = concat!(
    "WITH ended AS (
        DELETE FROM sessions WHERE token_sha256 = $3 RETURNING person_id
    )",
    noted!("person_id, '{}'::jsonb FROM ended"),
    "SELECT to_jsonb(person_id) FROM ended"
);

impl Store {
    /// Counts a try, before anybody looks at it: those that come at the same time count one after the other.
    pub async fn try_login(&self, place_hash: &str) -> Result<LoginTry, StoreError> {
        let at_once = i32::try_from(login::LOGIN_TRIES_AT_ONCE).unwrap_or(i32::MAX);
        let query = sqlx::query_scalar(TRY).bind(place_hash).bind(at_once);
        let query = query.bind(f64::from(login::LOGIN_PAUSE_S)).bind(f64::from(login::LOGIN_PAUSE_MAX_S));
        let tried: Tried = self.row(query).await?.ok_or(StoreError::Corrupt { what: "the tries to log in" })?;
        let again_in = Duration::from_secs_f64(tried.again_in_s.max(0.0));
        Ok(if tried.counted { LoginTry::Counted } else { LoginTry::TooMany { again_in } })
    }

    /// Who has this address, with the hash of their password: nobody who has not come yet, or may not come in.
    pub async fn password_of(&self, email: &str) -> Result<Option<(AccountId, String)>, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT jsonb_build_array(person_id, password_hash) FROM people
            WHERE email = $1 AND password_hash IS NOT NULL AND disabled_at IS NULL",
        );
        self.row(query.bind(email)).await
    }

    /// They have logged in, from a place whose tries are forgotten. False: they may not any more.
    pub async fn open_session(&self, token: &Token, id: &AccountId, place_hash: &str) -> Result<bool, StoreError> {
        let query = sqlx::query_scalar(OPEN)
            .bind(Json(self.acting()))
            .bind(AuditAction::LoggedIn.name())
            .bind(token.hash().to_string())
            .bind(id.as_str())
            .bind(f64::from(login::SESSION_MAX_S))
            .bind(place_hash);
        Ok(self.row::<AccountId>(query).await?.is_some())
    }

    /// Whose session it is, if it has not ended; it is heard of now.
    pub async fn session(&self, token: &KeyHash) -> Result<Option<Session>, StoreError> {
        self.find_session(token, true).await
    }

    /// The same for what goes on by itself: it keeps nobody in who has gone.
    pub async fn watched_session(&self, token: &KeyHash) -> Result<Option<Session>, StoreError> {
        self.find_session(token, false).await
    }

    async fn find_session(&self, token: &KeyHash, is_heard_of: bool) -> Result<Option<Session>, StoreError> {
        let query = sqlx::query_scalar(SESSION).bind(token.to_string());
        let query = query.bind(f64::from(login::SESSION_IDLE_S)).bind(f64::from(station::STATION_IDLE_S)).bind(is_heard_of);
        let found: Option<SessionRow> = self.row(query).await?;
        Ok(found.map(|row| Session { person: row.person.into(), station: row.station_id.zip(row.facility_id) }))
    }

    /// Ends it. Whether there was one.
    pub async fn end_session(&self, token: &KeyHash) -> Result<bool, StoreError> {
        let query = sqlx::query_scalar(END).bind(Json(self.acting())).bind(AuditAction::LoggedOut.name()).bind(token.to_string());
        Ok(self.row::<AccountId>(query).await?.is_some())
    }
}
