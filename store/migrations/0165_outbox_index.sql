-- Events of one transaction, a handful, are equal in it and take little more room than one; readers put them in order themselves.
DROP INDEX order_events_in_order;
CREATE INDEX order_events_in_order ON order_events (epoch, xid);
