//! Runs the commands of a transcript again, and compares what they print.
//!
//! A transcript is what a reader's terminal showed: lines `$ command`, each followed by what it
//! printed. A command that ends in `\` goes on in the next line. A server goes on while the next
//! commands run, until a line `^C`. Commands are run without a shell and without Cargo:
//! `cargo chapter NAME` is the program that Cargo built, on a free port that is shown as the one
//! that the transcript names. A `--database` lies in a folder of the transcript's own, which is
//! gone at its end. `NAME=value` before `cargo run --example` is in the environment of that
//! program.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use site::anchors::Problem;
use tempfile::TempDir;

use crate::artifacts::Build;
use crate::snapshots;

/// How long a command may take to print its next line; for those that never do.
const PATIENCE: Duration = Duration::from_secs(60);

/// The port of `cargo chapter` where the transcript names none.
const PORT: u16 = 4000;

/// What running a transcript came to.
pub enum Outcome {
    /// It printed what is recorded.
    Same,
    /// It did not, or could not be run.
    Differs(Problem),
    /// A program is missing that a newcomer may do without; the reason.
    LeftOut(String),
}

/// Runs a transcript and compares it with its record.
///
/// Cargo builds no examples where some tests are named: what needs one is left out then.
pub fn check(root: &Path, file: &Path, build: &Build, some_are_named: bool) -> Result<Outcome> {
    let text = fs::read_to_string(root.join(file))?.replace("\r\n", "\n");
    let steps = match steps(&text) {
        Ok(steps) => steps,
        Err((line, message)) => return Ok(Outcome::Differs(Problem::new(file, line, message))),
    };
    if steps
        .iter()
        .any(|step| step.words.iter().any(|word| word == "curl"))
        && !has_curl()
    {
        return Ok(Outcome::LeftOut("curl is not installed".to_owned()));
    }
    if cfg!(windows) && steps.iter().any(|step| step.shown == "^C") {
        return Ok(Outcome::LeftOut("Ctrl-C cannot be sent here".to_owned()));
    }
    let examples = steps.iter().filter_map(|step| example(&step.words));
    for name in examples.filter(|_| some_are_named) {
        if let Err(stale) = build.example(root, name) {
            return Ok(Outcome::LeftOut(format!("{stale:#}")));
        }
    }
    let mut terminal = Terminal {
        root,
        build,
        servers: Vec::new(),
        ports: BTreeMap::new(),
        printed: Vec::new(),
        folder: tempfile::tempdir()?,
    };
    for step in &steps {
        if let Err(error) = terminal.run(step) {
            let message = format!("`{}`: {error:#}", step.shown);
            return Ok(Outcome::Differs(Problem::new(file, step.line, message)));
        }
    }
    let made = terminal.text();
    Ok(match snapshots::compare(root, file, &made) {
        None => Outcome::Same,
        Some(mut problem) => {
            if let Some(exercise) = text.split("$ cargo exercise ").nth(1) {
                let name = exercise.split_whitespace().next().unwrap_or_default();
                problem.message += &format!(
                    "\nIf you have solved the exercise, all is well and nothing is to be recorded. \
                     To bring its start back: git restore code/exercises/{name}/exercise.rs"
                );
            }
            Outcome::Differs(problem)
        }
    })
}

/// The name of the program that `cargo run --example` runs.
fn example(words: &[String]) -> Option<&str> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match *words.as_slice() {
        [.., "cargo", "run", "--example", name] => Some(name),
        _ => None,
    }
}

fn has_curl() -> bool {
    Command::new("curl")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// A command of a transcript.
struct Step {
    line: usize,
    /// As the transcript writes it, with `$ ` and all its lines.
    shown: String,
    words: Vec<String>,
}

fn steps(text: &str) -> Result<Vec<Step>, (usize, String)> {
    let mut steps = Vec::new();
    let mut lines = (1..).zip(text.lines()).peekable();
    if let Some((_, first)) = lines.peek()
        && !first.starts_with("$ ")
    {
        return Err((1, "a transcript starts with a line `$ command`".to_owned()));
    }
    while let Some((number, line)) = lines.next() {
        if line == "^C" {
            steps.push(Step {
                line: number,
                shown: line.to_owned(),
                words: Vec::new(),
            });
        }
        let Some(command) = line.strip_prefix("$ ") else {
            continue;
        };
        let (mut shown, mut command) = (line.to_owned(), command.to_owned());
        while command.ends_with('\\') {
            let Some((_, next)) = lines.next() else {
                break;
            };
            shown += "\n";
            shown += next;
            command.pop();
            command += next;
        }
        let words = shlex::split(&command)
            .ok_or_else(|| (number, "this command's quotes do not match".to_owned()))?;
        steps.push(Step {
            line: number,
            shown,
            words,
        });
    }
    Ok(steps)
}

struct Terminal<'a> {
    root: &'a Path,
    build: &'a Build,
    servers: Vec<Server>,
    /// By the port that a server got, the one that the transcript shows.
    ports: BTreeMap<u16, u16>,
    printed: Vec<String>,
    /// Where the files are that the commands make. It goes after the servers.
    folder: TempDir,
}

