//! `site replay`.

use std::{
    fs,
    io::{self, Write},
    net::{Ipv4Addr, SocketAddr},
    process::Output,
    thread,
};

use axum::{Router, http::StatusCode, routing::get};
use tokio::{
    net::{TcpListener, TcpSocket},
    sync::oneshot,
};

use crate::support::site;

/// An app behind a socket, until the test is over.
struct Server {
    url: String,
    _stop: oneshot::Sender<()>,
}

impl Server {
    fn start(app: Router) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let url = format!("http://{}", listener.local_addr()?);
        let (stop, stopped) = oneshot::channel::<()>();
        thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = axum::serve(listener, app) => {}
                    _ = stopped => {}
                }
            });
        });
        Ok(Self { url, _stop: stop })
    }
}

fn replay(file: &str, url: &str) -> io::Result<(Option<i32>, String, String)> {
    let file = site::workspace::root().join(file);
    let Output {
        status,
        stdout,
        stderr,
    } = site(&["replay", "--against", url]).arg(file).output()?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok((status.code(), text(stdout), text(stderr)))
}

const INPUTS: &str = "code/exchanges/inputs.http";

#[test]
fn the_chapter_s_own_server_answers_as_recorded() -> io::Result<()> {
    let server = Server::start(code::requests::app())?;
    let (code, says, problems) = replay(INPUTS, &server.url)?;
    assert_eq!((code, problems.as_str()), (Some(0), ""), "{says}");
    let text = fs::read_to_string(site::workspace::root().join(INPUTS))?;
    let all = live::exchange::read(&text).map_err(io::Error::other)?.len();
    let same = says.lines().filter(|line| line.starts_with("same     "));
    assert_eq!(same.count(), all, "{says}");
    assert!(
        says.ends_with(&format!("\n{all} of {all} answers are the recorded ones\n")),
        "{says}"
    );
    Ok(())
}

#[test]
fn exchanges_without_a_record_are_asked() -> io::Result<()> {
    let server = Server::start(code::requests::app())?;
    let (code, says, _) = replay("code/exchanges/ledger.http", &server.url)?;
    assert_eq!(code, Some(0), "{says}");
    assert!(
        says.contains("sent     Order the last croissant (201 Created; "),
        "{says}"
    );
    Ok(())
}

#[test]
fn it_says_which_answers_differ_and_in_what() -> io::Result<()> {
    // A server that forgets orders and has a text instead of a menu.
    let app = Router::new()
        .route("/orders/{id}", get(async || StatusCode::NOT_FOUND))
        .route("/menu", get(async || "Nothing today"))
        .fallback_service(code::requests::app());
    let server = Server::start(app)?;
    let (code, says, _) = replay(INPUTS, &server.url)?;
    assert_eq!(code, Some(1), "{says}");
    for line in [
        "same     Order two flat whites",
        "differs  Look up the order",
        "    -HTTP/1.1 200 OK",
        "    +HTTP/1.1 404 Not Found",
        "differs  List the items that cost at most 2.50",
        "    -content-type: application/json",
        "    +Nothing today",
    ] {
        assert!(says.lines().any(|found| found == line), "{line}\n{says}");
    }
    Ok(())
}

#[test]
fn what_an_earlier_answer_should_have_given_is_missed_with_its_line() -> io::Result<()> {
    let app = Router::new().fallback(async || StatusCode::BAD_REQUEST);
    let server = Server::start(app)?;
    let (code, says, _) = replay(INPUTS, &server.url)?;
    assert_eq!(code, Some(1), "{says}");
    let mut lines = says.lines();
    assert!(
        lines.any(|line| line == "differs  Look up the order"),
        "{says}"
    );
    let why = lines.next().unwrap_or_default();
    assert!(why.contains("inputs.http:"), "{why}");
    assert!(why.contains("`order` has no value yet"), "{why}");
    Ok(())
}

/// A port that this test holds and on which nobody listens.
#[test]
fn a_server_that_is_not_there_is_named() -> io::Result<()> {
    let held = TcpSocket::new_v4()?;
    held.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    let url = format!("http://{}", held.local_addr()?);
    let (code, says, problems) = replay(INPUTS, &url)?;
    assert_eq!((code, says.as_str()), (Some(2), ""));
    assert!(
        problems.contains(&format!("no connection to {url}. Is the server")),
        "{problems}"
    );
    Ok(())
}

#[test]
fn misuse_is_told_apart_from_a_difference() -> io::Result<()> {
    let mut broken = tempfile::NamedTempFile::new()?;
    write!(broken, "### Empty\n\n### Next\nGET / HTTP/1.1\n")?;
    let broken = broken.path().to_string_lossy();
    for (file, url, message) in [
        (
            INPUTS,
            "https://localhost:4000",
            "replay supports http only",
        ),
        (
            INPUTS,
            "localhost",
            "the address of the server as http://HOST:PORT",
        ),
        ("nowhere.http", "http://localhost:4000", "nowhere.http"),
        (
            &broken,
            "http://localhost:4000",
            ":1: `Empty` has no request",
        ),
    ] {
        let (code, _, problems) = replay(file, url)?;
        assert_eq!(code, Some(2), "{file} {url}: {problems}");
        assert!(problems.contains(message), "{file} {url}: {problems}");
    }
    Ok(())
}
