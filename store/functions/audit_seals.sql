-- A row of the trail as it is sealed: the same text on every server and in every session.
CREATE OR REPLACE FUNCTION audit_line(t audit) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_array(t.audit_id, extract(epoch FROM t.at), t.actor_kind, t.actor_id, t.station_id, t.request_id, t.action, t.subject,
        t.detail)::text;
$$;

-- The root over some rows and the root before them: SHA-256 over that one and the SHA-256 of each line, all in hexadecimal digits.
CREATE OR REPLACE FUNCTION audit_root(before text, after_id bigint, through_id bigint) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT encode(sha256(convert_to(before || coalesce(
        string_agg(encode(sha256(convert_to(audit_line(t), 'UTF8')), 'hex'), '' ORDER BY t.audit_id), ''), 'UTF8')), 'hex')
    FROM audit t WHERE t.audit_id > after_id AND t.audit_id <= through_id;
$$;

-- Seals what is new, at most so many rows, and answers the newest seal; null, while there is none. Whoever is writing is waited for, and not
-- for long: ids are given before rows are seen. Runs as the tables' owner, which a server need not be.
CREATE OR REPLACE FUNCTION seal_audit(most bigint) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
SET lock_timeout = '200ms' AS $$
DECLARE
    last audit_seals;
    through bigint;
BEGIN
    SELECT * INTO last FROM audit_seals ORDER BY through_audit_id DESC LIMIT 1;
    IF EXISTS (SELECT FROM audit t WHERE t.audit_id > coalesce(last.through_audit_id, 0)) THEN
        LOCK TABLE audit IN SHARE ROW EXCLUSIVE MODE;
        SELECT * INTO last FROM audit_seals ORDER BY through_audit_id DESC LIMIT 1;
        SELECT max(t.audit_id) INTO through FROM (
            SELECT audit_id FROM audit WHERE audit_id > coalesce(last.through_audit_id, 0) ORDER BY audit_id LIMIT most) AS t;
        IF through IS NOT NULL THEN
            INSERT INTO audit_seals (through_audit_id, after_audit_id, root)
            SELECT through, coalesce(last.through_audit_id, 0), audit_root(coalesce(last.root, ''), coalesce(last.through_audit_id, 0), through)
            RETURNING * INTO last;
        END IF;
    END IF;
    RETURN CASE WHEN last.root IS NOT NULL THEN to_jsonb(last) END;
END $$;
