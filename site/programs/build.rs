//! Hands the whole programs that pages show to skeptic, which makes a test of each.
//!
//! Skeptic reads Markdown. It gets the pages as mdBook renders them, with their includes expanded,
//! so it compiles each program as the reader sees it.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use mdbook_driver::MDBook;
use mdbook_driver::builtin_renderers::MarkdownRenderer;
use mdbook_driver::config::Config;

fn main() -> Result<(), Box<dyn Error>> {
    let made = PathBuf::from(env::var("OUT_DIR")?);
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let root = here
        .ancestors()
        .nth(2)
        .ok_or("site/programs is two folders down")?;
    watch(root);

    // Without a document, skeptic writes no file.
    let tests = made.join("skeptic-tests.rs");
    fs::write(&tests, "")?;
    match documents(root, &made.join("pages")) {
        Ok(documents) => skeptic::generate_doc_tests(&documents),
        // A mistake in a chapter is a test that fails, not a crate that cannot be built.
        Err(error) => fs::write(
            tests,
            format!(
                "#[test]\nfn the_book_can_be_read() {{\n    panic!(\"{{}}\", {error:?});\n}}\n"
            ),
        )?,
    }
    Ok(())
}

/// The pages that show whole programs, rendered into a folder, and README.md if it has one.
fn documents(root: &Path, pages: &Path) -> Result<Vec<PathBuf>, String> {
    // Not `MDBook::load`: book.toml's preprocessor runs Cargo, which would wait for this build
    // to end, and this build for it.
    let mut config = Config::default();
    config.build.create_missing = false;
    config.build.build_dir = pages.to_path_buf();
    let told = |error: mdbook_driver::errors::Error| format!("{error:#}");
    let mut book = MDBook::load_with_config(root, config).map_err(told)?;
    book.book.for_each_chapter_mut(|chapter| {
        chapter.content = only_programs(&chapter.content);
    });
    book.execute_build_process(&MarkdownRenderer::new())
        .map_err(told)?;

    let mut documents: Vec<PathBuf> = book
        .book
        .chapters()
        .filter_map(|chapter| Some(pages.join(chapter.path.as_ref()?)))
        .collect();
    documents.push(root.join("README.md"));
    documents.retain(|document| {
        fs::read_to_string(document).is_ok_and(|text| text.contains("\n```rust\n"))
    });
    Ok(documents)
}

/// Runs this again when a chapter or a program changes; not when something is generated in src.
fn watch(root: &Path) {
    let mut files = vec![root.join("code/examples"), root.join("README.md")];
    let mut folders = vec![root.join("src")];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = path.path();
            if path.is_dir() && !path.ends_with("generated") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                files.push(path);
            }
        }
    }
    for file in files {
        println!("cargo:rerun-if-changed={}", file.display());
    }
    println!("cargo:rerun-if-changed=build.rs");
}

/// A chapter in which only whole programs are Rust: parts of a file compile with that file, and
/// samples that must not compile are compiled elsewhere.
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
