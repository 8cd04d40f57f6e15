// ANCHOR: sign
use std::collections::BTreeMap;

use jsonwebtoken::{EncodingKey, Header, encode, errors};

pub fn sign(
    claims: &BTreeMap<&str, &str>,
    secret: &[u8],
) -> errors::Result<String> {
    encode(
        &Header::default(),
        claims,
        &EncodingKey::from_secret(secret),
    )
}
// ANCHOR_END: sign
