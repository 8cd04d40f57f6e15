//! The server: it answers with the latest build, or with the mistake in it.

use std::{
    io::{self, ErrorKind},
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc,
    thread,
};

use anyhow::{Context, Result, anyhow};
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{
        HeaderMap, HeaderValue, Method, StatusCode,
        header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HOST},
        uri::{Authority, Uri},
    },
    middleware::{self, Next},
    response::{Html, IntoResponse, Response},
};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::watch};
use tower::ServiceExt;
use tower_http::services::{ServeDir, ServeFile};

use super::{
    builder::{Builder, ConsoleBuilder, HOW_TO_GO_ON, NOT_BUILT, Shown},
    reload,
    watch::Watched,
};
use crate::{console, pages::color::escape};

/// The port of `cargo serve` without `--port`.
pub const PORT: u16 = 3000;

/// Options of `cargo serve`.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// The port. 0 stands for any free port.
    pub port: u16,
    /// Whether to open the guide in the browser.
    pub open: bool,
    /// Whether to build the console that answers in the page.
    pub console: bool,
}

/// Serves the guide of the repository at `root` until Ctrl-C or SIGTERM.
///
/// # Errors
///
/// When the port cannot be used, or the files cannot be watched. A mistake in the guide is not an
/// error: the pages and the terminal show it.
pub fn serve(root: &Path, options: &ServeOptions) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let served = runtime.block_on(run(root, options));
    // Open pages keep a connection that waits for the next reload. It can be closed at any time.
    runtime.shutdown_background();
    served
}

async fn run(root: &Path, options: &ServeOptions) -> Result<()> {
    let mut signals = Signals::listen()?;
    let listener = listen(options.port).await?;
    let port = listener.local_addr()?.port();
    let folder = TempDir::with_prefix("guide-")?;
    let (show, shown) = watch::channel(Shown::default());
    let modules = folder.path().join("console");
    let console = options.console.then(|| {
        let (want, wanted) = mpsc::channel();
        let builder = ConsoleBuilder {
            root: root.to_owned(),
            folder: modules.clone(),
            wanted,
            show: show.clone(),
        };
        (want, builder)
    });
    let (want, console) = console.unzip();
    let watched = Watched::new(root)?;
    let builder = Builder {
        root: root.to_owned(),
        folder: folder.path().to_owned(),
        console: want,
        show,
    };
    println!("Building the guide…");
    if let Some(console) = console {
        let thread = thread::Builder::new().name("console".into());
        thread.spawn(move || console.run())?;
    }
    thread::Builder::new()
        .name("builder".into())
        .spawn(move || watched.run(&builder))?;
    let server = async {
        // A client that connects before the first build has finished waits for it.
        let built = shown.clone().changed().await;
        built.map_err(|_| anyhow!("the builder has ended"))?;
        let url = format!("http://localhost:{port}");
        println!("The guide is on {url}\nPress Ctrl-C to stop.");
        if options.open
            && let Err(error) = open(&url)
        {
            eprintln!("The browser could not be started ({error}). Open {url} yourself.");
        }
        let served = Served { shown, modules };
        let served = axum::serve(listener, router(served, port)).await;
        served.context("the server stopped")
    };
    tokio::select! {
        served = server => served,
        () = signals.next() => Ok(()),
    }
}

/// Opens a page in the browser, with the command that the operating system has for that.
fn open(url: &str) -> io::Result<()> {
    let (program, before): (_, &[&str]) = if cfg!(target_os = "macos") {
        ("open", &[])
    } else if cfg!(windows) {
        // `start` takes the first argument in quotes as the title of the window.
        ("cmd", &["/C", "start", ""])
    } else {
        ("xdg-open", &[])
    };
    let mut command = Command::new(program);
    command.args(before).arg(url);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    // It is not waited for, because on some systems it becomes the browser itself.
    command.spawn().map(drop)
}

async fn listen(port: u16) -> Result<TcpListener> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    listener.map_err(|error| anyhow!(explain(&error, port)))
}

/// Why the server did not start, and what to do.
fn explain(error: &io::Error, port: u16) -> String {
    let other = if (1024..u16::MAX).contains(&port) {
        port + 1
    } else {
        PORT
    };
    let reason = match error.kind() {
        ErrorKind::AddrInUse => format!("Port {port} is in use by another program."),
        ErrorKind::PermissionDenied => format!("You have no permission to use port {port}."),
        _ => return format!("The server cannot listen on port {port}: {error}"),
    };
    format!("{reason} Choose another: cargo serve --port {other}")
}

