-- Commands under a caller's key that led to nothing are kept as well: they have been answered, and must not lead to something when they
-- come again. The order knows nothing of them.
ALTER TABLE order_commands ADD COLUMN led_to_nothing boolean NOT NULL DEFAULT false;
