//! The chapters and the samples, read once: the pages with their blocks, what each block names
//! and shows, the contents, and the files of `code` with their anchors.
//!
//! Every proof is a question to this walk. Nothing here judges.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use site::chapters::anchors::Source;

use site::chapters::blocks::{self, Block, Fence, included_file};
use site::workspace::slashes;

/// The include of a block: a file from the root, and an anchor if it is not the whole file.
pub type Named = (PathBuf, Option<String>);

/// The book at a root, and everything that it could show.
#[derive(Debug)]
pub struct Walk {
    /// The root of the repository, or of a copy that is under test.
    pub root: PathBuf,
    /// The files, from the root, that some target is made of.
    pub compiled: BTreeSet<PathBuf>,
    /// The chapters, sorted by name.
    pub pages: Vec<Page>,
    /// The text of `src/SUMMARY.md`.
    pub summary: String,
    /// The text files of `code`, with their anchors.
    pub sources: BTreeMap<PathBuf, Source>,
    /// The tests of the packages in `code`.
    pub tests: Vec<Test>,
    /// The includes of the blocks, also of files that don't exist.
    pub named: BTreeSet<Named>,
    /// The blocks that show lines of a file.
    pub shown: Vec<Shown>,
}

/// A chapter.
#[derive(Debug)]
pub struct Page {
    /// The file, from the repository's root.
    pub file: PathBuf,
    /// The text.
    pub text: String,
    /// Its blocks, from top to bottom.
    pub blocks: Vec<Block>,
}

/// The tests of the pages in a browser.
const BROWSER_TESTS: &str = "site/proofs/tests/browser";

/// A source of a package's tests.
#[derive(Debug)]
pub struct Test {
    /// The file, from the repository's root.
    pub file: PathBuf,
    /// The folder of the package that it tests.
    pub package: PathBuf,
    /// The text.
    pub text: String,
}

impl Test {
    /// Whether this names a file by its path from the package's folder.
    pub fn names(&self, file: &Path) -> bool {
        let path = file.strip_prefix(&self.package).map(slashes);
        path.is_ok_and(|path| self.text.contains(&path))
    }
}

/// A block of a page and the lines that it shows.
#[derive(Debug)]
pub struct Shown {
    /// The page, from the repository's root.
    pub page: PathBuf,
    /// The line of the page that opens the block.
    pub line: usize,
    /// The language, with `compile_fail` if the block says so.
    pub kind: String,
    /// Whether this is a challenge.
    pub challenge: bool,
    /// The file that it shows, from the repository's root.
    pub file: PathBuf,
    /// The anchor, if it is not the whole file.
    pub anchor: Option<String>,
    /// The numbers of the lines that it shows.
    pub lines: Vec<usize>,
}

impl Walk {
    /// Reads the book at `root`. `compiled` are the files, from there, that some target is made
    /// of.
    pub fn read(root: &Path, compiled: BTreeSet<PathBuf>) -> io::Result<Self> {
        let mut walk = Self {
            root: root.to_path_buf(),
            compiled,
            pages: Vec::new(),
            summary: fs::read_to_string(root.join("src/SUMMARY.md"))?,
            sources: BTreeMap::new(),
            tests: Vec::new(),
            named: BTreeSet::new(),
            shown: Vec::new(),
        };
        for file in files(root, "code")? {
            if let Some(package) = package_of_test(&file) {
                walk.tests.push(Test {
                    text: fs::read_to_string(root.join(&file))?,
                    file: file.clone(),
                    package,
                });
            }
            walk.source(file);
        }
        // The browser's tests run scripts, and name them by their path from the root.
        if root.join(BROWSER_TESTS).is_dir() {
            for file in files(root, BROWSER_TESTS)? {
                walk.tests.push(Test {
                    text: fs::read_to_string(root.join(&file))?,
                    file,
                    package: PathBuf::new(),
                });
            }
        }
        for file in pages(root)? {
            let text = fs::read_to_string(root.join(&file))?;
            let blocks = blocks::read(&text);
            for block in blocks.iter().filter(|block| block.fence != Fence::Pre) {
                walk.block(&file, block);
            }
            walk.pages.push(Page { file, text, blocks });
        }
        Ok(walk)
    }

    /// Keeps a file's anchors. A picture has none.
    fn source(&mut self, file: PathBuf) {
        if let Ok(source) = Source::read(&self.root, &file) {
            self.sources.insert(file, source);
        }
    }

