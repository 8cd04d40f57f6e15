//! The known ways to break a proof, tried on copies of a small book, and `breakages.txt`, the
//! messages that they get.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use anyhow::{Context, Result, bail};
use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use code::Program;
use code::exercise::{self, Check};
use proofs::fails::{Compiler, rustc};
use proofs::links::Rendered;
use proofs::walk::{Walk, files};
use proofs::{
    Problem, exercises, fails, links, lock, output, programs, recordings, replay, sentences,
    slashes, snapshots,
};

/// The small book, in which nothing is wrong.
const FIXTURE: &str = "site/proofs/tests/proofs/fixture";

const RECORD: &str = "site/proofs/tests/proofs/breakages.txt";

/// The breakages that the guide shows. mdBook would obey an include or an anchor's comment in a
/// message, so those with one can't be shown.
const SHOWN: [&str; 4] = [
    "a fence without a language",
    "an anchor that no chapter shows",
    "a recorded response with one byte changed",
    "a broken fragment",
];

/// The width of a message on a phone, in characters.
const WIDTH: usize = 60;

const OTHER_MESSAGE: &str = "a failing sample that fails otherwise";

const PAGE: &str = "src/shop.md";

/// A line more than a block may show.
const LONG: &str = "// ANCHOR: long\n//\n//\n//\n//\n//\n//\n//\n//\n//\n//\n//\n//\n//\n//\n//\n\
                    //\n//\n//\n//\n//\n//\n//\n//\n//\n//\n//\n// ANCHOR_END: long\n";

/// A way to break a proof.
struct Breakage {
    title: &'static str,
    steps: Vec<Step>,
    proof: Proof,
}

enum Step {
    /// Adds lines to a file, or makes it.
    Add(&'static str, &'static str),
    /// Replaces some words with others.
    Swap(&'static str, &'static str, &'static str),
}

use Step::{Add, Swap};

/// The proof that finds a breakage.
enum Proof {
    Blocks,
    Sentences,
    Recordings,
    Lock,
    Links,
    Replay(fn() -> Router),
    Program,
    Fails,
    Exercise {
        start: fn() -> Router,
        solution: fn() -> Router,
    },
}

/// Breaks copies of the small book, all at once, and compares the messages.
pub fn check(root: &Path, compiler: &Compiler) -> Result<Vec<Problem>> {
    nothing_is_wrong(root, compiler)?;
    let breakages = breakages();
    let answers: Vec<Result<String>> = thread::scope(|scope| {
        let started: Vec<_> = breakages
            .iter()
            .map(|breakage| scope.spawn(|| answer(root, breakage, compiler)))
            .collect();
        started
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| bail!("a proof panicked")))
            .collect()
    });
    let mut record = String::new();
    let mut shown = String::new();
    for (breakage, answer) in breakages.iter().zip(answers) {
        let answer = answer.with_context(|| breakage.title)?;
        writeln!(record, "# {}\n\n{}\n", breakage.title, answer.trim_end())?;
        if SHOWN.contains(&breakage.title) {
            let first = answer.lines().next().unwrap_or_default();
            writeln!(shown, "{}\n{}", breakage.title, indented(first))?;
        }
    }
    let compare = |file: &str, made: &str| {
        let made = made.trim_end().to_owned() + "\n";
        snapshots::compare(root, Path::new(file), &made)
    };
    let problems = [compare(RECORD, &record), compare(output::BREAKAGES, &shown)];
    Ok(problems.into_iter().flatten().collect())
}

/// A message in lines that start with four spaces.
fn indented(message: &str) -> String {
    let mut lines = vec![String::new()];
    for word in message.split(' ') {
        let line = lines.last_mut().expect("there is a first line");
        if !line.is_empty() && line.chars().count() + word.chars().count() > WIDTH {
            lines.push(word.to_owned());
        } else {
            *line += if line.is_empty() { "" } else { " " };
            *line += word;
        }
    }
    lines.iter().map(|line| format!("    {line}\n")).collect()
}

