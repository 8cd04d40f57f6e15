//! What is published beside the pages.

use std::{collections::BTreeSet, fs, path::Path};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::support::{litter, part, site};

const ADDRESS: &str = "https://shop.example/guide";

/// What the publishing workflow of a fork sets, by `.github/workflows/publish.yml` or as its runner.
const FORK: [(&str, &str); 7] = [
    ("SITE_ADDRESS", ADDRESS),
    ("MDBOOK_OUTPUT__HTML__SITE_URL", "/guide/"),
    (
        "MDBOOK_OUTPUT__HTML__GIT_REPOSITORY_URL",
        "https://forge.example/ines/shop",
    ),
    (
        "MDBOOK_OUTPUT__HTML__EDIT_URL_TEMPLATE",
        "https://forge.example/ines/shop/edit/main/{path}",
    ),
    ("GITHUB_SERVER_URL", "https://forge.example"),
    ("GITHUB_REPOSITORY", "ines/shop"),
    ("GITHUB_SHA", "0123456789abcdef0123456789abcdef01234567"),
];

/// Two chapters, built as a publishing workflow builds all, with these variables, and where they are.
/// An editor has left files beside them.
fn published(environment: &[(&str, &str)]) -> Result<TempDir> {
    let (book, dest) = (part()?, tempfile::tempdir()?);
    litter(&book.path().join("src"))?;
    let mut build = site(&["build", "--no-console", "--root"]);
    build.arg(book.path()).arg("--dest").arg(dest.path());
    for (name, _) in FORK {
        build.env_remove(name);
    }
    build.envs(environment.iter().copied());
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
fn what_editors_leave_in_the_sources_is_not_published() -> Result<()> {
    let dest = published(&[])?;
    for entry in fs::read_dir(dest.path())? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        let is_left = name.ends_with('~') || name.starts_with(['#', '.']) || name == "4913";
        // mdBook writes this one.
        ensure!(!is_left || name == ".nojekyll", "{name} is published");
    }
    Ok(())
}

#[test]
fn every_chapter_has_a_description_and_an_address_of_its_own() -> Result<()> {
    let dest = published(&FORK[..1])?;
    let html = read(dest.path(), "requests.html")?;
    let described = "<meta name=\"description\" content=\"A handler is a function.\"";
    assert!(html.contains(described));
    assert!(
        html.contains("<link rel=\"canonical\" href=\"https://shop.example/guide/requests.html\">")
    );
    assert!(html.contains("<meta property=\"og:title\" content=\"Requests\">"));
    assert!(
        html.contains(
            "<meta property=\"og:image\" content=\"https://shop.example/guide/card.png\">"
        )
    );
    let introduction = read(dest.path(), "introduction.html")?;
    let own = "<meta name=\"description\" content=\"Ines runs a coffee shop.\"";
    assert!(introduction.contains(own));
    for page in [&html, &introduction] {
        assert_eq!(page.matches("<meta name=\"description\"").count(), 1);
    }
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
    let dest = published(&[])?;
    for page in ["index", "introduction", "requests"] {
        let html = read(dest.path(), &format!("{page}.html"))?;
        for claim in ["rel=\"canonical\"", "og:url", "og:image", "twitter:card"] {
            assert!(!html.contains(claim), "{page}: {claim}");
        }
    }
    for file in ["sitemap.xml", "card.png"] {
        assert!(!dest.path().join(file).exists(), "{file}");
    }
    Ok(())
}

#[test]
fn the_page_for_what_is_not_there_has_a_base_and_is_not_indexed() -> Result<()> {
    let dest = published(&FORK)?;
    let html = read(dest.path(), "404.html")?;
    assert!(html.contains("<base href=\"/guide/\">"));
    assert!(html.contains("<meta name=\"robots\" content=\"noindex\">"));
    assert!(
        html.contains("href=\"404.html#UI-contents\""),
        "the contents without script"
    );
    Ok(())
}

#[test]
fn the_card_is_as_large_as_the_pages_say() -> Result<()> {
    let dest = published(&FORK[..1])?;
    let html = read(dest.path(), "requests.html")?;
    let card = fs::read(dest.path().join("card.png"))?;
    // PNG, section 11.2.2: the first chunk begins with the width and the height.
    assert_eq!(&card[12..16], b"IHDR");
    for (name, bytes) in [("width", &card[16..20]), ("height", &card[20..24])] {
        let said = format!("<meta property=\"og:image:{name}\" content=\"");
        let said = html.split_once(&said).context(said)?.1;
        let said: u32 = said.split('"').next().unwrap_or_default().parse()?;
        assert_eq!(bytes, said.to_be_bytes(), "{name}");
    }
    Ok(())
}

