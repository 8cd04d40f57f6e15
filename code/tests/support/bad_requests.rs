//! Requests that are wrong, and a server that gets them as bytes over a socket.
//!
//! There are three lists: what axum and the shop refuse, what hyper refuses before axum sees it,
//! and what goes through although it could be refused. A request of the first two changes nothing,
//! none harms the server, and each gets the status that RFC 9110 has for it. Where another status
//! would be as right or better, its line says so.

// Each file of tests is a crate of its own and uses a part of this.
#![allow(dead_code)]

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::panic;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Once};
use std::thread;
use std::time::Duration;

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use code::requests::STAFF_TOKEN;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

pub const GOOD: &str =
    r#"{"customer": "Ada", "item": "flat-white", "quantity": 2}"#;
const JSON: &str = "content-type: application/json";
/// The limit that the shop sets on a body.
const LIMIT: usize = 16 * 1024;

/// A request, and the status that it must get.
pub struct Row {
    pub name: String,
    pub bytes: Vec<u8>,
    pub status: u16,
    /// The status in the chapter on errors and after it.
    pub with_problems: u16,
}

impl Row {
    /// Another status in the chapter on errors and after it.
    fn with_problems(self, status: u16) -> Self {
        Self {
            with_problems: status,
            ..self
        }
    }
}

fn row(name: impl Into<String>, bytes: impl Into<Vec<u8>>, status: u16) -> Row {
    Row {
        name: name.into(),
        bytes: bytes.into(),
        status,
        with_problems: status,
    }
}

