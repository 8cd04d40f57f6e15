//! A handler that answers 500 to every error, with anyhow.

use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Router, body::Body, routing::get};
use tower::ServiceExt;

// ANCHOR: app-error
struct AppError(anyhow::Error);

impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        eprintln!("{:#}", self.0); // with `:#`, anyhow prints the causes, too
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}

impl<E: Into<anyhow::Error>> From<E> for AppError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}
// ANCHOR_END: app-error

// ANCHOR: handler
async fn opening_hours() -> Result<String, AppError> {
    let text = std::fs::read_to_string("opening-hours.txt")?;
    let first: u32 = text.lines().next().unwrap_or_default().parse()?;
    Ok(format!("The shop opens at {first}"))
}
// ANCHOR_END: handler

#[tokio::main]
async fn main() {
    let app = Router::new().route("/hours", get(opening_hours));
    let request = Request::get("/hours").body(Body::empty());
    let request = request.expect("a GET without a body is valid");
    let Ok(response) = app.oneshot(request).await;
    println!("{}", response.status());
}
