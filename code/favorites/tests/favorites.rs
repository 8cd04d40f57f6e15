// ANCHOR: use
//! The favorites over HTTP.

#![allow(clippy::unwrap_used)] // a test reports a failure by panicking

mod support;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use serde_json::json;
use service::customers::model::Role;
use service::favorites::model::MAX_FAVORITES;

use support::{
    TestApp, delete, get, on_each_storage, put, request, with_header, with_token,
};
// ANCHOR_END: use

// ANCHOR: mark
fn mark(item: &str) -> Request<Body> {
    request(Method::PUT, &format!("/me/favorites/{item}"))
}
// ANCHOR_END: mark

// ANCHOR: own
#[tokio::test]
async fn customers_see_only_their_own_favorites() {
    on_each_storage(|repositories| async {
        let app = TestApp::new(repositories);
        for (name, drink) in [("ada", "tea"), ("bo", "espresso")] {
            // ANCHOR: account-and-token
            let token = app.sign_in_as(name, Role::Customer).await;
            let marked = app.send(with_token(mark(drink), &token)).await;
            // ANCHOR_END: account-and-token
            assert_eq!(marked.status, StatusCode::NO_CONTENT);

            let list = with_token(get("/me/favorites"), &token);
            let favorites = app.json_of(list).await;
            assert_eq!(favorites, json!([{ "item": drink }]));
        }
        let response = app.send(get("/me/favorites")).await;
        response.problem(StatusCode::UNAUTHORIZED);
    })
    .await;
}
// ANCHOR_END: own

#[tokio::test]
async fn a_favorite_must_be_on_the_menu() {
    on_each_storage(|repositories| async {
        let app = TestApp::new(repositories);
        let ada = app.sign_in_as("ada", Role::Customer).await;
        for (item, status) in [
            ("cake", StatusCode::NOT_FOUND),
            ("Tea", StatusCode::BAD_REQUEST), // no item can have this id
        ] {
            let response = app.send(with_token(mark(item), &ada)).await;
            response.problem(status);
        }
        let list = with_token(get("/me/favorites"), &ada);
        assert_eq!(app.json_of(list).await, json!([]));
    })
    .await;
}

#[tokio::test]
async fn a_removed_favorite_is_gone() {
    on_each_storage(|repositories| async {
        let app = TestApp::new(repositories);
        let ada = app.sign_in_as("ada", Role::Customer).await;
        app.send(with_token(mark("tea"), &ada)).await;
        // The second time, there's nothing to remove.
        for _ in 0..2 {
            let remove = with_token(delete("/me/favorites/tea"), &ada);
            assert_eq!(app.send(remove).await.status, StatusCode::NO_CONTENT);
        }
        let list = with_token(get("/me/favorites"), &ada);
        assert_eq!(app.json_of(list).await, json!([]));
    })
    .await;
}

// ANCHOR: too-many
#[tokio::test]
async fn one_favorite_too_many_gets_409() {
    on_each_storage(|repositories| async {
        let app = TestApp::new(repositories);
        let ada = app.sign_in_as("ada", Role::Customer).await;
        for number in 0..MAX_FAVORITES {
            let drink = format!("drink-{number}");
            add_to_menu(&app, &drink).await;
            let marked = app.send(with_token(mark(&drink), &ada)).await;
            assert_eq!(marked.status, StatusCode::NO_CONTENT);
        }
        let response = app.send(with_token(mark("tea"), &ada)).await;
        response.problem(StatusCode::CONFLICT);

        let again = app.send(with_token(mark("drink-0"), &ada)).await;
        assert_eq!(again.status, StatusCode::NO_CONTENT);
    })
    .await;
}
// ANCHOR_END: too-many

// ANCHOR: add-to-menu
async fn add_to_menu(app: &TestApp, id: &str) {
    let item = json!({ "name": id, "price_cents": 250, "stock": 1 });
    let request =
        with_header(put(&format!("/menu/{id}"), item), "if-none-match", "*");
    app.json_of(app.as_barista(request)).await;
}
// ANCHOR_END: add-to-menu

// ANCHOR: account
/// Only PostgreSQL checks whether the account exists.
#[cfg(feature = "server")]
#[tokio::test]
async fn in_postgresql_a_favorite_belongs_to_an_account() {
    use std::sync::Arc;

    use service::storage::postgres::Postgres;
    use support::{Repositories, postgres::TestDatabase};

    let Some(database) = TestDatabase::create() else {
        return;
    };
    let storage = Postgres::connect(&database.url()).await.unwrap();
    let app = TestApp::new(Repositories::of(Arc::new(storage)));

    // The token is valid, but no account has this id, as if the account had been removed.
    // ANCHOR: only-a-token
    let request = app.signed_in(1_000, Role::Customer, mark("tea"));
    // ANCHOR_END: only-a-token
    let response = app.send(request).await;
    response.problem(StatusCode::UNAUTHORIZED);
    let challenge = response.header("www-authenticate");
    assert!(challenge.contains("invalid_token"), "{challenge}");
}
// ANCHOR_END: account
