//! Two ways to put layers around a route, and which of them is asked first.

use axum::{
    Router, body::Body, extract::Request, middleware::map_request, routing::get,
};
use tower::{ServiceBuilder, ServiceExt};

#[tokio::main]
async fn main() {
    let at = |place| {
        map_request(move |request: Request| async move {
            println!("  at the {place}");
            request
        })
    };
    let shop = Router::new().route("/", get(async || println!("  served")));

    let added = shop.clone().layer(at("counter")).layer(at("door"));
    let list = ServiceBuilder::new().layer(at("door")).layer(at("counter"));
    for (how, app) in [("added", added), ("listed", shop.layer(list))] {
        println!("{how}:");
        let Ok(_) = app.oneshot(Request::new(Body::empty())).await;
    }
}
