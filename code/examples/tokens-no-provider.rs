//! jsonwebtoken without one of its two features for cryptography: a token that
//! isn't one is rejected, and the first one that could be valid ends in a panic.

use std::panic;

use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, crypto::CryptoProvider, decode, errors,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Claims {
    sub: String,
}

/// The token of RFC 7515, appendix A.1. Its algorithm is HS256.
const TOKEN: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
                     eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt\
                     cGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
                     dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

fn main() -> Result<(), errors::Error> {
    panic::set_hook(Box::new(|_| {})); // prints no message of its own
    let key = DecodingKey::from_secret(b"a secret that has more than 32 bytes")?;
    let validation = Validation::new(Algorithm::HS256);
    // ANCHOR: decode
    let provider = CryptoProvider::try_get_default();
    println!("is there a provider? {}", provider.is_some());
    for token in ["not a token", TOKEN] {
        let result =
            panic::catch_unwind(|| decode::<Claims>(token, &key, &validation));
        match result {
            Ok(result) => {
                let subject = result.map(|token| token.claims.sub);
                let text =
                    subject.unwrap_or_else(|error| format!("rejected: {error}"));
                println!("{text}");
            }
            Err(panic) => {
                let message = panic.downcast_ref::<String>();
                println!("panicked: {}", message.map_or("", |text| text.trim()));
            }
        }
    }
    // ANCHOR_END: decode
    Ok(())
}
