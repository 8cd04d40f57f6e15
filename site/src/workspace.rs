//! The repository as a folder of files: its root, the files that the guide is made of, and the
//! files that are generated for the pages.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// The folders with the files that the guide is made of, from the root. `book.toml` is the only
/// other one.
pub(crate) const SOURCES: [&str; 3] = ["src", "code", "site/theme"];

/// The repository's root: the folder of `book.toml`.
pub fn root() -> PathBuf {
    let site = Path::new(env!("CARGO_MANIFEST_DIR"));
    site.parent().unwrap_or(site).to_path_buf()
}

/// Whether the guide is made from this file, named from the root.
pub(crate) fn is_source(file: &Path) -> bool {
    let generated =
        file.starts_with(GENERATED) || file.components().any(|part| part.as_os_str() == "target");
    let inside = SOURCES.iter().any(|folder| file.starts_with(folder));
    !generated && (inside || file == "book.toml")
}

/// The folder of the generated files, which git ignores and the pages need.
const GENERATED: &str = "src/generated";

/// What editors and systems write beside the files that somebody edits, as patterns of git.
const OF_EDITORS: [&str; 9] = [
    ".#*",         // Emacs: a lock, which is a link to nowhere
    "\\#*#",       // Emacs: a copy of what isn't saved
    "*~",          // a copy of the file before the last save
    "*.sw?",       // Vim: what isn't saved
    "4913",        // Vim: whether it may write in this folder
    "*___jb_*___", // JetBrains: a copy while it saves
    ".DS_Store",   // macOS
    "Thumbs.db",   // Windows
    "desktop.ini", // Windows
];

/// The files that the guide is not made of, although they are in its folders: those of editors and
/// systems, and those that git ignores.
pub(crate) struct Ignored {
    rules: Vec<Gitignore>,
}

impl Ignored {
    /// Reads the patterns of the repository at `root`. A pattern that git cannot read counts as none.
    pub(crate) fn read(root: &Path) -> Self {
        let mut of_editors = GitignoreBuilder::new(root);
        for pattern in OF_EDITORS {
            // Each of these is a pattern, as a test shows.
            let _ = of_editors.add_line(None, pattern);
        }
        let mut rules = vec![of_editors.build().unwrap_or_else(|_| Gitignore::empty())];
        rules.push(Gitignore::global().0);
        for folder in ["", "code/shop", "code/service"] {
            rules.push(Gitignore::new(root.join(folder).join(".gitignore")).0);
        }
        Self { rules }
    }

    /// Whether this file is left out. `file` begins with the root.
    pub(crate) fn has(&self, root: &Path, file: &Path, is_folder: bool) -> bool {
        let inside = file.strip_prefix(root).unwrap_or(file);
        !inside.starts_with(GENERATED)
            && self.rules.iter().any(|rules| {
                file.starts_with(rules.path())
                    && rules
                        .matched_path_or_any_parents(file, is_folder)
                        .is_ignore()
            })
    }
}

/// A path as it is written on a page and in a message, on every system.
pub fn slashes(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

/// The name of the copy of a shown file, below the generated folder. mdBook leaves out files whose
/// name begins with a dot, such as `.env.example`, so the copy has no such dot.
pub(crate) fn copy_of(file: &Path) -> String {
    format!("{}.txt", slashes(file).replace("/.", "/"))
}

/// Writes the files that the pages load into `src/generated`, which git ignores and mdBook copies:
/// copies of the shown files, and mermaid's script.
///
/// # Errors
///
/// When a file cannot be read or written.
pub(crate) fn write_generated(root: &Path, folder: &Path, shown: &BTreeSet<PathBuf>) -> Result<()> {
    for file in shown {
        let text = fs::read(root.join(file))
            .with_context(|| format!("{} cannot be read", slashes(file)))?;
        // Browsers show a `.txt` file, and download files with unknown endings.
        let copy = folder.join(copy_of(file));
        put(&copy, &text)?;
    }
    mermaid(root, folder)
}

/// Writes a file unless it already has this content, because `mdbook serve` builds again after each
/// write and would never stop.
pub(crate) fn put(file: &Path, content: &[u8]) -> Result<()> {
    if fs::read(file).is_ok_and(|old| old == content) {
        return Ok(());
    }
    let problem = || format!("{} cannot be written", file.display());
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).with_context(problem)?;
    }
    fs::write(file, content).with_context(problem)
}