/// Checks that no proof finds anything in the small book, or it would find that in every copy.
fn nothing_is_wrong(root: &Path, compiler: &Compiler) -> Result<()> {
    let book = copy(root)?;
    let solved = Proof::Exercise {
        start: Router::new,
        solution: shop,
    };
    let proofs = [
        Proof::Blocks,
        Proof::Sentences,
        Proof::Recordings,
        Proof::Lock,
        Proof::Links,
        Proof::Replay(shop),
        Proof::Program,
        Proof::Fails,
        solved,
    ];
    for proof in proofs {
        let found = find(book.path(), &proof, compiler)?;
        if !found.is_empty() {
            bail!("the small book is not whole: {found:?}");
        }
    }
    Ok(())
}

fn answer(root: &Path, breakage: &Breakage, compiler: &Compiler) -> Result<String> {
    let book = copy(root)?;
    let book = book.path();
    for step in &breakage.steps {
        step.take(book)?;
    }
    let found = find(book, &breakage.proof, compiler)?;
    if found.is_empty() {
        bail!("nothing finds this breakage");
    }
    let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
    if breakage.title == OTHER_MESSAGE {
        // The rest is the compiler's message, which differs between versions.
        return Ok(lines[0].lines().take(1).collect());
    }
    Ok(lines.join("\n"))
}

fn copy(root: &Path) -> Result<tempfile::TempDir> {
    let copy = tempfile::tempdir()?;
    for file in files(&root.join(FIXTURE), "")? {
        let to = copy.path().join(&file);
        fs::create_dir_all(to.parent().context("a file is in a folder")?)?;
        fs::copy(root.join(FIXTURE).join(&file), to)?;
    }
    Ok(copy)
}

impl Step {
    fn take(&self, book: &Path) -> Result<()> {
        let (Add(file, _) | Swap(file, _, _)) = self;
        let file = book.join(file);
        let text = fs::read_to_string(&file).unwrap_or_default();
        let broken = match self {
            Add(_, lines) if text.is_empty() => (*lines).to_owned(),
            Add(_, lines) => format!("{text}\n{lines}"),
            Swap(_, words, others) if text.contains(words) => text.replacen(words, others, 1),
            Swap(_, words, _) => bail!("the small book does not say `{words}`"),
        };
        Ok(snapshots::record(&file, &broken)?)
    }
}

fn find(book: &Path, proof: &Proof, compiler: &Compiler) -> Result<Vec<Problem>> {
    match proof {
        Proof::Blocks => Ok(proofs::check(&Walk::read(book, compiled())?)),
        Proof::Sentences => Ok(sentences::check(&Walk::read(book, compiled())?)),
        Proof::Recordings => Ok(recordings::check(&Walk::read(book, compiled())?)),
        Proof::Lock => {
            let mut problems = Vec::new();
            for project in lock::projects(book) {
                problems.extend(lock::check(book, &project)?);
            }
            Ok(problems)
        }
        Proof::Links => {
            let pages = tempfile::tempdir()?;
            links::render(book, pages.path())?;
            let rendered = Rendered::read(pages.path())?;
            let walk = Walk::read(book, compiled())?;
            let pages = walk.pages.iter();
            Ok(pages.flat_map(|page| rendered.check(page)).collect())
        }
        Proof::Replay(app) => {
            let program = Program {
                name: "door",
                app: *app,
            };
            replay::story(book, Path::new("code/exchanges/shop.http"), &program)
        }
        Proof::Program => {
            let source = Path::new("code/examples/greeting.rs");
            let program = compile(book, source)?;
            Ok(programs::check(book, source, &program)?
                .into_iter()
                .collect())
        }
        Proof::Fails => {
            let sample = Path::new("code/fails/taken.rs");
            Ok(fails::check(book, sample, compiler)?.into_iter().collect())
        }
        Proof::Exercise { start, solution } => exercise(*start, *solution),
    }
}

/// The files of the small book that Cargo would have compiled.
fn compiled() -> BTreeSet<PathBuf> {
    ["code/src/shop.rs", "code/examples/greeting.rs"]
        .map(PathBuf::from)
        .into()
}

