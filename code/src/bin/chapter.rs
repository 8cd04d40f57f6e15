//! `cargo chapter NAME [--port N] [--database FILE]`: serves the app of one chapter, to be tried
//! with curl.
//!
//! A program of your own starts its server the same way: make the app, listen, serve, and stop
//! when asked to.

use std::io::{Error, ErrorKind};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use axum::Router;
use code::{CHAPTERS, Chapter};
use tokio::net::TcpListener;

const USAGE: &str = "\
Usage: cargo chapter NAME [--port N] [--database FILE]

Serves the app of one chapter on http://localhost:4000, or on the port that you name.
Port 0 stands for any free one. With a database file, what is ordered is kept in it.";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments
        .iter()
        .any(|word| word == "--help" || word == "-h")
    {
        println!("{USAGE}\n\n{}", names());
        return ExitCode::SUCCESS;
    }
    let wanted = match read(&arguments) {
        Ok(wanted) => wanted,
        Err(problem) => {
            eprintln!("{problem}\n\n{USAGE}\n\n{}", names());
            return ExitCode::from(2);
        }
    };
    // The log: what a client is not told. Whoever collects it knows the time.
    tracing_subscriber::fmt().without_time().init();
    let Wanted { chapter, port, .. } = wanted;
    let app = match wanted.app() {
        Ok(app) => app,
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::FAILURE;
        }
    };
    match serve(chapter, app, port).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", explain(&error, chapter, port));
            ExitCode::FAILURE
        }
    }
}

/// What the command line asks for.
struct Wanted {
    chapter: &'static Chapter,
    port: u16,
    database: Option<PathBuf>,
}

impl Wanted {
    /// The chapter's app as a server has it.
    fn app(&self) -> Result<Router, String> {
        match &self.database {
            None => Ok(self.chapter.served()),
            Some(file) => self.with_books_in(file),
        }
    }

    fn with_books_in(&self, file: &Path) -> Result<Router, String> {
        let open = self.chapter.open().ok_or_else(|| {
            let names: Vec<_> = CHAPTERS
                .iter()
                .filter(|chapter| chapter.open().is_some())
                .map(|chapter| chapter.name)
                .collect();
            format!(
                "The chapter {} keeps nothing in a file. Chapters that do: {}",
                self.chapter.name,
                names.join(", ")
            )
        })?;
        let folder = file.parent().filter(|folder| *folder != Path::new(""));
        if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
            return Err(format!(
                "--database {}: there is no folder {}. Make it first, or name another.",
                file.display(),
                folder.display()
            ));
        }
        open(file).map_err(|error| {
            format!(
                "--database {}: {error}. Name another file, or one that is not there yet.",
                file.display()
            )
        })
    }
}

/// Reads the command line.
fn read(arguments: &[String]) -> Result<Wanted, String> {
    let mut words = arguments.iter();
    let mut name = None;
    let mut port = 4000;
    let mut database = None;
    while let Some(word) = words.next() {
        if word == "--port" {
            let number = words.next().ok_or("--port needs a number after it.")?;
            port = number.parse().map_err(|_| {
                format!("--port {number}: a port is a number from 0 to 65535.")
            })?;
        } else if word == "--database" {
            let file = words.next().ok_or("--database needs a file after it.")?;
            database = Some(PathBuf::from(file));
        } else if word.starts_with('-') {
            return Err(format!("There is no option {word}."));
        } else if name.replace(word).is_some() {
            return Err(
                "One chapter at a time: start a second one on another port.".into(),
            );
        }
    }
    let name = name.ok_or("Which chapter?")?;
    let chapter =
        code::chapter(name).ok_or(format!("No chapter {name} has an app."))?;
    Ok(Wanted {
        chapter,
        port,
        database,
    })
}

fn names() -> String {
    let names: Vec<_> = CHAPTERS.iter().map(|chapter| chapter.name).collect();
    format!("Chapters with an app: {}", names.join(", "))
}

// ANCHOR: serve
/// Answers requests until it is asked to stop; then it finishes those under way.
///
/// It listens on loopback only, where no other machine can reach it. So it sets no limit on
/// how long a client may take or how many may come, and `axum::serve` has none. A server
/// on a network needs both limits, here or in the proxy before it.
async fn serve(chapter: &Chapter, app: Router, port: u16) -> Result<(), Error> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let port = listener.local_addr()?.port();
    let signals = Signals::listen()?;
    println!(
        "The chapter {} answers on http://localhost:{port}",
        chapter.name
    );
    println!("Press Ctrl-C to stop.");

    axum::serve(listener, app)
        .with_graceful_shutdown(asked_to_stop(signals))
        .await
}
// ANCHOR_END: serve

/// Waits for the first signal. The second one ends the program at once: a client that never
/// finishes its request would keep the server for ever.
async fn asked_to_stop(mut signals: Signals) {
    signals.next().await;
    println!(
        "Finishing the requests under way. Press Ctrl-C again to stop at once."
    );
    tokio::spawn(async move {
        signals.next().await;
        std::process::exit(0);
    });
}

/// What asks a program to stop: Ctrl-C and, on Unix, SIGTERM, which `docker stop` and systemd send.
#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> Result<Self, Error> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// What asks a program to stop on Windows: Ctrl-C.
#[cfg(windows)]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    fn listen() -> Result<Self, Error> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn next(&mut self) {
        self.0.recv().await;
    }
}

/// Why the server did not start, and what to do.
fn explain(error: &Error, chapter: &Chapter, port: u16) -> String {
    let other = if (1024..u16::MAX).contains(&port) {
        port + 1
    } else {
        4000
    };
    let reason = match error.kind() {
        ErrorKind::AddrInUse => {
            format!("Port {port} is in use by another program.")
        }
        ErrorKind::PermissionDenied => format!("Port {port} is not yours to use."),
        _ => return format!("The server stopped: {error}"),
    };
    format!(
        "{reason} Choose another: cargo chapter {} --port {other}",
        chapter.name
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_keeps_a_server_from_starting_is_explained_with_a_way_out() {
        let chapter = &CHAPTERS[0];
        let says = |kind: ErrorKind, port| explain(&kind.into(), chapter, port);
        let name = chapter.name;
        assert_eq!(
            says(ErrorKind::AddrInUse, 4000),
            format!(
                "Port 4000 is in use by another program. Choose another: \
                 cargo chapter {name} --port 4001"
            )
        );
        assert_eq!(
            says(ErrorKind::PermissionDenied, 80),
            format!(
                "Port 80 is not yours to use. Choose another: \
                 cargo chapter {name} --port 4000"
            )
        );
        assert!(says(ErrorKind::AddrInUse, u16::MAX).ends_with("--port 4000"));
        let other = says(ErrorKind::OutOfMemory, 4000);
        assert!(other.starts_with("The server stopped: "), "{other}");
    }
}
