-- Whose scans an account brings, and in which currencies it places orders; NULL: all.
ALTER TABLE accounts ADD COLUMN carriers text[], ADD COLUMN currencies text[];
