//! A room in which the counter and the kitchen send each other messages.

use std::time::Duration;

use axum::{
    Router,
    extract::{
        State,
        ws::{Message, WebSocket, WebSocketUpgrade},
    },
    http::{HeaderMap, HeaderValue, StatusCode, header::ORIGIN},
    response::Response,
    routing::any,
};
use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Error, client::IntoClientRequest};
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
    let upgrade = upgrade.max_message_size(1024);
    Ok(upgrade.on_upgrade(move |socket| serve_socket(socket, room)))
}
// ANCHOR_END: join

// ANCHOR: serve-socket
/// How long a client may take to accept a message.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);

async fn serve_socket(mut socket: WebSocket, room: Room) {
    let mut messages = room.subscribe();
    loop {
        tokio::select! {
            received = socket.recv() => match received {
                Some(Ok(Message::Text(text))) => {
                    // An error means only that nobody is in the room.
                    let _ = room.send(text.to_string());
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {} // axum itself answers a ping
            },
            message = messages.recv() => {
                let Ok(message) = message else { return };
                let sent = socket.send(Message::text(message));
                if !matches!(timeout(SEND_TIMEOUT, sent).await, Ok(Ok(()))) {
                    return;
                }
            }
        }
    }
}
// ANCHOR_END: serve-socket

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // ANCHOR: routes
    let app = Router::new()
        .route("/room", any(join_room))
        .with_state(Room::new(16));
    // ANCHOR_END: routes
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("ws://{}/room", listener.local_addr()?);
    tokio::select! {
        served = axum::serve(listener, app).into_future() => served?,
        talked = talk(&address) => talked?,
    }
    Ok(())
}

type Client = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Opens a WebSocket as a page of this origin does, and prints the status of the response.
async fn open(
    address: &str,
    origin: &'static str,
) -> Result<Option<Client>, Error> {
    let mut request = address.into_client_request()?;
    let origin_header = HeaderValue::from_static(origin);
    request.headers_mut().insert(ORIGIN, origin_header);
    let (client, status) = match connect_async(request).await {
        Ok((client, response)) => (Some(client), response.status()),
        Err(Error::Http(response)) => (None, response.status()),
        Err(error) => return Err(error),
    };
    println!("a page of {origin}: {status}");
    Ok(client)
}

async fn talk(address: &str) -> Result<(), Error> {
    open(address, "https://elsewhere.example").await?;
    let counter = open(address, PAGE).await?;
    let kitchen = open(address, PAGE).await?;
    let (Some(mut counter), Some(mut kitchen)) = (counter, kitchen) else {
        return Ok(());
    };
    // The server adds a client to the room a moment after the 101. A message of its own shows a
    // client that it's in.
    for client in [&mut counter, &mut kitchen] {
        client.send("hello".into()).await?;
        client.next().await.transpose()?;
    }
    // The kitchen's "hello" has come to the counter, too.
    counter.next().await.transpose()?;
    counter.send("One tea for Ada".into()).await?;
    for (name, client) in [("counter", &mut counter), ("kitchen", &mut kitchen)] {
        if let Some(message) = client.next().await.transpose()? {
            println!("{name} received: {message}");
        }
    }
    kitchen.send("x".repeat(1025).into()).await?;
    while let Some(Ok(_)) = kitchen.next().await {}
    println!("after a message of 1,025 bytes, the kitchen is disconnected");
    Ok(())
}
