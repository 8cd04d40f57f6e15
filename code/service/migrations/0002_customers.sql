-- Accounts, and the sessions of those who have signed in. All times are in milliseconds since
-- 1970.
CREATE TABLE customers (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- The address as the customer wrote it, and in lower case. There is one account for each
    -- of the latter.
    email         text NOT NULL,
    email_key     text NOT NULL UNIQUE,
    name          text NOT NULL,
    password_hash text NOT NULL,
    role          text NOT NULL CHECK (role IN ('customer', 'barista')),
    created_at    bigint NOT NULL
);

CREATE TABLE sessions (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id bigint NOT NULL REFERENCES customers ON DELETE CASCADE,
    created_at  bigint NOT NULL,
    ended_at    bigint
);

CREATE INDEX sessions_customer_id ON sessions (customer_id);

-- ANCHOR: refresh-tokens
-- The refresh tokens of each session, including those that are already used, so that the
-- service notices when one is used again.
CREATE TABLE refresh_tokens (
    -- SHA-256: someone who reads this table can't sign in with it.
    hash       bytea PRIMARY KEY,
    session_id bigint NOT NULL REFERENCES sessions ON DELETE CASCADE,
    -- The token that was exchanged for this one.
    parent     bytea,
    -- When it was first exchanged.
    used_at    bigint,
    expires_at bigint NOT NULL
);
-- ANCHOR_END: refresh-tokens

CREATE INDEX refresh_tokens_session_id ON refresh_tokens (session_id);
CREATE INDEX refresh_tokens_parent ON refresh_tokens (parent);
CREATE INDEX refresh_tokens_expires_at ON refresh_tokens (expires_at);

-- How often somebody has tried to sign in since `first_at`, by the SHA-256 of the address in
-- lower case. There may be no account with this address.
CREATE TABLE sign_in_attempts (
    email_hash bytea PRIMARY KEY,
    attempts   bigint NOT NULL,
    first_at   bigint NOT NULL
);
