-- How many fulfillment orders a facility ships on a local day, and which: a token each, taken when it is released.
CREATE TABLE capacity_days (
    facility_id text COLLATE "C" NOT NULL,
    local_day date NOT NULL,
    taken bigint NOT NULL CONSTRAINT capacity_taken_range CHECK (taken >= 0),
    PRIMARY KEY (facility_id, local_day)
);

CREATE TABLE capacity_tokens (
    fulfillment_order_id text COLLATE "C" PRIMARY KEY,
    order_id text COLLATE "C" NOT NULL,
    facility_id text COLLATE "C" NOT NULL,
    local_day date NOT NULL
);

-- Takes a token on the first of these days that has room: conditional, like stock. Where none has, on the last one, beyond its
-- capacity: the release has been decided, and plans avoid a place that is full.
CREATE FUNCTION take_token(of_fulfillment text, for_order text, at_facility text, days date[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    room bigint := (SELECT f.daily_order_capacity FROM facilities f WHERE f.facility_id = at_facility);
    day date;
BEGIN
    IF room IS NULL OR EXISTS (SELECT FROM capacity_tokens t WHERE t.fulfillment_order_id = of_fulfillment) THEN
        RETURN;
    END IF;
    FOREACH day IN ARRAY days LOOP
        INSERT INTO capacity_days (facility_id, local_day, taken) VALUES (at_facility, day, 0) ON CONFLICT DO NOTHING;
        UPDATE capacity_days d SET taken = d.taken + 1
        WHERE d.facility_id = at_facility AND d.local_day = day AND (d.taken < room OR day = days[cardinality(days)]);
        EXIT WHEN FOUND;
    END LOOP;
    INSERT INTO capacity_tokens (fulfillment_order_id, order_id, facility_id, local_day) VALUES (of_fulfillment, for_order, at_facility, day);
END $$;

-- What is released takes a token; what leaves its facility before anyone has begun to pick gives it back. `before` is how the
-- fulfillment orders were.
CREATE FUNCTION settle_capacity(for_order text, changed jsonb, before jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT c.fulfillment_order_id, c.facility_id, c.status, c.ship_days, b.status AS was
        FROM jsonb_to_recordset(changed) AS c (fulfillment_order_id text, facility_id text, status text, ship_days date[])
        LEFT JOIN jsonb_to_recordset(before) AS b (fulfillment_order_id text, status text) USING (fulfillment_order_id)
        ORDER BY c.facility_id, c.fulfillment_order_id
    LOOP
        IF found.status = 'Released' AND cardinality(found.ship_days) > 0 THEN
            PERFORM take_token(found.fulfillment_order_id, for_order, found.facility_id, found.ship_days);
        ELSIF found.status IN ('Cancelled', 'Incomplete') AND found.was IN ('Released', 'Accepted') THEN
            WITH given AS (DELETE FROM capacity_tokens t WHERE t.fulfillment_order_id = found.fulfillment_order_id RETURNING t.*)
            UPDATE capacity_days d SET taken = d.taken - 1 FROM given
            WHERE d.facility_id = given.facility_id AND d.local_day = given.local_day;
        END IF;
    END LOOP;
END $$;

-- The one way an order's progress becomes durable here: version check, units, projection and outbox, in one round trip.
-- Answers done, already (with nothing changed) or replaced; or gap, with the version that is stored.
CREATE OR REPLACE FUNCTION record_progress(record jsonb, OUT outcome text, OUT at_generation bigint, OUT stored_version bigint,
    OUT deficit_units bigint) LANGUAGE plpgsql AS $$
DECLARE
    this_order text := record ->> 'order_id';
    new_version bigint := (record -> 'version')::bigint;
    base bigint := new_version - jsonb_array_length(record -> 'events');
    closing boolean := (record -> 'closed')::boolean;
    at timestamptz := record -> 'row' ->> 'updated_at';
    positions jsonb := record -> 'positions';
    waits jsonb := record -> 'waits';
    listed text[] := ARRAY (SELECT f ->> 'fulfillment_order_id' FROM jsonb_array_elements(record -> 'fulfillment_orders') AS f);
    undo jsonb := '{"positions": [], "waits": [], "grants": []}';
    restored record;
    fulfillments jsonb;
BEGIN
    SELECT g.version, g.generation INTO stored_version, at_generation FROM order_guards g WHERE g.order_id = this_order FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO order_guards (order_id) VALUES (this_order) ON CONFLICT DO NOTHING;
        SELECT g.version, g.generation INTO stored_version, at_generation FROM order_guards g WHERE g.order_id = this_order FOR UPDATE;
    END IF;
    deficit_units := 0;
    outcome := 'done';
    IF stored_version < base THEN
        outcome := 'gap';
        RETURN;
    ELSIF stored_version > base AND EXISTS (SELECT FROM order_events e
            JOIN jsonb_populate_recordset(NULL::order_events, record -> 'events') AS n ON n.seq = e.seq
            WHERE e.order_id = this_order AND (e.kind, e.at, e.data) <> (n.kind, n.at, n.data)) THEN
        outcome := 'replaced';
        at_generation := at_generation + 1;
        SELECT * INTO restored FROM undo_records(this_order, base, at);
        positions := overlay_rows(without_units(restored.positions, listed, '{"allocated": 0}'), positions,
            '{fulfillment_order_id,line_id,facility_id,sku}');
        waits := overlay_rows(without_units(restored.waits, listed, '{"quantity": 0}'), waits, '{fulfillment_order_id,line_id}');
    ELSIF stored_version >= new_version THEN
        outcome := 'already';
        RETURN;
    END IF;

    IF closing OR positions <> '[]' OR waits <> '[]' OR listed <> '{}' OR record -> 'grants_seen' <> '[]' THEN
        SELECT s.deficit_units, s.undo INTO deficit_units, undo FROM settle(this_order, positions, waits, listed,
            record -> 'grants_seen', record -> 'stock_facts', closing, at, (record -> 'row' ->> 'placed_at')::timestamptz) AS s;
    END IF;
    fulfillments := project(record, base = 0);
    PERFORM settle_capacity(this_order, record -> 'fulfillment_orders', fulfillments);
    IF closing OR record -> 'grants_seen' <> '[]' THEN
        PERFORM forget_shorts(this_order, record -> 'grants_seen', closing);
    END IF;
    INSERT INTO record_undos (order_id, version, undo) VALUES (this_order, new_version,
        undo || jsonb_build_object('fulfillment_orders', fulfillments, 'closed', closing
            AND EXISTS (SELECT FROM order_guards g WHERE g.order_id = this_order AND g.closed_at IS NULL)));
    INSERT INTO order_events (order_id, seq, kind, at, data)
    SELECT this_order, n.seq, n.kind, n.at, n.data FROM jsonb_populate_recordset(NULL::order_events, record -> 'events') AS n
    ORDER BY n.seq
    ON CONFLICT DO NOTHING;
    UPDATE order_guards g SET version = new_version, generation = at_generation,
        closed_at = coalesce(g.closed_at, CASE WHEN closing THEN now() END)
    WHERE g.order_id = this_order;
    stored_version := new_version;
END $$;

-- Replacing a function drops its settings.
ALTER FUNCTION record_progress(jsonb) SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION record_progress(jsonb) SET enable_seqscan = off;
