-- The drinks that each customer likes best.
CREATE TABLE favorites (
    customer_id bigint NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
    item_id     text NOT NULL REFERENCES items (id),
    PRIMARY KEY (customer_id, item_id)
);
