//! Four requests: one is valid, and an extractor rejects each of the others.

use axum::{Json, Router, body::Body, extract::Path, http::Request, routing::put};
use tower::ServiceExt; // for `oneshot`

/// Changes the quantity of an order.
async fn change(Path(id): Path<u64>, Json(quantity): Json<u32>) -> String {
    format!("Order {id} is for {quantity}")
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let app = Router::new().route("/orders/{id}", put(change));

    for path in ["/orders/1", "/orders/latest"] {
        for body in ["2", "true"] {
            let request =
                Request::put(path).header("content-type", "application/json");
            let request = request.body(Body::from(body))?;
            let response = app.clone().oneshot(request).await?;
            println!("{path} with {body}: {}", response.status());
        }
    }
    Ok(())
}
