//! A request to another service with a token and a JSON body.

use std::error::Error;

use axum::{
    Json, Router,
    http::{HeaderMap, StatusCode, header::AUTHORIZATION},
    routing::post,
};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

// ANCHOR: order-beans
#[derive(Serialize, Deserialize)]
struct BeanOrder {
    kilograms: u32,
}

#[derive(Serialize, Deserialize)]
struct Delivery {
    kilograms: u32,
    date: String,
}

async fn order_beans(
    http: &reqwest::Client,
    supplier: &str,
    token: &str,
) -> reqwest::Result<Delivery> {
    let url = format!("{supplier}/orders");
    let order = BeanOrder { kilograms: 20 };
    let request = http.post(url).bearer_auth(token).json(&order);
    request.send().await?.error_for_status()?.json().await
}
// ANCHOR_END: order-beans

/// The other service.
async fn accept_order(
    headers: HeaderMap,
    Json(order): Json<BeanOrder>,
) -> Result<Json<Delivery>, StatusCode> {
    if headers
        .get(AUTHORIZATION)
        .is_none_or(|it| it != "Bearer ladle")
    {
        return Err(StatusCode::UNAUTHORIZED);
    }
    Ok(Json(Delivery {
        kilograms: order.kilograms,
        date: "2026-03-11".into(),
    }))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let supplier = format!("http://{}", listener.local_addr()?);
    let app = Router::new().route("/orders", post(accept_order));
    tokio::spawn(async { axum::serve(listener, app).await });

    let http = reqwest::Client::builder().no_proxy().build()?;
    for token in ["ladle", "spoon"] {
        match order_beans(&http, &supplier, token).await {
            Ok(Delivery { kilograms, date }) => {
                println!("{token}: {kilograms} kg will come on {date}")
            }
            Err(error) => println!("{token}: {}", error.without_url()),
        }
    }
    Ok(())
}
