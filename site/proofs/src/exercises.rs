//! Exercises: each starts unsolved, and a reader who has written in one finds every other test as
//! it was.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use site::chapters::anchors::Problem;

use crate::artifacts::Build;
use crate::walk::files;

/// How far a reader has come with an exercise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// The start is as it was committed, or no git says otherwise.
    None,
    /// The start has changed, and some checks are not met.
    Some,
    /// Every check is met.
    Solved,
}

/// The names of the exercises.
pub fn names(root: &Path) -> io::Result<Vec<String>> {
    let files = files(root, "code/exercises")?;
    let starts = files.iter().filter(|file| is_start(file));
    let names = starts.filter_map(|file| file.parent()?.file_name()?.to_str());
    Ok(names.map(str::to_owned).collect())
}

/// The file that a reader of the exercise writes in.
pub fn start(name: &str) -> PathBuf {
    Path::new("code/exercises").join(name).join("exercise.rs")
}

/// Whether a file is the start of an exercise.
pub fn is_start(file: &Path) -> bool {
    file.starts_with("code/exercises") && file.ends_with("exercise.rs")
}

/// Runs the checks of an exercise as `cargo exercise` does.
pub fn progress(root: &Path, name: &str, build: &Build) -> Result<Progress> {
    let program = build.program(root, "exercise")?;
    let output = Command::new(program).arg(name).output()?;
    Ok(if output.status.success() {
        Progress::Solved
    } else if is_edited(root, &start(name)) {
        Progress::Some
    } else {
        Progress::None
    })
}

/// Whether a file differs from the one that was committed. Without git, nobody knows.
pub fn is_edited(root: &Path, file: &Path) -> bool {
    Command::new("git")
        .current_dir(root)
        .args(["diff", "--quiet", "HEAD", "--"])
        .arg(file)
        .output()
        .is_ok_and(|output| output.status.code() == Some(1))
}

/// The words for a start that meets every check: praise for a reader, a mistake for an author.
pub fn solved(name: &str) -> Problem {
    let file = start(name);
    let message = format!(
        "you have solved this exercise: the file meets every check. Nothing is wrong. It must \
         start unsolved for the next reader, and `git restore {}` brings the start back",
        site::workspace::slashes(&file)
    );
    Problem::new(file, 1, message)
}
