-- What the console's pages ask for.

-- A name is looked for without the system that gave it.
CREATE INDEX order_names_by_name ON order_names (name);
-- A title by its beginning.
CREATE INDEX products_by_title ON products (lower(title) text_pattern_ops);

-- What scanners read off products: each code stands for so many units of one SKU. GTINs are kept with 14 digits.
CREATE TABLE product_barcodes (
    code text COLLATE "C" PRIMARY KEY,
    sku text COLLATE "C" NOT NULL CONSTRAINT barcodes_product_known REFERENCES products ON DELETE CASCADE,
    units bigint NOT NULL CONSTRAINT barcode_units_range CHECK (units > 0)
);
CREATE INDEX product_barcodes_by_sku ON product_barcodes (sku, code);

-- Where a position lies, and when the walk through the facility comes by.
CREATE TABLE bins (
    facility_id text COLLATE "C" NOT NULL CONSTRAINT bins_facility_known REFERENCES facilities,
    sku text COLLATE "C" NOT NULL CONSTRAINT bins_product_known REFERENCES products ON DELETE CASCADE,
    bin text NOT NULL,
    walk bigint NOT NULL CONSTRAINT bin_walk_range CHECK (walk >= 0),
    PRIMARY KEY (facility_id, sku)
);
