-- Events for others: those of all that happens which are a contract (domain/src/public_event). They are read out of the outbox, where an
-- order's stand already; all that is kept of it beside them is their number within their subject.

ALTER TABLE order_events
    -- Counts the events for others within their subject, from 1. NULL: it is none.
    ADD COLUMN sequence integer,
    -- Whose it is, if not an order's: `return/<id>`, `stock/<facility>/<sku>`, `feed/<id>`. Its order_id is empty then, and its kind and data are
    -- those that others see.
    ADD COLUMN subject text COLLATE "C";
ALTER TABLE order_guards ADD COLUMN published integer NOT NULL DEFAULT 0;
ALTER TABLE returns ADD COLUMN published integer NOT NULL DEFAULT 0;

-- What has happened by now is numbered by what was public when this was written; what returns, stock and feeds had to say has no row.
UPDATE order_events e SET sequence = n.sequence
FROM (
    SELECT order_id, seq, row_number() OVER (PARTITION BY order_id ORDER BY seq) AS sequence FROM order_events
    WHERE kind = ANY ('{order_placed,order_approved,order_rejected,order_expired,order_completed,order_cancelled,hold_placed,hold_released,
            change_confirmed,change_declined,change_cancelled,change_requested,units_cancelled,cancellation_requested,
            fulfillment_backordered,fulfillment_released,fulfillment_accepted,fulfillment_rejected,fulfillment_shorted,
            fulfillment_called_back,fulfillment_split,fulfillment_moved,fulfillment_merged,fulfillment_reissued,packed,fulfillment_ready,
            fulfillment_picked_up,fulfillment_shipped,fulfillment_unshipped,label_booked,parcel_moved,payment_resolved,
            authorization_lapsed,invoice_due,credit_due,decision_asked,claim_opened,claim_approved,claim_declined,claim_closed,
            attention_raised,attention_resolved,events.restored}'::text[])
        OR kind = 'payment_answered' AND data ->> 'outcome' <> 'unknown'
) AS n WHERE e.order_id = n.order_id AND e.seq = n.seq;
UPDATE order_events SET subject = 'events' WHERE kind = 'events.restored';
UPDATE order_guards g SET published = n.published
FROM (SELECT order_id, count(*) AS published FROM order_events WHERE sequence IS NOT NULL AND order_id <> '' GROUP BY order_id) AS n
WHERE g.order_id = n.order_id;

-- Positions that somebody has touched, in the transaction that did: told of a moment later, once, however often that was. Not unique, so that
-- whoever writes here waits for nobody.
CREATE TABLE stock_touched (
    facility_id text COLLATE "C" NOT NULL,
    sku text COLLATE "C" NOT NULL
);

-- What was last told of each position.
CREATE TABLE stock_told (
    facility_id text COLLATE "C" NOT NULL,
    sku text COLLATE "C" NOT NULL,
    sequence integer NOT NULL,
    on_hand bigint NOT NULL,
    reserved bigint NOT NULL,
    unavailable bigint NOT NULL,
    safety_stock bigint NOT NULL,
    available bigint NOT NULL,
    PRIMARY KEY (facility_id, sku)
) WITH (fillfactor = 70);

-- It stands with its triggers, which depend on it: functions/ is replaced as a whole.
CREATE FUNCTION note_touched() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO stock_touched SELECT facility_id, sku FROM touched;
    RETURN NULL;
END $$;
CREATE TRIGGER stock_is_raised AFTER INSERT ON stock REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION note_touched();
CREATE TRIGGER stock_is_touched AFTER UPDATE ON stock REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION note_touched();

CREATE FUNCTION note_feed_end() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    PERFORM tell_feed(NEW);
    RETURN NULL;
END $$;
CREATE TRIGGER feed_is_told AFTER UPDATE OF status ON feeds FOR EACH ROW
    WHEN (OLD.status IS DISTINCT FROM NEW.status AND NEW.status IN ('parked', 'finished', 'rejected', 'failed'))
    EXECUTE FUNCTION note_feed_end();
