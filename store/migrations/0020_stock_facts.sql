-- What facilities say about stock by giving units back, each fact booked once, with what it moved. Until `offered_again_at` the
-- facility is not given that line of that order again: NULL is until a later count or receipt there, or for ever (see `reason`).
CREATE TABLE stock_facts (
    order_id text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    line_id text COLLATE "C" NOT NULL,
    facility_id text COLLATE "C" NOT NULL,
    sku text COLLATE "C" NOT NULL,
    reason text NOT NULL,
    quantity bigint NOT NULL,
    on_hand bigint NOT NULL,
    unavailable bigint NOT NULL,
    occurred_at timestamptz NOT NULL,
    offered_again_at timestamptz,
    PRIMARY KEY (order_id, seq, line_id)
);
CREATE INDEX stock_facts_standing ON stock_facts (sku, facility_id) WHERE offered_again_at IS NULL;

-- Reservations that must give way, because a fact left fewer units than are reserved; until the order has taken notice.
CREATE TABLE stock_shorts (
    short_id text COLLATE "C" PRIMARY KEY DEFAULT gen_random_uuid()::text,
    order_id text COLLATE "C" NOT NULL,
    fulfillment_order_id text COLLATE "C" NOT NULL,
    line_id text COLLATE "C" NOT NULL,
    facility_id text COLLATE "C" NOT NULL,
    sku text COLLATE "C" NOT NULL,
    quantity bigint NOT NULL CONSTRAINT short_quantity_range CHECK (quantity > 0)
);
CREATE INDEX stock_shorts_by_position ON stock_shorts (sku, facility_id);
CREATE INDEX stock_shorts_by_order ON stock_shorts (order_id);
-- Who holds units of a position: only asked where units are missing.
CREATE INDEX reservations_by_position ON reservations (sku, facility_id) WHERE allocated > 0;

-- Units of a position that are reserved and not there, less those of orders that have been told already.
CREATE FUNCTION untold_deficit(at_facility text, of_sku text) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT s.deficit - coalesce((
        SELECT sum(least(x.quantity, r.allocated)) FROM stock_shorts x
        JOIN reservations r USING (order_id, fulfillment_order_id, line_id, facility_id, sku)
        WHERE (x.sku, x.facility_id) = (of_sku, at_facility)), 0)::bigint
    FROM stock s WHERE (s.facility_id, s.sku) = (at_facility, of_sku);
$$;

