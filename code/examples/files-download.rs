//! A download that only baristas get, sent chunk by chunk from a file.

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{FromRequestParts, Request, State},
    http::{
        HeaderValue, StatusCode,
        header::{
            AUTHORIZATION, CONTENT_DISPOSITION, CONTENT_RANGE, CONTENT_TYPE, RANGE,
        },
        request::{Builder, Parts},
    },
    response::{IntoResponse, Response},
    routing::get,
};
use tower::ServiceExt;
use tower_http::services::ServeFile;

/// Somebody who has sent the token of the baristas. In a real service, compare the token in
/// constant time, and read it from the settings.
struct Barista;

impl<S: Send + Sync> FromRequestParts<S> for Barista {
    type Rejection = StatusCode;

    async fn from_request_parts(
        parts: &mut Parts,
        _state: &S,
    ) -> Result<Self, StatusCode> {
        match parts.headers.get(AUTHORIZATION) {
            Some(value) if value == "Bearer only-for-this-example" => Ok(Self),
            _ => Err(StatusCode::UNAUTHORIZED),
        }
    }
}

// ANCHOR: download
/// Sends the video. Its path is the state.
async fn download(
    _: Barista,
    State(video): State<Arc<PathBuf>>,
    request: Request,
) -> impl IntoResponse {
    let Ok(mut response) = ServeFile::new(&*video).oneshot(request).await;
    if response.status().is_success() {
        response.headers_mut().insert(
            CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment; filename=\"latte.mp4\""),
        );
    }
    response
}
// ANCHOR_END: download

// ANCHOR: routes
fn app(video: PathBuf) -> Router {
    Router::new()
        .route("/videos/latte", get(download))
        .with_state(Arc::new(video))
}
// ANCHOR_END: routes

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let video = folder.path().join("latte.mp4");
    fs::write(&video, [b'x'; 1000])?;
    let app = app(video.clone());

    let ask = || Request::get("/videos/latte");
    let sign_in = || ask().header(AUTHORIZATION, "Bearer only-for-this-example");
    show("without a token", &app, ask()).await?;
    show("the whole video", &app, sign_in()).await?;
    let range = sign_in().header(RANGE, "bytes=0-99");
    show("the first 100 bytes", &app, range).await?;
    let range = sign_in().header(RANGE, "bytes=5000-");
    show("a part after the end", &app, range).await?;
    fs::remove_file(video)?;
    show("a video that is gone", &app, sign_in()).await?;
    Ok(())
}

/// Sends a request, and prints the status, some headers, and the size of the body.
async fn show(
    what: &str,
    app: &Router,
    request: Builder,
) -> Result<(), Box<dyn Error>> {
    let response: Response =
        app.clone().oneshot(request.body(Body::empty())?).await?;
    println!("{what}: {}", response.status());
    for name in [CONTENT_TYPE, CONTENT_DISPOSITION, CONTENT_RANGE] {
        if let Some(value) = response.headers().get(&name) {
            println!("  {name}: {}", value.to_str()?);
        }
    }
    let body = to_bytes(response.into_body(), 1024).await?;
    println!("  {} bytes", body.len());
    Ok(())
}
