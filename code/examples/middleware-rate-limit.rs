//! Limits how many requests each client may send, with `tower_governor`.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo, http::Request, routing::get};
use tower::ServiceExt;
use tower_governor::{GovernorLayer, governor::GovernorConfigBuilder};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // ANCHOR: config
    // Ten requests at once, and after that one every 60 seconds.
    let config = GovernorConfigBuilder::default()
        .per_second(60)
        .burst_size(10)
        .finish()
        .ok_or("both numbers must be above 0")?;
    // ANCHOR_END: config

    // ANCHOR: retain-recent
    let limiter = Arc::clone(config.limiter());
    tokio::spawn(async move {
        loop {
            limiter.retain_recent();
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
    });
    // ANCHOR_END: retain-recent

    // ANCHOR: layer
    let app = Router::new()
        .route("/menu", get(async || "tea, croissant"))
        .layer(GovernorLayer::new(config));
    // ANCHOR_END: layer

    let ada = SocketAddr::from(([192, 0, 2, 1], 50_000));
    let bo = SocketAddr::from(([192, 0, 2, 2], 50_000));
    for (name, client, requests) in [("Ada", ada, 11), ("Bo", bo, 1)] {
        for number in 1..=requests {
            let request = Request::get("/menu").extension(ConnectInfo(client));
            let response =
                app.clone().oneshot(request.body(Body::empty())?).await?;
            if number == 1 || number == requests {
                println!("{name}, request {number}: {}", response.status());
            }
            if response.headers().contains_key("retry-after") {
                println!("  The header retry-after says when to try again.");
            }
        }
    }
    // The program would end before the task above runs for the first time.
    tokio::task::yield_now().await;
    Ok(())
}
