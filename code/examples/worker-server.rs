//! A server whose handlers send jobs to a worker. The worker finishes them when the server has stopped.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

async fn print_receipts(mut jobs: mpsc::Receiver<String>) {
    while let Some(customer) = jobs.recv().await {
        println!("receipt for {customer}");
    }
    println!("no more jobs");
}

// ANCHOR: handler
/// The body is the customer's name.
async fn place_order(
    State(queue): State<mpsc::Sender<String>>,
    customer: String,
) -> StatusCode {
    match queue.try_send(customer) {
        Ok(()) => StatusCode::CREATED,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE, // full or closed
    }
}
// ANCHOR_END: handler

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (stop, signal) = oneshot::channel();
    let client = tokio::spawn(order_and_stop(address, stop));
    let signal = async move {
        let _ = signal.await;
    };
    serve(listener, signal).await?;
    client.await?
}

// ANCHOR: serve
async fn serve(
    listener: TcpListener,
    signal: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let (queue, jobs) = mpsc::channel(100);
    let worker = tokio::spawn(print_receipts(jobs));
    let app = Router::new()
        .route("/orders", post(place_order))
        .with_state(queue); // moves the sender into the router
    axum::serve(listener, app)
        .with_graceful_shutdown(signal)
        .await?;
    timeout(Duration::from_millis(500), worker).await??;
    Ok(())
}
// ANCHOR_END: serve

/// Sends two orders, and then stops the server.
async fn order_and_stop(
    address: SocketAddr,
    stop: oneshot::Sender<()>,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let client = reqwest::Client::new();
    for customer in ["Ada", "Bo"] {
        let order = client.post(format!("http://{address}/orders"));
        order.body(customer).send().await?.error_for_status()?;
    }
    drop(stop);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_queue_is_a_503() {
        let (queue, _jobs) = mpsc::channel(1);
        let order =
            |customer: &str| place_order(State(queue.clone()), customer.to_owned());
        assert_eq!(order("Ada").await, StatusCode::CREATED);
        assert_eq!(order("Bo").await, StatusCode::SERVICE_UNAVAILABLE);
    }
}
