//! Plays the recorded exchanges against a program, as the page does.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::panic;
use std::path::Path;
use std::sync::Once;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use code::Program;
use live::exchange::{self, Exchange};
use live::{Answer, Session};
use site::chapters::anchors::Problem;
use site::workspace::slashes;
use tokio::time::timeout;

use crate::snapshots;
use crate::walk::Shown;

/// Plays a file of exchanges in order against one fresh app, and compares every answer.
pub fn story(root: &Path, file: &Path, program: &Program) -> Result<Vec<Problem>> {
    compare(root, file, program, false)
}

/// Plays a challenge: the start and the solution, each against a fresh app. If there are exchanges
/// before these two, the app gets them first, as in the page.
pub fn challenge(root: &Path, file: &Path, program: &Program) -> Result<Vec<Problem>> {
    compare(root, file, program, true)
}

/// Plays the exchanges of an earlier chapter, unchanged, against a program that promises the same
/// answers. Nothing is recorded.
pub fn unchanged(root: &Path, file: &Path, program: &Program) -> Result<Vec<Problem>> {
    let text = read(root, file)?;
    let exchanges = match exchange::read(&text) {
        Ok(exchanges) => exchanges,
        Err(problem) => return Ok(vec![Problem::new(file, problem.line, problem.message)]),
    };
    let answers = match play(file, &exchanges, &served(program), false)? {
        Ok(answers) => answers,
        Err(problem) => return Ok(vec![problem]),
    };
    if let Some(problem) = page_differs(file, &exchanges, &answers, program, false)? {
        return Ok(vec![problem]);
    }
    let answers: Vec<String> = answers.into_iter().map(|answer| answer.text).collect();
    let advice = format!(
        "The program `{}` promises these answers unchanged. Fix its code",
        program.name
    );
    Ok(differences(file, &exchanges, &answers, &advice).unwrap_or_default())
}

/// Plays the exchanges of a file that each page shows, in the sequence of the page, because a
/// reader sends them in that sequence. An exchange that is moved up may get another answer than
/// the recorded one.
pub fn as_shown(
    root: &Path,
    file: &Path,
    program: &Program,
    shown: &[Shown],
) -> Result<Vec<Problem>> {
    let Ok(told) = exchange::read(&read(root, file)?) else {
        return Ok(Vec::new()); // `story` reports it
    };
    let mut pages: BTreeMap<&Path, Vec<Exchange>> = BTreeMap::new();
    for block in shown
        .iter()
        .filter(|block| block.file == file && block.kind == "http")
    {
        let sent = told
            .iter()
            .filter(|exchange| !exchange.server && block.lines.contains(&exchange.line));
        pages.entry(&block.page).or_default().extend(sent.cloned());
    }
    let mut problems = Vec::new();
    for (page, exchanges) in pages {
        let answers = match play(file, &exchanges, &program.app, false)? {
            Ok(answers) => answers,
            Err(problem) => return Ok(vec![problem]),
        };
        let answers: Vec<String> = answers.into_iter().map(|answer| answer.text).collect();
        let advice = format!(
            "{} shows the exchanges in another sequence. Use the same one in both",
            slashes(page)
        );
        problems.extend(differences(file, &exchanges, &answers, &advice).unwrap_or_default());
    }
    Ok(problems)
}

pub(crate) fn read(root: &Path, file: &Path) -> Result<String> {
    let text = fs::read_to_string(root.join(file))
        .with_context(|| format!("reading {}", slashes(file)))?;
    Ok(text.replace("\r\n", "\n"))
}

fn compare(root: &Path, file: &Path, program: &Program, challenge: bool) -> Result<Vec<Problem>> {
    let text = read(root, file)?;
    let at = |problem: live::Problem| Problem::new(file, problem.line, problem.message);
    let exchanges = match exchange::read(&text) {
        Ok(exchanges) => exchanges,
        Err(problem) => return Ok(vec![at(problem)]),
    };
    let answers = match play(file, &exchanges, &served(program), challenge)? {
        Ok(answers) => answers,
        Err(problem) => return Ok(vec![problem]),
    };
    if let Some(problem) = page_differs(file, &exchanges, &answers, program, challenge)? {
        return Ok(vec![problem]);
    }
    let answers: Vec<String> = answers.into_iter().map(|answer| answer.text).collect();
    let recorded = match exchange::record(&text, &answers) {
        Ok(recorded) => recorded,
        Err(problem) => return Ok(vec![at(problem)]),
    };
    if recorded == text {
        return Ok(Vec::new());
    }
    if snapshots::overwrite(root) {
        fs::write(root.join(file), recorded)?;
        return Ok(Vec::new());
    }
    Ok(differences(file, &exchanges, &answers, snapshots::RECORD)
        .unwrap_or_else(|| vec![whole(file, &text, &recorded)]))
}

/// Makes the program's app with the layers that a server adds.
pub(crate) fn served(program: &Program) -> impl Fn() -> Router + Clone + Send + use<> {
    let program = *program;
    move || program.served()
}

