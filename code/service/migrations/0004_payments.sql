-- The attempts to pay for orders. Times are in milliseconds since 1970-01-01T00:00:00Z.
CREATE TABLE payments (
    id               bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    reference        text NOT NULL UNIQUE,
    order_id         bigint NOT NULL REFERENCES orders (id),
    amount_cents     bigint NOT NULL CHECK (amount_cents BETWEEN 0 AND 4294967295),
    status           text NOT NULL CHECK (status IN (
        'creating', 'open', 'processing', 'expired',
        'paid', 'mismatched', 'refund_due', 'refunded'
    )),
    checkout_session text UNIQUE,
    url              text,
    payment_intent   text UNIQUE,
    created_at       bigint NOT NULL,
    expires_at       bigint NOT NULL,
    CHECK (num_nulls(checkout_session, url) IN (0, 2))
);

CREATE INDEX payments_of_order ON payments (order_id, id);

-- ANCHOR: one-payment
-- Even if the program has a bug, no order has two pages at the same time on which
-- somebody can pay, and no order is paid twice.
CREATE UNIQUE INDEX one_live_payment ON payments (order_id)
    WHERE status IN ('creating', 'open', 'processing');
CREATE UNIQUE INDEX one_paid_payment ON payments (order_id) WHERE status = 'paid';
-- ANCHOR_END: one-payment

-- ANCHOR: events
-- The events of Stripe that were recorded.
CREATE TABLE stripe_events (
    id          text PRIMARY KEY,
    received_at bigint NOT NULL
);
-- ANCHOR_END: events

CREATE INDEX stripe_events_by_age ON stripe_events (received_at);