/// Copies mermaid's script from the `mdbook-mermaid` package.
fn mermaid(root: &Path, folder: &Path) -> Result<()> {
    let script = folder.join("mermaid.min.js");
    let lock = root.join("Cargo.lock");
    let age = |file: &Path| fs::metadata(file)?.modified();
    // The version can only change with the lock file. Asking Cargo each time would be slow.
    if let (Ok(script), Ok(lock)) = (age(&script), age(&lock))
        && lock <= script
    {
        return Ok(());
    }
    let found = package(root, "mdbook-mermaid")?.join("src/bin/assets/mermaid.min.js");
    let content =
        fs::read(&found).with_context(|| format!("{} cannot be read", found.display()))?;
    // Not `put`, because the script must become newer than the lock file even if it is unchanged.
    fs::create_dir_all(folder)?;
    fs::write(&script, content).with_context(|| format!("{} cannot be written", script.display()))
}

/// The folder of the workspace that the samples are part of. The copies of the book that the tests
/// make have no workspace, and use the one of this tool.
pub(crate) fn workspace(root: &Path) -> PathBuf {
    if root.join("Cargo.lock").is_file() {
        root.to_path_buf()
    } else {
        self::root()
    }
}

/// The folder of a package that the workspace depends on.
fn package(root: &Path, name: &str) -> Result<PathBuf> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--format-version=1", "--locked"])
        .current_dir(workspace(root))
        .output()
        .context("cargo metadata cannot be run")?;
    if !output.status.success() {
        bail!(
            "cargo metadata: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array();
    let found = packages
        .and_then(|all| all.iter().find(|package| package["name"] == name))
        .and_then(|package| Path::new(package["manifest_path"].as_str()?).parent());
    found.map(Path::to_path_buf).with_context(|| {
        format!("the workspace does not depend on {name}. Add it to site/Cargo.toml")
    })
}

/// A sentence with axum's version, and the commit and the day on which the tests last proved the
/// pages. Outside of a git repository, it has only the version.
pub(crate) fn proved(root: &Path) -> Option<String> {
    let lock = fs::read_to_string(workspace(root).join("Cargo.lock")).ok()?;
    let (_, axum) = lock.split_once("name = \"axum\"\nversion = \"")?;
    let (axum, _) = axum.split_once('"')?;
    let git = Command::new("git")
        .args(["log", "-1", "--format=%h on %cs"])
        .current_dir(root)
        .output();
    let commit = git
        .ok()
        .filter(|output| output.status.success())
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        .filter(|commit| !commit.is_empty());
    Some(match commit {
        Some(commit) => format!("axum {axum}, proved at commit {commit}."),
        None => format!("axum {axum}."),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_editors_and_those_that_git_ignores_are_left_out() {
        let root = root();
        let ignored = Ignored::read(&root);
        let has = |file: &str| ignored.has(&root, &root.join(file), false);
        for file in [
            "src/.#requests.md",
            "src/#requests.md#",
            "src/requests.md~",
            "src/.requests.md.swp",
            "code/src/.requests.rs.swo",
            "src/4913",
            "src/requests.md___jb_tmp___",
            "src/.DS_Store",
            "code/Thumbs.db",
            "code/shop/target/debug/shop",
            "code/shop/shop.db",
            "target/debug/site",
        ] {
            assert!(has(file), "{file}");
        }
        for file in [
            "src/requests.md",
            "src/generated/mermaid.min.js",
            "src/4913.md",
            "code/service/.env.example",
            "code/service/.sqlx/query-1.json",
            "code/shop/.gitignore",
            "site/theme/guide.css",
        ] {
            assert!(!has(file), "{file}");
        }
    }

    #[test]
    fn the_guide_is_made_from_words_code_and_theme() {
        for file in [
            "book.toml",
            "src/requests.md",
            "src",
            "code/exchanges/requests.http",
            "site/theme/guide.css",
        ] {
            assert!(is_source(Path::new(file)), "{file}");
        }
        for file in [
            "src/generated/live.js",
            "code/exercises/requests/target/debug/x",
            "site/src/main.rs",
            "target/debug/site",
            "README.md",
        ] {
            assert!(!is_source(Path::new(file)), "{file}");
        }
    }
}
