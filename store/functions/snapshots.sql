-- A stock snapshot, once all its rows are there: weighed by facility, then applied, or parked until a person decides. All of it goes
-- piece by piece, each in a transaction of its own that holds its locks for a moment, so that whoever finds it left alone can go on.

-- What the snapshot says of positions that it can count: on hand as of its time. A count without the picked units is short of them.
CREATE OR REPLACE FUNCTION counted_units(run feeds, counts feed_counts[]) RETURNS SETOF feed_counts LANGUAGE sql STABLE AS $$
    SELECT c.feed_id, c.facility_id, c.sku, c.n, c.on_hand + CASE WHEN run.picked_units = 'not_counted' THEN coalesce((
            SELECT sum(p.units) FROM picks p
            WHERE p.facility_id = c.facility_id AND p.sku = c.sku AND p.occurred_at <= run.as_of), 0)::bigint ELSE 0 END,
        c.safety_stock, c.oversell_limit, c.unavailable
    FROM unnest(counts) AS c WHERE c.on_hand IS NOT NULL;
$$;

-- What a full snapshot leaves out, at the facilities it names, is not there; unless rows of it could not be read. Keeps the next of these
-- positions. False: there are no more.
CREATE OR REPLACE FUNCTION keep_absent(feed uuid, most bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    run feeds;
    place text;
    skus text[];
BEGIN
    SELECT * INTO run FROM feeds f WHERE f.feed_id = feed AND f.mode = 'full' AND f.unreadable = 0 AND f.read_at IS NOT NULL
        AND f.status IN ('running', 'applying') FOR UPDATE;
    SELECT min(c.facility_id) INTO place FROM feed_counts c WHERE c.feed_id = run.feed_id AND c.facility_id >= run.absent_facility_id;
    IF place IS NULL THEN
        RETURN false;
    END IF;
    skus := ARRAY (SELECT s.sku FROM stock s WHERE s.facility_id = place
        AND (place > run.absent_facility_id OR s.sku > run.absent_sku) ORDER BY s.sku LIMIT most);
    INSERT INTO feed_counts (feed_id, facility_id, sku, on_hand) SELECT feed, place, sku, 0 FROM unnest(skus) AS sku
    ON CONFLICT DO NOTHING;
    IF cardinality(skus) < most THEN
        -- What comes next sorts after every SKU of this one.
        SELECT min(c.facility_id) INTO place FROM feed_counts c WHERE c.feed_id = feed AND c.facility_id > place;
    END IF;
    UPDATE feeds f SET worked_at = now(), absent_facility_id = coalesce(place, f.absent_facility_id),
        absent_sku = CASE WHEN cardinality(skus) < most THEN '' ELSE skus[cardinality(skus)] END
    WHERE f.feed_id = feed AND place IS NOT NULL;
    RETURN place IS NOT NULL;
END $$;

-- What the snapshot would do to positions that hold something, or were counted before: a first count is news, not a change.
CREATE OR REPLACE FUNCTION snapshot_changes(run feeds, counts feed_counts[]) RETURNS TABLE (facility_id text, sku text, before bigint,
    after bigint) LANGUAGE sql STABLE AS $$
    SELECT s.facility_id, s.sku, s.on_hand, c.on_hand + since.on_hand
    FROM counted_units(run, counts) AS c JOIN stock s ON s.facility_id = c.facility_id AND s.sku = c.sku,
        LATERAL happened_since(s.facility_id, s.sku, run.as_of) AS since
    WHERE s.counted_as_of <= run.as_of AND (s.on_hand <> 0 OR s.counted_as_of > '-infinity');
$$;

-- The five largest of changes to positions.
CREATE OR REPLACE FUNCTION largest_changes(changes jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(jsonb_agg(l.c), '[]') FROM (
        SELECT c FROM jsonb_array_elements(changes) AS c
        ORDER BY abs((c -> 'after')::bigint - (c -> 'before')::bigint) DESC, c ->> 'facility_id', c ->> 'sku' LIMIT 5) AS l;
$$;

-- Weighs the next counts of a snapshot. False: there are no more.
CREATE OR REPLACE FUNCTION weigh_counts(feed uuid, most bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    run feeds;
    piece feed_counts[];
    last_count feed_counts;
BEGIN
    SELECT * INTO run FROM feeds f WHERE f.feed_id = feed AND f.status = 'running' AND f.read_at IS NOT NULL FOR UPDATE;
    piece := ARRAY (SELECT c FROM feed_counts c WHERE c.feed_id = run.feed_id
        AND (c.facility_id, c.sku) > (run.weighed_facility_id, run.weighed_sku) ORDER BY c.facility_id, c.sku LIMIT most);
    IF piece = '{}' THEN
        RETURN false;
    END IF;
    INSERT INTO feed_facilities AS f (feed_id, facility_id, positions, units_before, units_after, units_changed, largest)
    SELECT feed, c.facility_id, count(*), sum(greatest(c.before, 0)), sum(greatest(c.after, 0)), sum(abs(c.after - c.before)),
        largest_changes(jsonb_agg(to_jsonb(c)))
    FROM snapshot_changes(run, piece) AS c GROUP BY c.facility_id
    ON CONFLICT (feed_id, facility_id) DO UPDATE SET positions = f.positions + excluded.positions,
        units_before = f.units_before + excluded.units_before, units_after = f.units_after + excluded.units_after,
        units_changed = f.units_changed + excluded.units_changed, largest = largest_changes(f.largest || excluded.largest);
    last_count := piece[cardinality(piece)];
    UPDATE feeds f SET worked_at = now(), weighed_facility_id = last_count.facility_id, weighed_sku = last_count.sku,
        counts_digest = f.counts_digest + coalesce((
            SELECT sum(hashtextextended(ROW (c.facility_id, c.sku, c.n, c.on_hand, c.safety_stock, c.oversell_limit, c.unavailable)::text, 0))
            -- What it left out is no part of the file.
            FROM unnest(piece) AS c WHERE c.n IS NOT NULL OR c.on_hand IS NULL), 0)
    WHERE f.feed_id = feed;
    RETURN true;
END $$;

-- What the snapshot would do to the facilities that it changes too much, in figures; NULL: there is none. Of a facility with few
-- positions, any change is a large share. Shares are rounded up.
CREATE OR REPLACE FUNCTION too_much_change(run feeds, limit_percent bigint, from_positions bigint) RETURNS jsonb LANGUAGE sql STABLE AS $$
    WITH beyond AS (
        SELECT f.facility_id, f.positions, f.units_before, f.units_after, f.units_changed,
            ceil(f.units_changed * 100.0 / f.units_before)::bigint AS changed_percent, f.largest
        FROM feed_facilities f WHERE f.feed_id = run.feed_id AND f.positions >= from_positions AND f.units_before > 0
            AND f.units_changed * 100 > f.units_before * limit_percent
    )
    SELECT jsonb_build_object('positions', sum(positions), 'units_before', sum(units_before), 'units_after', sum(units_after),
        'units_changed', sum(units_changed), 'changed_percent', ceil(sum(units_changed) * 100 / sum(units_before)),
        'limit_percent', limit_percent,
        'facilities', (SELECT jsonb_agg(to_jsonb(f) - 'largest') FROM (
            SELECT * FROM beyond ORDER BY changed_percent DESC, facility_id LIMIT 20) AS f),
        'largest', (SELECT largest_changes(jsonb_agg(c)) FROM beyond b, jsonb_array_elements(b.largest) AS c))
    FROM beyond HAVING count(*) > 0;
$$;

-- Tells a file from another one; the time of the count belongs to it where its sender has said it.
CREATE OR REPLACE FUNCTION snapshot_digest(run feeds) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT concat_ws('/', run.mode, run.picked_units, CASE WHEN run.as_of_said THEN run.as_of END, run.rejected, run.waiting,
        run.counts_digest);
$$;

-- All its counts are weighed: parks the snapshot, or lets it be applied. One that is parked already is answered with that, and leaves no
-- trace of its own. Answers the run that stands for it.
CREATE OR REPLACE FUNCTION judge_snapshot(feed uuid, limit_percent bigint, from_positions bigint, decide_within interval) RETURNS uuid
LANGUAGE plpgsql AS $$
DECLARE
    run feeds;
    change jsonb;
    of_file text;
    known uuid;
BEGIN
    SELECT * INTO run FROM feeds f WHERE f.feed_id = feed AND f.status = 'running' AND f.kind = 'stock' AND f.read_at IS NOT NULL FOR UPDATE;
    IF NOT FOUND THEN
        RETURN feed;
    END IF;
    change := too_much_change(run, limit_percent, from_positions);
    DELETE FROM feed_facilities f WHERE f.feed_id = feed;
    IF change IS NULL THEN
        UPDATE feeds f SET status = 'applying', worked_at = now() WHERE f.feed_id = feed;
        RETURN feed;
    END IF;
    of_file := snapshot_digest(run);
    -- One after the other: of two at once, the second finds the first.
    PERFORM pg_advisory_xact_lock(20253, hashtext(of_file));
    SELECT f.feed_id INTO known FROM feeds f WHERE f.status = 'parked' AND f.digest = of_file;
    IF FOUND THEN
        DELETE FROM feeds f WHERE f.feed_id = feed;
        RETURN known;
    END IF;
    UPDATE feeds f SET status = 'parked', digest = of_file, decide_by = now() + decide_within,
        parked = change || jsonb_build_object('parked_at', now())
    WHERE f.feed_id = feed;
    RETURN feed;
END $$;

-- A person says that a parked snapshot is right. What its facilities have come to hold meanwhile is left out as well.
CREATE OR REPLACE FUNCTION approve_snapshot(feed uuid, who jsonb DEFAULT NULL) RETURNS void LANGUAGE sql AS $$
    UPDATE feeds f SET status = 'applying', worked_at = now(), decided_at = now(), decided_by = nullif(who, 'null'),
        absent_facility_id = '', absent_sku = ''
    WHERE f.feed_id = feed AND f.status = 'parked';
$$;

-- Applies the next positions of a snapshot. False: none is left, or it is not to be applied. Up to the last of them nothing is absent any
-- more: whoever goes on from here must not take what was counted, and is kept no longer, for left out.
CREATE OR REPLACE FUNCTION apply_counts(feed uuid, most bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    run feeds;
    taken feed_counts[];
    last_count feed_counts;
    results row_result[];
    total record;
BEGIN
    SELECT * INTO run FROM feeds f WHERE f.feed_id = feed AND f.status = 'applying' FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    WITH gone AS (
        DELETE FROM feed_counts AS c WHERE c.ctid = ANY (ARRAY (
            SELECT n.ctid FROM feed_counts n WHERE n.feed_id = feed ORDER BY n.facility_id, n.sku LIMIT most))
        RETURNING c
    )
    SELECT coalesce(array_agg(gone.c), '{}') INTO taken FROM gone;
    -- Whoever let it through answers for it.
    PERFORM act_as(coalesce(run.decided_by, run.started_by));
    -- Positions that no row names are told apart by numbers that no row has.
    results := ARRAY (SELECT r::row_result FROM count_stock((
        SELECT coalesce(jsonb_agg(c), '[]') FROM (
            SELECT coalesce(u.n, -row_number() OVER ()) AS n, u.facility_id, u.sku, u.on_hand, u.safety_stock, u.oversell_limit, u.unavailable
            FROM counted_units(run, taken) AS u) AS c), run.as_of, feed::text) AS r WHERE r.n > 0);
    SELECT * INTO total FROM add_up(results);
    PERFORM note_results(feed, total.accepted, total.unchanged, total.rejected, -cardinality(results));
    UPDATE feeds f SET worked_at = now(), status = CASE WHEN cardinality(taken) < most THEN 'finished' ELSE f.status END,
        finished_at = CASE WHEN cardinality(taken) < most THEN now() END
    WHERE f.feed_id = feed;
    SELECT * INTO last_count FROM unnest(taken) AS t ORDER BY t.facility_id DESC, t.sku DESC LIMIT 1;
    UPDATE feeds f SET absent_facility_id = last_count.facility_id, absent_sku = last_count.sku
    WHERE f.feed_id = feed AND (last_count.facility_id, last_count.sku) > (f.absent_facility_id, f.absent_sku);
    RETURN cardinality(taken) = most;
END $$;

ALTER FUNCTION keep_absent(uuid, bigint) SET plan_cache_mode = force_custom_plan;
ALTER FUNCTION weigh_counts(uuid, bigint) SET plan_cache_mode = force_custom_plan;
ALTER FUNCTION apply_counts(uuid, bigint) SET plan_cache_mode = force_custom_plan;
-- Small tables today, by their indexes all the same: a piece looks at each of its positions, and a full look at each would add up.
ALTER FUNCTION keep_absent(uuid, bigint) SET enable_seqscan = off;
ALTER FUNCTION weigh_counts(uuid, bigint) SET enable_seqscan = off;
ALTER FUNCTION apply_counts(uuid, bigint) SET enable_seqscan = off;
