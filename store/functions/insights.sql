-- Which generations are to be worked on by whoever counts by these definitions, and has the lock of those who count; begins a new one where there is
-- none, after a restore, or when it is by other definitions. Whoever counts by older ones than what stands there leaves all of it alone.
CREATE OR REPLACE FUNCTION insights_to_count(by_definitions integer) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    live insight_generations;
    building insight_generations;
    here bigint := outbox_epoch();
BEGIN
    SELECT * INTO live FROM insight_generations WHERE is_live;
    SELECT * INTO building FROM insight_generations WHERE live_at IS NULL ORDER BY generation DESC LIMIT 1;
    IF greatest(live.definitions, building.definitions) > by_definitions THEN
        RETURN '[]';
    END IF;
    IF building.definitions < by_definitions OR building.epoch <> here THEN
        UPDATE insight_generations g SET live_at = now() WHERE g.generation = building.generation;
        building := NULL;
    END IF;
    IF building.generation IS NULL AND (live.generation IS NULL OR live.definitions < by_definitions OR live.epoch <> here) THEN
        INSERT INTO insight_generations (definitions, epoch) VALUES (by_definitions, here);
    END IF;
    RETURN (
        SELECT coalesce(jsonb_agg(jsonb_build_object('generation', g.generation, 'position', g.position, 'is_live', g.is_live)
            ORDER BY g.generation), '[]')
        FROM insight_generations g WHERE g.definitions = by_definitions AND (g.is_live OR g.live_at IS NULL));
END $$;

-- Which orders have had events after a place, of so many events at most, that this generation has not counted; and where
-- that ends. An order is counted with all the events that it has by then: the rest of them are passed over.
CREATE OR REPLACE FUNCTION changed_orders(this integer, after_epoch bigint, after_xid xid8, after_event bigint, scan bigint) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
    here bigint := outbox_epoch();
    horizon xid8 := pg_snapshot_xmin(pg_current_snapshot());
BEGIN
    RETURN (
        WITH scanned AS MATERIALIZED (
            SELECT e.order_id, e.seq, e.epoch, e.xid, e.event_id FROM order_events e
            WHERE (e.epoch, e.xid, e.event_id) > (after_epoch, after_xid, after_event) AND (e.epoch, e.xid) < (here, horizon)
            ORDER BY e.epoch, e.xid, e.event_id LIMIT scan
        ), last AS (
            SELECT s.* FROM scanned s ORDER BY s.epoch DESC, s.xid DESC, s.event_id DESC LIMIT 1
        ), changed AS (
            SELECT s.order_id, max(s.seq) AS seq FROM scanned s WHERE s.order_id <> '' GROUP BY s.order_id
        )
        SELECT jsonb_build_object('scanned', count(*),
            'next', CASE WHEN count(*) >= scan THEN (SELECT outbox_position(l.epoch, l.xid, l.event_id) FROM last l)
                ELSE outbox_position(here, horizon, 0) END,
            'order_ids', (SELECT coalesce(jsonb_agg(c.order_id ORDER BY c.order_id), '[]') FROM changed c
                WHERE NOT EXISTS (SELECT FROM fact_orders f
                    WHERE f.generation = this AND f.order_id = c.order_id AND f.version >= c.seq)))
        FROM scanned s);
END $$;

-- See read_outbox().
ALTER FUNCTION changed_orders(integer, bigint, xid8, bigint, bigint) SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION changed_orders(integer, bigint, xid8, bigint, bigint) SET enable_seqscan = off;
ALTER FUNCTION changed_orders(integer, bigint, xid8, bigint, bigint) SET enable_bitmapscan = off;

-- What orders come to now, in place of what they came to before: facts, counts, and the difference in the sums; and the generation is counted up
-- to the next place. All of it or, if others have counted meanwhile, nothing: false. Counts are columns side by side, each of the order with its number
-- in the list, from 1, whose channel stands in a list of its own.
CREATE OR REPLACE FUNCTION count_orders(round jsonb, channels text[], orders integer[], measures text[], cells timestamptz[], facility_ids text[],
    currencies text[], reasons text[], buckets smallint[], ns integer[], sums bigint[]) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    this integer := (round -> 'generation')::integer;
    ids text[] := ARRAY (SELECT jsonb_array_elements_text(round -> 'order_ids'));
