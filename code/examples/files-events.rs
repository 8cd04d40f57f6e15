//! Sends each order to the clients that watch the orders.

// ANCHOR: use
use axum::{
    Json, Router,
    extract::State,
    response::sse::{Event, KeepAlive, Sse},
    routing::{get, post},
};
use futures_util::{Stream, StreamExt, stream};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
// ANCHOR_END: use
use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::sync::oneshot;

// ANCHOR: state
#[derive(Clone, Serialize, Deserialize)]
struct Order {
    customer: String,
    item: String,
}

#[derive(Clone)]
struct AppState {
    orders: broadcast::Sender<Order>,
    /// Canceled when the server begins to stop.
    shutdown: CancellationToken,
}
// ANCHOR_END: state

// ANCHOR: watch-orders
async fn watch_orders(
    State(state): State<AppState>,
) -> Sse<impl Stream<Item = Result<Event, axum::Error>>> {
    let receiver = state.orders.subscribe();
    let events = stream::unfold(receiver, |mut receiver| async move {
        let order = receiver.recv().await.ok()?;
        let event = Event::default().event("order").json_data(order);
        Some((event, receiver))
    });
    // ANCHOR: take-until
    let events = events.take_until(state.shutdown.cancelled_owned());
    // ANCHOR_END: take-until
    Sse::new(events).keep_alive(KeepAlive::default())
}

async fn place_order(State(state): State<AppState>, Json(order): Json<Order>) {
    // `send` fails only if no client is watching.
    let _ = state.orders.send(order);
}
// ANCHOR_END: watch-orders

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    // ANCHOR: routes
    let state = AppState {
        orders: broadcast::Sender::new(16),
        shutdown: CancellationToken::new(),
    };
    let shutdown = state.shutdown.clone();
    let app = Router::new()
        .route("/orders", post(place_order))
        .route("/orders/watch", get(watch_orders))
        .with_state(state);
    // ANCHOR_END: routes

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (stop, signal) = oneshot::channel();
    let client = tokio::spawn(watch_and_order(address, stop));
    // ANCHOR: serve
    axum::serve(listener, app)
        .with_graceful_shutdown(async move {
            // In your server, write `ctrl_c().await;` instead of the next line.
            let _ = signal.await;
            shutdown.cancel();
        })
        .await?;
    // ANCHOR_END: serve
    client.await?
}

/// Watches the orders and places two, and stops the server then.
async fn watch_and_order(
    address: SocketAddr,
    stop: oneshot::Sender<()>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let orders = format!("http://{address}/orders");
    let client = reqwest::Client::new();
    let mut watching = client.get(format!("{orders}/watch")).send().await?;
    println!(
        "content-type: {}\n",
        watching.headers()["content-type"].to_str()?
    );
    for (customer, item) in [("Ada", "croissant"), ("Bo", "tea")] {
        let order = Order {
            customer: customer.to_owned(),
            item: item.to_owned(),
        };
        client.post(&orders).json(&order).send().await?;
        let event = watching.chunk().await?.ok_or("the response has ended")?;
        print!("{}", String::from_utf8_lossy(&event));
    }

    println!("(the server begins to stop)");
    drop(stop);
    if watching.chunk().await?.is_none() {
        println!("(the response has ended)");
    }
    Ok(())
}
