//! Query strings with optional, default and repeated keys.

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Query,
    http::Request,
    routing::get,
};
use serde::Deserialize;
use tower::ServiceExt; // for `oneshot`

// ANCHOR: optional-and-default
#[derive(Deserialize)]
struct OrderFilter {
    customer: Option<String>,
    #[serde(default = "default_limit")]
    limit: u32,
}

fn default_limit() -> u32 {
    50
}

async fn list_orders(Query(filter): Query<OrderFilter>) -> String {
    format!("customer {:?}, limit {}", filter.customer, filter.limit)
}
// ANCHOR_END: optional-and-default

// ANCHOR: repeated
#[derive(Deserialize)]
struct ItemFilter {
    #[serde(default)]
    item: Vec<String>,
    limit: Option<u32>,
}

async fn list_items(
    axum_extra::extract::Query(filter): axum_extra::extract::Query<ItemFilter>,
) -> String {
    format!("item {:?}, limit {:?}", filter.item, filter.limit)
}
// ANCHOR_END: repeated

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let app = Router::new()
        .route("/orders", get(list_orders))
        .route("/items", get(list_items));
    for path in [
        "/orders?customer=Ada&limit=5",
        "/orders",
        "/orders?customer=Ada&customer=Bo",
        "/orders?limit=",
        "/items?item=tea&item=muffin",
        "/items?limit=",
    ] {
        let request = Request::get(path).body(Body::empty())?;
        let response = app.clone().oneshot(request).await?;
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), 1024).await?;
        println!("{path}\n  {status}  {}", String::from_utf8_lossy(&body));
    }
    Ok(())
}
