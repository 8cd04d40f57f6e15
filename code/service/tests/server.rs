//! The service as a process: its start, its settings and its end.

#![cfg(all(unix, feature = "server"))]
#![allow(clippy::unwrap_used)] // in a test, a panic is the report

mod support;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use service::customers::model::Role;
use service::menu::model::opening_menu;
use support::postgres::{Forwarder, TestDatabase};
use support::process::{Server, call, error_of, service, token};
use support::{JWT_SECRET, URL};
use tempfile::tempdir;

/// Waits until this many statements wait for a lock in the database.
fn wait_for_locks(database: &TestDatabase, number: i64) {
    let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND database =
                   (SELECT oid FROM pg_database WHERE datname = current_database())";
    while database.count(waiting) < number {
        thread::yield_now();
    }
}

#[test]
fn without_a_database_it_starts_and_says_that_data_will_be_lost() {
    let folder = tempdir().unwrap();
    let server = Server::start(service(folder.path()));
    let [warning, .., listening] = server.log.as_slice() else {
        panic!("{:?}", server.log);
    };
    let expected = ": DATABASE_URL is not set: the data is in memory";
    assert!(warning.contains(expected), "{warning}");
    assert!(
        !listening.contains('\u{1b}'),
        "colors in a pipe: {listening}"
    );

    let (status, body) = server.call("GET /menu", "", "");
    let menu: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, menu), (200, json!(opening_menu())));
    assert_eq!(server.call("GET /health/ready", "", "").0, 200);
    assert!(server.stop().success());
}

/// Two hashes at a time need 38 MiB. Without the allocator in `main.rs`, glibc keeps hundreds of
/// megabytes after so many hashes on different threads.
#[cfg(target_os = "linux")]
#[test]
fn the_memory_of_password_hashes_is_returned() {
    let folder = tempdir().unwrap();
    let server = Server::start(service(folder.path()));
    let checked = AtomicUsize::new(0);
    thread::scope(|scope| {
        for client in 0..10 {
            let (server, checked) = (&server, &checked);
            scope.spawn(move || {
                for number in 0..5 {
                    let body = json!({
                        "email": format!("{client}-{number}@shop.example"),
                        "password": "not the right password",
                    });
                    let body = body.to_string();
                    let (status, _) = server.call("POST /sessions", "", &body);
                    // Without optimization, some of them may wait for too long.
                    assert!(matches!(status, 401 | 503), "{status}");
                    checked
                        .fetch_add(usize::from(status == 401), Ordering::Relaxed);
                }
            });
        }
    });
    let checked = checked.into_inner();
    assert!(checked >= 5, "only {checked} of 50 passwords were hashed");
    // ANCHOR: memory
    let status =
        fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    let kilobytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    let processors = thread::available_parallelism().unwrap().get();
    let hashes = processors.min(4) as u64; // at the same time
    let limit = 60_000 + 2 * hashes * 20_000;
    assert!(kilobytes < limit, "{kilobytes} kB of memory");
    // ANCHOR_END: memory
    assert!(server.stop().success());
}

#[test]
fn in_postgresql_the_data_is_still_there_after_a_restart() {
    let Some(database) = TestDatabase::create() else {
        return;
    };
    let folder = tempdir().unwrap();
    let start = || start_on(folder.path(), &database.url());
    let server = start();
    let mut lines = server.log.iter();
    assert!(lines.all(|line| !line.contains("lost")), "{:?}", server.log);
    let headers = format!(
        "authorization: Bearer {}\r\nif-none-match: *\r\n",
        token(1, Role::Barista)
    );
    let scone = r#"{ "name": "Scone", "price_cents": 270, "stock": 6 }"#;
    let (status, stored) = server.call("PUT /menu/scone", &headers, scone);
    assert_eq!(status, 201, "{stored}");
    assert!(server.stop().success());

    let server = start();
    let found = server.call("GET /menu/scone", "", "");
    assert_eq!(found, (200, stored));
    assert!(server.stop().success());
}

