// jose reads the service's access tokens, and the service reads jose's.
import assert from "node:assert/strict";
import { SignJWT, UnsecuredJWT, jwtVerify } from "jose";

const { SERVICE, JWT_SECRET, SHOP_URL } = process.env;
const secret = new TextEncoder().encode(JWT_SECRET);

async function call(method, path, { body, token } = {}) {
  const headers = { "content-type": "application/json" };
  if (token !== undefined) headers.authorization = `Bearer ${token}`;
  const init = { method, headers, body: body && JSON.stringify(body) };
  const response = await fetch(SERVICE + path, init);
  return { status: response.status, headers: response.headers, json: await response.json() };
}

const account = { email: "jo@shop.example", password: "a flat white in a node pit" };
const me = await call("POST", "/customers", { body: { ...account, name: "Jo" } });
assert.equal(me.status, 201);
const pair = await call("POST", "/sessions", { body: account });
assert.equal(pair.status, 200);

const { payload, protectedHeader } = await jwtVerify(pair.json.access_token, secret, {
  algorithms: ["HS256"],
  issuer: SHOP_URL,
  audience: SHOP_URL,
  requiredClaims: ["sub", "sid", "role", "iat", "exp", "jti"],
});
assert.equal(payload.sub, String(me.json.id));
assert.equal(payload.exp - payload.iat, pair.json.expires_in);

function make(changes, { header = protectedHeader, key = secret } = {}) {
  return new SignJWT({ ...payload, ...changes }).setProtectedHeader(header).sign(key);
}

const ours = await call("GET", "/me", { token: await make({}) });
assert.deepEqual([ours.status, ours.json], [200, me.json]);

const unsecured = new UnsecuredJWT(payload).encode();
const [head, , signature] = pair.json.access_token.split(".");
const barista = Buffer.from(JSON.stringify({ ...payload, role: "barista" })).toString("base64url");
const refused = {
  "no algorithm": unsecured,
  "no algorithm, but a signature": unsecured + signature,
  "a role that was changed": `${head}.${barista}.${signature}`,
  "no signature": `${head}.${barista}.`,
  "another algorithm": await make({}, { header: { ...protectedHeader, alg: "HS512" } }),
  "another secret": await make({}, { key: Uint8Array.from(secret).reverse() }),
  "another audience": await make({ aud: "https://other.example" }),
  expired: await make({ exp: payload.iat - 1 }),
};
for (const [name, token] of Object.entries(refused)) {
  const { status, headers } = await call("GET", "/me", { token });
  assert.equal(status, 401, name);
  assert.match(headers.get("www-authenticate"), /error="invalid_token"/, name);
}

const number = Object.keys(refused).length;
console.log(
  `jose reads a token of the service. The service accepts a token of jose and refuses ${number}.`,
);
