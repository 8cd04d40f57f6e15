//! A room in which the counter and the kitchen send each other messages.

// ANCHOR: use
use std::time::Duration;

use axum::{
    Router,
    body::Bytes,
    extract::{
        State,
        ws::{Message, WebSocket, WebSocketUpgrade},
    },
    http::{HeaderMap, StatusCode, header::ORIGIN},
    response::Response,
    routing::any,
};
use tokio::sync::broadcast;
use tokio::time::{interval, timeout};
// ANCHOR_END: use
use axum::http::HeaderValue;
use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::{self, Error, client::IntoClientRequest};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

// ANCHOR: join
type Room = broadcast::Sender<String>;

/// The origin of the pages that may open a WebSocket.
const PAGE: &str = "https://shop.example";

async fn join_room(
    State(room): State<Room>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Result<Response, StatusCode> {
    if headers.get(ORIGIN).is_some_and(|origin| origin != PAGE) {
        return Err(StatusCode::FORBIDDEN);
    }
    let upgrade = upgrade.max_message_size(1024).max_frame_size(1024);
    Ok(upgrade.on_upgrade(move |socket| serve_socket(socket, room)))
}
// ANCHOR_END: join

// ANCHOR: limits
/// How often the server asks whether the client is still there.
const PING_INTERVAL: Duration = Duration::from_secs(30);

/// How long a client may take to accept a message.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);
// ANCHOR_END: limits

// ANCHOR: receive
async fn serve_socket(mut socket: WebSocket, room: Room) {
    let mut messages = room.subscribe();
    let mut pings = interval(PING_INTERVAL);
    let mut answered = true;
    loop {
        let outgoing = tokio::select! {
            received = socket.recv() => match received {
                Some(Ok(Message::Text(text))) => {
                    // This fails only if there is no receiver, and `messages` is one.
                    let _ = room.send(text.to_string());
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

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // ANCHOR: routes
    let app = Router::new()
        .route("/room", any(join_room))
        .with_state(Room::new(16));
    // ANCHOR_END: routes
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("{}/room", listener.local_addr()?);
    tokio::select! {
        served = axum::serve(listener, app).into_future() => served?,
        talked = talk(&address) => talked?,
    }
    Ok(())
}

type Client = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Opens a WebSocket as a page of this origin does, and prints the status of the response.
async fn open(
    name: &str,
    address: &str,
    origin: &'static str,
) -> Result<Option<Client>, Error> {
    let mut request = format!("ws://{address}").into_client_request()?;
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

/// The next message for the client. Its library answers the server's pings.
async fn text(client: &mut Client) -> Result<Option<String>, Error> {
    while let Some(message) = client.next().await.transpose()? {
        if let tungstenite::Message::Text(text) = message {
            return Ok(Some(text.to_string()));
        }
    }
    Ok(None)
}

async fn talk(address: &str) -> Result<(), Box<dyn std::error::Error>> {
    let plain = reqwest::get(format!("http://{address}")).await?;
    println!("a plain GET: {}, {}", plain.status(), plain.text().await?);
    open("a stranger", address, "https://elsewhere.example").await?;
    let counter = open("the counter", address, PAGE).await?;
    let kitchen = open("the kitchen", address, PAGE).await?;
    let (Some(counter), Some(kitchen)) = (counter, kitchen) else {
        return Ok(());
    };
    let mut clients = [("counter", counter), ("kitchen", kitchen)];
    // The first ping shows a client that it's in the room.
    for (_, client) in &mut clients {
        client.next().await.transpose()?;
    }
    for (sender, message) in [(0, "One tea for Ada"), (1, "No croissants left")] {
        let (name, client) = &mut clients[sender];
        println!("\nthe {name} sends: {message}");
        client.send(message.into()).await?;
        for (name, client) in &mut clients {
            if let Some(message) = text(client).await? {
                println!("  the {name} receives: {message}");
            }
        }
    }
    let [_, (_, kitchen)] = &mut clients;
    println!("\nthe kitchen sends a message of 1,025 bytes");
    kitchen.send("x".repeat(1025).into()).await?;
    while let Some(Ok(_)) = kitchen.next().await {}
    println!("  the kitchen is disconnected");
    Ok(())
}
