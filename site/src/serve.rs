//! `cargo serve`: builds the guide, serves it on this machine, and builds it again when one
//! of its files changes.
//!
//! Each build goes into a folder of its own, which takes the place of the last one when it
//! is whole: a half-built guide is never seen. A mistake takes the place of the pages, not
//! of the server.
//!
//! The console takes longer than the pages. It follows them: who asks for it meanwhile waits.

use std::{
    any::Any,
    collections::BTreeSet,
    io::{self, ErrorKind},
    net::Ipv4Addr,
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
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
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::watch};
use tower::ServiceExt;
use tower_http::services::{ServeDir, ServeFile};
use tower_livereload::{LiveReloadLayer, Reloader};

use crate::{
    anchors::slashes,
    book,
    colour::escape,
    console::{self, Linked},
};

/// Where `cargo serve` answers when nobody says otherwise.
pub const PORT: u16 = 3000;

/// An editor saves in several steps. The build waits until there has been none for so long.
const QUIET: Duration = Duration::from_millis(50);

/// How to serve.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// The port; 0 stands for any free one.
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
/// When the port cannot be used, or the files cannot be watched. A mistake in the guide is
/// no error: the pages and the terminal show it.
pub fn serve(root: &Path, options: &ServeOptions) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let served = runtime.block_on(run(root, options));
    // Open pages wait for the next reload; nothing is lost when they are cut off.
    runtime.shutdown_background();
    served
}

async fn run(root: &Path, options: &ServeOptions) -> Result<()> {
    let mut signals = Signals::listen()?;
    let listener = listen(options.port).await?;
    let port = listener.local_addr()?.port();
    let folder = TempDir::with_prefix("guide-")?;
    let live_reload = LiveReloadLayer::new();
    let (show, shown) = watch::channel(Shown::default());
    let reloader = live_reload.reloader();
    let modules = folder.path().join("console");
    let console = options.console.then(|| {
        let (want, wanted) = mpsc::channel();
        let builder = ConsoleBuilder {
            root: root.to_owned(),
            folder: modules.clone(),
            wanted,
            show: show.clone(),
            reloader: reloader.clone(),
        };
        (want, builder)
    });
    let (want, console) = console.unzip();
    let builder = Builder {
        watched: Watched::new(root)?,
        root: root.to_owned(),
        folder: folder.path().to_owned(),
        console: want,
        show,
        reloader,
    };
    println!("Building the guide…");
    if let Some(console) = console {
        let thread = thread::Builder::new().name("console".into());
        thread.spawn(move || console.run())?;
    }
    thread::Builder::new()
        .name("builder".into())
        .spawn(move || builder.run())?;
    let server = async {
        // Who connects before the first build is through waits for it.
        let built = shown.clone().changed().await;
        built.map_err(|_| anyhow!("the builder has ended"))?;
        let url = format!("http://localhost:{port}");
        println!("The guide is on {url}\nPress Ctrl-C to stop.");
        if options.open
            && let Err(error) = open(&url)
        {
            eprintln!("No browser could be opened ({error}). Open {url} in yours.");
        }
        let served = Served { shown, modules };
        let served = axum::serve(listener, router(served, live_reload, port)).await;
        served.context("the server stopped")
    };
    tokio::select! {
        served = server => served,
        () = signals.next() => Ok(()),
    }
}

/// Opens a page in the browser, with the command that the system has for it.
fn open(url: &str) -> io::Result<()> {
    let (program, before): (_, &[&str]) = if cfg!(target_os = "macos") {
        ("open", &[])
    } else if cfg!(windows) {
        // The first thing in quotes would be the window's title.
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
    // Where it becomes the browser itself it runs for long: nobody waits for it.
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
        ErrorKind::PermissionDenied => format!("Port {port} is not yours to use."),
        _ => return format!("The server cannot listen on port {port}: {error}"),
    };
    format!("{reason} Choose another: cargo serve --port {other}")
}

