// Sends access tokens that jose made to the service, and reads one of the service with jose.
// It needs the variables SHOP (where the service listens), SHOP_URL (for which address it makes its
// tokens), JWT_SECRET and TOKEN (an access token of the service).
import { SignJWT, UnsecuredJWT, jwtVerify } from "jose";

const { SHOP, SHOP_URL: URL, JWT_SECRET, TOKEN } = process.env;
const key = (text) => new TextEncoder().encode(text);
const now = Math.floor(Date.now() / 1000);
const { payload, protectedHeader } = await jwtVerify(TOKEN, key(JWT_SECRET), {
  algorithms: ["HS256"], audience: URL, issuer: URL,
});

async function status(token) {
  const response = await fetch(`${SHOP}/orders`, { headers: { authorization: `Bearer ${token}` } });
  return response.status;
}

function made(changes = {}, alg = "HS256", secret = JWT_SECRET) {
  const claims = { ...payload, ...changes };
  return new SignJWT(claims).setProtectedHeader({ ...protectedHeader, alg }).sign(key(secret));
}

const [header, claims] = TOKEN.split(".");
const cases = [
  ["the same claims", made(), 200],
  ["other times", made({ iat: now - 5, exp: now + 60 }), 200],
  ["nbf in the past", made({ nbf: now - 60 }), 200],
  ["an audience of two", made({ aud: [URL, "https://other.example"] }), 200],
  ["another secret", made({}, "HS256", "x".repeat(32)), 401],
  ["HS384", made({}, "HS384", JWT_SECRET.repeat(2)), 401],
  ["HS512", made({}, "HS512", JWT_SECRET.repeat(2)), 401],
  ["no algorithm", new UnsecuredJWT(payload).encode(), 401],
  ["another issuer", made({ iss: "https://other.example" }), 401],
  ["another audience", made({ aud: "https://other.example" }), 401],
  ["no issuer", made({ iss: undefined }), 401],
  ["no audience", made({ aud: undefined }), 401],
  ["no exp", made({ exp: undefined }), 401],
  ["expired", made({ exp: now - 1 }), 401],
  ["nbf in the future", made({ nbf: now + 60 }), 401],
  ["no customer", made({ sub: undefined }), 401],
  ["a customer that is no number", made({ sub: "ada" }), 401],
  ["an unknown role", made({ role: "owner" }), 401],
  ["no signature", `${header}.${claims}.`, 401],
  ["no token", "", 401],
];
let wrong = 0;
for (const [name, token, expected] of cases) {
  const got = await status(await token);
  if (got !== expected) {
    wrong += 1;
    console.log(`  ${name}: ${got} instead of ${expected}`);
  }
}
console.log(`jose: ${cases.length - wrong} of ${cases.length} tokens were treated as they should be`);
process.exit(wrong ? 1 : 0);