/// A program that goes on while the next commands run.
struct Server {
    child: Child,
    lines: Receiver<String>,
    shown_port: u16,
    real_port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Terminal<'_> {
    fn run(&mut self, step: &Step) -> Result<()> {
        self.printed.push(step.shown.clone());
        if step.shown == "^C" {
            return self.interrupt();
        }
        let words: Vec<&str> = step.words.iter().map(String::as_str).collect();
        let set = words.iter().map_while(|word| word.split_once('='));
        let set: Vec<(&str, &str)> = set.collect();
        match words[set.len()..] {
            ["cargo", "run", "--example", name] => {
                let program = self.build.example(self.root, name)?;
                self.finish(self.command(&program).envs(set))
            }
            _ if !set.is_empty() => bail!(
                "only `cargo run --example` takes settings before it. Teach this command to, in \
                 site/proofs/src/transcripts.rs"
            ),
            ["cargo", "chapter", ref arguments @ ..] => self.serve(arguments),
            ["cargo", "exercise", ref arguments @ ..] => {
                let program = self.build.program(self.root, "exercise")?;
                self.finish(self.command(&program).args(arguments))
            }
            ["curl", ref arguments @ ..] => self.curl(arguments),
            _ => bail!(
                "a transcript runs `cargo chapter`, `cargo exercise`, `cargo run --example` and \
                 `curl`, and no other command. Teach it this one in site/proofs/src/transcripts.rs"
            ),
        }
    }

    fn serve(&mut self, arguments: &[&str]) -> Result<()> {
        let mut arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        let named = arguments.iter().position(|word| word == "--port");
        let shown_port = match named {
            Some(at) => arguments.get(at + 1).and_then(|port| port.parse().ok()),
            None => Some(PORT),
        };
        if let Some(shown_port) = shown_port {
            let real = self.real_port(shown_port).unwrap_or(0).to_string();
            match named {
                Some(at) => arguments[at + 1] = real,
                None => arguments.extend(["--port".to_owned(), real]),
            }
        }
        if let Some(at) = arguments.iter().position(|word| word == "--database")
            && let Some(file) = arguments.get_mut(at + 1)
        {
            *file = self.folder.path().join(&*file).display().to_string();
        }
        let program = self.build.program(self.root, "chapter")?;
        let mut child = self
            .command(&program)
            .args(&arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().context("the program's output")?;
        let lines = lines_of(stdout);
        let mut real_port = None;
        while let Ok(line) = lines.recv_timeout(PATIENCE) {
            real_port = real_port.or_else(|| port_in(&line));
            let started = line.contains("Ctrl-C");
            self.printed.push(line);
            if started {
                break;
            }
        }
        let (Some(shown_port), Some(real_port)) = (shown_port, real_port) else {
            // It does not serve: what it has to say stands in its errors.
            let mut errors = String::new();
            if let Some(mut stderr) = child.stderr.take() {
                stderr.read_to_string(&mut errors)?;
            }
            child.wait()?;
            self.printed.extend(errors.lines().map(str::to_owned));
            return Ok(());
        };
        self.ports.insert(real_port, shown_port);
        self.servers.push(Server {
            child,
            lines,
            shown_port,
            real_port,
        });
        Ok(())
    }

    /// Ctrl-C reaches the server that was started last.
    fn interrupt(&mut self) -> Result<()> {
        let mut server = self.servers.pop().context("no server runs here")?;
        let sent = Command::new("sh")
            .args(["-c", &format!("kill -INT {}", server.child.id())])
            .status()?;
        if !sent.success() {
            bail!("the server cannot be interrupted");
        }
        while let Ok(line) = server.lines.recv_timeout(PATIENCE) {
            self.printed.push(line);
        }
        let status = server.child.wait()?;
        if !status.success() {
            bail!("the server ended with {status}");
        }
        Ok(())
    }

    fn curl(&mut self, arguments: &[&str]) -> Result<()> {
        let arguments: Vec<OsString> = arguments
            .iter()
            .map(|argument| Ok(self.with_real_ports(argument)?.into()))
            .collect::<Result<_>>()?;
        // A reader's own settings, a proxy and the meter of a terminal that is none stay out.
        let mut curl = self.command(Path::new("curl"));
        curl.args(["-q", "--silent", "--show-error", "--noproxy", "*"])
            .args(arguments);
        self.finish(&mut curl)
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.root).stdin(Stdio::null());
        command
    }

