//! What is there: availability for plans, positions for people, and the corrections people make.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use oms_domain::{
    access::Scope,
    error::ErrorCode,
    ids::{FacilityId, Sku},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{error::StoreError, order_list::Page, reach::facilities, reserve::StockMark, store::Store};

/// Units a position can still promise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Available {
    pub facility_id: FacilityId,
    pub sku: Sku,
    pub available: i64,
    /// What using a unit forgoes elsewhere; 0 unless there are prices.
    #[serde(default, skip_serializing_if = "is_free")]
    pub stock_price_milli: i64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_free(price_milli: &i64) -> bool {
    *price_milli == 0
}

/// What a plan is made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Availability {
    /// Only those with something, by SKU, then facility.
    pub positions: Vec<Available>,
    /// Goes into [`Reserve::planned_at`](crate::Reserve::planned_at).
    pub mark: StockMark,
    /// Which prices of stock these are; None: there are none.
    #[serde(default)]
    pub stock_prices_version: Option<String>,
    /// See [`FacilityBook`](crate::FacilityBook).
    pub facilities_version: u64,
}

/// One position, in units. `available` is never shown below 0; `on_hand` may be negative, where facts outran the count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockPosition {
    pub facility_id: FacilityId,
    pub sku: Sku,
    pub on_hand: i64,
    pub reserved: i64,
    pub unavailable: i64,
    pub safety_stock: i64,
    pub oversell_limit: i64,
    /// Units reserved beyond what is there because of facts.
    pub deficit: i64,
    pub available: i64,
}

/// Why stock is corrected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdjustmentReason {
    Receipt,
    Sale,
    Return,
    TransferIn,
    TransferOut,
    Damage,
    Theft,
    Correction,
}

/// A fact about a position, signed: it is recorded whatever it does to availability.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Adjustment {
    /// Sent twice, it counts once. Without it every call counts, once.
    pub adjustment_id: Option<String>,
    pub facility_id: FacilityId,
    pub sku: Sku,
    /// Change of the units on hand.
    pub quantity: i64,
    /// Change of the units on hand that cannot be sold (damaged, under inspection).
    pub unavailable: i64,
    pub reason: AdjustmentReason,
    /// Business time; absent: when it is told, and after whatever was counted.
    pub occurred_at: Option<Timestamp>,
    /// Business time, now.
    pub told_at: Timestamp,
}

/// What became of an [`Adjustment`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdjustmentResult {
    Applied,
    Duplicate,
    Rejected(ErrorCode),
}

/// Largest correction of one position, in units: far above any count, far below where sums of them overflow.
pub(crate) const UNITS_MAX: i64 = 1_000_000_000_000;

/// Positions that a page looks at for those that have moved.
const LOOKED_AT_MAX: i64 = 5_000;

/// The newest movement of each position in the months since says whether it has moved: one look at an index each, however much has.
const MOVED_PAGE: &str = "WITH looked_at AS MATERIALIZED (
        SELECT s.* FROM stock s WHERE s.facility_id = $1 AND s.sku > $2 ORDER BY s.sku LIMIT $5
    ), moved AS MATERIALIZED (
        SELECT l.* FROM looked_at l, LATERAL (
            SELECT m.recorded_at FROM stock_movements m
            WHERE m.facility_id = l.facility_id AND m.sku = l.sku AND m.recorded_at >= date_trunc('month', $3, 'UTC')
            ORDER BY m.movement_id DESC LIMIT 1
        ) AS newest
        WHERE newest.recorded_at > $3 ORDER BY l.sku LIMIT $4
    )
    SELECT jsonb_build_object(
        'items', coalesce((SELECT jsonb_agg(to_jsonb(m) || jsonb_build_object('available', greatest(0, m.available)) ORDER BY m.sku)
            FROM moved m), '[]'),
        'next_cursor', CASE
            WHEN (SELECT count(*) FROM moved) = $4 THEN (SELECT max(sku) FROM moved)
            WHEN (SELECT count(*) FROM looked_at) = $5 THEN (SELECT max(sku) FROM looked_at) END)";

#[derive(Deserialize)]
struct Moved {
    items: Vec<StockPosition>,
    next_cursor: Option<String>,
}

