// The menu and the orders of the shop with Express. `DATABASE` is the file, `PORT` the port.

import express from "express";
import { Rejected, openStore } from "./shop-store.js";

const store = openStore(process.env.DATABASE);
const app = express();
app.disable("x-powered-by");
// The shop and Fastify send no entity tags, and a hash of each body takes time.
app.disable("etag");
app.use(express.json({ limit: "16kb" }));

const FIELDS = new Set(["customer", "item", "quantity", "note", "table"]);

const isObject = (value) =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function isWithin(value, min, max) {
  return Number.isInteger(value) && value >= min && value <= max;
}

/** Trims a text. Returns `undefined` if it isn't one of 1 to `max` characters. */
function text(value, max) {
  if (typeof value !== "string") return undefined;
  const trimmed = value.trim();
  // `length` counts UTF-16 code units, of which an emoji has two.
  const length = [...trimmed].length;
  return length >= 1 && length <= max ? trimmed : undefined;
}

/** Returns a valid order and the list of mistakes, one of which is empty. */
function parseOrder(body) {
  if (!isObject(body)) return [undefined, ["the body must be an object"]];
  const mistakes = [];
  for (const field of Object.keys(body)) {
    if (!FIELDS.has(field)) mistakes.push(`unknown field ${field}`);
  }
  const customer = text(body.customer, 100);
  if (customer === undefined) mistakes.push("customer must have 1 to 100 characters");
  if (typeof body.item !== "string") mistakes.push("item must be a string");
  if (!isWithin(body.quantity, 1, 10)) mistakes.push("quantity must be from 1 to 10");
  const note = body.note == null ? undefined : text(body.note, 200);
  if (body.note != null && note === undefined) {
    mistakes.push("note must have 1 to 200 characters");
  }
  const table = body.table ?? undefined;
  if (table !== undefined && !isWithin(table, 1, 12)) {
    mistakes.push("table must be from 1 to 12");
  }
  const { item, quantity } = body;
  return [{ customer, item, quantity, note, table }, mistakes];
}

function sendProblem(res, status, detail) {
  const problem = JSON.stringify({ type: "about:blank", status, detail });
  res.status(status).type("application/problem+json").send(problem);
}

app.get("/menu", (req, res) => {
  const { max_price: maxPrice } = req.query;
  if (maxPrice !== undefined && !/^\d{1,9}$/.test(maxPrice)) {
    return sendProblem(res, 400, "max_price must be a number of cents");
  }
  res.json(store.menu(maxPrice === undefined ? undefined : Number(maxPrice)));
});

app.post("/orders", (req, res) => {
  const [request, mistakes] = parseOrder(req.body);
  if (mistakes.length > 0) return sendProblem(res, 422, mistakes.join("; "));
  const order = store.place(request);
  res.status(201).location(`/orders/${order.id}`).json(order);
});

app.use((req, res) => sendProblem(res, 404, "There is nothing at this path"));

// Express recognizes an error handler by its four parameters.
app.use((error, req, res, next) => {
  if (res.headersSent) return next(error);
  if (error instanceof Rejected || error.expose) {
    return sendProblem(res, error.status, error.message);
  }
  console.error(error);
  sendProblem(res, 500, "This is the server's fault");
});

const server = app.listen(Number(process.env.PORT), "127.0.0.1", (error) => {
  if (error) throw error;
});
process.on("SIGTERM", () => {
  server.close(() => store.close());
});
