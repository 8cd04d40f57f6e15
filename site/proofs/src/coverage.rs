//! Lines that a page shows and no test runs, from a report of `llvm-cov export --format=lcov`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::walk::Shown;
use crate::{exercises, links};

/// How often each executable line of each file ran; files from the root.
pub type Runs = BTreeMap<PathBuf, BTreeMap<usize, u64>>;

/// Reads a report. If several programs report a line, their counts are added.
pub fn read(lcov: &str, root: &Path) -> Runs {
    let mut runs = Runs::new();
    let mut file = None;
    for line in lcov.lines() {
        if let Some(path) = line.strip_prefix("SF:") {
            // A test that includes an example with `#[path = "../examples/a.rs"]` is reported as
            // `tests/../examples/a.rs`.
            let path = Path::new(path).strip_prefix(root).ok();
            file = path
                .and_then(Path::to_str)
                .map(|path| links::join(Path::new(""), path));
        } else if let (Some(data), Some(file)) = (line.strip_prefix("DA:"), &file)
            && let Some((number, count)) = ran(data)
        {
            *runs
                .entry(file.clone())
                .or_default()
                .entry(number)
                .or_default() += count;
        }
    }
    runs
}

/// Forgets the lines that only close a call and have its `?`, such as `)?;`. LLVM counts such a line
/// only when the `?` returns early; the call itself is counted on the lines above. Also forgets
/// functions without a body.
pub fn forget_lines_that_cannot_run(runs: &mut Runs, root: &Path) -> io::Result<()> {
    for (file, counts) in runs {
        let text = fs::read_to_string(root.join(file))?;
        for (number, line) in (1..).zip(text.lines()) {
            if only_closes(line) || is_empty_function(line) {
                counts.remove(&number);
            }
        }
    }
    Ok(())
}

/// Whether a line is a function without a body, such as one that only carries an attribute: it has
/// nothing that a test could run.
fn is_empty_function(line: &str) -> bool {
    let line = line.trim();
    (line.starts_with("fn ") || line.starts_with("pub fn ")) && line.ends_with("() {}")
}

fn only_closes(line: &str) -> bool {
    let line = line.trim();
    line.contains('?') && line.chars().all(|letter| ")]}?;,".contains(letter))
}

/// `LINE,COUNT`, and a checksum that older versions add.
fn ran(data: &str) -> Option<(usize, u64)> {
    let mut parts = data.split(',');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// How much of the shown Rust the tests ran.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// How many executable lines pages show.
    pub executable: usize,
    /// The ones that no test runs.
    pub idle: Vec<(PathBuf, usize)>,
}

/// Looks up every line of Rust that a page shows. Samples that must not compile can't run, and
/// an exercise has lines that run only when a reader has finished it. Its solution is looked up.
pub fn of(blocks: &[Shown], runs: &Runs) -> Coverage {
    let mut shown: Vec<(&Path, usize)> = blocks
        .iter()
        .filter(|shown| shown.kind == "rust" && !exercises::is_start(&shown.file))
        .flat_map(|shown| shown.lines.iter().map(|line| (shown.file.as_path(), *line)))
        .collect();
    shown.sort_unstable();
    shown.dedup();
    let mut coverage = Coverage::default();
    for (file, line) in shown {
        let Some(count) = runs.get(file).and_then(|lines| lines.get(&line)) else {
            continue;
        };
        coverage.executable += 1;
        if *count == 0 {
            coverage.idle.push((file.to_path_buf(), line));
        }
    }
    coverage
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_shown_lines_that_did_not_run_are_told() {
        let lcov = "SF:/r/code/src/a.rs\nDA:1,0\nDA:2,3\nDA:3,0\nDA:4,0\nend_of_record\n\
                    SF:/r/code/src/a.rs\nDA:3,1\nend_of_record\nSF:/else/b.rs\nDA:1,0\n";
        let blocks = [Shown {
            page: "src/a.md".into(),
            line: 1,
            kind: "rust".into(),
            challenge: false,
            file: "code/src/a.rs".into(),
            anchor: None,
            lines: vec![2, 3, 4, 5],
        }];
        let coverage = of(&blocks, &read(lcov, Path::new("/r")));
        assert_eq!(coverage.executable, 3);
        assert_eq!(coverage.idle, [(PathBuf::from("code/src/a.rs"), 4)]);
    }

    #[test]
    fn an_exercise_is_not_looked_up_but_its_solution_is() {
        let files = ["exercise.rs", "solution.rs"];
        let files = files.map(|name| Path::new("code/exercises/menu").join(name));
        let runs = files.iter().cloned().map(|file| (file, [(1, 0)].into()));
        let blocks = files.clone().map(|file| Shown {
            page: "src/a.md".into(),
            line: 1,
            kind: "rust".into(),
            challenge: false,
            file,
            anchor: None,
            lines: vec![1],
        });
        let coverage = of(&blocks, &runs.collect());
        assert_eq!(coverage.idle, [(files[1].clone(), 1)]);
    }

    #[test]
    fn a_file_that_a_test_includes_counts_as_the_file_itself() {
        let lcov = "SF:/r/code/examples/a.rs\nDA:1,0\nend_of_record\n\
                    SF:/r/code/tests/../examples/a.rs\nDA:1,2\nend_of_record\n";
        let expected = Runs::from([("code/examples/a.rs".into(), [(1, 2)].into())]);
        assert_eq!(read(lcov, Path::new("/r")), expected);
    }

    #[test]
    fn a_line_that_has_nothing_to_run_is_forgotten() -> io::Result<()> {
        let root = tempfile::tempdir()?;
        fs::write(
            root.path().join("a.rs"),
            "call(\n    1,\n)?;\nother()?;\nfn empty() {}\n",
        )?;
        let counts = [(1, 1), (2, 0), (3, 0), (4, 0), (5, 0)];
        let mut runs = Runs::from([("a.rs".into(), counts.into())]);
        forget_lines_that_cannot_run(&mut runs, root.path())?;
        let left = [(1, 1), (2, 0), (4, 0)];
        assert_eq!(runs, Runs::from([("a.rs".into(), left.into())]));
        Ok(())
    }
}