impl Store {
    /// What every facility can promise of these SKUs and at what price of the stock, and when that was so. What those who wait are about
    /// to be served is theirs.
    pub async fn availability(&self, skus: &[Sku]) -> Result<Availability, StoreError> {
        let skus: Vec<&str> = skus.iter().map(Sku::as_str).collect();
        let query = sqlx::query_scalar(
            "SELECT jsonb_build_object('mark', pg_current_snapshot()::text,
                'facilities_version', (SELECT version FROM facilities_version),
                'stock_prices_version', (SELECT version FROM stock_price_version), 'positions', coalesce((
                SELECT jsonb_agg(jsonb_build_object('facility_id', facility_id, 'sku', sku, 'available', units,
                    'stock_price_milli', coalesce(price_milli, 0)) ORDER BY sku, facility_id)
                FROM stock LEFT JOIN stock_prices USING (sku, facility_id),
                    LATERAL (SELECT available - claimed_units(facility_id, sku) AS units) AS left_over
                WHERE sku = ANY ($1) AND available > 0 AND units > 0), '[]'))",
        );
        self.row(query.bind(skus)).await?.ok_or(StoreError::Corrupt { what: "the availability" })
    }

    /// Every position of a SKU, by facility.
    pub async fn stock_of(&self, sku: &Sku) -> Result<Vec<StockPosition>, StoreError> {
        self.stock_within(sku, &Scope::default()).await
    }

    /// The same, as far as the scope reaches.
    pub async fn stock_within(&self, sku: &Sku, scope: &Scope) -> Result<Vec<StockPosition>, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT to_jsonb(s) || jsonb_build_object('available', greatest(0, available))
            FROM stock s WHERE sku = $1 AND ($2::text[] IS NULL OR facility_id = ANY ($2)) ORDER BY facility_id",
        );
        self.rows(query.bind(sku.as_str()).bind(facilities(scope))).await
    }

    /// One position.
    pub async fn stock_position(&self, facility_id: &FacilityId, sku: &Sku) -> Result<Option<StockPosition>, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT to_jsonb(s) || jsonb_build_object('available', greatest(0, available))
            FROM stock s WHERE facility_id = $1 AND sku = $2",
        );
        self.row(query.bind(facility_id.as_str()).bind(sku.as_str())).await
    }

    /// Positions of a facility at which something moved after a time, by SKU. At most so many are looked at: what is found among them may be
    /// less than a page, and nothing, and the cursor leads on.
    pub async fn stock_page_since(
        &self,
        facility_id: &FacilityId,
        moved_after: Timestamp,
        after: Option<&Sku>,
        limit: u32,
    ) -> Result<Page<StockPosition>, StoreError> {
        let query = sqlx::query_scalar(MOVED_PAGE)
            .persistent(false)
            .bind(facility_id.as_str())
            .bind(after.map_or("", Sku::as_str))
            .bind(moved_after.to_sqlx())
            .bind(i64::from(limit))
            .bind(LOOKED_AT_MAX);
        let found: Moved = self.row(query).await?.ok_or(StoreError::Corrupt { what: "what has moved" })?;
        Ok(Page { items: found.items, next_cursor: found.next_cursor })
    }

    /// Every position of a facility, by SKU.
    pub async fn stock_page(&self, facility_id: &FacilityId, after: Option<&Sku>, limit: u32) -> Result<Page<StockPosition>, StoreError> {
        let query = sqlx::query_scalar(
            "SELECT to_jsonb(s) || jsonb_build_object('available', greatest(0, available))
            FROM stock s WHERE facility_id = $1 AND sku > $2 ORDER BY sku LIMIT $3",
        );
        let query = query.bind(facility_id.as_str()).bind(after.map_or("", Sku::as_str)).bind(i64::from(limit) + 1);
        Ok(Page::cut(self.rows(query).await?, limit, |last: &StockPosition| last.sku.to_string()))
    }

    /// Records facts about stock, each by itself, in one transaction; whoever waits for what they bring is served in it. What happened
    /// before the position was last counted is kept, and moves nothing. A result each, in order.
    pub async fn adjust_stock(&self, adjustments: &[Adjustment]) -> Result<Vec<AdjustmentResult>, StoreError> {
        let in_range = |a: &Adjustment| a.quantity.abs() <= UNITS_MAX && a.unavailable.abs() <= UNITS_MAX;
        let mut results = vec![AdjustmentResult::Rejected(ErrorCode::ValidationFailed); adjustments.len()];
        // The call may be repeated after its answer was lost: each has an id before the first try.
        let named = |a: &Adjustment| Adjustment {
            adjustment_id: a.adjustment_id.clone().or_else(|| Some(Uuid::now_v7().to_string())),
            ..a.clone()
        };
        let rows: Vec<Adjustment> = adjustments.iter().map(named).collect();
        let rows: Vec<_> = rows.iter().enumerate().filter(|(_, row)| in_range(row)).map(|(n, row)| NumberedRow { n, row }).collect();
        let judged: Vec<(i64, String)> = self.call_acting("SELECT n, result FROM adjust_stock($1, $2)", &rows).await?;
        for (n, result) in judged {
            let n = usize::try_from(n).map_err(|_| StoreError::Corrupt { what: "the number of an adjustment" })?;
            results[n] = judgement(&result)?;
        }
        Ok(results)
    }
}

fn judgement(result: &str) -> Result<AdjustmentResult, StoreError> {
    match result {
        "accepted" => Ok(AdjustmentResult::Applied),
        "duplicate" => Ok(AdjustmentResult::Duplicate),
        code => match ErrorCode::from_code(code) {
            Some(code) => Ok(AdjustmentResult::Rejected(code)),
            None => Err(StoreError::Corrupt { what: "the result of an adjustment" }),
        },
    }
}

/// A row with the number its result comes back under.
#[derive(Serialize)]
pub(crate) struct NumberedRow<'a, T> {
    pub n: usize,
    #[serde(flatten)]
    pub row: &'a T,
}
