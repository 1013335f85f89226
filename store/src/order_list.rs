//! Lists of orders, from the projection: newest first, by cursor, whatever the number of orders.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use oms_domain::{
    access::Scope,
    ids::{CustomerId, FacilityId, OrderId, Sku},
    money::Currency,
};
use serde::{Deserialize, Serialize};

use crate::{error::StoreError, store::Store};

/// Which orders to list: those for which everything given holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct OrderFilter {
    pub status: Option<String>,
    pub channel: Option<String>,
    pub customer_id: Option<CustomerId>,
    /// The address itself; only its hash is looked for, and nothing else of it is ever written.
    #[serde(skip)]
    pub email: Option<String>,
    pub facility_id: Option<FacilityId>,
    pub sku: Option<Sku>,
    pub tracking_number: Option<String>,
    pub hold_reason: Option<String>,
    pub needs_attention: Option<bool>,
    pub placed_after: Option<Timestamp>,
    pub placed_before: Option<Timestamp>,
    pub updated_after: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<OrderName>,
    /// What whoever asks knows of.
    #[serde(skip)]
    pub scope: Scope,
}

/// What the shop, or another system, calls an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OrderName {
    /// Empty: the shop itself.
    pub system: String,
    pub name: String,
}

/// What a list shows of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderSummary {
    pub order_id: OrderId,
    pub version: u64,
    pub status: String,
    pub channel: String,
    pub customer_id: CustomerId,
    pub currency: Currency,
    pub total_minor: i64,
    pub placed_at: Timestamp,
    pub updated_at: Timestamp,
    pub needs_attention: bool,
    pub hold_reasons: Vec<String>,
}

/// Some of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Where the rest begins; `None`: there is none.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// A page out of one row more than it shows.
    pub(crate) fn cut(mut items: Vec<T>, limit: u32, cursor: impl Fn(&T) -> String) -> Self {
        let more = items.len() > limit as usize;
        items.truncate(limit as usize);
        let next_cursor = items.last().filter(|_| more).map(cursor);
        Self { items, next_cursor }
    }
}

/// A place in a list: the microsecond it is sorted by, if any, and the id that tells equals apart.
pub(crate) fn parse_cursor(cursor: &str) -> Result<(Option<Timestamp>, &str), StoreError> {
    let (time, id) = cursor.split_once('_').ok_or(StoreError::NoCursor)?;
    if time.is_empty() {
        return Ok((None, id));
    }
    let microseconds = time.parse().map_err(|_| StoreError::NoCursor)?;
    Ok((Some(Timestamp::from_microsecond(microseconds).map_err(|_| StoreError::NoCursor)?), id))
}

pub(crate) fn cursor(time: Option<Timestamp>, id: &str) -> String {
    format!("{}_{id}", time.map(|time| time.as_microsecond().to_string()).unwrap_or_default())
}

/// The conditions of an [`OrderFilter`] as parameters 1 to 16. Each holds by itself when its parameter is NULL. The statement is planned
/// anew with its values every time, so that such conditions are gone before an index is chosen; those on other tables are arrays, so
/// that they can be one. With `but_sku` or `but_facility`, the list goes along those instead, which say themselves when an order was
/// placed: see [`Lead`].
macro_rules! orders_where {
    () => {
        concat!(
            orders_where!(but_facility),
            " AND ",
            orders_where!(facility),
            " AND ($10::timestamptz IS NULL OR o.placed_at > $10) AND ($11::timestamptz IS NULL OR o.placed_at < $11)"
        )
    };
    (but_facility) => {
        concat!(
            orders_where!(own),
            " AND ($6::text IS NULL OR o.order_id = ANY (ARRAY (SELECT s.order_id FROM order_skus s WHERE s.sku = $6)))"
        )
    };
    (but_sku) => {
        concat!(orders_where!(own), " AND ", orders_where!(facility))
    };
    (facility) => {
        "($5::text IS NULL OR EXISTS (SELECT FROM fulfillment_orders f WHERE f.order_id = o.order_id AND f.facility_id = $5))"
    };
    (own) => {
        "($1::text IS NULL OR o.status = $1)
        AND ($2::text IS NULL OR o.channel = $2)
        AND ($3::text IS NULL OR o.customer_id = $3)
        AND ($4::text IS NULL OR o.customer_email_hash = $4)
        AND ($7::text IS NULL OR o.order_id = ANY (ARRAY (SELECT p.order_id FROM parcels p WHERE p.tracking_key = tracking_key($7))))
        AND ($8::text IS NULL OR (o.hold_reasons <> '{}' AND $8 = ANY (o.hold_reasons)))
        AND ($9::boolean IS NULL OR o.needs_attention = $9)
        AND ($12::timestamptz IS NULL OR o.updated_at > $12)
        AND ($13::text[] IS NULL OR o.channel = ANY ($13))
        AND ($14::text[] IS NULL OR EXISTS (SELECT FROM fulfillment_orders f WHERE f.order_id = o.order_id AND f.facility_id = ANY ($14)))
        AND ($16::text IS NULL OR o.order_id = ANY (ARRAY (SELECT n.order_id FROM order_names n WHERE n.system = $15 AND n.name = $16)))"
    };
}
pub(crate) use orders_where;

