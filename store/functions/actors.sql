-- Whose doing the rest of this transaction is. An absent one changes nothing; of one who is JSON's null it is the house's own.
CREATE OR REPLACE FUNCTION act_as(who jsonb) RETURNS void LANGUAGE plpgsql STRICT AS $$
BEGIN
    PERFORM set_config('oms.actor_kind', coalesce(who ->> 'kind', ''), true), set_config('oms.actor_id', coalesce(who ->> 'id', ''), true),
        set_config('oms.station_id', coalesce(who ->> 'station', ''), true),
        set_config('oms.request_id', coalesce(who ->> 'request_id', ''), true);
END $$;

-- As it is said, so is it shown.
CREATE OR REPLACE FUNCTION shown_by(actor_kind text, actor_id text, station_id text, request_id text) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN actor_kind IS NOT NULL THEN jsonb_strip_nulls(jsonb_build_object('kind', actor_kind, 'id', actor_id,
        'station', station_id, 'request_id', request_id)) END;
$$;