fn compile(book: &Path, source: &Path) -> Result<PathBuf> {
    let program = book.join(format!("greeting{}", std::env::consts::EXE_SUFFIX));
    let status = Command::new(rustc())
        .current_dir(book)
        .args(["--edition=2024", "-o"])
        .arg(&program)
        .arg(slashes(source))
        .status()?;
    if !status.success() {
        bail!("{} does not compile", slashes(source));
    }
    Ok(program)
}

/// The small book's app.
fn shop() -> Router {
    Router::new().route("/door", get(async || "Come in"))
}

/// The same after an edit of the sample.
fn created() -> Router {
    Router::new().route("/door", get(async || (StatusCode::CREATED, "Come in")))
}

fn exercise(start: fn() -> Router, solution: fn() -> Router) -> Result<Vec<Problem>> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build()?;
    let (start, solution) = runtime.block_on(async {
        let start = exercise::run(start, checks()).await;
        (start, exercise::run(solution, checks()).await)
    });
    let mut problems = Vec::new();
    if start.all_met() {
        problems.push(exercises::solved("shop"));
    }
    let broken = exercise::broken_solution("shop", &solution);
    problems.extend(broken.map(|(file, message)| Problem::new(file, 1, message)));
    Ok(problems)
}

fn checks() -> Vec<Check> {
    vec![Check::new("the door answers", |app| async move {
        if app.has_routes() {
            Ok(())
        } else {
            Err("no route leads to the door".to_owned())
        }
    })]
}

fn on_page(title: &'static str, markdown: &'static str) -> Breakage {
    broken(title, vec![Add(PAGE, markdown)])
}

fn broken(title: &'static str, steps: Vec<Step>) -> Breakage {
    Breakage {
        title,
        steps,
        proof: Proof::Blocks,
    }
}

fn breakages() -> Vec<Breakage> {
    let mut all = blocks_in_the_chapter();
    all.extend(blocks_without_a_sentence());
    all.extend(fences_that_say_more());
    all.extend(includes_and_anchors());
    all.extend(leftovers());
    all.extend(recordings_of_a_test());
    all.extend(projects_to_take_home());
    all.extend(what_runs());
    all.extend(where_links_lead());
    all
}

fn blocks_in_the_chapter() -> Vec<Breakage> {
    vec![
        on_page("an inline Rust block", "```rust\nlet open = true;\n```\n"),
        on_page(
            "an inline block in another language",
            "```json\n{ \"open\": true }\n```\n",
        ),
        on_page(
            "an inline block inside a details element",
            "<details>\n<summary>Answer</summary>\n\n```text\nopen\n```\n\n</details>\n",
        ),
        on_page("a fence without a language", "```\nopen\n```\n"),
        on_page(
            "a tilde fence",
            "~~~rust\n{{#include ../code/src/shop.rs:door}}\n~~~\n",
        ),
        on_page("an indented block", "Text.\n\n    let open = true;\n"),
        on_page(
            "an indented fence",
            "  ```rust\n  {{#include ../code/src/shop.rs:door}}\n  ```\n",
        ),
        on_page(
            "a fence that is never closed",
            "```rust\n{{#include ../code/src/shop.rs:door}}\n",
        ),
        on_page(
            "a block in a list",
            "- First:\n\n  ```rust\n  {{#include ../code/src/shop.rs:door}}\n  ```\n",
        ),
        on_page(
            "a block in a quote",
            "> ```rust\n> {{#include ../code/src/shop.rs:door}}\n> ```\n",
        ),
        on_page(
            "a block in a footnote",
            "Text.[^1]\n\n[^1]: Note:\n\n    ```rust\n    {{#include ../code/src/shop.rs:door}}\n    ```\n",
        ),
        on_page(
            "a block in another element",
            "<div>\n\n```rust\n{{#include ../code/src/shop.rs:door}}\n```\n\n</div>\n",
        ),
        on_page(
            "a fence without a blank line before it",
            "<details>\n```rust\nlet open = true;\n```\n</details>\n",
        ),
        on_page(
            "a details element that is never closed",
            "<details>\n<summary>Answer</summary>\n\nIt is open.\n",
        ),
        on_page("raw pre", "<pre>let open = true;</pre>\n"),
        on_page(
            "raw pre, its tag in two lines",
            "<pre\nclass=\"rust\">let open = true;</pre>\n",
        ),
        on_page("raw code", "Text <code>let open = true;</code> goes on.\n"),
    ]
}