/// A load balancer must send no requests to it, and `GET /health/live` must still say that the
/// process needs no restart.
#[test]
fn without_its_database_it_is_alive_and_not_ready() {
    let folder = tempdir().unwrap();
    let Some((_database, forwarder, server)) = start_forwarded(folder.path())
    else {
        return;
    };
    assert_eq!(server.call("GET /health/ready", "", "").0, 200);
    forwarder.close();
    // For half a second, the result of the last check counts.
    let start = Instant::now();
    while server.call("GET /health/ready", "", "").0 == 200 {
        assert!(start.elapsed() < Duration::from_secs(30));
    }
    assert_eq!(server.call("GET /health/ready", "", "").0, 500);
    assert_eq!(server.call("GET /health/live", "", "").0, 200);
    assert!(server.stop().success());
}

/// Somebody who changes a table locks it. If that took all processes out of service, no
/// request would get a response anymore, not even those that need other tables.
#[test]
fn while_a_table_is_locked_it_is_ready() {
    let Some(database) = TestDatabase::create() else {
        return;
    };
    let folder = tempdir().unwrap();
    let server = start_on(folder.path(), &database.url());
    database.execute_while("BEGIN; LOCK TABLE items", || {
        assert_eq!(server.call("GET /health/ready", "", "").0, 200);
    });
    assert!(server.stop().success());
}

/// A connection goes silent if the machine at its other end loses its power, or if a firewall
/// has forgotten it. Here, all connections of the pool do so while a query is running.
#[test]
fn connections_that_have_gone_silent_are_replaced() {
    let folder = tempdir().unwrap();
    let Some((database, forwarder, server)) = start_forwarded(folder.path()) else {
        return;
    };
    database.execute_while("BEGIN; LOCK TABLE items", || {
        let clients: Vec<_> = (0..10)
            .map(|_| {
                let mut client = TcpStream::connect(server.address).unwrap();
                let request = b"GET /menu HTTP/1.1\r\nhost: localhost\r\n\r\n";
                client.write_all(request).unwrap();
                client
            })
            .collect();
        wait_for_locks(&database, 10);
        forwarder.freeze_open();
        drop(clients); // They disconnect, so their connections go back into the pool.
    });
    let start = Instant::now();
    while server.call("GET /menu", "", "").0 != 200 {
        assert!(start.elapsed() < Duration::from_secs(60));
    }
    assert!(server.stop().success());
}

/// Docker kills a process ten seconds after SIGTERM. Here, the database would never respond.
#[test]
fn a_query_without_a_response_does_not_keep_it_from_stopping() {
    let folder = tempdir().unwrap();
    let Some((database, forwarder, server)) = start_forwarded(folder.path()) else {
        return;
    };
    let address = server.address;
    database.execute_while("BEGIN; LOCK TABLE items", || {
        let client = thread::spawn(move || call(address, "GET /menu", "", ""));
        wait_for_locks(&database, 1);
        forwarder.freeze();
        assert!(server.stop().success());
        assert!(client.join().unwrap().is_err());
    });
}

/// Starts the service on a new database, with a way to it that the test can block.
fn start_forwarded(folder: &Path) -> Option<(TestDatabase, Forwarder, Server)> {
    let database = TestDatabase::create()?;
    let forwarder = Forwarder::start();
    let server = start_on(folder, &forwarder.url(&database));
    Some((database, forwarder, server))
}

/// Starts the service on this database.
fn start_on(folder: &Path, database: &str) -> Server {
    let mut command = service(folder);
    command.env("DATABASE_URL", database);
    command.env("JWT_SECRET", JWT_SECRET).env("SHOP_URL", URL);
    Server::start(command)
}

#[test]
fn all_wrong_settings_are_reported_at_once_and_no_value_is_repeated() {
    let folder = tempdir().unwrap();
    let dotenv = "JWT_SECRET=too-short\nDATABASE_URL=mysql://ines:horse@db/shop\n";
    fs::write(folder.path().join(".env"), dotenv).unwrap();
    let mut command = service(folder.path());
    command.env("SHOP_ADDRESS", "localhost");
    command.env("SHOP_URL", "shop.example");
    let error = error_of(&mut command);
    let start = "The service can't start: the settings are wrong:\n";
    assert!(error.starts_with(start), "{error}");
    for name in ["SHOP_ADDRESS", "SHOP_URL", "DATABASE_URL", "JWT_SECRET"] {
        assert!(error.contains(&format!("\n  {name} must be ")), "{error}");
    }
    for value in ["too-short", "horse"] {
        assert!(!error.contains(value), "{error}");
    }
}

