//! The guide, built into a temporary folder and served to the browser.

use std::{fs, net::SocketAddr, path::Path};

use anyhow::{Context, Result, ensure};
use axum::Router;
use live::exchange::{self, Exchange};
use site::book::{self, Options};
use tempfile::TempDir;
use tokio::{net::TcpListener, runtime::Runtime};
use tower_http::services::ServeDir;

/// A copy of a page, of which the first exchange is marked as one that only a server answers.
pub const SERVER_PAGE: &str = "server/page.html";

/// The built guide on a free port of the loopback address.
pub struct Guide {
    /// The chapters' pages, relative to the guide's address.
    pub pages: Vec<String>,
    /// The exchanges that the pages show, challenges left out.
    pub exchanges: Vec<Exchange>,
    address: SocketAddr,
    // Dropped in this order: the server ends before its folder goes.
    _server: Runtime,
    _folder: TempDir,
}

impl Guide {
    pub fn build() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("guide-").tempdir()?;
        let options = Options { console: true };
        book::build(&book::root(), folder.path(), &options)?;
        write_server_page(folder.path())?;
        let server = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_io()
            .build()?;
        let listener = server.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let address = listener.local_addr()?;
        let files = Router::new().fallback_service(ServeDir::new(folder.path()));
        server.spawn(async move { axum::serve(listener, files).await });
        Ok(Self {
            pages: pages(folder.path())?,
            exchanges: exchanges()?,
            address,
            _server: server,
            _folder: folder,
        })
    }

    /// Where a page is served.
    pub fn address(&self, page: &str) -> String {
        format!("http://{}/{page}", self.address)
    }
}

fn write_server_page(folder: &Path) -> Result<()> {
    let page = fs::read_to_string(folder.join("requests.html"))?;
    let marked = page.replacen(
        "data-chapter=\"requests\"",
        "data-chapter=\"requests\" data-server",
        1,
    );
    ensure!(marked != page, "the page has no exchange");
    // Beside the pages, so that it is none of them.
    let marked = marked.replace("<head>", "<head><base href=\"../\">");
    let file = folder.join(SERVER_PAGE);
    fs::create_dir_all(file.parent().unwrap_or(folder))?;
    Ok(fs::write(file, marked)?)
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
    let folder = book::root().join("code/exchanges");
    let mut exchanges = Vec::new();
    for chapter in code::CHAPTERS {
        let file = folder.join(chapter.name).with_extension("http");
        // A chapter that promises the answers of another has no file of its own.
        if !file.is_file() {
            continue;
        }
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        exchanges.extend(exchange::read(&text).with_context(|| file.display().to_string())?);
    }
    Ok(exchanges)
}