    fn finish(&mut self, command: &mut Command) -> Result<()> {
        let output = command.output()?;
        for bytes in [output.stdout, output.stderr] {
            let text = String::from_utf8_lossy(&bytes).replace("\r\n", "\n");
            self.printed.extend(text.lines().map(str::to_owned));
        }
        Ok(())
    }

    fn real_port(&self, shown: u16) -> Option<u16> {
        self.servers
            .iter()
            .find(|server| server.shown_port == shown)
            .map(|server| server.real_port)
    }

    /// An argument of curl with the ports that servers really got, also those that have stopped:
    /// what else listens on this machine is none of a transcript's business. Those that run come
    /// first: a server may have been stopped and started again.
    fn with_real_ports(&self, argument: &str) -> Result<String> {
        let running = self
            .servers
            .iter()
            .map(|server| (server.real_port, server.shown_port));
        let stopped = self.ports.iter().map(|(real, shown)| (*real, *shown));
        let found = running
            .chain(stopped)
            .fold(argument.to_owned(), |text, (real, shown)| {
                text.replace(&format!(":{shown}"), &format!(":{real}"))
            });
        if found == argument && argument.contains("localhost") {
            bail!("nothing above this command listens there. Start a chapter first");
        }
        Ok(found)
    }

    /// All that was printed, without what differs from run to run.
    fn text(&self) -> String {
        let folder = self.folder.path().join("").display().to_string();
        self.printed
            .iter()
            .map(|line| {
                let line = undated(&line.replace(&folder, ""));
                let line = self.ports.iter().fold(line, |line, (real, shown)| {
                    // A busy port's message suggests the next one.
                    let line = with_number(&line, *real, *shown);
                    with_number(&line, real.wrapping_add(1), shown.wrapping_add(1))
                });
                let dated = line
                    .get(..6)
                    .is_some_and(|name| name.eq_ignore_ascii_case("date: "));
                if dated {
                    "date: …\n".to_owned()
                } else {
                    line + "\n"
                }
            })
            .collect()
    }
}

/// A line without the time of an order: with a database, the clock is the machine's.
fn undated(line: &str) -> String {
    const MEMBER: &str = r#""placed_at":""#;
    let parts = line.split_once(MEMBER).and_then(|(before, rest)| {
        let (_, after) = rest.split_once('"')?;
        Some((before, after))
    });
    match parts {
        Some((before, after)) => format!("{before}{MEMBER}…\"{after}"),
        None => line.to_owned(),
    }
}

/// A line with one number in the place of another, where that is not a part of a longer one.
fn with_number(line: &str, number: u16, other: u16) -> String {
    let number = number.to_string();
    let mut made = String::new();
    let mut rest = line;
    while let Some(at) = rest.find(&number) {
        let (before, after) = (&rest[..at], &rest[at + number.len()..]);
        let part = before.ends_with(|c: char| c.is_ascii_digit())
            || after.starts_with(|c: char| c.is_ascii_digit());
        made += before;
        made += &if part {
            number.clone()
        } else {
            other.to_string()
        };
        rest = after;
    }
    made + rest
}

/// What a program prints, line by line.
fn lines_of(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (send, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                break;
            }
        }
    });
    lines
}

/// The port of an address in a line.
fn port_in(line: &str) -> Option<u16> {
    let (_, rest) = line.split_once("://localhost:")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_may_take_several_lines() {
        let text = "$ curl -i \\\n    'localhost:4000/a b'\nHTTP/1.1 200 OK\n^C\n";
        let steps = steps(text).map_err(|(_, message)| message);
        let steps = steps.expect("this is a transcript");
        assert_eq!(steps[0].words, ["curl", "-i", "localhost:4000/a b"]);
        assert_eq!(steps[0].shown, "$ curl -i \\\n    'localhost:4000/a b'");
        assert_eq!((steps[1].line, steps[1].shown.as_str()), (4, "^C"));
    }

    #[test]
    fn the_time_of_an_order_goes() {
        let line = r#"{"id":1,"placed_at":"2026-03-02T08:15:00Z","table":4}"#;
        assert_eq!(undated(line), r#"{"id":1,"placed_at":"…","table":4}"#);
        assert_eq!(undated("GET /menu"), "GET /menu");
    }

    #[test]
    fn only_whole_numbers_are_ports() {
        assert_eq!(with_number(":4321 43210 4321", 4321, 40), ":40 43210 40");
    }
}
