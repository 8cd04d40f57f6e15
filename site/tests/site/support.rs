//! What the tests have in common.

use std::{
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use tempfile::TempDir;

/// A guard: what never comes fails the test instead of holding it up.
const GUARD: Duration = Duration::from_secs(120);

/// The tool, to be started.
pub fn site(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_site"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// A copy of the book, to be edited.
pub fn copy() -> io::Result<TempDir> {
    let root = site::workspace::root();
    let copy = TempDir::with_prefix("book-under-test-")?;
    for part in ["book.toml", "src", "code", "site/theme"] {
        copy_all(&root.join(part), &copy.path().join(part))?;
    }
    Ok(copy)
}

/// A copy with two small chapters in place of the others, which is built in a fraction of the time.
pub fn part() -> io::Result<TempDir> {
    let part = copy()?;
    for (file, text) in [
        ("src/SUMMARY.md", SUMMARY),
        ("src/introduction.md", INTRODUCTION),
        ("src/requests.md", REQUESTS),
        ("code/src/requests.rs", ROUTES),
        ("code/exchanges/requests.http", EXCHANGE),
    ] {
        fs::write(part.path().join(file), text)?;
    }
    Ok(part)
}

const SUMMARY: &str = "# Summary

[Introduction](introduction.md)

- [Requests](requests.md)
";

const INTRODUCTION: &str = "# Introduction

Ines runs a coffee shop.
";

const REQUESTS: &str = "# Handling requests

A handler is a function.

```rust
{{#include ../code/src/requests.rs:routes}}
```

The router calls it.

```http
{{#include ../code/exchanges/requests.http:menu}}
```
";

const ROUTES: &str = "fn app() -> Router {
    // ANCHOR: routes
    Router::new()
        .route(\"/menu\", get(list_menu))
    // ANCHOR_END: routes
}
";

const EXCHANGE: &str = "# ANCHOR: menu
### List the menu
GET /menu HTTP/1.1

HTTP/1.1 200 OK
content-type: application/json

[]
# ANCHOR_END: menu
";

/// Leaves files in a folder as editors and systems do.
pub fn litter(folder: &Path) -> io::Result<()> {
    for name in [
        "requests.md~",
        ".requests.md.swp",
        "4913",
        ".DS_Store",
        "#requests.md#",
    ] {
        fs::write(folder.join(name), "left by an editor")?;
    }
    // Emacs locks a file with a link to nowhere.
    #[cfg(unix)]
    std::os::unix::fs::symlink("ines@shop.1234:1700000000", folder.join(".#requests.md"))?;
    Ok(())
}

fn copy_all(from: &Path, to: &Path) -> io::Result<()> {
    if from.ends_with("generated") || from.ends_with("target") {
        return Ok(());
    }
    if !from.is_dir() {
        return fs::copy(from, to).map(drop);
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let name = entry?.file_name();
        copy_all(&from.join(&name), &to.join(&name))?;
    }
    Ok(())
}

/// The pages that SUMMARY.md names.
pub fn pages(root: &Path) -> io::Result<Vec<String>> {
    let summary = fs::read_to_string(root.join("src/SUMMARY.md"))?;
    let links = summary.split("](").skip(1);
    let files = links.filter_map(|link| link.split_once(".md)"));
    Ok(files.map(|(name, _)| format!("{name}.html")).collect())
}

/// A server under way, which ends with the test that started it.
pub struct Guide {
    pub child: Child,
    pub port: u16,
    /// What it leaves on the disk: one that is killed cannot tidy up.
    pub temporary: TempDir,
    says: mpsc::Receiver<String>,
}

impl Guide {
    /// Serves the book at `root`, on any free port, and waits until it is answered.
    pub fn serve(root: &Path) -> io::Result<Self> {
        let temporary = TempDir::with_prefix("guide-under-test-")?;
        let mut command = site(&["serve", "--port", "0", "--no-console", "--root"]);
        command.arg(root);
        for name in ["TMPDIR", "TEMP", "TMP"] {
            command.env(name, temporary.path());
        }
        let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn()?;
        let (say, says) = mpsc::channel();
        listen(child.stdout.take().expect("stdout is piped"), say.clone());
        listen(child.stderr.take().expect("stderr is piped"), say);
        let mut guide = Self {
            child,
            port: 0,
            temporary,
            says,
        };
        let begin = "The guide is on http://localhost:";
        let line = guide.wait_for(begin);
        guide.port = line[begin.len()..].parse().expect("a port is a number");
        Ok(guide)
    }

    /// Reads what it says, on standard output or standard error, up to a line with that text.
    pub fn wait_for(&self, text: &str) -> String {
        let mut before = String::new();
        loop {
            let Ok(line) = self.says.recv_timeout(GUARD) else {
                panic!("it did not say {text:?}, but:\n{before}");
            };
            if line.contains(text) {
                return line;
            }
            before = before + &line + "\n";
        }
    }

    pub fn get(&self, path: &str) -> io::Result<Answer> {
        self.ask(&format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n"))
    }

    /// Sends a request, of which its last line is still to come.
    pub fn ask(&self, request: &str) -> io::Result<Answer> {
        let mut stream = self.connect()?;
        write!(stream, "{request}connection: close\r\n\r\n")?;
        let mut text = Vec::new();
        stream.read_to_end(&mut text)?;
        let text = String::from_utf8_lossy(&text);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.get(9..12).and_then(|status| status.parse().ok());
        Ok(Answer {
            status: status.unwrap_or_else(|| panic!("{request:?} got {text:?}")),
            head: head.to_ascii_lowercase(),
            body: body.to_owned(),
        })
    }

    /// Asks for a newer build than that of this page. The answer comes when there is one.
    pub fn ask_for_newer(&self, page: &Answer) -> io::Result<BufReader<TcpStream>> {
        let (_, build) = page
            .body
            .split_once("data-build=\"")
            .expect("a page has a build");
        let (build, _) = build.split_once('"').expect("an attribute ends");
        let mut stream = self.connect()?;
        write!(
            stream,
            "GET /_newer/{build} HTTP/1.1\r\nhost: localhost\r\n\r\n"
        )?;
        Ok(BufReader::new(stream))
    }

    pub fn connect(&self) -> io::Result<TcpStream> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_read_timeout(Some(GUARD))?;
        Ok(stream)
    }
}

impl Drop for Guide {
    fn drop(&mut self) {
        // Both fail when it has ended already, which is as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub struct Answer {
    pub status: u16,
    /// The status line and the headers, in lower case.
    pub head: String,
    pub body: String,
}

impl Answer {
    /// The page without the script that the server adds.
    pub fn page(&self) -> &str {
        let (page, _) = self
            .body
            .split_once("<script data-build")
            .expect("a page has a script");
        page
    }
}

fn listen(stream: impl Read + Send + 'static, say: mpsc::Sender<String>) {
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            // Nobody listens any more when the test is over.
            let _ = say.send(line);
        }
    });
}
