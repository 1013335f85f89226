//! Stock held for checkouts: all positions or none, until a deadline by the database's clock. An order takes a hold over when it is
//! [reserved](Store::reserve) for.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use oms_domain::{
    access::Scope,
    ids::{FacilityId, LineId, OrderId, ReservationId, Sku},
    reservation::ReservationStatus,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::types::Json;

use crate::{
    error::StoreError,
    order_list::{Page, cursor, parse_cursor},
    reach::facilities,
    reserve::{Needed, needed},
    store::Store,
};

/// Stock to hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hold {
    pub reservation_id: ReservationId,
    /// Of the request: the same again is the same hold.
    pub body_hash: String,
    pub hold_s: u32,
    /// What is asked for.
    pub lines: Vec<HoldLine>,
    /// What is to be held of it; nothing: the hold is denied.
    pub units: Vec<HeldUnits>,
}

/// Units of a SKU that a checkout asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldLine {
    pub line_id: LineId,
    pub sku: Sku,
    pub quantity: u32,
}

/// Units of a line, and where they are held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldUnits {
    pub line_id: LineId,
    pub facility_id: FacilityId,
    pub sku: Sku,
    pub quantity: u32,
}

/// A hold as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CheckoutHold {
    pub reservation_id: ReservationId,
    pub status: ReservationStatus,
    pub requested_at: Timestamp,
    pub expires_at: Timestamp,
    pub lines: Vec<HoldLine>,
    /// Nothing, once it has ended.
    pub held: Vec<HeldUnits>,
    /// The order that took it over.
    pub order_id: Option<OrderId>,
}

/// What became of a [`Hold`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holding {
    New(CheckoutHold),
    /// It was asked for before: the first answer.
    Same(CheckoutHold),
    /// Another request has the id.
    Other,
    /// Nothing was taken: the stock is not what the plan thought. Plan again.
    Short,
}

/// A hold as the database wants it.
#[derive(Serialize)]
struct Asked<'a> {
    #[serde(flatten)]
    hold: &'a Hold,
    needed: Vec<Needed<'a>>,
}

const HELD_PAGE: &str = "SELECT shown_hold(h.reservation_id) FROM checkout_holds h
    WHERE h.status = 'held' AND ($3::timestamptz IS NULL OR (h.expires_at, h.reservation_id) > ($3, $4))
        AND ($1::text IS NULL AND $2::text[] IS NULL OR EXISTS (
            SELECT FROM checkout_hold_units u WHERE u.reservation_id = h.reservation_id
                AND ($1::text IS NULL OR u.sku = $1) AND ($2::text[] IS NULL OR u.facility_id = ANY ($2))))
    ORDER BY h.expires_at, h.reservation_id LIMIT $5";

impl Store {
    /// Takes all positions or none, in one round trip and one transaction.
    pub async fn hold(&self, hold: &Hold) -> Result<Holding, StoreError> {
        let needed = needed(hold.units.iter().map(|units| (&units.facility_id, &units.sku, units.quantity)));
        let asked = Asked { hold, needed };
        let answers: Vec<(String, Option<Json<Value>>)> =
            self.call_acting("SELECT outcome, detail FROM hold_stock($1, $2)", &asked).await?;
        let corrupt = StoreError::Corrupt { what: "a hold for a checkout" };
        let (outcome, detail) = answers.into_iter().next().ok_or(corrupt.clone())?;
        let shown = || serde_json::from_value(detail.map_or(Value::Null, |Json(detail)| detail)).map_err(|_| corrupt.clone());
        match outcome.as_str() {
            "new" => Ok(Holding::New(shown()?)),
            "same" => Ok(Holding::Same(shown()?)),
            "other" => Ok(Holding::Other),
            "short" => Ok(Holding::Short),
            _ => Err(corrupt),
        }
    }

    /// A hold as it is now, up to 30 days after its end.
    pub async fn checkout_hold(&self, id: &ReservationId) -> Result<Option<CheckoutHold>, StoreError> {
        self.row(sqlx::query_scalar("SELECT shown_hold(reservation_id) FROM checkout_holds WHERE reservation_id = $1").bind(id.as_str()))
            .await
    }

