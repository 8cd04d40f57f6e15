-- Orders. Times are in milliseconds since 1970-01-01T00:00:00Z.
CREATE TABLE orders (
    id          bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    customer_id bigint NOT NULL REFERENCES customers (id),
    note        text,
    total_cents bigint NOT NULL CHECK (total_cents BETWEEN 0 AND 4294967295),
    status      text NOT NULL
        CHECK (status IN ('placed', 'paid', 'made', 'collected', 'canceled')),
    placed_at   bigint NOT NULL
);

-- ANCHOR: order-indexes
-- The list of a customer's orders, and the list of all orders with one status. The newest
-- come first, and PostgreSQL can also read an index from its end.
CREATE INDEX orders_of_customer ON orders (customer_id, id);
CREATE INDEX orders_by_status ON orders (status, id);
-- ANCHOR_END: order-indexes

-- The name and the price are those from when the order was placed.
CREATE TABLE order_lines (
    order_id         bigint NOT NULL REFERENCES orders (id),
    position         bigint NOT NULL,
    item_id          text NOT NULL REFERENCES items (id),
    name             text NOT NULL,
    quantity         bigint NOT NULL CHECK (quantity BETWEEN 1 AND 10),
    unit_price_cents bigint NOT NULL CHECK (unit_price_cents BETWEEN 0 AND 1000000),
    PRIMARY KEY (order_id, position),
    UNIQUE (order_id, item_id)
);

-- The responses to orders that were placed. The columns of the response are NULL only inside
-- the transaction that places the order: it stores its key first, so that a second
-- transaction with the same key waits.
-- ANCHOR: idempotency-keys
CREATE TABLE idempotency_keys (
    customer_id bigint NOT NULL,
    key         text NOT NULL,
    fingerprint bytea NOT NULL,
    created_at  bigint NOT NULL,
    status      bigint,
    location    text,
    body        text,
    PRIMARY KEY (customer_id, key),
    CHECK (num_nulls(status, location, body) IN (0, 3))
);
-- ANCHOR_END: idempotency-keys

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
