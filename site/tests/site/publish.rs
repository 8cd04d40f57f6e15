//! What is published beside the pages.

use std::{collections::BTreeSet, fs, path::Path};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::support::{part, site};

const ADDRESS: &str = "https://shop.example/guide";

/// Two chapters, built as a publishing workflow builds all, and where they are.
fn published(address: Option<&str>) -> Result<TempDir> {
    let (book, dest) = (part()?, tempfile::tempdir()?);
    let mut build = site(&["build", "--no-console", "--root"]);
    build
        .arg(book.path())
        .arg("--dest")
        .arg(dest.path())
        .env_remove("SITE_ADDRESS");
    build.envs(address.map(|address| ("SITE_ADDRESS", address)));
    let output = build.output()?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(dest)
}

fn read(folder: &Path, file: &str) -> Result<String> {
    fs::read_to_string(folder.join(file)).with_context(|| file.to_owned())
}

#[test]
fn every_page_has_a_description_and_an_address_of_its_own() -> Result<()> {
    let dest = published(Some(ADDRESS))?;
    let html = read(dest.path(), "requests.html")?;
    let described = "<meta name=\"description\" content=\"It is a quarter past eight on a Monday. ";
    assert!(html.contains(described));
    assert!(
        html.contains("<link rel=\"canonical\" href=\"https://shop.example/guide/requests.html\">")
    );
    assert!(html.contains("<meta property=\"og:title\" content=\"Requests\">"));
    // Two names of one page have one address.
    let index = read(dest.path(), "index.html")?;
    assert!(index.contains(
        "<link rel=\"canonical\" href=\"https://shop.example/guide/introduction.html\">"
    ));
    let map = read(dest.path(), "sitemap.xml")?;
    for page in ["introduction", "requests"] {
        assert!(
            map.contains(&format!("<loc>{ADDRESS}/{page}.html</loc>")),
            "{map}"
        );
    }
    assert_eq!(map.matches("<loc>").count(), 2, "{map}");
    Ok(())
}

#[test]
fn without_an_address_nothing_claims_one() -> Result<()> {
    let dest = published(None)?;
    let html = read(dest.path(), "requests.html")?;
    assert!(!html.contains("canonical") && !html.contains("og:url"));
    assert!(!dest.path().join("sitemap.xml").exists());
    Ok(())
}

#[test]
fn the_chapters_are_there_as_markdown_with_what_they_show() -> Result<()> {
    let dest = published(Some(ADDRESS))?;
    let list = read(dest.path(), "llms.txt")?;
    assert!(list.starts_with("# Rust Backend Basics\n\n> "), "{list}");
    assert!(
        list.contains("- [Requests](https://shop.example/guide/requests.md): It is a quarter"),
        "{list}"
    );
    let chapter = read(dest.path(), "requests.md")?;
    assert!(chapter.starts_with("# Handling requests\n"));
    assert!(!chapter.contains("{{#include"));
    assert!(
        chapter.contains("```http\n### "),
        "an exchange with its answer"
    );
    assert!(chapter.contains("    .route(\"/menu\", get(list_menu))\n"));
    Ok(())
}

#[test]
fn what_a_page_names_is_published_and_nothing_of_stock_mdbook_beside_it() -> Result<()> {
    let dest = published(None)?;
    let html = read(dest.path(), "requests.html")?;
    let named: BTreeSet<&str> = html
        .split(['"', '\''])
        .filter(|word| word.ends_with(".js") || word.ends_with(".css") || word.ends_with(".svg"))
        .collect();
    assert!(named.len() >= 6, "{named:?}");
    for file in &named {
        assert!(dest.path().join(file).is_file(), "{file}");
    }
    for gone in ["css", "toc.html"] {
        assert!(!dest.path().join(gone).exists(), "{gone}");
    }
    for entry in fs::read_dir(dest.path())? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let unnamed = name.ends_with(".js") && !named.contains(name.as_str());
        assert!(!unnamed, "no page asks for {name}");
    }
    Ok(())
}
