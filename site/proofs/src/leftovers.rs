//! What `code` holds and no chapter shows: an anchor, a sample, an exchange.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use site::anchors::{Anchor, Problem, Source};

use crate::blocks::Report;
use crate::output;

/// Everything that is left over, and every anchor that is not right.
pub fn check(root: &Path, report: &Report) -> io::Result<Vec<Problem>> {
    let mut problems = Vec::new();
    let compared = compared(root, report);
    for file in files(root, "code")? {
        // A picture has no anchors.
        let Ok(source) = Source::read(root, &file) else {
            continue;
        };
        problems.extend(source.problems.iter().cloned());
        if is_sample(&file) && !report.named.iter().any(|(named, _)| *named == file) {
            problems.push(Problem::new(
                &file,
                1,
                "no chapter shows this file. Include it in one, or remove it",
            ));
            continue;
        }
        problems.extend(unshown_anchors(&source, report, &compared));
        if is_story(&file) {
            problems.extend(unshown_exchanges(root, &source, report)?);
        }
        if file
            .extension()
            .is_some_and(|extension| extension == "stderr")
            && !root.join(file.with_extension("rs")).is_file()
        {
            problems.push(Problem::new(
                &file,
                1,
                "this is the message of a sample that is not there. Name it after a sample of \
                 code/fails, or remove it",
            ));
        }
        if file.starts_with("code/exchanges/challenges") {
            problems.extend(challenged_once(&file, report));
        }
    }
    Ok(problems)
}

/// Every file below a folder, from the root, in the order of their names. No folder, no files.
pub fn files(root: &Path, folder: &str) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(root.join(&folder)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            if entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            if entry.file_type()?.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The sides of every difference that a chapter shows: what a page compares, it shows as well.
fn compared(root: &Path, report: &Report) -> BTreeSet<(PathBuf, Option<String>)> {
    let is_diff = |file: &Path| {
        file.extension()
            .is_some_and(|extension| extension == "diff")
    };
    let shown = report.shown.iter().filter(|shown| is_diff(&shown.file));
    let texts = shown.filter_map(|shown| fs::read_to_string(root.join(&shown.file)).ok());
    texts.flat_map(|text| output::sides(&text)).collect()
}

/// An anchor that holds another shows it too; so does a mark.
fn unshown_anchors(
    source: &Source,
    report: &Report,
    compared: &BTreeSet<(PathBuf, Option<String>)>,
) -> Vec<Problem> {
    let shown: BTreeSet<usize> = report
        .shown
        .iter()
        .filter(|shown| shown.file == source.file)
        .flat_map(|shown| shown.lines.iter().copied())
        .collect();
    let is_shown = |anchor: &Anchor| {
        let named = (source.file.clone(), Some(anchor.name.clone()));
        report.named.contains(&named)
            || compared.contains(&named)
            || shown.range(anchor.opened..anchor.closed).next().is_some()
    };
    source
        .anchors
        .iter()
        .filter(|anchor| !is_shown(anchor))
        .map(|anchor| {
            let message = format!(
                "no chapter shows the anchor `{}`. Include it in one, or remove its comments",
                anchor.name
            );
            Problem::new(&source.file, anchor.opened, message)
        })
        .collect()
}

/// Whether a file is there to be shown.
fn is_sample(file: &Path) -> bool {
    let extension = file.extension().unwrap_or_default();
    let under = |folder: &str| file.starts_with(Path::new("code").join(folder));
    let name = file.file_name().unwrap_or_default();
    if under("src") {
        // What joins the modules, and the programs that the readers run, are nobody's sample.
        return extension == "rs" && name != "lib.rs" && !under("src/bin") && !house(file);
    }
    if under("fails") {
        return extension == "rs";
    }
    if under("exercises") {
        return name == "exercise.rs" || name == "solution.rs";
    }
    if under("exchanges") {
        return extension == "http" && name != "ledger.http";
    }
    ["examples", "transcripts", "output", "diagrams"]
        .iter()
        .any(|folder| under(folder))
}

/// The module that reports on exercises is the house's.
fn house(file: &Path) -> bool {
    file == Path::new("code/src/exercise.rs")
}

/// Whether a file holds exchanges that chapters tell one by one.
fn is_story(file: &Path) -> bool {
    file.starts_with("code/exchanges")
        && file
            .extension()
            .is_some_and(|extension| extension == "http")
        && !file.starts_with("code/exchanges/challenges")
        && !file.ends_with("ledger.http")
}

fn unshown_exchanges(root: &Path, source: &Source, report: &Report) -> io::Result<Vec<Problem>> {
    let file = &source.file;
    let text = fs::read_to_string(root.join(file))?;
    let exchanges = match live::exchange::read(&text) {
        Ok(exchanges) => exchanges,
        Err(problem) => return Ok(vec![Problem::new(file, problem.line, problem.message)]),
    };
    let told = |line: usize| {
        let in_named = source.anchors.iter().any(|anchor| {
            let named = (file.clone(), Some(anchor.name.clone()));
            (anchor.opened..anchor.closed).contains(&line) && report.named.contains(&named)
        });
        in_named || report.named.contains(&(file.clone(), None))
    };
    Ok(exchanges
        .iter()
        .filter(|exchange| !told(exchange.line))
        .map(|exchange| {
            Problem::new(
                file,
                exchange.line,
                format!(
                    "no chapter tells the exchange \"{}\". Put it in an anchor that one \
                     includes, or remove it",
                    exchange.title
                ),
            )
        })
        .collect())
}

fn challenged_once(file: &Path, report: &Report) -> Option<Problem> {
    let pages: Vec<String> = report
        .shown
        .iter()
        .filter(|shown| shown.challenge && shown.file == file)
        .map(|shown| format!("{}:{}", site::anchors::slashes(&shown.page), shown.line))
        .collect();
    (pages.len() > 1).then(|| {
        Problem::new(
            file,
            1,
            format!(
                "this is the solution of more than one challenge ({}). Give each a file of its own",
                pages.join(", ")
            ),
        )
    })
}
