-- What is allocated and not yet released, whichever facility has it: the pool that is decided again together.
CREATE INDEX fulfillment_orders_unreleased ON fulfillment_orders (order_id) WHERE status = 'open';
