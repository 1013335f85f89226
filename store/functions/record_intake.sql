-- Announces an order that is about to be taken in, in the one transaction that placing it costs; `wants` is what it asks for, for prices of
-- stock, `names` what others call it: it fails when another order has one of them; `lookups` hashes of what people call it. `keyed`, if it is not null, is the caller's key with the answer to it, which is kept here: its status is 201 for an order that
-- nobody has announced before, else 200. Answers
--   first   whether it is announced for the first time; null, once the order has recorded something,
--   status  the one under the key,
--   known   whether the key was there with this body,
-- or status 0, with nothing changed: the key is another body's.
CREATE OR REPLACE FUNCTION announce_intake(for_order text, email_hash text, wants jsonb, keyed jsonb, names jsonb, lookups text[],
    OUT first boolean, OUT status integer, OUT known boolean) LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO pending_intakes AS p (order_id, customer_email_hash)
    SELECT for_order, email_hash WHERE NOT EXISTS (SELECT FROM orders o WHERE o.order_id = for_order)
    ON CONFLICT (order_id) DO UPDATE SET received_at = now() RETURNING p.xmax = 0 INTO first;
    IF keyed <> 'null' THEN
        SELECT k.status, k.known INTO status, known FROM keep_placed(keyed, CASE WHEN first THEN 201 ELSE 200 END) AS k;
        IF status = 0 THEN
            DELETE FROM pending_intakes p WHERE first AND p.order_id = for_order;
            RETURN;
        END IF;
    END IF;
    IF first THEN
        INSERT INTO order_names (channel, system, name, order_id)
        SELECT n.channel, n.system, n.name, for_order FROM jsonb_populate_recordset(NULL::order_names, names) AS n;
        INSERT INTO order_lookups (hash, order_id) SELECT DISTINCT hash, for_order FROM unnest(lookups) AS hash ON CONFLICT DO NOTHING;
        INSERT INTO recent_demand (order_id, sku, country, latitude, longitude, quantity, placed_at)
        SELECT for_order, d.sku, d.country, d.latitude, d.longitude, d.quantity, d.placed_at
        FROM jsonb_populate_recordset(NULL::recent_demand, wants) AS d;
    END IF;
END $$;

-- The same for a build that knows of no lookups.
CREATE OR REPLACE FUNCTION announce_intake(for_order text, email_hash text, wants jsonb, keyed jsonb, names jsonb,
    OUT first boolean, OUT status integer, OUT known boolean) LANGUAGE sql AS $$
    SELECT * FROM announce_intake(for_order, email_hash, wants, keyed, names, '{}'::text[]);
$$;

-- Keeps the answer to placing an order under its key, unless the key is in use: then says with which status, or 0 for another body.
CREATE OR REPLACE FUNCTION keep_placed(keyed jsonb, as_status integer, OUT status integer, OUT known boolean) LANGUAGE plpgsql AS $$
DECLARE
    asked idempotency_keys := jsonb_populate_record(NULL::idempotency_keys, keyed);
BEGIN
    INSERT INTO idempotency_keys AS k (caller, route, key, body_hash, leased_until, status, headers, body)
    VALUES (asked.caller, asked.route, asked.key, asked.body_hash, now(), as_status, asked.headers, '')
    ON CONFLICT ON CONSTRAINT idempotency_keys_pkey DO UPDATE SET body_hash = excluded.body_hash, begun_at = now(), leased_until = now(),
        status = excluded.status, headers = excluded.headers, body = excluded.body
    WHERE k.begun_at < now() - interval '30 days'
        -- Left behind by a request that never finished.
        OR (k.status IS NULL AND k.leased_until < now() AND k.body_hash = excluded.body_hash);
    known := NOT FOUND;
    IF NOT known THEN
        status := as_status;
        RETURN;
    END IF;
    SELECT CASE WHEN k.body_hash = asked.body_hash THEN coalesce(k.status, as_status) ELSE 0 END INTO status
    FROM idempotency_keys k WHERE (k.caller, k.route, k.key) = (asked.caller, asked.route, asked.key);
END $$;
