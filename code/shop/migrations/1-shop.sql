-- The menu with its stock, and the orders. Each CHECK holds a range that the program
-- relies on when it reads a row, even if another program wrote that row.
-- ANCHOR: application-id
-- The file belongs to this program: see `APPLICATION_ID` in `src/repository/sqlite.rs`.
PRAGMA application_id = 0x73686f70;
-- ANCHOR_END: application-id

-- ANCHOR: items
CREATE TABLE items (
    position    INTEGER PRIMARY KEY AUTOINCREMENT, -- the item's place on the menu
    id          TEXT NOT NULL UNIQUE,
    name        TEXT NOT NULL,
    price_cents INTEGER NOT NULL CHECK (price_cents BETWEEN 0 AND 4294967295),
    stock       INTEGER NOT NULL CHECK (stock BETWEEN 0 AND 4294967295)
) STRICT;
-- ANCHOR_END: items

-- An order keeps the name and the price that it was placed with, so that the menu can
-- change without changing it. That's why `item` is not a foreign key.
-- ANCHOR: orders
CREATE TABLE orders (
    id               INTEGER PRIMARY KEY AUTOINCREMENT -- ids are never reused
        CHECK (id > 0),
    customer         TEXT NOT NULL,
    item             TEXT NOT NULL,
    item_name        TEXT NOT NULL,
    unit_price_cents INTEGER NOT NULL
        CHECK (unit_price_cents BETWEEN 0 AND 4294967295),
    quantity         INTEGER NOT NULL CHECK (quantity BETWEEN 1 AND 10),
    total_cents      INTEGER NOT NULL CHECK (total_cents BETWEEN 0 AND 4294967295),
    note             TEXT,
    status           TEXT NOT NULL CHECK (status IN ('placed', 'canceled')),
    placed_at        INTEGER NOT NULL -- milliseconds since 1970, in UTC
        CHECK (placed_at BETWEEN 0 AND 253402207200000)
) STRICT;
-- ANCHOR_END: orders

INSERT INTO items (id, name, price_cents, stock) VALUES
    ('espresso', 'Espresso', 250, 40),
    ('flat-white', 'Flat white', 380, 30),
    ('tea', 'Tea', 220, 20),
    ('croissant', 'Croissant', 290, 1),
    ('muffin', 'Muffin', 310, 4);
