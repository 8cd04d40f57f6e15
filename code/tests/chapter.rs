//! `cargo chapter`, run as a reader runs it.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::Duration;

use code::{CHAPTERS, PROGRAMS};

fn chapter(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chapter"));
    command.args(arguments).stdin(Stdio::null());
    command
}

fn fails(arguments: &[&str]) -> (Option<i32>, String) {
    refused(&mut chapter(arguments)).expect("the program starts")
}

/// How a program ends that must not serve, and why. One that does is ended.
fn refused(command: &mut Command) -> io::Result<(Option<i32>, String)> {
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let stdout = child.stdout.take().expect("stdout is piped");
    let mut says = String::new();
    BufReader::new(stdout).read_line(&mut says)?;
    if !says.is_empty() {
        child.kill()?;
        child.wait()?;
        panic!("it starts: {says}");
    }
    let Output { status, stderr, .. } = child.wait_with_output()?;
    Ok((status.code(), String::from_utf8_lossy(&stderr).into_owned()))
}

/// A server under way, which ends with the test that started it.
struct Running {
    child: Child,
    says: BufReader<ChildStdout>,
    program: String,
    port: u16,
}

impl Running {
    fn start() -> io::Result<Self> {
        chapter_running("requests")
    }

    fn of(command: &mut Command) -> io::Result<Self> {
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let says = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let mut running = Self {
            child,
            says,
            program: String::new(),
            port: 0,
        };
        let line = running.line()?;
        let (program, address) = line
            .trim_end()
            .strip_prefix("Program ")
            .and_then(|rest| rest.split_once(": listening on http://localhost:"))
            .unwrap_or_else(|| panic!("it says where it listens, not {line:?}"));
        running.program = program.to_owned();
        running.port = address.parse().expect("a port is a number");
        Ok(running)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.says.read_line(&mut line)?;
        Ok(line)
    }

    /// Reads what it says up to the line that begins so.
    #[cfg(unix)]
    fn wait_for(&mut self, beginning: &str) -> io::Result<()> {
        loop {
            let line = self.line()?;
            if line.starts_with(beginning) {
                return Ok(());
            }
            assert!(!line.is_empty(), "it ended without saying {beginning:?}");
        }
    }

    #[cfg(unix)]
    fn signal(&self, name: &str) -> io::Result<()> {
        let kill = format!("kill -{name} {}", self.child.id());
        let status = Command::new("sh").args(["-c", &kill]).status()?;
        assert!(status.success(), "{kill} failed");
        Ok(())
    }

