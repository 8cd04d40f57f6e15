//! Proves what the pages show: which block comes from where, what was run, and what is left over.
//!
//! The tests in `tests/proofs` call what stands here on the repository itself, and on copies of
//! a small book that are broken on purpose.

use std::path::{Path, PathBuf};

use walk::Walk;

pub use site::chapters::anchors::Problem;
pub use site::workspace::slashes;

pub mod artifacts;
pub mod blocks;
pub mod coverage;
pub mod diagrams;
pub mod exercises;
pub mod fails;
pub mod five_requests;
pub mod html;
pub mod leftovers;
pub mod links;
pub mod lock;
pub mod output;
pub mod programs;
pub mod recordings;
pub mod replay;
mod rules;
pub mod searches;
pub mod sentences;
pub mod snapshots;
pub mod transcripts;
pub mod walk;

/// The root of the repository.
pub fn root() -> PathBuf {
    // Not made canonical: on Windows that is a form that mdBook's includes cannot go up from.
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

/// Everything that is wrong with the chapters and with the files that they show: blocks, leftovers
/// and the contents.
pub fn check(walk: &Walk) -> Vec<Problem> {
    let mut problems = blocks::check(walk);
    problems.extend(links::summary(walk));
    problems.extend(leftovers::check(walk));
    problems.sort_by(|a, b| (&a.file, a.line, &a.message).cmp(&(&b.file, b.line, &b.message)));
    problems.dedup();
    problems
}

/// All problems as the text of one test's error, or nothing.
pub fn verdict<'a>(problems: impl IntoIterator<Item = &'a Problem>) -> Result<(), String> {
    let lines: Vec<String> = problems.into_iter().map(ToString::to_string).collect();
    if lines.is_empty() {
        Ok(())
    } else {
        Err(lines.join("\n"))
    }
}
