//! A WebSocket on the shop's server, after the changes for it.

#![allow(clippy::unwrap_used)] // in a test, a panic is the report

use axum::Router;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::routing::any;
use shop::server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// The request that opens a WebSocket (RFC 6455, section 1.3).
const OPEN: &str = "GET /echo HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\n\
                    upgrade: websocket\r\nsec-websocket-version: 13\r\n\
                    sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// A client's frame with the text "tea" (section 5.2). Its mask consists of zeros.
const TEA: [u8; 9] = [0x81, 0x83, 0, 0, 0, 0, b't', b'e', b'a'];

/// The server's frame with this text.
const ANSWER: [u8; 5] = [0x81, 0x03, b't', b'e', b'a'];

async fn echo(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        let _ = socket.send(message).await;
    }
}

#[tokio::test]
async fn a_websocket_stays_open_and_the_shutdown_does_not_wait_for_it() {
    let app = Router::new().route(
        "/echo",
        any(async |upgrade: WebSocketUpgrade| upgrade.on_upgrade(echo)),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let served = tokio::spawn(server::serve(listener, app, async {
        let _ = stopped.await;
    }));

    // ANCHOR: test
    client.write_all(OPEN.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");

    client.write_all(&TEA).await.unwrap();
    let mut answer = [0; 5];
    client.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, ANSWER);

    drop(stop);
    served.await.unwrap();
    // ANCHOR_END: test
}
