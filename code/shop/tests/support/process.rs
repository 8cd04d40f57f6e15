//! The shop as it runs: a process with an address of its own.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

/// A longer wait is a failure. It's long, because the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// A command that starts the shop in this folder, on a port that is free.
pub fn shop(folder: &Path) -> Command {
    configure(Command::new(env!("CARGO_BIN_EXE_shop")), folder)
}

/// Gives a command the settings of a shop in this folder, and no others.
pub fn configure(mut command: Command, folder: &Path) -> Command {
    command.current_dir(folder);
    for setting in [
        "SHOP_STAFF_TOKEN",
        "SHOP_ALLOWED_ORIGINS",
        "SHOP_DATABASE",
        "RUST_LOG",
    ] {
        command.env_remove(setting);
    }
    command.env("SHOP_ADDRESS", "127.0.0.1:0");
    command
}

/// A shop that listens. It's killed when this is dropped.
pub struct Server {
    pub child: Child,
    pub address: SocketAddr,
    /// The lines that it logged until it listened.
    pub log: Vec<String>,
    /// The rest of its log, if nobody reads it.
    pub stdout: Option<BufReader<ChildStdout>>,
}

impl Server {
    /// Starts the shop with its database `shop.db` in this folder.
    pub fn start(folder: &Path) -> Self {
        let mut server = Self::start_with(shop(folder));
        // Its log would fill the pipe at some time, and then the server would wait.
        let mut log = server.stdout.take().unwrap();
        thread::spawn(move || io::copy(&mut log, &mut io::sink()));
        server
    }

    /// Runs this command and waits for the line that has the address.
    pub fn start_with(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdout = child.stdout.take().map(BufReader::new);
        let address = SocketAddr::from(([0, 0, 0, 0], 0));
        let mut server = Self {
            child,
            address,
            log: Vec::new(),
            stdout,
        };
        while server.address.port() == 0 {
            let mut line = String::new();
            server
                .stdout
                .as_mut()
                .unwrap()
                .read_line(&mut line)
                .unwrap();
            assert!(!line.is_empty(), "the shop ended: {:?}", server.log);
            if let Some((_, rest)) = line.split_once("listening on http://") {
                let address = rest.split_whitespace().next().unwrap();
                server.address = address.parse().unwrap();
            }
            server.log.push(line);
        }
        server
    }

    /// Sends SIGTERM, as Docker and systemd do to stop a process.
    pub fn terminate(&self) {
        send_sigterm(self.child.id());
    }

    /// Waits until the process has ended.
    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Sends SIGKILL: the process isn't asked and can't tidy up.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        assert_eq!(self.wait().signal(), Some(9));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already, unless the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn send_sigterm(pid: u32) {
    send_signal("TERM", pid);
}

/// Sends a signal to a process. Every shell can do that, and std can't.
pub fn send_signal(name: &str, pid: u32) {
    let kill = format!("kill -{name} {pid}");
    let status = Command::new("sh").args(["-c", &kill]).status().unwrap();
    assert!(status.success());
}

/// Connects to a server, with a limit on every wait.
pub fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Sends a request on a connection of its own. Returns the status, the head and the
/// body, or an error if the response isn't whole.
pub fn call(
    address: SocketAddr,
    method: &str,
    path: &str,
    body: &str,
) -> io::Result<(u16, String, String)> {
    let mut stream = connect(address)?;
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    let broken = || io::Error::other(format!("not a whole response: {response:?}"));
    let (head, body) = response.split_once("\r\n\r\n").ok_or_else(broken)?;
    let announced = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let announced = announced.and_then(|length| length.parse::<usize>().ok());
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    match (status, announced) {
        (Some(status), Some(length)) if body.len() == length => {
            Ok((status, head.to_owned(), body.to_owned()))
        }
        _ => Err(broken()),
    }
}

/// Orders one of this item. Returns the order, if it was placed.
pub fn order(address: SocketAddr, item: &str) -> io::Result<Option<Value>> {
    let body = json!({ "customer": "Ada", "item": item, "quantity": 1 });
    let (status, _, body) = call(address, "POST", "/orders", &body.to_string())?;
    let order = serde_json::from_str(&body)?;
    Ok((status == 201).then_some(order))
}

/// The files in a folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let files = folder.read_dir().unwrap();
    let mut files: Vec<_> =
        files.map(|file| file.unwrap().file_name().into()).collect();
    files.sort();
    files
}
