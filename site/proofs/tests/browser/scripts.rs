//! The scripts of `code/browser`, which pages show, in a real browser.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Result, ensure};
use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::{StatusCode, header::CONTENT_TYPE};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;

use crate::chromium::Page;
use crate::guide::{Guide, Served};

const REFRESH: &str = include_str!("../../../../code/browser/refresh.js");
const ROOM: &str = include_str!("../../../../code/browser/room.js");
const WATCH_ORDERS: &str = include_str!("../../../../code/browser/watch-orders.js");

const EVENTS: &str = "retry: 10\n\n\
    event: order\ndata: {\"item\": \"tea\"}\n\n\
    event: order\ndata: {\"item\": \"croissant\"}\n\n";

/// A script as a browser gets it.
fn script(text: &'static str) -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/javascript")], text)
}

/// Opens a page of a server that has this script, and the other routes.
fn open_beside(
    page: &mut Page<'_>,
    path: &str,
    text: &'static str,
    others: Router,
) -> Result<Served> {
    let app = others
        .route("/", get(async || Html("<title>A page</title>")))
        .route(path, get(async move || script(text)));
    let served = Served::app(app)?;
    page.open(&served.address(""))?;
    Ok(served)
}

pub fn tabs_exchange_their_refresh_token_one_after_the_other(
    _: &Guide,
    page: &mut Page<'_>,
) -> Result<()> {
    let _served = open_beside(page, "/refresh.js", REFRESH, Router::new())?;
    // Two copies of the module share the storage and the locks, as two tabs do.
    let sent = page.evaluate(
        "(async () => {
            localStorage.setItem('refresh_token', '0');
            const sent = [];
            let running = 0;
            window.fetch = async (path, { body }) => {
                running += 1;
                sent.push(`${JSON.parse(body).refresh_token}, ${running} running`);
                // Other code of the page runs here.
                await new Promise(later => setTimeout(later));
                running -= 1;
                const number = sent.length;
                return { ok: true, json: async () => ({
                    access_token: `access ${number}`, refresh_token: String(number),
                }) };
            };
            const [one, other] = await Promise.all(
                ['one', 'other'].map(tab => import(`/refresh.js?${tab}`)));
            const tokens = await Promise.all(
                [one.refresh(), one.refresh(), one.refresh(), other.refresh()]);
            tokens.push(await one.refresh());
            return [...sent, ...tokens].join('; ');
        })()",
    )?;
    let expected = "0, 1 running; 1, 1 running; 2, 1 running; \
                    access 1; access 1; access 1; access 2; access 3";
    ensure!(sent == expected, "{sent}");

    // After an error, the next call tries again.
    let error = page.evaluate(
        "(async () => {
            window.fetch = async () => ({ ok: false, status: 503 });
            const { refresh } = await import('/refresh.js?one');
            const failed = await refresh().catch(error => error.message);
            window.fetch = async () => ({ ok: true, json: async () => ({
                access_token: 'again', refresh_token: '9' }) });
            return `${failed}; ${await refresh()}`;
        })()",
    )?;
    ensure!(error == "refresh: 503; again", "{error}");
    Ok(())
}

pub fn a_page_that_watches_orders_connects_again(_: &Guide, page: &mut Page<'_>) -> Result<()> {
    let asked = Arc::new(AtomicUsize::new(0));
    // First an error, then each time two orders and the end. After the end, the browser asks again
    // in 10 ms.
    let watch = {
        let asked = Arc::clone(&asked);
        async move || -> Response {
            if asked.fetch_add(1, Ordering::Relaxed) == 0 {
                return StatusCode::BAD_GATEWAY.into_response();
            }
            ([(CONTENT_TYPE, "text/event-stream")], EVENTS).into_response()
        }
    };
    let watch = Router::new().route("/orders/watch", get(watch));
    let _served = open_beside(page, "/watch-orders.js", WATCH_ORDERS, watch)?;
    let seen = page.evaluate(
        "(async () => {
            // Nobody waits for five seconds here.
            const { setTimeout: later } = window;
            window.setTimeout = run => later(run, 0);
            const { watchOrders } = await import('/watch-orders.js');
            const seen = [];
            watchOrders(({ item }) => seen.push(item), () => seen.push('load'));
            // Each look takes a round trip to the server.
            for (let looks = 0; looks < 1000 && seen.length < 4; looks++) await fetch('/');
            return seen.slice(0, 4).join();
        })()",
    )?;
    ensure!(seen == "load,tea,croissant,load", "{seen}");
    ensure!(asked.load(Ordering::Relaxed) >= 3);
    Ok(())
}

pub fn a_page_in_the_room_connects_again(_: &Guide, page: &mut Page<'_>) -> Result<()> {
    let opened = Arc::new(AtomicUsize::new(0));
    let room = {
        let opened = Arc::clone(&opened);
        async move |upgrade: WebSocketUpgrade| {
            let number = opened.fetch_add(1, Ordering::Relaxed) + 1;
            upgrade.on_upgrade(move |socket| greet_and_echo(socket, number))
        }
    };
    let room = Router::new().route("/room", get(room));
    let _served = open_beside(page, "/room.js", ROOM, room)?;
    let seen = page.evaluate(
        "(async () => {
            // Nobody waits for a second here.
            const { setTimeout: later } = window;
            window.setTimeout = run => later(run, 0);
            const { joinRoom } = await import('/room.js');
            const seen = [];
            const send = joinRoom(message => seen.push(message));
            const early = send('too early');
            // Each look takes a round trip to the server.
            const look = () => fetch('/');
            for (let looks = 0; looks < 1000 && seen.length < 2; looks++) await look();
            for (let looks = 0; looks < 1000 && !send('tea'); looks++) await look();
            for (let looks = 0; looks < 1000 && seen.length < 3; looks++) await look();
            return [early, ...seen].join();
        })()",
    )?;
    ensure!(seen == "false,hello 1,hello 2,tea", "{seen}");
    ensure!(opened.load(Ordering::Relaxed) == 2);
    Ok(())
}

/// Greets the client. The first connection then ends, and each later one echoes the messages.
async fn greet_and_echo(mut socket: WebSocket, number: usize) {
    let hello = Message::text(format!("hello {number}"));
    let mut sent = socket.send(hello).await;
    while number > 1
        && sent.is_ok()
        && let Some(Ok(message)) = socket.recv().await
    {
        sent = socket.send(message).await;
    }
}
