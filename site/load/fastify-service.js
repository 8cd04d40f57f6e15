// `POST /orders` of the service with Fastify and `pg`. `DATABASE_URL` is the database, `PORT`
// the port, `JWT_SECRET` the secret of the tokens, and `SHOP_URL` the address in them.

import { createHash } from "node:crypto";
import Fastify from "fastify";
import pg from "pg";
import { verifier } from "./token.js";

// By default, `pg` returns a bigint as a string. Those of this service are small enough.
pg.types.setTypeParser(pg.types.builtins.INT8, Number);

const pool = new pg.Pool({
  connectionString: process.env.DATABASE_URL,
  max: 10,
  connectionTimeoutMillis: 3000,
  statement_timeout: 5000,
});
pool.on("error", (error) => console.error(error));
const customerOf = verifier(process.env.JWT_SECRET, process.env.SHOP_URL);
const app = Fastify({
  ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
});

class Rejected extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

// The SQL of `code/service/src/orders/postgres.rs`. A query with a name is prepared once for
// each connection, as sqlx does with every query.
const claimKey = {
  name: "claim-key",
  text: `INSERT INTO idempotency_keys (customer_id, key, fingerprint, created_at)
         VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
};
const selectAnswer = {
  name: "select-answer",
  text: `SELECT fingerprint, status, location, body FROM idempotency_keys
         WHERE customer_id = $1 AND key = $2`,
};
const lockItems = {
  name: "lock-items",
  text: `SELECT id, name, price_cents, stock, version FROM items
         WHERE id = ANY($1) ORDER BY id FOR UPDATE`,
};
const storeStock = {
  name: "store-stock",
  text: `UPDATE items SET stock = changed.stock, version = items.version + 1
         FROM unnest($1::text[], $2::bigint[]) AS changed (id, stock)
         WHERE items.id = changed.id`,
};
const insertOrder = {
  name: "insert-order",
  text: `INSERT INTO orders (customer_id, note, total_cents, status, placed_at)
         VALUES ($1, $2, $3, $4, $5) RETURNING id`,
};
const insertLines = {
  name: "insert-lines",
  text: `INSERT INTO order_lines
             (order_id, position, item_id, name, quantity, unit_price_cents)
         SELECT $1, position, item_id, name, quantity, unit_price_cents
         FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[])
             WITH ORDINALITY
             AS line (item_id, name, quantity, unit_price_cents, position)`,
};
const storeAnswer = {
  name: "store-answer",
  text: `UPDATE idempotency_keys SET status = $3, location = $4, body = $5
         WHERE customer_id = $1 AND key = $2`,
};

async function repeatAnswer(client, customer, key, fingerprint) {
  const { rows } = await client.query({ ...selectAnswer, values: [customer, key] });
  if (rows.length === 0) throw new Rejected(503, "Try again");
  if (!fingerprint.equals(rows[0].fingerprint)) {
    throw new Rejected(422, "Another order has this idempotency-key");
  }
  return rows[0];
}

async function takeStock(client, lines) {
  const ids = lines.map((line) => line.item);
  const { rows } = await client.query({ ...lockItems, values: [ids] });
  const items = new Map(rows.map((item) => [item.id, item]));
  for (const { item: id, quantity } of lines) {
    const item = items.get(id);
    if (!item) throw new Rejected(422, "item must be the id of an item on the menu");
    if (item.stock < quantity) throw new Rejected(409, `Not enough left: ${item.name}`);
    item.stock -= quantity;
  }
  const stock = ids.map((id) => items.get(id).stock);
  await client.query({ ...storeStock, values: [ids, stock] });
  return items;
}

async function placeInTransaction(client, customer, key, fingerprint, { lines, note }) {
  const now = Date.now();
  await client.query("SET LOCAL lock_timeout = '4s'");
  const claimed = await client.query({
    ...claimKey,
    values: [customer, key, fingerprint, now],
  });
  if (claimed.rowCount === 0) return repeatAnswer(client, customer, key, fingerprint);

  const items = await takeStock(client, lines);
  const sold = lines.map(({ item, quantity }) => {
    const { name, price_cents: unitPrice } = items.get(item);
    return { item, name, quantity, unit_price_cents: unitPrice };
  });
  const total = sold.reduce((sum, line) => sum + line.quantity * line.unit_price_cents, 0);
  const inserted = await client.query({
    ...insertOrder,
    values: [customer, note ?? null, total, "placed", now],
  });
  const { id } = inserted.rows[0];
  await client.query({
    ...insertLines,
    values: [
      id,
      sold.map((line) => line.item),
      sold.map((line) => line.name),
      sold.map((line) => line.quantity),
      sold.map((line) => line.unit_price_cents),
    ],
  });
  const order = {
    id,
    customer: Number(customer),
    lines: sold,
    note,
    total_cents: total,
    status: "placed",
    placed_at: new Date(now).toISOString(),
  };
  const answer = {
    status: 201,
    location: `/orders/${id}`,
    body: JSON.stringify(order),
  };
  const { status, location, body } = answer;
  await client.query({ ...storeAnswer, values: [customer, key, status, location, body] });
  return answer;
}

async function place(customer, key, request) {
  const lines = request.lines.map(({ item, quantity }) => `${item} ${quantity}\n`);
  const hashed = lines.join("") + (request.note ?? "");
  const fingerprint = createHash("sha256").update(hashed).digest();
  const client = await pool.connect();
  let failure;
  try {
    await client.query("BEGIN");
    const answer = await placeInTransaction(client, customer, key, fingerprint, request);
    await client.query("COMMIT");
    return answer;
  } catch (error) {
    try {
      await client.query("ROLLBACK");
    } catch (rollbackError) {
      failure = rollbackError;
    }
    throw error;
  } finally {
    // With an error, the pool closes the connection.
    client.release(failure);
  }
}

// `\S` because a text of nothing but spaces is empty after it was trimmed.
const body = {
  type: "object",
  additionalProperties: false,
  required: ["lines"],
  properties: {
    lines: {
      type: "array",
      minItems: 1,
      maxItems: 20,
      items: {
        type: "object",
        additionalProperties: false,
        required: ["item", "quantity"],
        properties: {
          item: { type: "string", pattern: "^[a-z0-9-]{1,50}$" },
          quantity: { type: "integer", minimum: 1, maximum: 10 },
        },
      },
    },
    note: { type: ["string", "null"], maxLength: 200, pattern: "\\S" },
  },
};
const headers = {
  type: "object",
  required: ["idempotency-key"],
  properties: { "idempotency-key": { type: "string", pattern: "^[!-~]{1,255}$" } },
};

async function authenticate(request) {
  const [scheme, token] = (request.headers.authorization ?? "").split(" ");
  const isBearer = scheme.toLowerCase() === "bearer" && token;
  request.customer = isBearer ? customerOf(token) : undefined;
  if (request.customer === undefined) throw new Rejected(401, "Sign in");
}

app.decorateRequest("customer", undefined);
const options = { schema: { body, headers }, onRequest: authenticate };
app.post("/orders", options, async (request, reply) => {
  const { lines, note } = request.body;
  const items = new Set(lines.map((line) => line.item));
  if (items.size < lines.length) throw new Rejected(422, "Two lines have the same item");
  const order = { lines, note: note?.trim() };
  const key = request.headers["idempotency-key"];
  const answer = await place(request.customer, key, order);
  reply.code(answer.status).header("location", answer.location);
  return reply.type("application/json").send(answer.body);
});

app.get("/health/live", () => ({ status: "live" }));

app.setErrorHandler((error, request, reply) => {
  let status = error instanceof Rejected ? error.status : (error.statusCode ?? 500);
  if (error.validationContext === "body") status = 422;
  if (status >= 500) console.error(error);
  const detail = status >= 500 ? "This is the server's fault" : error.message;
  const problem = JSON.stringify({ type: "about:blank", status, detail });
  reply.code(status).type("application/problem+json").send(problem);
});
app.addHook("onClose", () => pool.end());

// The service also connects before it answers its first request.
await pool.query("SELECT 1");
await app.listen({ port: Number(process.env.PORT), host: "127.0.0.1" });
process.on("SIGTERM", () => app.close());
