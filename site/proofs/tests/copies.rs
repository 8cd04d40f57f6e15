//! The projects that readers take home, taken home: each is copied out of the workspace, built and
//! tested there, started, and stopped by SIGTERM. Each is also copied with what the guide's pages add to
//! it: a feature to the service, and WebSockets to the shop.
//!
//! Runs where `COPIES=1` says so: each copy compiles its dependencies again, in `target/copies`.
//! Only whether the changes of the pages still fit the projects is always checked.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail};
use libtest_mimic::{Arguments, Completion, Trial};
use proofs::artifacts::{FAVORITES, SHOP_WEBSOCKETS};
use proofs::{lock, root, snapshots, walk};
use tempfile::TempDir;

/// What pages add to a project.
#[derive(Clone, Copy)]
struct Addition {
    /// The folder of its new files and changes.
    folder: &'static str,
    project: &'static str,
    /// The files in `tests` that are about it.
    tests: &'static [&'static str],
}

const ADDITIONS: [Addition; 2] = [
    Addition {
        folder: FAVORITES,
        project: "code/service",
        tests: &["favorites", "contract", "layout", "openapi"],
    },
    Addition {
        folder: SHOP_WEBSOCKETS,
        project: "code/shop",
        tests: &["deploy", "room", "server", "websocket"],
    },
];

/// How long a server may take to stop: longer than its own deadline of eight seconds, and as long
/// as Docker waits.
const STOP: Duration = Duration::from_secs(10);

/// Held while a copy of the shop or of the service is compiled and run. Cargo gives the programs of
/// two copies of a project the same names, wherever the copies are. So one copy would replace the
/// programs that the other is running.
static SHOP: Mutex<()> = Mutex::new(());
static SERVICE: Mutex<()> = Mutex::new(());

fn turn(project: &Path) -> MutexGuard<'static, ()> {
    let turn = if project.ends_with("shop") {
        &SHOP
    } else {
        &SERVICE
    };
    // It protects files, and what a test that failed has left of them is compiled again.
    turn.lock().unwrap_or_else(PoisonError::into_inner)
}

