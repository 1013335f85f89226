-- Where the reconciler left off: one row at most.
CREATE TABLE reconciliation (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    through text NOT NULL,
    unsound text[] NOT NULL,
    ended_at timestamptz NOT NULL DEFAULT now()
);
