use std::time::Duration;

use axum::{Router, routing::get};
use tower::timeout::TimeoutLayer;

fn main() {
    let _app: Router = Router::new()
        .route("/menu", get(async || "espresso, tea"))
        .layer(TimeoutLayer::new(Duration::from_secs(10)));
}
