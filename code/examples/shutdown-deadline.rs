//! A deadline for the graceful shutdown of `axum::serve`: with a request that finishes, and with
//! one that never does.

// ANCHOR: limit
use std::{io, time::Duration};

use axum::Router;
use tokio::{net::TcpListener, time::sleep};
use tokio_util::sync::CancellationToken;

/// How long the shutdown may take. By default, Docker waits for ten seconds.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(8);
// ANCHOR_END: limit

// ANCHOR: serve
async fn serve(
    listener: TcpListener,
    app: Router,
    signal: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let stopping = CancellationToken::new();
    let stop = stopping.clone();
    let server = axum::serve(listener, app).with_graceful_shutdown(async move {
        signal.await;
        stop.cancel();
    });
    let deadline = async {
        stopping.cancelled().await;
        sleep(SHUTDOWN_TIMEOUT).await;
    };
    tokio::select! {
        served = server.into_future() => served,
        () = deadline => {
            eprintln!("some requests were not finished in time");
            Ok(())
        }
    }
}
// ANCHOR_END: serve

use std::future::pending;

use axum::routing::get;
use tokio::sync::mpsc;
use tokio::time::Instant;

// The clock is paused: when everything waits, it jumps to the next deadline.
#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    for path in ["/tea", "/endless"] {
        let (started, mut received) = mpsc::unbounded_channel();
        let tea = started.clone();
        let app = Router::new()
            .route(
                "/tea",
                get(async move || tea.send(()).map_or("", |()| "tea")),
            )
            .route(
                "/endless",
                get(async move || {
                    let _ = started.send(());
                    pending::<()>().await;
                }),
            );
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}{path}", listener.local_addr()?);
        tokio::spawn(reqwest::get(url));
        // The signal comes as soon as the request is in progress.
        let signal = async move {
            received.recv().await;
        };
        let start = Instant::now();
        serve(listener, app, signal).await?;
        let seconds = start.elapsed().as_secs();
        println!("GET {path}: the shutdown took {seconds} s");
    }
    Ok(())
}
