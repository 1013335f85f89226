-- Positions that do not have what is needed, and what they have.
CREATE OR REPLACE FUNCTION short_positions(needed position_units[]) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    RETURN (
        SELECT coalesce(jsonb_agg(jsonb_build_object('facility_id', n.facility_id, 'sku', n.sku,
            'available', greatest(0, coalesce(s.available, 0)))), '[]')
        FROM unnest(needed) AS n LEFT JOIN stock s ON s.facility_id = n.facility_id AND s.sku = n.sku
        WHERE coalesce(s.available, 0) < n.quantity
    );
END $$;

-- The conditional write itself. Whether every position gave; one alone is locked by this, several have been locked before.
CREATE OR REPLACE FUNCTION take_units(for_order text, needed position_units[], step text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    gave bigint;
BEGIN
    WITH taken AS (
        UPDATE stock s SET reserved = s.reserved + n.quantity FROM unnest(needed) AS n
        WHERE s.facility_id = n.facility_id AND s.sku = n.sku AND s.available >= n.quantity
        RETURNING s.facility_id, s.sku, n.quantity
    )
    INSERT INTO stock_movements (facility_id, sku, on_hand, reserved, unavailable, cause, order_id, reference, occurred_at)
    SELECT t.facility_id, t.sku, 0, t.quantity, 0, 'reserved', for_order, step, now() FROM taken t;
    GET DIAGNOSTICS gave = ROW_COUNT;
    RETURN gave = cardinality(needed);
END $$;

-- What is left of steps whose units are taken: who has them, the answer to a repeat, and why it was decided so.
CREATE OR REPLACE FUNCTION book_steps(requests jsonb[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO reservations AS x (order_id, fulfillment_order_id, line_id, facility_id, sku, allocated)
    SELECT r ->> 'order_id', p.fulfillment_order_id, p.line_id, p.facility_id, p.sku, sum(p.quantity)::bigint
    FROM unnest(requests) AS r, jsonb_populate_recordset(NULL::unit_position, r -> 'positions') AS p
    GROUP BY r ->> 'order_id', p.fulfillment_order_id, p.line_id, p.facility_id, p.sku
    ON CONFLICT (order_id, fulfillment_order_id, line_id, facility_id, sku) DO UPDATE SET allocated = x.allocated + excluded.allocated;
    INSERT INTO reservation_steps (order_id, step_key, answer)
    SELECT r ->> 'order_id', r ->> 'key', r -> 'answer' FROM unnest(requests) AS r;
    INSERT INTO decisions (order_id, round, decision)
    SELECT r ->> 'order_id', coalesce((SELECT max(d.round) FROM decisions d WHERE d.order_id = r ->> 'order_id'), 0) + 1, r -> 'decision'
    FROM unnest(requests) AS r WHERE r -> 'decision' <> 'null';
END $$;

-- The one conditional write that decides who gets stock: all positions or none, in one round trip. Answers done (with the step's
-- first answer), short (with what is there) or closed.
CREATE OR REPLACE FUNCTION reserve(request jsonb, OUT outcome text, OUT detail jsonb) LANGUAGE plpgsql AS $$
DECLARE
    is_new boolean;
BEGIN
    -- The guard's lock keeps a repeat of this step, and a record that closes the order, out until commit.
    INSERT INTO order_guards (order_id, rank_at) VALUES (request ->> 'order_id', coalesce((request ->> 'rank_at')::timestamptz, now()))
    ON CONFLICT DO NOTHING;
    is_new := FOUND;
    IF NOT is_new THEN
        PERFORM FROM order_guards g WHERE g.order_id = request ->> 'order_id' FOR UPDATE;
    END IF;
    SELECT r.outcome, r.detail INTO outcome, detail FROM reserve_guarded(request, is_new) AS r;
END $$;

-- The same, of an order whose guard is the caller's; `is_new`: nothing was ever done for it. `needed` is what `positions` add up to, each
-- position once. The units of a checkout's hold that the request takes over, and those that the order is offered, are the order's before
-- anybody else can have them; what it leaves of them goes to whoever's turn it is.
CREATE OR REPLACE FUNCTION reserve_guarded(request jsonb, is_new boolean, OUT outcome text, OUT detail jsonb) LANGUAGE plpgsql AS $$
DECLARE
    this_order text := request ->> 'order_id';
    step text := request ->> 'key';
    waiting jsonb := request -> 'waiting';
    needed position_units[] := ARRAY (SELECT n FROM jsonb_populate_recordset(NULL::position_units, request -> 'needed') AS n);
    spare position_units[] := '{}';
    hold text;
    -- SKUs that the order is offered, or is in the queue for while it plans.
    queued text[] := '{}';
    offers text[] := '{}';
BEGIN
    IF NOT is_new THEN
        IF EXISTS (SELECT FROM order_guards g WHERE g.order_id = this_order AND g.closed_at IS NOT NULL) THEN
            outcome := 'closed';
            RETURN;
        END IF;
        SELECT s.answer INTO detail FROM reservation_steps s WHERE s.order_id = this_order AND s.step_key = step;
        IF FOUND THEN
            outcome := 'done';
            RETURN;
        END IF;
        queued := ARRAY (SELECT w.sku FROM waiting_units w WHERE w.order_id = this_order AND w.planning
            UNION SELECT g.sku FROM stock_grants g WHERE g.order_id = this_order AND g.offered_until IS NOT NULL);
    END IF;
    IF request ? 'takes_over' THEN
        -- Whoever locks the hold first has it: an order, its deadline, or who gives it back.
        SELECT h.reservation_id INTO hold FROM checkout_holds h
        WHERE h.reservation_id = request ->> 'takes_over' AND h.status = 'held' FOR UPDATE;
    END IF;

    outcome := 'short';
    IF waiting <> '[]' OR hold IS NOT NULL OR queued <> '{}' THEN
        PERFORM demand_lock(ARRAY (SELECT w ->> 'sku' FROM jsonb_array_elements(waiting) AS w UNION SELECT unnest(queued)
            UNION SELECT u.sku FROM checkout_hold_units u WHERE u.reservation_id = hold), waiting <> '[]' OR queued <> '{}');
    END IF;
    IF queued <> '{}' THEN
        offers := ARRAY (SELECT g.grant_id FROM stock_grants g
            WHERE g.order_id = this_order AND g.offered_until IS NOT NULL AND g.sku = ANY (queued));
    END IF;
    IF waiting <> '[]' THEN
        detail := outdated(waiting, request);
        IF detail IS NOT NULL THEN
            RETURN;
        END IF;
    END IF;
    IF hold IS NOT NULL OR offers <> '{}' THEN
        SELECT b.needed, b.spare INTO needed, spare FROM beside_own(hold, offers, needed) AS b;
    END IF;
    IF (cardinality(needed) > 1 AND NOT lock_enough(needed)) OR NOT take_units(this_order, needed, step) THEN
        detail := short_positions(needed);
        RETURN;
    END IF;
    IF hold IS NOT NULL OR offers <> '{}' THEN
        PERFORM hand_over(hold, offers, this_order, spare, step);
    END IF;

    outcome := 'done';
    detail := request -> 'answer';
    PERFORM book_steps(ARRAY[request]);
    IF queued <> '{}' THEN
        DELETE FROM waiting_units w WHERE w.order_id = this_order AND w.planning AND w.sku = ANY (queued);
    END IF;
    IF waiting <> '[]' THEN
        PERFORM wait_for(this_order, waiting);
        PERFORM look_again(request -> 'full');
    END IF;
    -- Only now: the order may be the first in the queue itself.
    IF spare <> '{}' THEN
        PERFORM move_stock(ARRAY (SELECT ROW (s.facility_id, s.sku, 0, -s.quantity, 0, 'released', NULL, coalesce(hold, step), now())::stock_move
            FROM unnest(spare) AS s));
    END IF;
END $$;

-- Planned once a session, by index: planning takes longer than all the rest, and for lack of anything better the planner takes
-- every array for some rows and would read a table of thousands whole for the one row that an order of one line needs.
ALTER FUNCTION reserve(jsonb) SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION reserve(jsonb) SET enable_seqscan = off;
