//! A terminal: runs the commands of a transcript, and keeps the lines that they print.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use site::chapters::anchors::Problem;
use site::workspace::slashes;
use tempfile::TempDir;

use super::redact::{undated, unlogged, unnumbered, with_number, without_versions};
use super::steps::{Project, Step};
use crate::artifacts::Build;
use crate::snapshots;

/// How long a command may take to print its next line.
const PATIENCE: Duration = Duration::from_secs(60);

/// The port of a program where the transcript names none.
const PORT: u16 = 4000;

/// How long a request in the background has to reach its server.
const HEAD_START: Duration = Duration::from_secs(1);

/// The setting that tells the shop where to listen.
const ADDRESS: &str = "SHOP_ADDRESS";

/// How the names of the settings begin that the programs read. A transcript runs without those of
/// this machine.
const SETTINGS: [&str; 6] = [
    "SHOP_",
    "STRIPE_",
    "DATABASE_URL",
    "JWT_SECRET",
    "RUST_LOG",
    "RUST_BACKTRACE",
];

/// Another program has the port that a program binds without asking for its settings.
#[derive(Debug)]
pub(super) struct Busy(pub(super) u16);

impl std::fmt::Display for Busy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "port {} is busy", self.0)
    }
}

impl std::error::Error for Busy {}

pub(super) struct Terminal<'a> {
    root: &'a Path,
    /// The transcript, from the root.
    file: &'a Path,
    build: &'a Build,
    /// The package that stands for the reader's project, and its name.
    project: Option<(Project<'a>, &'a str)>,
    /// The folder of the project that `cargo new` has made.
    made: Option<PathBuf>,
    servers: Vec<Server>,
    /// Requests in the background.
    waiting: Vec<Child>,
    /// Open while a program of this transcript binds a fixed port: one transcript at a time.
    fixed: Option<File>,
    /// The ports that servers got, each with the one that the transcript shows.
    ports: BTreeMap<u16, u16>,
    /// The port that the project's program will get, if a program that calls it was started before.
    promised: Option<u16>,
    /// The variables of the shell, such as `$token`.
    variables: Vec<(String, String)>,
    printed: Vec<String>,
    /// The folder for the files of the commands. It is removed after the servers have stopped.
    folder: TempDir,
}

/// A program that keeps running while the next commands run.
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

