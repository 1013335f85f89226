-- When the sweeper that has looked after an overdue order does so again, unless something is heard of it; null: at its next wait. In business
-- time. What is recorded as its next wait stays as it is.
ALTER TABLE orders ADD COLUMN look_again_at timestamptz;
CREATE INDEX orders_to_look_after ON orders (coalesce(look_again_at, next_wait_at)) WHERE next_wait_at IS NOT NULL;
