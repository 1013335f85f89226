-- What the rules say of a return's statuses: see 0014_words.sql.
CREATE TABLE return_statuses (
    status text COLLATE "C" PRIMARY KEY,
    -- Goods may still come under its label.
    awaits_goods boolean NOT NULL
);

-- Labels of returns that awaited nothing any more have stayed open.
UPDATE parcels p SET ended_at = r.updated_at FROM returns r
WHERE r.return_id = p.parcel_id AND p.ended_at IS NULL
    AND r.status NOT IN ('requested', 'approved', 'label_sent', 'in_transit', 'partially_received');
