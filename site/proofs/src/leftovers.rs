//! Anchors, samples and exchanges in `code` that no chapter shows.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use site::chapters::anchors::{Anchor, Problem, Source};
use site::workspace::slashes;

use crate::output;
use crate::walk::{Named, Walk, is};

/// Everything that is left over, and every anchor that is duplicate or not closed.
pub fn check(walk: &Walk) -> Vec<Problem> {
    let mut problems = Vec::new();
    let compared = compared(walk);
    for (file, source) in &walk.sources {
        problems.extend(source.problems.iter().cloned());
        if is_sample(file) && !walk.named.iter().any(|(named, _)| named == file) {
            problems.push(Problem::new(
                file,
                1,
                "no chapter shows this file. Include it in one, or remove it",
            ));
            continue;
        }
        problems.extend(unshown_anchors(source, walk, &compared));
        if is_story(file) {
            problems.extend(unshown_exchanges(source, walk));
        }
        if is(file, "stderr") && !walk.sources.contains_key(&file.with_extension("rs")) {
            problems.push(Problem::new(
                file,
                1,
                "this is the message of a sample that is not there. Name it after a sample of \
                 code/fails, or remove it",
            ));
        }
        if file.starts_with("code/exchanges/challenges") {
            problems.extend(challenged_once(file, walk));
        }
    }
    problems
}

/// The sides of the differences that a chapter shows: they count as shown.
fn compared(walk: &Walk) -> BTreeSet<Named> {
    let shown = walk.shown.iter().filter(|shown| is(&shown.file, "diff"));
    let texts = shown.filter_map(|shown| fs::read_to_string(walk.root.join(&shown.file)).ok());
    texts.flat_map(|text| output::sides(&text)).collect()
}

/// The anchors that no chapter shows. An anchor around another one shows it too, and so does a
/// mark.
fn unshown_anchors(source: &Source, walk: &Walk, compared: &BTreeSet<Named>) -> Vec<Problem> {
    let shown: BTreeSet<usize> = walk
        .shown
        .iter()
        .filter(|shown| shown.file == source.file)
        .flat_map(|shown| shown.lines.iter().copied())
        .collect();
    let is_shown = |anchor: &Anchor| {
        let named = (source.file.clone(), Some(anchor.name.clone()));
        walk.named.contains(&named)
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

/// Whether a file must be shown.
fn is_sample(file: &Path) -> bool {
    let extension = file.extension().unwrap_or_default();
    let under = |folder: &str| file.starts_with(Path::new("code").join(folder));
    let name = file.file_name().unwrap_or_default();
    if under("src") {
        // The root of the library and the programs that readers run are no samples. A program
        // in a folder of its own is whole, and a chapter may show only a part of its files.
        let whole_program = file.components().count() > 3 && name != "mod.rs";
        return extension == "rs"
            && name != "lib.rs"
            && !under("src/bin")
            && !whole_program
            && !house(file);
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

/// The modules that report on exercises and that put the shop together for the guide are shown
/// nowhere, or in part.
fn house(file: &Path) -> bool {
    ["code/src/exercise.rs", "code/src/shop.rs"]
        .map(Path::new)
        .contains(&file)
}

/// Whether a file has exchanges that chapters show one by one.
fn is_story(file: &Path) -> bool {
    file.starts_with("code/exchanges")
        && is(file, "http")
        && !file.starts_with("code/exchanges/challenges")
        && !file.ends_with("ledger.http")
}

fn unshown_exchanges(source: &Source, walk: &Walk) -> Vec<Problem> {
    let file = &source.file;
    let text = fs::read_to_string(walk.root.join(file)).unwrap_or_default();
    let exchanges = match live::exchange::read(&text) {
        Ok(exchanges) => exchanges,
        Err(problem) => return vec![Problem::new(file, problem.line, problem.message)],
    };
    let told = |line: usize| {
        let in_named = source.anchors.iter().any(|anchor| {
            let named = (file.clone(), Some(anchor.name.clone()));
            (anchor.opened..anchor.closed).contains(&line) && walk.named.contains(&named)
        });
        in_named || walk.named.contains(&(file.clone(), None))
    };
    exchanges
        .iter()
        .filter(|exchange| !told(exchange.line))
        .map(|exchange| {
            Problem::new(
                file,
                exchange.line,
                format!(
                    "no chapter shows the exchange \"{}\". Put it in an anchor that one \
                     includes, or remove it",
                    exchange.title
                ),
            )
        })
        .collect()
}

fn challenged_once(file: &Path, walk: &Walk) -> Option<Problem> {
    let pages: Vec<String> = walk
        .shown
        .iter()
        .filter(|shown| shown.challenge && shown.file == file)
        .map(|shown| format!("{}:{}", slashes(&shown.page), shown.line))
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
