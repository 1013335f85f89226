-- What facilities have in work, in a shop where most has left long ago.
CREATE INDEX fulfillment_orders_in_work ON fulfillment_orders (facility_id, status, updated_at)
    WHERE status IN ('open', 'released', 'accepted', 'picking', 'packed', 'ready_for_pickup');