impl<'a> Terminal<'a> {
    /// A terminal in an empty folder, or in one with the example of the project's settings.
    pub(super) fn new(
        root: &'a Path,
        file: &'a Path,
        build: &'a Build,
        project: Option<(Project<'a>, &'a str)>,
    ) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        if let Some((project, _)) = project {
            let settings = root.join(project.folder).join(".env.example");
            if settings.is_file() {
                fs::copy(settings, folder.path().join(".env.example"))?;
            }
        }
        Ok(Self {
            root,
            file,
            build,
            project,
            made: None,
            servers: Vec::new(),
            waiting: Vec::new(),
            fixed: None,
            ports: BTreeMap::new(),
            promised: None,
            variables: Vec::new(),
            printed: Vec::new(),
            folder,
        })
    }

    /// Runs one command, or interrupts a server.
    pub(super) fn run(&mut self, step: &Step) -> Result<()> {
        self.printed.push(step.shown.clone());
        if step.shown == "^C" {
            return self.interrupt();
        }
        if step.words.is_empty() {
            return Ok(());
        }
        let words: Vec<String> = step.words.iter().map(|word| self.expanded(word)).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        if let [first, arguments @ .., "|", "jq", "-r", field] = words.as_slice()
            && let Some((name, "curl")) = first.split_once("=$(")
            && let Some(field) = field.strip_suffix(')')
        {
            return self.keep(name, arguments, field);
        }
        let set = words.iter().map_while(|word| word.split_once('='));
        let set: Vec<(&str, &str)> = set.collect();
        if let Some(project) = self.project {
            match words[set.len()..] {
                ["cargo", "run"] => return self.run_project(project, project.0.main, &set),
                ["cargo", "run", "--example", name] => {
                    return self.run_project(project, Some(name), &set);
                }
                // The project is taken home: the test `copies` does it for real.
                ["cp", "-r", folder, _] if folder == project.0.folder => return Ok(()),
                ["cd", _] => return Ok(()),
                ["cp", from, to] => {
                    let folder = self.folder.path();
                    fs::copy(folder.join(from), folder.join(to))?;
                    return Ok(());
                }
                _ => {}
            }
        }
        match words[set.len()..] {
            ["cargo", "run", "--example", name] => {
                let program = self.build.example(self.root, name)?;
                self.finish(self.command(&program).envs(set))
            }
            _ if !set.is_empty() => bail!(
                "only `cargo run` takes settings before it. Teach this command to, in \
                 site/proofs/src/transcripts/terminal.rs"
            ),
            ["cargo", "new", name] => {
                let mut cargo = self.cargo(self.folder.path());
                self.finish(cargo.args(["new", name]))
            }
            ["cd", folder] => {
                self.made = Some(self.folder.path().join(folder));
                Ok(())
            }
            ["cargo", "add", ref arguments @ ..] => self.add(arguments),
            ["cargo", "run"] if self.made.is_some() => {
                let mut cargo = self.cargo(self.made()?);
                self.finish(cargo.args(["run", "--quiet", "--offline"]))
            }
            ["cargo", "run"] => bail!(
                "no project is named. Let the first line of the transcript name its folder: \
                 `# in code/shop`"
            ),
            ["cargo", "chapter", ref arguments @ ..] => self.serve(arguments),
            ["cargo", "exercise", ref arguments @ ..] => {
                let program = self.build.program(self.root, "exercise")?;
                self.finish(self.command(&program).args(arguments))
            }
            ["curl", ref arguments @ .., "&"] => {
                let mut curl = self.curl(arguments)?;
                let curl = curl.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
                self.waiting.push(curl);
                thread::sleep(HEAD_START);
                Ok(())
            }
            ["curl", ref arguments @ ..] => {
                let mut curl = self.curl(arguments)?;
                self.finish(&mut curl)
            }
            _ => bail!(
                "a transcript runs `cargo chapter`, `cargo exercise`, `cargo run`, `curl`, and \
                 `cargo new` with what follows it, and no other command. Teach it this one in \
                 site/proofs/src/transcripts/terminal.rs"
            ),
        }
    }

    /// A word with the values of the shell's variables.
    fn expanded(&self, word: &str) -> String {
        self.variables
            .iter()
            .fold(word.to_owned(), |word, (name, value)| {
                word.replace(&format!("${name}"), value)
            })
    }

    /// Runs `NAME=$(curl ARGUMENTS | jq -r .FIELD)`: keeps a field of the response's JSON as a variable.
    fn keep(&mut self, name: &str, arguments: &[&str], field: &str) -> Result<()> {
        let output = self.curl(arguments)?.output()?;
        let body: Value = serde_json::from_slice(&output.stdout)
            .with_context(|| format!("no JSON for {name}"))?;
        let value = body[field.trim_start_matches('.')]
            .as_str()
            .with_context(|| format!("{field} is no text in {body}"))?;
        self.variables.push((name.to_owned(), value.to_owned()));
        Ok(())
    }

    /// Cargo itself, in a folder outside of this workspace.
    fn cargo(&self, folder: &Path) -> Command {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo
            .current_dir(folder)
            .env("CARGO_TERM_COLOR", "never")
            .env_remove("CARGO_TARGET_DIR");
        cargo
    }

    fn made(&self) -> Result<&Path> {
        self.made.as_deref().context("no project was made here")
    }

    /// Adds dependencies that this machine has already: the tests use no network.
    fn add(&self, arguments: &[&str]) -> Result<()> {
        let mut cargo = self.cargo(self.made()?);
        cargo.args(["add", "--offline", "--quiet"]).args(arguments);
        let output = cargo.output()?;
        if !output.status.success() {
            bail!("{}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(())
    }

    /// How the manifest that `cargo new` and `cargo add` have made differs from that of the package
    /// in `code`; apart from versions, which may be newer or older here.
    pub(super) fn not_as_in_code(&self) -> Result<Option<Problem>> {
        let Some(made) = &self.made else {
            return Ok(None);
        };
        let name = made.file_name().context("a project has a name")?;
        let shown = Path::new("code").join(name).join("Cargo.toml");
        let made = without_versions(&fs::read_to_string(made.join("Cargo.toml"))?);
        let recorded = without_versions(&fs::read_to_string(self.root.join(&shown))?);
        Ok((made != recorded).then(|| {
            let message = format!(
                "the commands of {} make another manifest. Change one of them\n{}",
                slashes(self.file),
                snapshots::diff(&recorded, &made)
            );
            let line = snapshots::first_difference(&recorded, &made);
            Problem::new(shown, line, message)
        }))
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
            // It does not serve, and its errors say why.
            let mut errors = String::new();
            if let Some(mut stderr) = child.stderr.take() {
                stderr.read_to_string(&mut errors)?;
            }
            child.wait()?;
            self.printed.extend(errors.lines().map(str::to_owned));
            return Ok(());
        };
        self.serves(child, lines, shown_port, real_port);
        Ok(())
    }

    /// Runs a program of a reader's project in the transcript's folder, until it ends or serves.
    fn run_project(
        &mut self,
        (Project { folder, main }, package): (Project<'_>, &str),
        example: Option<&str>,
        set: &[(&str, &str)],
    ) -> Result<()> {
        let program = self.build.project(self.root, package, example)?;
        let source = match example {
            Some(name) => format!("{folder}/examples/{name}.rs"),
            None => format!("{folder}/src/main.rs"),
        };
        let fixed = bound_port(&fs::read_to_string(self.root.join(source))?);
        let address = set.iter().find(|(name, _)| *name == ADDRESS);
        let shown_port = match address {
            _ if fixed.is_some() => fixed,
            Some((_, address)) => address
                .rsplit(':')
                .next()
                .and_then(|port| port.parse().ok()),
            None => Some(PORT),
        };
        let taken = shown_port.and_then(|shown| self.real_port(shown));
        if let Some(port) = fixed
            && self.fixed.is_none()
        {
            self.fixed = Some(free(port)?);
        }
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            let has_prefix =
                |prefix: &&str| name.to_str().is_some_and(|name| name.starts_with(prefix));
            if SETTINGS.iter().any(has_prefix) {
                command.env_remove(name);
            }
        }
        command.envs(set.iter().copied());
        let calls_the_project = fixed.is_some() && example.is_some() && example != main;
        if calls_the_project {
            // It is told where the project's program will listen, which starts after it.
            self.promised = Some(
                TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
                    .local_addr()?
                    .port(),
            );
        }
        if (fixed.is_none() || calls_the_project) && shown_port.is_some() {
            let port = taken.or(self.promised).unwrap_or(0);
            command.env(ADDRESS, format!("127.0.0.1:{port}"));
        }
        let mut child = command
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let lines = lines_of_both(&mut child)?;
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            match lines.recv_timeout(Duration::from_millis(20)) {
                Ok(line) => {
                    let real_port = port_in(&line);
                    self.printed.push(line);
                    if let (Some(real_port), Some(shown_port)) = (real_port, shown_port) {
                        self.serves(child, lines, shown_port, real_port);
                        return Ok(());
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    child.wait()?;
                    return Ok(());
                }
            }
            if let Some(port) = fixed
                && !calls_the_project // it prints its address
                && taken.is_none()
                && TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
            {
                self.serves(child, lines, port, port);
                return Ok(());
            }
        }
        child.kill()?;
        bail!("this program neither ends nor says `http://127.0.0.1:PORT`")
    }

    fn serves(&mut self, child: Child, lines: Receiver<String>, shown_port: u16, real_port: u16) {
        self.ports.insert(real_port, shown_port);
        self.servers.push(Server {
            child,
            lines,
            shown_port,
            real_port,
        });
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
        loop {
            match server.lines.recv_timeout(PATIENCE) {
                Ok(line) => self.printed.push(line),
                Err(RecvTimeoutError::Disconnected) => break,
                // A script that starts the tests with `&` lets them, and all that they start, ignore
                // Ctrl-C. A program without a handler for it then goes on.
                Err(RecvTimeoutError::Timeout) => {
                    server.child.kill()?;
                    bail!(
                        "the server still runs {} s after Ctrl-C. Run `cargo test` in the foreground: \
                         a shell lets what it starts with `&` ignore Ctrl-C",
                        PATIENCE.as_secs()
                    );
                }
            }
        }
        let status = server.child.wait()?;
        // Without a code, the program has no handler for the signal, and the signal ended it.
        if status.code().is_some_and(|code| code != 0) {
            bail!("the server ended with {status}");
        }
        for curl in std::mem::take(&mut self.waiting) {
            self.print(curl.wait_with_output()?);
        }
        Ok(())
    }

    fn curl(&self, arguments: &[&str]) -> Result<Command> {
        let arguments: Vec<OsString> = arguments
            .iter()
            .map(|argument| Ok(self.with_real_ports(argument)?.into()))
            .collect::<Result<_>>()?;
        // Without the settings, the proxy and the progress meter of this machine.
        let mut curl = self.command(Path::new("curl"));
        curl.args(["-q", "--silent", "--show-error", "--noproxy", "*"])
            .args(arguments);
        Ok(curl)
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.root).stdin(Stdio::null());
        command
    }

    fn finish(&mut self, command: &mut Command) -> Result<()> {
        self.print(command.output()?);
        Ok(())
    }

    fn print(&mut self, output: Output) {
        for bytes in [output.stdout, output.stderr] {
            let text = String::from_utf8_lossy(&bytes).replace("\r\n", "\n");
            self.printed.extend(text.lines().map(str::to_owned));
        }
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
        let stopped = |shown| {
            let mut ports = self.ports.iter();
            ports
                .find(|(_, other)| **other == shown)
                .map(|(real, _)| *real)
        };
        let found = with_ports(argument, |shown| {
            self.real_port(shown).or_else(|| stopped(shown))
        });
        let local = argument.contains("localhost") || argument.contains("127.0.0.1");
        let known = |port: &u16| argument.contains(&format!(":{port}"));
        if local && !self.ports.values().any(known) {
            bail!("nothing above this command listens there. Start a program first");
        }
        Ok(found)
    }

    /// All printed lines, without the parts that differ from run to run.
    pub(super) fn text(&self) -> String {
        let folder = self.folder.path().join("").display().to_string();
        self.printed
            .iter()
            .map(|line| {
                let line = undated(&unlogged(&line.replace(&folder, "…/")));
                let line = unnumbered(&line);
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

/// The lines that a program prints.
fn lines_of(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (send, lines) = mpsc::channel();
    forward(pipe, send);
    lines
}

/// Sends the lines of a pipe until it is closed.
fn forward(pipe: impl Read + Send + 'static, send: Sender<String>) {
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                break;
            }
        }
    });
}

