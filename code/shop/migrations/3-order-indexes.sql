-- For the filters of the list of orders. The id comes last, since pages are read in the
-- sequence of the ids.
CREATE INDEX orders_by_customer ON orders (customer, id);
CREATE INDEX orders_by_item ON orders (item, id);
