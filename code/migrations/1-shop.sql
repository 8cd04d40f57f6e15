-- The menu with its stock, and the orders.
CREATE TABLE items (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    price_cents INTEGER NOT NULL,
    stock       INTEGER NOT NULL
) STRICT;

CREATE TABLE orders (
    id           INTEGER PRIMARY KEY,
    customer     TEXT NOT NULL,
    item         TEXT NOT NULL REFERENCES items (id),
    quantity     INTEGER NOT NULL,
    note         TEXT,
    table_number INTEGER,
    total_cents  INTEGER NOT NULL,
    placed_at    TEXT NOT NULL -- RFC 3339, in UTC
) STRICT;
