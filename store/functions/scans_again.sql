-- Tells whose parcels have these numbers all that carriers have said of them, once more: a run that was lost, or put back, may have heard it
-- and recorded nothing. What was recorded means nothing when it is told again.
CREATE OR REPLACE FUNCTION tell_scans_again(numbers text[]) RETURNS void LANGUAGE sql AS $$
    SELECT tell_orders(ARRAY (SELECT e FROM carrier_events e
        WHERE e.tracking_key = ANY (ARRAY (SELECT tracking_key(n) FROM unnest(numbers) AS n)) AND NOT e.parked));
$$;
