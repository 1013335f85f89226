-- Steps that want the same units, in one transaction: the position that all of them want is locked once for all, not once for each.

-- The guards of orders, created where they are missing, and locked: see reserve(). Answers which are new.
CREATE OR REPLACE FUNCTION open_guards(requests jsonb[]) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    opened text[];
BEGIN
    WITH new AS (
        INSERT INTO order_guards AS g (order_id, rank_at)
        SELECT DISTINCT ON (r ->> 'order_id') r ->> 'order_id', coalesce((r ->> 'rank_at')::timestamptz, now())
        FROM unnest(requests) AS r ORDER BY r ->> 'order_id'
        ON CONFLICT DO NOTHING RETURNING g.order_id
    )
    SELECT coalesce(array_agg(new.order_id), '{}') INTO opened FROM new;
    PERFORM FROM order_guards g
    WHERE g.order_id IN (SELECT r ->> 'order_id' FROM unnest(requests) AS r) AND g.order_id <> ALL (opened)
    ORDER BY g.order_id FOR UPDATE;
    RETURN opened;
END $$;

-- Locks all that the steps will want, in the order in which one step by itself does, so that none waits for anybody while it has what
-- another one took. SKUs that somebody is in the queue for are nobody else's meanwhile: served by two, they could wait for each other.
CREATE OR REPLACE FUNCTION lock_for_steps(requests jsonb[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    orders text[] := ARRAY (SELECT r ->> 'order_id' FROM unnest(requests) AS r);
    holds text[] := ARRAY (SELECT h.reservation_id FROM checkout_holds h
        WHERE h.reservation_id IN (SELECT r ->> 'takes_over' FROM unnest(requests) AS r) AND h.status = 'held'
        ORDER BY h.reservation_id FOR UPDATE);
    waited text[] := ARRAY (SELECT DISTINCT w ->> 'sku' FROM unnest(requests) AS r, jsonb_array_elements(r -> 'waiting') AS w);
    queued text[] := ARRAY (SELECT u.sku FROM checkout_hold_units u WHERE u.reservation_id = ANY (holds)
        UNION SELECT w.sku FROM waiting_units w WHERE w.order_id = ANY (orders) AND w.planning
        UNION SELECT g.sku FROM stock_grants g WHERE g.order_id = ANY (orders) AND g.offered_until IS NOT NULL);
BEGIN
    IF waited <> '{}' OR queued <> '{}' THEN
        PERFORM demand_lock(waited || queued, true);
    END IF;
    IF waited <> '{}' THEN
        PERFORM pg_advisory_xact_lock_shared(20254, 0);
    END IF;
    PERFORM lock_positions(array_agg(p.facility_id), array_agg(p.sku)) FROM (
        SELECT n.facility_id, n.sku FROM unnest(requests) AS r,
            jsonb_to_recordset(r -> 'needed') AS n (facility_id text, sku text)
        UNION SELECT u.facility_id, u.sku FROM checkout_hold_units u WHERE u.reservation_id = ANY (holds)
        UNION SELECT g.facility_id, g.sku FROM stock_grants g WHERE g.order_id = ANY (orders) AND g.offered_until IS NOT NULL
    ) AS p;
END $$;

-- The numbers of the steps that do nothing but take units for an order that is new. A second step of it comes after the first.
CREATE OR REPLACE FUNCTION plain_steps(requests jsonb[], opened text[]) RETURNS bigint[] LANGUAGE plpgsql AS $$
BEGIN
    RETURN ARRAY (
        SELECT min(n) FROM unnest(requests) WITH ORDINALITY AS a (r, n)
        WHERE r ->> 'order_id' = ANY (opened) GROUP BY r ->> 'order_id'
        HAVING bool_and(r -> 'waiting' = '[]' AND NOT r ? 'takes_over'));
END $$;

-- Takes what all of these steps want at once: the conditional write of take_units(), once for each position. Where a position has not
-- enough for all of them nobody gets anything, and it must be seen step by step who does. The caller has locked the positions.
CREATE OR REPLACE FUNCTION take_for_all(requests jsonb[]) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    needed position_units[] := ARRAY (
        SELECT ROW (n.facility_id, n.sku, sum(n.quantity))::position_units
        FROM unnest(requests) AS r, jsonb_populate_recordset(NULL::position_units, r -> 'needed') AS n
        GROUP BY n.facility_id, n.sku);
    gave bigint;
BEGIN
    IF short_positions(needed) <> '[]' THEN
        RETURN false;
    END IF;
    UPDATE stock s SET reserved = s.reserved + n.quantity FROM unnest(needed) AS n
    WHERE s.facility_id = n.facility_id AND s.sku = n.sku AND s.available >= n.quantity;
    GET DIAGNOSTICS gave = ROW_COUNT;
    IF gave < cardinality(needed) THEN
        RAISE EXCEPTION 'a position has less than it had';
    END IF;
    INSERT INTO stock_movements (facility_id, sku, on_hand, reserved, unavailable, cause, order_id, reference, occurred_at)
    SELECT n.facility_id, n.sku, 0, n.quantity, 0, 'reserved', r ->> 'order_id', r ->> 'key', now()
    FROM unnest(requests) AS r, jsonb_populate_recordset(NULL::position_units, r -> 'needed') AS n;
    PERFORM book_steps(requests);
    RETURN true;
END $$;

-- reserve(), for each of these steps, as if one came after the other; an answer each, in their order. A step that fails takes none of its
-- neighbours with it: its answer is `failed`, and it is tried again by itself, where what is wrong is seen.
CREATE OR REPLACE FUNCTION reserve_many(requests jsonb) RETURNS TABLE (outcome text, detail jsonb) LANGUAGE plpgsql AS $$
DECLARE
    steps jsonb[] := ARRAY (SELECT r FROM jsonb_array_elements(requests) WITH ORDINALITY AS a (r, n) ORDER BY n);
    opened text[] := open_guards(steps);
    taken bigint[] := plain_steps(steps, opened);
    request jsonb;
    number bigint;
BEGIN
    PERFORM lock_for_steps(steps);
    BEGIN
        IF NOT take_for_all(ARRAY (SELECT steps[n] FROM unnest(taken) AS n)) THEN
            taken := '{}';
        END IF;
    EXCEPTION WHEN OTHERS THEN
        taken := '{}';
    END;
    FOR request, number IN SELECT r, n FROM unnest(steps) WITH ORDINALITY AS a (r, n) ORDER BY n LOOP
        IF number = ANY (taken) THEN
            outcome := 'done';
            detail := request -> 'answer';
        ELSE
            BEGIN
                SELECT r.outcome, r.detail INTO outcome, detail FROM reserve_guarded(request, request ->> 'order_id' = ANY (opened)) AS r;
            EXCEPTION WHEN OTHERS THEN
                outcome := 'failed';
                detail := NULL;
            END;
        END IF;
        opened := array_remove(opened, request ->> 'order_id');
        RETURN NEXT;
    END LOOP;
END $$;

-- See reserve().
ALTER FUNCTION reserve_many(jsonb) SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION reserve_many(jsonb) SET enable_seqscan = off;
