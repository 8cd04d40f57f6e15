//! A room whose members send each other messages, over WebSockets.
//!
//! Every page may join it. If your pages sign in with a cookie, check the `origin` header
//! in [`join_room`] first.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::ws::{
    CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code,
};
use axum::http::{StatusCode, header::RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use tokio::sync::{Semaphore, broadcast};
use tokio::time::{interval, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::warn;

use crate::problem::Problem;

// ANCHOR: limits
/// How many WebSockets may be open at the same time. They don't count toward the
/// `MAX_CONNECTIONS` of `server.rs`. On many systems, a process may have 1,024 open
/// files, and each connection and each WebSocket counts as one.
pub const MAX_WEBSOCKETS: usize = 400;

/// How long the WebSockets may take to end when the server stops.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);
// ANCHOR_END: limits

/// How often the server asks whether the client is still there.
const PING_INTERVAL: Duration = Duration::from_secs(30);

/// How long a client may take to accept a message.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);

// ANCHOR: room
/// A room, which has a WebSocket for each member.
#[derive(Clone)]
pub struct Room {
    messages: broadcast::Sender<String>,
    /// One for each WebSocket that may be open.
    permits: Arc<Semaphore>,
    /// Canceled when the server begins to stop.
    shutdown: CancellationToken,
    /// Counts the WebSockets, each from its request until it ends.
    websockets: TaskTracker,
}
// ANCHOR_END: room

impl Room {
    /// An empty room. At most `limit` WebSockets may be open at the same time.
    pub fn new(limit: usize) -> Self {
        Self {
            messages: broadcast::Sender::new(16),
            permits: Arc::new(Semaphore::new(limit)),
            shutdown: CancellationToken::new(),
            websockets: TaskTracker::new(),
        }
    }

    // ANCHOR: end
    /// Asks all WebSockets to end.
    pub fn close(&self) {
        self.shutdown.cancel();
    }

    /// Waits until all WebSockets have ended, but at most for five seconds. Call
    /// [`close`](Self::close) first, and this when no new request can arrive.
    pub async fn closed(&self) {
        self.websockets.close();
        let ended = timeout(SHUTDOWN_TIMEOUT, self.websockets.wait()).await;
        if ended.is_err() {
            warn!("some WebSockets didn't end in time");
        }
    }
    // ANCHOR_END: end
}

// ANCHOR: routes
/// The endpoint that opens a WebSocket.
pub fn routes(room: Room) -> Router {
    Router::new()
        .route("/room", any(join_room))
        .with_state(room)
}
// ANCHOR_END: routes

// ANCHOR: join
async fn join_room(
    State(room): State<Room>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let Ok(permit) = Arc::clone(&room.permits).try_acquire_owned() else {
        let detail = "Too many WebSockets are open. Try again later";
        let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail);
        return ([(RETRY_AFTER, "30")], problem).into_response();
    };
    // axum calls the closure only after it has sent the response. `tracked` counts
    // the WebSocket from now on, so a shutdown in between waits for it, too.
    let tracked = room.websockets.token();
    let upgrade = upgrade.max_message_size(1024).max_frame_size(1024); // bytes
    upgrade.on_upgrade(async move |socket| {
        serve_socket(socket, room).await;
        drop((tracked, permit));
    })
}
// ANCHOR_END: join

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
            () = room.shutdown.cancelled() => {
                let close = Message::Close(Some(CloseFrame {
                    code: close_code::AWAY,
                    reason: "the server is stopping".into(),
                }));
                let _ = timeout(SEND_TIMEOUT, socket.send(close)).await;
                return;
            }
        };
        let sent = timeout(SEND_TIMEOUT, socket.send(outgoing)).await;
        if !matches!(sent, Ok(Ok(()))) {
            return;
        }
    }
}
