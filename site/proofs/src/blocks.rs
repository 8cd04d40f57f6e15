//! Walks the chapters and finds what is not proven: a block in the wrong place or from the wrong
//! file, raw code, an include in prose.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use site::anchors::{Line, Problem, Source, included_file, slashes};
use site::blocks::{Block, Container, Fence};

use crate::rules::{self, Origin};
use crate::{html, leftovers, links};

/// How many lines a block shows at most.
pub const LONGEST: usize = 25;

/// What may stand round a block, with blank lines round the fence.
const WELCOME: [&str; 4] = ["aside", "details", "figure", "section"];

/// What shows text as code without being a fence.
const RAW_CODE: [&str; 7] = [
    "pre",
    "code",
    "samp",
    "xmp",
    "listing",
    "plaintext",
    "textarea",
];

/// What a walk of the chapters found.
#[derive(Debug, Default)]
pub struct Report {
    /// What is not proven, by file and line.
    pub problems: Vec<Problem>,
    /// Every block that is.
    pub shown: Vec<Shown>,
    /// What every block names, proven or not, as file and anchor.
    pub named: BTreeSet<(PathBuf, Option<String>)>,
}

impl Report {
    /// How many blocks there are of each language, and how many problems.
    pub fn summary(&self) -> String {
        let counts: Vec<String> = self
            .languages()
            .iter()
            .map(|(language, count)| format!("{count} {language}"))
            .collect();
        format!(
            "{} blocks ({}), {} unproven",
            self.shown.len(),
            counts.join(", "),
            self.problems.len()
        )
    }

    /// The same counts, a language a line, for the chapter that tells of the proofs.
    pub fn table(&self) -> String {
        let mut table = String::new();
        for (language, count) in self.languages() {
            table += &format!("{count:4}  {language}\n");
        }
        table + &format!("{:4}  blocks in all\n", self.shown.len())
    }

    fn languages(&self) -> BTreeMap<&str, usize> {
        let mut languages = BTreeMap::new();
        for shown in &self.shown {
            *languages.entry(shown.kind.as_str()).or_default() += 1;
        }
        languages
    }

    /// The problems of one file.
    pub fn of<'a>(&'a self, file: &'a Path) -> impl Iterator<Item = &'a Problem> {
        self.problems
            .iter()
            .filter(move |problem| problem.file == file)
    }

    /// The chapters that show something of a file, by name.
    pub fn chapters_of(&self, file: &Path) -> BTreeSet<String> {
        self.shown
            .iter()
            .filter(|shown| shown.file == file)
            .map(|shown| stem(&shown.page))
            .collect()
    }
}

/// A block of a page and what it shows.
#[derive(Debug)]
pub struct Shown {
    /// The page, from the repository's root.
    pub page: PathBuf,
    /// The line of the page that opens the block.
    pub line: usize,
    /// The language, with `compile_fail` where the block says so.
    pub kind: String,
    /// Whether this is a challenge.
    pub challenge: bool,
    /// The file that it shows, from the repository's root.
    pub file: PathBuf,
    /// The anchor, where it is not the whole file.
    pub anchor: Option<String>,
    /// The numbers of the lines that it shows.
    pub lines: Vec<usize>,
}

/// Walks every chapter of the book at `root`, and everything that it could show.
///
/// `compiled` are the files, from the root, that some target is made of.
pub fn check(root: &Path, compiled: &BTreeSet<PathBuf>) -> io::Result<Report> {
    let mut report = Report::default();
    for page in pages(root)? {
        let text = fs::read_to_string(root.join(&page))?;
        let reader = Reader {
            root,
            compiled,
            page: &page,
            text: &text,
        };
        reader.read(&mut report);
    }
    report.problems.extend(links::summary(root)?);
    report.problems.extend(leftovers::check(root, &report)?);
    report
        .problems
        .sort_by(|a, b| (&a.file, a.line, &a.message).cmp(&(&b.file, b.line, &b.message)));
    report.problems.dedup();
    Ok(report)
}

/// Every chapter's file, from the root, in the order of their names.
pub fn pages(root: &Path) -> io::Result<Vec<PathBuf>> {
    let mut pages = leftovers::files(root, "src")?;
    pages.retain(|page| {
        page.extension().is_some_and(|extension| extension == "md")
            && !page.starts_with("src/generated")
            && !page.ends_with("SUMMARY.md")
    });
    Ok(pages)
}

/// The name of a file without its ending.
pub fn stem(file: &Path) -> String {
    file.file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default()
}

struct Reader<'a> {
    root: &'a Path,
    compiled: &'a BTreeSet<PathBuf>,
    page: &'a Path,
    text: &'a str,
}

