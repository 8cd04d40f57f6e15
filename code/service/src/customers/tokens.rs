//! Access tokens: JSON Web Tokens (RFC 7519) that say who sends a request, for a
//! short time.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation, errors,
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::hs256;
use super::model::{CustomerId, Identity, Role, SessionId};
use crate::clock::{Clock, Random};

/// How long an access token is valid, in seconds. Nothing can end it earlier,
/// because the service looks nothing up to check it: a customer who has signed out,
/// or who has another role, can use it until then.
pub const ACCESS_TOKEN_SECONDS: u32 = 600;

/// The secret with which tokens are signed: at least 32 bytes, since a shorter key
/// is weaker than the signature (RFC 7518, section 3.2), and at least 10 different
/// ones, since nobody has typed a random text with fewer.
#[derive(Debug, Clone)]
pub struct JwtSecret(SecretString);

impl JwtSecret {
    /// A secret that somebody has chosen. `None` if it is shorter than 32 bytes, or if
    /// it has fewer than 10 different ones.
    // ANCHOR: secret
    pub fn new(secret: SecretString) -> Option<Self> {
        let bytes = secret.expose_secret().as_bytes();
        let different: BTreeSet<_> = bytes.iter().collect();
        let strong = bytes.len() >= 32 && different.len() >= 10;
        strong.then_some(Self(secret))
    }
    // ANCHOR_END: secret

    /// A new secret that nobody knows. Tokens that are signed with it are worth
    /// nothing after the program has ended.
    pub fn random(random: &Random) -> Self {
        Self(URL_SAFE_NO_PAD.encode(random.bytes()).into())
    }

    fn as_bytes(&self) -> &[u8] {
        self.0.expose_secret().as_bytes()
    }
}

/// The secrets whose tokens are accepted. The first one also signs new tokens. There are two
/// while one secret replaces another (secret rotation).
// ANCHOR: jwt-secrets
#[derive(Debug, Clone)]
pub struct JwtSecrets {
    signing: JwtSecret,
    accepted: Vec<JwtSecret>,
}

impl JwtSecrets {
    /// Reads secrets that are separated by commas. Returns `None` if one of them isn't
    /// strong enough.
    pub fn parse(text: &str) -> Option<Self> {
        let mut secrets = text
            .split(',')
            .map(|text| JwtSecret::new(text.trim().into()));
        Some(Self {
            signing: secrets.next()??,
            accepted: secrets.collect::<Option<_>>()?,
        })
    }
}
// ANCHOR_END: jwt-secrets

impl From<JwtSecret> for JwtSecrets {
    fn from(signing: JwtSecret) -> Self {
        Self {
            signing,
            accepted: Vec::new(),
        }
    }
}

/// Makes access tokens and checks them. Clones are cheap.
#[derive(Clone)]
pub struct Tokens(Arc<Inner>);

struct Inner {
    signing_key: EncodingKey,
    /// The keys of all accepted tokens, by their names.
    verifying_keys: HashMap<String, DecodingKey>,
    header: Header,
    validation: Validation,
    /// The address of the service, in `iss` and `aud`.
    url: String,
    clock: Clock,
    random: Random,
}

// ANCHOR: claims
/// The claims of a token that this service issues.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: String,
    sid: String,
    role: Role,
    iat: i64,
    exp: i64,
    jti: String,
}
// ANCHOR_END: claims

/// What is read of a token. jsonwebtoken has checked `iss` and `aud` by then.
#[derive(Deserialize)]
struct ReceivedClaims {
    sub: String,
    sid: String,
    role: Role,
    exp: i64,
    nbf: Option<i64>,
}

