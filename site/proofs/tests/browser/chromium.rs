//! A Chromium without a window, driven over its DevTools protocol.
//!
//! The commands that these tests need are a handful, sent as JSON. The crates that wrap all of the
//! protocol take two CPU-minutes to compile in every `cargo test`, and refuse the messages of a newer
//! Chromium than they were made for.

use std::{
    collections::VecDeque,
    env,
    io::{BufRead, BufReader, ErrorKind, Read},
    net::TcpStream,
    path::PathBuf,
    process::{Child, ChildStderr, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use tungstenite::{Message, WebSocket};

/// How long Chromium may be silent before a test gives up. Only a hung test waits for it.
const PATIENCE: Duration = Duration::from_secs(180);

/// The event that says that a page and everything that it names is loaded.
const LOADED: &str = "Page.loadEventFired";

/// A running Chromium. It ends when this is dropped.
pub struct Chromium {
    process: Child,
    socket: WebSocket<TcpStream>,
    last_id: u64,
    events: VecDeque<Value>,
    _profile: TempDir,
}

impl Chromium {
    /// Starts the Chromium that the environment variable CHROMIUM names, or the first one found.
    pub fn start() -> Result<Self> {
        let program = program()?;
        let profile = tempfile::Builder::new().prefix("browser-").tempdir()?;
        let mut process = Command::new(&program)
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--remote-debugging-port=0",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let stderr = process.stderr.take().context("stderr is piped")?;
        let socket = connect(stderr);
        if socket.is_err() {
            // The first error says why it cannot be reached.
            process.kill().ok();
            process.wait().ok();
        }
        Ok(Self {
            socket: socket?,
            process,
            last_id: 0,
            events: VecDeque::new(),
            _profile: profile,
        })
    }

    /// Opens an empty page that shares nothing with the others.
    pub fn page(&mut self) -> Result<Page<'_>> {
        let context =
            self.send("", "Target.createBrowserContext", json!({}))?["browserContextId"].clone();
        let wanted = json!({ "url": "about:blank", "browserContextId": context });
        let target = self.send("", "Target.createTarget", wanted)?["targetId"].clone();
        let wanted = json!({ "targetId": target, "flatten": true });
        let session = self.send("", "Target.attachToTarget", wanted)?["sessionId"]
            .as_str()
            .context("a session has an id")?
            .to_owned();
        self.events.clear();
        let mut page = Page {
            chromium: self,
            session,
            context,
        };
        for domain in ["Page", "Runtime", "Network", "Log"] {
            page.send(&format!("{domain}.enable"), json!({}))?;
        }
        Ok(page)
    }

    /// Sends a command and waits for its answer. Events that arrive before it are kept.
    fn send(&mut self, session: &str, method: &str, params: Value) -> Result<Value> {
        self.last_id += 1;
        let mut command = json!({ "id": self.last_id, "method": method, "params": params });
        if !session.is_empty() {
            command["sessionId"] = session.into();
        }
        self.socket.send(Message::text(command.to_string()))?;
        loop {
            let mut message = self
                .receive()
                .with_context(|| format!("no answer to {method}"))?;
            if message["id"] != self.last_id {
                self.events.push_back(message);
            } else if message["error"].is_null() {
                return Ok(message["result"].take());
            } else {
                bail!("{method}: {}", message["error"]["message"]);
            }
        }
    }

    fn receive(&mut self) -> Result<Value> {
        loop {
            let message = self.socket.read().map_err(|error| match error {
                // A read that has waited for PATIENCE fails with this kind.
                tungstenite::Error::Io(error) if error.kind() == ErrorKind::WouldBlock => {
                    anyhow!("Chromium sent nothing for {} seconds", PATIENCE.as_secs())
                }
                error => error.into(),
            })?;
            if let Message::Text(text) = message {
                return Ok(serde_json::from_str(&text)?);
            }
        }
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // After this command, Chromium no longer uses its profile when the folder is removed. It
        // may have crashed, and then the command fails.
        if self.send("", "Browser.close", json!({})).is_err() {
            self.process.kill().ok();
        }
        self.process.wait().ok();
    }
}

fn program() -> Result<PathBuf> {
    if let Some(named) = env::var_os("CHROMIUM") {
        return Ok(named.into());
    }
    let names = ["chromium", "chromium-browser", "google-chrome", "chrome"];
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|program| program.is_file())
        .with_context(|| {
            format!(
                "BROWSER_TESTS=1 asks for browser tests, and none of {} is on the PATH. Install \
                 Chromium, or name it in the environment variable CHROMIUM",
                names.join(", ")
            )
        })
}

