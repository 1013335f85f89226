-- An order that ships as a whole gathers: what comes in for it is held at the one place that lacks least of it. For a day at most, and
-- then it pauses for as long. Whoever waits longer takes what a younger one has gathered, so that the oldest always gets on, and no two
-- wait for each other.

-- Whether the line may come from the place, as far as is known: what its plan said of a place that has changed since is out of date.
CREATE OR REPLACE FUNCTION may_come_from(w waiting_units, place facilities) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN CASE WHEN w.only_at = '{}' THEN NOT place.ship_enabled
            ELSE NOT (place.pickup_enabled AND place.facility_id = ANY (w.only_at)) END THEN false
        WHEN w.planned_version < place.version OR w.could_have IS NULL THEN true
        WHEN place.number >= 8 * length(w.could_have) THEN false
        ELSE get_bit(w.could_have, place.number) = 1 END;
$$;

-- Units of the line that its plan saw there and had no use for.
CREATE OR REPLACE FUNCTION declined_units(w waiting_units, place facilities) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN w.planned_version < place.version THEN 0 ELSE coalesce((w.declined -> place.facility_id)::bigint, 0) END;
$$;

-- Units that orders behind this one in the queue have gathered at a position: its own for the asking.
CREATE OR REPLACE FUNCTION gathered_behind(for_order text, rank timestamptz, at_facility text, of_sku text) RETURNS bigint
LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(g.quantity), 0)::bigint FROM stock_grants g JOIN order_guards y USING (order_id)
    WHERE (g.sku, g.facility_id) = (of_sku, at_facility) AND g.gathered AND (y.rank_at, y.order_id) > (rank, for_order);
$$;

-- What an order may have of a position beside what it holds: what nobody has, and what those behind it have gathered.
CREATE OR REPLACE FUNCTION there_for(for_order text, rank timestamptz, at_facility text, of_sku text) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT greatest(0, coalesce((SELECT s.available FROM stock s WHERE (s.facility_id, s.sku) = (at_facility, of_sku)), 0))
        + gathered_behind(for_order, rank, at_facility, of_sku);
$$;

-- Units that a line holds at a place, and has not planned with.
CREATE OR REPLACE FUNCTION offered_at(w waiting_units, at_facility text) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(g.quantity), 0)::bigint FROM stock_grants g WHERE g.order_id = w.order_id AND g.offered_until IS NOT NULL
        AND (g.fulfillment_order_id, g.line_id, g.facility_id) = (w.fulfillment_order_id, w.line_id, at_facility);
$$;

-- Units that a line may still be given at a place. What it ships only with others of, it needs all of at one place, whatever it holds elsewhere.
CREATE OR REPLACE FUNCTION missing_at(w waiting_units, at_facility text) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT w.quantity - CASE WHEN w.ships_with IS NULL THEN offered_units(w) ELSE offered_at(w, at_facility) END;
$$;

-- Units that a package lacks at each place where something for it is, or at one place. Only where all of it may come from; not where its
-- plan has seen all of it and would not have it.
CREATE OR REPLACE FUNCTION lacking(for_order text, package text, at_facility text, at timestamptz) RETURNS TABLE (facility_id text, units bigint)
LANGUAGE sql STABLE AS $$
    WITH lines AS MATERIALIZED (
        SELECT w FROM waiting_units w WHERE (w.order_id, w.ships_with) = (for_order, package)
    ), places AS (
        SELECT at_facility AS facility_id WHERE at_facility IS NOT NULL
        UNION SELECT s.facility_id FROM lines JOIN stock s ON s.sku = (w).sku WHERE at_facility IS NULL AND s.available > 0
    ), wanted AS (
        SELECT p.facility_id, (w).sku, (w).rank_at, sum(missing_at(w, p.facility_id))::bigint AS quantity
        FROM places p CROSS JOIN lines GROUP BY p.facility_id, (w).sku, (w).rank_at
    )
    SELECT f.facility_id, sum(greatest(0, n.quantity - there_for(for_order, n.rank_at, f.facility_id, n.sku)))::bigint
    FROM facilities f JOIN wanted n USING (facility_id)
    WHERE NOT EXISTS (SELECT FROM lines WHERE NOT may_come_from(w, f) OR gave_back((w).order_id, (w).line_id, f.facility_id, at))
        AND EXISTS (SELECT FROM lines WHERE declined_units(w, f) < (w).quantity)
    GROUP BY f.facility_id;
$$;

-- Whether the line's order has been told what it is offered, and has not planned with it.
CREATE OR REPLACE FUNCTION is_asked(w waiting_units) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM stock_grants g WHERE g.order_id = w.order_id AND g.offered_until IS NOT NULL AND NOT g.gathered
        AND (g.fulfillment_order_id, g.line_id) = (w.fulfillment_order_id, w.line_id));
$$;

-- Whether units that are at a place now are held for the line: all of its package is there; or it gathers there; or it may begin to, since
-- something came, more is there than its plan knew of, it gathers nowhere yet, and lacks nowhere less.
CREATE OR REPLACE FUNCTION is_held_for(w waiting_units, place facilities, may_begin boolean, at timestamptz) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
DECLARE
    lack bigint;
    gathers gatherings;