fn blocks_without_a_sentence() -> Vec<Breakage> {
    let without = |title, steps| Breakage {
        title,
        steps,
        proof: Proof::Sentences,
    };
    vec![
        without(
            "a block under a heading, without a sentence between",
            vec![Swap(
                PAGE,
                "The function `open` says whether the door is open:\n\n",
                "",
            )],
        ),
        without(
            "a block under another, without a sentence between",
            vec![Swap(
                PAGE,
                "A cup that is dropped cannot be measured:\n\n",
                "",
            )],
        ),
        without(
            "a label in the place of a sentence",
            vec![Swap(
                PAGE,
                "A cup that is dropped cannot be measured:",
                "**A cup**",
            )],
        ),
        without(
            "a column of a table without a heading",
            vec![Swap(
                PAGE,
                "A cup that is dropped cannot be measured:\n\n",
                "| | cup |\n| --- | --- |\n| dropped | yes |\n\nA cup that is dropped cannot be \
                 measured:\n\n",
            )],
        ),
        without(
            "a heading in the place of a sentence",
            vec![Swap(
                PAGE,
                "A cup that is dropped cannot be measured:",
                "## A cup that is dropped cannot be measured",
            )],
        ),
        without(
            "a folded sentence before a block that is not folded",
            vec![
                Swap(PAGE, "Ask for the door, and it answers:\n\n", ""),
                Swap(
                    PAGE,
                    "\n</details>",
                    "\nAsk for the door, and it answers:\n\n</details>",
                ),
            ],
        ),
        without(
            "a message without a sentence, under another block than its sample",
            vec![Add(
                PAGE,
                "```text,message,line=1\n{{#include ../code/fails/taken.stderr}}\n```\n",
            )],
        ),
        without(
            "a block below a pair, without a sentence between",
            vec![Add(
                PAGE,
                "```rust\n{{#include ../code/src/shop.rs:door}}\n```\n",
            )],
        ),
    ]
}

fn fences_that_say_more() -> Vec<Breakage> {
    vec![
        on_page(
            "rust,ignore",
            "```rust,ignore\n{{#include ../code/src/shop.rs:door}}\n```\n",
        ),
        on_page(
            "rust,no_run",
            "```rust,no_run\n{{#include ../code/src/shop.rs:door}}\n```\n",
        ),
        on_page(
            "an rs fence",
            "```rs\n{{#include ../code/src/shop.rs:door}}\n```\n",
        ),
        on_page(
            "words without a comma",
            "```rust editable\n{{#include ../code/src/shop.rs:door}}\n```\n",
        ),
        on_page(
            "a mark outside of what is shown",
            "```rust,mark=keys\n{{#include ../code/src/shop.rs:door}}\n```\n",
        ),
        on_page(
            "a marked line outside of what is shown",
            "```text,message,line=99\n{{#include ../code/fails/taken.stderr}}\n```\n",
        ),
        on_page(
            "a word that nothing knows",
            "```rust,makr=door\n{{#include ../code/src/shop.rs:door}}\n```\n",
        ),
    ]
}

