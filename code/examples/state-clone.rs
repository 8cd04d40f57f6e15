//! Two counters in the state of a router: one is copied for each request, one is shared.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::State,
    http::Request,
    routing::get,
};
use tower::ServiceExt; // for `oneshot`

// ANCHOR: counters
#[derive(Clone)]
struct Counters {
    copied: u32,
    shared: Arc<Mutex<u32>>,
}

async fn count(State(mut counters): State<Counters>) -> String {
    counters.copied += 1;
    let mut shared = counters.shared.lock().expect("no handler panics");
    *shared += 1;
    format!("copied: {}, shared: {shared}", counters.copied)
}
// ANCHOR_END: counters

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let counters = Counters {
        copied: 0,
        shared: Arc::new(Mutex::new(0)),
    };
    let app = Router::new().route("/", get(count)).with_state(counters);
    for number in 1..=3 {
        let response = app.clone().oneshot(Request::new(Body::empty())).await?;
        let body = to_bytes(response.into_body(), 1024).await?;
        let body = String::from_utf8_lossy(&body);
        println!("request {number}: {body}");
    }
    Ok(())
}
