//! The room on the shop's server: how many WebSockets it allows, and how they end.

#![allow(clippy::unwrap_used)] // in a test, a panic is the report

use std::net::SocketAddr;
use std::time::Duration;

use shop::room::{Room, routes};
use shop::server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, yield_now};
use tokio::time::timeout;

/// The request that opens a WebSocket (RFC 6455, section 1.3).
const OPEN: &str = "GET /room HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\n\
                    upgrade: websocket\r\nsec-websocket-version: 13\r\n\
                    sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// A client's frame with the text "tea" (section 5.2). Its mask consists of zeros.
const TEA: [u8; 9] = [0x81, 0x83, 0, 0, 0, 0, b't', b'e', b'a'];

/// The server's frame with this text.
const ANSWER: [u8; 5] = [0x81, 0x03, b't', b'e', b'a'];

/// The server's first ping.
const PING: [u8; 2] = [0x89, 0x00];

/// The beginning of the server's `Close` frame: 24 bytes, of which the first two are the
/// code 1001, for a server that stops (section 7.4.1).
const CLOSE: [u8; 4] = [0x88, 0x18, 0x03, 0xe9];

/// Starts a server with this room, as `main.rs` does. It stops when the sender is dropped.
async fn start(room: &Room) -> (SocketAddr, oneshot::Sender<()>, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let room = room.clone();
    let served = tokio::spawn(async move {
        let app = routes(room.clone());
        let shutdown = async {
            let _ = stopped.await;
            room.close();
        };
        server::serve(listener, app, shutdown).await;
        room.closed().await;
    });
    (address, stop, served)
}

/// Asks for a WebSocket, and returns the head of the response.
async fn open(address: SocketAddr) -> (String, TcpStream) {
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(OPEN.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await.unwrap());
    }
    (String::from_utf8(head).unwrap(), client)
}

async fn receive<const N: usize>(client: &mut TcpStream) -> [u8; N] {
    let mut bytes = [0; N];
    client.read_exact(&mut bytes).await.unwrap();
    bytes
}

// ANCHOR: limit
#[tokio::test]
async fn one_websocket_more_than_the_limit_gets_a_503() {
    let (address, _stop, _served) = start(&Room::new(1)).await;
    let (first, client) = open(address).await;
    assert!(first.starts_with("HTTP/1.1 101 "), "{first}");
    let (second, _) = open(address).await;
    assert!(second.starts_with("HTTP/1.1 503 "), "{second}");

    drop(client);
    // The server notices this a moment later.
    let opened = async {
        while !open(address).await.0.starts_with("HTTP/1.1 101 ") {
            yield_now().await;
        }
    };
    timeout(Duration::from_secs(10), opened).await.unwrap();
}
// ANCHOR_END: limit

#[tokio::test]
async fn every_member_receives_a_message() {
    let (address, _stop, _served) = start(&Room::new(2)).await;
    let (_, mut ada) = open(address).await;
    let (_, mut bo) = open(address).await;
    // A member that has received a ping is in the room.
    assert_eq!(receive(&mut ada).await, PING);
    assert_eq!(receive(&mut bo).await, PING);

    ada.write_all(&TEA).await.unwrap();
    assert_eq!(receive(&mut ada).await, ANSWER);
    assert_eq!(receive(&mut bo).await, ANSWER);
}

// ANCHOR: shutdown
#[tokio::test]
async fn each_websocket_is_closed_with_a_reason_when_the_server_stops() {
    let (address, stop, served) = start(&Room::new(1)).await;
    let (_, mut client) = open(address).await;
    assert_eq!(receive(&mut client).await, PING);

    drop(stop);
    served.await.unwrap();
    assert_eq!(receive(&mut client).await, CLOSE);
    let mut reason = String::new();
    client.read_to_string(&mut reason).await.unwrap();
    assert_eq!(reason, "the server is stopping");
}
// ANCHOR_END: shutdown
