//! Requests that are wrong, sent as bytes over a socket, to every route of the shop.
//!
//! There are three lists: what the shop refuses, what hyper refuses before the shop sees
//! it, and what goes through although it looks wrong. No request of the first two changes
//! anything, and none of the three harms the server. Where another status would be as
//! right or better, the line says so.

#![cfg(feature = "server")]
#![allow(clippy::unwrap_used)] // in a test, a panic is the report

mod support;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::panic;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Once};
use std::thread;
use std::time::Duration;

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use serde_json::Value;
use shop::middleware::{random_id, server_layers};
use shop::model::opening_menu;
use shop::repository::memory::Memory;
use support::STAFF_TOKEN;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

const GOOD: &str = r#"{"customer": "Ada", "item": "flat-white", "quantity": 2}"#;
const JSON: &str = "content-type: application/json";
/// How many bytes a body may have.
const LIMIT: usize = 16 * 1024;

#[test]
fn the_shop_refuses_bad_requests_with_problem_documents() {
    let requests = refused_by_the_shop();
    println!("bad requests that the shop refuses: {}", requests.len());
    assert!(requests.len() >= 150);
    let server = Server::start();
    check(&server, &requests, |request, seen, response| {
        let head_only = request.bytes.starts_with(b"HEAD ");
        let problem = seen == 1 && response.is_problem(request.status, head_only);
        (!problem).then(|| "not a problem document of the shop".to_owned())
    });
    assert_eq!(server.menu_and_orders(), server.before, "something changed");
}

#[test]
fn hyper_refuses_bad_requests_before_the_shop_sees_them() {
    let requests = refused_by_hyper();
    println!("bad requests that hyper refuses: {}", requests.len());
    let server = Server::start();
    check(&server, &requests, |_, seen, _| {
        (seen != 0).then(|| "the shop has seen it".to_owned())
    });
    assert_eq!(server.menu_and_orders(), server.before, "something changed");
}

#[test]
fn odd_requests_go_through() {
    let requests = go_through();
    println!("odd requests that go through: {}", requests.len());
    check(&Server::start(), &requests, |_, seen, _| {
        (seen != 1).then(|| format!("the shop has seen {seen} requests"))
    });
}

#[test]
fn clients_that_hang_up_harm_nobody() {
    let server = Server::start();
    let whole = order("good", GOOD, 201).bytes;
    let body = whole.len() - GOOD.len();
    for end in [0, 1, 4, body - 2, body, body + 1, whole.len() - 1] {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.write_all(&whole[..end]).unwrap();
        drop(stream);
        assert_eq!(server.menu_and_orders(), server.before, "after {end} bytes");
    }
    assert_no_panic();
}

/// A request, and the status that it must get.
struct BadRequest {
    name: String,
    bytes: Vec<u8>,
    status: u16,
}

fn bytes(
    name: impl Into<String>,
    bytes: impl Into<Vec<u8>>,
    status: u16,
) -> BadRequest {
    BadRequest {
        name: name.into(),
        bytes: bytes.into(),
        status,
    }
}