/// The state of the handlers.
#[derive(Clone)]
struct Served {
    shown: watch::Receiver<Shown>,
    /// The folder of the console's modules.
    modules: PathBuf,
}

fn router(served: Served, port: u16) -> Router {
    reload::router(served.shown.clone())
        .fallback(answer)
        .with_state(served)
        .layer(middleware::from_fn_with_state(port, guard))
}

/// Answers with a file of the book, or with the mistake instead of a page.
async fn answer(State(served): State<Served>, request: Request) -> Response {
    let shown = served.shown.borrow().clone();
    if shown.console.wanted > 0
        && let Some(module) = module(request.uri())
    {
        return served.console(request, module).await;
    }
    let mistake = shown.mistake.as_ref().or(shown.console.mistake.as_ref());
    if let Some(mistake) = mistake
        && is_page(request.uri().path())
    {
        let page = (
            StatusCode::INTERNAL_SERVER_ERROR,
            Html(mistake_page(mistake)),
        );
        return reload::add_script(page.into_response(), &shown).await;
    }
    let Some(book) = &shown.book else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let is_read = request.method() == Method::GET;
    let not_found = ServeFile::new(book.path().join("404.html"));
    let files = ServeDir::new(book.path()).not_found_service(not_found);
    // `ServeDir` turns its errors into responses.
    let Ok(response) = files.oneshot(request).await;
    let response = response.map(Body::new);
    let kind = response.headers().get(CONTENT_TYPE);
    let is_html = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if is_read && is_html {
        reload::add_script(response, &shown).await
    } else {
        response
    }
}

impl Served {
    /// Waits until the console of the latest pages is built. Returns `false` if that cannot happen
    /// any more.
    async fn console_is_current(&mut self) -> bool {
        let is_current = |shown: &Shown| shown.console.is_current();
        self.shown.wait_for(is_current).await.is_ok()
    }

    /// Answers with a file of the console, when the console of the latest pages is built.
    async fn console(mut self, mut request: Request, module: Uri) -> Response {
        if !self.console_is_current().await {
            return StatusCode::NOT_FOUND.into_response();
        }
        *request.uri_mut() = module;
        let Ok(response) = ServeDir::new(self.modules).oneshot(request).await;
        response.map(Body::new)
    }
}

/// The file of the console that a URI names, from the folder of the modules.
fn module(uri: &Uri) -> Option<Uri> {
    let path = uri
        .path()
        .strip_prefix('/')?
        .strip_prefix(console::FOLDER)?;
    path.starts_with('/').then(|| path.parse().ok())?
}

fn is_page(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.ends_with(".html") || !name.contains('.')
}

fn mistake_page(mistake: &str) -> String {
    let mistake = escape(mistake);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\" data-mistake>\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>A mistake in the guide</title>\n<style>\n\
         :root {{ color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }}\n\
         main {{ max-width: 50rem; margin: 3rem auto; padding: 0 1rem; }}\n\
         pre {{ white-space: pre-wrap; overflow-wrap: anywhere; padding: 1rem; \
         border-left: 0.25rem solid firebrick; background: #8882; }}\n\
         </style>\n</head>\n<body>\n<main>\n<h1>{NOT_BUILT}</h1>\n\
         <pre>{mistake}</pre>\n<p>{HOW_TO_GO_ON}</p>\n</main>\n</body>\n</html>\n"
    )
}

/// Refuses requests for other hosts, and forbids the browser to cache a response.
///
/// The check of the host protects against DNS rebinding: a foreign page can make its own host name
/// resolve to 127.0.0.1, and then read from this server as if it were its own. The `host` header of
/// such a request still has the foreign name.
async fn guard(State(port): State<u16>, request: Request, next: Next) -> Response {
    let mut response = if !names_this_machine(request.headers()) {
        let message = format!(
            "This server answers requests for localhost, 127.0.0.1 and [::1], and for no other \
             host. Open http://localhost:{port}\n"
        );
        (StatusCode::MISDIRECTED_REQUEST, message).into_response()
    } else if ![Method::GET, Method::HEAD].contains(request.method()) {
        let allowed = [(ALLOW, "GET, HEAD")];
        (StatusCode::METHOD_NOT_ALLOWED, allowed).into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // The copies of the samples are UTF-8, and a text file cannot say so itself.
    if headers
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind == "text/plain")
    {
        let kind = HeaderValue::from_static("text/plain; charset=utf-8");
        headers.insert(CONTENT_TYPE, kind);
    }
    response
}

