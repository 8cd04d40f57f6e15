-- The menu with its stock, and the orders.
CREATE TABLE items (
    position    INTEGER PRIMARY KEY, -- on the menu
    id          TEXT NOT NULL UNIQUE,
    name        TEXT NOT NULL,
    price_cents INTEGER NOT NULL CHECK (price_cents BETWEEN 0 AND 1000000),
    stock       INTEGER NOT NULL CHECK (stock >= 0)
) STRICT;

CREATE TABLE orders (
    id          INTEGER PRIMARY KEY, -- SQLite counts
    customer    TEXT NOT NULL,
    item        TEXT NOT NULL REFERENCES items (id),
    quantity    INTEGER NOT NULL CHECK (quantity > 0),
    note        TEXT,
    total_cents INTEGER NOT NULL CHECK (total_cents >= 0),
    placed_at   TEXT NOT NULL -- RFC 3339, in UTC
) STRICT;

INSERT INTO items (id, name, price_cents, stock) VALUES
    ('espresso', 'Espresso', 250, 40),
    ('flat-white', 'Flat white', 380, 30),
    ('tea', 'Tea', 220, 20),
    ('croissant', 'Croissant', 290, 1),
    ('muffin', 'Muffin', 310, 4);
