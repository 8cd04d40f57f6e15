//! The server: clients that are slow, silent or many, and what happens when it's asked
//! to stop.

#![cfg(feature = "server")]
#![allow(clippy::unwrap_used)] // in a test, a panic is the report

mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get as get_from;
use shop::middleware::{random_id, server_layers};
use shop::model::opening_menu;
use shop::repository::memory::Memory;
use shop::server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

/// A server in this process, so that a test can pause its clock: the clock then jumps to
/// the next moment for which a task waits.
struct Server {
    address: SocketAddr,
    /// Dropping this asks the server to stop.
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

impl Server {
    async fn start(router: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let router = server_layers(router, random_id, vec![]);
        let shutdown = async {
            let _ = stopped.await;
        };
        let ended = tokio::spawn(server::serve(listener, router, shutdown));
        Self {
            address,
            stop,
            ended,
        }
    }

    /// The shop, with its data in memory.
    async fn of_the_shop() -> Self {
        let memory = Memory::new(opening_menu());
        Self::start(shop::router(support::state(Arc::new(memory)))).await
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends these bytes, and then nothing.
    async fn send(&self, bytes: &str) -> TcpStream {
        let mut stream = self.connect().await;
        stream.write_all(bytes.as_bytes()).await.unwrap();
        stream
    }

    /// Checks that a new client gets the menu.
    async fn answers(&self) {
        let response = everything(self.send(LAST_REQUEST).await).await;
        assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
    }
}

const REQUEST: &str = "GET /menu HTTP/1.1\r\nhost: localhost\r\n\r\n";
const LAST_REQUEST: &str =
    "GET /menu HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

/// Reads until the server closes the connection.
async fn everything(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    // An error means that the connection was reset, which also closes it.
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8(bytes).unwrap()
}

/// Reads a response that has a `content-length`.
async fn response(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        bytes.push(stream.read_u8().await.unwrap());
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            if body.len() == length.unwrap().parse::<usize>().unwrap() {
                return text.into_owned();
            }
        }
    }
}

mod services {
    use super::*;

    use axum::extract::{ConnectInfo, Request};
    use axum::http::Uri;
    use tower::ServiceExt;