fn includes_and_anchors() -> Vec<Breakage> {
    vec![
        on_page(
            "a line beside an include",
            "```rust\n{{#include ../code/src/shop.rs:door}}\nopen();\n```\n",
        ),
        on_page(
            "two includes",
            "```rust\n{{#include ../code/src/shop.rs:door}}\n{{#include ../code/src/shop.rs:door}}\n```\n",
        ),
        on_page(
            "a line range",
            "```rust\n{{#include ../code/src/shop.rs:4:7}}\n```\n",
        ),
        on_page(
            "rustdoc_include",
            "```rust\n{{#rustdoc_include ../code/src/shop.rs:door}}\n```\n",
        ),
        on_page(
            "an include in prose",
            "{{#include ../code/src/shop.rs:door}}\n",
        ),
        on_page(
            "a file shown whole that is no program",
            "```rust\n{{#include ../code/src/shop.rs}}\n```\n",
        ),
        broken(
            "a block that is too long",
            vec![
                Add("code/src/shop.rs", LONG),
                Add(
                    PAGE,
                    "```rust\n{{#include ../code/src/shop.rs:long}}\n```\n",
                ),
            ],
        ),
        broken(
            "an include of a file that no target compiles",
            vec![
                Add(
                    "code/src/spare.rs",
                    "// ANCHOR: key\npub const KEYS: u8 = 1;\n// ANCHOR_END: key\n",
                ),
                Add(
                    PAGE,
                    "```rust\n{{#include ../code/src/spare.rs:key}}\n```\n",
                ),
            ],
        ),
        broken(
            "a file from outside code",
            vec![
                Add("site/hours.txt", "nine to five\n"),
                Add(PAGE, "```text\n{{#include ../site/hours.txt}}\n```\n"),
            ],
        ),
        on_page(
            "a file that is not there",
            "```rust\n{{#include ../code/src/window.rs:glass}}\n```\n",
        ),
        on_page(
            "a failing sample shown as one that compiles",
            "```rust\n{{#include ../code/fails/taken.rs}}\n```\n",
        ),
        broken(
            "a json file that nothing uses",
            vec![
                Add("code/menu.json", "[]\n"),
                Add(PAGE, "```json\n{{#include ../code/menu.json}}\n```\n"),
            ],
        ),
        on_page(
            "text that no test makes",
            "```text\n{{#include ../code/exchanges/shop.http:knock}}\n```\n",
        ),
        on_page(
            "a console block that is no transcript",
            "```console\n{{#include ../code/exchanges/shop.http:knock}}\n```\n",
        ),
        on_page(
            "a missing anchor",
            "```rust\n{{#include ../code/src/shop.rs:window}}\n```\n",
        ),
        broken(
            "a duplicate anchor",
            vec![Add(
                "code/src/shop.rs",
                "// ANCHOR: door\nconst DOORS: u8 = 2;\n// ANCHOR_END: door\n",
            )],
        ),
        broken(
            "an unclosed anchor",
            vec![Swap("code/src/shop.rs", "// ANCHOR_END: door\n", "")],
        ),
    ]
}

fn leftovers() -> Vec<Breakage> {
    vec![
        broken(
            "an anchor that no chapter shows",
            vec![Add(
                "code/src/shop.rs",
                "// ANCHOR: keys\npub const KEYS: u8 = 1;\n// ANCHOR_END: keys\n",
            )],
        ),
        broken(
            "a sample that no chapter shows",
            vec![Add("code/examples/spare.rs", "fn main() {}\n")],
        ),
        broken(
            "a message without its sample",
            vec![Add("code/fails/lost.stderr", "error: lost\n")],
        ),
        broken(
            "an exchange that no chapter shows",
            vec![Add(
                "code/exchanges/shop.http",
                "### Ring\nGET /bell HTTP/1.1\n",
            )],
        ),
        broken(
            "an exchange without an answer",
            vec![Swap(
                "code/exchanges/shop.http",
                "HTTP/1.1 200 OK\ncontent-type: text/plain; charset=utf-8\n\nCome in\n",
                "",
            )],
        ),
        broken(
            "a challenge that two blocks name",
            vec![
                Add(
                    "code/exchanges/challenges/enter.http",
                    "### Knock\nGET /door HTTP/1.1\n\nHTTP/1.1 200 OK\n",
                ),
                Add(
                    PAGE,
                    "```http,challenge\n{{#include ../code/exchanges/challenges/enter.http}}\n```\n",
                ),
                Add(
                    PAGE,
                    "```http,challenge\n{{#include ../code/exchanges/challenges/enter.http}}\n```\n",
                ),
            ],
        ),
        broken(
            "a chapter that is not in SUMMARY.md",
            vec![Add("src/cellar.md", "# The cellar\n")],
        ),
        broken(
            "a chapter of SUMMARY.md that is not there",
            vec![Add("src/SUMMARY.md", "- [The attic](attic.md)\n")],
        ),
    ]
}

