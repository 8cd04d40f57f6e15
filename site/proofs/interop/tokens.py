"""PyJWT reads the service's access tokens, and the service reads PyJWT's."""

import json
import os
import time
import urllib.error
import urllib.request

import jwt

SERVICE = os.environ["SERVICE"]
SECRET = os.environ["JWT_SECRET"]
URL = os.environ["SHOP_URL"]


def call(method, path, body=None, token=None):
    """The status, the headers and the JSON of a response."""
    request = urllib.request.Request(SERVICE + path, method=method)
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("content-type", "application/json")
    if token is not None:
        request.add_header("authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, response.headers, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, error.headers, json.load(error)


account = {"email": "py@shop.example", "password": "a flat white in a snake pit"}
status, _, me = call("POST", "/customers", {**account, "name": "Py"})
assert status == 201, me
status, _, pair = call("POST", "/sessions", account)
assert status == 200, pair

token = pair["access_token"]
header = jwt.get_unverified_header(token)
assert (header["alg"], header["typ"]) == ("HS256", "JWT"), header
required = ["iss", "aud", "sub", "sid", "role", "iat", "exp", "jti"]
claims = jwt.decode(
    token,
    SECRET,
    algorithms=["HS256"],
    issuer=URL,
    audience=URL,
    options={"require": required},
)
assert claims["sub"] == str(me["id"]), claims
assert claims["role"] == "customer", claims
assert claims["exp"] - claims["iat"] == pair["expires_in"], claims


def make(secret=SECRET, algorithm="HS256", key_id=header["kid"], **changes):
    """A token with the claims of the service's, and some of them changed or left out."""
    changed = {**claims, **changes}
    changed = {name: value for name, value in changed.items() if value is not None}
    headers = {"kid": key_id} if key_id else {}
    return jwt.encode(changed, secret, algorithm=algorithm, headers=headers)


now = int(time.time())
accepted = {
    "the same claims": make(),
    "several audiences": make(aud=["https://other.example", URL]),
    "valid since a minute": make(nbf=now - 60),
    "a claim that the service does not know": make(name="Py"),
}
for name, token in accepted.items():
    status, _, body = call("GET", "/me", token=token)
    assert (status, body) == (200, me), (name, status, body)

another_secret = "another secret that is long enough for each algorithm of this family"
refused = {
    "no algorithm": make(secret=None, algorithm="none"),
    "another algorithm": make(algorithm="HS384"),
    "another secret": make(secret=another_secret),
    "no key id": make(key_id=None),
    "another key id": make(key_id="another"),
    "no issuer": make(iss=None),
    "another issuer": make(iss="https://other.example"),
    "no audience": make(aud=None),
    "another audience": make(aud="https://other.example"),
    "no subject": make(sub=None),
    "no session": make(sid=None),
    "no role": make(role=None),
    "an unknown role": make(role="owner"),
    "no end": make(exp=None),
    "expired": make(exp=now - 1),
    "not valid yet": make(nbf=now + 60),
    "no token": "no token",
}
for name, token in refused.items():
    status, headers, body = call("GET", "/me", token=token)
    assert status == 401, (name, status, body)
    assert 'error="invalid_token"' in headers["www-authenticate"], (name, str(headers))

print(
    f"PyJWT {jwt.__version__} reads a token of the service. The service accepts "
    f"{len(accepted)} tokens of PyJWT and refuses {len(refused)}."
)
