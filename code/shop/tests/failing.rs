//! What clients get when the repository can't do its work, for every endpoint.

#![allow(clippy::unwrap_used)] // in a test, a panic is the report

mod support;

use async_trait::async_trait;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::json;
use shop::model::{
    Item, MenuFilter, NewOrder, Order, OrderChange, OrderFilter, Page, ShopError,
};
use shop::repository::{Clock, Put, Repository, RepositoryError};
use support::{app_with, as_staff, delete, get, order, patch, put, send};

// ANCHOR: failing
/// A repository whose methods all fail, each with the error that the function makes.
struct Failing(fn() -> RepositoryError);

#[async_trait]
impl Repository for Failing {
    async fn item(&self, _: &str) -> Result<Option<Item>, RepositoryError> {
        Err(self.0())
    }
    // ANCHOR_END: failing

    async fn menu(&self, _: MenuFilter) -> Result<Vec<Item>, RepositoryError> {
        Err(self.0())
    }

    async fn put_item(&self, _: Item) -> Result<Put, RepositoryError> {
        Err(self.0())
    }

    async fn delete_item(&self, _: &str) -> Result<bool, RepositoryError> {
        Err(self.0())
    }

    async fn place_order(
        &self,
        _: NewOrder,
        _: Clock,
    ) -> Result<Order, RepositoryError> {
        Err(self.0())
    }

    async fn order(&self, _: u64) -> Result<Option<Order>, RepositoryError> {
        Err(self.0())
    }

    async fn orders(&self, _: OrderFilter) -> Result<Page<Order>, RepositoryError> {
        Err(self.0())
    }

    async fn change_order(
        &self,
        _: u64,
        _: OrderChange,
    ) -> Result<Order, RepositoryError> {
        Err(self.0())
    }

    async fn ping(&self) -> Result<(), RepositoryError> {
        Err(self.0())
    }
}

/// A request for each endpoint that needs the repository.
fn requests() -> Vec<Request<Body>> {
    let scone = json!({ "name": "Scone", "price_cents": 270, "stock": 6 });
    vec![
        get("/menu"),
        get("/menu/tea"),
        as_staff(put("/menu/scone", scone)),
        as_staff(delete("/menu/tea")),
        order("tea", 1),
        get("/orders/1"),
        as_staff(get("/orders")),
        patch("/orders/1", json!({ "note": "hot" })),
        get("/health/ready"),
    ]
}

// ANCHOR: busy
#[tokio::test]
async fn every_endpoint_says_when_to_try_again_if_the_repository_is_busy() {
    let app = app_with(Failing(|| RepositoryError::Busy("locked".into())));
    for request in requests() {
        let response = send(&app, request).await;
        response.problem(StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.header("retry-after"), "1");
    }
}
// ANCHOR_END: busy

/// The limits of a price and of a quantity keep each total small. So this test needs a
/// repository that reports the error anyway.
#[tokio::test]
async fn a_total_that_is_too_large_is_a_mistake_in_the_quantity() {
    let app = app_with(Failing(|| ShopError::TotalTooLarge.into()));
    let response = send(&app, order("tea", 10)).await;
    let problem = response.problem(StatusCode::UNPROCESSABLE_ENTITY);
    let mistake =
        json!({ "detail": "makes the total too large", "pointer": "#/quantity" });
    assert_eq!(problem["errors"], json!([mistake]));
}

#[tokio::test]
async fn no_endpoint_says_why_the_repository_failed() {
    let cause = || RepositoryError::Storage("the disk is on fire".into());
    let app = app_with(Failing(cause));
    for request in requests() {
        let response = send(&app, request).await;
        response.problem(StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!response.body.contains("disk"), "{response:?}");
    }
}
