// The small shop of the page "From Express to axum", with Express 5. The same shop with axum is
// examples/from-express.rs. `npm install` and `node shop.js`
// start it, send it requests, and print the responses.

// ANCHOR: app
import express from "express";

const app = express();
// ANCHOR_END: app

// ANCHOR: state
const menu = [
  { id: "tea", name: "Tea", price: 250 },
  { id: "latte", name: "Latte", price: 420 },
];
const orders = [];
// ANCHOR_END: state

// ANCHOR: middleware
let requests = 0;

app.use((req, res, next) => {
  requests += 1;
  res.set("x-request-number", String(requests));
  next();
});
// ANCHOR_END: middleware

// ANCHOR: error-class
class ShopError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}
// ANCHOR_END: error-class

// ANCHOR: list
app.get("/menu", (req, res) => {
  res.json(menu);
});
// ANCHOR_END: list

// ANCHOR: params
app.get("/menu/:id", (req, res) => {
  const item = menu.find((item) => item.id === req.params.id);
  if (!item) throw new ShopError(404, "there is no such item");
  res.json(item);
});
// ANCHOR_END: params

// ANCHOR: query
app.get("/search", (req, res) => {
  const max = Number(req.query.max_price);
  if (!Number.isInteger(max) || max < 0) {
    throw new ShopError(400, "max_price must be a number of cents");
  }
  res.json(menu.filter((item) => item.price <= max));
});
// ANCHOR_END: query

// ANCHOR: body
app.use(express.json());

app.post("/orders", (req, res) => {
  const { item, quantity } = req.body ?? {};
  if (typeof item !== "string" || !Number.isInteger(quantity)) {
    throw new ShopError(422, "item must be a string, and quantity a whole number");
  }
  if (quantity < 1 || quantity > 10) {
    throw new ShopError(422, "quantity must be from 1 to 10");
  }
  const order = { id: orders.length + 1, item, quantity };
  orders.push(order);
  res.status(201).location(`/orders/${order.id}`).json(order);
});
// ANCHOR_END: body

// ANCHOR: redirect
app.get("/drinks", (req, res) => {
  res.redirect(308, "/menu");
});
// ANCHOR_END: redirect

// ANCHOR: concurrent
const special = async () => "latte";
const closingTime = async () => "18:00";

app.get("/today", async (req, res) => {
  const [drink, closes] = await Promise.all([special(), closingTime()]);
  res.json({ drink, closes });
});
// ANCHOR_END: concurrent

// ANCHOR: user
function requireStaff(req, res, next) {
  if (req.get("authorization") !== "Bearer espresso") {
    res.set("www-authenticate", 'Bearer realm="staff"');
    throw new ShopError(401, "only staff may do this");
  }
  req.staff = "Tom";
  next();
}
// ANCHOR_END: user

// ANCHOR: router
const staff = express.Router();
staff.use(requireStaff);
staff.get("/orders", (req, res) => {
  res.json({ for: req.staff, orders });
});

app.use("/staff", staff);
// ANCHOR_END: router

// ANCHOR: not-found
app.use((req, res) => {
  res.status(404).json({ error: "there is nothing at this path" });
});
// ANCHOR_END: not-found

// ANCHOR: error-handler
app.use((error, req, res, next) => {
  if (error instanceof ShopError) {
    res.status(error.status).json({ error: error.message });
  } else if (error.type === "entity.parse.failed") {
    res.status(400).json({ error: "the body isn't valid JSON" });
  } else {
    console.error(error);
    res.status(500).json({ error: "something went wrong" });
  }
});
// ANCHOR_END: error-handler

// ANCHOR: listen
// Port 0 stands for any free port.
const server = app.listen(0, "127.0.0.1", async (error) => {
  if (error) throw error;
  await sendRequests(`http://127.0.0.1:${server.address().port}`);
  server.close();
});
// ANCHOR_END: listen

// The same requests as in examples/from-express.rs, in the same order.
async function sendRequests(address) {
  const get = (path) => [path, {}];
  const order = (body) => [
    "/orders",
    { method: "POST", headers: { "content-type": "application/json" }, body },
  ];
  const asStaff = (token) => [
    "/staff/orders",
    { headers: { authorization: `Bearer ${token}` } },
  ];
  for (const [path, options] of [
    get("/menu/tea"),
    get("/menu/cake"),
    get("/search?max_price=300"),
    get("/search?max_price=cheap"),
    order('{"item": "tea", "quantity": 2}'),
    order('{"item": "tea", "quantity": 11}'),
    order('{"item": "tea", "quantity": "two"}'),
    order('{"item": "tea", '),
    get("/drinks"),
    get("/today"),
    asStaff("espresso"),
    asStaff("decaf"),
    get("/menu"),
    get("/cake"),
  ]) {
    const response = await fetch(address + path, { redirect: "manual", ...options });
    const { method = "GET", body = "" } = options;
    const request = body ? `${method} ${path} ${body}\n  ` : `${method} ${path} → `;
    const { headers, status } = response;
    const json = (headers.get("content-type") ?? "").startsWith("application/json");
    const location = headers.get("location") ?? "";
    const challenge = headers.get("www-authenticate") ?? "";
    const text = json ? await response.text() : "";
    const number = headers.get("x-request-number");
    console.log(`${request}${number}: ${[status, location, challenge, text].filter(String).join(" ")}`);
  }
}