fn main() {
    let projects = lock::projects(&root()).into_iter().map(|project| {
        let name = format!("copies::{}", project.display());
        if_wanted(name, move || take_home(&project))
    });
    let mut trials: Vec<Trial> = projects.collect();
    for addition in ADDITIONS {
        let folder = addition.folder;
        trials.push(if_wanted(format!("copies::{folder}"), move || {
            addition.add_and_test()
        }));
        trials.push(Trial::test(format!("changes::{folder}"), move || {
            let copied = addition.copy_of_its_project();
            copied.map_err(|error| format!("{error:#}"))?;
            Ok(())
        }));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// A test that takes minutes, and so runs only where `COPIES=1` says so.
fn if_wanted(name: String, test: impl FnOnce() -> Result<()> + Send + 'static) -> Trial {
    let wanted = std::env::var("COPIES").is_ok_and(|value| value == "1");
    Trial::ignorable_test(name, move || {
        if !wanted {
            return Ok(Completion::ignored_with("COPIES=1 is not set"));
        }
        test().map_err(|error| format!("{error:#}"))?;
        Ok(Completion::Completed)
    })
}

fn take_home(project: &Path) -> Result<()> {
    // Before the copy is made: Cargo compiles a file again if it's newer than what was made of it.
    let _turn = turn(project);
    let copy = Copy::of(project)?;
    copy.has_the_versions_of_the_workspace()?;
    copy.cargo(&["build", "--locked"])?;
    copy.cargo(&["test", "--locked"])?;
    copy.cargo(&["fmt", "--check"])?;
    copy.cargo(&[
        "clippy",
        "--locked",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ])?;
    if cfg!(unix) {
        if project.ends_with("shop") {
            copy.keeps_an_order_when_it_is_stopped()?;
        } else {
            copy.answers_until_it_is_stopped()?;
        }
    }
    Ok(())
}

impl Addition {
    /// A copy of the project with the new files and the changes.
    fn copy_of_its_project(&self) -> Result<Copy> {
        let copied = Copy::of(Path::new(self.project))?;
        let home = copied.home.path();
        let added = root().join(self.folder);
        for folder in ["migrations", "src", "tests"] {
            if added.join(folder).is_dir() {
                copy(&added.join(folder), &home.join(folder))?;
            }
        }
        for change in fs::read_dir(added.join("changes"))? {
            let change = change?.path();
            let output = Command::new("git")
                .arg("apply")
                .arg(&change)
                .current_dir(home)
                .output()
                .context("`git apply` needs git")?;
            if !output.status.success() {
                bail!(
                    "{} doesn't fit {} any more:\n{}Make the change in a copy of the project, and write \
                     what `git diff -U1` prints for it to this file, from the line `---` on",
                    change.display(),
                    self.project,
                    String::from_utf8_lossy(&output.stderr)
                );
            }
        }
        Ok(copied)
    }

    /// Adds it to a copy of its project, and runs the tests that are about it.
    fn add_and_test(&self) -> Result<()> {
        let _turn = turn(Path::new(self.project));
        let copied = self.copy_of_its_project()?;
        // A change may need another crate, in the version of the workspace.
        copied.take_the_versions_of_the_workspace()?;
        let started = SystemTime::now();
        let tests: Vec<_> = self
            .tests
            .iter()
            .flat_map(|test| ["--test", test])
            .collect();
        copied.cargo(&[&["test", "--locked"], &tests[..]].concat())?;
        copied.cargo(&["fmt", "--check"])?;
        let strict = ["--", "-D", "warnings"];
        copied.cargo(&[&["clippy", "--locked"], &tests[..], &strict].concat())?;
        self.was_compiled_since(started, &copied.target)
    }

    /// A file that no module names would be copied, and never compiled.
    fn was_compiled_since(&self, started: SystemTime, target: &Path) -> Result<()> {
        let mut compiled = String::new();
        for entry in fs::read_dir(target.join("debug/deps"))? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "d")
                && fs::metadata(&path)?.modified()? >= started
            {
                compiled += &fs::read_to_string(path)?;
            }
        }
        for file in walk::files(&root(), self.folder)? {
            if file.extension().is_some_and(|extension| extension == "rs") {
                let name = file.strip_prefix(self.folder)?.display();
                if !compiled.contains(&format!("{name}:")) {
                    bail!(
                        "{}/{name} is in no module, so it isn't compiled",
                        self.folder
                    );
                }
            }
        }
        Ok(())
    }
}

/// A project in a folder of its own.
struct Copy {
    project: PathBuf,
    home: TempDir,
    /// Kept between runs, and the same for all projects, so that dependencies are compiled once.
    target: PathBuf,
}

impl Copy {
    fn of(project: &Path) -> Result<Self> {
        let home = tempfile::tempdir()?;
        copy(&root().join(project), home.path())?;
        Ok(Self {
            project: project.to_path_buf(),
            home,
            target: root().join("target/copies"),
        })
    }

