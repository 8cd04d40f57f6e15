//! What the chapter on sign-in says.
#![allow(clippy::unwrap_used)] // in a test, a panic is the report
#![cfg(all(feature = "server", feature = "sqlite"))]

mod support;

mod sign_in {
    use std::fmt::Write;

    use axum::body::Body;
    use axum::http::Request;
    use code::service::{PASSWORD, app};
    use serde_json::json;
    use tower::ServiceExt;

    use crate::support::recorded;

    #[tokio::test]
    async fn the_right_password_has_to_wait_after_ten_wrong_ones() {
        let app = app();
        let mut output = String::new();
        for attempt in 1..=11 {
            let password = if attempt > 10 { PASSWORD } else { "wrong" };
            let body = json!({ "email": "ada@shop.example", "password": password });
            let request = Request::post("/sessions")
                .header("content-type", "application/json")
                .body(Body::from(body.to_string()))
                .unwrap();
            let response = app.clone().oneshot(request).await.unwrap();
            write!(output, "attempt {attempt}: {}", response.status()).unwrap();
            if let Some(seconds) = response.headers().get("retry-after") {
                let seconds = seconds.to_str().unwrap();
                write!(output, ", retry-after: {seconds}").unwrap();
            }
            output.push('\n');
        }
        recorded("output/sign-in/attempts.txt", &output);
    }
}
