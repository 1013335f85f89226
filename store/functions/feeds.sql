-- A feed's batch, whole, in one call: rows are judged one by one, so that a bad one is kept with its reason and costs the others
-- nothing. Rows carry their number in the file as `n`.

-- The words beside each code a row may be refused with here.
CREATE OR REPLACE FUNCTION reject_reason(code text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT code || ': ' || CASE code
        WHEN 'unknown_facility' THEN 'there is no facility with this id'
        WHEN 'unknown_sku' THEN 'there is no product with this SKU'
        WHEN 'stale_snapshot' THEN 'a later count of this position was accepted already'
        WHEN 'receipt_conflict' THEN 'another receipt is booked under this id, or under this time and position: give each an id of its own'
        END;
$$;

-- The results of rows in numbers, and the rows that were not taken with the reason.
CREATE OR REPLACE FUNCTION add_up(results row_result[], OUT accepted bigint, OUT unchanged bigint, OUT rejected jsonb) LANGUAGE sql AS $$
    SELECT count(*) FILTER (WHERE r.result = 'accepted'), count(*) FILTER (WHERE r.result IN ('unchanged', 'replaced')),
        coalesce(jsonb_agg(jsonb_build_object('row_number', r.n, 'reason', reject_reason(r.result)) ORDER BY r.n)
            FILTER (WHERE r.result NOT IN ('accepted', 'unchanged', 'replaced', 'waiting')), '[]')
    FROM unnest(results) AS r;
$$;

-- Adds such numbers to a run's.
CREATE OR REPLACE FUNCTION note_results(feed uuid, more_accepted bigint, more_unchanged bigint, more_rejected jsonb, more_waiting bigint) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO feed_rejects (feed_id, row_number, reason)
    SELECT feed, x.row_number, x.reason FROM jsonb_populate_recordset(NULL::feed_rejects, more_rejected) AS x
    ON CONFLICT DO NOTHING;
    UPDATE feeds f SET accepted = f.accepted + more_accepted, unchanged = f.unchanged + more_unchanged,
        rejected = f.rejected + jsonb_array_length(more_rejected), waiting = f.waiting + more_waiting
    WHERE f.feed_id = feed;
$$;

-- A snapshot's rows, kept until all are there. `replaced` is a row of an earlier batch that a later one corrects.
CREATE OR REPLACE FUNCTION keep_counts(counts jsonb, feed uuid) RETURNS TABLE (n bigint, result text) LANGUAGE sql AS $$
    WITH given AS (
        SELECT * FROM jsonb_populate_recordset(NULL::stock_count, counts)
    ), last_rows AS (
        SELECT DISTINCT ON (g.facility_id, g.sku) g.* FROM given g ORDER BY g.facility_id, g.sku, g.n DESC
    ), replaced AS (
        SELECT f.n FROM feed_counts f JOIN last_rows l ON l.facility_id = f.facility_id AND l.sku = f.sku
        WHERE f.feed_id = feed AND f.n IS NOT NULL
    ), kept AS (
        INSERT INTO feed_counts (feed_id, facility_id, sku, n, on_hand, safety_stock, oversell_limit, unavailable)
        SELECT feed, l.facility_id, l.sku, l.n, l.on_hand, l.safety_stock, l.oversell_limit, l.unavailable FROM last_rows l
        ON CONFLICT (feed_id, facility_id, sku) DO UPDATE SET n = excluded.n, on_hand = excluded.on_hand,
            safety_stock = excluded.safety_stock, oversell_limit = excluded.oversell_limit, unavailable = excluded.unavailable
    )
    SELECT g.n, CASE WHEN l.n IS NULL THEN 'unchanged' ELSE 'waiting' END FROM given g LEFT JOIN last_rows l USING (n)
    UNION ALL
    SELECT r.n, 'replaced' FROM replaced r;
$$;

-- Applies the rows of a batch that were not applied before (those of a stock snapshot wait for its end), and adds them up. `mistakes`
-- are rows that never get that far; what they counted, wrongly, was at least not left out.
-- NULL counts: there is no such run, or it has ended.
CREATE OR REPLACE FUNCTION apply_batch(feed uuid, of_kind text, batch jsonb, mistakes jsonb, OUT accepted bigint, OUT unchanged bigint,
    OUT rejected jsonb) LANGUAGE plpgsql AS $$
DECLARE
    run feeds;
    fresh jsonb;
    results row_result[];
BEGIN
    -- One batch of a run at a time: row numbers go up.
    SELECT * INTO run FROM feeds f WHERE f.feed_id = feed AND f.status = 'running' AND f.read_at IS NULL AND f.kind = of_kind
    FOR UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT coalesce(jsonb_agg(r), '[]') INTO fresh FROM jsonb_array_elements(batch) AS r WHERE (r -> 'n')::bigint > run.through_row;
    SELECT coalesce(jsonb_agg(m), '[]') INTO mistakes FROM jsonb_array_elements(mistakes) AS m
        WHERE (m -> 'row_number')::bigint > run.through_row;

    PERFORM act_as(run.started_by);
    results := CASE of_kind
        WHEN 'facilities' THEN ARRAY (SELECT w::row_result FROM write_facilities(fresh) AS w)
        WHEN 'products' THEN ARRAY (SELECT w::row_result FROM write_products(fresh) AS w)
        WHEN 'stock' THEN ARRAY (SELECT w::row_result FROM keep_counts(fresh, feed) AS w)
        WHEN 'receipts' THEN ARRAY (SELECT w::row_result FROM receive_stock(fresh, feed) AS w)
    END;
    INSERT INTO feed_counts (feed_id, facility_id, sku)
    SELECT feed, m -> 'counted' ->> 0, m -> 'counted' ->> 1 FROM jsonb_array_elements(mistakes) AS m WHERE m -> 'counted' <> 'null'
    ON CONFLICT DO NOTHING;
    SELECT t.accepted, t.unchanged, (SELECT coalesce(jsonb_agg(m - 'counted'), '[]') FROM jsonb_array_elements(mistakes) AS m) || t.rejected
    INTO accepted, unchanged, rejected FROM add_up(results) AS t;
    PERFORM note_results(feed, accepted, unchanged, rejected, (SELECT coalesce(sum(CASE r.result WHEN 'waiting' THEN 1 WHEN 'replaced' THEN -1
        END), 0) FROM unnest(results) AS r));
    UPDATE feeds f SET worked_at = now(), through_row = greatest(f.through_row, (SELECT max(r.n) FROM unnest(results) AS r),
            (SELECT max((m -> 'row_number')::bigint) FROM jsonb_array_elements(mistakes) AS m))
    WHERE f.feed_id = feed;
END $$;

-- The file was read to its end. Fails a run whose rows are not those that its sender spoke of: it was cut. A full snapshot says how many
-- there are, for what it leaves out is set to 0. A stock snapshot is to be worked on now, any other kind of feed is done.
CREATE OR REPLACE FUNCTION end_feed(feed uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    run feeds;
    has bigint;
    announced bigint;
    mistake text;
BEGIN
    SELECT * INTO run FROM feeds f WHERE f.feed_id = feed AND f.status = 'running' AND f.read_at IS NULL FOR UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    has := run.waiting + run.accepted + run.unchanged + run.rejected;
    announced := coalesce(run.expected_rows, run.trailer_rows);
    mistake := CASE
        WHEN run.expected_rows <> run.trailer_rows THEN 'its end speaks of another number of rows than its beginning'
        WHEN announced <> has THEN format('%s rows of %s have come', has, announced)
        WHEN run.kind = 'stock' AND run.mode = 'full' AND announced IS NULL THEN
            'a full snapshot must say how many rows it has: by expected_rows, or in its last line' END;
    IF mistake IS NOT NULL THEN
        DELETE FROM feed_counts c WHERE c.feed_id = feed;
    END IF;
    DELETE FROM feed_receipts r WHERE r.feed_id = feed;
    UPDATE feeds f SET read_at = now(), worked_at = now(), failure = mistake,
        status = CASE WHEN mistake IS NOT NULL THEN 'failed' WHEN f.kind = 'stock' THEN f.status ELSE 'finished' END,
        finished_at = CASE WHEN mistake IS NOT NULL OR f.kind <> 'stock' THEN now() END
    WHERE f.feed_id = feed;
END $$;

-- Ends a run that cannot be read to its end, and forgets what is kept of its rows. One that was read, has ended or was failed by another
-- stays as it is: its rows are whoever's who works on it. A batch under way is waited for, and what it kept is forgotten with the rest.
CREATE OR REPLACE FUNCTION fail_feed(feed uuid, why text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE feeds f SET status = 'failed', failure = why, finished_at = now()
    WHERE f.feed_id = feed AND f.status = 'running' AND f.read_at IS NULL;
    IF FOUND THEN
        DELETE FROM feed_counts c WHERE c.feed_id = feed;
        DELETE FROM feed_receipts r WHERE r.feed_id = feed;
    END IF;
END $$;
