//! A handler that answers 500 to every error, with anyhow.

use std::path::PathBuf;
use std::{env, process};

use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Router, body::Body, extract::State, routing::get};
use tokio::fs;
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
async fn opening_hours(State(file): State<PathBuf>) -> Result<String, AppError> {
    let text = fs::read_to_string(file).await?;
    let first: u32 = text.lines().next().unwrap_or_default().parse()?;
    Ok(format!("The shop opens at {first}"))
}
// ANCHOR_END: handler

async fn status(file: PathBuf) -> StatusCode {
    let app = Router::new().route("/hours", get(opening_hours));
    let request = Request::get("/hours").body(Body::empty());
    let request = request.expect("a GET without a body is valid");
    let Ok(response) = app.with_state(file).oneshot(request).await;
    response.status()
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // The id of the process makes the name unique.
    let name = format!("opening-hours-{}.txt", process::id());
    let file = env::temp_dir().join(name);

    println!("Without a file:   {}", status(file.clone()).await);
    fs::write(&file, "eight\n").await?;
    println!("The file: eight   {}", status(file.clone()).await);
    fs::write(&file, "8\n").await?;
    println!("The file: 8       {}", status(file.clone()).await);

    fs::remove_file(&file).await?;
    Ok(())
}
