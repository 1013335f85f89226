//! How often a code was shown for a pickup: a code of four digits is found out by whoever may try them all.

use std::time::Duration;

use oms_domain::ids::FulfillmentOrderId;
use serde::Deserialize;

use crate::{error::StoreError, store::Store};

/// How many codes are looked at before it takes longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeTries {
    pub at_once: u32,
    /// The pause after those; each code after it doubles the pause, up to a day.
    pub pause: Duration,
}

impl Default for CodeTries {
    fn default() -> Self {
        Self { at_once: 5, pause: Duration::from_secs(15 * 60) }
    }
}

/// Whether a code is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeTry {
    Counted,
    /// None is, for so long.
    TooMany {
        again_in: Duration,
    },
}

#[derive(Deserialize)]
struct Tried {
    counted: bool,
    again_in_s: f64,
}

impl Store {
    /// Counts a code that is shown, before anybody looks at it: those that are shown at the same time count one after the other.
    pub async fn try_code(&self, id: &FulfillmentOrderId, tries: CodeTries) -> Result<CodeTry, StoreError> {
        let query = sqlx::query_scalar(
            "WITH counted AS (
                INSERT INTO pickup_tries AS t (fulfillment_order_id, tries, again_at) VALUES ($1, 1, now())
                ON CONFLICT (fulfillment_order_id) DO UPDATE SET tries = t.tries + 1, again_at = now() + CASE
                    WHEN t.tries + 1 < $2 THEN interval '0'
                    ELSE least(make_interval(secs => $3) * power(2, least(t.tries + 1 - $2, 20)), interval '1 day') END
                WHERE t.again_at <= now()
                RETURNING true
            )
            SELECT jsonb_build_object('counted', EXISTS (SELECT FROM counted), 'again_in_s',
                coalesce((SELECT extract(epoch FROM again_at - now()) FROM pickup_tries WHERE fulfillment_order_id = $1), 0))",
        );
        let query = query.bind(id.as_str()).bind(i32::try_from(tries.at_once).unwrap_or(i32::MAX)).bind(tries.pause.as_secs_f64());
        let tried: Tried = self.row(query).await?.ok_or(StoreError::Corrupt { what: "the tries of a pickup" })?;
        Ok(if tried.counted { CodeTry::Counted } else { CodeTry::TooMany { again_in: Duration::from_secs_f64(tried.again_in_s.max(0.0)) } })
    }

    /// It was handed over, or is to be shown another code: nothing was tried yet.
    pub async fn forget_tries(&self, id: &FulfillmentOrderId) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM pickup_tries WHERE fulfillment_order_id = $1").bind(id.as_str()).execute(&self.pool).await?;
        Ok(())
    }
}
