//! Finds the blocks that nothing proves: a block in the wrong place or from the wrong file, raw
//! code, an include in prose.

use std::ops::RangeInclusive;
use std::path::Path;

use site::chapters::anchors::{Line, Problem, Source};
use site::chapters::blocks::{Block, Container, Fence};
use site::workspace::slashes;

use crate::rules::{self, Origin};
use crate::walk::{self, Page, Walk};
use crate::{exercises, html};

/// The number of lines that a block may show.
pub const LONGEST: usize = 25;

/// The number of lines that a difference may show: it is long where much has moved, and its
/// lines are those of two blocks.
pub const LONGEST_DIFF: usize = 40;

/// The elements that may stand around a block, with blank lines around the fence.
const WELCOME: [&str; 4] = ["aside", "details", "figure", "section"];

/// The elements that show text as code without being a fence.
const RAW_CODE: [&str; 7] = [
    "pre",
    "code",
    "samp",
    "xmp",
    "listing",
    "plaintext",
    "textarea",
];

/// Finds the unproven blocks of every page.
pub fn check(walk: &Walk) -> Vec<Problem> {
    let pages = walk.pages.iter();
    pages
        .flat_map(|page| Reader { walk, page }.problems())
        .collect()
}

struct Reader<'a> {
    walk: &'a Walk,
    page: &'a Page,
}

impl Reader<'_> {
    fn problems(&self) -> Vec<Problem> {
        let Page { text, blocks, .. } = self.page;
        let mut problems = Vec::new();
        for line in site::chapters::blocks::stray_includes(text, blocks) {
            problems.push(self.problem(
                line,
                "an include outside of a fence. Put it alone between two fences, or write \
                 `\\{{` to show the words",
            ));
        }
        // Of a fence that opens and one that closes, the first one is reported.
        for line in html::swallowed_fences(text).into_iter().step_by(2) {
            problems.push(self.problem(
                line,
                "this fence is a part of the HTML above it, and no block. Put a blank line \
                 before it and one after it",
            ));
        }
        let pieces = html::pieces(text);
        for (line, name) in unclosed(&pieces) {
            let message = format!(
                "<{name}> is never closed, so everything below is inside of it. Add </{name}> after \
                 its last line"
            );
            problems.push(self.problem(line, message));
        }
        for piece in pieces {
            if !piece.tag.closing && RAW_CODE.contains(&piece.tag.name.as_str()) {
                let message = format!(
                    "<{}> shows code that nothing proves. Use a fence with an include, or \
                     backticks for a few words",
                    piece.tag.name
                );
                problems.push(self.problem(piece.line, message));
            }
        }
        let blocks = blocks.iter().filter(|block| block.fence != Fence::Pre);
        problems.extend(blocks.filter_map(|block| self.judge(block).err()));
        problems
    }

    fn problem(&self, line: usize, message: impl Into<String>) -> Problem {
        Problem::new(&self.page.file, line, message)
    }

    fn judge(&self, block: &Block) -> Result<(), Problem> {
        let here = |message: String| self.problem(block.line, message);
        placed(&self.page.text, block).map_err(here)?;
        let rule = rules::of(block).map_err(here)?;
        let include = block
            .include
            .as_ref()
            .map_err(|why| here(why.to_string()))?;
        let (file, anchor) = walk::named(&self.page.file, block)
            .unwrap_or_else(|| (include.path.clone(), include.anchor.clone()));
        self.inside_code(&file).map_err(here)?;
        let origin = Origin {
            file: &file,
            anchor: anchor.as_deref(),
            compiled: self.walk.compiled.contains(&file),
            named_by_a_test: self.walk.is_named_by_a_test(&file),
        };
        rule(&origin, block).map_err(here)?;
        let source = self.walk.sources.get(&file);
        let source =
            source.ok_or_else(|| here(format!("{} is not a text file", slashes(&file))))?;
        whole_or_anchor(source, &origin).map_err(here)?;
        let lines = source
            .shown(anchor.as_deref())
            .map_err(|unshown| unshown.at(&self.page.file, block.line))?;
        // A reader's own solution may be longer than the start that the page shows.
        let own = |file| exercises::is_start(file) && exercises::is_edited(&self.walk.root, file);
        short_enough(block, &lines)
            .or_else(|long| if own(&file) { Ok(()) } else { Err(long) })
            .map_err(here)?;
        marks(block, source, &lines).map_err(here)?;
        if block.language == "http" {
            exchanges(&file, &lines)?;
        }
        Ok(())
    }

    /// A page shows files of `code` only, also where a symbolic link leads elsewhere.
    fn inside_code(&self, file: &Path) -> Result<(), String> {
        let root = &self.walk.root;
        let code = root.join("code");
        let real = root.join(file).canonicalize();
        if !file.starts_with("code") {
            return Err(format!(
                "{} is outside of code/. Move it there, where it is compiled or used, and \
                 include it from there",
                slashes(file)
            ));
        }
        match (real, code.canonicalize()) {
            (Ok(real), Ok(code)) if real.starts_with(&code) => Ok(()),
            (Ok(_), _) => Err(format!(
                "{} leads out of code/ by a symbolic link. Put the file itself there",
                slashes(file)
            )),
            (Err(_), _) => Err(format!(
                "there is no file {}. Create it, or fix the path",
                slashes(file)
            )),
        }
    }
}

