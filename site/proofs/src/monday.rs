//! What the last chapter of the first part says to copy: copied into a project of its own, built
//! step by step, and run.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::fails::{Compiler, Kind};
use crate::walk::files;

/// What to copy where, as the page shows it.
pub const TREE: &str = "code/output/final-thoughts/monday.txt";

/// What happens in the shop that is made of it.
pub const DAY: &str = "code/output/final-thoughts/last-croissant.txt";

/// The project's own files: these keep them among what this program is made of, as other samples
/// are.
const OWN: [(&str, &str); 2] = [
    ("lib.rs", include_str!("../../../code/monday/lib.rs")),
    ("main.rs", include_str!("../../../code/monday/main.rs")),
];

/// Something that is copied: where to, from where, and the step that needs it.
struct Copied {
    to: &'static str,
    from: &'static str,
    step: usize,
}

const fn copied(step: usize, to: &'static str, from: &'static str) -> Copied {
    Copied { to, from, step }
}

const COPIED: [Copied; 10] = [
    copied(1, "Cargo.toml", "README.md, the appendix"),
    copied(3, "migrations/", "code/migrations/"),
    copied(1, "src/lib.rs", "code/monday/lib.rs"),
    copied(1, "src/requests.rs", "code/src/requests.rs"),
    copied(2, "src/structure/", "code/src/structure/"),
    copied(3, "src/data/", "code/src/data/"),
    copied(3, "src/transactions/", "code/src/transactions/"),
    copied(4, "src/errors/", "code/src/errors/"),
    copied(5, "src/settings.rs", "code/src/mistakes/after/settings.rs"),
    copied(5, "src/main.rs", "code/monday/main.rs"),
];

/// The last step: the one with `main`.
const STEPS: usize = 5;

/// The folder, a line for each thing that is copied into it.
pub fn tree() -> String {
    let mut tree = String::from("shop/\n");
    for Copied { to, from, step } in &COPIED {
        let depth = to.matches('/').count() - usize::from(to.ends_with('/'));
        if *to == "src/lib.rs" {
            tree += "  src/\n";
        }
        let name = to.trim_start_matches("src/");
        let shown = format!("{:1$}{name}", "", 2 * depth + 2);
        writeln!(tree, "{shown:21}  {step}  {from}").expect("a string takes everything");
    }
    tree
}

/// Builds the project of each step, the last one with its program, and gives the program's path.
pub fn build(root: &Path, project: &Path, compiler: &Compiler) -> Result<PathBuf> {
    let library = project.join("libshop.rlib");
    for step in 1..=STEPS {
        copy(root, project, step)?;
        let source = project.join("src/lib.rs");
        let (kind, made) = if step == STEPS {
            (Kind::Library, &library)
        } else {
            (Kind::Checked, &project.join("libshop.rmeta"))
        };
        compiler
            .build(&source, "shop", kind, made, None)
            .with_context(|| format!("step {step} does not compile"))?;
    }
    let program = project.join("shop");
    let source = project.join("src/main.rs");
    compiler.build(
        &source,
        "main",
        Kind::Program,
        &program,
        Some(("shop", &library)),
    )?;
    Ok(program)
}

/// Copies what the steps so far need.
fn copy(root: &Path, project: &Path, step: usize) -> Result<()> {
    for Copied { to, from, .. } in COPIED.iter().filter(|copied| copied.step <= step) {
        let path = project.join(to);
        let own = OWN.iter().find(|(name, _)| to.ends_with(name));
        if *to == "Cargo.toml" {
            // Its dependencies are those of the samples, as another test says. CI builds with it.
        } else if let Some((_, text)) = own {
            write(&path, &with_modules_of(text, step))?;
        } else if to.ends_with('/') {
            for file in files(root, from.trim_end_matches('/'))? {
                let text = fs::read_to_string(root.join(&file))?;
                write(&path.join(file.strip_prefix(from)?), &text)?;
            }
        } else {
            write(&path, &fs::read_to_string(root.join(from))?)?;
        }
    }
    Ok(())
}

