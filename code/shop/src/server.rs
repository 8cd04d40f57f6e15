//! Runs the server until the program is asked to stop.
//!
//! `axum::serve` is shorter, and right behind a proxy that sets limits. By itself it
//! has no limit on how long a client may take to send the head of a request, how many
//! clients may connect, and how long a shutdown may take.
//!
//! Some things are missing here, too:
//!
//! - There are no WebSockets. To add them, turn on axum's `ws` feature, keep
//!   `http1::Builder`, and append `.with_upgrades()` to `.serve_connection(…)`.
//!   `GracefulShutdown` can't watch such a connection. So pin it, and wait in a
//!   `select!` for it and for the shutdown (a `CancellationToken` of the crate
//!   tokio-util, for example). On shutdown, call its `graceful_shutdown`, and wait for
//!   it again. Spawn the tasks on a `TaskTracker`, and put its `close` and `wait` in
//!   place of `connections.shutdown()`. A connection that has become a WebSocket no
//!   longer counts as one of `MAX_CONNECTIONS`, and the shutdown doesn't wait for it.
//! - Don't use `hyper_util::server::conn::auto` for WebSockets. It reads the first bytes
//!   to find out the version of HTTP, and `header_read_timeout` doesn't limit this. So a
//!   client that sends nothing stays connected.
//! - There is no HTTP/2. `axum::serve` has it, with axum's `http2` feature. It uses
//!   `auto`, so put a proxy in front that disconnects silent clients.
//! - A client may take as long as it likes to read a response. On the open internet, put
//!   a proxy in front that limits this time.
//! - If a client closes its sending side after a request (`nc -N` does), it counts as
//!   disconnected and gets no response. hyper's `half_close(true)` would answer it. But
//!   then, the server notices a client that is gone only when it writes.
//! - After SIGTERM, new connections are refused at once. Kubernetes may send clients for
//!   some seconds more. Give the container a `preStop` hook that sleeps for that long.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::response::Response;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tower::Service;
use tower_http::add_extension::AddExtension;
use tracing::{debug, info, warn};

// ANCHOR: limits
/// How many clients may be connected at the same time. The limit is 512, because on many
/// systems, a process may have only 1,024 open files, and each connection counts as one.
/// Any further client waits until one of the 512 disconnects. A health check has to wait
/// as well, so while all connections are in use, your platform may think that the server
/// is dead. If your clients keep their connections open for a long time, put a proxy in
/// front of this program. The proxy keeps the connections of the clients open, and needs
/// only a few connections to this program.
const MAX_CONNECTIONS: usize = 512;

/// How long a client may take to send the head of a request. The limit is short, because
/// a slow client occupies one of the connections. The same limit applies between two
/// requests: an idle connection is closed after this time. If there's a proxy in front
/// of this program, set the proxy's idle timeout to less than this limit. Otherwise the
/// proxy may send a request on a connection while this program is closing it. The
/// proxy then answers its own client with a 502.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);

/// How long requests may continue after the server has been asked to stop. Docker and
/// Kubernetes send SIGTERM, and kill the process some time later. Docker waits for ten
/// seconds. This limit is eight, because afterward, `main.rs` may need one second
/// to close the database and to stop the runtime, and one more is kept in reserve.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(8);
// ANCHOR_END: limits

/// How many bytes of a request may be in memory before they are read, for each
/// connection. The head of a request must fit in. hyper looks at this limit before it
/// reads from the socket, so a little more can arrive: twice as much at most. hyper's
/// default is about 400 KiB, which is 200 MiB for 512 connections.
const MAX_BUFFER: usize = 64 * 1024;

