//! A handler that asks another service, which answers, fails or says nothing.

use std::error::Error;
use std::future::pending;
use std::time::{Duration, Instant};

use axum::{
    Json, Router,
    body::{Body, to_bytes},
    extract::State,
    http::{Request, StatusCode},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tower::ServiceExt;

// ANCHOR: client
fn http_client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .connect_timeout(Duration::from_millis(300))
        .timeout(Duration::from_secs(1))
        .no_proxy()
        .build()
}
// ANCHOR_END: client

// ANCHOR: handler
#[derive(Clone)]
struct AppState {
    http: reqwest::Client,
    supplier: String,
}

#[derive(Serialize, Deserialize)]
struct Delivery {
    kilograms: u32,
    date: String,
}

async fn show_delivery(
    State(state): State<AppState>,
) -> Result<Json<Delivery>, SupplierError> {
    let url = format!("{}/deliveries/next", state.supplier);
    let response = state.http.get(url).send().await?;
    let delivery = response.error_for_status()?.json().await?;
    Ok(Json(delivery))
}
// ANCHOR_END: handler

// ANCHOR: error
struct SupplierError(reqwest::Error);

impl From<reqwest::Error> for SupplierError {
    fn from(error: reqwest::Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for SupplierError {
    fn into_response(self) -> Response {
        let error = self.0.without_url(); // a URL may contain a secret
        tracing::warn!(?error, "the supplier's API failed");
        let status = if error.is_timeout() {
            StatusCode::GATEWAY_TIMEOUT
        } else {
            StatusCode::BAD_GATEWAY
        };
        status.into_response()
    }
}
// ANCHOR_END: error

/// The other service, which works under one path and fails in three ways under others.
fn supplier() -> Router {
    let delivery = async || {
        Json(Delivery {
            kilograms: 20,
            date: "2026-03-04".into(),
        })
    };
    let path = "/deliveries/next";
    let failing = async || StatusCode::INTERNAL_SERVER_ERROR;
    let silent = async || pending::<()>().await;
    Router::new()
        .nest("/working", Router::new().route(path, get(delivery)))
        .nest("/failing", Router::new().route(path, get(failing)))
        .nest("/puzzling", Router::new().route(path, get(async || "soon")))
        .nest("/silent", Router::new().route(path, get(silent)))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async { axum::serve(listener, supplier()).await });
    let gone = TcpListener::bind("127.0.0.1:0").await?;
    let nobody = format!("http://{}", gone.local_addr()?);
    drop(gone);

    let http = http_client()?;
    let suppliers = [
        ("answers", format!("{address}/working")),
        ("answers 500", format!("{address}/failing")),
        ("sends invalid JSON", format!("{address}/puzzling")),
        ("doesn't answer", format!("{address}/silent")),
        ("isn't running", nobody),
        ("has an https URL", address.replace("http", "https")),
    ];
    for (supplier, url) in suppliers {
        let asked = Instant::now();
        let response = ask(&http, url).await?;
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), 1024).await?;
        let body = String::from_utf8_lossy(&body);
        let line = format!("supplier {supplier:24} {status} {body}");
        println!("{}", line.trim_end());
        assert_eq!(status == 504, asked.elapsed() >= Duration::from_secs(1));
    }
    let patient = reqwest::Client::builder().no_proxy().build()?;
    let answer = ask(&patient, format!("{address}/silent"));
    let answered = timeout(Duration::from_secs(3), answer).await.is_ok();
    println!("Without a timeout, answered within 3 seconds: {answered}");
    assert!(!answered);
    Ok(())
}

async fn ask(
    http: &reqwest::Client,
    supplier: String,
) -> Result<Response, Box<dyn Error>> {
    let http = http.clone();
    let app = Router::new()
        .route("/delivery", get(show_delivery))
        .with_state(AppState { http, supplier });
    let request = Request::get("/delivery").body(Body::empty())?;
    Ok(app.oneshot(request).await?)
}
