//! A single-page app and the API that it calls, served by one program.

use std::error::Error;
use std::fs;
use std::path::Path;

use axum::{
    Json, Router,
    body::Body,
    http::{
        Request, StatusCode,
        header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH},
        request::Builder,
    },
    response::Response,
    routing::get,
};
use tower::ServiceExt;
use tower_http::services::{ServeDir, ServeFile};

// ANCHOR: router
fn api() -> Router {
    Router::new()
        .route("/menu", get(list_menu))
        // ANCHOR: api-fallback
        .fallback(unknown_path)
    // ANCHOR_END: api-fallback
}

fn router(dist: &Path) -> Router {
    let index = ServeFile::new(dist.join("index.html"));
    Router::new()
        .nest("/api", api())
        .nest_service("/assets", ServeDir::new(dist.join("assets")))
        .fallback_service(ServeDir::new(dist).fallback(index))
}
// ANCHOR_END: router

async fn list_menu() -> Json<[&'static str; 2]> {
    Json(["espresso", "tea"])
}

async fn unknown_path() -> (StatusCode, &'static str) {
    (StatusCode::NOT_FOUND, "There is no such path")
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let project = tempfile::tempdir()?;
    let dist = project.path().join("dist");
    fs::create_dir_all(dist.join("assets"))?;
    fs::write(dist.join("index.html"), "<div id=app></div>")?;
    fs::write(dist.join("assets/app.js"), "start()")?;
    fs::write(dist.join(".env"), "DEBUG=1")?;
    fs::write(project.path().join("shop.db"), "SQLite format 3")?;

    let app = router(&dist);
    let index = show(&app, Request::get("/")).await?;
    let paths = [
        "/assets/app.js",
        "/orders/17",
        "/assets/old.js",
        "/.env",
        "/../shop.db",
        "/api/menu",
        "/api/unknown",
        "/api/",
    ];
    for path in paths {
        show(&app, Request::get(path)).await?;
    }
    show(&app, Request::post("/orders")).await?;
    let tag = index.headers().get(ETAG).ok_or("no etag")?;
    show(&app, Request::get("/").header(IF_NONE_MATCH, tag)).await?;
    Ok(())
}

/// Sends a request without a body and prints a line about the answer.
async fn show(app: &Router, head: Builder) -> Result<Response, Box<dyn Error>> {
    let request = head.body(Body::empty())?;
    let again = request.headers().contains_key(IF_NONE_MATCH);
    let again = if again { " (if-none-match)" } else { "" };
    let asked = format!("{} {}{again}", request.method(), request.uri());
    let response = app.clone().oneshot(request).await?;
    let kind = response.headers().get(CONTENT_TYPE);
    let kind = kind.map_or(Ok("no body"), |kind| kind.to_str())?;
    println!("{asked:24} {}  {kind}", response.status().as_u16());
    Ok(response)
}
