// The service accepts the events that Stripe's library signs for it, and no others.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import Stripe from "stripe";

const { SERVICE, STRIPE_API } = process.env;
const stripe = new Stripe("sk_test_only");

async function call(method, path, { body, token, headers } = {}) {
  const sent = { "content-type": "application/json", ...headers };
  if (token !== undefined) sent.authorization = `Bearer ${token}`;
  const text = typeof body === "string" ? body : body && JSON.stringify(body);
  const response = await fetch(SERVICE + path, { method, headers: sent, body: text });
  const answer = await response.text();
  return { status: response.status, json: answer && JSON.parse(answer) };
}

const account = { email: "stripe@shop.example", password: "a flat white and a receipt" };
const customer = await call("POST", "/customers", { body: { ...account, name: "Ada" } });
assert.equal(customer.status, 201);
const token = (await call("POST", "/sessions", { body: account })).json.access_token;

const order = await call("POST", "/orders", {
  token,
  headers: { "idempotency-key": randomUUID() },
  body: { lines: [{ item: "tea", quantity: 2 }] },
});
assert.equal(order.status, 201);
const path = `/orders/${order.json.id}`;
const page = await call("POST", `${path}/payment`, { token });
assert.equal(page.status, 201);

// An event as Stripe sends it, with what the service told Stripe about the page.
const created = await (await fetch(`${STRIPE_API}/last`)).json();
const amount = Number(created["line_items[0][price_data][unit_amount]"]);
assert.equal(amount, order.json.total_cents);
const session = {
  id: "cs_test_1",
  object: "checkout.session",
  amount_total: amount,
  currency: created["line_items[0][price_data][currency]"],
  metadata: { payment: created["metadata[payment]"] },
  payment_intent: "pi_1",
  payment_status: "paid",
};
const payload = JSON.stringify(
  { id: "evt_1", object: "event", type: "checkout.session.completed", data: { object: session } },
  null,
  2, // as Stripe lays it out
);

const now = Math.floor(Date.now() / 1000);
const sign = (secret, timestamp = now) =>
  stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp });
const deliver = (header, body = payload) =>
  call("POST", "/webhooks/stripe", { body, headers: { "stripe-signature": header } });

const refused = {
  "another secret": await deliver(sign("whsec_another")),
  "an old signature": await deliver(sign("whsec_new", now - 400)),
  "a signature from the future": await deliver(sign("whsec_new", now + 400)),
  "another body": await deliver(sign("whsec_new"), payload.replace("cs_test_1", "cs_test_2")),
  "the same JSON without line breaks": await deliver(
    sign("whsec_new"),
    JSON.stringify(JSON.parse(payload)),
  ),
};
for (const [name, response] of Object.entries(refused)) {
  assert.equal(response.status, 400, name);
}
assert.equal((await call("GET", path, { token })).json.status, "placed");

// While a secret is being replaced, Stripe signs with both of them.
const both = `${sign("whsec_another")},${sign("whsec_new").split(",")[1]}`;
const accepted = [sign("whsec_old"), sign("whsec_new"), both];
for (const header of accepted) {
  assert.equal((await deliver(header)).status, 200, header);
}
assert.equal((await call("GET", path, { token })).json.status, "paid");

console.log(
  `The service accepts ${accepted.length} signatures of Stripe's library ` +
    `${Stripe.PACKAGE_VERSION} and refuses ${Object.keys(refused).length}.`,
);
