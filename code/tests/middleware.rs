//! What the chapter on middleware says, tested.

mod support;

// In a module of the chapter's name, so that `cargo test middleware` finds it.
mod middleware {
    use std::{future::pending, io, time::Duration};

    use axum::{
        Router,
        body::{Body, Bytes, to_bytes},
        http::{HeaderValue, Request, StatusCode},
        response::Response,
        routing::get,
    };
    use futures_util::stream;
    use serde_json::Value;
    use shop::error::Error;
    use shop::middleware::server_layers;
    use shop::repository::RepositoryError;
    use tokio::time::timeout;
    use tower::ServiceExt;

    use crate::support::recorded;

    async fn slow() {
        pending().await
    }

    async fn broken() {
        panic!("a bug");
    }

    /// Sends a `GET` request as a browser does it for a page of this origin.
    async fn send(app: &Router, path: &str, origin: &HeaderValue) -> Response {
        let request = Request::get(path).header("origin", origin);
        let request = request.body(Body::empty()).expect("a valid request");
        let Ok(response) = app.clone().oneshot(request).await;
        response
    }

    // ANCHOR: errors-of-layers
    #[tokio::test(start_paused = true)]
    async fn errors_of_layers_look_like_those_of_handlers() {
        let routes = Router::new()
            .route("/slow", get(slow))
            .route("/broken", get(broken))
            .fallback(async || Error::NoSuchPath);
        let page = HeaderValue::from_static("https://tablet.example");
        let id = || HeaderValue::from_static("17");
        let app = server_layers(routes, id, vec![page.clone()]);

        for (path, status) in [
            ("/slow", StatusCode::SERVICE_UNAVAILABLE),
            ("/broken", StatusCode::INTERNAL_SERVER_ERROR),
            ("/unknown", StatusCode::NOT_FOUND),
        ] {
            let response = send(&app, path, &page).await;
            assert_eq!(response.status(), status);
            let headers = response.headers();
            assert_eq!(headers["content-type"], "application/problem+json");
            assert_eq!(headers["x-request-id"], "17");
            assert_eq!(headers["access-control-allow-origin"], page);
        }
    }
    // ANCHOR_END: errors-of-layers

    async fn busy() -> Error {
        RepositoryError::Busy("database is locked".into()).into()
    }

    /// The response as text: its status, some of its headers and its body.
    async fn shown(response: Response) -> String {
        let mut text = format!("{}\n", response.status());
        for name in ["content-type", "retry-after", "x-request-id"] {
            if let Some(value) = response.headers().get(name) {
                text += &format!("{name}: {}\n", value.to_str().expect("text"));
            }
        }
        let body = to_bytes(response.into_body(), 4096).await.expect("a body");
        let body: Value = serde_json::from_slice(&body).expect("JSON");
        text + &format!("\n{body:#}\n")
    }

    #[tokio::test(start_paused = true)]
    async fn a_timeout_and_a_busy_database_have_these_responses() {
        let routes = Router::new()
            .route("/slow", get(slow).post(slow))
            .route("/busy", get(busy));
        let id = || HeaderValue::from_static("17");
        let app = server_layers(routes, id, Vec::new());
        for (method, path, file) in [
            ("GET", "/slow", "output/middleware/timeout-get.txt"),
            ("POST", "/slow", "output/middleware/timeout-post.txt"),
            ("GET", "/busy", "output/concurrency/busy.txt"),
        ] {
            let request = Request::builder().method(method).uri(path);
            let request = request.body(Body::empty()).expect("a valid request");
            let Ok(response) = app.clone().oneshot(request).await;
            recorded(file, &shown(response).await);
        }
    }

    #[tokio::test]
    async fn the_request_ids_of_the_pages_count_from_1() {
        let app = code::shop::app();
        let page = HeaderValue::from_static("https://tablet.example");
        for id in ["1", "2", "3"] {
            let response = send(&app, "/menu", &page).await;
            assert_eq!(response.headers()["x-request-id"], id);
        }
    }

    /// A page can't have the layers that need a clock. `cargo chapter shop` has them: without
    /// them, it would wait for the rest of this body forever.
    #[tokio::test(start_paused = true)]
    async fn the_shop_of_cargo_chapter_has_the_layers_of_a_server() {
        let body = Body::from_stream(stream::pending::<io::Result<Bytes>>());
        let request =
            Request::post("/orders").header("content-type", "application/json");
        let request = request.body(body).expect("a valid request");
        let app = code::program("shop")
            .expect("the shop is a program")
            .served();
        let answer = timeout(Duration::from_secs(60), app.oneshot(request)).await;
        let Ok(response) = answer.expect("a deadline has ended the request");
        assert_eq!(response.status(), StatusCode::REQUEST_TIMEOUT);
    }
}
