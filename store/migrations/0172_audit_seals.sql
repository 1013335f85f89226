-- The audit trail's seals: each is a hash over the rows since the one before it, and over that one. Whoever changes a row changes every root
-- after it.
CREATE TABLE audit_seals (
    -- The last row that it covers.
    through_audit_id bigint PRIMARY KEY,
    -- The last row that the one before it covers.
    after_audit_id bigint NOT NULL CONSTRAINT audit_seals_are_a_chain UNIQUE,
    root text COLLATE "C" NOT NULL,
    sealed_at timestamptz NOT NULL DEFAULT now()
);
CREATE RULE audit_seals_keep_what_they_have AS ON UPDATE TO audit_seals DO INSTEAD NOTHING;
CREATE RULE audit_seals_keep_all_they_have AS ON DELETE TO audit_seals DO INSTEAD NOTHING;

CREATE INDEX audit_by_age ON audit (at);