/// A request without a body, named by its first line.
fn line(line: &str, status: u16) -> Row {
    let bytes = format!("{line} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    row(line, bytes, status)
}

/// A request that would be good without this header.
fn header(header: &str, status: u16) -> Row {
    let bytes =
        format!("GET /menu HTTP/1.1\r\nhost: localhost\r\n{header}\r\n\r\n");
    row(header, bytes, status)
}

/// An order with this body.
pub fn order(name: &str, body: impl AsRef<[u8]>, status: u16) -> Row {
    order_with(name, JSON, body, status)
}

/// An order with this body, and these headers instead of a content type.
fn order_with(
    name: &str,
    headers: &str,
    body: impl AsRef<[u8]>,
    status: u16,
) -> Row {
    let body = body.as_ref();
    let length = if headers.contains("transfer-encoding") {
        String::new()
    } else {
        format!("content-length: {}\r\n", body.len())
    };
    let head = format!(
        "POST /orders HTTP/1.1\r\nhost: localhost\r\n{length}{headers}\r\n\r\n"
    );
    row(name, [head.as_bytes(), body].concat(), status)
}

/// An order of this quantity.
fn quantity(value: &str, status: u16) -> Row {
    let body =
        format!(r#"{{"customer": "Ada", "item": "tea", "quantity": {value}}}"#);
    order(&format!("quantity {value}"), body, status)
}

/// An order with this note.
fn note(name: &str, value: &str, status: u16) -> Row {
    let body = format!(
        r#"{{"customer": "Ada", "item": "tea", "quantity": 1, "note": {value}}}"#
    );
    order(name, body, status)
}

/// An order to this table.
fn table(value: &str, status: u16) -> Row {
    let body = GOOD.replace('}', &format!(r#", "table": {value}}}"#));
    order(&format!("table {value}"), body, status)
}

/// A change of the menu with this `authorization` header.
fn change_with(authorization: &str, status: u16) -> Row {
    let item = r#"{"name": "Tea", "price_cents": 1, "stock": 1}"#;
    change("/menu/tea", authorization, item, status)
}

/// A change of the menu by staff, with this path and this body.
fn change_of(path: &str, item: &str, status: u16) -> Row {
    let authorization = format!("Bearer {STAFF_TOKEN}");
    let row = change(path, &authorization, item, status);
    let name = format!("PUT {path} {item}");
    Row { name, ..row }
}

fn change(path: &str, authorization: &str, item: &str, status: u16) -> Row {
    let length = item.len();
    let head = format!(
        "PUT {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\
         authorization: {authorization}\r\n{JSON}\r\n\r\n"
    );
    row(format!("PUT as {authorization:?}"), head + item, status)
}

/// An order with this in its body, which should be chunks.
fn chunks(name: &str, body: impl AsRef<[u8]>, status: u16) -> Row {
    order_with(
        name,
        &format!("{JSON}\r\ntransfer-encoding: chunked"),
        body,
        status,
    )
}

/// What reaches axum, and is refused by it or by the shop.
pub fn refused_by_the_app() -> Vec<Row> {
    [bodies(), shapes(), rules(), framing(), targets(), methods()]
        .into_iter()
        .flatten()
        .collect()
}

/// Not JSON: 400.
fn bodies() -> Vec<Row> {
    let utf_16: Vec<u8> = GOOD.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let latin_1 = b"{\"customer\": \"Zo\xeb\", \"item\": \"tea\", \"quantity\": 1}";
    vec![
        order("no body", "", 400),
        order("prose", "two flat whites", 400),
        order("cut off", r#"{"customer": "Ada", "item""#, 400),
        order("trailing comma", GOOD.replace('}', ",}"), 400),
        order("single quotes", GOOD.replace('"', "'"), 400),
        order("two orders", format!("{GOOD} {GOOD}"), 400),
        order("NUL bytes", [0; 64], 400),
        order("no UTF-8", latin_1, 400),
        order("UTF-16", &utf_16, 400),
        // RFC 8259 forbids to send a byte order mark and allows to ignore one.
        order("byte order mark", format!("\u{feff}{GOOD}"), 400),
        quantity("NaN", 400),
        quantity("01", 400),
        // Well-formed, but RFC 8259 allows limits; serde_json has this one in its grammar. 422
        // would do as well.
        quantity("1e999", 400),
        note("raw line feed", "\"oat\nmilk\"", 400),
        note("lone surrogate", r#""\ud800""#, 400),
        // JSON is always UTF-8 and has no parameters, so the program ignores these two.
        order_with(
            "says UTF-16",
            &format!("{JSON}; charset=utf-16"),
            utf_16,
            400,
        ),
        order_with(
            "says Latin-1",
            &format!("{JSON}; charset=iso-8859-1"),
            latin_1,
            400,
        ),
        // 415 would be better: axum reads no content-encoding, so this is only bytes to it.
        order_with(
            "gzip",
            &format!("{JSON}\r\ncontent-encoding: gzip"),
            b"\x1f\x8b\x08\0",
            400,
        ),
    ]
}

/// JSON, but not of an order: 422.
fn shapes() -> Vec<Row> {
    vec![
        order("null", "null", 422),
        order("a string", "\"flat-white\"", 422),
        order("a number", "2", 422),
        order("empty object", "{}", 422),
        order("customer missing", r#"{"item": "tea", "quantity": 1}"#, 422),
        order("customer null", GOOD.replace("\"Ada\"", "null"), 422),
        order("customer a number", GOOD.replace("\"Ada\"", "7"), 422),
        order("field misnamed", GOOD.replace("quantity", "Quantity"), 422),
        order("field unknown", GOOD.replace('}', r#", "tip": 1}"#), 422),
        order("field twice", GOOD.replace('}', r#", "quantity": 2}"#), 422),
        quantity("null", 422),
        quantity("true", 422),
        quantity("\"2\"", 422),
        quantity("1.5", 422),
        quantity("-1", 422),
        quantity("4294967296", 422),
        quantity("18446744073709551616", 422),
        note("note an object", "{}", 422),
        // Each is refused at its first wrong type, so nothing is ever that deep on the stack.
        order("10,000 arrays", "[".repeat(10_000), 422),
        note("10,000 arrays in a field", &"[".repeat(10_000), 422),
        order("3,000 objects", r#"{"a":"#.repeat(3_000), 422),
    ]
}

/// An order, but not one that the shop takes.
fn rules() -> Vec<Row> {
    vec![
        order("customer blank", GOOD.replace("Ada", " "), 422),
        order("item unknown", GOOD.replace("flat-white", "latte"), 422),
        quantity("0", 422),
        quantity("11", 422),
        order(
            "more than there are",
            GOOD.replace("flat-white", "croissant"),
            409,
        ),
        table("0", 422),
        table("13", 422),
        table("-1", 422),
        table("1.5", 422),
        table("\"3\"", 422),
        order(
            "customer of 101",
            GOOD.replace("Ada", &"a".repeat(101)),
            422,
        ),
    ]
}

/// Changes of the menu, which only staff may make.
pub fn menu() -> Vec<Row> {
    let item = |name: &str, price: &str, stock: &str| {
        format!(r#"{{"name": "{name}", "price_cents": {price}, "stock": {stock}}}"#)
    };
    let good = item("Scone", "270", "6");
    let tea = "/menu/tea";
    let mut rows = vec![
        line("PUT /menu/tea", 401),
        line("DELETE /menu/tea", 405),
        change_of("/menu/Scone", &good, 422),
        change_of("/menu/flat%20white", &good, 422),
        change_of("/menu/caf%C3%A9", &good, 422),
        change_of(&format!("/menu/{:a<51}", ""), &good, 422),
        change_of("/menu/", &good, 404),
        change_of("/menu/%FF", &good, 400),
        change_of(tea, "", 400),
        change_of(tea, "{}", 422),
        change_of(tea, &item("", "270", "6"), 422),
        change_of(tea, &item("  ", "270", "6"), 422),
        change_of(tea, &item(&"a".repeat(101), "270", "6"), 422),
        change_of(tea, &item("Scone", "1000001", "6"), 422),
        change_of(tea, &item("Scone", "4294967296", "6"), 422),
        change_of(tea, &item("Scone", "-1", "6"), 422),
        change_of(tea, &item("Scone", "2.7", "6"), 422),
        change_of(tea, &item("Scone", "\"270\"", "6"), 422),
        change_of(tea, &item("Scone", "270", "-1"), 422),
        change_of(tea, &good.replace('}', r#", "id": "tea"}"#), 422),
    ];
    for authorization in [
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        "Bearer flat-white-and-a-croissan",
        "Bearer flat-white-and-a-croissants",
        "Bearer FLAT-WHITE-AND-A-CROISSANT",
        // RFC 9110 allows several spaces, so 200 would be as right.
        "Bearer\tflat-white-and-a-croissant",
        "Bearer\tflat-white-and-a-croissant",
        "Bearer \"flat-white-and-a-croissant\"",
        "Bearer é",
        "Basic flat-white-and-a-croissant",
        "Bearerflat-white-and-a-croissant",
        "flat-white-and-a-croissant",
    ] {
        rows.push(change_with(authorization, 401));
    }
    rows
}

/// Sizes, content types and what frames a body.
fn framing() -> Vec<Row> {
    let three_megabytes = GOOD.to_owned() + &" ".repeat(3_000_000);
    let one_chunk = format!(
        "{:x}\r\n{three_megabytes}\r\n0\r\n\r\n",
        three_megabytes.len()
    );
    let trailers = format!("2\r\n{{}}\r\n0\r\n{}\r\n", "a: b\r\n".repeat(5_000));
    let typed = |value: &str| {
        let content_type = format!("content-type: {value}");
        order_with(&content_type, &content_type, GOOD, 415)
    };
    let mut rows = vec![
        order(
            "one byte past the limit",
            format!("{GOOD:0$}", LIMIT + 1),
            413,
        ),
        order("3 MB", three_megabytes, 413),
        chunks("3 MB in one chunk", one_chunk, 413),
        chunks("no chunk size", "two\r\n{}\r\n0\r\n\r\n", 400),
        chunks(
            "chunk size past u64",
            "fffffffffffffffff\r\n{}\r\n0\r\n\r\n",
            400,
        ),
        chunks("chunk longer than it says", "2\r\n{}{}\r\n0\r\n\r\n", 400),
        // 431 would say more: to axum it is a body that could not be read.
        chunks("5,000 trailers", trailers, 400),
        order_with("no content type", "accept: */*", GOOD, 415),
        order_with(
            "a form",
            "content-type: application/x-www-form-urlencoded",
            "a=b",
            415,
        ),
        typed(""),
        typed("json"),
        typed("text/plain"),
        typed("application/jsonx"),
        typed("é"),
    ];
    if cfg!(windows) {
        // The shop answers, then closes with most of the body unread. There, what it answered may
        // be lost with the connection.
        rows.retain(|row| row.bytes.len() < 1_000_000);
    }
    rows
}

/// Paths and queries.
fn targets() -> Vec<Row> {
    vec![
        line("GET /menu?max_price=cheap", 400),
        line("GET /menu?max_price=", 400),
        line("GET /menu?max_price=-1", 400),
        line("GET /menu?max_price=2.5", 400),
        line("GET /menu?max_price=4294967296", 400),
        line("GET /menu?max_price=1&max_price=2", 400),
        line("GET /menu?max_price=%FF", 400),
        line("GET /menu?max_price=%ZZ", 400),
        line("GET /menu?max_price=é", 400),
        line("GET /menu?max_prize=3", 400),
        line("GET /menu/%FF", 400).with_problems(404),
        // No order has such an id: the chapter on errors decides for 404.
        line("GET /orders/one", 400).with_problems(404),
        line("GET /orders/-1", 400).with_problems(404),
        line("GET /orders/1.0", 400).with_problems(404),
        line("GET /orders/18446744073709551616", 400).with_problems(404),
        line("GET /orders/1", 404),
        line("GET /menu/latte", 404),
        line("GET /menu/é", 404),
        line("GET /menu/%00", 404),
        // 400 would do as well: `%ZZ` is no escape. It stands for itself here.
        line("GET /menu/%ZZ", 404),
        line("GET /", 404),
        line("GET /MENU", 404),
        line("GET /menu/", 404),
        line("GET //menu", 404),
        line("GET /menu//tea", 404),
        // RFC 3986 has this equal to `/menu`. axum compares paths as they were sent.
        line("GET /%6Denu", 404),
        line("GET /../../etc/passwd", 404),
        line("GET /menu/../orders", 404),
        line("GET /menu/..%2F..%2Fetc%2Fpasswd", 404),
        line("GET http://localhost/nowhere", 404),
        // 400 would be better: a target begins with a slash or a scheme. To hyper these are names
        // of hosts, and a host has no path.
        line("GET menu", 404),
        line("GET localhost:4000", 404),
        line("GET *", 404),
        row(
            "a path of 10,000",
            format!("GET /menu/{:x<10000} HTTP/1.1\r\n\r\n", ""),
            404,
        ),
    ]
}

/// Methods. A 405 names those that work, which is checked for every one.
fn methods() -> Vec<Row> {
    let long = format!("{:X<10000} /menu HTTP/1.1\r\nhost: localhost\r\n\r\n", "");
    vec![
        line("DELETE /menu", 405),
        line("POST /menu", 405),
        line("GET /orders", 405),
        line("HEAD /orders", 405),
        line("PUT /orders/1", 405),
        line("PATCH /orders/1", 405),
        line("OPTIONS /menu", 405),
        line("TRACE /menu", 405),
        line("CONNECT /menu", 405),
        // 501 would be as right for a method that nobody knows. Case matters in methods.
        line("BREW /menu", 405),
        line("get /menu", 405),
        row("a method of 10,000", long, 405),
        // These ask for no resource but for the server, which has no answer to them. 501 would be
        // as right for the last.
        line("OPTIONS *", 404),
        line("CONNECT localhost:4000", 404),
    ]
}

/// What hyper refuses: the app is never called.
pub fn refused_by_hyper() -> Vec<Row> {
    let megabyte = format!("x: {}", "x".repeat(1_000_000));
    let many = format!("GET /menu HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(101));
    let long = "x".repeat(70_000);
    let long = format!("GET /{long} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let in_1_0 = format!(
        "POST /orders HTTP/1.0\r\n{JSON}\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    vec![
        row("prose", "hello\r\n\r\n", 400),
        row("another protocol", "EHLO localhost\r\n\r\n", 400),
        row(
            "a TLS handshake",
            b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
            400,
        ),
        row("no version", "GET /menu\r\n\r\n", 400),
        // 505 would be better for these.
        row(
            "HTTP/1.2",
            "GET /menu HTTP/1.2\r\nhost: localhost\r\n\r\n",
            400,
        ),
        row(
            "HTTP/2.0",
            "GET /menu HTTP/2.0\r\nhost: localhost\r\n\r\n",
            400,
        ),
        row("HTTP/3", "GET /menu HTTP/3\r\nhost: localhost\r\n\r\n", 400),
        line("GET  /menu", 400),
        line("GET\t/menu", 400),
        line("GET /flat white", 400),
        line("GET /me\0nu", 400),
        line("G@T /menu", 400),
        row(
            "no UTF-8 in the path",
            b"GET /menu/\xff HTTP/1.1\r\nhost: localhost\r\n\r\n",
            400,
        ),
        row(
            "no UTF-8 in the query",
            b"GET /menu?a=\xff HTTP/1.1\r\nhost: localhost\r\n\r\n",
            400,
        ),
        row("a path of 70,000", long, 414),
        header("no colon", 400),
        header(": no name", 400),
        header("space before : x", 400),
        header("not@token: x", 400),
        header("x: folded\r\n onto two lines", 400),
        header("x: NUL\0", 400),
        header("x: lonely\rreturn", 400),
        row(
            "folded first",
            "GET /menu HTTP/1.1\r\n host: localhost\r\n\r\n",
            400,
        ),
        row("101 headers", many, 431),
        Row {
            name: "a header of 1 MB".into(),
            ..header(&megabyte, 431)
        },
        header("content-length:", 400),
        header("content-length: many", 400),
        header("content-length: -1", 400),
        header("content-length: +1", 400),
        header("content-length: 18446744073709551616", 400),
        // 413 would be better.
        header("content-length: 18446744073709551615", 431),
        order_with(
            "two lengths",
            &format!("{JSON}\r\ncontent-length: 7"),
            "{}",
            400,
        ),
        order_with(
            "a list of lengths",
            &format!("{JSON}\r\ncontent-length: 2, 2"),
            "{}",
            400,
        ),
        header("transfer-encoding: gzip", 400),
        // 501 would be as right.
        header("transfer-encoding: xchunked", 400),
        row(
            "chunks in HTTP/1.0",
            format!("{in_1_0}2\r\n{{}}\r\n0\r\n\r\n"),
            400,
        ),
    ]
}

/// What is wrong, or looks so, and goes through. Where that is not as it should be, the line says
/// who could refuse it.
pub fn let_through() -> Vec<Row> {
    let two_types = format!("{JSON}\r\ncontent-type: text/plain");
    let both = format!("{JSON}\r\ntransfer-encoding: chunked\r\ncontent-length: 5");
    let good_chunk = format!("{:x}\r\n{GOOD}\r\n0\r\n\r\n", GOOD.len());
    vec![
        // As it should be.
        line("GET http://localhost/menu", 200),
        line("HEAD /menu", 200),
        row("HTTP/1.0", "GET /menu HTTP/1.0\r\n\r\n", 200),
        row(
            "line feeds alone",
            "GET /menu HTTP/1.1\nhost: localhost\n\n",
            200,
        ),
        header("expect: tea", 200),
        header("connection: upgrade\r\nupgrade: websocket", 200),
        header("content-length: 2\r\n\r\n{}", 200),
        order("exactly at the limit", format!("{GOOD:LIMIT$}"), 201),
        order_with(
            "the same length twice",
            &format!("{JSON}\r\ncontent-length: 56"),
            GOOD,
            201,
        ),
        // The chunks count, and hyper closes the connection after the answer, as RFC 9112 asks.
        order_with("a length and chunks", &both, good_chunk, 201),
        // RFC 9112 wants 400 for no host, two hosts and a bad host. hyper leaves that to the app,
        // and this one has no use for the host.
        row("no host", "GET /menu HTTP/1.1\r\n\r\n", 200),
        row("empty host", "GET /menu HTTP/1.1\r\nhost:\r\n\r\n", 200),
        header("host: elsewhere", 200),
        row(
            "no such host",
            "GET /menu HTTP/1.1\r\nhost: a b\r\n\r\n",
            200,
        ),
        // hyper looks at the last coding alone.
        header("transfer-encoding: chunked, chunked", 200),
        header("transfer-encoding: gzip, chunked", 200),
        // A fragment has no place in a request; hyper drops it.
        line("GET /menu#tea", 200),
        // Another scheme than the one that it was sent with: axum looks at the path alone.
        line("GET ftp://localhost/menu", 200),
        order_with("two content types", &two_types, GOOD, 201),
    ]
}

/// serde also reads the fields of a struct from an array, in the sequence in which the
/// struct declares them.
pub fn array(fields: &str) -> Row {
    order("an array", fields, 201)
}

/// How often a server of these tests panicked.
static PANICS: AtomicUsize = AtomicUsize::new(0);

/// A program's app behind a socket, with a count of the requests that reached it.
pub struct Server {
    pub address: SocketAddr,
    seen: Arc<AtomicUsize>,
    pub menu: String,
    problems: bool,
    // The server ends when this is dropped.
    _runtime: Runtime,
}

impl Server {
    /// Serves a program as `cargo chapter` does. With `problems`, every failure is one.
    pub fn start(program: &str, problems: bool) -> io::Result<Self> {
        count_panics();
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("shop")
            .enable_all()
            .build()?;
        let listener =
            runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let address = listener.local_addr()?;

        let seen = Arc::new(AtomicUsize::new(0));
        let count = seen.clone();
        let program = code::program(program).expect("there is that program");
        let app =
            program
                .served()
                .layer(from_fn(move |request: Request, next: Next| {
                    count.fetch_add(1, Ordering::SeqCst);
                    next.run(request)
                }));
        runtime.spawn(axum::serve(listener, app).into_future());

        let mut server = Self {
            address,
            seen,
            menu: String::new(),
            problems,
            _runtime: runtime,
        };
        server.menu = server.ask_for_the_menu()?;
        Ok(server)
    }

    /// The answer to these bytes; empty when the connection is closed without one.
    pub fn send(&self, bytes: &[u8]) -> io::Result<Answer> {
        let stream = TcpStream::connect(self.address)?;
        // A guard: an answer that never comes fails the test instead of holding it up.
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        thread::scope(|scope| {
            // The server may answer, and close, before it has read everything.
            scope.spawn(|| (&stream).write_all(bytes));
            let answer = read(&stream, bytes.starts_with(b"HEAD "));
            // Ends the other thread if it still writes. Fails when the server has hung up.
            let _ = stream.shutdown(Shutdown::Both);
            answer
        })
    }

    /// A good request: what the shop has left.
    pub fn ask_for_the_menu(&self) -> io::Result<String> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.write_all(
            b"GET /menu HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        let body = answer.split("\r\n\r\n").nth(1);
        Ok(body.unwrap_or_default().into())
    }

    /// How many requests reached the app while this ran.
    pub fn seen<T>(
        &self,
        run: impl FnOnce() -> io::Result<T>,
    ) -> io::Result<(T, usize)> {
        let before = self.seen.load(Ordering::SeqCst);
        let value = run()?;
        Ok((value, self.seen.load(Ordering::SeqCst) - before))
    }

    /// What is not as it should be with this row, if anything.
    fn fault(&self, row: &Row, reaches_app: bool) -> io::Result<Option<String>> {
        let (answer, seen) = self.seen(|| self.send(&row.bytes))?;
        let wanted = if self.problems {
            row.with_problems
        } else {
            row.status
        };
        let status = answer.status();
        let fault = if status != wanted.to_string() {
            format!("{status} instead of {wanted}")
        } else if seen != usize::from(reaches_app) {
            format!("{seen} requests reached the app")
        } else if status == "405" && answer.header("allow").is_empty() {
            "405 without `allow`".into()
        } else if self.problems && reaches_app && wanted >= 400 {
            return Ok(answer.no_problem(wanted, row));
        } else {
            return Ok(None);
        };
        Ok(Some(format!("{}: {fault}\n", row.name)))
    }
}

/// What came back, as text.
pub struct Answer {
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn status(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or("no answer")
    }

    /// The value of a header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        let mut headers =
            self.head.lines().filter_map(|line| line.split_once(": "));
        headers
            .find(|(header, _)| header.eq_ignore_ascii_case(name))
            .map_or("", |(_, value)| value)
    }

    /// Why this is no problem document with that status, if it is none.
    fn no_problem(&self, status: u16, row: &Row) -> Option<String> {
        let content_type = self.header("content-type");
        let named = !self.header("x-request-id").is_empty();
        // The answer to HEAD says what GET would get, and has no body.
        let says = if row.bytes.starts_with(b"HEAD ") {
            status.into()
        } else {
            let body: Value = serde_json::from_str(&self.body).unwrap_or_default();
            body["status"].clone()
        };
        let fine =
            content_type == "application/problem+json" && named && says == status;
        let Self { head, body } = self;
        (!fine)
            .then(|| format!("{}: no problem document:\n{head}{body}\n", row.name))
    }
}

/// Reads a head, and the body that it announces.
fn read(mut stream: &TcpStream, head_only: bool) -> io::Result<Answer> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let answer = Answer {
            head: format!("{head}\r\n\r\n"),
            body: body.into(),
        };
        let announced = answer.header("content-length").parse().unwrap_or(0);
        let whole =
            head.len() < text.len() && (head_only || body.len() >= announced);
        if whole {
            return Ok(answer);
        }
        match stream.read(&mut buffer)? {
            0 if text.is_empty() => {
                let (head, body) = (text, String::new());
                return Ok(Answer { head, body });
            }
            0 => return Ok(answer),
            read => bytes.extend(&buffer[..read]),
        }
    }
}

/// Prints a figure where it is seen: `println!` shows only when a test fails.
pub fn figure(what: &str, count: usize) -> io::Result<()> {
    writeln!(io::stdout(), "{what}: {count}")
}

fn count_panics() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if thread::current().name() == Some("shop") {
                PANICS.fetch_add(1, Ordering::SeqCst);
            }
            print(panic);
        }));
    });
}

/// Sends each row and, after each, a good request. What `changes_nothing` leaves the shop as it was.
pub fn play(
    server: &Server,
    rows: &[Row],
    reaches_app: bool,
    changes_nothing: bool,
) -> io::Result<()> {
    let mut faults = String::new();
    for row in rows {
        faults.extend(server.fault(row, reaches_app)?);
        let menu = server.ask_for_the_menu()?;
        if changes_nothing {
            assert_eq!(menu, server.menu, "{} changed the shop", row.name);
        }
    }
    assert!(faults.is_empty(), "\n{faults}");
    assert_no_panic();
    Ok(())
}

pub fn assert_no_panic() {
    assert_eq!(PANICS.load(Ordering::SeqCst), 0, "the server panicked");
}