/// The elements that may have blocks and are not closed, with their lines.
fn unclosed(pieces: &[html::Piece]) -> Vec<(usize, String)> {
    let mut open: Vec<(usize, String)> = Vec::new();
    let holders = pieces
        .iter()
        .filter(|piece| WELCOME.contains(&piece.tag.name.as_str()));
    for html::Piece { line, tag } in holders {
        if !tag.closing {
            open.push((*line, tag.name.clone()));
        } else if let Some(at) = open.iter().rposition(|(_, name)| *name == tag.name) {
            open.remove(at);
        }
    }
    open
}

/// Checks that the block is a fence at the start of a line, in a place where mdBook keeps it whole.
fn placed(text: &str, block: &Block) -> Result<(), String> {
    if let Some(container) = block
        .containers
        .iter()
        .find(|container| !matches!(container, Container::Html(_)))
    {
        return Err(format!(
            "this block is in {container}, where mdBook breaks fences. Let the fence start a \
             line of its own, after the end of it"
        ));
    }
    match block.fence {
        Fence::Indented => {
            return Err(
                "an indented block has neither language nor proof. Include a file of code/ \
                 between fences of three backticks, or take the spaces away"
                    .to_owned(),
            );
        }
        Fence::Tilde => {
            return Err("this fence is made of tildes. Write it with three backticks".to_owned());
        }
        Fence::Backtick | Fence::Pre => {}
    }
    let start = block.range.start;
    if start > 0 && !text[..start].ends_with('\n') {
        return Err("this fence is indented. Let it start the line".to_owned());
    }
    let source = text[block.range.clone()].trim_end();
    if source.lines().count() < 2 || !source.ends_with("```") {
        return Err("this fence is never closed. End it with three backticks".to_owned());
    }
    let stranger = block.containers.iter().find(
        |container| !matches!(container, Container::Html(name) if WELCOME.contains(&name.as_str())),
    );
    match stranger {
        Some(element) => Err(format!(
            "this block is in {element}. Blocks stand at the top of a page or in <aside>, \
             <details>, <figure> or <section>, with blank lines around the fence"
        )),
        None => Ok(()),
    }
}

/// A file with anchors is not shown whole, because lines with an anchor's comment are left out.
fn whole_or_anchor(source: &Source, origin: &Origin<'_>) -> Result<(), String> {
    if origin.anchor.is_some() {
        return Ok(());
    }
    match source.anchors.first() {
        Some(anchor) => Err(format!(
            "{} has anchors, so it is not shown whole. Name one of them, `{}` for one",
            origin.name(),
            anchor.name
        )),
        None => Ok(()),
    }
}

/// Readers skip long blocks. An exchange counts by its longer half. Blocks that a page folds or
/// draws don't count.
fn short_enough(block: &Block, lines: &[Line]) -> Result<(), String> {
    if block.language == "mermaid" || block.has("message") || block.has("challenge") {
        return Ok(());
    }
    let longest = if block.language == "http" {
        lines
            .split(|line| line.text.starts_with("###") || line.text.starts_with("HTTP/"))
            .map(<[_]>::len)
            .max()
            .unwrap_or_default()
    } else {
        lines.len()
    };
    let most = if block.language == "diff" {
        LONGEST_DIFF
    } else {
        LONGEST
    };
    if longest > most {
        return Err(format!(
            "this block shows {longest} lines; {most} are what a reader takes in. Show a smaller \
             anchor, or split it"
        ));
    }
    Ok(())
}

/// The lines that a block marks must be among those that it shows.
fn marks(block: &Block, source: &Source, lines: &[Line]) -> Result<(), String> {
    if let Some(name) = block.value("mark") {
        let marked = source.anchor(name).is_some_and(|anchor| {
            lines
                .iter()
                .any(|line| (anchor.opened..anchor.closed).contains(&line.number))
        });
        if !marked {
            return Err(format!(
                "`mark={name}` marks no line that is shown. Name an anchor of {} that lies in \
                 the shown one",
                slashes(&source.file)
            ));
        }
    }
    if let Some(wanted) = block.value("line") {
        let shown = |named: RangeInclusive<usize>| {
            !named.is_empty() && *named.start() >= 1 && *named.end() <= lines.len()
        };
        if !block.lines().is_some_and(shown) {
            return Err(format!(
                "`line={wanted}` is no line of this block, which has {}. Count from 1",
                lines.len()
            ));
        }
    }
    Ok(())
}

/// A page shows whole exchanges, each with its answer.
fn exchanges(file: &Path, lines: &[Line]) -> Result<(), Problem> {
    let at = |line: usize| lines.get(line - 1).map_or(1, |line| line.number);
    let text: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    let exchanges = live::exchange::read(&text.join("\n"))
        .map_err(|problem| Problem::new(file, at(problem.line), problem.message))?;
    match exchanges.iter().find(|exchange| exchange.answer.is_none()) {
        Some(exchange) => Err(Problem::new(
            file,
            at(exchange.line),
            format!(
                "\"{}\" is shown without an answer. Run `SNAPSHOTS=overwrite cargo test`, and put \
                 the end of the anchor below what it records",
                exchange.title
            ),
        )),
        None => Ok(()),
    }
}
