//! Accounts, sign-in and tokens over HTTP, and the attacks on them.

#![allow(clippy::unwrap_used)] // in a test, a panic is the report

mod support;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use service::clock::Clock;
use service::customers::model::{
    CustomerId, EmailAddress, Identity, Role, SessionId,
};
use service::customers::tokens::{self, JwtSecrets};
use sha2::{Sha256, Sha512};
#[cfg(feature = "server")]
use support::postgres::TestDatabase;
use support::{
    JWT_SECRET, NOW, TestApp, TestResponse, URL, counted_random, delete, get,
    on_each_storage, post, put, with_header, with_token,
};
use tokio::task::JoinSet;

const ADA: &str = "ada@shop.example";
const BO: &str = "bo@shop.example";
const PASSWORD: &str = "a password for the tests";

/// A day, in seconds.
const DAY: i64 = 24 * 60 * 60;

fn sign_up(email: &str) -> Request<Body> {
    let body = json!({ "email": email, "password": PASSWORD, "name": "Ada" });
    post("/customers", body)
}

fn sign_in(email: &str, password: &str) -> Request<Body> {
    post("/sessions", json!({ "email": email, "password": password }))
}

fn refresh(refresh_token: &str) -> Request<Body> {
    let body = json!({ "refresh_token": refresh_token });
    post("/sessions/refresh", body)
}

fn me(access_token: &str) -> Request<Body> {
    with_token(get("/me"), access_token)
}

/// What a sign-in and a refresh answer.
#[derive(Clone)]
struct Tokens {
    access: String,
    refresh: String,
}

impl Tokens {
    #[track_caller]
    fn of(response: &TestResponse) -> Self {
        assert_eq!(response.status, StatusCode::OK, "{response:?}");
        assert_eq!(response.header("cache-control"), "no-store");
        let body = response.json();
        assert_eq!(body["expires_in"], 600);
        Self {
            access: body["access_token"].as_str().unwrap().to_owned(),
            refresh: body["refresh_token"].as_str().unwrap().to_owned(),
        }
    }
}

/// Makes an account and signs in.
async fn signed_in(app: &TestApp, email: &str) -> Tokens {
    app.json_of(sign_up(email)).await;
    Tokens::of(&app.send(sign_in(email, PASSWORD)).await)
}

/// Exchanges a refresh token that is valid.
async fn refreshed(app: &TestApp, refresh_token: &str) -> Tokens {
    Tokens::of(&app.send(refresh(refresh_token)).await)
}

/// Checks that a refresh token is refused.
async fn refused(app: &TestApp, refresh_token: &str) {
    let response = app.send(refresh(refresh_token)).await;
    response.problem(StatusCode::UNAUTHORIZED);
    assert_eq!(response.header("www-authenticate"), "Bearer realm=\"shop\"");
}

/// Checks that an access token is refused.
#[track_caller]
fn check_invalid(attack: &str, response: &TestResponse) {
    assert_eq!(response.status, StatusCode::UNAUTHORIZED, "{attack}");
    response.problem(StatusCode::UNAUTHORIZED);
    let challenge = response.header("www-authenticate");
    assert_eq!(challenge, "Bearer realm=\"shop\", error=\"invalid_token\"");
}

// Accounts.

#[tokio::test]
async fn me_is_the_account_of_the_customer_who_sends_the_token() {
    on_each_storage(|repositories| async {
        let app = TestApp::new(repositories);
        for name in ["ada", "bo"] {
            let token = app.sign_in_as(name, Role::Customer).await;
            let request = with_token(get("/me"), &token);
            let response = app.send(request).await;
            assert_eq!(response.status, StatusCode::OK);
            let email = format!("{name}@shop.example");
            assert_eq!(response.json()["email"], email);
        }
        let without_token = app.send(get("/me")).await;
        assert_eq!(without_token.status, StatusCode::UNAUTHORIZED);
    })
    .await;
}

#[tokio::test]
async fn somebody_signs_up_signs_in_and_reads_the_account() {
    on_each_storage(|repositories| async {
        let app = TestApp::new(repositories);
        let response = app.send(sign_up(" Ada@Shop.example ")).await;
        assert_eq!(response.status, StatusCode::CREATED);
        assert_eq!(response.header("location"), "/me");
        let account = response.json();
        assert_eq!(
            account,
            json!({
                "id": 1, "email": "Ada@Shop.example", "name": "Ada",
                "role": "customer",
            })
        );

        let tokens = Tokens::of(&app.send(sign_in(ADA, PASSWORD)).await);
        assert_eq!(app.json_of(me(&tokens.access)).await, account);
    })
    .await;
}