/// In the page, the app runs without the layers that a server adds. Every exchange that is not
/// marked `(server)` must get the same answer there.
fn page_differs(
    file: &Path,
    exchanges: &[Exchange],
    answers: &[Answer],
    program: &Program,
    challenge: bool,
) -> Result<Option<Problem>> {
    let (of_page, wanted): (Vec<Exchange>, Vec<&Answer>) = exchanges
        .iter()
        .cloned()
        .zip(answers)
        .filter(|(exchange, _)| !exchange.server)
        .unzip();
    let found = match play(file, &of_page, &program.app, challenge)? {
        Ok(found) => found,
        Err(problem) => return Ok(Some(problem)),
    };
    let mut pairs = of_page.iter().zip(wanted.iter().zip(&found));
    Ok(pairs
        .find(|(_, (wanted, found))| wanted.text != found.text)
        .map(|(exchange, (wanted, found))| {
            let message = format!(
                "\"{}\" gets another answer in a page than from a server. Mark its title with \
                 (server), or let both answer the same\n{}",
                exchange.title,
                snapshots::diff(&lines(&wanted.text), &lines(&found.text))
            );
            Problem::new(file, exchange.line, message)
        }))
}

thread_local! {
    /// Whether an exchange on this thread may panic.
    pub(crate) static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Keeps the panics of exchanges out of the output of the tests: their answers are compared.
pub(crate) fn expect_panics() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if !QUIET.get() {
                print(panic);
            }
        }));
    });
}

/// How long an answer may take on the paused clock: longer than any timeout of an app.
const PATIENCE: Duration = Duration::from_secs(3600);

/// Sends every request. One that can't be sent is a problem of its line. Tokio's clock is paused and
/// jumps to the next timer, so that timeouts take no time.
fn play(
    file: &Path,
    exchanges: &[Exchange],
    app: &(impl Fn() -> Router + Clone + Send + 'static),
    challenge: bool,
) -> Result<Result<Vec<Answer>, Problem>> {
    expect_panics();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()?;
    let mut session = Session::with(app.clone());
    Ok(runtime.block_on(async {
        let mut answers = Vec::new();
        for (position, exchange) in exchanges.iter().enumerate() {
            if challenge && position + 1 == exchanges.len() {
                session.reset();
                for first in exchanges.iter().rev().skip(2).rev() {
                    // It was sent before the start, so a problem with it was reported.
                    let _ = session.send(&first.request).await;
                }
            }
            QUIET.set(exchange.server);
            let answer = timeout(PATIENCE, session.send(&exchange.request)).await;
            QUIET.set(false);
            let answer = answer.map_err(|_| {
                let message = format!("\"{}\" is never answered. Fix its code", exchange.title);
                Problem::new(file, exchange.line, message)
            })?;
            answers.push(answer.map_err(|problem| {
                Problem::new(file, exchange.line + problem.line, problem.message)
            })?);
        }
        Ok(answers)
    }))
}

/// Plays the exchanges up to the one with a title, and returns its answer.
pub fn until(
    file: &Path,
    exchanges: &[Exchange],
    program: &Program,
    title: &str,
) -> Result<Result<Answer, Problem>> {
    let Some(last) = exchanges
        .iter()
        .position(|exchange| exchange.title == title)
    else {
        return Ok(Err(Problem::new(
            file,
            1,
            format!("there is no exchange \"{title}\" here. Name one that there is"),
        )));
    };
    let answers = play(file, &exchanges[..=last], &served(program), false)?;
    Ok(answers.map(|mut answers| {
        answers
            .pop()
            .expect("one answer came for each of at least one request")
    }))
}

/// One problem for every exchange with another answer; `None` if only the text between the answers
/// differs.
fn differences(
    file: &Path,
    exchanges: &[Exchange],
    answers: &[String],
    advice: &str,
) -> Option<Vec<Problem>> {
    let problems: Vec<Problem> = exchanges
        .iter()
        .zip(answers)
        .filter_map(|(exchange, now)| {
            let recorded = exchange.answer.as_deref()?;
            (recorded.trim_end() != now.trim_end()).then(|| {
                let line = exchange.answer_lines.start + snapshots::first_difference(recorded, now);
                let message = format!(
                    "the response to \"{}\" is not the recorded one. {advice}\n{}",
                    exchange.title,
                    snapshots::diff(&lines(recorded), &lines(now))
                );
                Problem::new(file, line, message)
            })
        })
        .collect();
    (!problems.is_empty()).then_some(problems)
}

fn lines(answer: &str) -> String {
    answer.trim_end().to_owned() + "\n"
}

fn whole(file: &Path, text: &str, recorded: &str) -> Problem {
    let message = format!(
        "this is not how the answers are recorded. {}\n{}",
        snapshots::RECORD,
        snapshots::diff(text, recorded)
    );
    Problem::new(file, snapshots::first_difference(text, recorded), message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_changed_is_told_and_not_recorded() -> Result<()> {
        let root = tempfile::tempdir()?;
        let file = Path::new("shop.http");
        let text = "### Tea\nGET /menu/tea HTTP/1.1\n\nHTTP/1.1 204 No Content\n";
        fs::write(root.path().join(file), text)?;
        let program = code::program("requests").context("there is that program")?;
        let problems = unchanged(root.path(), file, program)?;
        assert_eq!((problems.len(), problems[0].line), (1, 4));
        let advice = "The program `requests` promises these answers unchanged. Fix its code";
        assert!(problems[0].message.contains(advice), "{}", problems[0]);
        assert_eq!(fs::read_to_string(root.path().join(file))?, text);
        Ok(())
    }
}
