//! A handler for an HTML form.

use axum::{Form, Router, http::Request, routing::post};
use serde::Deserialize;
use tower::ServiceExt; // for `oneshot`

#[derive(Deserialize)]
struct Feedback {
    name: String,
    stars: u8,
}

async fn receive_feedback(Form(feedback): Form<Feedback>) {
    assert_eq!((feedback.name.as_str(), feedback.stars), ("Ada L.", 5));
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let app = Router::new().route("/feedback", post(receive_feedback));
    let request = Request::post("/feedback")
        .header("content-type", "application/x-www-form-urlencoded")
        .body("name=Ada+L.&stars=5".to_owned())?;
    assert_eq!(app.oneshot(request).await?.status(), 200);
    Ok(())
}