BEGIN
    PERFORM FROM insight_generations g WHERE g.generation = this AND g.position = round ->> 'after' FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF ids <> '{}' THEN
        PERFORM write_facts(this, ids, round);
        PERFORM write_counts(this, ids, channels, orders, measures, cells, facility_ids, currencies, reasons, buckets, ns, sums);
    END IF;
    UPDATE insight_generations g SET position = round ->> 'next' WHERE g.generation = this;
    RETURN true;
END $$;

-- See reserve().
ALTER FUNCTION count_orders(jsonb, text[], integer[], text[], timestamptz[], text[], text[], text[], smallint[], integer[], bigint[])
    SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION count_orders(jsonb, text[], integer[], text[], timestamptz[], text[], text[], text[], smallint[], integer[], bigint[])
    SET enable_seqscan = off;

CREATE OR REPLACE FUNCTION write_facts(this integer, ids text[], round jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM fact_orders f WHERE f.generation = this AND f.order_id = ANY (ids);
    DELETE FROM fact_fulfillments f WHERE f.generation = this AND f.order_id = ANY (ids);
    DELETE FROM fact_lines f WHERE f.generation = this AND f.order_id = ANY (ids);
    DELETE FROM insight_unread u WHERE u.generation = this AND u.order_id = ANY (ids);
    INSERT INTO fact_orders SELECT f.* FROM jsonb_populate_recordset(NULL::fact_orders, round -> 'orders') AS f;
    INSERT INTO fact_fulfillments SELECT f.* FROM jsonb_populate_recordset(NULL::fact_fulfillments, round -> 'fulfillments') AS f;
    INSERT INTO fact_lines SELECT f.* FROM jsonb_populate_recordset(NULL::fact_lines, round -> 'lines') AS f;
    INSERT INTO insight_unread (generation, order_id, why)
    SELECT this, u.order_id, u.why FROM jsonb_to_recordset(round -> 'unread') AS u (order_id text, why text);
END $$;

-- Counts that stand there already stay as they are; the others come and go, and the sums with them. A generation that is not read yet is summed
-- up when it has caught up: see sum_insights().
CREATE OR REPLACE FUNCTION write_counts(this integer, ids text[], channels text[], orders integer[], measures text[], cells timestamptz[],
    facility_ids text[], currencies text[], reasons text[], buckets smallint[], ns integer[], sums bigint[]) RETURNS void LANGUAGE sql AS $$
    WITH told AS MATERIALIZED (
        SELECT t.cell, t.n, t.sum, t.bucket, t.measure, o.order_id, o.channel, t.facility_id, t.currency, t.reason
        FROM unnest(orders, measures, cells, facility_ids, currencies, reasons, buckets, ns, sums)
            AS t (number, measure, cell, facility_id, currency, reason, bucket, n, sum)
        JOIN unnest(ids, channels) WITH ORDINALITY AS o (order_id, channel, number) USING (number)
    ), kept AS MATERIALIZED (
        SELECT k.ctid AS place, k.* FROM insight_counts k WHERE k.generation = this AND k.order_id = ANY (ids)
    ), gone AS (
        DELETE FROM insight_counts k WHERE k.ctid = ANY (ARRAY (
            SELECT o.place FROM kept o WHERE NOT EXISTS (SELECT FROM told t
                WHERE (t.order_id, t.measure, t.cell, t.facility_id, t.reason, t.bucket, t.currency, t.channel, t.n, t.sum)
                    = (o.order_id, o.measure, o.cell, o.facility_id, o.reason, o.bucket, o.currency, o.channel, o.n, o.sum))))
        RETURNING k.*
    ), added AS (
        INSERT INTO insight_counts (cell, generation, n, sum, bucket, measure, order_id, channel, facility_id, currency, reason)
        SELECT t.cell, this, t.n, t.sum, t.bucket, t.measure, t.order_id, t.channel, t.facility_id, t.currency, t.reason FROM told t
        WHERE NOT EXISTS (SELECT FROM kept o
            WHERE (t.order_id, t.measure, t.cell, t.facility_id, t.reason, t.bucket, t.currency, t.channel, t.n, t.sum)
                = (o.order_id, o.measure, o.cell, o.facility_id, o.reason, o.bucket, o.currency, o.channel, o.n, o.sum))
        RETURNING *
    ), moved AS (
        SELECT a.cell, a.n, a.sum, a.bucket, a.measure, a.channel, a.facility_id, a.currency, a.reason FROM added a
        UNION ALL SELECT g.cell, -g.n, -g.sum, g.bucket, g.measure, g.channel, g.facility_id, g.currency, g.reason FROM gone g
    ), read AS MATERIALIZED (
        SELECT FROM insight_generations g WHERE g.generation = this AND g.is_live
    )
    INSERT INTO insight_cells AS c (cell, generation, n, sum, bucket, measure, channel, facility_id, currency, reason)
    SELECT m.cell, this, sum(m.n)::bigint, sum(m.sum)::bigint, m.bucket, m.measure, m.channel, m.facility_id, m.currency, m.reason
    FROM moved m WHERE EXISTS (SELECT FROM read) GROUP BY m.cell, m.bucket, m.measure, m.channel, m.facility_id, m.currency, m.reason
    HAVING sum(m.n) <> 0 OR sum(m.sum) <> 0
    ON CONFLICT (generation, measure, cell, channel, facility_id, currency, reason, bucket)
    DO UPDATE SET n = c.n + excluded.n, sum = c.sum + excluded.sum;
$$;

-- The sums of a measure in a generation that is about to be read: all of them at once cost a small part of what they would one by one.
CREATE OR REPLACE FUNCTION sum_insights(this integer, of_measure text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO insight_cells (cell, generation, n, sum, bucket, measure, channel, facility_id, currency, reason)
    SELECT k.cell, this, sum(k.n)::bigint, sum(k.sum)::bigint, k.bucket, of_measure, k.channel, k.facility_id, k.currency, k.reason
    FROM insight_counts k WHERE k.generation = this AND k.measure = of_measure
        AND EXISTS (SELECT FROM insight_generations g WHERE g.generation = this AND g.live_at IS NULL)
    GROUP BY k.cell, k.bucket, k.channel, k.facility_id, k.currency, k.reason;
$$;

-- A generation that has caught up is read from now on. What the one before it knows of orders whose events are not kept any more goes along,
-- as long as there are such orders.
CREATE OR REPLACE FUNCTION show_insights(this integer) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    before integer;
    carried text[];
BEGIN
    PERFORM FROM insight_generations g WHERE g.generation = this AND g.live_at IS NULL FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    SELECT g.generation INTO before FROM insight_generations g WHERE g.is_live FOR UPDATE;
    IF before IS NOT NULL THEN
        carried := ARRAY (SELECT f.order_id FROM fact_orders f JOIN orders o USING (order_id) WHERE f.generation = before
            AND NOT EXISTS (SELECT FROM fact_orders n WHERE n.generation = this AND n.order_id = f.order_id));
        PERFORM carry_counts(before, this, carried);
        UPDATE insight_generations g SET is_live = false WHERE g.generation = before;
    END IF;
    UPDATE insight_generations g SET is_live = true, live_at = now() WHERE g.generation = this;
    RETURN true;
END $$;

CREATE OR REPLACE FUNCTION carry_counts(before integer, this integer, ids text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF ids = '{}' THEN
        RETURN;
    END IF;
    INSERT INTO fact_orders SELECT (jsonb_populate_record(f, jsonb_build_object('generation', this))).*
    FROM fact_orders f WHERE f.generation = before AND f.order_id = ANY (ids);
    INSERT INTO fact_fulfillments SELECT (jsonb_populate_record(f, jsonb_build_object('generation', this))).*
    FROM fact_fulfillments f WHERE f.generation = before AND f.order_id = ANY (ids);
    INSERT INTO fact_lines SELECT (jsonb_populate_record(f, jsonb_build_object('generation', this))).*
    FROM fact_lines f WHERE f.generation = before AND f.order_id = ANY (ids);
    WITH carried AS (
        INSERT INTO insight_counts (cell, generation, n, sum, bucket, measure, order_id, channel, facility_id, currency, reason)
        SELECT k.cell, this, k.n, k.sum, k.bucket, k.measure, k.order_id, k.channel, k.facility_id, k.currency, k.reason
        FROM insight_counts k WHERE k.generation = before AND k.order_id = ANY (ids)
        RETURNING *
    )
    INSERT INTO insight_cells AS c (cell, generation, n, sum, bucket, measure, channel, facility_id, currency, reason)
    SELECT k.cell, this, sum(k.n)::bigint, sum(k.sum)::bigint, k.bucket, k.measure, k.channel, k.facility_id, k.currency, k.reason
    FROM carried k GROUP BY k.cell, k.bucket, k.measure, k.channel, k.facility_id, k.currency, k.reason
    ON CONFLICT (generation, measure, cell, channel, facility_id, currency, reason, bucket)
    DO UPDATE SET n = c.n + excluded.n, sum = c.sum + excluded.sum;
    DELETE FROM insight_unread u WHERE u.generation = this AND u.order_id = ANY (ids);
END $$;

-- Takes away some of what nobody reads any more. How many rows went.
CREATE OR REPLACE FUNCTION drop_insights(most bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    old integer := (SELECT min(g.generation) FROM insight_generations g WHERE NOT g.is_live AND g.live_at IS NOT NULL);
    went bigint := 0;
    part text;
    now_went bigint;
BEGIN
    IF old IS NULL THEN
        RETURN 0;
    END IF;
    FOREACH part IN ARRAY '{insight_counts,insight_cells,fact_orders,fact_fulfillments,fact_lines,insight_unread}'::text[] LOOP
        EXECUTE format('DELETE FROM %I WHERE ctid = ANY (ARRAY (SELECT ctid FROM %I WHERE generation = $1 LIMIT $2))', part, part)
            USING old, most;
        GET DIAGNOSTICS now_went = ROW_COUNT;
        went := went + now_went;
    END LOOP;
    IF went = 0 THEN
        DELETE FROM insight_generations g WHERE g.generation = old;
    END IF;
    RETURN went;
END $$;

-- Which generation is read.
CREATE OR REPLACE FUNCTION live_insights() RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT g.generation FROM insight_generations g WHERE g.is_live;
$$;

-- How far what is read has come: whatever was recorded before the first event that is not counted, is.
CREATE OR REPLACE FUNCTION insights_freshness() RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    live insight_generations;
    waits timestamptz;
BEGIN
    SELECT * INTO live FROM insight_generations WHERE is_live;
    IF FOUND THEN
        SELECT e.recorded_at INTO waits FROM order_events e
        WHERE (e.epoch, e.xid, e.event_id) > (split_part(live.position, '-', 1)::bigint, split_part(live.position, '-', 2)::xid8,
            split_part(live.position, '-', 3)::bigint)
        ORDER BY e.epoch, e.xid, e.event_id LIMIT 1;
    END IF;
    RETURN jsonb_build_object('counted_until', CASE WHEN live.generation IS NOT NULL THEN coalesce(waits, now()) END,
        'lag_ms', greatest(0, extract(epoch FROM clock_timestamp() - coalesce(waits, clock_timestamp())) * 1000)::bigint,
        'is_rebuilding', EXISTS (SELECT FROM insight_generations g WHERE g.live_at IS NULL),
        'unread_orders', (SELECT count(*) FROM insight_unread u WHERE u.generation = live.generation));
END $$;

-- See read_outbox().
ALTER FUNCTION insights_freshness() SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION insights_freshness() SET enable_seqscan = off;
ALTER FUNCTION insights_freshness() SET enable_bitmapscan = off;

-- Whether a facility had all units of an order, and time for them, when it was first decided where they come from.
CREATE OR REPLACE FUNCTION one_facility_had_all(of_order text) RETURNS boolean LANGUAGE sql STABLE AS $$
    WITH first AS MATERIALIZED (
        SELECT d.decision -> 'problem' AS problem FROM decisions d WHERE d.order_id = of_order ORDER BY d.round LIMIT 1
    ), wanted AS MATERIALIZED (
        SELECT l.sku, sum(l.quantity) AS units FROM first, jsonb_to_recordset(problem -> 'lines') AS l (sku text, quantity bigint) GROUP BY l.sku
    ), there AS MATERIALIZED (
        SELECT s.facility_id, s.sku, s.available
        FROM first, jsonb_to_recordset(problem -> 'availability') AS s (facility_id text, sku text, available bigint)
    )
    SELECT EXISTS (SELECT FROM first, jsonb_to_recordset(problem -> 'facilities') AS f (facility_id text, capacity_left bigint)
        WHERE f.capacity_left IS DISTINCT FROM 0 AND EXISTS (SELECT FROM wanted) AND NOT EXISTS (SELECT FROM wanted w
            WHERE w.units > coalesce((SELECT t.available FROM there t WHERE t.facility_id = f.facility_id AND t.sku = w.sku), 0)));
$$;
