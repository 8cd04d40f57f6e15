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
            let status = response.status();
            let is_file = status.is_success() || status == StatusCode::NOT_MODIFIED;
            let value = "public, max-age=31536000, immutable";
            is_file.then(|| HeaderValue::from_static(value))
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

#[cfg(test)]
mod tests {
    use axum::http::header::{IF_MODIFIED_SINCE, LAST_MODIFIED};

    use super::*;

    type TestResult = Result<(), Box<dyn Error>>;

    /// A link that points to itself can't be read, so the response is a 500.
    #[cfg(unix)]
    #[tokio::test]
    async fn an_error_is_not_kept_for_a_year() -> TestResult {
        let dist = tempfile::tempdir()?;
        let assets = dist.path().join("assets");
        fs::create_dir(&assets)?;
        std::os::unix::fs::symlink("app.js", assets.join("app.js"))?;

        let request = Request::get("/assets/app.js").body(Body::empty())?;
        let response = router(dist.path()).oneshot(request).await?;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers().get(CACHE_CONTROL), None);
        Ok(())
    }

    #[tokio::test]
    async fn a_file_that_has_not_changed_is_kept_for_another_year() -> TestResult {
        let dist = tempfile::tempdir()?;
        fs::create_dir(dist.path().join("assets"))?;
        fs::write(dist.path().join("assets/app.js"), "start()")?;

        let app = router(dist.path());
        let request = Request::get("/assets/app.js").body(Body::empty())?;
        let response = app.clone().oneshot(request).await?;
        let request = Request::get("/assets/app.js")
            .header(IF_MODIFIED_SINCE, &response.headers()[LAST_MODIFIED])
            .body(Body::empty())?;
        let again = app.oneshot(request).await?;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        let expected = "public, max-age=31536000, immutable";
        assert_eq!(again.headers()[CACHE_CONTROL], expected);
        Ok(())
    }
}
