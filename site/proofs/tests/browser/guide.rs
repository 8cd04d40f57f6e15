//! The guide, built into a temporary folder and served to the browser.

use std::{fs, net::SocketAddr, path::Path, sync::OnceLock};

use anyhow::{Context, Result, ensure};
use axum::{
    Router,
    http::{HeaderValue, header::CONTENT_SECURITY_POLICY},
    middleware::map_response,
    response::Response,
};
use live::exchange::{self, Exchange};
use site::{
    publish::{self, Options},
    workspace,
};
use tempfile::TempDir;
use tokio::{net::TcpListener, runtime::Runtime};
use tower_http::{compression::CompressionLayer, services::ServeDir};

/// A copy of a page, of which the first exchange is marked as one that only a server answers.
pub const SERVER_PAGE: &str = "special/server.html";

/// A copy of a page, with an exchange of another program at its end.
pub const PAGE_OF_TWO: &str = "special/two.html";

/// The folder in which every page is served once more, with a strict [`POLICY`].
pub const STRICT: &str = "strict/guide";

/// Allows nothing but what the pages need: files of the same site, and WebAssembly. The inline
/// script in the head of each page is not allowed.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
    img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// A chapter with what users of mdBook have reported problems with, built like the guide's own.
pub const REPORTED_PAGE: &str = "reported/reported.html";

const REPORTED: &str = "# Pictures, notes and headings

## Search

This heading has the same name as the button at the top.

## Contents

And so has this one.

![A wide picture](wide.svg)

> [!NOTE]
> A note.
";

/// Wider than every window.
const WIDE: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"4000\" height=\"300\">\
    <rect width=\"4000\" height=\"300\" fill=\"teal\"/></svg>";

/// The built guide on a free port of the loopback address.
pub struct Guide {
    /// The chapters' pages, relative to the guide's address.
    pub pages: Vec<String>,
    /// The exchanges that the pages show, without challenges and polls.
    pub exchanges: Vec<Exchange>,
    /// The page with the most exchanges, once a test has looked for it.
    pub richest_page: OnceLock<String>,
    served: Served,
}

impl Guide {
    pub fn build() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("guide-").tempdir()?;
        let options = Options { console: true };
        publish::build(&workspace::root(), folder.path(), &options)?;
        let pages = pages(folder.path())?;
        write_special_pages(folder.path(), &pages)?;
        build_reported(&folder.path().join("reported"))?;
        Ok(Self {
            pages,
            exchanges: exchanges()?,
            richest_page: OnceLock::new(),
            served: Served::new(folder)?,
        })
    }

    /// Where a page is served.
    pub fn address(&self, page: &str) -> String {
        self.served.address(page)
    }

    /// How many bytes of HTML a page has.
    pub fn size(&self, page: &str) -> Result<u64> {
        let folder = self
            .served
            .folder
            .as_ref()
            .context("the guide is a folder")?;
        Ok(fs::metadata(folder.path().join(page))
            .with_context(|| page.to_owned())?
            .len())
    }
}

/// A folder of pages, or a program, on a free port of the loopback address.
pub struct Served {
    address: SocketAddr,
    // Dropped in this order: the server ends before its folder goes.
    _server: Runtime,
    folder: Option<TempDir>,
}

impl Served {
    pub fn new(folder: TempDir) -> Result<Self> {
        // As a server on the web sends them.
        let strict = Router::new()
            .fallback_service(ServeDir::new(folder.path()))
            .layer(map_response(async |mut response: Response| {
                let policy = HeaderValue::from_static(POLICY);
                response
                    .headers_mut()
                    .insert(CONTENT_SECURITY_POLICY, policy);
                response
            }));
        let files = Router::new()
            .nest(&format!("/{STRICT}"), strict)
            .fallback_service(ServeDir::new(folder.path()))
            .layer(CompressionLayer::new());
        let served = Self::app(files)?;
        Ok(Self {
            folder: Some(folder),
            ..served
        })
    }

    /// Serves a program.
    pub fn app(app: Router) -> Result<Self> {
        let server = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_io()
            .build()?;
        let listener = server.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let address = listener.local_addr()?;
        server.spawn(async move { axum::serve(listener, app).await });
        Ok(Self {
            address,
            _server: server,
            folder: None,
        })
    }

