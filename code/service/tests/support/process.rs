//! The service as it runs: a process with an address of its own.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use service::clock::Clock;
use service::customers::model::{CustomerId, Identity, Role, SessionId};
use service::customers::tokens::{JwtSecrets, Tokens};

use super::{JWT_SECRET, URL, counted_random};

/// A longer wait is a failure. It's long, because the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// A command that starts the service in this folder, on a free port, with no other settings.
pub fn service(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_service"));
    command.current_dir(folder);
    for setting in [
        "SHOP_URL",
        "SHOP_WEBSITE",
        "SHOP_BARISTA",
        "DATABASE_URL",
        "JWT_SECRET",
        "STRIPE_SECRET_KEY",
        "STRIPE_WEBHOOK_SECRET",
        "STRIPE_API",
        "RUST_LOG",
    ] {
        command.env_remove(setting);
    }
    command.env("SHOP_ADDRESS", "127.0.0.1:0");
    command
}

/// Runs a command that must fail, and returns what it wrote to standard error.
pub fn error_of(command: &mut Command) -> String {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    for line in stdout.lines() {
        if line.unwrap().contains("listening on") {
            child.kill().unwrap(); // it runs, although it should not
        }
    }
    let Output { status, stderr, .. } = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(1), "{stderr}");
    stderr
}

/// A service that listens. It's killed when this is dropped.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    /// The lines that it logged until it listened.
    pub log: Vec<String>,
}

impl Server {
    /// Runs this command and waits for the line that has the address.
    pub fn start(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut server = Self {
            child,
            address: SocketAddr::from(([0, 0, 0, 0], 0)),
            log: Vec::new(),
        };
        while server.address.port() == 0 {
            let mut line = String::new();
            stdout.read_line(&mut line).unwrap();
            assert!(!line.is_empty(), "the service ended: {:?}", server.log);
            if let Some((_, rest)) = line.split_once("listening on http://") {
                let address = rest.split_whitespace().next().unwrap();
                server.address = address.parse().unwrap();
            }
            server.log.push(line);
        }
        // The rest of the log would fill the pipe at some time, and then the server would
        // wait for a reader.
        thread::spawn(move || io::copy(&mut stdout, &mut io::sink()));
        server
    }

    /// The id of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends SIGTERM, as Docker and systemd do to stop a process, and waits for its end.
    pub fn stop(mut self) -> ExitStatus {
        // Every shell can send a signal, and std can't.
        let kill = format!("kill -TERM {}", self.child.id());
        let status = Command::new("sh").args(["-c", &kill]).status().unwrap();
        assert!(status.success());
        self.child.wait().unwrap()
    }

    /// Sends a request on a connection of its own, with these lines of headers. Returns the
    /// status and the body.
    pub fn call(&self, request: &str, headers: &str, body: &str) -> (u16, String) {
        call(self.address, request, headers, body).unwrap()
    }

    /// Sends a request that must succeed. Returns the JSON of the response, or `Null` if it has no
    /// body. A body of `Null` is not sent either.
    pub fn ask(&self, request: &str, headers: &str, body: &Value) -> Value {
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let (status, response) = self.call(request, headers, &body);
        assert!(
            (200..300).contains(&status),
            "{request}: {status} {response}"
        );
        match response.as_str() {
            "" => Value::Null,
            json => serde_json::from_str(json).unwrap(),
        }
    }
}

/// Sends a request to the server at this address, as [`Server::call`] does. It fails if the
/// server ends before its response is complete.
pub fn call(
    address: SocketAddr,
    request: &str,
    headers: &str,
    body: &str,
) -> io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let length = body.len();
    write!(
        stream,
        "{request} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\
         {headers}\r\n{body}"
    )?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    let (head, body) = response
        .split_once("\r\n\r\n")
        .ok_or(io::ErrorKind::UnexpectedEof)?;
    let status = head.split(' ').nth(1).unwrap();
    Ok((status.parse().unwrap(), body.to_owned()))
}

/// An access token for the clock of this machine, which the process has.
pub fn token(customer: u64, role: Role) -> String {
    let secret = JwtSecrets::parse(JWT_SECRET).unwrap();
    let clock = Clock::new(Timestamp::now);
    let tokens = Tokens::new(&secret, URL, clock, counted_random()).unwrap();
    let identity = Identity {
        customer: CustomerId::new(customer),
        role,
        session: SessionId::new(1),
    };
    tokens.issue(&identity).unwrap()
}

// ANCHOR: drop
impl Drop for Server {
    fn drop(&mut self) {
        // Ignore errors: if the process has already ended, that's what we wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
// ANCHOR_END: drop
