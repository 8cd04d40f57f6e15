//! Sends each order to the clients that watch the orders.

use axum::{
    Json, Router,
    body::Body,
    extract::State,
    http::Request,
    response::sse::{Event, KeepAlive, Sse},
    routing::{get, post},
};
use futures_util::{Stream, TryStreamExt, stream};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;
use tower::ServiceExt;

// ANCHOR: watch-orders
type OrderSender = broadcast::Sender<Order>;

async fn watch_orders(
    State(sender): State<OrderSender>,
) -> Sse<impl Stream<Item = Result<Event, axum::Error>>> {
    let events = stream::unfold(sender.subscribe(), |mut receiver| async move {
        let order = receiver.recv().await.ok()?;
        let event = Event::default().event("order").json_data(order);
        Some((event, receiver))
    });
    Sse::new(events).keep_alive(KeepAlive::default())
}

async fn place_order(State(sender): State<OrderSender>, Json(order): Json<Order>) {
    // An error means only that no client is watching.
    let _ = sender.send(order);
}
// ANCHOR_END: watch-orders

#[derive(Clone, Serialize, Deserialize)]
struct Order {
    customer: String,
    item: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sender = OrderSender::new(16);
    let app = Router::new()
        .route("/orders", post(place_order))
        .route("/orders/watch", get(watch_orders))
        .with_state(sender);

    let request = Request::get("/orders/watch").body(Body::empty())?;
    let response = app.clone().oneshot(request).await?;
    println!(
        "content-type: {}\n",
        response.headers()["content-type"].to_str()?
    );
    let mut events = response.into_body().into_data_stream();
    for order in [
        r#"{"customer": "Ada", "item": "croissant"}"#,
        r#"{"customer": "Bo", "item": "tea"}"#,
    ] {
        let request = Request::post("/orders")
            .header("content-type", "application/json")
            .body(Body::from(order))?;
        app.clone().oneshot(request).await?;
        let event = events.try_next().await?.ok_or("the stream has ended")?;
        print!("{}", String::from_utf8_lossy(&event));
    }
    Ok(())
}
