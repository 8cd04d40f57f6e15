//! `code/output`: the output of programs and tests, and the differences between files.
//!
//! Every run of the tests makes each file there again.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use similar::TextDiff;
use site::chapters::anchors::{Problem, Source};
use site::workspace::slashes;

use crate::walk::{files, stem};
use crate::{five_requests, snapshots};

/// The table of blocks by language, which the chapter on the proofs shows.
pub const BLOCKS: &str = "code/output/how-this-guide-is-tested/blocks.txt";

/// Some of the ways to break a proof, each with the message for the author, for the same chapter.
pub const BREAKAGES: &str = "code/output/how-this-guide-is-tested/breakages.txt";

/// Makes a `.diff` again. Its first two lines name the two sides, each a file of `code` or an
/// anchor of one: `--- code/src/requests.rs:sold-out` and `+++ code/src/structure.rs:sold-out`.
pub fn difference(root: &Path, file: &Path) -> io::Result<Option<Problem>> {
    let recorded = fs::read_to_string(root.join(file))?;
    let mut lines = recorded.lines();
    let sides = (
        lines.next().and_then(|line| line.strip_prefix("--- ")),
        lines.next().and_then(|line| line.strip_prefix("+++ ")),
    );
    let (Some(before), Some(after)) = sides else {
        return Ok(Some(Problem::new(
            file,
            1,
            "a difference is made from two files. Let the first two lines name them: \
             `--- code/src/A.rs:anchor` and `+++ code/src/B.rs:anchor`",
        )));
    };
    let (old, new) = match (side(root, before), side(root, after)) {
        (Ok(old), Ok(new)) => (old, new),
        (Err(message), _) => return Ok(Some(Problem::new(file, 1, message))),
        (_, Err(message)) => return Ok(Some(Problem::new(file, 2, message))),
    };
    let made = TextDiff::from_lines(&old, &new)
        .unified_diff()
        .header(before, after)
        .to_string();
    Ok(snapshots::compare(root, file, &made))
}

fn side(root: &Path, name: &str) -> Result<String, String> {
    let (file, anchor) = parts(name);
    let source = Source::read(root, file)
        .map_err(|error| format!("{file} cannot be read ({error}). Name another file"))?;
    let lines = source
        .shown(anchor)
        .map_err(|unshown| unshown.at(file, 1).to_string())?;
    Ok(lines
        .iter()
        .map(|line| format!("{}\n", line.text))
        .collect())
}

/// The files that a difference is made from, each with its anchor.
pub(crate) fn sides(text: &str) -> Vec<(PathBuf, Option<String>)> {
    let named = text.lines().zip(["--- ", "+++ "]);
    named
        .filter_map(|(line, sign)| line.strip_prefix(sign))
        .map(|name| {
            let (file, anchor) = parts(name);
            (PathBuf::from(file), anchor.map(str::to_owned))
        })
        .collect()
}

/// A file, and the anchor that follows it after a colon.
fn parts(name: &str) -> (&str, Option<&str>) {
    match name.split_once(':') {
        Some((file, anchor)) => (file, Some(anchor)),
        None => (name, None),
    }
}

/// Files of `code/output` that nothing makes: each must be a table of the five requests, the output
/// of a program or a difference, or a test must name it by its path below `code`.
pub fn unmade(root: &Path) -> io::Result<Vec<Problem>> {
    let mut tests = String::new();
    for file in files(root, "code/tests")? {
        tests += &fs::read_to_string(root.join(file)).unwrap_or_default();
    }
    let tables = five_requests::tables(root)?;
    let mut problems = Vec::new();
    for file in files(root, "code/output")? {
        let below_code = slashes(file.strip_prefix("code").unwrap_or(&file));
        let example = Path::new("code/examples")
            .join(stem(&file))
            .with_extension("rs");
        let made = tables.contains(&file)
            || [BLOCKS, BREAKAGES, five_requests::SIDE_BY_SIDE]
                .map(Path::new)
                .contains(&&*file)
            || file
                .extension()
                .is_some_and(|extension| extension == "diff")
            || root.join(example).is_file()
            || tests.contains(&below_code);
        if !made {
            problems.push(Problem::new(
                file,
                1,
                format!(
                    "nothing makes this file. Name it after the program of code/examples that \
                     prints it, or let a test of code/tests compare `{below_code}`"
                ),
            ));
        }
    }
    Ok(problems)
}