#[tokio::test]
async fn all_mistakes_of_a_sign_up_are_reported_at_once() {
    let app = TestApp::in_memory();
    let body = json!({ "email": "ada", "password": "short", "name": " " });
    let response = app.send(post("/customers", body)).await;
    let problem = response.problem(StatusCode::UNPROCESSABLE_ENTITY);
    let mistakes = problem["errors"].as_array().unwrap();
    let places: Vec<_> = mistakes.iter().map(|it| &it["pointer"]).collect();
    assert_eq!(places, ["#/email", "#/password", "#/name"]);
}

#[tokio::test]
async fn white_space_around_a_name_is_removed_but_counts() {
    let app = TestApp::in_memory();
    let with_name = |name: &str| {
        let body = json!({ "email": ADA, "password": PASSWORD, "name": name });
        post("/customers", body)
    };
    for name in [" \t", "Ada\n", &format!(" {}", "é".repeat(100))] {
        let response = app.send(with_name(name)).await;
        let problem = response.problem(StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem["errors"][0]["pointer"], "#/name", "{name:?}");
    }
    let account = app
        .json_of(with_name(&format!(" {}", "é".repeat(99))))
        .await;
    assert_eq!(account["name"], "é".repeat(99));
}

#[tokio::test]
async fn an_address_has_one_account_however_it_is_written() {
    on_each_storage(|repositories| async {
        let app = TestApp::new(repositories);
        app.json_of(sign_up(ADA)).await;
        let response = app.send(sign_up("ADA@shop.example")).await;
        let problem = response.problem(StatusCode::CONFLICT);
        assert_eq!(problem["type"], "/problems/email-taken");
    })
    .await;
}

#[tokio::test]
async fn of_two_sign_ups_at_the_same_time_one_gets_the_address() {
    on_each_storage(|repositories| async {
        let app = TestApp::new(repositories);
        let (one, other) =
            tokio::join!(app.send(sign_up(ADA)), app.send(sign_up(ADA)));
        let mut statuses = [one.status, other.status];
        statuses.sort();
        assert_eq!(statuses, [StatusCode::CREATED, StatusCode::CONFLICT]);
    })
    .await;
}

// Passwords.

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_get_the_same_response() {
    on_each_storage(|repositories| async {
        let app = TestApp::new(repositories);
        app.json_of(sign_up(ADA)).await;
        let wrong = app.send(sign_in(ADA, "another long password")).await;
        let unknown = app.send(sign_in(BO, PASSWORD)).await;
        wrong.problem(StatusCode::UNAUTHORIZED);
        assert_eq!(wrong.header("www-authenticate"), "Bearer realm=\"shop\"");
        assert_eq!(wrong.body, unknown.body);
        let headers = |mut response: TestResponse| {
            response.headers.remove("x-request-id");
            (response.status, response.headers)
        };
        assert_eq!(headers(wrong), headers(unknown));
    })
    .await;
}

#[tokio::test]
async fn after_ten_attempts_even_the_right_password_has_to_wait() {
    on_each_storage(|repositories| async {
        let app = TestApp::new(repositories);
        app.json_of(sign_up(ADA)).await;
        // It's the same for an address without an account.
        for email in [ADA, BO] {
            for _ in 0..10 {
                let response = app.send(sign_in(email, "wrong")).await;
                response.problem(StatusCode::UNAUTHORIZED);
            }
            app.clock.advance(60);
            let response = app.send(sign_in(email, PASSWORD)).await;
            response.problem(StatusCode::TOO_MANY_REQUESTS);
            assert_eq!(response.header("retry-after"), "840");
        }
        app.clock.advance(839);
        let response = app.send(sign_in("ADA@shop.example", PASSWORD)).await;
        assert_eq!(response.status, StatusCode::OK, "{response:?}");
    })
    .await;
}

