//! Loads open pages again after a build.
//!
//! Each page has a script that asks for a newer build than the page's own. The answer comes when
//! there is one. `tower-livereload` keeps a connection open for each page, also for a page that nobody
//! looks at, and a browser has at most six connections to a server.

use std::{sync::LazyLock, time::SystemTime};

use axum::{
    Router,
    body::{self, Body},
    extract::{Path, State},
    http::{StatusCode, header::CONTENT_LENGTH},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::sync::watch;

use super::builder::Shown;

/// What the browser gets with each page.
const SCRIPT: &str = include_str!("reload.js");

/// The start of this program, in milliseconds. A page of an earlier start has an older build, also if
/// that had the same number.
static START: LazyLock<u128> = LazyLock::new(|| {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.unwrap_or_default().as_millis()
});

/// The name of a build.
fn name(shown: &Shown) -> String {
    format!("{}-{}", *START, shown.number)
}

/// The route that the script asks.
pub fn router<S>(shown: watch::Receiver<Shown>) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    Router::new()
        .route("/_newer/{build}", get(newer))
        .with_state(shown)
}

/// Answers when there is another build than this one.
async fn newer(
    State(mut shown): State<watch::Receiver<Shown>>,
    Path(build): Path<String>,
) -> impl IntoResponse {
    // An error means that the program is ending.
    match shown.wait_for(|shown| name(shown) != build).await {
        Ok(_) => StatusCode::NO_CONTENT,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// A page of this build with the script at its end.
pub async fn add_script(page: Response, shown: &Shown) -> Response {
    let (mut parts, body) = page.into_parts();
    let Ok(html) = body::to_bytes(body, usize::MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let build = name(shown);
    let script = format!("<script data-build=\"{build}\">\n{SCRIPT}</script>\n");
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(parts, Body::from([&html, script.as_bytes()].concat()))
}