impl Reader<'_> {
    fn read(&self, report: &mut Report) {
        let blocks = site::blocks::read(self.text);
        for line in site::blocks::stray_includes(self.text, &blocks) {
            report.problems.push(self.problem(
                line,
                "an include outside of a fence. Put it alone between two fences, or write \
                 `\\{{` to show the words",
            ));
        }
        // Of a fence that opens and one that closes, the first one tells.
        for line in html::swallowed_fences(self.text).into_iter().step_by(2) {
            report.problems.push(self.problem(
                line,
                "this fence goes on with the HTML above it, and is no block. Put a blank line \
                 before it and one after it",
            ));
        }
        let pieces = html::pieces(self.text);
        for (line, name) in unclosed(&pieces) {
            let message = format!(
                "<{name}> is never closed, so all that follows stands in it. Add </{name}> after \
                 its last line"
            );
            report.problems.push(self.problem(line, message));
        }
        for piece in pieces {
            if !piece.tag.closing && RAW_CODE.contains(&piece.tag.name.as_str()) {
                let message = format!(
                    "<{}> shows code that nothing proves. Use a fence with an include, or \
                     backticks for a few words",
                    piece.tag.name
                );
                report.problems.push(self.problem(piece.line, message));
            }
        }
        for block in blocks.iter().filter(|block| block.fence != Fence::Pre) {
            report.named.extend(self.named(block));
            match self.judge(block) {
                Ok(shown) => report.shown.push(shown),
                Err(problem) => report.problems.push(problem),
            }
        }
    }

    fn named(&self, block: &Block) -> Option<(PathBuf, Option<String>)> {
        let include = block.include.as_ref().ok()?;
        let file = included_file(self.page, include)?;
        Some((file, include.anchor.clone()))
    }

    fn problem(&self, line: usize, message: impl Into<String>) -> Problem {
        Problem::new(self.page, line, message)
    }

    fn judge(&self, block: &Block) -> Result<Shown, Problem> {
        let here = |message: String| self.problem(block.line, message);
        placed(self.text, block).map_err(here)?;
        let rule = rules::of(block).map_err(here)?;
        let include = block
            .include
            .as_ref()
            .map_err(|why| here(why.to_string()))?;
        let file = included_file(self.page, include).unwrap_or_else(|| include.path.clone());
        self.inside_code(&file).map_err(here)?;
        let origin = Origin {
            file: &file,
            anchor: include.anchor.as_deref(),
            compiled: self.compiled.contains(&file),
        };
        rule(&origin, block).map_err(here)?;
        let source = Source::read(self.root, &file)
            .map_err(|error| here(format!("{} cannot be read: {error}", slashes(&file))))?;
        whole_or_anchor(&source, &origin).map_err(here)?;
        let lines = source
            .shown(include.anchor.as_deref())
            .map_err(|unshown| unshown.at(self.page, block.line))?;
        short_enough(block, &lines).map_err(here)?;
        marks(block, &source, &lines).map_err(here)?;
        if block.language == "http" {
            exchanges(&file, &lines)?;
        }
        Ok(Shown {
            page: self.page.to_path_buf(),
            line: block.line,
            kind: kind(block),
            challenge: block.has("challenge"),
            file,
            anchor: include.anchor.clone(),
            lines: lines.iter().map(|line| line.number).collect(),
        })
    }

    /// Only `code` holds what a page shows; a link that leads out of it does not count.
    fn inside_code(&self, file: &Path) -> Result<(), String> {
        let code = self.root.join("code");
        let real = self.root.join(file).canonicalize();
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
                "there is no file {}. Create it, or mend the path",
                slashes(file)
            )),
        }
    }
}

/// The elements that may hold blocks and that nothing closes, with their lines.
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

/// Whether the block is a fence that starts a line, in a place where mdBook keeps it whole.
fn placed(text: &str, block: &Block) -> Result<(), String> {
    if let Some(container) = block
        .containers
        .iter()
        .find(|container| !matches!(container, Container::Html(_)))
    {
        return Err(format!(
            "this block stands in {container}, where mdBook breaks fences. Let the fence start a \
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
            "this block stands in {element}. Blocks stand at the top of a page or in <aside>, \
             <details>, <figure> or <section>, with blank lines round the fence"
        )),
        None => Ok(()),
    }
}

/// A file with anchors is shown by them; shown whole, its comments would be missed.
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

/// Long blocks are not read. An exchange counts by its longer half; what a page folds or draws
/// does not count.
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
    if longest > LONGEST {
        return Err(format!(
            "this block shows {longest} lines; {LONGEST} are what a reader takes in. Show a \
             smaller anchor, or split it"
        ));
    }
    Ok(())
}

/// What a block marks must be among what it shows.
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

/// A page tells whole exchanges, each with its answer.
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

fn kind(block: &Block) -> String {
    if block.has("compile_fail") {
        format!("{},compile_fail", block.language)
    } else {
        block.language.clone()
    }
}