    /// What it answers, with its head.
    fn get(&self, path: &str) -> io::Result<String> {
        let mut stream = self.connect()?;
        let head = "host: localhost\r\nconnection: close";
        write!(stream, "GET {path} HTTP/1.1\r\n{head}\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }

    fn connect(&self) -> io::Result<TcpStream> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        // A guard: what never comes fails the test instead of holding it up.
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(stream)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail when it has ended already, which is as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn it_says_where_it_listens() -> io::Result<()> {
    let running = Running::start()?;
    let answer = running.get("/menu")?;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    Ok(())
}

/// All of 127.0.0.0/8 is this machine on Linux: who listens on every address answers on this one.
#[cfg(target_os = "linux")]
#[test]
fn it_listens_on_one_loopback_address() -> io::Result<()> {
    let running = Running::start()?;
    let other = TcpStream::connect((Ipv4Addr::new(127, 0, 0, 2), running.port));
    let refused = other.expect_err("nobody listens on 127.0.0.2");
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    Ok(())
}

#[test]
fn an_unknown_name_gets_the_list_of_names() {
    let (code, says) = fails(&["requets"]);
    assert_eq!(code, Some(2));
    let begins = "There is no chapter or program requets.";
    assert!(says.starts_with(begins), "{says}");
    let chapters: Vec<_> = CHAPTERS.iter().map(|chapter| chapter.name).collect();
    let programs: Vec<_> = PROGRAMS.iter().map(|program| program.name).collect();
    for (kind, names) in [("Chapters", chapters), ("Programs", programs)] {
        let list = format!("{kind}: {}", names.join(", "));
        assert!(says.contains(&list), "{says}");
    }
}

#[test]
fn a_chapter_and_its_program_are_both_names() -> io::Result<()> {
    for chapter in CHAPTERS.iter().filter(|one| one.name != one.program) {
        for name in [chapter.name, chapter.program] {
            let mut running = chapter_running(name)?;
            assert_eq!(running.program, chapter.program, "{name}");
            running.child.kill()?;
        }
    }
    Ok(())
}

fn chapter_running(name: &str) -> io::Result<Running> {
    Running::of(&mut chapter(&[name, "--port", "0"]))
}

#[test]
fn what_it_cannot_read_gets_the_usage() {
    for (arguments, problem) in [
        (&[][..], "Which chapter or program?"),
        (&["requests", "--port"], "--port needs a number after it."),
        (
            &["requests", "--port", "65536"],
            "--port 65536: a port is a number",
        ),
        (&["requests", "--prot", "1"], "There is no option --prot."),
        (&["requests", "requests"], "Name one program only."),
    ] {
        let (code, says) = fails(arguments);
        assert_eq!(code, Some(2), "{arguments:?}");
        assert!(says.starts_with(problem), "{arguments:?}: {says}");
        assert!(
            says.contains("Usage: cargo chapter NAME"),
            "{arguments:?}: {says}"
        );
    }
}

#[test]
fn help_is_no_mistake() -> io::Result<()> {
    let Output { status, stdout, .. } = chapter(&["--help"]).output()?;
    assert!(status.success());
    assert!(String::from_utf8_lossy(&stdout).contains("Usage: cargo chapter NAME"));
    Ok(())
}

#[test]
fn a_busy_port_gets_another_suggested() -> io::Result<()> {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = taken.local_addr()?.port();
    let (code, says) = fails(&["requests", "--port", &port.to_string()]);
    assert_eq!(code, Some(1));
    let begins =
        format!("Port {port} is in use by another program. Choose another: ");
    assert!(says.starts_with(&begins), "{says}");
    assert!(says.contains("cargo chapter requests --port "), "{says}");
    Ok(())
}

#[cfg(unix)]
mod stopping {
    use super::*;

    const ORDER: &[u8] =
        br#"{"customer": "Ada", "item": "flat-white", "quantity": 2}"#;

    /// Begins an order and comes back when the handler waits for its body: the server answers
    /// `100 Continue` when somebody asks for the body, and not before.
    fn order_under_way(running: &Running) -> io::Result<BufReader<TcpStream>> {
        let mut stream = BufReader::new(running.connect()?);
        write!(
            stream.get_mut(),
            "POST /orders HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             content-length: {}\r\nexpect: 100-continue\r\n\r\n",
            ORDER.len()
        )?;
        let mut line = String::new();
        stream.read_line(&mut line)?;
        assert_eq!(line, "HTTP/1.1 100 Continue\r\n");
        stream.read_line(&mut line)?;
        Ok(stream)
    }

    fn finishes_what_is_under_way(signal: &str) -> io::Result<()> {
        let mut running = Running::start()?;
        let mut order = order_under_way(&running)?;

        running.signal(signal)?;
        running.wait_for("Finishing the requests in progress")?;

        order.get_mut().write_all(ORDER)?;
        let mut answer = String::new();
        order.read_to_string(&mut answer)?;
        assert!(answer.starts_with("HTTP/1.1 201 Created\r\n"), "{answer}");
        assert!(running.child.wait()?.success());
        assert!(running.connect().is_err(), "nobody answers any more");
        Ok(())
    }

    #[test]
    fn sigterm_finishes_the_requests_under_way() -> io::Result<()> {
        finishes_what_is_under_way("TERM")
    }

    #[test]
    fn ctrl_c_finishes_the_requests_under_way() -> io::Result<()> {
        finishes_what_is_under_way("INT")
    }

    #[test]
    fn a_second_signal_does_not_wait() -> io::Result<()> {
        let mut running = Running::start()?;
        let _never_sent = order_under_way(&running)?;

        running.signal("TERM")?;
        running.wait_for("Finishing the requests in progress")?;
        running.signal("INT")?;
        assert!(running.child.wait()?.success());
        Ok(())
    }
}