/// A request without a body, such as `GET /menu`.
fn line(line: &str, status: u16) -> BadRequest {
    let request = format!("{line} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    bytes(line, request, status)
}

/// A request with these headers and this body.
fn with_body(
    line: &str,
    headers: &str,
    body: impl AsRef<[u8]>,
    status: u16,
) -> BadRequest {
    let body = body.as_ref();
    let length = if headers.contains("transfer-encoding") {
        String::new()
    } else {
        format!("content-length: {}\r\n", body.len())
    };
    let head =
        format!("{line} HTTP/1.1\r\nhost: localhost\r\n{length}{headers}\r\n\r\n");
    let name = format!("{line} {}", String::from_utf8_lossy(body));
    let name = name.chars().take(100).collect::<String>();
    bytes(name, [head.as_bytes(), body].concat(), status)
}

/// A good request for the menu but for this header.
fn header(header: &str, status: u16) -> BadRequest {
    let request =
        format!("GET /menu HTTP/1.1\r\nhost: localhost\r\n{header}\r\n\r\n");
    bytes(
        header.chars().take(100).collect::<String>(),
        request,
        status,
    )
}

/// An order with this body.
fn order(name: &str, body: impl AsRef<[u8]>, status: u16) -> BadRequest {
    order_with(name, JSON, body, status)
}

/// An order with this body, and these headers instead of a content type.
fn order_with(
    name: &str,
    headers: &str,
    body: impl AsRef<[u8]>,
    status: u16,
) -> BadRequest {
    let name = format!("order: {name}");
    BadRequest {
        name,
        ..with_body("POST /orders", headers, body, status)
    }
}

/// An order in which a field of a good one has this value instead.
fn order_of(field: &str, value: &str, status: u16) -> BadRequest {
    let field_of = |name, good| if name == field { value } else { good };
    let mut body = format!(
        r#"{{"customer": {}, "item": {}, "quantity": {}"#,
        field_of("customer", "\"Ada\""),
        field_of("item", "\"tea\""),
        field_of("quantity", "1"),
    );
    if !["customer", "item", "quantity"].contains(&field) {
        body += &format!(r#", "{field}": {value}"#);
    }
    order(&format!("{field} {value:.40}"), body + "}", status)
}

/// A change of order 1, which is placed, or of another.
fn change(path: &str, body: &str, status: u16) -> BadRequest {
    with_body(&format!("PATCH {path}"), JSON, body, status)
}

/// A request of the staff without a body.
fn staff(line: &str, status: u16) -> BadRequest {
    let headers = format!("authorization: Bearer {STAFF_TOKEN}");
    with_body(line, &headers, "", status)
}

/// A change of the menu by the staff.
fn put(path: &str, body: &str, status: u16) -> BadRequest {
    let headers = format!("authorization: Bearer {STAFF_TOKEN}\r\n{JSON}");
    with_body(&format!("PUT {path}"), &headers, body, status)
}

/// What the shop refuses, or axum in its name.
fn refused_by_the_shop() -> Vec<BadRequest> {
    [
        not_json(),
        not_an_order(),
        not_an_order_that_can_be_placed(),
        changes_of_orders(),
        changes_of_the_menu(),
        tokens(),
        filters(),
        sizes_and_types(),
        paths(),
        methods(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn not_json() -> Vec<BadRequest> {
    let utf_16: Vec<u8> = GOOD.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let latin_1 = b"{\"customer\": \"Zo\xeb\", \"item\": \"tea\", \"quantity\": 1}";
    vec![
        order("no body", "", 400),
        order("prose", "two flat whites", 400),
        order("cut off", r#"{"customer": "Ada", "item""#, 400),
        order("trailing comma", GOOD.replace('}', ",}"), 400),
        order("single quotes", GOOD.replace('"', "'"), 400),
        order("two orders", format!("{GOOD} {GOOD}"), 400),
        order("a form", "customer=Ada&item=tea&quantity=1", 400),
        order("XML", "<order/>", 400),
        order("NUL bytes", [0; 64], 400),
        order("no UTF-8", latin_1, 400),
        order("UTF-16", &utf_16, 400),
        // RFC 8259 forbids sending a byte order mark and allows ignoring one.
        order("byte order mark", format!("\u{feff}{GOOD}"), 400),
        order_of("quantity", "NaN", 400),
        order_of("quantity", "01", 400),
        order_of("quantity", "+1", 400),
        order_of("quantity", "0x1", 400),
        // It's well-formed, and RFC 8259 allows limits: 422 would be as right.
        order_of("quantity", "1e999", 400),
        order_of("note", "\"oat\nmilk\"", 400),
        order_of("note", r#""\ud800""#, 400),
        order_of("note", r#""\x41""#, 400),
        // JSON is UTF-8 and has no parameter `charset`, so it is ignored.
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
        // 415 would be better. axum reads no `content-encoding`, so these are only bytes.
        order_with(
            "gzip",
            &format!("{JSON}\r\ncontent-encoding: gzip"),
            b"\x1f\x8b\x08\0",
            400,
        ),
        change("/orders/1", "", 400),
        change("/orders/1", "status=canceled", 400),
        change("/orders/1", r#"{"note": undefined}"#, 400),
        change("/orders/1", r#"{"note": "x"} {"note": "y"}"#, 400),
        put("/menu/tea", "", 400),
        put("/menu/tea", "Tea", 400),
    ]
}

fn not_an_order() -> Vec<BadRequest> {
    vec![
        order("null", "null", 422),
        order("a string", "\"flat-white\"", 422),
        order("a number", "2", 422),
        order("true", "true", 422),
        order("empty object", "{}", 422),
        order("empty array", "[]", 422),
        order("array of an order", format!("[{GOOD}]"), 422),
        order("customer missing", r#"{"item": "tea", "quantity": 1}"#, 422),
        order("item missing", r#"{"customer": "Ada", "quantity": 1}"#, 422),
        order(
            "quantity missing",
            r#"{"customer": "Ada", "item": "tea"}"#,
            422,
        ),
        order("field misnamed", GOOD.replace("quantity", "Quantity"), 422),
        order("field twice", GOOD.replace('}', r#", "quantity": 2}"#), 422),
        order_of("tip", "1", 422),
        order_of("id", "7", 422),
        order_of("total_cents", "1", 422),
        order_of("status", "\"placed\"", 422),
        order_of("customer", "null", 422),
        order_of("customer", "7", 422),
        order_of("customer", "[\"Ada\"]", 422),
        order_of("item", "null", 422),
        order_of("item", "{\"id\": \"tea\"}", 422),
        order_of("quantity", "null", 422),
        order_of("quantity", "true", 422),
        order_of("quantity", "\"2\"", 422),
        order_of("quantity", "1.0", 422),
        order_of("quantity", "1.5", 422),
        order_of("quantity", "1e0", 422),
        order_of("quantity", "-1", 422),
        order_of("quantity", "4294967296", 422),
        order_of("quantity", "18446744073709551616", 422),
        order_of("note", "7", 422),
        order_of("note", "{}", 422),
        order_of("note", "\"\"", 422),
        order_of("note", &format!("\"{}\"", "x".repeat(201)), 422),
        order_of("table", "\"3\"", 422),
        order_of("table", "-1", 422),
        order_of("table", "1.5", 422),
        order_of("table", "[3]", 422),
        // Each is refused at its first wrong type, so nothing is ever that deep on the
        // stack.
        order("10,000 arrays", "[".repeat(10_000), 422),
        order_of("note", &"[".repeat(10_000), 422),
        order("3,000 objects", r#"{"a":"#.repeat(3_000), 422),
    ]
}

fn not_an_order_that_can_be_placed() -> Vec<BadRequest> {
    let long = format!("\"{}\"", "a".repeat(101));
    vec![
        order_of("customer", "\"\"", 422),
        order_of("customer", "\" \\t\\n\"", 422),
        order_of("customer", &long, 422),
        order_of("item", "\"latte\"", 422),
        order_of("item", "\"\"", 422),
        order_of("item", "\"Tea\"", 422),
        order_of("item", "\"tea\\u0000\"", 422),
        order_of("item", "\"tea' OR '1' = '1\"", 422),
        order_of("quantity", "0", 422),
        order_of("quantity", "11", 422),
        order_of("quantity", "4294967295", 422),
        order_of("table", "0", 422),
        order_of("table", "13", 422),
        order(
            "more than are left",
            GOOD.replace("flat-white", "croissant"),
            409,
        ),
    ]
}

fn changes_of_orders() -> Vec<BadRequest> {
    let mut requests = vec![
        change("/orders/1", "null", 422),
        change("/orders/1", "\"canceled\"", 422),
        change("/orders/1", r#"{"status": null}"#, 422),
        change("/orders/1", r#"{"status": "placed"}"#, 422),
        change("/orders/1", r#"{"status": "Canceled"}"#, 422),
        change("/orders/1", r#"{"status": ""}"#, 422),
        change("/orders/1", r#"{"status": 1}"#, 422),
        change("/orders/1", r#"{"status": ["canceled"]}"#, 422),
        change("/orders/1", r#"{"note": 1}"#, 422),
        change("/orders/1", r#"{"note": false}"#, 422),
        change("/orders/1", r#"{"note": " "}"#, 422),
        change("/orders/1", r#"{"table": "4"}"#, 422),
        change("/orders/1", r#"{"table": 0}"#, 422),
        change("/orders/1", r#"{"table": 13}"#, 422),
        change("/orders/1", r#"{"table": -1}"#, 422),
        change("/orders/1", r#"{"table": 1.5}"#, 422),
        change("/orders/1", r#"{"note": "x", "note": "y"}"#, 422),
        change("/orders/1", r#"{"note": null, "note": null}"#, 422),
        change("/orders/1", r#"{"quantity": 1}"#, 422),
        change("/orders/1", r#"{"id": 2}"#, 422),
        change("/orders/1", r#"{"note": "x", "status": "lost"}"#, 422),
        // The first order is placed, the second is canceled, and there is no third.
        change("/orders/2", r#"{"status": "canceled"}"#, 409),
        change("/orders/2", r#"{"note": null}"#, 409),
        change("/orders/2", "{}", 409),
        change("/orders/3", "{}", 404),
        change("/orders/3", r#"{"status": "canceled"}"#, 404),
        change("/orders/0", "{}", 404),
    ];
    for id in [
        "one",
        "01",
        "+1",
        "-1",
        "1.0",
        "%FF",
        "18446744073709551616",
    ] {
        let path = format!("/orders/{id}");
        requests.push(change(&path, r#"{"status": "canceled"}"#, 404));
    }
    requests
}

fn changes_of_the_menu() -> Vec<BadRequest> {
    let item = |name: &str, price: &str, stock: &str| {
        format!(r#"{{"name": "{name}", "price_cents": {price}, "stock": {stock}}}"#)
    };
    let good = item("Scone", "270", "6");
    let tea = "/menu/tea";
    vec![
        put("/menu/Scone", &good, 400),
        put("/menu/flat%20white", &good, 400),
        put("/menu/caf%C3%A9", &good, 400),
        put("/menu/a_b", &good, 400),
        put("/menu/..%2F", &good, 400),
        put(&format!("/menu/{:a<51}", ""), &good, 400),
        put("/menu/", &good, 404),
        put("/menu/%FF", &good, 404),
        put("/menu/tea/price", &good, 404),
        put("/menu", &good, 405),
        put(tea, "null", 422),
        put(tea, "{}", 422),
        put(tea, r#"{"name": "Tea", "price_cents": 1}"#, 422),
        put(tea, &item("", "270", "6"), 422),
        put(tea, &item("  ", "270", "6"), 422),
        put(tea, &item(&"a".repeat(101), "270", "6"), 422),
        put(tea, &item("Scone", "null", "6"), 422),
        put(tea, &item("Scone", "1000001", "6"), 422),
        put(tea, &item("Scone", "4294967296", "6"), 422),
        put(tea, &item("Scone", "-1", "6"), 422),
        put(tea, &item("Scone", "2.7", "6"), 422),
        put(tea, &item("Scone", "\"270\"", "6"), 422),
        put(tea, &item("Scone", "270", "-1"), 422),
        put(tea, &item("Scone", "270", "1000001"), 422),
        put(tea, &good.replace('}', r#", "id": "tea"}"#), 422),
        put(tea, &good.replace('}', r#", "stock": 6}"#), 422),
        staff("PUT /menu/tea", 415),
        staff("DELETE /menu/latte", 404),
        staff("DELETE /menu/Tea", 404),
        staff("DELETE /menu/", 404),
        staff("DELETE /menu/%FF", 404),
        staff("DELETE /menu", 405),
    ]
}

fn tokens() -> Vec<BadRequest> {
    let token = STAFF_TOKEN;
    let mut requests = vec![
        line("GET /orders", 401),
        line("HEAD /orders", 401),
        line("GET /orders?limit=0", 401),
        line("PUT /menu/tea", 401),
        line("PUT /menu/Not%20an%20id", 401),
        line("DELETE /menu/tea", 401),
        line("DELETE /menu/latte", 401),
    ];
    for value in [
        "".into(),
        "Bearer".into(),
        "Bearer ".into(),
        "Bearer wrong".into(),
        format!("Bearer {}", &token[1..]),
        format!("Bearer {token}s"),
        format!("Bearer {}", token.to_uppercase()),
        format!("Bearer\t{token}"),
        format!("Bearer \"{token}\""),
        format!("Bearer {token}, Bearer {token}"),
        "Bearer é".into(),
        format!("Basic {token}"),
        format!("Bearer{token}"),
        token.to_owned(),
        format!("Bearer {token}\r\nauthorization: Bearer {token}"),
        format!("Bearer {token}\r\nauthorization: Bearer wrong"),
    ] {
        let headers = format!("authorization: {value}");
        requests.push(with_body("DELETE /menu/tea", &headers, "", 401));
        requests.push(with_body("GET /orders", &headers, "", 401));
    }
    requests
}

fn filters() -> Vec<BadRequest> {
    let many = "item=tea&".repeat(51);
    let mut requests = Vec::new();
    for query in [
        "max_price=cheap",
        "max_price=-1",
        "max_price=2.5",
        "max_price=4294967296",
        "max_price=1&max_price=2",
        "max_price=%FF",
        "max_price=%ZZ",
        "max_price=é",
        "max_prize=3",
        "customer=Ada",
    ] {
        requests.push(line(&format!("GET /menu?{query}"), 400));
    }
    for query in [
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=ten",
        "limit=1.5",
        "limit=4294967296",
        "limit=1&limit=2",
        "after=-1",
        "after=last",
        "after=1.0",
        "after=18446744073709551616",
        "after=%FF",
        "after=1&after=2",
        "before=3",
        "offset=20",
        "status=lost",
        "status=Placed",
        "status=placed&status=canceled",
        "customer=Ada&customer=Bo",
        "max_price=3",
        many.as_str(),
    ] {
        requests.push(staff(&format!("GET /orders?{query}"), 400));
    }
    requests
}

fn sizes_and_types() -> Vec<BadRequest> {
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
    let chunked = format!("{JSON}\r\ntransfer-encoding: chunked");
    let chunks =
        |name: &str, body: &str, status| order_with(name, &chunked, body, status);
    let large = format!("{GOOD:0$}", LIMIT + 1);
    let mut requests = vec![
        order("one byte too many", &large, 413),
        order("3 MB", &three_megabytes, 413),
        change("/orders/1", &large, 413),
        put("/menu/tea", &large, 413),
        chunks("3 MB in one chunk", &one_chunk, 413),
        chunks("no chunk size", "two\r\n{}\r\n0\r\n\r\n", 400),
        chunks(
            "chunk size past u64",
            "fffffffffffffffff\r\n{}\r\n0\r\n\r\n",
            400,
        ),
        chunks("chunk longer than it says", "2\r\n{}{}\r\n0\r\n\r\n", 400),
        // 431 would say more. To axum it is a body that can't be read.
        chunks("5,000 trailers", &trailers, 400),
        order_with("no content type", "accept: */*", GOOD, 415),
        with_body("PATCH /orders/1", "content-type: text/plain", "{}", 415),
        typed(""),
        typed("json"),
        typed("text/plain"),
        typed("application/x-www-form-urlencoded"),
        typed("multipart/form-data; boundary=x"),
        typed("application/jsonx"),
        typed("é"),
    ];
    if cfg!(windows) {
        // The shop answers and closes with most of the body unread. On Windows, the
        // response may then be lost.
        requests.retain(|request| request.bytes.len() < 1_000_000);
    }
    requests
}

fn paths() -> Vec<BadRequest> {
    vec![
        line("GET /menu/latte", 404),
        line("GET /menu/Tea", 404),
        line("GET /menu/%FF", 404),
        line("GET /menu/é", 404),
        line("GET /menu/%00", 404),
        // 400 would be as right: `%ZZ` is no escape. It stands for itself here.
        line("GET /menu/%ZZ", 404),
        line("GET /orders/3", 404),
        line("GET /orders/0", 404),
        line("GET /orders/one", 404),
        line("GET /orders/01", 404),
        line("GET /orders/+1", 404),
        line("GET /orders/-1", 404),
        line("GET /orders/1.0", 404),
        line("GET /orders/%FF", 404),
        line("GET /orders/9223372036854775808", 404),
        line("GET /orders/18446744073709551616", 404),
        line("GET /orders/1/items", 404),
        line("GET /health", 404),
        line("GET /health/well", 404),
        line("GET /", 404),
        line("GET /MENU", 404),
        line("GET /menu/", 404),
        line("GET /orders/", 404),
        line("GET //menu", 404),
        line("GET /menu//tea", 404),
        // RFC 3986 says that this is `/menu`. axum compares paths as they were sent.
        line("GET /%6Denu", 404),
        line("GET /../../etc/passwd", 404),
        line("GET /menu/../orders", 404),
        line("GET /menu/..%2F..%2Fetc%2Fpasswd", 404),
        line("GET http://localhost/nowhere", 404),
        // 400 would be better: a target begins with a slash or a scheme. hyper takes
        // these for names of hosts, and a host has no path.
        line("GET menu", 404),
        line("GET localhost:4000", 404),
        line("GET *", 404),
        line(&format!("GET /menu/{:x<10000}", ""), 404),
        line(&format!("DELETE /nowhere/{:x<10000}", ""), 404),
    ]
}

/// A 405 lists the methods that work: `is_problem` checks that.
fn methods() -> Vec<BadRequest> {
    vec![
        line("DELETE /menu", 405),
        line("POST /menu", 405),
        line("PATCH /menu/tea", 405),
        line("POST /menu/tea", 405),
        line("PUT /orders", 405),
        line("DELETE /orders", 405),
        line("PUT /orders/1", 405),
        line("DELETE /orders/1", 405),
        line("POST /orders/1", 405),
        line("POST /health/live", 405),
        line("DELETE /health/ready", 405),
        line("OPTIONS /menu", 405),
        line("TRACE /menu", 405),
        line("CONNECT /menu", 405),
        // 501 would be as right for a method that nobody knows. Methods are
        // case-sensitive.
        line("BREW /menu", 405),
        line("get /menu", 405),
        line(&format!("{:X<10000} /menu", ""), 405),
        // These are for the server and not for a path. The shop has no answer to them.
        line("OPTIONS *", 404),
        line("CONNECT localhost:4000", 404),
    ]
}

fn refused_by_hyper() -> Vec<BadRequest> {
    let megabyte = format!("x: {}", "x".repeat(1_000_000));
    // Twice the bytes that the server keeps for a connection, and some more.
    let kibibytes = format!("x: {}", "x".repeat(150 * 1024));
    let many = format!("GET /menu HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(101));
    let long = format!("GET /{}", "x".repeat(70_000));
    let in_1_0 = format!(
        "POST /orders HTTP/1.0\r\n{JSON}\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    let version = |version: &str, status| {
        let request = format!("GET /menu {version}\r\nhost: localhost\r\n\r\n");
        bytes(version, request, status)
    };
    vec![
        bytes("prose", "hello\r\n\r\n", 400),
        bytes("another protocol", "EHLO localhost\r\n\r\n", 400),
        bytes(
            "a TLS handshake",
            b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
            400,
        ),
        bytes("no version", "GET /menu\r\n\r\n", 400),
        // 505 would be better for these.
        version("HTTP/1.2", 400),
        version("HTTP/2.0", 400),
        version("HTTP/3", 400),
        line("GET  /menu", 400),
        line("GET\t/menu", 400),
        line("GET /flat white", 400),
        line("GET /me\0nu", 400),
        line("G@T /menu", 400),
        bytes(
            "no UTF-8",
            b"GET /menu/\xff HTTP/1.1\r\nhost: localhost\r\n\r\n",
            400,
        ),
        line(&long, 414),
        header("no colon", 400),
        header(": no name", 400),
        header("space before : x", 400),
        header("not@token: x", 400),
        header("x: folded\r\n onto two lines", 400),
        header("x: NUL\0", 400),
        header("x: lonely\rreturn", 400),
        bytes(
            "folded first",
            "GET /menu HTTP/1.1\r\n host: localhost\r\n\r\n",
            400,
        ),
        bytes("101 headers", many, 431),
        header(&kibibytes, 431),
        header(&megabyte, 431),
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
        bytes(
            "chunks in HTTP/1.0",
            format!("{in_1_0}2\r\n{{}}\r\n0\r\n\r\n"),
            400,
        ),
    ]
}

fn go_through() -> Vec<BadRequest> {
    let two_types = format!("{JSON}\r\ncontent-type: text/plain");
    let both = format!("{JSON}\r\ntransfer-encoding: chunked\r\ncontent-length: 5");
    let chunk = format!("{:x}\r\n{GOOD}\r\n0\r\n\r\n", GOOD.len());
    vec![
        line("GET http://localhost/menu", 200),
        line("HEAD /menu", 200),
        line("GET /menu?", 200),
        line("GET /menu?&&", 200),
        line("GET /menu?max_price=", 200),
        line("GET /menu/%74ea", 200),
        bytes("HTTP/1.0", "GET /menu HTTP/1.0\r\n\r\n", 200),
        bytes(
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
            &format!("{JSON}\r\ncontent-length: {}", GOOD.len()),
            GOOD,
            201,
        ),
        // The chunks count, and hyper closes the connection after the response, as
        // RFC 9112 asks.
        order_with("a length and chunks", &both, chunk, 201),
        order_with("two content types", &two_types, GOOD, 201),
        order_of("note", "null", 201),
        order_of("table", "null", 201),
        // serde reads a struct from an array, too, in the sequence of its fields.
        order("an array", r#"["Ada", "tea", 1, null, null]"#, 201),
        change("/orders/1", "{}", 200),
        change("/orders/1", r#"{"note": null}"#, 200),
        change("/orders/1", r#"{"status": "canceled"}"#, 200),
        staff("GET /orders?limit=&after=", 200),
        staff("GET /orders?item=latte&item=", 200),
        // RFC 9112 wants 400 if the host is missing, repeated or malformed. hyper leaves
        // that to the application, and the shop doesn't use the host.
        bytes("no host", "GET /menu HTTP/1.1\r\n\r\n", 200),
        bytes("empty host", "GET /menu HTTP/1.1\r\nhost:\r\n\r\n", 200),
        header("host: elsewhere", 200),
        // hyper looks only at the last coding.
        header("transfer-encoding: chunked, chunked", 200),
        header("transfer-encoding: gzip, chunked", 200),
        // A fragment has no place in a request. hyper drops it.
        line("GET /menu#tea", 200),
        // axum looks only at the path.
        line("GET ftp://localhost/menu", 200),
    ]
}

/// How many threads of a server panicked.
static PANICS: AtomicUsize = AtomicUsize::new(0);

fn assert_no_panic() {
    assert_eq!(PANICS.load(Ordering::SeqCst), 0, "the server panicked");
}

/// A shop behind a socket, with an order that is placed and one that is canceled. It
/// counts the requests that reach it.
struct Server {
    address: SocketAddr,
    seen: Arc<AtomicUsize>,
    before: String,
    _runtime: Runtime, // the server ends when this is dropped
}

impl Server {
    fn start() -> Self {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let print = panic::take_hook();
            panic::set_hook(Box::new(move |info| {
                if thread::current().name() == Some("shop") {
                    PANICS.fetch_add(1, Ordering::SeqCst);
                }
                print(info);
            }));
        });
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("shop")
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&seen);
        let memory = Memory::new(opening_menu());
        let app = shop::router(support::state(Arc::new(memory)));
        let app = server_layers(app, random_id, vec![]).layer(from_fn(
            move |request: Request, next: Next| {
                count.fetch_add(1, Ordering::SeqCst);
                next.run(request)
            },
        ));
        let forever = std::future::pending();
        runtime.spawn(shop::server::serve(listener, app, forever));

        let mut server = Self {
            address,
            seen,
            before: String::new(),
            _runtime: runtime,
        };
        for request in [
            order("the first", GOOD, 201),
            order("the second", GOOD, 201),
            change("/orders/2", r#"{"status": "canceled"}"#, 200),
        ] {
            assert_eq!(server.send(&request.bytes).status(), Some(request.status));
        }
        server.before = server.menu_and_orders();
        server
    }

    /// Everything that the shop holds: the menu and the orders.
    fn menu_and_orders(&self) -> String {
        let menu = self.send(&line("GET /menu", 200).bytes);
        let orders = self.send(&staff("GET /orders", 200).bytes);
        assert_eq!((menu.status(), orders.status()), (Some(200), Some(200)));
        menu.body + &orders.body
    }

    /// The response to these bytes, empty if the connection is closed without one.
    fn send(&self, bytes: &[u8]) -> Response {
        let stream = TcpStream::connect(self.address).unwrap();
        // A response that never comes fails the test and doesn't hold it up.
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        thread::scope(|scope| {
            // The server may answer, and close, before it has read everything.
            scope.spawn(|| (&stream).write_all(bytes));
            let response = Response::read(&stream, bytes.starts_with(b"HEAD "));
            // Ends the other thread if it still writes. It fails if the server has
            // closed the connection.
            let _ = stream.shutdown(Shutdown::Both);
            response
        })
    }
}

/// Sends each request and, after each, a good one. `fault` says what else is wrong with
/// a response, if anything.
fn check(
    server: &Server,
    requests: &[BadRequest],
    fault: impl Fn(&BadRequest, usize, &Response) -> Option<String>,
) {
    let mut faults = String::new();
    for request in requests {
        let before = server.seen.load(Ordering::SeqCst);
        let response = server.send(&request.bytes);
        let seen = server.seen.load(Ordering::SeqCst) - before;
        let fault = if response.status() == Some(request.status) {
            fault(request, seen, &response)
        } else {
            Some(format!("not a {}", request.status))
        };
        if let Some(fault) = fault {
            let Response { head, body } = response;
            faults += &format!("{}: {fault}:\n{head}\n{body}\n\n", request.name);
        }
        let menu = server.send(&line("GET /menu", 200).bytes);
        assert_eq!(menu.status(), Some(200), "after {}", request.name);
    }
    assert!(faults.is_empty(), "\n{faults}");
    assert_no_panic();
}

/// A response, as text.
struct Response {
    head: String,
    body: String,
}

impl Response {
    /// Reads a head, and the body that it announces.
    fn read(mut stream: &TcpStream, head_only: bool) -> Self {
        let mut bytes = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
            let response = Self {
                head: head.to_owned(),
                body: body.to_owned(),
            };
            let announced = response.header("content-length").parse().unwrap_or(0);
            let whole = head.len() < text.len();
            if whole && (head_only || body.len() >= announced) {
                return response;
            }
            match stream.read(&mut buffer).unwrap_or(0) {
                0 => return response,
                length => bytes.extend(&buffer[..length]),
            }
        }
    }

    fn status(&self) -> Option<u16> {
        self.head.split(' ').nth(1)?.parse().ok()
    }

    /// The value of a header, empty if it's missing.
    fn header(&self, name: &str) -> &str {
        let mut headers =
            self.head.lines().filter_map(|line| line.split_once(": "));
        headers
            .find(|(header, _)| header.eq_ignore_ascii_case(name))
            .map_or("", |(_, value)| value)
    }

    /// Whether this is a problem document with this status, and has the headers that
    /// such a status needs. The response to HEAD has the headers of a body, but no
    /// body.
    fn is_problem(&self, status: u16, head_only: bool) -> bool {
        let needed = match status {
            401 => "www-authenticate",
            405 => "allow",
            _ => "x-request-id",
        };
        let announced: usize =
            self.header("content-length").parse().unwrap_or_default();
        let body_is_right = if head_only {
            self.body.is_empty() && announced > 0
        } else {
            self.body.len() == announced && is_problem_body(&self.body, status)
        };
        self.header("content-type") == "application/problem+json"
            && !self.header("x-request-id").is_empty()
            && !self.header(needed).is_empty()
            && body_is_right
    }
}

/// Whether this body has this status and, if the request is invalid, names the
/// mistakes.
fn is_problem_body(body: &str, status: u16) -> bool {
    let problem: Value = serde_json::from_str(body).unwrap_or_default();
    let names_mistakes = problem["errors"].as_array().is_some_and(|errors| {
        !errors.is_empty() && errors.iter().all(|error| error["detail"].is_string())
    });
    problem["status"] == status
        && (problem["type"] != "/problems/invalid-request" || names_mistakes)
}

/// The check of the responses must be able to fail.
#[test]
fn an_empty_or_incomplete_problem_is_none() {
    let response = |body: &str, length: usize| Response {
        head: format!(
            "HTTP/1.1 422 Unprocessable Content\r\nx-request-id: 1\r\n\
             content-type: application/problem+json\r\ncontent-length: {length}"
        ),
        body: body.to_owned(),
    };
    let whole = r#"{"type": "/problems/invalid-request", "status": 422,
                    "errors": [{"detail": "must be a number"}]}"#;
    assert!(response(whole, whole.len()).is_problem(422, false));
    assert!(response("", whole.len()).is_problem(422, true));

    assert!(!response("", whole.len()).is_problem(422, false), "no body");
    assert!(!response("", 0).is_problem(422, true), "no length");
    assert!(!response(&whole[..40], whole.len()).is_problem(422, false));
    for body in [
        r#"{"type": "/problems/invalid-request", "status": 422}"#,
        r#"{"type": "/problems/invalid-request", "status": 422, "errors": []}"#,
    ] {
        assert!(!response(body, body.len()).is_problem(422, false), "{body}");
    }
}
