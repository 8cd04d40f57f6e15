//! A handler that gets a value from the state of its router.

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::State,
    http::Request,
    routing::get,
};
use tower::ServiceExt; // for `oneshot`

// ANCHOR: with-state
#[derive(Clone)]
struct Shop {
    owner: &'static str,
}

async fn greet(State(shop): State<Shop>) -> String {
    format!("{} welcomes you", shop.owner)
}

fn app() -> Router {
    let shop = Shop { owner: "Ines" };
    Router::new().route("/", get(greet)).with_state(shop)
}
// ANCHOR_END: with-state

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let response = app().oneshot(Request::new(Body::empty())).await?;
    let body = to_bytes(response.into_body(), 1024).await?;
    assert_eq!(body, "Ines welcomes you");
    Ok(())
}
