-- For two filters of the list of orders. SQLite ends each entry of an index with the id,
-- so the orders of a customer are sorted by id, as each page is. There is no index for
-- the status: most orders have the same one, so enough of them for a page are soon found.
CREATE INDEX orders_by_customer ON orders (customer);
CREATE INDEX orders_by_item ON orders (item);
