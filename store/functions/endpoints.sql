-- Delivering events: who has which lane, and what became of what was sent.

-- From now on, and nothing of what was.
CREATE OR REPLACE FUNCTION outbox_end() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT outbox_position(outbox_epoch(), pg_snapshot_xmin(pg_current_snapshot()), 0);
$$;

-- The last event that was recorded before a time; those who go on after it read what came since.
CREATE OR REPLACE FUNCTION outbox_position_at(moment timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT outbox_position(e.epoch, e.xid, e.event_id) FROM order_events e WHERE e.recorded_at < moment
        ORDER BY e.epoch DESC, e.xid DESC LIMIT 1), outbox_position(0, '0', 0));
$$;
ALTER FUNCTION outbox_position_at(timestamptz) SET enable_sort = off;

-- One event by its position.
CREATE OR REPLACE FUNCTION outbox_event(e order_events) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object('position', outbox_position(e.epoch, e.xid, e.event_id), 'order_id', e.order_id, 'seq', e.seq, 'kind', e.kind,
        'at', e.at, 'data', e.data, 'actor_kind', e.actor_kind, 'id', e.id, 'subject', e.subject, 'sequence', e.sequence,
        'recorded_at', e.recorded_at, 'lane', outbox_lane(coalesce(e.subject, e.order_id)));
$$;

-- A server takes its share of the lanes of what is to be delivered, keeps those that it has, and lets go of what is others'. Answers the
-- lanes that are its own for so long.
CREATE OR REPLACE FUNCTION claim_lanes(server uuid, lease interval) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    share bigint;
BEGIN
    INSERT INTO outlet_servers (server_id) VALUES (server)
    ON CONFLICT (server_id) DO UPDATE SET seen_at = now() WHERE outlet_servers.seen_at < now() - lease / 6;
    SELECT ceil(16.0 / greatest(1, count(*))) INTO share FROM outlet_servers s WHERE s.seen_at > now() - lease;
    WITH wanted AS (
        SELECT l.endpoint_id, l.lane, l.owner = server AND l.leased_until > now() AS is_own, row_number() OVER (
            PARTITION BY l.endpoint_id ORDER BY (l.owner = server AND l.leased_until > now()) DESC NULLS LAST, l.lane) <= share AS is_kept
        FROM endpoint_lanes l JOIN endpoints e USING (endpoint_id)
        WHERE (l.owner = server OR l.leased_until < now()) AND e.status = 'active'
    ), locked AS (
        SELECT l.endpoint_id, l.lane, w.is_kept FROM endpoint_lanes l JOIN wanted w USING (endpoint_id, lane)
        WHERE (w.is_kept AND (NOT coalesce(w.is_own, false) OR l.leased_until < now() + lease * 2 / 3) OR coalesce(w.is_own, false) AND NOT w.is_kept)
            AND (l.owner = server OR l.leased_until < now())
        ORDER BY l.endpoint_id, l.lane FOR UPDATE OF l SKIP LOCKED
    )
    UPDATE endpoint_lanes l SET owner = CASE WHEN k.is_kept THEN server END,
        leased_until = CASE WHEN k.is_kept THEN now() + lease ELSE now() END
    FROM locked k WHERE (l.endpoint_id, l.lane) = (k.endpoint_id, k.lane);
    RETURN (
        SELECT coalesce(jsonb_agg(jsonb_build_object('endpoint', to_jsonb(e) || jsonb_build_object('secrets', endpoint_keys(e.endpoint_id)),
            'lanes', o.lanes)), '[]')
        FROM (
            SELECT l.endpoint_id, jsonb_agg(jsonb_build_object('lane', l.lane, 'position', l.position, 'replay_until', l.replay_until,
                'replay_types', l.replay_types, 'leased_ms', (extract(epoch FROM l.leased_until - now()) * 1000)::bigint) ORDER BY l.lane) AS lanes
            FROM endpoint_lanes l WHERE l.owner = server AND l.leased_until > now() GROUP BY l.endpoint_id
        ) AS o JOIN endpoints e USING (endpoint_id) WHERE e.status = 'active');
END $$;

-- The ids of the secrets that an endpoint is signed with, the newest first.
CREATE OR REPLACE FUNCTION endpoint_keys(of_endpoint text) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_agg(s.secret_id ORDER BY s.created_at DESC, s.secret_id), '[]') FROM endpoint_secrets s
    WHERE s.endpoint_id = of_endpoint AND (s.expires_at IS NULL OR s.expires_at > now());
$$;

-- A server lets go of all that it has.
CREATE OR REPLACE FUNCTION release_lanes(server uuid) RETURNS void LANGUAGE sql AS $$
    UPDATE endpoint_lanes SET owner = NULL, leased_until = now() WHERE owner = server;
    DELETE FROM outlet_servers WHERE server_id = server;
$$;

