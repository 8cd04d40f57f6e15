-- For the filters of the list of orders. The id is the last column, because each
-- page is sorted by id.
CREATE INDEX orders_by_customer ON orders (customer, id);
CREATE INDEX orders_by_item ON orders (item, id);