    /// What is held for checkouts now: of a SKU, or all, and at facilities that the scope reaches. Those that end soonest first.
    pub async fn held_page(
        &self,
        sku: Option<&Sku>,
        scope: &Scope,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Page<CheckoutHold>, StoreError> {
        let (expires_at, id) = after.map(parse_cursor).transpose()?.unwrap_or((None, ""));
        let query = sqlx::query_scalar(HELD_PAGE)
            .persistent(false)
            .bind(sku.map(Sku::as_str))
            .bind(facilities(scope))
            .bind(expires_at.map(ToSqlx::to_sqlx))
            .bind(id)
            .bind(i64::from(limit) + 1);
        let place = |last: &CheckoutHold| cursor(Some(last.expires_at), last.reservation_id.as_str());
        Ok(Page::cut(self.rows(query).await?, limit, place))
    }

    /// What a hold has now: nothing, if there is none.
    pub async fn held_units(&self, id: &ReservationId) -> Result<Vec<HeldUnits>, StoreError> {
        let query = "SELECT to_jsonb(u) FROM checkout_hold_units u WHERE reservation_id = $1 ORDER BY line_id, facility_id";
        self.rows(sqlx::query_scalar(query).bind(id.as_str())).await
    }

    /// Moves the deadline to so long from now. False, with nothing changed: it is none that holds, or would last longer than `most_s`.
    pub async fn extend_hold(&self, id: &ReservationId, hold_s: u32, most_s: u32) -> Result<bool, StoreError> {
        let extend = "UPDATE checkout_holds SET expires_at = now() + make_interval(secs => $2)
            WHERE reservation_id = $1 AND status = 'held' AND now() + make_interval(secs => $2) <= requested_at + make_interval(secs => $3)";
        let extend = sqlx::query(extend).bind(id.as_str()).bind(f64::from(hold_s)).bind(f64::from(most_s));
        Ok(extend.execute(&self.pool).await?.rows_affected() > 0)
    }

    /// Gives a hold back, unless it has ended otherwise; what it is then. Whoever waits for its units is served first.
    pub async fn release_hold(&self, id: &ReservationId) -> Result<Option<CheckoutHold>, StoreError> {
        let release = "SELECT release_hold($1 ->> 'reservation_id', $2)";
        let shown: Vec<(Option<Json<CheckoutHold>>,)> = self.call_acting(release, &json!({"reservation_id": id})).await?;
        Ok(shown.into_iter().find_map(|(hold,)| hold).map(|Json(hold)| hold))
    }

    /// Gives back what is past its deadline, at most so many holds at a time; how many there were. Where one of them cannot be ended, the
    /// others are, each by itself.
    ///
    /// # Errors
    /// When none could be ended.
    pub async fn expire_holds(&self, limit: u32) -> Result<u32, StoreError> {
        let together: Result<Vec<(i64,)>, StoreError> =
            self.call("SELECT expire_holds(($1 ->> 'most')::bigint)", &json!({"most": limit})).await;
        match together {
            Ok(ended) => Ok(ended.first().and_then(|(ended,)| u32::try_from(*ended).ok()).unwrap_or_default()),
            Err(error) if error.retryable() => Err(error),
            Err(error) => self.expire_one_by_one(limit, error).await,
        }
    }

    async fn expire_one_by_one(&self, limit: u32, why: StoreError) -> Result<u32, StoreError> {
        const OVERDUE: &str = "SELECT to_jsonb(reservation_id) FROM checkout_holds WHERE status = 'held' AND expires_at <= now()
            ORDER BY expires_at LIMIT $1";
        const EXPIRE: &str = "SELECT end_holds(ARRAY[h.reservation_id], 'expired') IS NULL FROM (
                SELECT reservation_id FROM checkout_holds
                WHERE reservation_id = $1 ->> 'id' AND status = 'held' AND expires_at <= now() FOR UPDATE
            ) AS h";
        let overdue: Vec<ReservationId> = self.rows(sqlx::query_scalar(OVERDUE).bind(i64::from(limit) * OVERDUE_LOTS)).await?;
        let mut ended = 0;
        for id in overdue {
            match self.call::<(Option<bool>,)>(EXPIRE, &json!({"id": id})).await {
                Ok(rows) => ended += u32::try_from(rows.len()).unwrap_or_default(),
                Err(error) => tracing::error!(reservation.id = %id, store.error = %error, "a hold past its deadline cannot be ended"),
            }
        }
        if ended == 0 { Err(why) } else { Ok(ended) }
    }
}

/// So many times as many as are ended together are tried each by itself: those that cannot be ended come first.
const OVERDUE_LOTS: i64 = 10;
