//! A room in which the counter and the kitchen send each other messages.

// ANCHOR: use
use std::time::Duration;

use axum::{
    Router,
    body::Bytes,
    extract::{
        State,
        ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code},
    },
    http::{HeaderMap, StatusCode, header::ORIGIN},
    response::Response,
    routing::any,
};
use tokio::sync::broadcast;
use tokio::time::{interval, timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
// ANCHOR_END: use
use std::net::SocketAddr;

use axum::http::HeaderValue;
use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::{self, Error, client::IntoClientRequest};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

// ANCHOR: state
#[derive(Clone)]
struct Room {
    messages: broadcast::Sender<String>,
    /// Canceled when the server begins to stop.
    shutdown: CancellationToken,
    /// Counts the WebSockets, each from its request until it ends.
    connections: TaskTracker,
}

impl Room {
    fn new() -> Self {
        Self {
            messages: broadcast::Sender::new(16),
            shutdown: CancellationToken::new(),
            connections: TaskTracker::new(),
        }
    }
}
// ANCHOR_END: state

// ANCHOR: join
/// The origin of the pages that may open a WebSocket.
const ALLOWED_ORIGIN: &str = "https://shop.example";

async fn join_room(
    State(room): State<Room>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Result<Response, StatusCode> {
    if headers
        .get(ORIGIN)
        .is_some_and(|origin| origin != ALLOWED_ORIGIN)
    {
        return Err(StatusCode::FORBIDDEN);
    }
    let upgrade = upgrade.max_message_size(1024).max_frame_size(1024);
    // axum calls the closure only after it has sent the response. `tracked` counts
    // the connection from now on, so a shutdown in between waits for it, too.
    let tracked = room.connections.token();
    Ok(upgrade.on_upgrade(async move |socket| {
        serve_socket(socket, room).await;
        drop(tracked);
    }))
}
// ANCHOR_END: join

// ANCHOR: limits
/// How often the server asks whether the client is still there.
const PING_INTERVAL: Duration = Duration::from_secs(30);

/// How long a client may take to accept a message.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the WebSockets may take to end when the server stops.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);
// ANCHOR_END: limits

// ANCHOR: receive
async fn serve_socket(mut socket: WebSocket, room: Room) {
    let mut messages = room.messages.subscribe();
    let mut pings = interval(PING_INTERVAL);
    let mut answered = true;
    loop {
        let outgoing = tokio::select! {
            received = socket.recv() => match received {
                Some(Ok(Message::Text(text))) => {
                    // This fails only if the channel has no receiver. Here it has one:
                    // the variable `messages`.
                    let _ = room.messages.send(text.to_string());
                    continue;
                }
                Some(Ok(Message::Pong(_))) => {
                    answered = true;
                    continue;
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => continue, // binary, or a ping (axum answers it)
            },
            // ANCHOR_END: receive
            // ANCHOR: other-branches
            message = messages.recv() => match message {
                Ok(message) => Message::text(message),
                Err(_) => return, // the client has missed some messages
            },
            _ = pings.tick() => {
                if !answered {
                    return; // the client is gone
                }
                answered = false;
                Message::Ping(Bytes::new())
            }
            // ANCHOR: shutdown-branch
            () = room.shutdown.cancelled() => {
                let close = Message::Close(Some(CloseFrame {
                    code: close_code::AWAY,
                    reason: "the server is stopping".into(),
                }));
                let _ = timeout(SEND_TIMEOUT, socket.send(close)).await;
                return;
            }
            // ANCHOR_END: shutdown-branch
        };
        // ANCHOR_END: other-branches
        // ANCHOR: send
        let sent = timeout(SEND_TIMEOUT, socket.send(outgoing)).await;
        if !matches!(sent, Ok(Ok(()))) {
            return;
        }
    }
}
// ANCHOR_END: send

// ANCHOR: routes
fn app(room: Room) -> Router {
    Router::new()
        .route("/room", any(join_room))
        .with_state(room)
}
// ANCHOR_END: routes

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (stop, signal) = oneshot::channel();
    let clients = tokio::spawn(talk(address, stop));
    // ANCHOR: shutdown
    let room = Room::new();
    let shutdown = room.shutdown.clone();
    axum::serve(listener, app(room.clone()))
        .with_graceful_shutdown(async move {
            let _ = signal.await; // in your server: Ctrl-C or SIGTERM
            shutdown.cancel();
        })
        .await?;
    room.connections.close();
    // A WebSocket that is still open after this time breaks when the process ends.
    let _ = timeout(SHUTDOWN_TIMEOUT, room.connections.wait()).await;
    // ANCHOR_END: shutdown
    clients.await?
}

type Client = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Opens a WebSocket as a page of this origin does, and prints the status of the response.
async fn open(
    name: &str,
    address: SocketAddr,
    origin: &'static str,
) -> Result<Option<Client>, Error> {
    let mut request = format!("ws://{address}/room").into_client_request()?;
    let header = HeaderValue::from_static(origin);
    request.headers_mut().insert(ORIGIN, header);
    let (client, status) = match connect_async(request).await {
        Ok((client, response)) => (Some(client), response.status()),
        Err(Error::Http(response)) => (None, response.status()),
        Err(error) => return Err(error),
    };
    println!("{name}, a page from {origin}: {status}");
    Ok(client)
}

/// The next message for the client, without pings. The client's library answers those.
async fn receive(client: &mut Client) -> Result<String, Error> {
    while let Some(message) = client.next().await.transpose()? {
        match message {
            tungstenite::Message::Text(text) => return Ok(text.to_string()),
            tungstenite::Message::Close(Some(frame)) => {
                return Ok(format!("(close) {frame}"));
            }
            _ => {}
        }
    }
    Ok("nothing: the connection has ended".to_owned())
}

async fn talk(
    address: SocketAddr,
    stop: oneshot::Sender<()>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let plain = reqwest::get(format!("http://{address}/room")).await?;
    println!("a plain GET: {}, {}", plain.status(), plain.text().await?);
    open("a stranger", address, "https://elsewhere.example").await?;
    let counter = open("the counter", address, ALLOWED_ORIGIN).await?;
    let kitchen = open("the kitchen", address, ALLOWED_ORIGIN).await?;
    let (Some(mut counter), Some(mut kitchen)) = (counter, kitchen) else {
        return Ok(());
    };
    // The first ping shows a client that it's in the room.
    counter.next().await.transpose()?;
    kitchen.next().await.transpose()?;

    println!("\nthe counter sends: One tea for Ada");
    counter.send("One tea for Ada".into()).await?;
    println!("  the counter receives: {}", receive(&mut counter).await?);
    println!("  the kitchen receives: {}", receive(&mut kitchen).await?);

    println!("\nthe kitchen sends: No croissants left");
    kitchen.send("No croissants left".into()).await?;
    println!("  the counter receives: {}", receive(&mut counter).await?);
    println!("  the kitchen receives: {}", receive(&mut kitchen).await?);

    println!("\nthe kitchen sends a message of 1,025 bytes");
    kitchen.send("x".repeat(1025).into()).await?;
    while let Some(Ok(_)) = kitchen.next().await {}
    println!("  the kitchen is disconnected");

    println!("\nthe server begins to stop");
    drop(stop);
    println!("  the counter receives: {}", receive(&mut counter).await?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use axum::middleware::map_response;
    use tokio::sync::mpsc;
    use tokio::task::yield_now;

    use super::*;

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    // ANCHOR: test-client
    /// Starts a server with this room, and returns a client that has joined it.
    async fn join(room: &Room) -> Result<Client, Box<dyn std::error::Error>> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("ws://{}/room", listener.local_addr()?);
        let server = axum::serve(listener, app(room.clone()));
        tokio::spawn(server.into_future());
        let joined = async {
            while room.messages.receiver_count() == 0 {
                yield_now().await;
            }
        };
        let (connected, ()) = tokio::join!(connect_async(url), joined);
        let (client, _response) = connected?;
        Ok(client)
    }
    // ANCHOR_END: test-client

    // ANCHOR: test-ping
    #[tokio::test(start_paused = true)]
    async fn a_client_that_answers_no_ping_is_disconnected() -> TestResult {
        let room = Room::new();
        let _client = join(&room).await?;

        timeout(2 * PING_INTERVAL, room.messages.closed()).await?;
        Ok(())
    }
    // ANCHOR_END: test-ping

    // ANCHOR: test-slow
    #[tokio::test(start_paused = true)]
    async fn a_client_that_reads_nothing_is_disconnected() -> TestResult {
        let room = Room::new();
        let _client = join(&room).await?;

        // More than the network buffers hold.
        room.messages.send("x".repeat(64 * 1024 * 1024))?;
        timeout(2 * SEND_TIMEOUT, room.messages.closed()).await?;
        Ok(())
    }
    // ANCHOR_END: test-slow

    #[tokio::test(start_paused = true)]
    async fn a_client_that_misses_a_message_is_disconnected() -> TestResult {
        let room = Room::new();
        let _client = join(&room).await?;

        // One more than the channel keeps, before the connection's task can receive any of them.
        for number in 1..=17 {
            room.messages.send(format!("order {number}"))?;
        }
        timeout(SEND_TIMEOUT, room.messages.closed()).await?;
        Ok(())
    }

    /// A shutdown that begins right after the 101 must wait for this connection.
    #[tokio::test]
    async fn a_connection_counts_before_its_response_is_sent() -> TestResult {
        let room = Room::new();
        let (counted, mut counts) = mpsc::unbounded_channel();
        let connections = room.connections.clone();
        let app = app(room).layer(map_response(move |response: Response| {
            let _ = counted.send(connections.len());
            ready(response)
        }));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("ws://{}/room", listener.local_addr()?);
        tokio::spawn(axum::serve(listener, app).into_future());
        let _client = connect_async(url).await?;

        assert_eq!(counts.recv().await, Some(1));
        Ok(())
    }

    #[tokio::test]
    async fn a_binary_message_is_ignored() -> TestResult {
        let room = Room::new();
        let mut client = join(&room).await?;
        client.send(tungstenite::Message::binary("tea")).await?;
        client.send("One tea for Ada".into()).await?;

        assert_eq!(receive(&mut client).await?, "One tea for Ada");
        Ok(())
    }
}
