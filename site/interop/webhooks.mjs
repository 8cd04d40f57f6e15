// Sends events to the webhook that the library of Stripe has signed, and others that were spoiled.
// It needs the variables SHOP (the address) and STRIPE_WEBHOOK_SECRET.
import Stripe from "stripe";

const { SHOP, STRIPE_WEBHOOK_SECRET: secret } = process.env;
const { webhooks } = new Stripe("sk_test_unused");
const now = Math.floor(Date.now() / 1000);
const event = (id) => JSON.stringify({
  id, object: "event", type: "customer.created", data: { object: { id: "cus_1", object: "customer" } },
}, null, 2);
const sign = (payload, options = {}) =>
  webhooks.generateTestHeaderString({ payload, secret, timestamp: now, ...options });

async function status(payload, signature) {
  const headers = { "content-type": "application/json" };
  if (signature !== undefined) headers["stripe-signature"] = signature;
  const response = await fetch(`${SHOP}/webhooks/stripe`, { method: "POST", headers, body: payload });
  return response.status;
}

const body = event("evt_1");
const good = sign(body);
const mac = good.split("v1=")[1];
const cases = [
  ["a signed event", body, good, 200],
  ["the same event again", body, good, 200],
  ["an event with other letters", event("evt_é☕"), sign(event("evt_é☕")), 200],
  ["299 seconds old", body, sign(body, { timestamp: now - 295 }), 200],
  ["two signatures, the second is right", body, `t=${now},v1=${"0".repeat(64)},v1=${mac}`, 200],
  ["an older scheme beside it", body, `${good},v0=${"0".repeat(64)}`, 200],
  ["no header", body, undefined, 400],
  ["an empty header", body, "", 400],
  ["no time", body, `v1=${mac}`, 400],
  ["no signature", body, `t=${now}`, 400],
  ["an empty signature", body, `t=${now},v1=`, 400],
  ["only an older scheme", body, `t=${now},v0=${mac}`, 400],
  ["a shorter signature", body, good.slice(0, -2), 400],
  ["half of a byte", body, good.slice(0, -1), 400],
  ["a longer signature", body, `${good}00`, 400],
  ["a signature that isn't hexadecimal", body, `t=${now},v1=${"z".repeat(64)}`, 400],
  ["another signature", body, `t=${now},v1=${"0".repeat(64)}`, 400],
  ["another time", body, `t=${now + 1},v1=${mac}`, 400],
  ["a time that is no number", body, `t=now,v1=${mac}`, 400],
  ["301 seconds old", body, sign(body, { timestamp: now - 310 }), 400],
  ["from the future", body, sign(body, { timestamp: now + 310 }), 400],
  ["another secret", body, sign(body, { secret: "whsec_other" }), 400],
  ["the secret without its prefix", body, sign(body, { secret: secret.slice(6) }), 400],
  ["another body", event("evt_2"), good, 400],
  ["a space more", `${body} `, good, 400],
  ["the JSON written again", JSON.stringify(JSON.parse(body)), good, 400],
];
let wrong = 0;
for (const [name, payload, signature, expected] of cases) {
  const got = await status(payload, signature);
  if (got !== expected) {
    wrong += 1;
    console.log(`  ${name}: ${got} instead of ${expected}`);
  }
}
console.log(`stripe: ${cases.length - wrong} of ${cases.length} events were treated as they should be`);
process.exit(wrong ? 1 : 0);
