//! `cargo chapter NAME [--port N]`: serves the program that a chapter shows, so that you can send
//! it requests with curl.

use std::io::{self, Error, ErrorKind, IsTerminal};
use std::net::Ipv4Addr;
use std::process::ExitCode;

use axum::Router;
use code::{CHAPTERS, PROGRAMS, Program};
use tokio::net::TcpListener;

const USAGE: &str = "\
Usage: cargo chapter NAME [--port N]

Serves the program of a chapter on http://localhost:4000, or on another port. NAME is the name
of a chapter or of a program. Port 0 stands for any free port.";

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
    // The log has no time: the program that collects it adds one.
    tracing_subscriber::fmt()
        .without_time()
        // Colors are for a terminal, and not for a file or a pipe.
        .with_ansi(io::stdout().is_terminal())
        .init();
    let Wanted { program, port } = wanted;
    match serve(program, program.served(), port).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", explain(&error, program, port));
            ExitCode::FAILURE
        }
    }
}

/// What the command line asks for.
struct Wanted {
    program: &'static Program,
    port: u16,
}

/// Reads the command line.
fn read(arguments: &[String]) -> Result<Wanted, String> {
    let mut words = arguments.iter();
    let mut name = None;
    let mut port = 4000;
    while let Some(word) = words.next() {
        if word == "--port" {
            let number = words.next().ok_or("--port needs a number after it.")?;
            port = number.parse().map_err(|_| {
                format!("--port {number}: a port is a number from 0 to 65535.")
            })?;
        } else if word.starts_with('-') {
            return Err(format!("There is no option {word}."));
        } else if name.replace(word).is_some() {
            return Err(
                "Name one program only. To run a second one, start it on another port."
                    .into(),
            );
        }
    }
    let name = name.ok_or("Which chapter or program?")?;
    let program = code::program_of(name)
        .or_else(|| code::program(name))
        .ok_or_else(|| format!("There is no chapter or program {name}."))?;
    Ok(Wanted { program, port })
}

fn names() -> String {
    let chapters: Vec<_> = CHAPTERS.iter().map(|chapter| chapter.name).collect();
    let programs: Vec<_> = PROGRAMS.iter().map(|program| program.name).collect();
    format!(
        "Chapters: {}\nPrograms: {}",
        chapters.join(", "),
        programs.join(", ")
    )
}

/// Answers requests until it is asked to stop, then finishes the requests in progress.
///
/// It listens on the loopback address, which no other machine can reach. That's why it has
/// no limit on slow clients or on the number of connections, and `axum::serve` has none
/// either. A server on a network needs both limits, here or in the proxy before it.
async fn serve(program: &Program, app: Router, port: u16) -> Result<(), Error> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let port = listener.local_addr()?.port();
    let signals = Signals::listen()?;
    println!(
        "Program {}: listening on http://localhost:{port}",
        program.name
    );
    println!("Press Ctrl-C to stop.");

    axum::serve(listener, app)
        .with_graceful_shutdown(asked_to_stop(signals))
        .await
}

/// Waits for the first signal. The second one ends the program at once, because a client that
/// never finishes its request would keep the server running.
async fn asked_to_stop(mut signals: Signals) {
    signals.next().await;
    println!(
        "Finishing the requests in progress. Press Ctrl-C again to stop at once."
    );
    tokio::spawn(async move {
        signals.next().await;
        std::process::exit(0);
    });
}

/// The signals that ask a program to stop: Ctrl-C and, on Unix, SIGTERM, which `docker stop` and
/// systemd send.
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

/// The signal that asks a program to stop on Windows: Ctrl-C.
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
fn explain(error: &Error, program: &Program, port: u16) -> String {
    let other = if (1024..u16::MAX).contains(&port) {
        port + 1
    } else {
        4000
    };
    let reason = match error.kind() {
        ErrorKind::AddrInUse => {
            format!("Port {port} is in use by another program.")
        }
        ErrorKind::PermissionDenied => {
            format!("You have no permission to use port {port}.")
        }
        _ => return format!("The server stopped: {error}"),
    };
    format!(
        "{reason} Choose another: cargo chapter {} --port {other}",
        program.name
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_cannot_start_says_why_and_what_to_do() {
        let program = &PROGRAMS[0];
        let says = |kind: ErrorKind, port| explain(&kind.into(), program, port);
        let name = program.name;
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
                "You have no permission to use port 80. Choose another: \
                 cargo chapter {name} --port 4000"
            )
        );
        assert!(says(ErrorKind::AddrInUse, u16::MAX).ends_with("--port 4000"));
        let other = says(ErrorKind::OutOfMemory, 4000);
        assert!(other.starts_with("The server stopped: "), "{other}");
    }
}