/// Connects to the address that Chromium prints when it is ready.
fn connect(stderr: ChildStderr) -> Result<WebSocket<TcpStream>> {
    let mut lines = BufReader::new(stderr);
    let mut printed = String::new();
    let address = loop {
        let from = printed.len();
        ensure!(
            lines.read_line(&mut printed)? > 0,
            "Chromium ended at once:\n{printed}"
        );
        if let Some(address) = printed[from..]
            .trim()
            .strip_prefix("DevTools listening on ")
        {
            break address.to_owned();
        }
    };
    // A full pipe would stop Chromium.
    thread::spawn(move || lines.read_to_end(&mut Vec::new()));

    let host = address
        .strip_prefix("ws://")
        .and_then(|rest| rest.split('/').next())
        .with_context(|| format!("{address} is no address to connect to"))?;
    let stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let (socket, _) = tungstenite::client(&address, stream).context("the handshake failed")?;
    Ok(socket)
}

/// A page in a browser context of its own.
pub struct Page<'a> {
    chromium: &'a mut Chromium,
    session: String,
    context: Value,
}

impl Page<'_> {
    /// Sends a command of the DevTools protocol to the page.
    pub fn send(&mut self, method: &str, params: Value) -> Result<Value> {
        self.chromium.send(&self.session, method, params)
    }

    /// Opens an address and waits until everything that it names is loaded.
    pub fn open(&mut self, address: &str) -> Result<()> {
        self.chromium
            .events
            .retain(|event| event["method"] != LOADED);
        let opened = self.send("Page.navigate", json!({ "url": address }))?;
        ensure!(
            opened["errorText"].is_null(),
            "{address}: {}",
            opened["errorText"]
        );
        // After this, only each new event is looked at: the events of all pages that a test opens are
        // kept, which are tens of thousands.
        let mut loaded = self.events(LOADED).next().is_some();
        while !loaded {
            let event = self
                .chromium
                .receive()
                .with_context(|| format!("{address} does not load"))?;
            loaded = event["method"] == LOADED && event["sessionId"] == *self.session;
            self.chromium.events.push_back(event);
        }
        Ok(())
    }

    /// The events of this page with a name.
    pub fn events<'e>(&'e self, method: &'e str) -> impl Iterator<Item = &'e Value> {
        self.chromium
            .events
            .iter()
            .filter(move |event| event["sessionId"] == *self.session && event["method"] == method)
            .map(|event| &event["params"])
    }

    /// Evaluates a JavaScript expression, and waits for it where it is a promise.
    pub fn evaluate(&mut self, expression: &str) -> Result<Value> {
        let wanted =
            json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let mut result = self.send("Runtime.evaluate", wanted)?;
        let thrown = &result["exceptionDetails"];
        ensure!(
            thrown.is_null(),
            "{expression}\nthrew {}",
            thrown["exception"]["description"]
        );
        Ok(result["result"]["value"].take())
    }

    /// Runs a script in each page that is opened from now on, before any of its own.
    pub fn before_scripts(&mut self, script: &str) -> Result<()> {
        let wanted = json!({ "source": script });
        self.send("Page.addScriptToEvaluateOnNewDocument", wanted)?;
        Ok(())
    }

    /// Waits until a JavaScript expression holds. It is looked at after each change of the page.
    pub fn wait_for(&mut self, condition: &str) -> Result<()> {
        let patience = PATIENCE.as_millis() / 2;
        let held = self.evaluate(&format!(
            "new Promise(resolve => {{
                const holds = () => {{ if ({condition}) {{ resolve(true); watch.disconnect(); }} }};
                const watch = new MutationObserver(holds);
                watch.observe(document, {{ attributes: true, childList: true, characterData: true, subtree: true }});
                setTimeout(() => resolve(false), {patience});
                holds();
            }})"
        ))?;
        ensure!(held == true, "this never holds: {condition}");
        Ok(())
    }

    /// Waits until a JavaScript expression holds in the page that is open then: this one, or one
    /// that it leads to.
    pub fn wait_until(&mut self, condition: &str) -> Result<()> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            // Between two pages, nothing answers.
            if self.evaluate(condition).is_ok_and(|held| held == true) {
                return Ok(());
            }
        }
        bail!("this never holds: {condition}")
    }

    /// Clicks the middle of an element, given as a JavaScript expression, as a mouse does: the focus
    /// moves as well.
    pub fn click(&mut self, element: &str) -> Result<()> {
        let middle = self.evaluate(&format!(
            "(box => [box.x + box.width / 2, box.y + box.height / 2])({element}.getBoundingClientRect())"
        ))?;
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({
                "type": kind, "x": middle[0], "y": middle[1], "button": "left", "clickCount": 1,
            });
            self.send("Input.dispatchMouseEvent", event)?;
        }
        Ok(())
    }

    /// Presses a key, such as `Tab`, `Enter` or `Control+Enter`. None of them writes a letter.
    pub fn press(&mut self, keys: &str) -> Result<()> {
        let (modifiers, key) = match keys.split_once('+') {
            Some(("Control", key)) => (2, key),
            Some((other, _)) => bail!("{other} is no modifier that the tests use"),
            None => (0, keys),
        };
        let code = match key {
            "Tab" => 9,
            "Enter" => 13,
            "Escape" => 27,
            "ArrowLeft" => 37,
            "ArrowRight" => 39,
            "/" => 191,
            "k" => 75,
            "s" => 83,
            _ => bail!("{key} is no key that the tests use"),
        };
        let mut event = json!({
            "type": "keyDown", "key": key, "code": key, "modifiers": modifiers,
            "windowsVirtualKeyCode": code, "nativeVirtualKeyCode": code,
        });
        if key == "Enter" {
            event["text"] = "\r".into();
        }
        self.send("Input.dispatchKeyEvent", event.clone())?;
        event["type"] = "keyUp".into();
        self.send("Input.dispatchKeyEvent", event)?;
        Ok(())
    }

    /// Errors and warnings that the page has caused, as a reader of its console sees them.
    pub fn complaints(&self) -> Vec<String> {
        let called = self
            .events("Runtime.consoleAPICalled")
            .filter(|call| call["type"] == "error" || call["type"] == "warning")
            .map(|call| call["args"].to_string());
        let thrown = self
            .events("Runtime.exceptionThrown")
            .map(|thrown| thrown["exceptionDetails"].to_string());
        let logged = self
            .events("Log.entryAdded")
            .map(|logged| &logged["entry"])
            .filter(|entry| entry["level"] == "error" || entry["level"] == "warning")
            .map(|entry| format!("{} {}", entry["text"], entry["url"]));
        called.chain(thrown).chain(logged).collect()
    }

    /// The addresses that the page has asked for, in order, without what it holds itself.
    pub fn requests(&self) -> Vec<String> {
        self.events("Network.requestWillBeSent")
            .filter_map(|event| event["request"]["url"].as_str())
            .filter(|url| !url.starts_with("data:") && !url.starts_with("blob:"))
            .map(str::to_owned)
            .collect()
    }
}

impl Drop for Page<'_> {
    fn drop(&mut self) {
        let context = json!({ "browserContextId": self.context });
        self.chromium
            .send("", "Target.disposeBrowserContext", context)
            .ok();
    }
}