/// What is served.
#[derive(Clone, Default)]
struct Shown {
    /// The last build without a mistake. Its folder goes when nobody reads from it any more.
    book: Option<Arc<TempDir>>,
    /// The mistake that the pages have now.
    mistake: Option<Arc<str>>,
    console: Console,
}

/// How far the console has followed the pages.
#[derive(Clone, Default)]
struct Console {
    /// The pages that want a console, counted from the first that were built.
    wanted: u64,
    /// Those of them that have it, or will not get it.
    made: u64,
    /// The mistake that the samples have now.
    mistake: Option<Arc<str>>,
}

/// What the console's builder is asked for: a console for these pages, by their number, and
/// the chapters that they ask.
type Wanted = (u64, BTreeSet<String>);

/// Builds the guide, and builds it again at each change.
struct Builder {
    root: PathBuf,
    watched: Watched,
    /// What is built goes into folders of this one.
    folder: PathBuf,
    /// Who builds the console, where there is one.
    console: Option<mpsc::Sender<Wanted>>,
    show: watch::Sender<Shown>,
    reloader: Reloader,
}

impl Builder {
    /// Runs until the program ends.
    fn run(mut self) {
        self.watched.look();
        self.build(None);
        while let Some(changed) = self.watched.wait() {
            self.watched.look();
            self.build(Some(&changed));
        }
    }

    /// Builds, shows what came of it, and tells of it last: who has read it in the terminal
    /// finds it in the page.
    fn build(&self, changed: Option<&str>) {
        let started = Instant::now();
        let built = TempDir::with_prefix_in("book-", &self.folder)
            .context("no folder to build in")
            .and_then(|folder| {
                let asked = unbroken(|| book::pages(&self.root, folder.path()))?;
                Ok((folder, asked))
            });
        match built {
            Ok((folder, asked)) => {
                self.show.send_modify(|shown| {
                    shown.book = Some(Arc::new(folder));
                    shown.mistake = None;
                    if let Some(console) = &self.console {
                        shown.console.wanted += 1;
                        // It ends when the program does.
                        let _ = console.send((shown.console.wanted, asked));
                    }
                });
                self.reloader.reload();
                if let Some(file) = changed {
                    let seconds = started.elapsed().as_secs_f32();
                    println!("{file} has changed: built again in {seconds:.1} s");
                }
            }
            Err(error) => {
                let mistake = format!("{error:#}");
                self.show
                    .send_modify(|shown| shown.mistake = Some(mistake.as_str().into()));
                self.reloader.reload();
                eprintln!("{NOT_BUILT}\n\n{mistake}\n\n{MEND}\n");
            }
        }
    }
}

/// Builds the console for the pages that were built.
struct ConsoleBuilder {
    root: PathBuf,
    folder: PathBuf,
    wanted: mpsc::Receiver<Wanted>,
    show: watch::Sender<Shown>,
    reloader: Reloader,
}

impl ConsoleBuilder {
    /// Runs until the program ends.
    fn run(self) {
        while let Ok(wanted) = self.wanted.recv() {
            // Of pages that were built meanwhile the last count.
            let (number, chapters) = self.wanted.try_iter().last().unwrap_or(wanted);
            self.build(number, &chapters);
        }
    }

    fn build(&self, number: u64, chapters: &BTreeSet<String>) {
        let started = Instant::now();
        let built = unbroken(|| console::build(&self.root, &self.folder, chapters, Linked::Quick));
        let mistake = built.as_ref().err().map(|error| format!("{error:#}"));
        let mut had_mistake = false;
        self.show.send_modify(|shown| {
            let mistake = mistake.as_deref().map(Arc::from);
            had_mistake = std::mem::replace(&mut shown.console.mistake, mistake).is_some();
            shown.console.made = number;
        });
        if had_mistake || mistake.is_some() {
            self.reloader.reload();
        }
        if let Some(mistake) = mistake {
            eprintln!("{NOT_BUILT}\n\n{mistake}\n\n{MEND}\n");
        } else if had_mistake || built.is_ok_and(|new| new) {
            let seconds = started.elapsed().as_secs_f32();
            println!("The console in the pages is ready: built in {seconds:.1} s");
        }
    }
}