/// Otherwise, ten failures of the database would lock out a customer with the right password.
#[cfg(feature = "server")]
#[tokio::test]
async fn while_the_accounts_cannot_be_read_no_attempt_is_counted() {
    let Some(database) = TestDatabase::create() else {
        return;
    };
    let app = TestApp::new(database.repositories().await);
    app.json_of(sign_up(ADA)).await;
    database.execute("ALTER TABLE customers RENAME TO locked");
    for _ in 0..11 {
        let response = app.send(sign_in(ADA, PASSWORD)).await;
        response.problem(StatusCode::INTERNAL_SERVER_ERROR);
    }
    database.execute("ALTER TABLE locked RENAME TO customers");
    Tokens::of(&app.send(sign_in(ADA, PASSWORD)).await);
}

#[tokio::test]
async fn the_wait_ends_when_the_response_has_said_so() {
    on_each_storage(|repositories| async {
        let app = TestApp::new(repositories);
        app.json_of(sign_up(ADA)).await;
        for _ in 0..10 {
            app.send(sign_in(ADA, "wrong")).await;
        }
        app.clock.advance(899);
        let response = app.send(sign_in(ADA, PASSWORD)).await;
        response.problem(StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.header("retry-after"), "1");
        app.clock.advance(1);
        Tokens::of(&app.send(sign_in(ADA, PASSWORD)).await);
    })
    .await;
}