/// Some editors on Windows write one, and nobody sees it.
#[test]
fn a_byte_order_mark_at_the_start_of_the_settings_is_ignored() {
    let folder = tempdir().unwrap();
    let dotenv = "\u{feff}DATABASE_URL=mysql://db/shop\n";
    fs::write(folder.path().join(".env"), dotenv).unwrap();
    let error = error_of(&mut service(folder.path()));
    assert!(error.contains("\n  DATABASE_URL must be "), "{error}");
}

/// Anybody could "pay" with the card numbers that Stripe publishes for tests.
#[test]
fn with_a_test_key_it_says_that_nobody_pays_real_money() {
    let folder = tempdir().unwrap();
    let mut command = service(folder.path());
    command.env("STRIPE_SECRET_KEY", "sk_test_a");
    command.env("STRIPE_WEBHOOK_SECRET", "whsec_a");
    let server = Server::start(command);
    let warning = " WARN service: STRIPE_SECRET_KEY is a test key";
    let mut lines = server.log.iter();
    assert!(lines.any(|line| line.contains(warning)), "{:?}", server.log);
}

#[test]
fn a_database_that_cannot_be_reached_is_reported_without_its_password() {
    let folder = tempdir().unwrap();
    // A port that was free a moment ago: nothing listens there.
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    drop(socket);
    for (url, expected) in [
        (format!("postgres://ines:horse@{address}/shop"), "refused"),
        ("postgres://ines:horse@localhost:x/shop".into(), "port"),
        ("postgres://ines:hor/se@localhost/shop".into(), "port"),
    ] {
        let mut command = service(folder.path());
        command.env("DATABASE_URL", url);
        command.env("JWT_SECRET", JWT_SECRET);
        let error = error_of(&mut command);
        let start = "The service can't start: can't open the database: ";
        assert!(error.starts_with(start), "{error}");
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("hor"), "{error}");
    }
}

/// The password would follow without encryption.
#[test]
fn a_database_without_tls_gets_no_password_if_tls_is_required() {
    let folder = tempdir().unwrap();
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let database = thread::spawn(move || {
        let (mut stream, _) = socket.accept().unwrap();
        let mut ssl_request = [0; 8];
        stream.read_exact(&mut ssl_request).unwrap();
        assert_eq!(ssl_request, [0, 0, 0, 8, 4, 210, 22, 47]);
        stream.write_all(b"N").unwrap();
        let mut rest = Vec::new();
        // It may end with an error if the service closes the connection at once.
        let _ = stream.read_to_end(&mut rest);
        rest
    });
    let mut command = service(folder.path());
    let url = format!("postgres://ines:horse@{address}/shop?sslmode=verify-full");
    command.env("DATABASE_URL", url);
    command.env("JWT_SECRET", JWT_SECRET);
    let error = error_of(&mut command);
    assert!(error.contains("can't open the database"), "{error}");
    assert!(!error.contains("without TLS support"), "{error}");
    let rest = String::from_utf8_lossy(&database.join().unwrap()).into_owned();
    assert!(!rest.contains("ines"), "{rest}");
}

#[test]
fn an_address_in_use_is_named_before_the_database_is_opened() {
    let folder = tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut command = service(folder.path());
    command.env("SHOP_ADDRESS", &address);
    command.env("DATABASE_URL", "postgres://127.0.0.1:1/nothing");
    command.env("JWT_SECRET", JWT_SECRET);
    let error = error_of(&mut command);
    let expected = format!("can't listen on {address}: ");
    assert!(error.contains(&expected), "{error}");
}