    /// Where a page is served.
    pub fn address(&self, page: &str) -> String {
        format!("http://{}/{page}", self.address)
    }
}

/// Builds a book of one chapter, [`REPORTED`], with the settings and the theme of the guide.
fn build_reported(folder: &Path) -> Result<()> {
    let (guide, root) = (workspace::root(), TempDir::with_prefix("reported-")?);
    for part in ["book.toml", "Cargo.toml", "Cargo.lock", "code", "site"] {
        link(&guide.join(part), &root.path().join(part))?;
    }
    let source = root.path().join("src");
    fs::create_dir(&source)?;
    for (file, text) in [
        (
            "SUMMARY.md",
            "# Summary\n\n- [Pictures, notes and headings](reported.md)\n",
        ),
        ("reported.md", REPORTED),
        ("wide.svg", WIDE),
    ] {
        fs::write(source.join(file), text)?;
    }
    publish::build(root.path(), folder, &Options { console: false })
}

#[cfg(unix)]
fn link(original: &Path, link: &Path) -> Result<()> {
    Ok(std::os::unix::fs::symlink(original, link)?)
}

#[cfg(windows)]
fn link(original: &Path, link: &Path) -> Result<()> {
    use std::os::windows::fs::{symlink_dir, symlink_file};
    let done = if original.is_dir() {
        symlink_dir(original, link)
    } else {
        symlink_file(original, link)
    };
    Ok(done?)
}

/// Writes the special pages into a folder of their own, so that they don't count as chapters.
fn write_special_pages(folder: &Path, pages: &[String]) -> Result<()> {
    let mut with_exchanges = Vec::new();
    for name in pages {
        let page = fs::read_to_string(folder.join(name))?;
        if let Some(figure) = first_exchange(&page) {
            let (figure, program) = (figure.to_owned(), program(figure).to_owned());
            with_exchanges.push((page, figure, program));
        }
    }
    let mut found = with_exchanges.iter();
    let (page, figure, first) = found.next().context("no page has an exchange")?;
    let marked = figure.replacen("<figure ", "<figure data-server ", 1);
    let marked = page.replacen(figure, &marked, 1);
    ensure!(marked != *page, "the page has no exchange");

    let (_, figure, _) = found
        .find(|(_, _, program)| program != first)
        .context("all pages show one program")?;
    let both = page.replacen("</main>", &format!("{figure}</main>"), 1);

    for (name, page) in [(SERVER_PAGE, marked), (PAGE_OF_TWO, both)] {
        let file = folder.join(name);
        fs::create_dir_all(file.parent().unwrap_or(folder))?;
        fs::write(file, page.replace("<head>", "<head><base href=\"../\">"))?;
    }
    Ok(())
}

/// The first exchange of a page that the page can send.
fn first_exchange(page: &str) -> Option<&str> {
    let starts = page.match_indices("<figure class=\"exchange\"");
    let mut figures =
        starts.filter_map(|(start, _)| page[start..].split_inclusive("</figure>").next());
    figures.find(|figure| {
        let tag = figure.split('>').next().unwrap_or_default();
        !tag.contains("data-server")
    })
}

/// The program that answers an exchange.
fn program(figure: &str) -> &str {
    let after = figure
        .split_once("data-program=\"")
        .map_or("", |(_, after)| after);
    after.split('"').next().unwrap_or_default()
}

/// Every page but those that repeat others.
fn pages(folder: &Path) -> Result<Vec<String>> {
    let mut pages = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let repeats = ["404.html", "index.html", "print.html", "toc.html"].contains(&name.as_str());
        if name.ends_with(".html") && !repeats {
            pages.push(name);
        }
    }
    pages.sort();
    Ok(pages)
}

fn exchanges() -> Result<Vec<Exchange>> {
    let folder = workspace::root().join("code/exchanges");
    let mut exchanges = Vec::new();
    for chapter in code::CHAPTERS {
        let file = folder.join(chapter.name).with_extension("http");
        // A chapter that promises the answers of another has no file of its own. Pages show polls in
        // another way.
        if !file.is_file() || chapter.name == "scheduler" {
            continue;
        }
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        exchanges.extend(exchange::read(&text).with_context(|| file.display().to_string())?);
    }
    Ok(exchanges)
}
