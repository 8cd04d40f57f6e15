//! A handler that panics, without a layer and with one.

use axum::{Router, routing::get};
use tokio::net::TcpListener;
use tower_http::catch_panic::CatchPanicLayer;

// ANCHOR: share-bill
async fn share_bill() -> String {
    let guests: Vec<&str> = Vec::new();
    format!("{} cents each", 1_440 / guests.len())
}
// ANCHOR_END: share-bill

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let routes = Router::new().route("/bill/share", get(share_bill));
    let caught = routes.clone().layer(CatchPanicLayer::new());
    for (how, app) in [("without", routes), ("with", caught)] {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/bill/share", listener.local_addr()?);
        tokio::spawn(async { axum::serve(listener, app).await });
        let client = reqwest::Client::builder().no_proxy().build()?;
        let status = client
            .get(url)
            .send()
            .await
            .map(|response| response.status());
        match status {
            Ok(status) => println!("{how} the layer: {status}"),
            Err(error) if error.is_request() => {
                println!("{how} the layer: no response");
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
