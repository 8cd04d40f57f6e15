-- The tables of the shop have got tablets. An order without a table is to go.
ALTER TABLE orders ADD COLUMN table_number INTEGER;
