//! The same five requests, asked of each program: tables of their answers for the pages.
//!
//! A file `code/output/NAME/five-requests.txt` holds the answers of the program that the chapter
//! `NAME` shows, and `five-requests-before.txt` those of its routes below `/before`.

use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};

use anyhow::Result;
use code::Program;
use live::exchange::{self, Exchange};
use live::{Answer, Session};
use site::chapters::anchors::Problem;

use crate::replay::{QUIET, expect_panics, read, served};
use crate::snapshots;
use crate::walk::{files, stem};

/// The five requests.
const REQUESTS: &str = "code/exchanges/ledger.http";

/// The file name of a table, before its ending or the routes that it asks.
const TABLE: &str = "five-requests";

/// All programs side by side, for the last chapter of the first part.
pub const SIDE_BY_SIDE: &str = "code/output/final-thoughts/five-requests.txt";

/// How wide a row is at most: what a phone shows without scrolling far.
const WIDTH: usize = 72;

/// How wide the first column of the programs side by side is, and how wide the others are.
const NAME: usize = 12;
const CELL: usize = 11;

/// The tables of single programs.
pub fn tables(root: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut tables = files(root, "code/output")?;
    tables.retain(|file| stem(file).starts_with(TABLE) && file != Path::new(SIDE_BY_SIDE));
    Ok(tables)
}

/// Compares a table with the answers of its program.
pub fn check(root: &Path, file: &Path) -> Result<Option<Problem>> {
    let chapter = file.parent().map(stem).unwrap_or_default();
    let program = code::program_of(&chapter).or_else(|| code::program(&chapter));
    let Some(program) = program else {
        let message = format!(
            "`{chapter}` names no chapter with a program. Move the file to the folder of one that \
             code::CHAPTERS lists"
        );
        return Ok(Some(Problem::new(file, 1, message)));
    };
    let name = stem(file);
    let below = name.strip_prefix(TABLE).unwrap_or_default();
    let made = match table(root, program, &below.replacen('-', "/", 1))? {
        Ok(made) => made,
        Err(problem) => return Ok(Some(problem)),
    };
    Ok(snapshots::compare(root, file, &made))
}

/// Compares the table of all programs.
pub fn check_side_by_side(root: &Path) -> Result<Option<Problem>> {
    let made = match side_by_side(root)? {
        Ok(made) => made,
        Err(problem) => return Ok(Some(problem)),
    };
    Ok(snapshots::compare(root, Path::new(SIDE_BY_SIDE), &made))
}

/// The five exchanges, or what is wrong with their file.
fn exchanges(root: &Path) -> Result<Result<Vec<Exchange>, Problem>> {
    let text = read(root, Path::new(REQUESTS))?;
    Ok(exchange::read(&text)
        .map_err(|problem| Problem::new(REQUESTS, problem.line, problem.message)))
}

/// A row for each request: its title, the status and how the body of the answer begins.
fn table(root: &Path, program: &Program, below: &str) -> Result<Result<String, Problem>> {
    let exchanges = match exchanges(root)? {
        Ok(exchanges) => exchanges,
        Err(problem) => return Ok(Err(problem)),
    };
    let answers = match ask(&exchanges, program, below)? {
        Ok(answers) => answers,
        Err(problem) => return Ok(Err(problem)),
    };
    let longest = exchanges
        .iter()
        .map(|exchange| exchange.title.chars().count())
        .max()
        .unwrap_or_default();
    let rows = exchanges.iter().zip(&answers).map(|(exchange, answer)| {
        let start = format!("{:longest$}  ", exchange.title);
        let Some(answer) = answer else {
            return format!("{start}no response: the connection is closed\n");
        };
        let start = format!("{start}{}  ", answer.status);
        let body = first_words(&answer.text, WIDTH.saturating_sub(start.chars().count()));
        format!("{start}{body}").trim_end().to_owned() + "\n"
    });
    Ok(Ok(rows.collect()))
}