/// The lines of both pipes of a program.
fn lines_of_both(child: &mut Child) -> Result<Receiver<String>> {
    let stdout = child.stdout.take().context("the program's output")?;
    let stderr = child.stderr.take().context("the program's errors")?;
    let (send, lines) = mpsc::channel();
    forward(stdout, send.clone());
    forward(stderr, send);
    Ok(lines)
}

/// Waits until a port is free, and keeps other transcripts from it while the file is open: also
/// those of another clone, whose tests run at the same time.
fn free(port: u16) -> Result<File> {
    let file = env::temp_dir().join(format!("rust-backend-basics-{port}.lock"));
    let alone = File::create(file).map_err(|_| Busy(port))?;
    alone.lock()?;
    for _ in 0..50 {
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(alone);
        }
        thread::sleep(Duration::from_millis(100));
    }
    Err(Busy(port).into())
}

/// The port that a program binds without asking for its settings.
fn bound_port(source: &str) -> Option<u16> {
    let (_, rest) = source.split_once("bind(\"127.0.0.1:")?;
    rest.split_once('"')?.0.parse().ok()
}

/// A text with other ports, where there are others. Each one is replaced once: a real port may begin with
/// the digits of a shown one.
fn with_ports(text: &str, other: impl Fn(u16) -> Option<u16>) -> String {
    let mut parts = text.split(':');
    let mut made = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit());
        let port = &part[..part.len() - rest.len()];
        let replaced = port.parse().ok().and_then(&other);
        made += ":";
        made += &replaced.map_or_else(|| port.to_owned(), |real| real.to_string());
        made += rest;
    }
    made
}

/// The port of an address in a line.
fn port_in(line: &str) -> Option<u16> {
    let (_, rest) = line
        .split_once("://localhost:")
        .or_else(|| line.split_once("://127.0.0.1:"))?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_may_bind_a_port_of_its_own_choice() {
        assert_eq!(bound_port(r#"bind("127.0.0.1:4000").await"#), Some(4000));
        assert_eq!(bound_port("bind(settings.address)"), None);
    }

    #[test]
    fn a_real_port_may_begin_with_the_digits_of_a_shown_one() {
        let other = |shown| (shown == 4000).then_some(40007);
        let text = "http://localhost:4000/menu localhost:40001 \"cents\":400";
        let made = "http://localhost:40007/menu localhost:40001 \"cents\":400";
        assert_eq!(with_ports(text, other), made);
    }
}