    fn cargo(&self, arguments: &[&str]) -> Result<()> {
        let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(arguments)
            .current_dir(self.home.path())
            .env("CARGO_TARGET_DIR", &self.target)
            // Nobody debugs these programs, and without this they take longer to compile.
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("RUSTFLAGS", "-D warnings")
            .stdin(Stdio::null())
            .output()?;
        if !output.status.success() {
            bail!(
                "`cargo {}` fails in a copy of {}:\n{}{}",
                arguments.join(" "),
                self.project.display(),
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(())
    }

    /// Cargo.lock is what Cargo leaves of the workspace's once all other packages are gone.
    fn has_the_versions_of_the_workspace(&self) -> Result<()> {
        let lock = self.take_the_versions_of_the_workspace()?;
        let made = fs::read_to_string(lock)?;
        let problem = snapshots::compare(&root(), &self.project.join("Cargo.lock"), &made);
        proofs::verdict(&problem).map_err(anyhow::Error::msg)
    }

    /// Makes Cargo.lock of the workspace's, and returns its path.
    fn take_the_versions_of_the_workspace(&self) -> Result<PathBuf> {
        let lock = self.home.path().join("Cargo.lock");
        fs::copy(root().join("Cargo.lock"), &lock)?;
        self.cargo(&["update", "--workspace", "--offline"])?;
        Ok(lock)
    }

    /// A server that is stopped by SIGTERM leaves one file, and finds the order in it again.
    fn keeps_an_order_when_it_is_stopped(&self) -> Result<()> {
        let server = Server::start(self)?;
        let menu = server.ask("GET /menu", "")?;
        let order = r#"{ "customer": "Ada", "item": "croissant", "quantity": 1 }"#;
        let placed = server.ask("POST /orders", order)?;
        let status = server.stop()?;
        let left = files_of_the_database(self.home.path())?;

        let server = Server::start(self)?;
        let found = server.ask("GET /orders/1", "")?;
        server.stop()?;
        if (menu, placed, found) != (200, 201, 200) {
            bail!("the menu, an order and the same order later answer {menu}, {placed}, {found}");
        }
        if !status.success() || left != ["shop.db"] {
            bail!("SIGTERM ends the server with {status} and leaves {left:?}");
        }
        Ok(())
    }

    /// A server that is stopped by SIGTERM ends without an error.
    fn answers_until_it_is_stopped(&self) -> Result<()> {
        let server = Server::start(self)?;
        let statuses = (server.ask("GET /menu", "")?, server.ask("GET /me", "")?);
        let status = server.stop()?;
        if statuses != (200, 401) {
            bail!("the menu and an account without a token answer {statuses:?}");
        }
        if !status.success() {
            bail!("SIGTERM ends the server with {status}");
        }
        Ok(())
    }
}

/// The files of a project, without those that are only on this machine.
fn copy(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (name, path) = (entry.file_name(), entry.path());
        let own = name == "target" || name == ".env" || name.to_string_lossy().contains(".db");
        if own {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::create_dir_all(to.join(&name))?;
            copy(&path, &to.join(&name))?;
        } else {
            fs::copy(path, to.join(name))?;
        }
    }
    Ok(())
}

fn files_of_the_database(folder: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.contains(".db") {
            found.push(name);
        }
    }
    found.sort();
    Ok(found)
}

/// A server that runs until it is stopped; killed when it is dropped before.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    /// Starts the program on a free port, with all other settings left to their defaults.
    fn start(copy: &Copy) -> Result<Self> {
        let name = copy.project.file_name().context("a project has a name")?;
        let mut child = Command::new(copy.target.join("debug").join(name))
            .current_dir(copy.home.path())
            .env("SHOP_ADDRESS", "127.0.0.1:0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()?;
        let stdout = child.stdout.take().context("the server's log")?;
        let mut server = Self {
            child,
            address: String::new(),
        };
        let mut lines = BufReader::new(stdout).lines();
        for line in lines.by_ref() {
            if let Some((_, address)) = line?.split_once("http://") {
                let address = address.split_whitespace().next().unwrap_or_default();
                server.address = address.to_owned();
                // A log that nobody reads would fill its pipe.
                thread::spawn(move || lines.for_each(drop));
                return Ok(server);
            }
        }
        bail!("the server ends without saying where it listens")
    }

    /// The status that answers a request.
    fn ask(&self, request: &str, body: &str) -> Result<u16> {
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        write!(
            stream,
            "{request} HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut response = String::new();
        stream.read_to_string(&mut response)?;
        let status = response.split(' ').nth(1).context("a status")?;
        Ok(status.parse()?)
    }

    fn stop(mut self) -> Result<ExitStatus> {
        let kill = format!("kill -TERM {}", self.child.id());
        Command::new("sh").args(["-c", &kill]).status()?;
        let asked = Instant::now();
        while asked.elapsed() < STOP {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            thread::sleep(Duration::from_millis(20));
        }
        bail!("SIGTERM does not stop the server within {STOP:?}")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
