-- Takes messages to orders that are due, the longest due first. Nobody else gets them until the lease ends.
CREATE OR REPLACE FUNCTION claim_inbox(most bigint, lease_s double precision) RETURNS SETOF order_inbox LANGUAGE sql AS $$
    WITH due AS (
        SELECT d.message_id FROM order_inbox d WHERE d.dead_at IS NULL AND d.leased_until <= now()
        ORDER BY d.leased_until, d.message_id LIMIT most FOR UPDATE SKIP LOCKED
    ), claimed AS (
        UPDATE order_inbox m SET leased_until = now() + make_interval(secs => lease_s), attempts = m.attempts + 1
        FROM due WHERE m.message_id = due.message_id
        RETURNING m.*
    )
    SELECT * FROM claimed ORDER BY message_id;
$$;

-- Keeps what carriers have reported, and takes what orders are told of it in the same transaction: whoever has heard it tells them.
CREATE OR REPLACE FUNCTION accept_and_claim(asked jsonb, OUT results text[], OUT messages jsonb) LANGUAGE plpgsql AS $$
BEGIN
    results := accept_carrier_events(asked -> 'events');
    SELECT coalesce(jsonb_agg(to_jsonb(c) ORDER BY c.message_id), '[]') INTO messages
    FROM claim_inbox((asked -> 'most')::bigint, (asked -> 'lease_s')::double precision) AS c;
END $$;
