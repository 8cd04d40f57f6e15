//! A single-page app whose files have a `cache-control` header.

use std::error::Error;
use std::fs;
use std::path::Path;

use axum::{
    Router,
    body::Body,
    http::{HeaderValue, Request, Response, StatusCode, header::CACHE_CONTROL},
};
use tower::{ServiceBuilder, ServiceExt};
use tower_http::services::{ServeDir, ServeFile};
use tower_http::set_header::SetResponseHeaderLayer;

// ANCHOR: router
fn router(dist: &Path) -> Router {
    let no_cache = SetResponseHeaderLayer::if_not_present(
        CACHE_CONTROL,
        HeaderValue::from_static("no-cache"),
    );
    let one_year = SetResponseHeaderLayer::if_not_present(
        CACHE_CONTROL,
        |response: &Response<_>| {
            let found = response.status() != StatusCode::NOT_FOUND;
            let value = "public, max-age=31536000, immutable";
            found.then(|| HeaderValue::from_static(value))
        },
    );
    let index = ServeFile::new(dist.join("index.html"));
    let pages = ServeDir::new(dist).fallback(index);
    let assets = ServeDir::new(dist.join("assets"));
    let assets = ServiceBuilder::new().layer(one_year).service(assets);
    let pages = ServiceBuilder::new().layer(no_cache).service(pages);
    Router::new()
        .nest_service("/assets", assets)
        .fallback_service(pages)
}
// ANCHOR_END: router

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let project = tempfile::tempdir()?;
    let dist = project.path().join("dist");
    fs::create_dir_all(dist.join("assets"))?;
    fs::write(dist.join("index.html"), "<div id=app></div>")?;
    fs::write(dist.join("assets/app.js"), "start()")?;

    let app = router(&dist);
    for path in ["/", "/orders/17", "/assets/app.js", "/assets/old.js"] {
        let request = Request::get(path).body(Body::empty())?;
        let response = app.clone().oneshot(request).await?;
        let value = response.headers().get(CACHE_CONTROL);
        let value = value.map_or(Ok("no cache-control"), |value| value.to_str())?;
        println!("GET {path:15} {}  {value}", response.status().as_u16());
    }
    Ok(())
}
