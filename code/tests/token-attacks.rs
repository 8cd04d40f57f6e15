//! The tokens in the exchanges of the chapters on attacks are what the chapters say.
#![allow(clippy::unwrap_used)] // in a test, a panic is the report
#![cfg(all(feature = "server", feature = "sqlite"))]

mod token_attacks {
    use std::fs;
    use std::path::Path;

    use axum::body::Body;
    use axum::http::{Request, StatusCode};
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
    use code::service::{JWT_SECRET, OPENING, URL, app};
    use jsonwebtoken::{Algorithm, EncodingKey, crypto};
    use service::clock::{Clock, Random};
    use service::customers::model::{CustomerId, Identity, Role, SessionId};
    use service::customers::tokens::{JwtSecrets, Tokens};
    use tower::ServiceExt;

    /// Ada's token, as the service makes it.
    fn token_of_ada() -> String {
        let secret = JwtSecrets::parse(JWT_SECRET).unwrap();
        let random = Random::new(|| [7; 32]);
        let clock = Clock::new(|| OPENING);
        let tokens = Tokens::new(&secret, URL, clock, random).unwrap();
        let ada = Identity {
            customer: CustomerId::new(1),
            role: Role::Customer,
            session: SessionId::new(1),
        };
        tokens.issue(&ada).unwrap()
    }

    /// The header and the claims of a token, as JSON, and its signature.
    fn parts(token: &str) -> (String, String, &str) {
        let json = |part: &str| String::from_utf8(BASE64.decode(part).unwrap());
        let (message, signature) = token.rsplit_once('.').unwrap();
        let (header, claims) = message.split_once('.').unwrap();
        (json(header).unwrap(), json(claims).unwrap(), signature)
    }

    // ANCHOR: forge
    /// The part of a token that is signed.
    fn message(header: &str, claims: &str) -> String {
        format!("{}.{}", BASE64.encode(header), BASE64.encode(claims))
    }

    /// A token that is signed with this secret.
    fn signed(header: &str, claims: &str, secret: &str) -> String {
        let message = message(header, claims);
        let key = EncodingKey::from_secret(secret.as_bytes()).unwrap();
        let signature = crypto::sign(message.as_bytes(), &key, Algorithm::HS256);
        format!("{message}.{}", signature.unwrap())
    }
    // ANCHOR_END: forge

    /// The text with one part replaced with another one.
    fn with(text: &str, old: &str, new: &str) -> String {
        assert_eq!(text.matches(old).count(), 1, "{old} in {text}");
        text.replace(old, new)
    }

    /// The token of each attack, by the name of its exchange.
    fn attacks() -> Vec<(&'static str, String)> {
        let token = token_of_ada();
        let (header, claims, signature) = parts(&token);
        let ours = JWT_SECRET;
        let guessed = "a-secret-that-the-attacker-has-guessed";
        // ANCHOR: attacks
        let none = with(&header, "HS256", "none");
        let barista = with(&claims, "customer", "barista");
        let tom = with(&claims, r#""sub":"1""#, r#""sub":"2""#);
        // Changes `exp` from 08:25:00 to 08:15:00, the time on the stopped clock.
        let expired = with(&claims, "1772439900", "1772439300");
        let aud = r#""aud":"http://127.0.0.1:4000","#;
        let no_aud = with(&claims, aud, "");
        let other = r#""aud":"https://reports.shop.example","#;
        let other_aud = with(&claims, aud, other);
        vec![
            ("alg-none", message(&none, &barista) + "."),
            ("another-key", signed(&header, &barista, guessed)),
            ("role", message(&header, &barista) + "." + signature),
            ("subject", message(&header, &tom) + "." + signature),
            ("expired", signed(&header, &expired, ours)),
            ("no-audience", signed(&header, &no_aud, ours)),
            ("other-audience", signed(&header, &other_aud, ours)),
        ]
        // ANCHOR_END: attacks
    }

    #[test]
    fn the_exchanges_have_these_tokens() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("exchanges");
        let exchanges = ["token-attacks.http", "token-claims.http"]
            .map(|file| fs::read_to_string(folder.join(file)).unwrap())
            .concat();
        for (name, token) in attacks() {
            let (_, rest) = exchanges
                .split_once(&format!("# ANCHOR: {name}\n"))
                .unwrap_or_default();
            let (exchange, _) = rest
                .split_once(&format!("# ANCHOR_END: {name}\n"))
                .unwrap_or_default();
            let line = format!("authorization: Bearer {token}\n");
            assert!(exchange.contains(&line), "{name} should have\n{line}");
        }
    }

    /// The same functions also make a token without any change, and it is accepted.
    /// So the tokens of the attacks are refused for what was changed in them.
    #[tokio::test]
    async fn each_attack_is_refused_for_its_change() {
        let app = app();
        let token = token_of_ada();
        let (header, claims, signature) = parts(&token);
        let unchanged = message(&header, &claims) + "." + signature;
        let signed_again = signed(&header, &claims, JWT_SECRET);
        let right = [unchanged, signed_again].map(|token| ("right", token));
        for (name, token) in attacks().into_iter().chain(right) {
            let request = Request::get("/me")
                .header("authorization", format!("Bearer {token}"))
                .body(Body::empty())
                .unwrap();
            let response = app.clone().oneshot(request).await.unwrap();
            let expected = match name {
                "right" => StatusCode::OK,
                _ => StatusCode::UNAUTHORIZED,
            };
            assert_eq!(response.status(), expected, "{name}");
        }
    }
}
