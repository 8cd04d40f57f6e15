//! Runs the commands of a transcript again, and compares what they print.
//!
//! A transcript shows a reader's terminal: lines `$ command`, each followed by the lines that the
//! command printed. A command that ends in `\` continues in the next line. A server keeps running
//! while the next commands run, until a line `^C`. Commands are run without a shell and without
//! Cargo: `cargo chapter NAME` is the program that Cargo built. It gets a free port, which the
//! record shows as the one that the transcript names.
//!
//! A first line `# in code/shop` says that the reader is in a project of their own, which the
//! package in that folder stands for. There, `cargo run` runs the package's program, and
//! `cargo run --example NAME` an example of it, in the transcript's own folder. `NAME=value`
//! before the command is in the environment of that program. It gets its address by
//! `SHOP_ADDRESS`, so that its port is free; a program that binds a fixed port gets that one.
//!
//! There, `cp -r code/shop FOLDER` and `cd FOLDER` change nothing: the copy is what the package
//! stands for.
//!
//! `# in code/first-server, with examples/NAME.rs as src/main.rs` says that the reader has edited
//! `src/main.rs`: there, `cargo run` runs that example.
//!
//! After `cargo new` and `cd`, the reader is in a new project, in which Cargo itself runs. The lines
//! that Cargo prints to `cargo run` and `cargo add` are left out, because they change with every
//! release. The project's manifest must become that of the package in `code` with its name.
//!
//! `curl … &` keeps running while the next commands run, and has ended after the next `^C`.
//!
//! A line `# ANCHOR: name` or `# ANCHOR_END: name` lets a page show a part of the transcript.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Result;
use site::chapters::anchors::Problem;

use crate::artifacts::{self, Build};
use crate::exercises::{self, Progress};
use crate::snapshots;
use steps::{Step, read};
use terminal::{Busy, Terminal};

mod redact;
mod steps;
mod terminal;

/// The result of running a transcript.
pub enum Outcome {
    /// It printed the recorded lines.
    Same,
    /// It printed something else, or could not be run.
    Differs(Problem),
    /// It was not run, for this reason: a program is missing that a newcomer may do without, or a
    /// reader has changed what it shows.
    LeftOut(String),
}

/// Runs a transcript and compares it with its record.
///
/// Cargo builds no examples if some tests are named. Transcripts that need one are left out then.
pub fn check(root: &Path, file: &Path, build: &Build, some_are_named: bool) -> Result<Outcome> {
    let text = fs::read_to_string(root.join(file))?.replace("\r\n", "\n");
    let (project, steps) = match read(&text) {
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
    if !cfg!(target_os = "linux") && text.contains("Os { code: ") {
        return Ok(Outcome::LeftOut(
            "it shows an error number of Linux".to_owned(),
        ));
    }
    let package = project
        .map(|project| artifacts::package(root, project.folder))
        .transpose()?;
    let examples = steps.iter().filter_map(|step| example(&step.words));
    let examples = examples.chain(project.and_then(|project| project.main));
    for name in examples.filter(|_| some_are_named) {
        let found = match &package {
            Some(package) => build.project(root, package, Some(name)),
            None => build.example(root, name),
        };
        if let Err(stale) = found {
            return Ok(Outcome::LeftOut(format!("{stale:#}")));
        }
    }
    if let Some(reason) = begun(root, &steps, build)? {
        return Ok(Outcome::LeftOut(reason));
    }
    let project = project.zip(package.as_deref());
    let mut terminal = Terminal::new(root, file, build, project)?;
    for step in &steps {
        if let Err(error) = terminal.run(step) {
            if let Some(Busy(port)) = error.downcast_ref() {
                let reason = format!("another program listens on port {port}");
                return Ok(Outcome::LeftOut(reason));
            }
            let message = format!("`{}`: {error:#}", step.shown);
            return Ok(Outcome::Differs(Problem::new(file, step.line, message)));
        }
    }
    if let Some(problem) = terminal.not_as_in_code()? {
        return Ok(Outcome::Differs(problem));
    }
    let made = terminal.text();
    Ok(match snapshots::compare(root, file, &made) {
        None => Outcome::Same,
        Some(problem) => Outcome::Differs(problem),
    })
}

/// Why a transcript with an exercise is left out: a reader has written in the exercise, so its
/// checks have other results.
fn begun(root: &Path, steps: &[Step], build: &Build) -> Result<Option<String>> {
    for step in steps {
        let [cargo, exercise, name] = step.words.as_slice() else {
            continue;
        };
        if [cargo, exercise] != ["cargo", "exercise"] {
            continue;
        }
        match exercises::progress(root, name, build)? {
            Progress::Solved => return Ok(Some(format!("the exercise `{name}` is solved"))),
            Progress::Some if !snapshots::overwrite(root) => {
                return Ok(Some(format!("the exercise `{name}` is begun")));
            }
            _ => {}
        }
    }
    Ok(None)
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
