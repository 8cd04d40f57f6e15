//! Hands the whole programs that pages show to skeptic, which makes a test of each.
//!
//! Skeptic reads Markdown, and of that what mdBook makes of a page once its includes are
//! expanded: the program as the reader sees it.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use mdbook_driver::MDBook;
use mdbook_driver::builtin_renderers::MarkdownRenderer;
use mdbook_driver::config::Config;

fn main() -> Result<(), Box<dyn Error>> {
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let root = here
        .ancestors()
        .nth(2)
        .ok_or("site/proofs is two folders down")?;
    let made = PathBuf::from(env::var("OUT_DIR")?);
    let pages = made.join("pages");

    // Not `MDBook::load`: book.toml's preprocessor runs Cargo, which would wait for this build
    // to end, and this build for it.
    let mut config = Config::default();
    config.build.create_missing = false;
    config.build.build_dir.clone_from(&pages);
    let mut book = MDBook::load_with_config(root, config)?;
    watch(root, &book);
    book.book.for_each_chapter_mut(|chapter| {
        chapter.content = only_programs(&chapter.content);
    });
    book.execute_build_process(&MarkdownRenderer::new())?;

    let mut documents = Vec::new();
    for chapter in book.book.chapters() {
        let page = pages.join(chapter.path.as_ref().ok_or("a chapter has a file")?);
        if fs::read_to_string(&page)?.contains("\n```rust\n") {
            documents.push(page);
        }
    }
    let readme = root.join("README.md");
    if fs::read_to_string(&readme)?.contains("\n```rust\n") {
        documents.push(readme);
    }
    // Skeptic writes no file where there is no document.
    fs::write(made.join("skeptic-tests.rs"), "")?;
    skeptic::generate_doc_tests(&documents);
    Ok(())
}

/// Runs this again when a chapter or a program changes; not when something is generated in src.
fn watch(root: &Path, book: &MDBook) {
    let chapters = book.book.chapters().filter_map(|c| c.source_path.clone());
    let files = chapters.map(|path| Path::new("src").join(path));
    let others = ["src/SUMMARY.md", "code/examples", "README.md"].map(PathBuf::from);
    for file in files.chain(others) {
        println!("cargo:rerun-if-changed={}", root.join(file).display());
    }
    println!("cargo:rerun-if-changed=build.rs");
}

/// A chapter in which only whole programs are Rust: parts of a file compile with that file, and
/// what must not compile is compiled elsewhere.
fn only_programs(content: &str) -> String {
    let mut kept = String::new();
    let mut lines = content.lines().peekable();
    while let Some(line) = lines.next() {
        let program = lines
            .peek()
            .is_some_and(|next| next.starts_with("{{#include") && is_program(next));
        if line.starts_with("```rust") && !program {
            kept += "```text";
        } else {
            kept += line;
        }
        kept.push('\n');
    }
    kept
}

/// Whether an include shows a file of `code/examples` whole.
fn is_program(include: &str) -> bool {
    include.contains("/code/examples/") && include.trim_end().ends_with(".rs}}")
}