impl Tokens {
    /// Tokens that are signed with the first of these secrets, and are made by and for
    /// the service with this address.
    ///
    /// # Errors
    ///
    /// If a secret can't be a key.
    pub fn new(
        secrets: &JwtSecrets,
        url: &str,
        clock: Clock,
        random: Random,
    ) -> errors::Result<Self> {
        hs256::install();
        let signing = secrets.signing.as_bytes();
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(key_id(signing)?);
        let mut verifying_keys = HashMap::new();
        for secret in [&secrets.signing].into_iter().chain(&secrets.accepted) {
            let secret = secret.as_bytes();
            let key = DecodingKey::from_secret(secret)?;
            verifying_keys.insert(key_id(secret)?, key);
        }
        Ok(Self(Arc::new(Inner {
            signing_key: EncodingKey::from_secret(signing)?,
            verifying_keys,
            header,
            validation: validation(url),
            url: url.to_owned(),
            clock,
            random,
        })))
    }

    /// A token for somebody who has signed in.
    ///
    /// # Errors
    ///
    /// If it can't be signed.
    pub fn issue(&self, identity: &Identity) -> errors::Result<String> {
        // ANCHOR: issue
        let issued_at = self.0.clock.now().as_second();
        let claims = Claims {
            iss: &self.0.url,
            aud: &self.0.url,
            sub: identity.customer.to_string(),
            sid: identity.session.to_string(),
            role: identity.role,
            iat: issued_at,
            exp: issued_at + i64::from(ACCESS_TOKEN_SECONDS),
            jti: URL_SAFE_NO_PAD.encode(&self.0.random.bytes()[..16]),
        };
        jsonwebtoken::encode(&self.0.header, &claims, &self.0.signing_key)
        // ANCHOR_END: issue
    }

    /// Who sends a request with this token. `None` if it is invalid, for any
    /// reason.
    pub fn verify(&self, token: &str) -> Option<Identity> {
        // ANCHOR: verify
        let inner = &self.0;
        // Nothing in the token has been checked yet. Its header only chooses one of
        // our own keys.
        let header = jsonwebtoken::decode_header(token).ok()?;
        let key = inner.verifying_keys.get(&header.kid?)?;
        let token =
            jsonwebtoken::decode::<ReceivedClaims>(token, key, &inner.validation);
        let claims = token.ok()?.claims;
        if !is_current(&claims, inner.clock.now()) {
            return None;
        }
        Some(Identity {
            customer: CustomerId::new(claims.sub.parse().ok()?),
            role: claims.role,
            session: SessionId::new(claims.sid.parse().ok()?),
        })
        // ANCHOR_END: verify
    }
}

/// What jsonwebtoken checks in a token, besides its signature.
fn validation(url: &str) -> Validation {
    // ANCHOR: validation
    // The algorithm is fixed here. If it came from the token's header, the
    // sender of the token would choose it.
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_issuer(&[url]);
    validation.set_audience(&[url]);
    // The two lines above don't require `iss` and `aud`. Without this line,
    // `decode` would accept a token that lacks them.
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    // If these checks were on, jsonwebtoken would use the system clock, and
    // accept a token for up to a minute after it has expired. `is_current` checks
    // the time instead.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    // ANCHOR_END: validation
    validation
}

/// Whether a token is valid at this time (RFC 7519, sections 4.1.4 and 4.1.5).
/// There is no leeway for clocks that differ, since the tokens are made by the
/// service that checks them.
// ANCHOR: is-current
fn is_current(claims: &ReceivedClaims, now: Timestamp) -> bool {
    let now = now.as_second();
    now < claims.exp && claims.nbf.is_none_or(|nbf| nbf <= now)
}
// ANCHOR_END: is-current

/// The name of the key that signs tokens. A new secret has a new name. The name
/// doesn't reveal more of the secret than a signature does.
fn key_id(secret: &[u8]) -> errors::Result<String> {
    let hmac = Hmac::<Sha256>::new_from_slice(secret)
        .map_err(|_| errors::ErrorKind::InvalidKeyFormat)?;
    let hash = hmac.chain_update(b"key id").finalize().into_bytes();
    Ok(URL_SAFE_NO_PAD.encode(&hash[..6]))
}