#[test]
fn the_drawing_of_the_card_shows_a_real_answer() -> Result<()> {
    let root = site::workspace::root();
    let drawing = read(&root, "site/theme/card.svg")?;
    let recorded = read(&root, "code/exchanges/errors.http")?;
    let answer = recorded.split_once("# ANCHOR: sold-out\n");
    let answer = answer.context("sold-out")?.1.split("# ANCHOR_END").next();
    let message = drawing.split_once("monospace").context("the answer")?.1;
    let lines: Vec<String> = message
        .split("<text ")
        .skip(1)
        .filter_map(|text| text.split_once('>')?.1.split_once("</text>"))
        .map(|(text, _)| without_tags(text))
        .take(3)
        .collect();
    assert_eq!(lines.len(), 3);
    for line in lines {
        let shown = |recorded: &str| recorded.trim().starts_with(&line);
        assert!(
            answer.is_some_and(|answer| answer.lines().any(shown)),
            "{line}"
        );
    }
    Ok(())
}

fn without_tags(html: &str) -> String {
    html.split('<')
        .map(|part| part.split_once('>').map_or(part, |(_, text)| text))
        .collect()
}

#[test]
fn a_fork_links_to_itself() -> Result<()> {
    let dest = published(&FORK)?;
    let html = read(dest.path(), "requests.html")?;
    for link in [
        "<a rel=\"edit\" href=\"https://forge.example/ines/shop/edit/main/src/requests.md\">Edit this page</a>",
        "<a href=\"https://forge.example/ines/shop\">Source repository</a>",
        "<a href=\"https://forge.example/ines/shop/issues/new/choose\">Report an issue</a>",
        "<a href=\"https://forge.example/ines/shop/commit/0123456789abcdef0123456789abcdef01234567\">0123456</a>",
    ] {
        assert!(html.contains(link), "{link}");
    }
    let listing = "<a href=\"https://forge.example/ines/shop/blob/0123456789abcdef0123456789abcdef01234567/code/src/requests.rs#L";
    assert!(html.contains(listing), "{listing}");
    // The chapters link to no repository, so no other link may be left.
    assert!(!html.contains("https://github.com/"));
    Ok(())
}

#[test]
fn every_page_says_with_which_versions_its_samples_were_tested() -> Result<()> {
    let dest = published(&[])?;
    let lock = read(&site::workspace::root(), "Cargo.lock")?;
    let mut versions = Vec::new();
    for name in ["axum", "tokio", "serde", "rusqlite"] {
        let package = format!("name = \"{name}\"\nversion = \"");
        let version = lock
            .split_once(&package)
            .context(package)?
            .1
            .split('"')
            .next();
        versions.push(format!("{name} {}", version.unwrap_or_default()));
    }
    let [axum, tokio, serde, rusqlite] = versions.as_slice() else {
        anyhow::bail!("four versions, not {versions:?}");
    };
    let rust = env!("CARGO_PKG_RUST_VERSION");
    let said = format!(
        "<p>The samples were tested with Rust {rust}, {axum}, {tokio}, {serde} and {rusqlite}.</p>"
    );
    for page in [
        "index.html",
        "introduction.html",
        "requests.html",
        "404.html",
        "print.html",
    ] {
        let html = read(dest.path(), page)?;
        let foot = html.rsplit_once("<footer>").context("a footer")?.1;
        assert_eq!(foot.matches(&said).count(), 1, "{page}: {said}");
    }
    Ok(())
}

#[test]
fn the_chapters_are_there_as_markdown_with_what_they_show() -> Result<()> {
    let dest = published(&FORK[..1])?;
    let list = read(dest.path(), "llms.txt")?;
    assert!(list.starts_with("# Rust Backend Basics\n\n> "), "{list}");
    assert!(
        list.contains(
            "- [Requests](https://shop.example/guide/requests.md): A handler is a function."
        ),
        "{list}"
    );
    let chapter = read(dest.path(), "requests.md")?;
    assert!(chapter.starts_with("# Handling requests\n"));
    assert!(!chapter.contains("{{#include"));
    assert!(
        chapter.contains("```http\n### "),
        "an exchange with its answer"
    );
    assert!(chapter.contains("        .route(\"/menu\", get(list_menu))\n"));
    Ok(())
}

#[test]
fn what_a_page_names_is_published_and_nothing_of_stock_mdbook_beside_it() -> Result<()> {
    let dest = published(&[])?;
    let mut pages = String::new();
    for entry in fs::read_dir(dest.path())? {
        let file = entry?.path();
        if file
            .extension()
            .is_some_and(|extension| extension == "html")
        {
            pages += &fs::read_to_string(file)?;
        }
    }
    let named: BTreeSet<&str> = pages
        .split(['"', '\''])
        .filter(|word| word.ends_with(".js") || word.ends_with(".css") || word.ends_with(".svg"))
        .collect();
    assert!(named.len() >= 6, "{named:?}");
    for file in &named {
        assert!(dest.path().join(file).is_file(), "{file}");
    }
    for gone in ["css", "fonts", "toc.html"] {
        assert!(!dest.path().join(gone).exists(), "{gone}");
    }
    for entry in fs::read_dir(dest.path())? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let unnamed =
            (name.ends_with(".js") || name.ends_with(".css")) && !named.contains(name.as_str());
        assert!(!unnamed, "no page asks for {name}");
    }
    Ok(())
}
