// The menu and the orders of the shop with Fastify. `DATABASE` is the file, `PORT` the port.

import Fastify from "fastify";
import { Rejected, openStore } from "./shop-store.js";

const store = openStore(process.env.DATABASE);
const app = Fastify({
  bodyLimit: 16 * 1024,
  ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
});

const menuQuery = {
  type: "object",
  additionalProperties: false,
  properties: { max_price: { type: "string", pattern: "^[0-9]{1,9}$" } },
};

const item = {
  type: "object",
  properties: {
    id: { type: "string" },
    name: { type: "string" },
    price_cents: { type: "integer" },
    stock: { type: "integer" },
  },
};

// `\S` because a text of nothing but spaces is empty after it was trimmed.
const orderRequest = {
  type: "object",
  additionalProperties: false,
  required: ["customer", "item", "quantity"],
  properties: {
    customer: { type: "string", maxLength: 100, pattern: "\\S" },
    item: { type: "string" },
    quantity: { type: "integer", minimum: 1, maximum: 10 },
    note: { type: ["string", "null"], maxLength: 200, pattern: "\\S" },
    table: { type: ["integer", "null"], minimum: 1, maximum: 12 },
  },
};

const order = {
  type: "object",
  properties: {
    id: { type: "integer" },
    customer: { type: "string" },
    item: { type: "string" },
    item_name: { type: "string" },
    unit_price_cents: { type: "integer" },
    quantity: { type: "integer" },
    note: { type: "string" },
    table: { type: "integer" },
    total_cents: { type: "integer" },
    status: { type: "string" },
    placed_at: { type: "string" },
  },
};

const menuSchema = {
  querystring: menuQuery,
  response: { 200: { type: "array", items: item } },
};
app.get("/menu", { schema: menuSchema }, (request) => {
  const { max_price: maxPrice } = request.query;
  return store.menu(maxPrice === undefined ? undefined : Number(maxPrice));
});

const orderSchema = { body: orderRequest, response: { 201: order } };
app.post("/orders", { schema: orderSchema }, (request, reply) => {
  const { customer, item, quantity, note, table } = request.body;
  const placed = store.place({
    customer: customer.trim(),
    item,
    quantity,
    note: note?.trim(),
    table: table ?? undefined,
  });
  reply.code(201).header("location", `/orders/${placed.id}`).send(placed);
});

app.setErrorHandler((error, request, reply) => {
  let status = error instanceof Rejected ? error.status : (error.statusCode ?? 500);
  if (error.validationContext === "body") status = 422;
  if (status >= 500) console.error(error);
  const detail = status >= 500 ? "This is the server's fault" : error.message;
  const problem = JSON.stringify({ type: "about:blank", status, detail });
  reply.code(status).type("application/problem+json").send(problem);
});
app.addHook("onClose", () => store.close());

await app.listen({ port: Number(process.env.PORT), host: "127.0.0.1" });
process.on("SIGTERM", () => app.close());
