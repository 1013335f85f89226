//! One search over everything that has a name: what is called exactly so, each by an index, and products that begin with it.

use oms_domain::{access::Scope, ids::OrderId};
use serde::Deserialize;

use crate::{
    error::StoreError,
    reach::{channels, facilities},
    store::Store,
};

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Found {
    pub kind: String,
    pub id: String,
    pub order_id: Option<OrderId>,
    pub facility_id: Option<String>,
    pub status: Option<String>,
    pub title: Option<String>,
}

/// Of every kind so many at most: what is called the same more often is better looked for in a list. What people say of an order is looked for
/// when no order is called so; of a name of several words, among the newest orders that have the longest of them.
const FIND: &str = "WITH called AS (
        SELECT $1 AS order_id
        UNION SELECT n.order_id FROM order_names n WHERE n.name = $1
        UNION (SELECT p.order_id FROM parcels p WHERE p.tracking_key = tracking_key($1) LIMIT 20)
        UNION (SELECT o.order_id FROM orders o WHERE o.customer_id = $1 ORDER BY o.placed_at DESC LIMIT 20)
        UNION (SELECT o.order_id FROM orders o WHERE o.customer_email_hash = $2 ORDER BY o.placed_at DESC LIMIT 20)
    ), orders_found AS (
        SELECT order_id FROM called
        UNION SELECT l.order_id FROM unnest($8::text[]) AS meant (hash), LATERAL (
            SELECT n.order_id FROM order_lookups n WHERE n.hash = meant.hash ORDER BY n.noted_at DESC LIMIT 20) AS l
        WHERE NOT EXISTS (SELECT FROM called JOIN orders USING (order_id))
        UNION (SELECT l.order_id FROM (
                SELECT n.order_id, n.noted_at FROM order_lookups n WHERE n.hash = $9[1] ORDER BY n.noted_at DESC LIMIT 2000) AS l
            WHERE NOT EXISTS (SELECT FROM called JOIN orders USING (order_id))
                AND NOT EXISTS (SELECT FROM unnest($9) AS word WHERE NOT EXISTS (
                    SELECT FROM order_lookups w WHERE w.hash = word AND w.order_id = l.order_id))
            ORDER BY l.noted_at DESC LIMIT 20)
    ), found AS (
        SELECT 1 AS rank, 'order' AS kind, o.order_id AS id, o.order_id, NULL AS facility_id, o.status, NULL AS title, o.placed_at
        FROM orders_found f JOIN orders o USING (order_id)
        WHERE 'order' = ANY ($5) AND ($3::text[] IS NULL OR o.channel = ANY ($3))
            AND ($4::text[] IS NULL OR EXISTS (SELECT FROM fulfillment_orders w WHERE w.order_id = o.order_id AND w.facility_id = ANY ($4)))
        UNION ALL
        SELECT 2, 'fulfillment_order', w.fulfillment_order_id, w.order_id, w.facility_id, w.status, NULL, w.placed_at
        FROM fulfillment_orders w WHERE w.fulfillment_order_id = ANY (ARRAY (
                SELECT $1 UNION SELECT p.fulfillment_order_id FROM parcels p WHERE p.parcel_id = $1
                UNION (SELECT p.fulfillment_order_id FROM parcels p WHERE p.tracking_key = tracking_key($1) LIMIT 20)
                UNION (SELECT o.fulfillment_order_id FROM fulfillment_orders o WHERE o.order_id = $1 LIMIT 20)))
            AND 'fulfillment_order' = ANY ($5) AND ($4::text[] IS NULL OR w.facility_id = ANY ($4))
            AND ($3::text[] IS NULL OR EXISTS (SELECT FROM orders o WHERE o.order_id = w.order_id AND o.channel = ANY ($3)))
        UNION ALL
        SELECT 3, 'return', r.return_id, r.order_id, NULL, r.status, NULL, r.opened_at
        FROM returns r WHERE r.return_id = $1 AND 'return' = ANY ($5)
            AND ($3::text[] IS NULL OR EXISTS (SELECT FROM orders o WHERE o.order_id = r.order_id AND o.channel = ANY ($3)))
            AND ($4::text[] IS NULL OR EXISTS (SELECT FROM fulfillment_orders w WHERE w.order_id = r.order_id AND w.facility_id = ANY ($4)))
        UNION ALL
        SELECT 4, 'picklist', l.picklist_id, NULL, l.facility_id, NULL, l.picker, l.made_at
        FROM picklists l WHERE l.picklist_id = $1 AND 'picklist' = ANY ($5) AND ($4::text[] IS NULL OR l.facility_id = ANY ($4))
        UNION ALL
        SELECT 4, 'manifest', m.manifest_id, NULL, m.facility_id, NULL, m.carrier, m.began_at
        FROM manifests m WHERE m.manifest_id = $1 AND 'manifest' = ANY ($5) AND ($4::text[] IS NULL OR m.facility_id = ANY ($4))
        UNION ALL
        SELECT 5, 'product', p.sku, NULL, NULL, NULL, p.title, NULL
        FROM products p WHERE 'product' = ANY ($5) AND p.sku = ANY (ARRAY (
                SELECT $1 UNION SELECT b.sku FROM product_barcodes b WHERE b.code = $6
                UNION (SELECT t.sku FROM products t WHERE lower(t.title) LIKE $7 ORDER BY lower(t.title) LIMIT 10)))
        UNION ALL
        SELECT 6, 'facility', c.facility_id, NULL, c.facility_id, NULL, c.name, NULL
        FROM facilities c WHERE c.facility_id = $1 AND 'facility' = ANY ($5) AND ($4::text[] IS NULL OR c.facility_id = ANY ($4))
    )
    SELECT to_jsonb(found) - '{rank,placed_at}'::text[] FROM found ORDER BY rank, placed_at DESC NULLS LAST, id LIMIT 50";

/// A title is looked for by its beginning, from so many characters on.
const TITLE_MIN_CHARS: usize = 3;

impl Store {
    /// What is called `text`, of these kinds and within the scope; `code` is how a barcode of it is kept.
    pub async fn find(&self, text: &str, code: &str, kinds: &[&str], scope: &Scope) -> Result<Vec<Found>, StoreError> {
        let email_hash = text.contains('@').then(|| self.email_hash(text));
        let query = sqlx::query_scalar(FIND).persistent(false).bind(text).bind(email_hash).bind(channels(scope)).bind(facilities(scope));
        let meant = self.meant_by(text);
        self.rows(query.bind(kinds).bind(code).bind(beginning(text)).bind(meant.any).bind(meant.words)).await
    }
}

/// A pattern for titles that begin with it; None: it is too short to mean one.
fn beginning(text: &str) -> Option<String> {
    let plain = text.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    (text.chars().count() >= TITLE_MIN_CHARS).then(|| format!("{plain}%"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_no_pattern() {
        assert_eq!(beginning("50% off_").as_deref(), Some("50\\% off\\_%"));
        assert_eq!(beginning("ab"), None);
    }
}
