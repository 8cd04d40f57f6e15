//! Two middlewares, added in two ways.

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::Response,
    routing::get,
};
use tower::{ServiceBuilder, ServiceExt};

// ANCHOR: announce
async fn announce(
    State(name): State<&'static str>,
    request: Request,
    next: Next,
) -> Response {
    println!("  {name}: request");
    let response = next.run(request).await;
    println!("  {name}: response");
    response
}
// ANCHOR_END: announce

#[tokio::main]
async fn main() {
    let routes = Router::new().route("/", get(async || println!("  handler")));

    // ANCHOR: apps
    let first = from_fn_with_state("first", announce);
    let second = from_fn_with_state("second", announce);
    let two_calls = routes.clone().layer(first.clone()).layer(second.clone());
    let both = ServiceBuilder::new().layer(first).layer(second);
    let one_call = routes.layer(both);
    // ANCHOR_END: apps

    for (name, app) in [("two calls", two_calls), ("one call", one_call)] {
        println!("{name}");
        let Ok(_) = app.oneshot(Request::new(Body::empty())).await;
    }
}