fn names_this_machine(headers: &HeaderMap) -> bool {
    let is_local = |host: &HeaderValue| {
        let authority = Authority::try_from(host.as_bytes());
        authority.is_ok_and(|authority| {
            let host = authority.host();
            host.eq_ignore_ascii_case("localhost") || ["127.0.0.1", "[::1]"].contains(&host)
        })
    };
    headers.contains_key(HOST) && headers.get_all(HOST).iter().all(is_local)
}

/// The signals that ask a program to stop: Ctrl-C and, on Unix, SIGTERM.
#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// The signal that asks a program to stop on Windows: Ctrl-C.
#[cfg(windows)]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    fn listen() -> io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn next(&mut self) {
        self.0.recv().await;
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        task::{self, Waker},
    };

    use super::*;

    #[test]
    fn only_names_of_this_machine_are_answered() {
        let named = |hosts: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for host in hosts {
                headers.append(HOST, HeaderValue::from_static(host));
            }
            names_this_machine(&headers)
        };
        for host in [
            "localhost",
            "LOCALHOST:3000",
            "127.0.0.1:1",
            "[::1]:3000",
            "[::1]",
        ] {
            assert!(named(&[host]), "{host}");
        }
        for host in [
            "example.com",
            "localhost.example.com",
            "127.0.0.1.example.com:3000",
            "localhost@example.com",
            "0.0.0.0:3000",
            "",
            "a b",
        ] {
            assert!(!named(&[host]), "{host}");
        }
        assert!(!named(&[]));
        assert!(!named(&["localhost", "example.com"]));
    }

    #[test]
    fn a_mistake_replaces_pages_and_nothing_else() {
        assert!(
            ["/", "/requests.html", "/requests", "/a/"]
                .into_iter()
                .all(is_page)
        );
        assert!(!["/guide.css", "/a/b.js"].into_iter().any(is_page));
    }

    #[tokio::test]
    async fn a_request_for_the_console_waits_until_it_is_built() -> Result<()> {
        let modules = TempDir::new()?;
        let (show, shown) = watch::channel(Shown::default());
        show.send_modify(|shown| shown.console.wanted = 2);
        let served = Served {
            shown,
            modules: modules.path().to_owned(),
        };
        let mut waiting = served.clone();
        let mut current = pin!(waiting.console_is_current());
        let mut context = task::Context::from_waker(Waker::noop());
        let mut waits = || current.as_mut().poll(&mut context).is_pending();
        assert!(waits(), "there is none yet");
        show.send_modify(|shown| shown.console.made = 1);
        assert!(waits(), "it is that of the older pages");
        show.send_modify(|shown| shown.console.made = 2);
        assert!(!waits(), "it is there");

        std::fs::write(modules.path().join("requests.js"), "the console")?;
        for (file, status) in [
            ("requests.js", StatusCode::OK),
            ("data.js", StatusCode::NOT_FOUND),
        ] {
            let request = Request::get(format!("/generated/live/{file}")).body(Body::empty())?;
            let answer = answer(State(served.clone()), request).await;
            assert_eq!(answer.status(), status, "{file}");
        }
        Ok(())
    }

    #[tokio::test]
    async fn a_mistake_in_the_samples_replaces_pages_too() -> Result<()> {
        let mut shown = Shown::default();
        shown.console.mistake = Some("code/src/requests.rs:1:1: error".into());
        let served = Served {
            shown: watch::channel(shown).1,
            modules: PathBuf::new(),
        };
        let request = Request::get("/requests.html").body(Body::empty())?;
        let answer = answer(State(served), request).await;
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await?;
        let page = String::from_utf8_lossy(&body);
        assert!(page.contains("code/src/requests.rs:1:1: error"), "{page}");
        Ok(())
    }

    #[test]
    fn the_console_s_files_are_recognized() {
        let found =
            |path: &'static str| module(&Uri::from_static(path)).map(|module| module.to_string());
        let wanted = Some("/requests_bg.wasm".to_owned());
        assert_eq!(found("/generated/live/requests_bg.wasm?copy=1"), wanted);
        for other in [
            "/",
            "/generated/live",
            "/generated/lively/x.js",
            "/x/generated/live/x.js",
        ] {
            assert_eq!(found(other), None, "{other}");
        }
    }

    #[test]
    fn a_mistake_is_shown_as_text() {
        let page = mistake_page("src/a.md:1: `<pre>` & more");
        assert!(page.contains("<pre>src/a.md:1: `&lt;pre&gt;` &amp; more</pre>"));
    }
}