/// The lines of a file without the modules of later steps.
fn with_modules_of(text: &str, step: usize) -> String {
    let there = |line: &&str| {
        let module = line.strip_prefix("pub mod ");
        let Some(module) = module.and_then(|rest| rest.strip_suffix(';')) else {
            return true;
        };
        let (folder, file) = (format!("src/{module}/"), format!("src/{module}.rs"));
        let mut so_far = COPIED.iter().filter(|copied| copied.step <= step);
        so_far.any(|copied| copied.to == folder || copied.to == file)
    };
    let lines: Vec<&str> = text.lines().filter(there).collect();
    lines.join("\n")
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    fs::create_dir_all(path.parent().unwrap_or(path))?;
    fs::write(path, text)
}

/// The shop under way, until it is dropped: then it is killed.
struct Shop {
    child: Child,
    address: String,
}

impl Shop {
    fn open(program: &Path, database: &Path) -> Result<Self> {
        let mut child = Command::new(program)
            .env("SHOP_ADDRESS", "127.0.0.1:0")
            .env("SHOP_DATABASE", database)
            .env("SHOP_URL", "https://shop.example")
            .env("SHOP_TOKEN", "eighteen-grams-25-seconds")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let stdout = child.stdout.take().context("the shop's output")?;
        let mut shop = Self {
            child,
            address: String::new(),
        };
        for line in BufReader::new(stdout).lines() {
            if let Some((_, address)) = line?.split_once("http://") {
                shop.address = address.to_owned();
                return Ok(shop);
            }
        }
        bail!("the shop ended before it opened")
    }

    /// The status and the body of an answer.
    fn ask(&self, request: &str, body: &str) -> Result<(String, Value)> {
        let mut stream = TcpStream::connect(&self.address)?;
        // A guard: what never comes fails the test instead of holding it up.
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        write!(
            stream,
            "{request} HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").context("a whole answer")?;
        let status = head.split(' ').nth(1).unwrap_or_default();
        Ok((status.to_owned(), serde_json::from_str(body)?))
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How many want the last croissant.
const GUESTS: usize = 8;

/// Monday: everybody orders the last croissant at the same moment, then the program is killed.
pub fn day(program: &Path, database: &Path) -> Result<String> {
    let shop = Shop::open(program, database)?;
    let order = r#"{ "customer": "Ada", "item": "croissant", "quantity": 1 }"#;
    let together = Barrier::new(GUESTS);
    let answers: Vec<(String, Value)> = thread::scope(|scope| {
        let guests: Vec<_> = (0..GUESTS)
            .map(|_| {
                scope.spawn(|| {
                    together.wait();
                    shop.ask("POST /orders", order)
                })
            })
            .collect();
        let answers = guests.into_iter().map(|guest| guest.join().ok());
        answers
            .map(|answer| answer.context("a guest")?)
            .collect::<Result<_>>()
    })?;
    let mut day = format!("{GUESTS} guests order the last croissant at the same moment:\n");
    for status in ["201", "409"] {
        let with_it = answers.iter().filter(|(found, _)| found == status);
        let first = with_it.clone().next();
        let says = first.map(|(_, body)| match &body["detail"] {
            Value::String(detail) => detail.clone(),
            _ => format!("order {}", body["id"]),
        });
        let (count, says) = (with_it.count(), says.unwrap_or_default());
        writeln!(day, "  {count} x {status}  {says}")?;
    }
    drop(shop);

    let shop = Shop::open(program, database)?;
    let (_, item) = shop.ask("GET /menu/croissant", "")?;
    let (status, order) = shop.ask("GET /orders/1", "")?;
    let (_, second) = shop.ask("GET /orders/2", "")?;
    writeln!(day, "The program is killed, and started again:")?;
    writeln!(day, "  croissants left: {}", item["stock"])?;
    writeln!(
        day,
        "  order 1: {status}, {} x {}, {} cents",
        order["quantity"],
        order["item"].as_str().unwrap_or_default(),
        order["total_cents"]
    )?;
    let detail = second["detail"].as_str().unwrap_or_default();
    writeln!(day, "  order 2: {detail}")?;
    Ok(day)
}