/// Makes a panic an error: what it leaves half done is in the folder, and that goes.
fn unbroken<T>(build: impl FnOnce() -> Result<T>) -> Result<T> {
    panic::catch_unwind(AssertUnwindSafe(build))
        .unwrap_or_else(|panic| Err(anyhow!("the build panicked: {}", message(&*panic))))
}

const NOT_BUILT: &str = "The guide cannot be built:";
const MEND: &str = "The pages come back when this is mended.";

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("it did not say why")
}

/// The files that the guide is made of, and their changes.
struct Watched {
    /// As the system names it: events come with such paths.
    root: PathBuf,
    watcher: RecommendedWatcher,
    changes: mpsc::Receiver<String>,
}

impl Watched {
    fn new(root: &Path) -> Result<Self> {
        let root = root
            .canonicalize()
            .with_context(|| format!("no folder {}", root.display()))?;
        let (tell, changes) = mpsc::channel();
        let from = root.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if let Ok(event) = event
                && let Some(file) = concerns(&from, &event)
            {
                // Nobody listens any more when the program ends.
                let _ = tell.send(file);
            }
        })
        .context("the guide's files cannot be watched")?;
        Ok(Self {
            root,
            watcher,
            changes,
        })
    }

    /// Watches what there is now: a folder may have been replaced since.
    fn look(&mut self) {
        // A folder that is missing is a mistake which the build tells of.
        let _ = self.watcher.watch(&self.root, RecursiveMode::NonRecursive);
        for folder in ["src", "code", "site/theme"] {
            let _ = self
                .watcher
                .watch(&self.root.join(folder), RecursiveMode::Recursive);
        }
    }

    /// Waits for a change, and until there are no more. Gives one of the files.
    fn wait(&self) -> Option<String> {
        let file = self.changes.recv().ok()?;
        while self.changes.recv_timeout(QUIET).is_ok() {}
        Some(file)
    }
}

/// A file of the guide that an event says has changed.
fn concerns(root: &Path, event: &Event) -> Option<String> {
    // The build opens and reads files: that is no change.
    if matches!(event.kind, EventKind::Access(_)) {
        return None;
    }
    let files = event
        .paths
        .iter()
        .filter_map(|path| path.strip_prefix(root).ok());
    let mut files = files.filter(|file| is_source(file));
    files.next().map(slashes)
}

/// Whether the guide is made from this file, named from the root.
fn is_source(file: &Path) -> bool {
    let inside = |folder: &str| file.starts_with(folder);
    let made =
        inside("src/generated") || file.components().any(|part| part.as_os_str() == "target");
    !made && (inside("src") || inside("code") || inside("site/theme") || file == "book.toml")
}

/// What answers have to know.
#[derive(Clone)]
struct Served {
    shown: watch::Receiver<Shown>,
    /// Where the console's modules are.
    modules: PathBuf,
}

fn router(served: Served, live_reload: LiveReloadLayer, port: u16) -> Router {
    Router::new()
        .fallback(answer)
        .with_state(served)
        .layer(live_reload)
        .layer(middleware::from_fn_with_state(port, guard))
}

/// Answers with a file of the book, or with the mistake where a page is asked for.
async fn answer(State(served): State<Served>, request: Request) -> Response {
    let shown = served.shown.borrow().clone();
    if shown.console.wanted > 0
        && let Some(module) = module(request.uri())
    {
        return served.console(request, module).await;
    }
    if let Some(mistake) = shown.mistake.or(shown.console.mistake)
        && is_page(request.uri().path())
    {
        let page = Html(mistake_page(&mistake));
        return (StatusCode::INTERNAL_SERVER_ERROR, page).into_response();
    }
    let Some(book) = shown.book else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let not_found = ServeFile::new(book.path().join("404.html"));
    let files = ServeDir::new(book.path()).not_found_service(not_found);
    // `ServeDir` answers what goes wrong, too.
    let Ok(response) = files.oneshot(request).await;
    response.map(Body::new)
}

