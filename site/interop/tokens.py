"""Sends access tokens that PyJWT made to the service, and reads one of the service with PyJWT.

It needs the variables SHOP (where the service listens), SHOP_URL (for which address it makes its
tokens), JWT_SECRET and TOKEN (an access token of the service).
"""

import os
import time
import urllib.error
import urllib.request

import jwt

SHOP, SECRET = os.environ["SHOP"], os.environ["JWT_SECRET"]
URL = os.environ["SHOP_URL"]
TOKEN = os.environ["TOKEN"]
NOW = int(time.time())

ours = jwt.decode(TOKEN, SECRET, algorithms=["HS256"], audience=URL, issuer=URL)
head = jwt.get_unverified_header(TOKEN)


def status(token):
    request = urllib.request.Request(f"{SHOP}/orders", headers={"authorization": f"Bearer {token}"})
    try:
        return urllib.request.urlopen(request).status
    except urllib.error.HTTPError as error:
        return error.code


def made(secret=SECRET, algorithm="HS256", headers=head, **changes):
    claims = {name: value for name, value in (ours | changes).items() if value is not None}
    headers = {name: value for name, value in headers.items() if name != "alg"}
    return jwt.encode(claims, secret, algorithm=algorithm, headers=headers)


header, claims, signature = TOKEN.split(".")
cases = [
    ("the same claims", made(), 200),
    ("other times", made(iat=NOW - 5, exp=NOW + 60), 200),
    ("nbf in the past", made(nbf=NOW - 60), 200),
    ("an audience of two", made(aud=[URL, "https://other.example"]), 200),
    ("another secret", made(secret="x" * 32), 401),
    ("HS384", made(algorithm="HS384", secret=SECRET * 2), 401),
    ("HS512", made(algorithm="HS512", secret=SECRET * 2), 401),
    ("HS384 with our secret", made(algorithm="HS384"), 401),
    ("HS512 with our secret", made(algorithm="HS512"), 401),
    ("no algorithm", made(algorithm="none", secret=""), 401),
    ("another issuer", made(iss="https://other.example"), 401),
    ("another audience", made(aud="https://other.example"), 401),
    ("no issuer", made(iss=None), 401),
    ("no audience", made(aud=None), 401),
    ("no exp", made(exp=None), 401),
    ("expired", made(exp=NOW - 1), 401),
    ("nbf in the future", made(nbf=NOW + 60), 401),
    ("no customer", made(sub=None), 401),
    ("a customer that is no number", made(sub="ada"), 401),
    ("an unknown role", made(role="owner"), 401),
    ("no signature", f"{header}.{claims}.", 401),
    ("no token", "", 401),
]
wrong = [(name, got, expected) for name, token, expected in cases if (got := status(token)) != expected]
print(f"PyJWT {jwt.__version__}: {len(cases) - len(wrong)} of {len(cases)} tokens were treated as they should be")
for name, got, expected in wrong:
    print(f"  {name}: {got} instead of {expected}")
raise SystemExit(bool(wrong))
