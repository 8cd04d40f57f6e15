-- Customers can now sit at tables. An order without a table number is for takeout.
ALTER TABLE orders
    ADD COLUMN table_number INTEGER CHECK (table_number BETWEEN 1 AND 12);