#[tokio::test]
async fn a_success_clears_the_attempts() {
    on_each_storage(|repositories| async {
        let app = TestApp::new(repositories);
        app.json_of(sign_up(ADA)).await;
        for _ in 0..3 {
            for _ in 0..9 {
                let response = app.send(sign_in(ADA, "wrong")).await;
                response.problem(StatusCode::UNAUTHORIZED);
            }
            Tokens::of(&app.send(sign_in(ADA, PASSWORD)).await);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_attempts_at_the_same_time_ten_are_checked() {
    on_each_storage(|repositories| async {
        let app = TestApp::new(repositories);
        let mut attempts = JoinSet::new();
        for _ in 0..30 {
            let app = app.clone();
            attempts.spawn(async move {
                loop {
                    let status = app.send(sign_in(ADA, "wrong")).await.status;
                    // Nothing was counted: a slow machine checks few passwords at once.
                    if status != StatusCode::SERVICE_UNAVAILABLE {
                        return status;
                    }
                }
            });
        }
        let statuses = attempts.join_all().await;
        let too_many = |status: &&_| **status == StatusCode::TOO_MANY_REQUESTS;
        assert_eq!(statuses.iter().filter(too_many).count(), 20, "{statuses:?}");
    })
    .await;
}

// Attacks on access tokens.

/// The parts of a token that the service made: its header and its claims.
fn parts(token: &str) -> (Value, Value) {
    let mut parts = token.split('.').map(|part| {
        let json = BASE64.decode(part).unwrap();
        serde_json::from_slice(&json).unwrap_or_default()
    });
    (parts.next().unwrap(), parts.next().unwrap())
}

/// The parts of a token that come before the signature.
fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |json: &Value| BASE64.encode(json.to_string());
    format!("{}.{}", part(header), part(claims))
}

/// A token that is signed with this secret.
fn signed(header: &Value, claims: &Value, secret: &str) -> String {
    let message = unsigned(header, claims);
    let hmac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    let signature = hmac.chain_update(&message).finalize().into_bytes();
    format!("{message}.{}", BASE64.encode(signature))
}

/// The same JSON object with a member that has another value, or without the
/// member.
fn with(object: &Value, name: &str, value: Value) -> Value {
    let mut object = object.clone();
    match value {
        Value::Null => drop(object.as_object_mut().unwrap().remove(name)),
        value => object[name] = value,
    }
    object
}

#[tokio::test]
async fn a_token_that_the_service_has_not_made_is_refused() {
    let app = TestApp::in_memory();
    let token = signed_in(&app, ADA).await.access;
    let (header, claims) = parts(&token);
    // The helper signs as the service does, so what is refused below is refused for
    // the reason that is named.
    let copy = signed(&header, &claims, JWT_SECRET);
    assert_eq!(app.send(me(&copy)).await.status, StatusCode::OK);

    let signature = token.rsplit_once('.').unwrap().1;
    let barista = with(&claims, "role", json!("barista"));
    let other_customer = with(&claims, "sub", json!("2"));
    let none = with(&header, "alg", json!("none"));
    let hs512 = with(&header, "alg", json!("HS512"));
    let message = unsigned(&hs512, &claims);
    let mac = Hmac::<Sha512>::new_from_slice(JWT_SECRET.as_bytes()).unwrap();
    let mac = mac.chain_update(&message).finalize().into_bytes();
    for (attack, token) in [
        ("alg none", format!("{}.", unsigned(&none, &barista))),
        ("alg none, signed", signed(&none, &barista, JWT_SECRET)),
        ("HS512", format!("{message}.{}", BASE64.encode(mac))),
        (
            "another key",
            signed(
                &header,
                &barista,
                "another-key-0123456789-0123456789-0123456789",
            ),
        ),
        (
            "a role claimed by the client",
            format!("{}.{signature}", unsigned(&header, &barista)),
        ),
        (
            "a tampered claim",
            format!("{}.{signature}", unsigned(&header, &other_customer)),
        ),
        ("no signature", format!("{}.", unsigned(&header, &claims))),
        ("half a signature", token[..token.len() - 22].to_owned()),
        (
            "another key id",
            signed(&with(&header, "kid", json!("old")), &claims, JWT_SECRET),
        ),
        (
            "no key id",
            signed(&with(&header, "kid", Value::Null), &claims, JWT_SECRET),
        ),
        (
            "an extension that must be understood",
            signed(&with(&header, "crit", json!(["exp"])), &claims, JWT_SECRET),
        ),
        ("no token", "x".into()),
        ("nothing but dots", "..".into()),
    ] {
        check_invalid(attack, &app.send(me(&token)).await);
    }
}

#[test]
fn while_a_secret_is_replaced_the_tokens_of_both_are_accepted() {
    let (old, new) = (JWT_SECRET, "0123456789-0123456789-0123456789");
    let tokens_of = |secrets: &str| {
        let secrets = JwtSecrets::parse(secrets).unwrap();
        let clock = Clock::new(|| NOW);
        tokens::Tokens::new(&secrets, URL, clock, counted_random()).unwrap()
    };
    let identity = Identity {
        customer: CustomerId::new(1),
        role: Role::Customer,
        session: SessionId::new(1),
    };
    // ANCHOR: replace-secret
    // Each process accepts the new secret before any process signs with it.
    let steps = [
        old.into(),
        format!("{old},{new}"),
        format!("{new},{old}"),
        new.into(),
    ];
    let steps = steps.map(|secrets: String| tokens_of(&secrets));
    for pair in steps.windows(2) {
        for (issuer, verifier) in [(&pair[0], &pair[1]), (&pair[1], &pair[0])] {
            let token = issuer.issue(&identity).unwrap();
            assert_eq!(verifier.verify(&token), Some(identity));
        }
    }
    let token = steps[0].issue(&identity).unwrap();
    assert_eq!(steps[3].verify(&token), None);
    // ANCHOR_END: replace-secret
}

#[tokio::test]
async fn a_token_without_a_claim_or_with_another_value_is_refused() {
    let app = TestApp::in_memory();
    let token = signed_in(&app, ADA).await.access;
    let (header, claims) = parts(&token);
    let iat = claims["iat"].as_i64().unwrap();
    for (name, value) in [
        ("aud", Value::Null),
        ("aud", json!("http://other.example")),
        ("aud", json!(["http://other.example"])),
        ("aud", json!([])),
        ("aud", json!(1)),
        ("iss", Value::Null),
        ("iss", json!("http://other.example")),
        ("iss", json!({})),
        ("exp", Value::Null),
        ("exp", json!(iat)),
        ("exp", json!("9999999999")),
        ("nbf", json!(iat + 1)),
        ("nbf", json!("later")),
        ("sub", Value::Null),
        ("sub", json!("ada")),
        ("sub", json!(1)),
        ("sid", Value::Null),
        ("role", Value::Null),
        ("role", json!("owner")),
    ] {
        let changed = with(&claims, name, value.clone());
        let token = signed(&header, &changed, JWT_SECRET);
        let attack = format!("{name}: {value}");
        check_invalid(&attack, &app.send(me(&token)).await);
    }
    let started = with(&claims, "nbf", json!(iat));
    let token = signed(&header, &started, JWT_SECRET);
    assert_eq!(app.send(me(&token)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_access_token_expires_after_ten_minutes_to_the_second() {
    let app = TestApp::in_memory();
    let token = signed_in(&app, ADA).await.access;
    app.clock.advance(599);
    assert_eq!(app.send(me(&token)).await.status, StatusCode::OK);
    app.clock.advance(1);
    check_invalid("expired", &app.send(me(&token)).await);
}

#[tokio::test]
async fn a_token_says_what_the_service_needs_and_nothing_personal() {
    let app = TestApp::in_memory();
    let token = signed_in(&app, ADA).await.access;
    let (header, claims) = parts(&token);
    assert_eq!(
        (&header["alg"], &header["typ"]),
        (&json!("HS256"), &json!("JWT"))
    );
    let names: Vec<_> = claims.as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        ["aud", "exp", "iat", "iss", "jti", "role", "sid", "sub"]
    );

    let other = Tokens::of(&app.send(sign_in(ADA, PASSWORD)).await).access;
    let (_, other) = parts(&other);
    assert_ne!(claims["jti"], other["jti"]);
    assert_ne!(claims["sid"], other["sid"]);
}

#[tokio::test]
async fn a_request_without_a_bearer_token_gets_a_challenge_and_no_error() {
    let app = TestApp::in_memory();
    let token = signed_in(&app, ADA).await.access;
    let authorized = |value: &str| with_header(get("/me"), "authorization", value);
    for request in [
        get("/me"),
        authorized("Basic YWRhOnBhc3N3b3Jk"),
        authorized(&token),
        authorized("Bearer"),
        // Two headers: nobody knows which one was meant.
        with_token(me(&token), &token),
    ] {
        let response = app.send(request).await;
        response.problem(StatusCode::UNAUTHORIZED);
        let challenge = response.header("www-authenticate");
        assert_eq!(challenge, "Bearer realm=\"shop\"");
    }
    for value in [format!("bearer {token}"), format!("BEARER   {token}")] {
        let response = app.send(authorized(&value)).await;
        assert_eq!(response.status, StatusCode::OK, "{value}");
    }
}

// Roles, and what belongs to others.

#[tokio::test]
async fn a_client_cannot_choose_its_role() {
    let app = TestApp::in_memory();
    let body = json!({
        "email": ADA, "password": PASSWORD, "name": "Ada", "role": "barista",
    });
    let response = app.send(post("/customers", body)).await;
    response.problem(StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn only_a_barista_changes_the_menu() {
    let app = TestApp::in_memory();
    let token = signed_in(&app, ADA).await.access;
    let scone = json!({ "name": "Scone", "price_cents": 270, "stock": 6 });
    let put = || {
        let request = put("/menu/scone", scone.clone());
        with_header(request, "if-none-match", "*")
    };
    let nobody = app.send(put()).await;
    nobody.problem(StatusCode::UNAUTHORIZED);
    let customer = app.send(with_token(put(), &token)).await;
    customer.problem(StatusCode::FORBIDDEN);
    let barista = app.send(app.as_barista(put())).await;
    assert_eq!(barista.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_new_role_takes_effect_with_the_next_sign_in() {
    on_each_storage(|repositories| async {
        let app = TestApp::new(repositories);
        let tokens = signed_in(&app, ADA).await;
        let email = EmailAddress::try_from("Ada@shop.example").unwrap();
        let customers = &app.repositories.customers;
        let changed = customers.set_role(&email, Role::Barista, NOW).await;
        assert!(changed.unwrap());

        assert_eq!(parts(&tokens.access).1["role"], "customer");
        refused(&app, &tokens.refresh).await;
        let tokens = Tokens::of(&app.send(sign_in(ADA, PASSWORD)).await);
        assert_eq!(parts(&tokens.access).1["role"], "barista");
        assert_eq!(app.json_of(me(&tokens.access)).await["role"], "barista");
    })
    .await;
}

#[tokio::test]
async fn the_order_of_another_customer_is_not_found() {
    on_each_storage(|repositories| async {
        let app = TestApp::new(repositories);
        let ada = signed_in(&app, ADA).await.access;
        let bo = signed_in(&app, BO).await.access;
        let order = json!({ "lines": [{ "item": "tea", "quantity": 1 }] });
        let order = with_header(post("/orders", order), "idempotency-key", "one");
        let placed = app.send(with_token(order, &ada)).await;
        assert_eq!(placed.status, StatusCode::CREATED, "{placed:?}");
        let path = placed.header("location");

        let order = app.json_of(with_token(get(path), &ada)).await;
        assert_eq!(order, placed.json());
        let response = app.send(with_token(get(path), &bo)).await;
        response.problem(StatusCode::NOT_FOUND);
    })
    .await;
}

// Sessions and refresh tokens.

#[tokio::test]
async fn a_refresh_token_is_exchanged_for_a_new_pair() {
    on_each_storage(|repositories| async {
        let app = TestApp::new(repositories);
        let mut tokens = signed_in(&app, ADA).await;
        let session = parts(&tokens.access).1["sid"].clone();
        for _ in 0..5 {
            app.clock.advance(600);
            let next = refreshed(&app, &tokens.refresh).await;
            assert_ne!(next.refresh, tokens.refresh);
            assert_eq!(parts(&next.access).1["sid"], session);
            app.json_of(me(&next.access)).await;
            tokens = next;
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_no_refresh_token_is_refused() {
    on_each_storage(|repositories| async {
        let app = TestApp::new(repositories);
        let tokens = signed_in(&app, ADA).await;
        refused(&app, "").await;
        refused(&app, "not base64!").await;
        refused(&app, &tokens.access).await;
        refused(&app, &BASE64.encode([0; 32])).await;
        refused(&app, &format!("{}=", tokens.refresh)).await;
        // None of them has ended the session.
        refreshed(&app, &tokens.refresh).await;
    })
    .await;
}

/// Two tabs of a browser share their tokens, and both exchange the same one at the
/// same time. The tab that is last stores its new token.
#[tokio::test(flavor = "multi_thread")]
async fn two_tabs_that_refresh_at_the_same_time_200_times_stay_signed_in() {
    on_each_storage(|repositories| async {
        let app = TestApp::new(repositories);
        let mut shared = signed_in(&app, ADA).await.refresh;
        for round in 0..200 {
            app.clock.advance(600);
            let tab = || {
                let (app, shared) = (app.clone(), shared.clone());
                tokio::spawn(async move {
                    let tokens = refreshed(&app, &shared).await;
                    app.json_of(me(&tokens.access)).await;
                    tokens.refresh
                })
            };
            let (one, other) = tokio::join!(tab(), tab());
            let (one, other) = (one.unwrap(), other.unwrap());
            assert_ne!(one, other);
            shared = if round % 2 == 0 { one } else { other };
        }
    })
    .await;
}

/// Two tabs that don't share what they were given: both new tokens stay valid.
#[tokio::test]
async fn both_tokens_that_one_was_exchanged_for_can_be_used_for_long() {
    on_each_storage(|repositories| async {
        let app = TestApp::new(repositories);
        let first = signed_in(&app, ADA).await.refresh;
        let mut one = refreshed(&app, &first).await.refresh;
        app.clock.advance(29);
        let mut other = refreshed(&app, &first).await.refresh;
        for _ in 0..5 {
            app.clock.advance(600);
            one = refreshed(&app, &one).await.refresh;
            app.clock.advance(600);
            other = refreshed(&app, &other).await.refresh;
        }
    })
    .await;
}

#[tokio::test]
async fn a_refresh_token_that_is_used_again_after_30_seconds_ends_its_session() {
    on_each_storage(|repositories| async {
        let app = TestApp::new(repositories);
        let stolen = signed_in(&app, ADA).await.refresh;
        let next = refreshed(&app, &stolen).await;
        app.clock.advance(30);
        refused(&app, &stolen).await;
        // The session has ended for both, the thief and the customer.
        refused(&app, &next.refresh).await;
        refused(&app, &stolen).await;

        // Other sessions of the customer continue.
        Tokens::of(&app.send(sign_in(ADA, PASSWORD)).await);
    })
    .await;
}

/// The 30 seconds count from the first use, and not from the last.
#[tokio::test]
async fn a_refresh_token_cannot_be_kept_alive_by_using_it_again_and_again() {
    on_each_storage(|repositories| async {
        let app = TestApp::new(repositories);
        let token = signed_in(&app, ADA).await.refresh;
        refreshed(&app, &token).await;
        app.clock.advance(20);
        refreshed(&app, &token).await;
        app.clock.advance(20);
        refused(&app, &token).await;
    })
    .await;
}

#[tokio::test]
async fn an_older_refresh_token_ends_its_session_at_any_time() {
    on_each_storage(|repositories| async {
        let app = TestApp::new(repositories);
        let first = signed_in(&app, ADA).await.refresh;
        let other_session = app.send(sign_in(ADA, PASSWORD)).await;
        let other_session = Tokens::of(&other_session).refresh;
        let second = refreshed(&app, &first).await.refresh;
        let third = refreshed(&app, &second).await.refresh;
        // The clock stands still, so both have just been used.
        refused(&app, &first).await;
        for token in [first, second, third] {
            refused(&app, &token).await;
        }
        refreshed(&app, &other_session).await;
    })
    .await;
}

#[tokio::test]
async fn a_refresh_token_is_valid_for_30_days() {
    on_each_storage(|repositories| async {
        let app = TestApp::new(repositories);
        let token = signed_in(&app, ADA).await.refresh;
        app.clock.advance(30 * DAY - 1);
        let token = refreshed(&app, &token).await.refresh;
        app.clock.advance(30 * DAY);
        refused(&app, &token).await;
    })
    .await;
}

#[tokio::test]
async fn after_a_sign_out_no_refresh_token_of_the_session_is_valid() {
    on_each_storage(|repositories| async {
        let app = TestApp::new(repositories);
        let first = signed_in(&app, ADA).await;
        let other = Tokens::of(&app.send(sign_in(ADA, PASSWORD)).await);
        let next = refreshed(&app, &first.refresh).await;
        let sign_out = || with_token(delete("/sessions/current"), &next.access);
        let response = app.send(sign_out()).await;
        assert_eq!(response.status, StatusCode::NO_CONTENT);
        assert_eq!(response.body, "");
        refused(&app, &next.refresh).await;
        refused(&app, &first.refresh).await;
        refreshed(&app, &other.refresh).await;
        // The access token is valid until it expires, and signing out twice does no
        // harm.
        app.json_of(me(&next.access)).await;
        let response = app.send(sign_out()).await;
        assert_eq!(response.status, StatusCode::NO_CONTENT);
    })
    .await;
}

#[tokio::test]
async fn a_clean_up_removes_nothing_that_is_valid() {
    on_each_storage(|repositories| async {
        let app = TestApp::new(repositories);
        let customers = app.repositories.customers.clone();
        let clean_up = async || {
            let now = app.clock.clock().now();
            customers.clean_up(now).await.unwrap();
        };
        let old = signed_in(&app, ADA).await.refresh;
        for _ in 0..10 {
            app.send(sign_in(BO, "wrong")).await;
        }
        let used = refreshed(&app, &old).await.refresh;
        clean_up().await;
        let response = app.send(sign_in(BO, PASSWORD)).await;
        response.problem(StatusCode::TOO_MANY_REQUESTS);
        app.clock.advance(29 * DAY);
        let current = refreshed(&app, &used).await.refresh;
        app.clock.advance(5 * DAY);
        // The first two tokens are gone, and their session isn't.
        clean_up().await;
        refused(&app, &old).await;
        let current = refreshed(&app, &current).await.refresh;
        app.clock.advance(40 * DAY);
        clean_up().await;
        refused(&app, &current).await;
        Tokens::of(&app.send(sign_in(ADA, PASSWORD)).await);
    })
    .await;
}

/// The removal of sessions may take too long, since it looks at all of them.
#[cfg(feature = "server")]
#[tokio::test]
async fn a_clean_up_that_fails_for_sessions_has_removed_the_rest() {
    let Some(database) = TestDatabase::create() else {
        return;
    };
    let app = TestApp::new(database.repositories().await);
    app.sign_in_as("ada", Role::Customer).await;
    app.send(sign_in(BO, "wrong")).await;
    let rows = || {
        [
            database.count("SELECT count(*) FROM sign_in_attempts"),
            database.count("SELECT count(*) FROM refresh_tokens"),
            database.count("SELECT count(*) FROM sessions"),
        ]
    };
    assert_eq!(rows(), [1, 1, 1]);
    database.execute(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql
             AS $$ BEGIN RAISE EXCEPTION 'it takes too long'; END $$;
         CREATE TRIGGER fail BEFORE DELETE ON sessions
             FOR EACH ROW EXECUTE FUNCTION fail()",
    );
    app.clock.advance(40 * DAY);
    let customers = &app.repositories.customers;
    let now = app.clock.clock().now();
    assert!(customers.clean_up(now).await.is_err());
    assert_eq!(rows(), [0, 0, 1]);

    database.execute("DROP TRIGGER fail ON sessions");
    customers.clean_up(now).await.unwrap();
    assert_eq!(rows(), [0, 0, 0]);
}