fn recordings_of_a_test() -> Vec<Breakage> {
    let recorded = |title, record, test| Breakage {
        title,
        steps: vec![
            Add("code/tests/door.rs", test),
            Add("code/output/door.txt", record),
            Add(PAGE, "```text\n{{#include ../code/output/door.txt}}\n```\n"),
        ],
        proof: Proof::Recordings,
    };
    vec![
        recorded(
            "a test that says what it records",
            "Ada          Bo\n> knocks     1 guest\n             waits for her\n",
            "fn door() {\n    told.ada(\"> knocks\");\n    told.bo(\"waits for her\");\n    \
             recorded(\"output/door.txt\", told);\n}\n",
        ),
        recorded(
            "a test that says what it records, but for a number",
            "the door opened 2 times\n",
            "fn door() {\n    let told = format!(\"the door opened {opened} times\");\n    \
             recorded(\"output/door.txt\", told);\n}\n",
        ),
        recorded(
            "the narrator's words on a page that does not say so",
            "# Bo comes back\n1 guest\n",
            "fn door() {\n    told.line(\"# Bo comes back\");\n    \
             recorded(\"output/door.txt\", told);\n}\n",
        ),
    ]
}

fn projects_to_take_home() -> Vec<Breakage> {
    let locked = |title, steps: Vec<Step>| {
        let workspace = "[[package]]\nname = \"axum\"\nversion = \"0.8.9\"\n";
        let mut all = vec![
            Add("code/shop/Cargo.toml", "[package]\n"),
            Add("Cargo.lock", workspace),
        ];
        all.extend(steps);
        Breakage {
            title,
            steps: all,
            proof: Proof::Lock,
        }
    };
    vec![
        locked(
            "a project that locks another version than the workspace",
            vec![Add(
                "code/shop/Cargo.lock",
                "[[package]]\nname = \"axum\"\nversion = \"0.8.8\"\n\n\
                 [[package]]\nname = \"shop\"\nversion = \"0.1.0\"\n",
            )],
        ),
        locked("a project without a Cargo.lock", vec![]),
    ]
}

fn what_runs() -> Vec<Breakage> {
    vec![
        Breakage {
            title: "a recorded response with one byte changed",
            steps: vec![Swap("code/exchanges/shop.http", "Come in", "Come it")],
            proof: Proof::Replay(shop),
        },
        Breakage {
            title: "a changed status in a sample",
            steps: vec![],
            proof: Proof::Replay(created),
        },
        Breakage {
            title: "a program that panics",
            steps: vec![Swap("code/examples/greeting.rs", "5", "6")],
            proof: Proof::Program,
        },
        Breakage {
            title: "a failing sample that compiles",
            steps: vec![Swap(
                "code/fails/taken.rs",
                "drop(cup)",
                "drop(cup.clone())",
            )],
            proof: Proof::Fails,
        },
        Breakage {
            title: OTHER_MESSAGE,
            steps: vec![Swap("code/fails/taken.rs", "cup.len()", "cup")],
            proof: Proof::Fails,
        },
        Breakage {
            title: "an exercise whose start passes",
            steps: vec![],
            proof: Proof::Exercise {
                start: shop,
                solution: shop,
            },
        },
        Breakage {
            title: "an exercise whose solution fails",
            steps: vec![],
            proof: Proof::Exercise {
                start: Router::new,
                solution: Router::new,
            },
        },
    ]
}

fn where_links_lead() -> Vec<Breakage> {
    let link = |title, markdown| Breakage {
        title,
        steps: vec![Add(PAGE, markdown)],
        proof: Proof::Links,
    };
    vec![
        link("a broken link", "[The attic](attic.md)\n"),
        link(
            "a broken fragment",
            "[When it opens](street.md#opening-times)\n",
        ),
        link("a broken picture", "![The door](door.svg)\n"),
        link("a malformed address", "[axum](https://docs)\n"),
    ]
}
