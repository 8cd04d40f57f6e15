//! Two extractors, and a request that both of them would refuse.

use axum::{Json, Router, body::Body, extract::Path, http::Request, routing::put};
use tower::ServiceExt;

/// Changes how many of an item an order has.
async fn change(Path(id): Path<u64>, Json(quantity): Json<u32>) -> String {
    format!("Order {id} has {quantity}")
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let app = Router::new().route("/orders/{id}", put(change));

    let cases = [("/orders/1", "2", 200), ("/orders/1", "true", 422)];
    let both_wrong = ("/orders/latest", "true", 400); // the status of `Path`
    for (path, body, status) in [cases[0], cases[1], both_wrong] {
        let request = Request::put(path).header("content-type", "application/json");
        let request = request.body(Body::from(body))?;
        let answer = app.clone().oneshot(request).await?;
        assert_eq!(answer.status(), status);
    }
    Ok(())
}