/// Sends every request to the routes of a program below a path. A handler that panics answers
/// nothing: a server closes the connection, and goes on with what the panic has left.
fn ask(
    exchanges: &[Exchange],
    program: &Program,
    below: &str,
) -> Result<Result<Vec<Option<Answer>>, Problem>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()?;
    let mut session = Session::with(served(program));
    expect_panics();
    let mut answers = Vec::new();
    for exchange in exchanges {
        let request = exchange.request.replacen(" /", &format!(" {below}/"), 1);
        let send = || runtime.block_on(session.send(&request));
        QUIET.set(true);
        let sent = panic::catch_unwind(AssertUnwindSafe(send));
        QUIET.set(false);
        match sent {
            Ok(Ok(answer)) => answers.push(Some(answer)),
            Ok(Err(problem)) => {
                let line = exchange.line + problem.line;
                return Ok(Err(Problem::new(REQUESTS, line, problem.message)));
            }
            Err(_panic) => answers.push(None),
        }
    }
    Ok(Ok(answers))
}

/// The paths below which a program has the routes of the shop. One has no such routes, and one
/// has them twice.
fn shops(program: &Program) -> &'static [&'static str] {
    match program.name {
        "runtime" | "scheduler" => &[],
        "mistakes" => &["/before", "/after"],
        _ => &[""],
    }
}

/// A row for each program: for each request the status, and the kind of body that came with it.
fn side_by_side(root: &Path) -> Result<Result<String, Problem>> {
    let exchanges = match exchanges(root)? {
        Ok(exchanges) => exchanges,
        Err(problem) => return Ok(Err(problem)),
    };
    let mut table = String::new();
    for (number, exchange) in (1..).zip(&exchanges) {
        table += &format!("{number}  {}\n", exchange.title);
    }
    table += &format!("\n{:NAME$}", "");
    for number in 1..=exchanges.len() {
        table += &format!(" {number:<CELL$}");
    }
    table = table.trim_end().to_owned() + "\n";
    // The service asks who sends a request before it reads the order. So it answers other requests.
    let programs = code::PROGRAMS.iter();
    for program in programs.filter(|program| program.name != "service") {
        for below in shops(program) {
            let answers = match ask(&exchanges, program, below)? {
                Ok(answers) => answers,
                Err(problem) => return Ok(Err(problem)),
            };
            // Where a program has several shops, their paths are the names.
            let name = below.strip_prefix('/').unwrap_or(program.name);
            let mut row = format!("{name:NAME$}");
            for answer in &answers {
                let cell = answer.as_ref().map_or("no response".to_owned(), |answer| {
                    format!("{} {}", answer.status, form(&answer.text))
                });
                row += &format!(" {cell:CELL$}");
            }
            table += row.trim_end();
            table.push('\n');
        }
    }
    Ok(Ok(table))
}

/// The kind of body that an answer has.
fn form(answer: &str) -> &'static str {
    let (head, _) = answer.split_once("\n\n").unwrap_or((answer, ""));
    let mut headers = head.lines().filter_map(|line| line.split_once(": "));
    let kind = headers.find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    match kind.map(|(_, value)| value) {
        None => "empty",
        Some(value) if value.starts_with("application/problem+json") => "problem",
        Some(value) if value.starts_with("application/json") => "json",
        Some(_) => "text",
    }
}

/// The body of an answer in one line, cut where the row ends.
fn first_words(answer: &str, width: usize) -> String {
    let body = answer
        .split_once("\n\n")
        .map_or("", |(_, body)| body)
        .trim();
    let line = match serde_json::from_str::<serde_json::Value>(body) {
        Ok(_) => body.split_whitespace().collect::<Vec<_>>().join(" "),
        Err(_) => body.lines().next().unwrap_or_default().to_owned(),
    };
    if line.chars().count() <= width {
        return line;
    }
    let kept: String = line.chars().take(width.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}