#[test]
fn without_a_database_a_setting_names_the_account_of_the_barista() {
    let folder = tempdir().unwrap();
    let mut command = service(folder.path());
    command.env("SHOP_BARISTA", "Ada@shop.example");
    let server = Server::start(command);
    for (email, role) in [
        ("bo@shop.example", "customer"),
        ("ada@shop.example", "barista"),
    ] {
        let password = "a password for the tests";
        let body = json!({ "email": email, "name": "X", "password": password });
        let response = server.call("POST /customers", "", &body.to_string());
        let account: Value = serde_json::from_str(&response.1).unwrap();
        assert_eq!(account["role"], role);
    }
    assert!(server.stop().success());

    let mut command = service(folder.path());
    command.env("SHOP_BARISTA", "ada@shop.example");
    command.env("DATABASE_URL", "postgres://127.0.0.1:1/nothing");
    let error = error_of(&mut command);
    assert!(error.contains("\n  JWT_SECRET is missing"), "{error}");
    assert!(error.contains("\n  SHOP_BARISTA can't be set with DATABASE_URL"));
}

#[test]
fn without_a_database_make_barista_says_what_to_do_instead() {
    let folder = tempdir().unwrap();
    let error =
        error_of(service(folder.path()).args(["make-barista", "a@b.example"]));
    assert!(error.contains("make-barista needs DATABASE_URL"), "{error}");
    assert!(error.contains("SHOP_BARISTA"), "{error}");

    let error = error_of(service(folder.path()).args(["make-barista", "ada"]));
    assert!(error.contains("must be an email address"), "{error}");
    for arguments in [&["make-barista"][..], &["serve"], &["--help"]] {
        let error = error_of(service(folder.path()).args(arguments));
        assert!(error.starts_with("The arguments are wrong: "), "{error}");
    }
}

#[test]
fn make_barista_gives_an_account_the_role_while_the_service_runs() {
    let Some(database) = TestDatabase::create() else {
        return;
    };
    let folder = tempdir().unwrap();
    let command = || {
        let mut command = service(folder.path());
        command.env("DATABASE_URL", database.url());
        command.env("JWT_SECRET", JWT_SECRET);
        command
    };
    // The command leaves the tables to the service, which hasn't made any yet.
    let error = error_of(command().args(["make-barista", "ada@shop.example"]));
    assert!(error.contains("The service makes the tables"), "{error}");

    let server = Server::start(command());
    let error = error_of(command().args(["make-barista", "ada@shop.example"]));
    let expected = "no account has the address ada@shop.example";
    assert!(error.contains(expected), "{error}");

    let account = r#"{ "email": "ada@shop.example", "name": "Ada",
                       "password": "a password for the tests" }"#;
    assert_eq!(server.call("POST /customers", "", account).0, 201);
    // The command makes no tokens, so it needs no secret for them.
    let done = command()
        .env_remove("JWT_SECRET")
        .args(["make-barista", "Ada@Shop.example"])
        .output();
    assert!(done.unwrap().status.success());

    let sign_in = r#"{ "email": "ada@shop.example",
                       "password": "a password for the tests" }"#;
    let (status, tokens) = server.call("POST /sessions", "", sign_in);
    assert_eq!(status, 200, "{tokens}");
    let tokens: Value = serde_json::from_str(&tokens).unwrap();
    let token = tokens["access_token"].as_str().unwrap();
    let headers = format!("authorization: Bearer {token}\r\n");
    let (_, account) = server.call("GET /me", &headers, "");
    let account: Value = serde_json::from_str(&account).unwrap();
    assert_eq!(account["role"], "barista");
    assert!(server.stop().success());
}

#[test]
fn a_database_that_does_not_exist_is_named_with_what_to_do() {
    let Some(database) = TestDatabase::create() else {
        return;
    };
    let folder = tempdir().unwrap();
    let url = database.url();
    drop(database); // removes it
    let mut command = service(folder.path());
    command
        .env("DATABASE_URL", url)
        .env("JWT_SECRET", JWT_SECRET);
    let error = error_of(&mut command);
    assert!(error.contains("does not exist"), "{error}");
    assert!(error.contains("createdb"), "{error}");
}