    /// A layer that changes the path must be around the router, and the result is no
    /// router any more.
    #[tokio::test]
    async fn a_service_around_a_router_is_served_with_the_address_of_the_client() {
        async fn client(ConnectInfo(client): ConnectInfo<SocketAddr>) -> String {
            client.to_string()
        }
        let router = Router::new().route("/client", get_from(client));
        let around = router.map_request(|mut request: Request<_>| {
            *request.uri_mut() = Uri::from_static("/client");
            request
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let never = std::future::pending();
        let server = tokio::spawn(server::serve(listener, around, never));

        let mut stream = TcpStream::connect(address).await.unwrap();
        let client = stream.local_addr().unwrap();
        stream.write_all(LAST_REQUEST.as_bytes()).await.unwrap();
        let response = everything(stream).await;
        assert!(response.ends_with(&client.to_string()), "{response}");
        server.abort();
    }
}

mod slow_clients {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_a_whole_head_is_closed_after_5_seconds() {
        let server = Server::of_the_shop().await;
        for bytes in [
            "",
            "G",
            "GET /menu HTTP/1.1\r\n",
            "GET /menu HTTP/1.1\r\nhost: localhost\r\n",
        ] {
            let started = Instant::now();
            let response = everything(server.send(bytes).await).await;
            assert_eq!(
                (response.as_str(), started.elapsed().as_secs()),
                ("", 5),
                "{bytes}"
            );
        }
        server.answers().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_arrives_byte_by_byte_has_no_longer_time() {
        let server = Server::of_the_shop().await;
        let started = Instant::now();
        let (mut read, mut write) = server.connect().await.into_split();
        let writing = tokio::spawn(async move {
            for byte in REQUEST.bytes() {
                sleep(Duration::from_secs(1)).await;
                if write.write_u8(byte).await.is_err() {
                    break;
                }
            }
        });
        let mut bytes = Vec::new();
        let _ = read.read_to_end(&mut bytes).await;
        assert_eq!((bytes.len(), started.elapsed().as_secs()), (0, 5));
        writing.abort();
        server.answers().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_is_silent_after_a_response_is_closed_too() {
        let server = Server::of_the_shop().await;
        let mut stream = server.send(REQUEST).await;
        response(&mut stream).await;
        stream.write_all(REQUEST.as_bytes()).await.unwrap(); // it can be used again
        response(&mut stream).await;
        let started = Instant::now();
        assert_eq!(everything(stream).await, "");
        assert_eq!(started.elapsed().as_secs(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn http_2_is_not_spoken_here() {
        let server = Server::of_the_shop().await;
        let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
        everything(server.send(preface).await).await; // the connection ends
        server.answers().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_arrive_is_the_fault_of_the_client() {
        let server = Server::of_the_shop().await;
        let started = Instant::now();
        let half = "POST /orders HTTP/1.1\r\nhost: localhost\r\n\
                    content-type: application/json\r\ncontent-length: 100\r\n\r\n{\"customer\":";
        let response = everything(server.send(half).await).await;
        assert!(
            response.starts_with("HTTP/1.1 408 Request Timeout\r\n"),
            "{response}"
        );
        assert!(
            response.contains("\r\ncontent-type: application/problem+json\r\n")
        );
        assert!(response.contains("\r\nx-request-id: "));
        assert_eq!(started.elapsed().as_secs(), 5);
        server.answers().await;
    }
}

mod shutdown {
    use super::*;

    /// Two routes: one waits until it's told to go on, the other waits forever.
    async fn start(arrived: &Arc<Notify>, go_on: &Arc<Notify>) -> Server {
        let (arrived, go_on) = (Arc::clone(arrived), Arc::clone(go_on));
        let forever = Arc::clone(&arrived);
        // ANCHOR: notify
        let slow = || async move {
            arrived.notify_one();
            go_on.notified().await;
            "done"
        };
        // ANCHOR_END: notify
        let endless = || async move {
            forever.notify_one();
            std::future::pending::<()>().await;
        };
        let router = Router::new()
            .route("/slow", get_from(slow))
            .route("/endless", get_from(endless));
        Server::start(router).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_has_arrived_is_finished() {
        let (arrived, go_on) = (Arc::default(), Arc::default());
        let server = start(&arrived, &go_on).await;
        let silent = server.connect().await;
        let slow = server
            .send("GET /slow HTTP/1.1\r\nhost: localhost\r\n\r\n")
            .await;
        arrived.notified().await;
        drop(server.stop);
        assert_eq!(everything(silent).await, "");
        go_on.notify_one();
        let response = everything(slow).await;
        assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
        assert!(response.contains("\r\nconnection: close\r\n"), "{response}");
        assert!(response.ends_with("\r\n\r\ndone"), "{response}");
        server.ended.await.unwrap();
        assert!(TcpStream::connect(server.address).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_never_ends_is_cut_off_after_8_seconds() {
        let (arrived, go_on) = (Arc::default(), Arc::default());
        let server = start(&arrived, &go_on).await;
        let _endless = server
            .send("GET /endless HTTP/1.1\r\nhost: localhost\r\n\r\n")
            .await;
        arrived.notified().await;
        let started = Instant::now();
        drop(server.stop);
        server.ended.await.unwrap();
        assert_eq!(started.elapsed().as_secs(), 8);
    }

    #[tokio::test(start_paused = true)]
    async fn half_a_head_holds_the_shutdown_up_for_5_seconds_at_most() {
        let server = Server::of_the_shop().await;
        let half = server.send("GET /menu HTTP/1.1\r\n").await;
        server.answers().await;
        let started = Instant::now();
        drop(server.stop);
        server.ended.await.unwrap();
        assert!(started.elapsed().as_secs() <= 5);
        assert_eq!(everything(half).await, "");
    }
}

/// The shop as a process.
#[cfg(all(unix, feature = "sqlite"))]
mod processes {
    use std::fs;
    use std::io::{BufRead, BufReader, Read, Write};
    use std::path::Path;
    use std::process::{Command, Output, Stdio};

    use serde_json::{Value, json};
    use support::process::{
        Server, call, configure, connect, files, order, send_sigterm, shop,
    };
    use tempfile::{TempDir, tempdir};

    use super::*;

    /// Runs a command that must fail, and returns what it wrote to standard error.
    fn error_of(command: &mut Command) -> String {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        if !line.is_empty() {
            child.kill().unwrap(); // it runs, although it should not
        }
        let Output { status, stderr, .. } = child.wait_with_output().unwrap();
        assert_eq!((line.as_str(), status.code()), ("", Some(1)));
        String::from_utf8(stderr).unwrap()
    }

    fn folder_with_dotenv(text: &str) -> TempDir {
        let folder = tempdir().unwrap();
        fs::write(folder.path().join(".env"), text).unwrap();
        folder
    }

    #[test]
    fn the_log_says_where_the_shop_listens_and_which_file_it_uses() {
        let folder = tempdir().unwrap();
        let server = Server::start(folder.path());
        let line = server.log.last().unwrap();
        let file = folder.path().join("shop.db").canonicalize().unwrap();
        assert!(
            line.contains(&format!("database={}", file.display())),
            "{line}"
        );
        assert!(!line.contains('\u{1b}'), "colors in a pipe: {line}");
        let warning = &server.log[0];
        assert!(
            warning.contains(": SHOP_STAFF_TOKEN is not set"),
            "{warning}"
        );
        let (status, _, body) = call(server.address, "GET", "/menu", "").unwrap();
        assert_eq!(status, 200);
        assert_eq!(
            serde_json::from_str::<Value>(&body).unwrap(),
            json!(opening_menu())
        );
    }

    #[test]
    fn dotenv_is_read_and_the_environment_wins() {
        let folder = folder_with_dotenv(
            "# A comment.\nSHOP_DATABASE='from $HOME.db'\nRUST_LOG=debug\n\
             SHOP_STAFF_TOKEN=0123456789abcdef==\n",
        );
        let mut command = shop(folder.path());
        command.env("RUST_LOG", "info");
        let server = Server::start_with(command);
        assert_eq!(server.log.len(), 1, "{:?}", server.log);
        assert!(server.log[0].contains("from $HOME.db"), "{:?}", server.log);
        let mut stream = connect(server.address).unwrap();
        write!(
            stream,
            "GET /orders HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
             authorization: Bearer 0123456789abcdef==\r\n\r\n"
        )
        .unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
    }

    /// Editors on Windows call this "UTF-8 with BOM".
    #[test]
    fn dotenv_may_begin_with_a_byte_order_mark() {
        let folder = folder_with_dotenv("\u{feff}SHOP_DATABASE=bom.db\n");
        let server = Server::start(folder.path());
        let line = server.log.last().unwrap();
        assert!(line.contains("bom.db"), "{line}");
    }

    /// The line may hold a secret.
    #[test]
    fn a_line_of_dotenv_that_cannot_be_read_is_not_repeated() {
        let folder =
            folder_with_dotenv("SHOP_STAFF_TOKEN=correct horse battery staple\n");
        let error = error_of(&mut shop(folder.path()));
        assert!(error.contains(".env"), "{error}");
        assert!(!error.contains("horse"), "{error}");
        assert_eq!(files(folder.path()), [Path::new(".env")]);
    }

    #[test]
    fn settings_that_are_wrong_stop_it_before_it_creates_a_database() {
        let folder = folder_with_dotenv("SHOP_STAFF_TOKEN=short\n");
        let mut command = shop(folder.path());
        command.env("SHOP_ADDRESS", "localhost");
        let error = error_of(&mut command);
        assert!(
            error.starts_with("The shop can't start: the settings are wrong:\n")
        );
        assert!(error.contains("SHOP_ADDRESS must be"), "{error}");
        assert!(error.contains("SHOP_STAFF_TOKEN must be"), "{error}");

        let folder = tempdir().unwrap();
        let mut command = shop(folder.path());
        // `EnvFilter` would take `warning` for the name of a module.
        for wrong in ["shop=loud", "warning", "info ", "info,verbose"] {
            command.env("RUST_LOG", wrong);
            let error = error_of(&mut command);
            assert!(error.contains("RUST_LOG must be a level"), "{error}");
        }
        assert_eq!(files(folder.path()), [""; 0].map(Path::new));
    }

    #[test]
    fn an_address_in_use_is_named_and_no_database_is_created() {
        let folder = tempdir().unwrap();
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap().to_string();
        let mut command = shop(folder.path());
        command.env("SHOP_ADDRESS", &address);
        let error = error_of(&mut command);
        assert!(
            error.contains(&format!("can't listen on {address}: ")),
            "{error}"
        );
        assert_eq!(files(folder.path()), [""; 0].map(Path::new));
    }

    #[test]
    fn a_database_that_cannot_be_opened_is_named() {
        let folder = tempdir().unwrap();
        let mut command = shop(folder.path());
        command.env("SHOP_DATABASE", "no-such-folder/shop.db");
        let error = error_of(&mut command);
        let file = folder
            .path()
            .canonicalize()
            .unwrap()
            .join("no-such-folder/shop.db");
        let expected = format!("can't open the database {}: ", file.display());
        assert!(error.contains(&expected), "{error}");
    }

    /// `eprintln!` and `println!` would panic then.
    #[test]
    fn a_500_is_a_problem_document_even_if_nobody_reads_the_log() {
        let folder = tempdir().unwrap();
        let mut command = shop(folder.path());
        command.stderr(Stdio::piped());
        let mut server = Server::start_with(command);
        drop(server.stdout.take());
        drop(server.child.stderr.take());
        let other =
            rusqlite::Connection::open(folder.path().join("shop.db")).unwrap();
        other.execute_batch("DROP TABLE orders").unwrap();
        for _ in 0..3 {
            let (status, head, body) =
                call(server.address, "GET", "/orders/1", "").unwrap();
            assert_eq!(status, 500);
            assert!(
                head.contains("\r\ncontent-type: application/problem+json"),
                "{head}"
            );
            let problem: Value = serde_json::from_str(&body).unwrap();
            assert_eq!(problem["status"], 500);
        }
        server.terminate();
        assert!(server.wait().success());
    }

    #[test]
    fn sigint_stops_it_as_well_as_sigterm() {
        let folder = tempdir().unwrap();
        for signal in ["TERM", "INT"] {
            let mut server = Server::start(folder.path());
            order(server.address, "tea").unwrap().unwrap();
            let _silent = connect(server.address).unwrap();
            support::process::send_signal(signal, server.child.id());
            assert!(server.wait().success());
            assert_eq!(files(folder.path()), [Path::new("shop.db")]);
        }
    }

    /// A process with the id 1, as in a container, ignores each signal that it has no
    /// handler for. Where the system allows no such process, this tests nothing.
    #[test]
    fn sigterm_stops_it_as_the_first_process_of_a_container() {
        let unshare = || {
            let mut command = Command::new("unshare");
            command.args([
                "--user",
                "--map-root-user",
                "--pid",
                "--fork",
                "--kill-child",
            ]);
            command
        };
        if !unshare()
            .arg("true")
            .status()
            .is_ok_and(|status| status.success())
        {
            println!("left out: no process with the id 1 can be started here");
            return;
        }
        let folder = tempdir().unwrap();
        let mut command = configure(unshare(), folder.path());
        command.arg(env!("CARGO_BIN_EXE_shop"));
        let mut server = Server::start_with(command);
        order(server.address, "tea").unwrap().unwrap();
        let parent = server.child.id();
        let children = format!("/proc/{parent}/task/{parent}/children");
        let child = fs::read_to_string(children).unwrap();
        send_sigterm(child.trim().parse().unwrap());
        assert!(server.wait().success());
        assert_eq!(files(folder.path()), [Path::new("shop.db")]);
    }
}