/// Binds them, after which come the statement's own.
macro_rules! bind_filter {
    ($query:expr, $store:expr, $filter:expr) => {
        $query
            .persistent(false)
            .bind(&$filter.status)
            .bind(&$filter.channel)
            .bind($filter.customer_id.as_ref().map(::oms_domain::ids::CustomerId::as_str))
            .bind($filter.email.as_deref().map(|email| $store.email_hash(email)))
            .bind($filter.facility_id.as_ref().map(::oms_domain::ids::FacilityId::as_str))
            .bind($filter.sku.as_ref().map(::oms_domain::ids::Sku::as_str))
            .bind(&$filter.tracking_number)
            .bind(&$filter.hold_reason)
            .bind($filter.needs_attention)
            .bind($filter.placed_after.map(::jiff_sqlx::ToSqlx::to_sqlx))
            .bind($filter.placed_before.map(::jiff_sqlx::ToSqlx::to_sqlx))
            .bind($filter.updated_after.map(::jiff_sqlx::ToSqlx::to_sqlx))
            .bind($crate::reach::channels(&$filter.scope))
            .bind($crate::reach::facilities(&$filter.scope))
            .bind($filter.name.as_ref().map(|name| name.system.as_str()))
            .bind($filter.name.as_ref().map(|name| name.name.as_str()))
    };
}
pub(crate) use bind_filter;

/// A page of the orders that come after a place (17, 18), at most so many (19).
macro_rules! page {
    ($lead:literal, $from:literal, $($condition:expr),+) => {
        concat!(
            "SELECT to_jsonb(o) - 'customer_email_hash' FROM ", $from, " WHERE ", $($condition, " AND ",)+
            "($17::timestamptz IS NULL OR (", $lead, ".placed_at, ", $lead, ".order_id) < ($17, $18))
            ORDER BY ", $lead, ".placed_at DESC, ", $lead, ".order_id DESC LIMIT $19"
        )
    };
}

/// What a list goes along, newest first: whatever names fewest orders has an index in that order. It has the time of placing as well, and
/// a condition on that stands there alone: twice, the planner would take it for two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lead {
    Orders,
    Sku,
    Facility,
}

impl Lead {
    fn of(filter: &OrderFilter) -> Self {
        match filter {
            OrderFilter { sku: Some(_), .. } => Self::Sku,
            OrderFilter { facility_id: Some(_), .. } => Self::Facility,
            _ => Self::Orders,
        }
    }

    fn page(self) -> &'static str {
        match self {
            Self::Orders => page!("o", "orders o", orders_where!()),
            Self::Sku => page!(
                "s",
                "order_skus s JOIN orders o USING (order_id)",
                "s.sku = $6 AND ($10::timestamptz IS NULL OR s.placed_at > $10) AND ($11::timestamptz IS NULL OR s.placed_at < $11)",
                orders_where!(but_sku)
            ),
            Self::Facility => page!(
                "f",
                "(SELECT DISTINCT f.placed_at, f.order_id FROM fulfillment_orders f WHERE f.facility_id = $5
                    AND ($10::timestamptz IS NULL OR f.placed_at > $10) AND ($11::timestamptz IS NULL OR f.placed_at < $11)
                    AND ($17::timestamptz IS NULL OR f.placed_at <= $17)
                    ORDER BY f.placed_at DESC, f.order_id DESC) AS f JOIN orders o USING (order_id)",
                orders_where!(but_facility)
            ),
        }
    }
}

impl Store {
    /// Orders, newest first.
    pub async fn orders_page(&self, filter: &OrderFilter, after: Option<&str>, limit: u32) -> Result<Page<OrderSummary>, StoreError> {
        let (placed_at, order_id) = after.map(parse_cursor).transpose()?.unwrap_or((None, ""));
        let query = bind_filter!(sqlx::query_scalar(Lead::of(filter).page()), self, filter)
            .bind(placed_at.map(ToSqlx::to_sqlx))
            .bind(order_id)
            .bind(i64::from(limit) + 1);
        let rows: Vec<OrderSummary> = self.rows(query).await?;
        Ok(Page::cut(rows, limit, |last| cursor(Some(last.placed_at), last.order_id.as_str())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_back_to_its_row_and_nonsense_is_refused() {
        let time: Timestamp = "2010-12-01T08:26:00.000001Z".parse().unwrap();
        assert_eq!(parse_cursor(&cursor(Some(time), "a_b")).unwrap(), (Some(time), "a_b"));
        assert_eq!(parse_cursor(&cursor(None, "x")).unwrap(), (None, "x"));
        for nonsense in ["", "x", "x_y", "99999999999999999999_a"] {
            assert!(parse_cursor(nonsense).is_err(), "{nonsense}");
        }
    }
}
