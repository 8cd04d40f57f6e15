//! What the chapter on JWTs says about the tokens of the service, and about
//! jsonwebtoken.
#![allow(clippy::unwrap_used)] // in a test, a panic is the report
#![cfg(all(feature = "server", feature = "sqlite"))]

mod support;

mod tokens {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
    use code::service::{JWT_SECRET, OPENING, URL};
    use jsonwebtoken::errors::ErrorKind;
    use jsonwebtoken::{
        Algorithm, DecodingKey, EncodingKey, Header, Validation, crypto, decode,
        encode, get_current_timestamp,
    };
    use serde_json::{Value, json};
    use service::clock::{Clock, Random};
    use service::customers::model::{CustomerId, Identity, Role, SessionId};
    use service::customers::tokens::{JwtSecret, JwtSecrets, Tokens};

    use crate::support::recorded;

    /// The tokens of the service. They also make jsonwebtoken use the service's
    /// HS256.
    fn tokens() -> Tokens {
        let secret = JwtSecrets::parse(JWT_SECRET).unwrap();
        let random = Random::new(|| [7; 32]);
        Tokens::new(&secret, URL, Clock::new(|| OPENING), random).unwrap()
    }

    #[test]
    fn everybody_can_read_what_is_in_a_token() {
        let ada = Identity {
            customer: CustomerId::new(1),
            role: Role::Customer,
            session: SessionId::new(1),
        };
        let token = tokens().issue(&ada).unwrap();
        let parts: Vec<_> = token.split('.').collect();
        let mut output = String::new();
        for part in &parts[..2] {
            let json = BASE64.decode(part).unwrap();
            let json: Value = serde_json::from_slice(&json).unwrap();
            output += &format!("{json:#}\n");
        }
        output += &format!("{}\n", parts[2]);
        recorded("output/tokens/token.txt", &output);
    }

    fn key() -> DecodingKey {
        DecodingKey::from_secret(JWT_SECRET.as_bytes()).unwrap()
    }

    /// A token with these claims, signed with the secret of the service.
    fn signed(claims: Value) -> String {
        let key = EncodingKey::from_secret(JWT_SECRET.as_bytes()).unwrap();
        encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap()
    }

    #[test]
    fn a_claim_that_is_checked_but_not_required_may_be_missing() {
        tokens();
        // ANCHOR: not-required
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&["https://shop.example"]);
        validation.set_audience(&["https://shop.example"]);

        let now = get_current_timestamp();
        let neither = signed(json!({ "exp": now + 600, "sub": "1" }));
        assert!(decode::<Value>(&neither, &key(), &validation).is_ok());

        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        assert!(decode::<Value>(&neither, &key(), &validation).is_err());
        // ANCHOR_END: not-required
        let other = json!({ "aud": "https://other.example", "exp": now + 600 });
        let validation = Validation {
            required_spec_claims: ["exp".to_owned()].into(),
            ..validation
        };
        let error = decode::<Value>(signed(other), &key(), &validation);
        assert_eq!(error.unwrap_err().kind(), &ErrorKind::InvalidAudience);
    }

    #[test]
    fn a_token_is_accepted_for_a_minute_after_its_end() {
        tokens();
        // ANCHOR: leeway
        let mut validation = Validation::new(Algorithm::HS256);
        let expired = signed(json!({ "exp": get_current_timestamp() - 30 }));
        assert!(decode::<Value>(&expired, &key(), &validation).is_ok());

        validation.leeway = 0;
        assert!(decode::<Value>(&expired, &key(), &validation).is_err());
        // ANCHOR_END: leeway

        let later = get_current_timestamp() + 600;
        let not_yet = signed(json!({ "exp": later, "nbf": later }));
        assert!(decode::<Value>(&not_yet, &key(), &validation).is_ok());
        validation.validate_nbf = true;
        assert!(decode::<Value>(&not_yet, &key(), &validation).is_err());
    }

    #[test]
    fn a_secret_of_one_byte_is_a_key_and_an_empty_one_is_not() {
        assert!(EncodingKey::from_secret(b"x").is_ok());
        assert!(EncodingKey::from_secret(b"").is_err());
        assert!(DecodingKey::from_secret(b"").is_err());
        assert!(JwtSecret::new("x".repeat(31).into()).is_none());
    }

    #[test]
    fn a_claim_of_the_wrong_type_and_an_unknown_extension_are_rejected() {
        tokens();
        let later = get_current_timestamp() + 600;
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_audience(&[URL]);
        let number = signed(json!({ "exp": later, "aud": 1 }));
        let error = decode::<Value>(&number, &key(), &validation).unwrap_err();
        let wrong_type = ErrorKind::InvalidClaimFormat("aud".into());
        assert_eq!(error.kind(), &wrong_type);

        let key_bytes = EncodingKey::from_secret(JWT_SECRET.as_bytes()).unwrap();
        let encoded = |part: Value| BASE64.encode(part.to_string());
        for (header, accepted) in [
            (json!({ "alg": "HS256" }), true),
            (json!({ "alg": "HS256", "crit": ["other"] }), false),
        ] {
            let claims = encoded(json!({ "exp": later, "aud": URL }));
            let message = format!("{}.{claims}", encoded(header));
            let signature =
                crypto::sign(message.as_bytes(), &key_bytes, Algorithm::HS256);
            let token = format!("{message}.{}", signature.unwrap());
            let decoded = decode::<Value>(&token, &key(), &validation);
            assert_eq!(decoded.is_ok(), accepted);
        }
    }
}