-- Chooses the reservations that give way and tells their orders: what is not released before what is, the latest promise first,
-- and never what is packed. The caller has locked the positions.
CREATE FUNCTION choose_shorts(facility_ids text[], skus text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    place record;
    holder record;
    missing bigint;
    taken bigint;
    new_short text;
    short_ids text[] := '{}';
BEGIN
    FOR place IN SELECT DISTINCT p.sku, p.facility_id FROM unnest(facility_ids, skus) AS p (facility_id, sku) ORDER BY p.sku, p.facility_id
    LOOP
        missing := untold_deficit(place.facility_id, place.sku);
        CONTINUE WHEN coalesce(missing, 0) <= 0;
        FOR holder IN
            SELECT r.order_id, r.fulfillment_order_id, r.line_id, r.allocated - coalesce((SELECT sum(x.quantity) FROM stock_shorts x
                WHERE (x.order_id, x.fulfillment_order_id, x.line_id, x.facility_id)
                    = (r.order_id, r.fulfillment_order_id, r.line_id, r.facility_id)), 0)::bigint AS units
            FROM reservations r
            LEFT JOIN fulfillment_orders f ON f.fulfillment_order_id = r.fulfillment_order_id
            LEFT JOIN orders o ON o.order_id = r.order_id
            WHERE (r.sku, r.facility_id) = (place.sku, place.facility_id) AND r.allocated > 0
                AND coalesce(f.status, 'Open') IN ('Scheduled', 'Open', 'Released', 'Accepted', 'Picking')
            ORDER BY array_position(ARRAY['Scheduled', 'Open', 'Released', 'Accepted', 'Picking'], coalesce(f.status, 'Open')),
                f.ship_by DESC NULLS FIRST, o.placed_at DESC NULLS FIRST, r.order_id DESC, r.fulfillment_order_id DESC, r.line_id DESC
        LOOP
            EXIT WHEN missing <= 0;
            taken := least(missing, holder.units);
            CONTINUE WHEN taken <= 0;
            missing := missing - taken;
            INSERT INTO stock_shorts (order_id, fulfillment_order_id, line_id, facility_id, sku, quantity)
            VALUES (holder.order_id, holder.fulfillment_order_id, holder.line_id, place.facility_id, place.sku, taken)
            RETURNING short_id INTO new_short;
            short_ids := short_ids || new_short;
        END LOOP;
    END LOOP;
    INSERT INTO order_inbox (order_id, kind, payload)
    SELECT x.order_id, 'stock_shorted', jsonb_build_object('shorts', jsonb_agg(to_jsonb(x) - 'order_id' ORDER BY x.short_id))
    FROM stock_shorts x WHERE x.short_id = ANY (short_ids) GROUP BY x.order_id ORDER BY x.order_id;
END $$;

-- The order has taken notice, or has ended. What it could not give is asked of others.
CREATE FUNCTION forget_shorts(for_order text, seen jsonb, closing boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    facility_ids text[];
    skus text[];
BEGIN
    WITH gone AS (
        DELETE FROM stock_shorts x WHERE x.order_id = for_order AND (closing OR seen ? x.short_id) RETURNING x.facility_id, x.sku
    )
    SELECT array_agg(gone.facility_id), array_agg(gone.sku) INTO facility_ids, skus FROM gone;
    IF skus IS NULL THEN
        RETURN;
    END IF;
    PERFORM 1 FROM (
        SELECT FROM stock s JOIN (SELECT DISTINCT p.facility_id, p.sku FROM unnest(facility_ids, skus) AS p (facility_id, sku)) AS p
            ON s.facility_id = p.facility_id AND s.sku = p.sku
        ORDER BY s.facility_id, s.sku FOR UPDATE OF s
    ) AS locked;
    PERFORM choose_shorts(facility_ids, skus);
END $$;

-- Units at a position that somebody has picked, or is picking.
CREATE FUNCTION picked_units(at_facility text, of_sku text) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(r.allocated), 0)::bigint FROM reservations r JOIN fulfillment_orders f USING (fulfillment_order_id)
    WHERE (r.sku, r.facility_id) = (of_sku, at_facility) AND r.allocated > 0 AND f.status IN ('Picking', 'Packed', 'ReadyForPickup');
$$;

-- When a facility is offered a line again that it gave back for this reason: tomorrow, or not before something else happens.
CREATE FUNCTION offered_again(at_facility text, reason text, at timestamptz) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN reason = 'NoCapacity' THEN
        (date_trunc('day', at AT TIME ZONE f.timezone) + interval '1 day') AT TIME ZONE f.timezone END
    FROM facilities f WHERE f.facility_id = at_facility;
$$;

-- Books what facilities said, each fact once, and adds what it moves to `moves`: in one call, so that units which are given back
-- because they are not there serve nobody. The reservations are written already.
CREATE FUNCTION book_facts(for_order text, facts jsonb, moves stock_move[], at timestamptz) RETURNS stock_move[] LANGUAGE plpgsql AS $$
DECLARE
    fact record;
    there bigint;
    moved stock_move;
BEGIN
    PERFORM 1 FROM (
        SELECT FROM stock s JOIN (SELECT m.facility_id, m.sku FROM unnest(moves) AS m
            UNION SELECT f.facility_id, f.sku FROM jsonb_to_recordset(facts) AS f (facility_id text, sku text)) AS p
            ON s.facility_id = p.facility_id AND s.sku = p.sku
        ORDER BY s.facility_id, s.sku FOR UPDATE OF s
    ) AS locked;
    FOR fact IN
        SELECT * FROM jsonb_to_recordset(facts) AS f (seq bigint, line_id text, facility_id text, sku text, reason text, quantity bigint)
        ORDER BY f.seq, f.line_id
    LOOP
        SELECT s.on_hand + coalesce((SELECT sum(m.on_hand) FROM unnest(moves) AS m
            WHERE (m.facility_id, m.sku) = (fact.facility_id, fact.sku)), 0) INTO there
        FROM stock s WHERE (s.facility_id, s.sku) = (fact.facility_id, fact.sku);
        moved := ROW (fact.facility_id, fact.sku, CASE fact.reason
                WHEN 'NotInStock' THEN least(0, picked_units(fact.facility_id, fact.sku) - there)
                WHEN 'Mismatch' THEN -fact.quantity ELSE 0 END,
            0, CASE fact.reason WHEN 'Damaged' THEN fact.quantity ELSE 0 END,
            CASE fact.reason WHEN 'NotInStock' THEN 'not_in_stock' WHEN 'Mismatch' THEN 'mismatch' ELSE 'damaged' END,
            for_order, fact.seq::text, at)::stock_move;
        INSERT INTO stock_facts (order_id, seq, line_id, facility_id, sku, reason, quantity, on_hand, unavailable, occurred_at,
            offered_again_at)
        VALUES (for_order, fact.seq, fact.line_id, fact.facility_id, fact.sku, fact.reason, fact.quantity, moved.on_hand,
            moved.unavailable, at, offered_again(fact.facility_id, fact.reason, at))
        ON CONFLICT DO NOTHING;
        IF FOUND AND (moved.on_hand, moved.unavailable) <> (0, 0) THEN
            moves := moves || moved;
        END IF;
    END LOOP;
    RETURN moves;
END $$;

-- From here on functions of earlier migrations, each with what the above adds to it.

-- Gives what one position has to those who wait for it, first come first served within a priority.
CREATE OR REPLACE FUNCTION serve_position(at_facility text, of_sku text, INOUT grant_ids text[], INOUT hinted text[]) LANGUAGE plpgsql AS $$
DECLARE
    waiter waiting_units;
    remaining bigint;
    taken bigint;
    new_grant text;
BEGIN
    SELECT available INTO remaining FROM stock WHERE facility_id = at_facility AND sku = of_sku;
    FOR waiter IN
        SELECT w.* FROM waiting_units w
        WHERE w.sku = of_sku AND CASE WHEN w.only_at = '{}'
            THEN EXISTS (SELECT FROM facilities f WHERE f.facility_id = at_facility AND f.ship_enabled)
            ELSE at_facility = ANY (w.only_at) END
            AND NOT EXISTS (SELECT FROM stock_facts x WHERE x.order_id = w.order_id AND x.line_id = w.line_id
                AND x.facility_id = at_facility AND (x.offered_again_at IS NULL OR x.offered_again_at > now()))
        ORDER BY w.priority DESC, w.placed_at, w.order_id, w.fulfillment_order_id, w.line_id
        FOR UPDATE OF w
    LOOP
        EXIT WHEN remaining <= 0;
        IF waiter.whole_order THEN
            hinted := hinted || waiter.order_id;
            CONTINUE;
        END IF;
        taken := least(remaining, waiter.quantity);
        remaining := remaining - taken;
        INSERT INTO stock_grants (order_id, fulfillment_order_id, line_id, sku, facility_id, quantity)
        VALUES (waiter.order_id, waiter.fulfillment_order_id, waiter.line_id, of_sku, at_facility, taken)
        RETURNING grant_id INTO new_grant;
        grant_ids := grant_ids || new_grant;
        DELETE FROM waiting_units w WHERE taken = waiter.quantity AND (w.order_id, w.fulfillment_order_id, w.line_id)
            = (waiter.order_id, waiter.fulfillment_order_id, waiter.line_id);
        UPDATE waiting_units w SET quantity = w.quantity - taken WHERE (w.order_id, w.fulfillment_order_id, w.line_id)
            = (waiter.order_id, waiter.fulfillment_order_id, waiter.line_id);
        UPDATE stock SET reserved = reserved + taken WHERE facility_id = at_facility AND sku = of_sku;
        INSERT INTO stock_movements (facility_id, sku, on_hand, reserved, unavailable, cause, order_id, reference, occurred_at)
        VALUES (at_facility, of_sku, 0, taken, 0, 'granted', waiter.order_id, new_grant, now());
    END LOOP;
END $$;

-- Applies movements as facts, writes the ledger, and serves whoever waits for what they set free.
-- Returns by how much the recorded deficit grew. The caller holds demand_lock for SKUs whose availability may rise.
CREATE OR REPLACE FUNCTION move_stock(moves stock_move[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    known bigint;
    deficit_before bigint;
    deficit_after bigint;
    raised_facilities text[];
    raised_skus text[];
    short_facilities text[];
    short_skus text[];
BEGIN
    -- Every writer locks positions in this order, so that no two wait for each other.
    SELECT count(*), coalesce(sum(locked.deficit), 0) INTO known, deficit_before FROM (
        SELECT s.deficit FROM stock s JOIN (SELECT DISTINCT m.facility_id, m.sku FROM unnest(moves) AS m) AS wanted
            ON s.facility_id = wanted.facility_id AND s.sku = wanted.sku
        ORDER BY s.facility_id, s.sku FOR UPDATE OF s
    ) AS locked;
    IF known < cardinality(moves) THEN
        INSERT INTO stock (facility_id, sku)
        SELECT DISTINCT m.facility_id, m.sku FROM unnest(moves) AS m
        WHERE NOT EXISTS (SELECT FROM stock s WHERE (s.facility_id, s.sku) = (m.facility_id, m.sku))
        ON CONFLICT DO NOTHING;
    END IF;

    WITH net AS (
        SELECT m.facility_id, m.sku, sum(m.on_hand)::bigint AS on_hand, sum(m.reserved)::bigint AS reserved,
            sum(m.unavailable)::bigint AS unavailable
        FROM unnest(moves) AS m GROUP BY m.facility_id, m.sku
    ), moved AS (
        UPDATE stock s SET
            on_hand = s.on_hand + net.on_hand,
            reserved = s.reserved + net.reserved,
            unavailable = s.unavailable + net.unavailable,
            -- Grows by no more than this movement worsens things: it must not explain away what went wrong before it.
            deficit = greatest(0, least(s.reserved + net.reserved - s.on_hand - net.on_hand - s.oversell_limit,
                s.deficit + greatest(0, net.reserved - net.on_hand))),
            raised_by = CASE WHEN net.on_hand > net.reserved + net.unavailable THEN pg_current_xact_id() ELSE s.raised_by END
        FROM net WHERE s.facility_id = net.facility_id AND s.sku = net.sku
        RETURNING s.facility_id, s.sku, s.deficit, s.available > 0 AND net.on_hand > net.reserved + net.unavailable AS raised,
            s.deficit > 0 AND net.reserved > net.on_hand AS worsened
    )
    SELECT coalesce(sum(moved.deficit), 0), array_agg(moved.facility_id) FILTER (WHERE raised), array_agg(moved.sku) FILTER (WHERE raised),
        array_agg(moved.facility_id) FILTER (WHERE worsened), array_agg(moved.sku) FILTER (WHERE worsened)
    INTO deficit_after, raised_facilities, raised_skus, short_facilities, short_skus FROM moved;

    INSERT INTO stock_movements (facility_id, sku, on_hand, reserved, unavailable, cause, order_id, reference, occurred_at)
    SELECT m.facility_id, m.sku, m.on_hand, m.reserved, m.unavailable, m.cause, m.order_id, m.reference, m.occurred_at
    FROM unnest(moves) AS m;

    IF short_skus IS NOT NULL THEN
        PERFORM choose_shorts(short_facilities, short_skus);
    END IF;
    IF raised_skus IS NOT NULL THEN
        UPDATE stock_facts x SET offered_again_at = '-infinity' FROM unnest(moves) AS m
        WHERE m.on_hand > 0 AND m.cause IN ('receipt', 'correction', 'return', 'transfer_in') AND x.offered_again_at IS NULL
            AND (x.sku, x.facility_id) = (m.sku, m.facility_id) AND m.occurred_at > x.occurred_at
            AND x.reason IN ('NotInStock', 'Mismatch', 'Damaged');
        PERFORM serve_waiting(raised_facilities, raised_skus);
    END IF;
    RETURN greatest(0, deficit_after - deficit_before);
END $$;

-- Safety stock and oversell limit as given, the time of the count, and whoever these set free units for.
CREATE OR REPLACE FUNCTION set_levels(counts stock_count[], counted_at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    raised_facilities text[];
    raised_skus text[];
BEGIN
    UPDATE stock_facts x SET offered_again_at = '-infinity' FROM unnest(counts) AS c
    WHERE x.offered_again_at IS NULL AND (x.sku, x.facility_id) = (c.sku, c.facility_id) AND counted_at > x.occurred_at
        AND x.reason IN ('NotInStock', 'Mismatch', 'Damaged');
    WITH changed AS (
        UPDATE stock s SET
            counted_as_of = counted_at,
            safety_stock = coalesce(c.safety_stock, s.safety_stock),
            oversell_limit = coalesce(c.oversell_limit, s.oversell_limit),
            deficit = greatest(0, least(s.reserved - s.on_hand - coalesce(c.oversell_limit, s.oversell_limit),
                s.deficit + greatest(0, s.oversell_limit - coalesce(c.oversell_limit, s.oversell_limit)))),
            raised_by = CASE WHEN before.room < coalesce(c.oversell_limit, s.oversell_limit) - coalesce(c.safety_stock, s.safety_stock)
                THEN pg_current_xact_id() ELSE s.raised_by END
        FROM unnest(counts) AS c, LATERAL (SELECT b.oversell_limit - b.safety_stock AS room FROM stock b
            WHERE b.facility_id = c.facility_id AND b.sku = c.sku) AS before
        WHERE s.facility_id = c.facility_id AND s.sku = c.sku
            AND (s.counted_as_of, s.safety_stock, s.oversell_limit) IS DISTINCT FROM
                (counted_at, coalesce(c.safety_stock, s.safety_stock), coalesce(c.oversell_limit, s.oversell_limit))
        RETURNING s.facility_id, s.sku, s.available > 0 AND s.oversell_limit - s.safety_stock > before.room AS raised
    )
    SELECT array_agg(facility_id), array_agg(sku) INTO raised_facilities, raised_skus FROM changed WHERE raised;
    PERFORM serve_waiting(raised_facilities, raised_skus);
END $$;

DROP FUNCTION settle(text, jsonb, jsonb, text[], jsonb, boolean, timestamptz, timestamptz);
-- Brings the order's units to where the record says they are. `undo` is how it was.
CREATE FUNCTION settle(for_order text, positions jsonb, waits jsonb, listed text[], seen jsonb, facts jsonb, closing boolean, at timestamptz,
    placed timestamptz, OUT deficit_units bigint, OUT undo jsonb) LANGUAGE plpgsql AS $$
DECLARE
    changes reservation_change[] := reservation_changes(for_order, positions, listed, closing);
    -- The guard is held: the order's rows may be served meanwhile, but none is added.
    waiting boolean := jsonb_path_exists(waits, '$[*] ? (@.quantity > 0)')
        OR EXISTS (SELECT FROM waiting_units w WHERE w.order_id = for_order);
    dissolved stock_grants[];
    wanted jsonb;
    waits_before jsonb := '[]';
    moves stock_move[];
    raised text[];
BEGIN
    IF waiting THEN
        PERFORM demand_lock(ARRAY (
            SELECT c.sku FROM unnest(changes) AS c
            UNION SELECT w ->> 'sku' FROM jsonb_array_elements(waits) AS w
            UNION SELECT w.sku FROM waiting_units w WHERE w.order_id = for_order
            UNION SELECT g.sku FROM stock_grants g WHERE g.order_id = for_order), true);
    END IF;
    dissolved := ARRAY (SELECT g FROM stock_grants g WHERE g.order_id = for_order AND (closing OR seen ? g.grant_id));
    moves := settlement_moves(for_order, changes, dissolved, at);
    raised := ARRAY (SELECT m.sku FROM unnest(moves) AS m WHERE m.on_hand > m.reserved);
    IF raised <> '{}' AND NOT waiting THEN
        PERFORM demand_lock(raised, false);
    END IF;

    IF changes <> '{}' THEN
        PERFORM write_reservations(for_order, changes);
    END IF;
    IF waiting THEN
        SELECT w.wanted, w.before INTO wanted, waits_before FROM wait_changes(for_order, waits, listed, closing) AS w;
    END IF;
    IF dissolved <> '{}' THEN
        DELETE FROM stock_grants g USING unnest(dissolved) AS d WHERE g.grant_id = d.grant_id;
    END IF;
    IF facts <> '[]' THEN
        moves := book_facts(for_order, facts, moves, at);
    END IF;
    -- What has just been seen is no longer taken off.
    IF waiting THEN
        PERFORM wait_for(for_order, wanted, placed);
    END IF;
    deficit_units := CASE WHEN moves = '{}' THEN 0 ELSE move_stock(moves) END;
    undo := jsonb_build_object(
        'positions', (SELECT coalesce(jsonb_agg(jsonb_build_object('fulfillment_order_id', c.fulfillment_order_id, 'line_id',
            c.line_id, 'facility_id', c.facility_id, 'sku', c.sku, 'allocated', c.old_allocated, 'consumed', c.old_consumed)), '[]')
            FROM unnest(changes) AS c),
        'waits', waits_before,
        'grants', to_jsonb(dissolved));
END $$;

-- Takes back what records above `base` wrote: a lost task's. Returns the positions and waits to restore, for the caller to
-- settle together with its own (one movement, not there and back).
CREATE OR REPLACE FUNCTION undo_records(for_order text, base bigint, at timestamptz, OUT positions jsonb, OUT waits jsonb) LANGUAGE plpgsql AS $$
DECLARE
    undone jsonb[];
    grants jsonb;
    fulfillments jsonb;
    deficit_units bigint;
BEGIN
    -- Oldest first: for a row touched twice, the oldest undo is how it was at `base`.
    SELECT array_agg(u.undo ORDER BY u.version) INTO undone FROM record_undos u WHERE u.order_id = for_order AND u.version > base;
    SELECT coalesce(jsonb_agg(p), '[]') INTO positions FROM (
        SELECT DISTINCT ON (p -> 'fulfillment_order_id', p -> 'line_id', p -> 'facility_id', p -> 'sku') p
        FROM unnest(undone) WITH ORDINALITY AS u (undo, n), jsonb_array_elements(u.undo -> 'positions') AS p
        ORDER BY p -> 'fulfillment_order_id', p -> 'line_id', p -> 'facility_id', p -> 'sku', n
    ) AS oldest;
    SELECT coalesce(jsonb_agg(w), '[]') INTO waits FROM (
        SELECT DISTINCT ON (w -> 'fulfillment_order_id', w -> 'line_id') w
        FROM unnest(undone) WITH ORDINALITY AS u (undo, n), jsonb_array_elements(u.undo -> 'waits') AS w
        ORDER BY w -> 'fulfillment_order_id', w -> 'line_id', n
    ) AS oldest;
    SELECT jsonb_agg(f) INTO fulfillments FROM (
        SELECT DISTINCT ON (f -> 'fulfillment_order_id') f
        FROM unnest(undone) WITH ORDINALITY AS u (undo, n), jsonb_array_elements(u.undo -> 'fulfillment_orders') AS f
        ORDER BY f -> 'fulfillment_order_id', n
    ) AS oldest;
    SELECT jsonb_agg(g) INTO grants FROM unnest(undone) AS u, jsonb_array_elements(u -> 'grants') AS g;

    DELETE FROM fulfillment_orders f USING jsonb_array_elements(fulfillments) AS was
        WHERE f.fulfillment_order_id = was ->> 'fulfillment_order_id';
    -- A fulfillment order that did not exist before has no order_id in its undo.
    INSERT INTO fulfillment_orders SELECT f.* FROM jsonb_populate_recordset(NULL::fulfillment_orders, fulfillments) AS f
        WHERE f.order_id IS NOT NULL;
    INSERT INTO stock_grants SELECT g.* FROM jsonb_populate_recordset(NULL::stock_grants, grants) AS g;
    PERFORM move_stock(ARRAY (SELECT ROW (g.facility_id, g.sku, 0, g.quantity, 0, 'granted', for_order, g.grant_id, at)::stock_move
        FROM jsonb_populate_recordset(NULL::stock_grants, grants) AS g));
    PERFORM demand_lock(ARRAY (SELECT x.sku FROM stock_facts x WHERE x.order_id = for_order AND x.seq > base), false);
    WITH gone AS (DELETE FROM stock_facts x WHERE x.order_id = for_order AND x.seq > base RETURNING x.*)
    SELECT move_stock(array_agg(ROW (x.facility_id, x.sku, -x.on_hand, 0, -x.unavailable, 'taken_back', for_order, NULL, at)::stock_move))
    INTO deficit_units FROM gone AS x WHERE (x.on_hand, x.unavailable) <> (0, 0) HAVING count(*) > 0;
    UPDATE order_guards g SET closed_at = NULL WHERE g.order_id = for_order AND EXISTS (
        SELECT FROM unnest(undone) AS u WHERE (u -> 'closed')::boolean);
    DELETE FROM record_undos u WHERE u.order_id = for_order AND u.version > base;
    DELETE FROM order_events e WHERE e.order_id = for_order AND e.seq > base;
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