/// Serves `app` until `shutdown` is done. Then it accepts no more connections, finishes the
/// requests that it has begun to handle, and returns: after eight seconds at most. A
/// request that is still on its way is lost, and its client gets no response.
///
/// `app` is a router, or a service around one, such as `NormalizePath<Router>`. Each
/// request has the address of its client as the extension [`ConnectInfo<SocketAddr>`].
/// Behind a proxy, that's the address of the proxy.
///
/// [`ConnectInfo<SocketAddr>`]: ConnectInfo
pub async fn serve<S>(
    listener: TcpListener,
    app: S,
    shutdown: impl Future<Output = ()>,
) where
    S: Service<Request<Incoming>, Response = Response, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    let mut shutdown = pin!(shutdown);
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let connections = GracefulShutdown::new();
    loop {
        let (stream, client, permit) = tokio::select! {
            () = &mut shutdown => break,
            accepted = accept(&listener, &permits) => accepted,
        };
        let app = AddExtension::new(app.clone(), ConnectInfo(client));
        serve_connection(stream, permit, app, &connections);
    }
    // ANCHOR: deadline
    drop(listener); // from here on, new connections are refused
    info!("finishing the requests that are running");
    if timeout(SHUTDOWN_TIMEOUT, connections.shutdown())
        .await
        .is_err()
    {
        warn!("some requests were not finished in time");
    }
    // ANCHOR_END: deadline
}

/// Waits until one more client may be connected, and then for the client.
///
/// Both waits are in one future, so that the server can be stopped during either.
async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, Option<OwnedSemaphorePermit>) {
    // This fails only if the semaphore is closed, and it never is.
    let permit = Arc::clone(permits).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, client)) => return (stream, client, permit),
            // The client was gone before it was accepted.
            Err(error) if is_connection_error(&error) => {}
            // Too many open files, for example. Other connections may end and free some.
            Err(error) => {
                warn!(%error, "can't accept a connection");
                sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

fn is_connection_error(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

/// Starts a task that answers the requests of one connection.
fn serve_connection<S>(
    stream: TcpStream,
    permit: Option<OwnedSemaphorePermit>,
    app: S,
    connections: &GracefulShutdown,
) where
    S: Service<Request<Incoming>, Response = Response, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    // Send small responses at once. If that can't be set, they come a little later.
    let _ = stream.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(MAX_BUFFER)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(app));
    let connection = connections.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            debug!(%error, "a connection broke off");
        }
        drop(permit);
    });
}

/// Waits for Ctrl-C or for SIGTERM, which Docker, Kubernetes and systemd send to stop a
/// process. It listens from the moment of this call, and not only once it is awaited.
///
/// # Errors
///
/// If the system doesn't let the program listen for them.
// ANCHOR: signals
#[cfg(unix)]
pub fn shutdown_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
// ANCHOR_END: signals

/// Waits for Ctrl-C.
///
/// # Errors
///
/// None. On Unix, there are some.
#[cfg(not(unix))]
pub fn shutdown_signal() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The clock is paused: it jumps to the end of the timeout, if nothing else happens.
    #[tokio::test(start_paused = true)]
    async fn a_client_waits_until_there_is_room() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let permits = Arc::new(Semaphore::new(1));
        let _first = TcpStream::connect(address).await.unwrap();
        let second = TcpStream::connect(address).await.unwrap();

        let (_stream, _, permit) = accept(&listener, &permits).await;
        let mut next = pin!(accept(&listener, &permits));
        let waiting = timeout(Duration::from_secs(3600), next.as_mut()).await;
        assert!(waiting.is_err());

        drop(permit);
        let (_stream, client, _) = next.await;
        assert_eq!(client, second.local_addr().unwrap());
    }

    #[test]
    fn a_client_that_is_gone_is_no_reason_to_wait() {
        for kind in [
            io::ErrorKind::ConnectionRefused,
            io::ErrorKind::ConnectionAborted,
            io::ErrorKind::ConnectionReset,
        ] {
            assert!(is_connection_error(&kind.into()));
        }
        let too_many_open_files = io::Error::other("too many open files");
        assert!(!is_connection_error(&too_many_open_files));
    }
}
