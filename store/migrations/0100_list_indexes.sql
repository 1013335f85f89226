-- What lists are read by: each in its order, so that a page costs a page, however many orders there are.

CREATE INDEX orders_by_channel ON orders (channel, placed_at DESC, order_id DESC);
-- Every record changes when an order was updated: ranges of pages keep up with that where an entry each would not (and from PostgreSQL 16 on
-- leave the row where it is). Only grows, so that a range stays as narrow as what was updated last in it.
DROP INDEX orders_updated;
CREATE INDEX orders_updated ON orders USING brin (updated_at) WITH (pages_per_range = 16, autosummarize = on);

-- The order's. Whoever does not know of it yet notes orders as they are placed.
ALTER TABLE order_skus ADD COLUMN placed_at timestamptz NOT NULL DEFAULT now();
UPDATE order_skus s SET placed_at = o.placed_at FROM orders o WHERE o.order_id = s.order_id;
CREATE INDEX order_skus_newest ON order_skus (sku, placed_at DESC, order_id DESC);

-- The orders of a facility; and the work of all facilities in a state, or of one in all states, soonest first.
CREATE INDEX fulfillment_orders_newest ON fulfillment_orders (facility_id, placed_at DESC, order_id DESC);
CREATE INDEX fulfillment_orders_by_status
    ON fulfillment_orders (status, coalesce(ship_by, 'infinity'), placed_at, fulfillment_order_id);

CREATE INDEX returns_needing_someone ON returns (opened_at DESC, return_id DESC) WHERE needs_attention;

-- Units that are reserved and unavailable are missing, too: see missing_units(). Their orders are told with the next fact there.
UPDATE stock s SET deficit = s.deficit + least(s.unavailable, s.on_hand, s.reserved - s.oversell_limit - s.on_hand + least(s.unavailable, s.on_hand))
WHERE s.on_hand > 0 AND s.unavailable > 0 AND s.reserved - s.oversell_limit - s.on_hand + least(s.unavailable, s.on_hand) > 0;
