//! A body that clients may leave out.

use axum::{
    Json, Router,
    body::{Body, to_bytes},
    http::Request,
    routing::post,
};
use serde::Deserialize;
use tower::ServiceExt; // for `oneshot`

// ANCHOR: optional-body
#[derive(Deserialize)]
struct Cancellation {
    reason: String,
}

async fn cancel_order(cancellation: Option<Json<Cancellation>>) -> String {
    match cancellation {
        Some(Json(Cancellation { reason })) => format!("canceled: {reason}"),
        None => "canceled without a reason".into(),
    }
}
// ANCHOR_END: optional-body

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let app = Router::new().route("/orders/1/cancellation", post(cancel_order));
    for (content_type, body) in [
        (Some("application/json"), r#"{ "reason": "too late" }"#),
        (None, ""),
        (Some("application/json"), r#"{ "reason": }"#),
        (Some("text/plain"), "too late"),
    ] {
        let mut request = Request::post("/orders/1/cancellation");
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        let response = app.clone().oneshot(request.body(Body::from(body))?).await?;
        let status = response.status().as_u16();
        let answer = to_bytes(response.into_body(), 1024).await?;
        let answer = String::from_utf8_lossy(&answer);
        let content_type = content_type.unwrap_or("no content-type");
        let sent = format!("{content_type:16}  {body}");
        println!("{}\n  {status}  {answer}", sent.trim_end());
    }
    Ok(())
}