-- What became of a piece of work on an endpoint's lanes, all of it or, where somebody else has them by now or a person has said something
-- else, nothing. False: then it is read anew.
CREATE OR REPLACE FUNCTION note_deliveries(work jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    this_endpoint text := work ->> 'endpoint_id';
    server uuid := (work ->> 'server_id')::uuid;
    lanes smallint[] := ARRAY (SELECT lane::smallint FROM jsonb_array_elements_text(work -> 'lanes') AS lane);
    arrived bigint;
    failures bigint;
BEGIN
    PERFORM FROM endpoints e WHERE e.endpoint_id = this_endpoint AND e.version = (work -> 'version')::bigint AND e.status = 'active' FOR UPDATE;
    IF NOT FOUND OR (SELECT count(*) FROM endpoint_lanes l WHERE l.endpoint_id = this_endpoint AND l.lane = ANY (lanes) AND l.owner = server
            AND l.leased_until > now()) < cardinality(lanes) THEN
        RETURN false;
    END IF;
    UPDATE endpoint_lanes l SET position = m.position, told_through = coalesce(m.told_through, l.told_through),
        replay_until = CASE WHEN m.is_replaying THEN l.replay_until END, replay_types = CASE WHEN m.is_replaying THEN l.replay_types END
    FROM jsonb_to_recordset(work -> 'moved') AS m (lane smallint, position text, told_through timestamptz, is_replaying boolean)
    WHERE l.endpoint_id = this_endpoint AND l.lane = m.lane;
    DELETE FROM endpoint_retries r USING jsonb_array_elements_text(work -> 'done') AS d (held)
    WHERE r.endpoint_id = this_endpoint AND r.held = d.held;
    INSERT INTO endpoint_retries AS r (endpoint_id, held, lane, position, attempts, next_at, failure, gap)
    SELECT this_endpoint, n.held, n.lane, n.position, n.attempts, now() + n.wait_ms * interval '1 millisecond', n.failure,
        ARRAY (SELECT jsonb_array_elements_text(n.gap))
    FROM jsonb_to_recordset(work -> 'retries') AS n (held text, lane smallint, position text, attempts integer, wait_ms bigint, failure text, gap jsonb)
    ON CONFLICT (endpoint_id, held) DO UPDATE SET position = excluded.position, attempts = excluded.attempts, next_at = excluded.next_at,
        failure = excluded.failure, gap = excluded.gap,
        since = CASE WHEN excluded.position = r.position THEN r.since ELSE excluded.since END;
    INSERT INTO endpoint_dead_letters (endpoint_id, event_id, subject, kind, lane, position, attempts, failure)
    SELECT this_endpoint, n.event_id, n.subject, n.kind, n.lane, n.position, n.attempts, n.failure
    FROM jsonb_populate_recordset(NULL::endpoint_dead_letters, work -> 'dead') AS n
    ON CONFLICT (endpoint_id, event_id) DO UPDATE SET attempts = excluded.attempts, failure = excluded.failure, dead_at = excluded.dead_at;
    INSERT INTO endpoint_deliveries (endpoint_id, event_id, subject, kind, attempt, delivered, status, took_ms, answer)
    SELECT this_endpoint, n.event_id, n.subject, n.kind, n.attempt, n.delivered, n.status, n.took_ms, n.answer
    FROM jsonb_populate_recordset(NULL::endpoint_deliveries, work -> 'attempts') AS n;
    -- What a person had sent again has arrived after all.
    DELETE FROM endpoint_dead_letters d USING jsonb_populate_recordset(NULL::endpoint_deliveries, work -> 'attempts') AS n
    WHERE d.endpoint_id = this_endpoint AND d.event_id = n.event_id AND n.delivered;
    SELECT count(*) FILTER (WHERE n.delivered), count(*) FILTER (WHERE NOT n.delivered) INTO arrived, failures
    FROM jsonb_populate_recordset(NULL::endpoint_deliveries, work -> 'attempts') AS n;
    IF arrived + failures > 0 OR work -> 'gone' = 'true' THEN
        UPDATE endpoints e SET delivered = e.delivered + arrived, failed = e.failed + failures,
            last_delivered_at = CASE WHEN arrived > 0 THEN now() ELSE e.last_delivered_at END,
            last_failed_at = CASE WHEN failures > 0 THEN now() ELSE e.last_failed_at END,
            last_failure = coalesce(work ->> 'failure', e.last_failure),
            failing_since = CASE WHEN arrived > 0 THEN NULL WHEN failures > 0 THEN coalesce(e.failing_since, now()) ELSE e.failing_since END,
            left_alone_until = CASE WHEN work -> 'leave_alone_ms' <> 'null'
                THEN now() + (work ->> 'leave_alone_ms')::bigint * interval '1 millisecond' ELSE e.left_alone_until END
        WHERE e.endpoint_id = this_endpoint;
        UPDATE endpoints e SET status = 'disabled', version = e.version + 1, disabled_because = CASE WHEN work -> 'gone' = 'true' THEN 'the receiver said 410 Gone'
            ELSE 'nothing has arrived for 5 days' END
        WHERE e.endpoint_id = this_endpoint AND (work -> 'gone' = 'true' OR e.failing_since < now() - interval '5 days');
    END IF;
    RETURN true;
END $$;
