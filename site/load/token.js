// Access tokens as the service makes them: see `code/service/src/customers/tokens.rs`.

import { createHmac, timingSafeEqual } from "node:crypto";

const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const decode = (text) => JSON.parse(Buffer.from(text, "base64url").toString());
const hmac = (secret, text) => createHmac("sha256", secret).update(text).digest();

const keyId = (secret) => hmac(secret, "key id").subarray(0, 6).toString("base64url");

/** A token for a customer, valid for `seconds`. */
export function sign(secret, url, customer, seconds) {
  const iat = Math.floor(Date.now() / 1000);
  const header = encode({ typ: "JWT", alg: "HS256", kid: keyId(secret) });
  const claims = encode({
    iss: url,
    aud: url,
    sub: customer,
    sid: "1",
    role: "customer",
    iat,
    exp: iat + seconds,
    jti: "load",
  });
  const signature = hmac(secret, `${header}.${claims}`).toString("base64url");
  return `${header}.${claims}.${signature}`;
}

/** Returns a function that gives the customer of a valid token, and otherwise `undefined`. */
export function verifier(secret, url) {
  const kid = keyId(secret);
  return (token) => {
    const [header, claims, signature, ...rest] = token.split(".");
    if (signature === undefined || rest.length > 0) return undefined;
    const expected = hmac(secret, `${header}.${claims}`);
    const actual = Buffer.from(signature, "base64url");
    if (actual.length !== expected.length) return undefined;
    if (!timingSafeEqual(actual, expected)) return undefined;
    try {
      const { alg, kid: received } = decode(header);
      if (alg !== "HS256" || received !== kid) return undefined;
      const { iss, aud, sub, exp } = decode(claims);
      const valid = iss === url && aud === url && Date.now() < exp * 1000;
      return valid ? sub : undefined;
    } catch {
      return undefined;
    }
  };
}