impl Served {
    /// Waits until the console has followed the pages. Says whether it can.
    async fn followed(&mut self) -> bool {
        let follows = |shown: &Shown| shown.console.made >= shown.console.wanted;
        self.shown.wait_for(follows).await.is_ok()
    }

    /// Answers with a file of the console, once it is that of the pages.
    async fn console(mut self, mut request: Request, module: Uri) -> Response {
        if !self.followed().await {
            return StatusCode::NOT_FOUND.into_response();
        }
        *request.uri_mut() = module;
        let Ok(response) = ServeDir::new(self.modules).oneshot(request).await;
        response.map(Body::new)
    }
}

/// The file of the console that an address asks for, from where its modules are.
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
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>A mistake in the guide</title>\n<style>\n\
         :root {{ color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }}\n\
         main {{ max-width: 50rem; margin: 3rem auto; padding: 0 1rem; }}\n\
         pre {{ white-space: pre-wrap; overflow-wrap: anywhere; padding: 1rem; \
         border-left: 0.25rem solid firebrick; background: #8882; }}\n\
         </style>\n</head>\n<body>\n<main>\n<h1>{NOT_BUILT}</h1>\n\
         <pre>{mistake}</pre>\n<p>{MEND}</p>\n</main>\n</body>\n</html>\n"
    )
}

/// Turns away who should not ask, and lets no browser keep what may change at any time.
///
/// A page of a stranger can have its own host name lead to 127.0.0.1 and read what is served
/// there as if it were its own. Such requests still name the stranger as their host.
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
    // The copies of the samples have no place of their own to say it in.
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

/// What asks a program to stop: Ctrl-C and, on Unix, SIGTERM.
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

/// What asks a program to stop on Windows: Ctrl-C.
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
            "site/src/serve.rs",
            "target/debug/site",
            "README.md",
        ] {
            assert!(!is_source(Path::new(file)), "{file}");
        }
    }

    #[test]
    fn only_this_machine_s_names_are_answered() {
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
    fn a_mistake_takes_the_place_of_pages_and_of_nothing_else() {
        assert!(
            ["/", "/requests.html", "/requests", "/a/"]
                .into_iter()
                .all(is_page)
        );
        assert!(!["/guide.css", "/a/b.js"].into_iter().any(is_page));
    }

    #[tokio::test]
    async fn who_asks_for_the_console_before_it_has_followed_the_pages_waits() -> Result<()> {
        let modules = TempDir::new()?;
        let (show, shown) = watch::channel(Shown::default());
        show.send_modify(|shown| shown.console.wanted = 2);
        let served = Served {
            shown,
            modules: modules.path().to_owned(),
        };
        let mut waiting = served.clone();
        let mut followed = pin!(waiting.followed());
        let mut context = task::Context::from_waker(Waker::noop());
        let mut waits = || followed.as_mut().poll(&mut context).is_pending();
        assert!(waits(), "there is none yet");
        show.send_modify(|shown| shown.console.made = 1);
        assert!(waits(), "it is that of the pages before");
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
    async fn a_mistake_of_the_samples_takes_the_place_of_pages_too() -> Result<()> {
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
    fn the_console_s_files_are_told_from_others() {
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
    fn a_build_that_panics_is_a_mistake_like_others() {
        let broken = unbroken::<()>(|| panic!("at chapter {}", 7));
        let mistake = broken.expect_err("it panicked").to_string();
        assert_eq!(mistake, "the build panicked: at chapter 7");
    }

    #[test]
    fn a_mistake_is_shown_as_text() {
        let page = mistake_page("src/a.md:1: `<pre>` & more");
        assert!(page.contains("<pre>src/a.md:1: `&lt;pre&gt;` &amp; more</pre>"));
    }
}