    fn block(&mut self, page: &Path, block: &Block) {
        let Some((file, anchor)) = named(page, block) else {
            return;
        };
        // A chapter may show a hidden file, such as `.env.example`.
        if file.starts_with("code") && !self.sources.contains_key(&file) {
            self.source(file.clone());
        }
        let lines = self.sources.get(&file).map(|s| s.shown(anchor.as_deref()));
        if let Some(Ok(lines)) = lines {
            self.shown.push(Shown {
                page: page.to_path_buf(),
                line: block.line,
                kind: kind(block),
                challenge: block.has("challenge"),
                file: file.clone(),
                anchor: anchor.clone(),
                lines: lines.iter().map(|line| line.number).collect(),
            });
        }
        self.named.insert((file, anchor));
    }

    /// The files below a folder of `code` with an extension, from the root.
    pub fn below<'a>(
        &'a self,
        folder: &'a str,
        extension: &'a str,
    ) -> impl Iterator<Item = &'a Path> {
        self.sources
            .keys()
            .map(PathBuf::as_path)
            .filter(move |file| file.starts_with(folder) && is(file, extension))
    }

    /// Whether a test of a package in `code` names a file by its path from that package's folder,
    /// or a test in the browser by its path from the root.
    pub fn is_named_by_a_test(&self, file: &Path) -> bool {
        self.tests.iter().any(|test| test.names(file))
    }

    /// The chapters that show something of a file, by name.
    pub fn chapters_of(&self, file: &Path) -> BTreeSet<String> {
        self.shown
            .iter()
            .filter(|shown| shown.file == file)
            .map(|shown| stem(&shown.page))
            .collect()
    }

    /// How many blocks there are of each language, in one line.
    pub fn summary_of_blocks(&self) -> String {
        let counts: Vec<String> = self
            .languages()
            .iter()
            .map(|(language, count)| format!("{count} {language}"))
            .collect();
        format!("{} blocks ({})", self.shown.len(), counts.join(", "))
    }

    /// The same counts, one language per line, for the chapter about the proofs.
    pub fn table_of_blocks(&self) -> String {
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
}

/// The folder of the package that a file tests: `code/shop` for `code/shop/tests/api.rs`.
fn package_of_test(file: &Path) -> Option<PathBuf> {
    if !is(file, "rs") {
        return None;
    }
    let tests = file.ancestors().filter(|folder| folder.ends_with("tests"));
    Some(tests.last()?.parent()?.to_path_buf())
}

/// The file and the anchor that a block of `page` names.
pub fn named(page: &Path, block: &Block) -> Option<Named> {
    let include = block.include.as_ref().ok()?;
    let file = included_file(page, include)?;
    Some((file, include.anchor.clone()))
}

fn kind(block: &Block) -> String {
    if block.has("compile_fail") {
        format!("{},compile_fail", block.language)
    } else {
        block.language.clone()
    }
}

/// Every file below a folder, from the root, sorted by name; hidden ones are left out. A folder
/// that does not exist has no files.
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

/// Every chapter's file, from the root, sorted by name.
pub fn pages(root: &Path) -> io::Result<Vec<PathBuf>> {
    let mut pages = files(root, "src")?;
    pages.retain(|page| {
        is(page, "md") && !page.starts_with("src/generated") && !page.ends_with("SUMMARY.md")
    });
    Ok(pages)
}

/// Whether a file has this extension.
pub fn is(file: &Path, extension: &str) -> bool {
    file.extension().is_some_and(|found| found == extension)
}

/// The name of a file without its extension.
pub fn stem(file: &Path) -> String {
    file.file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_names_files_from_the_folder_of_its_package() -> io::Result<()> {
        let root = tempfile::tempdir()?;
        let put = |file: &str, text: &str| {
            let file = root.path().join(file);
            fs::create_dir_all(file.parent().unwrap_or(root.path()))?;
            fs::write(file, text)
        };
        put("src/SUMMARY.md", "")?;
        put(
            "code/shop/tests/settings/env.rs",
            "include(\"../.env.example\")",
        )?;
        put("code/tests/page.rs", "run(\"express/app.js\")")?;
        put(
            "site/proofs/tests/browser/scripts.rs",
            "include_str!(\"../../../../code/browser/a.js\")",
        )?;
        let walk = Walk::read(root.path(), BTreeSet::new())?;
        let named = |file| walk.is_named_by_a_test(Path::new(file));
        assert!(named("code/shop/.env.example"));
        assert!(named("code/express/app.js"));
        assert!(named("code/browser/a.js"));
        assert!(!named("code/.env.example"));
        assert!(!named("code/shop/express/app.js"));
        Ok(())
    }
}
