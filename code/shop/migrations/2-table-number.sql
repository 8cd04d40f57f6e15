-- The shop got tables. An order without a table number is to go.
ALTER TABLE orders
    ADD COLUMN table_number INTEGER CHECK (table_number BETWEEN 1 AND 12);