BEGIN
    IF is_asked(w) THEN
        RETURN false;
    END IF;
    lack := (SELECT l.units FROM lacking(w.order_id, w.ships_with, place.facility_id, at) AS l);
    IF lack IS NULL OR lack = 0 THEN
        RETURN lack IS NOT NULL;
    END IF;
    SELECT * INTO gathers FROM gatherings g WHERE (g.order_id, g.ships_with) = (w.order_id, w.ships_with);
    IF FOUND THEN
        RETURN gathers.facility_id IS NOT DISTINCT FROM place.facility_id;
    END IF;
    RETURN may_begin AND least(w.quantity, there_for(w.order_id, w.rank_at, place.facility_id, w.sku)) > declined_units(w, place)
        AND NOT EXISTS (SELECT FROM lacking(w.order_id, w.ships_with, NULL, at) AS l WHERE l.units < lack);
END $$;

-- Takes so many units from those behind it in the queue who have gathered them, the last one first. The caller has locked the position.
CREATE OR REPLACE FUNCTION take_gathered(w waiting_units, at_facility text, units bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    given bigint := give_up_offers(at_facility, w.sku, units, 'given_way', ARRAY (
        SELECT g.grant_id FROM stock_grants g JOIN order_guards y USING (order_id)
        WHERE (g.sku, g.facility_id) = (w.sku, at_facility) AND g.gathered AND (y.rank_at, y.order_id) > (w.rank_at, w.order_id)
        ORDER BY y.rank_at DESC, y.order_id DESC, g.grant_id));
BEGIN
    UPDATE stock s SET reserved = s.reserved - given WHERE (s.facility_id, s.sku) = (at_facility, w.sku);
END $$;

-- Those who begin to wait, or wait for something else now, before others who have gathered it are served from that.
CREATE OR REPLACE FUNCTION queue_gathered(for_order text, rank timestamptz, skus text[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO serve_queue (facility_id, only_sku)
    SELECT DISTINCT g.facility_id, g.sku FROM stock_grants g JOIN order_guards y USING (order_id)
    WHERE g.sku = ANY (skus) AND g.gathered AND (y.rank_at, y.order_id) > (rank, for_order);
$$;

-- Gives back what a package has gathered at a place, or wherever. The caller holds the exclusive demand_lock.
CREATE OR REPLACE FUNCTION give_gathered_back(for_order text, package text, at_facility text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    held stock_grants[] := gathered_of(for_order, package, at_facility);
    moves stock_move[];
BEGIN
    PERFORM lock_positions(array_agg(h.facility_id), array_agg(h.sku)) FROM unnest(held) AS h;
    -- Until now a fact may have taken some of them.
    WITH gone AS (
        DELETE FROM stock_grants g USING unnest(held) AS h WHERE g.grant_id = h.grant_id AND g.gathered RETURNING g.*
    )
    SELECT array_agg(ROW (g.facility_id, g.sku, 0, -g.quantity, 0, 'given_back', for_order, g.grant_id, now())::stock_move)
    INTO moves FROM gone AS g;
    IF moves IS NOT NULL THEN
        PERFORM move_stock(moves);
    END IF;
END $$;

-- What a package has gathered, at a place or wherever; what is of no line that waits is of every package.
CREATE OR REPLACE FUNCTION gathered_of(for_order text, package text, at_facility text) RETURNS stock_grants[] LANGUAGE sql STABLE AS $$
    SELECT ARRAY (
        SELECT g FROM stock_grants g LEFT JOIN waiting_units w USING (order_id, fulfillment_order_id, line_id)
        WHERE g.order_id = for_order AND g.gathered AND coalesce(w.ships_with, package) = package
            AND g.facility_id = coalesce(at_facility, g.facility_id));
$$;

-- Offers a package what is held for it at a place, if that is all of it. The ids of what is offered; NULL: some of it lacks.
CREATE OR REPLACE FUNCTION offer_gathered(for_order text, package text, at_facility text) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    ids text[];
BEGIN
    IF EXISTS (SELECT FROM waiting_units w WHERE (w.order_id, w.ships_with) = (for_order, package) AND w.quantity > offered_at(w, at_facility))
    THEN
        RETURN NULL;
    END IF;
    WITH offered AS (
        UPDATE stock_grants g SET gathered = false, offered_until = now() + interval '60 seconds',
            answers_before = (SELECT a.last_value FROM offers_answered a)
        FROM unnest(gathered_of(for_order, package, at_facility)) AS h WHERE g.grant_id = h.grant_id
        RETURNING g.grant_id
    )
    SELECT coalesce(array_agg(offered.grant_id), '{}') INTO ids FROM offered;
    DELETE FROM gatherings g WHERE (g.order_id, g.ships_with) = (for_order, package);
    RETURN ids;
END $$;

CREATE OR REPLACE FUNCTION queue_look(at_facility text, for_order text, package text, due timestamptz) RETURNS void LANGUAGE sql AS $$
    INSERT INTO serve_queue (facility_id, for_order, ships_with, due) VALUES (at_facility, for_order, package, due);
$$;

-- The package holds what is there of it, and is offered it if that is all. False: some of it lacks. The caller holds the exclusive
-- demand_lock.
CREATE OR REPLACE FUNCTION gather(for_order text, package text, at_facility text, at timestamptz) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    skus text[] := ARRAY (SELECT DISTINCT w.sku FROM waiting_units w WHERE (w.order_id, w.ships_with) = (for_order, package) ORDER BY w.sku);
    of_sku text;
    ids text[] := '{}';
    offered text[];
BEGIN
    PERFORM lock_positions(array_fill(at_facility, ARRAY[cardinality(skus)]), skus);
    FOREACH of_sku IN ARRAY skus LOOP
        ids := ids || serve_position(at_facility, of_sku, at);
    END LOOP;
    offered := offer_gathered(for_order, package, at_facility);
    PERFORM announce_grants(ids || offered);
    RETURN offered IS NOT NULL;
END $$;

-- An order that gathers nowhere any more is served wherever there is something for it.
CREATE OR REPLACE FUNCTION serve_again(for_order text, skus text[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO serve_queue (facility_id, only_sku) SELECT s.facility_id, s.sku FROM stock s WHERE s.sku = ANY (skus) AND s.available > 0;
    SELECT queue_gathered(for_order, g.rank_at, skus) FROM order_guards g WHERE g.order_id = for_order;
$$;

-- The time of a gathering is over: it pauses, and others may have what it held; or it has paused for long enough, and it is its turn again.
CREATE OR REPLACE FUNCTION end_gathering(over gatherings, at_facility text, skus text[], at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF over.facility_id IS NULL THEN
        DELETE FROM gatherings g WHERE (g.order_id, g.ships_with) = (over.order_id, over.ships_with);
        PERFORM serve_again(over.order_id, skus);
        RETURN;
    END IF;
    UPDATE gatherings g SET facility_id = NULL, until = at + interval '24 hours'
    WHERE (g.order_id, g.ships_with) = (over.order_id, over.ships_with);
    PERFORM queue_look(at_facility, over.order_id, over.ships_with, at + interval '24 hours');
    PERFORM give_gathered_back(over.order_id, over.ships_with, NULL);
END $$;

-- Looks at a package for which something is held at a place, or whose time is over. `at` is business time.
CREATE OR REPLACE FUNCTION look_at_package(task serve_queue, at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    skus text[];
    gathers gatherings;
    lack bigint;
BEGIN
    -- The order plans, or is recorded, before this or after.
    PERFORM FROM order_guards g WHERE g.order_id = task.for_order FOR UPDATE;
    skus := ARRAY (SELECT w.sku FROM waiting_units w WHERE (w.order_id, w.ships_with) = (task.for_order, task.ships_with)
        UNION SELECT g.sku FROM stock_grants g WHERE g.order_id = task.for_order AND g.gathered);
    PERFORM demand_lock(skus, true);
    SELECT * INTO gathers FROM gatherings g WHERE (g.order_id, g.ships_with) = (task.for_order, task.ships_with);
    IF gathers.until <= at THEN
        PERFORM end_gathering(gathers, task.facility_id, skus, at);
        IF gathers.facility_id IS NOT NULL THEN
            RETURN;
        END IF;
        -- All of it may have been there while it paused, and be held for it.
        gathers := NULL;
    END IF;
    lack := (SELECT l.units FROM lacking(task.for_order, task.ships_with, task.facility_id, at) AS l);
    IF gathers.order_id IS NULL AND lack > 0 AND gathered_of(task.for_order, task.ships_with, task.facility_id) <> '{}' THEN
        INSERT INTO gatherings (order_id, ships_with, facility_id, until)
        VALUES (task.for_order, task.ships_with, task.facility_id, at + interval '24 hours') RETURNING * INTO gathers;
        PERFORM queue_look(task.facility_id, task.for_order, task.ships_with, gathers.until);
    END IF;
    IF lack = 0 OR lack > 0 AND gathers.facility_id = task.facility_id THEN
        IF gather(task.for_order, task.ships_with, task.facility_id, at) THEN
            -- What it has gathered elsewhere it needs no more.
            PERFORM give_gathered_back(task.for_order, task.ships_with, NULL);
            RETURN;
        ELSIF gathers.facility_id = task.facility_id THEN
            RETURN;
        END IF;
    END IF;
    -- It is no place for all of it any more, or gathers elsewhere, or pauses.
    DELETE FROM gatherings g WHERE (g.order_id, g.ships_with, g.facility_id) = (task.for_order, task.ships_with, task.facility_id);
    IF FOUND THEN
        PERFORM serve_again(task.for_order, skus);
    END IF;
    PERFORM give_gathered_back(task.for_order, task.ships_with, task.facility_id);
END $$;
