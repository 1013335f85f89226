-- Finds the approval of just this thing, by this person, that stands; pending, approved or declined.
CREATE OR REPLACE FUNCTION standing_approval(asked jsonb) RETURNS approvals LANGUAGE sql STABLE AS $$
    SELECT a FROM approvals a
    WHERE coalesce(a.order_id, '') = coalesce(asked ->> 'order_id', '') AND a.asked_by ->> 'id' = asked #>> '{by,id}' AND a.expires_at > now()
        AND a.status <> 'used' AND (a.kind, a.what) = (asked ->> 'kind', asked ->> 'what')
        AND (a.amount_minor, a.currency, a.orders, a.order_version) IS NOT DISTINCT FROM
            ((asked ->> 'amount_minor')::bigint, asked ->> 'currency', (asked ->> 'orders')::bigint, (asked ->> 'order_version')::bigint)
    ORDER BY a.asked_at DESC LIMIT 1;
$$;

-- Asks a second person, unless that was done. Answers the approval.
CREATE OR REPLACE FUNCTION ask_approval(asked jsonb) RETURNS approvals LANGUAGE plpgsql AS $$
DECLARE
    found approvals;
BEGIN
    -- Of two at once, the second finds the first.
    PERFORM pg_advisory_xact_lock(20254, hashtext(concat_ws('/', asked ->> 'order_id', asked #>> '{by,id}', asked ->> 'what')));
    found := standing_approval(asked);
    IF found.approval_id IS NOT NULL THEN
        RETURN found;
    END IF;
    INSERT INTO approvals (approval_id, kind, order_id, what, amount_minor, currency, orders, order_version, asked_by, expires_at)
    VALUES (asked ->> 'approval_id', asked ->> 'kind', asked ->> 'order_id', asked ->> 'what', (asked ->> 'amount_minor')::bigint,
        asked ->> 'currency', (asked ->> 'orders')::bigint, (asked ->> 'order_version')::bigint, asked -> 'by',
        now() + make_interval(secs => (asked ->> 'approval_s')::bigint))
    RETURNING * INTO found;
    RETURN found;
END $$;

-- Adds what is given to what was given before, where there is room for all of it. False: there is not, and nothing has changed.
CREATE OR REPLACE FUNCTION add_giving(asked jsonb, of_day date, is_approved boolean) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    bounds giving_limits;
    amount bigint := (asked ->> 'amount_minor')::bigint;
BEGIN
    IF NOT is_approved THEN
        SELECT * INTO bounds FROM giving_limits l WHERE l.currency = asked ->> 'currency';
    END IF;
    INSERT INTO given_by_actor (actor_id, day, currency) VALUES (asked #>> '{by,id}', of_day, asked ->> 'currency') ON CONFLICT DO NOTHING;
    UPDATE given_by_actor g SET amount_minor = g.amount_minor + amount
    WHERE (g.actor_id, g.day, g.currency) = (asked #>> '{by,id}', of_day, asked ->> 'currency')
        AND (bounds.per_day_minor IS NULL OR g.amount_minor + amount <= bounds.per_day_minor);
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO given_on_order (order_id) VALUES (asked ->> 'order_id') ON CONFLICT DO NOTHING;
    UPDATE given_on_order g SET amount_minor = g.amount_minor + amount
    WHERE g.order_id = asked ->> 'order_id' AND (bounds.per_order_minor IS NULL OR g.amount_minor + amount <= bounds.per_order_minor);
    IF NOT FOUND THEN
        UPDATE given_by_actor g SET amount_minor = g.amount_minor - amount
        WHERE (g.actor_id, g.day, g.currency) = (asked #>> '{by,id}', of_day, asked ->> 'currency');
        RETURN false;
    END IF;
    RETURN true;
END $$;

-- Counts what is about to be given, once however often its command comes. NULL: it may be; else the approval that it needs.
CREATE OR REPLACE FUNCTION count_giving(asked jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    today date := (now() AT TIME ZONE 'UTC')::date;
    approval approvals;
BEGIN
    INSERT INTO givings (order_id, command_id, actor_id, day, currency, amount_minor)
    VALUES (asked ->> 'order_id', asked ->> 'command_id', asked #>> '{by,id}', today, asked ->> 'currency', (asked ->> 'amount_minor')::bigint)
    ON CONFLICT DO NOTHING;
    IF NOT FOUND OR add_giving(asked, today, false) THEN
        RETURN NULL;
    END IF;
    approval := ask_approval(asked);
    IF approval.status = 'approved' AND add_giving(asked, today, true) THEN
        UPDATE approvals a SET status = 'used' WHERE a.approval_id = approval.approval_id;
        UPDATE givings g SET approval_id = approval.approval_id
        WHERE (g.order_id, g.command_id) = (asked ->> 'order_id', asked ->> 'command_id');
        RETURN NULL;
    END IF;
    DELETE FROM givings g WHERE (g.order_id, g.command_id) = (asked ->> 'order_id', asked ->> 'command_id');
    RETURN to_jsonb(approval);
END $$;

-- Its order has refused the command: nothing was given, and what had let it through may be used again.
CREATE OR REPLACE FUNCTION take_back_giving(of_order text, of_command text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    gone givings;
BEGIN
    DELETE FROM givings g WHERE (g.order_id, g.command_id) = (of_order, of_command) RETURNING * INTO gone;
    UPDATE given_by_actor g SET amount_minor = g.amount_minor - gone.amount_minor
    WHERE (g.actor_id, g.day, g.currency) = (gone.actor_id, gone.day, gone.currency);
    UPDATE given_on_order g SET amount_minor = g.amount_minor - gone.amount_minor WHERE g.order_id = gone.order_id;
    UPDATE approvals a SET status = 'approved' WHERE a.approval_id = gone.approval_id AND a.status = 'used';
END $$;

-- Uses the approval of something that no money says the size of. NULL: it may be done; else the approval that it needs.
CREATE OR REPLACE FUNCTION use_approval(asked jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    approval approvals := ask_approval(asked);
BEGIN
    UPDATE approvals a SET status = 'used' WHERE a.approval_id = approval.approval_id AND a.status = 'approved';
    RETURN CASE WHEN NOT FOUND THEN to_jsonb(approval) END;
END $$;
