//! A handler that reads a header, one that sets headers, and one that reads and sets a cookie.

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{
        HeaderMap, Request, StatusCode,
        header::{CACHE_CONTROL, USER_AGENT},
    },
    response::IntoResponse,
    routing::get,
};
use axum_extra::extract::cookie::{Cookie, CookieJar};
use tower::ServiceExt; // for `oneshot`

// ANCHOR: header
async fn show_client(headers: HeaderMap) -> String {
    let client = headers
        .get(USER_AGENT)
        .and_then(|value| value.to_str().ok());
    format!("You use {}", client.unwrap_or("an unknown client"))
}
// ANCHOR_END: header

// ANCHOR: set-headers
async fn show_prices() -> impl IntoResponse {
    (
        StatusCode::OK,
        [(CACHE_CONTROL, "max-age=60")],
        [("x-currency", "EUR"), ("x-items", "2")],
        "espresso: 250 cents\ntea: 220 cents",
    )
}
// ANCHOR_END: set-headers

// ANCHOR: cookie
async fn count_visits(jar: CookieJar) -> (CookieJar, String) {
    let visits = jar
        .get("visits")
        .and_then(|cookie| cookie.value().parse().ok());
    let visits: u32 = visits.unwrap_or(0);
    let visits = visits.saturating_add(1);
    let cookie = Cookie::build(("visits", visits.to_string())).http_only(true);
    (jar.add(cookie), format!("This is visit {visits}"))
}
// ANCHOR_END: cookie

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let app = Router::new()
        .route("/client", get(show_client))
        .route("/prices", get(show_prices))
        .route("/visits", get(count_visits));
    for (path, name, value) in [
        ("/client", "user-agent", "curl/8.14.1"),
        ("/prices", "accept", "text/plain"),
        ("/visits", "cookie", "visits=2"),
    ] {
        let request = Request::get(path).header(name, value).body(Body::empty())?;
        println!("> GET {path}\n> {name}: {value}");
        let response = app.clone().oneshot(request).await?;
        println!("< {}", response.status());
        for (name, value) in response.headers() {
            println!("< {name}: {}", value.to_str()?);
        }
        let body = to_bytes(response.into_body(), 1024).await?;
        println!("{}", String::from_utf8_lossy(&body));
    }
    Ok(())
}
