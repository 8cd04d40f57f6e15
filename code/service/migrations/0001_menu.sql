-- The menu with its stock. PostgreSQL has no unsigned numbers, so each CHECK enforces the
-- range that the program relies on when it reads a row.
CREATE TABLE items (
    id          text PRIMARY KEY,
    name        text NOT NULL,
    price_cents bigint NOT NULL CHECK (price_cents BETWEEN 0 AND 1000000),
    stock       bigint NOT NULL CHECK (stock BETWEEN 0 AND 4294967295),
    version     bigint NOT NULL DEFAULT 1 CHECK (version > 0)
);

INSERT INTO items (id, name, price_cents, stock) VALUES
    ('croissant', 'Croissant', 290, 1),
    ('espresso', 'Espresso', 250, 40),
    ('flat-white', 'Flat white', 380, 30),
    ('muffin', 'Muffin', 310, 4),
    ('tea', 'Tea', 220, 20);
