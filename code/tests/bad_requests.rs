//! What the shop answers to requests that are wrong, sent as bytes over a socket.

use std::io::{self, Write};
use std::net::TcpStream;

#[path = "support/bad_requests.rs"]
mod support;

use support::{
    GOOD, Server, array, assert_no_panic, figure, let_through, menu, order, play,
    refused_by_hyper, refused_by_the_app,
};

fn start() -> io::Result<Server> {
    Server::start("requests", false)
}

#[test]
fn bad_requests_are_refused_by_the_app() -> io::Result<()> {
    let mut rows = refused_by_the_app();
    rows.extend(menu());
    figure("bad requests that the app refuses", rows.len())?;
    play(&start()?, &rows, true, true)
}

#[test]
fn bad_requests_are_refused_by_hyper() -> io::Result<()> {
    let rows = refused_by_hyper();
    figure("bad requests that hyper refuses before the app", rows.len())?;
    play(&start()?, &rows, false, true)
}

#[test]
fn odd_requests_go_through() -> io::Result<()> {
    let mut rows = let_through();
    rows.push(array(r#"["Ada", "tea", 1, null, null]"#));
    figure("odd requests that go through", rows.len())?;
    play(&start()?, &rows, true, false)
}

/// HTTP/2's first words: hyper hangs up, since the sample is built without HTTP/2.
#[test]
fn http_2_gets_no_answer() -> io::Result<()> {
    let server = start()?;
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let (answer, seen) = server.seen(|| server.send(preface))?;
    assert_eq!((answer.head.as_str(), seen), ("", 0));
    assert_eq!(server.ask_for_the_menu()?, server.menu);
    Ok(())
}

/// Clients that hang up where it is least convenient.
#[test]
fn hanging_up_harms_nobody() -> io::Result<()> {
    let server = start()?;
    let whole = order("good", GOOD, 201).bytes;
    let body = whole.len() - GOOD.len();
    for end in [0, 1, 4, body - 2, body, body + 1, whole.len() - 1] {
        TcpStream::connect(server.address)?.write_all(&whole[..end])?;
        assert_eq!(server.ask_for_the_menu()?, server.menu, "after {end} bytes");
    }
    assert_no_panic();
    Ok(())
}
