//! Times, each beside another one of the same run: when the reader of a slow phone sees the page, beside
//! stock mdBook's build of the same chapters, and how long Send takes, beside a server on loopback.

use anyhow::{Context, Result, ensure};
use axum::{Router, response::Html, routing::get};
use mdbook_driver::{MDBook, config::HtmlConfig};
use serde_json::json;
use site::{book, pages::page::Site, workspace};

use crate::{
    chromium::Page,
    controls::{SENDABLE, answer, button, ids, text},
    guide::{Guide, Served},
    page::{PHONE, resize},
};

/// How long the largest paint may take, as a part of what it takes in stock mdBook's page.
const RATIO: f64 = 0.4;

/// A page that is below this part of the limit when it is first opened is fast enough. Each of the
/// others is opened several times, and so is stock's page of the same chapter, and the medians count.
const CLEARLY: f64 = 0.9;

/// How many of stock's pages are opened before. On a slow network they all take nearly the same time,
/// because the theme is much heavier than a chapter. The fastest of them is what all pages are first
/// compared with.
const STOCK_PAGES: usize = 5;

/// How often a page is opened that is not clearly fast enough.
const RUNS: usize = 3;

/// How often a page that takes too long is measured again, each time after all other pages: the
/// machine may have been busy with something else for a minute, which the shorter time feels more.
/// A page that is too slow is so each time.
const ATTEMPTS: usize = 4;

/// The page whose first exchange is sent, and the program that answers it.
const TIMED_PAGE: &str = "requests.html";
const TIMED_PROGRAM: &str = "requests";

/// How often Send is pressed for a median.
const PRESSES: usize = 20;

/// The slow phone: bytes in a second, milliseconds for each request, and how much slower it computes
/// than the machine that runs this.
const BYTES_PER_SECOND: u32 = 1_600_000 / 8;
const LATENCY: u32 = 150;
const SLOWER: u32 = 4;

pub fn the_largest_paint_takes_a_part_of_what_a_stock_page_takes(
    guide: &Guide,
    page: &mut Page<'_>,
) -> Result<()> {
    let stock = stock()?;
    resize(page, PHONE)?;
    page.send(
        "Network.emulateNetworkConditions",
        json!({
            "offline": false,
            "latency": LATENCY,
            "downloadThroughput": BYTES_PER_SECOND,
            "uploadThroughput": BYTES_PER_SECOND,
        }),
    )?;
    page.send("Emulation.setCPUThrottlingRate", json!({ "rate": SLOWER }))?;
    let mut fastest = f64::INFINITY;
    for name in guide
        .pages
        .iter()
        .step_by(guide.pages.len().div_ceil(STOCK_PAGES))
    {
        fastest = largest_paint(page, &stock.address(name))?.min(fastest);
    }
    let mut rows = Vec::new();
    let mut again = Vec::new();
    for name in &guide.pages {
        let ours = largest_paint(page, &guide.address(name))?;
        if ours / fastest <= RATIO * CLEARLY {
            rows.push((ours / fastest, ours, fastest, name));
        } else {
            again.push(name);
        }
    }
    for attempt in 1..=ATTEMPTS {
        for name in std::mem::take(&mut again) {
            let addresses = [guide.address(name), stock.address(name)];
            let [ours, theirs] = measure(page, &addresses, RUNS)?;
            if ours / theirs <= RATIO || attempt == ATTEMPTS {
                rows.push((ours / theirs, ours, theirs, name));
            } else {
                again.push(name);
            }
        }
    }
    rows.sort_by(|(one, ..), (other, ..)| other.total_cmp(one));
    println!("largest paint on a slow phone, the worst first: part of stock's, ms, stock's ms");
    for (ratio, ours, theirs, name) in &rows {
        println!("{ratio:.2}  {ours:5.0}  {theirs:5.0}  {name}");
    }
    for (ratio, _, _, name) in rows {
        ensure!(
            ratio <= RATIO,
            "{name} takes {ratio:.2} of what stock mdBook's page takes, more than {RATIO}"
        );
    }
    Ok(())
}

/// Measures how long a press of Send takes: the first press on a page, which loads the program (cold),
/// and a later one (warm). The same request is sent with `fetch` to the same program, which runs as
/// a server on loopback. Nothing here fails because of a time.
pub fn a_press_of_send_is_timed_beside_fetch_on_loopback(
    guide: &Guide,
    page: &mut Page<'_>,
) -> Result<()> {
    let (mut cold, mut warm) = (Vec::new(), Vec::new());
    for _ in 0..PRESSES {
        page.send("Network.clearBrowserCache", json!({}))?;
        page.open(&guide.address(TIMED_PAGE))?;
        let exchanges = ids(page, SENDABLE)?;
        let exchange = exchanges.first().context("the page has an exchange")?;
        let recorded = text(page, &answer(exchange))?;
        cold.push(press(page, exchange)?);
        warm.push(press(page, exchange)?);
        ensure!(text(page, &answer(exchange))? == recorded, "another answer");
    }

    let program = code::program(TIMED_PROGRAM).context("the program")?;
    // A page of the same server, so that `fetch` needs no CORS.
    let app: Router = (program.app)().route("/empty", get(async || Html("<!doctype html>")));
    let server = Served::app(app)?;
    page.open(&server.address("empty"))?;
    let mut loopback = Vec::new();
    for _ in 0..=PRESSES {
        loopback.push(milliseconds(
            page,
            "(async () => {
                const start = performance.now();
                await (await fetch('/menu', { cache: 'no-store' })).text();
                return performance.now() - start;
            })()",
        )?);
    }
    loopback.remove(0); // opens the connection
    let [cold, warm, loopback] = [cold, warm, loopback].map(median);
    println!(
        "medians of {PRESSES}, in ms: Send cold {cold:.1}, Send warm {warm:.1}, fetch on loopback {loopback:.1}"
    );
    Ok(())
}

/// Presses Send, and returns how many milliseconds pass until the answer is in the page.
fn press(page: &mut Page<'_>, exchange: &str) -> Result<f64> {
    let send = button(exchange, "Send");
    milliseconds(
        page,
        &format!(
            "new Promise(resolve => {{
                const send = {send};
                const start = performance.now();
                const watch = new MutationObserver(() => {{
                    if (!send.hasAttribute('aria-disabled')) {{
                        watch.disconnect();
                        resolve(performance.now() - start);
                    }}
                }});
                watch.observe(send, {{ attributes: true, attributeFilter: ['aria-disabled'] }});
                send.click();
            }})"
        ),
    )
}

fn milliseconds(page: &mut Page<'_>, expression: &str) -> Result<f64> {
    page.evaluate(expression)?.as_f64().context("a time")
}

/// The same chapters in mdBook's own theme, and without its plugin for diagrams, which would make
/// its pages three times as heavy.
fn stock() -> Result<Served> {
    let folder = tempfile::Builder::new().prefix("stock-").tempdir()?;
    let root = workspace::root();
    let mut config = book::settings(&root)?;
    config.set("output.html", HtmlConfig::default())?;
    config.build.build_dir = folder.path().to_path_buf();
    let mut stock = MDBook::load_with_config(root, config)?;
    stock.with_preprocessor(Site::default());
    stock.build()?;
    Served::new(folder)
}

/// The median largest paint of each address, in milliseconds. They are opened in turn, so that
/// other work of the machine slows down all of them.
fn measure(page: &mut Page<'_>, addresses: &[String; 2], runs: usize) -> Result<[f64; 2]> {
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..runs {
        for (address, times) in addresses.iter().zip(&mut times) {
            times.push(largest_paint(page, address)?);
        }
    }
    Ok(times.map(median))
}

/// When the largest thing on the first screen was painted, in milliseconds after the page was asked
/// for, with nothing kept from before.
fn largest_paint(page: &mut Page<'_>, address: &str) -> Result<f64> {
    page.send("Network.clearBrowserCache", json!({}))?;
    page.open(address)?;
    let painted = page.evaluate(
        "new Promise(resolve => {
            const last = list => resolve(list.getEntries().at(-1).startTime);
            new PerformanceObserver(last).observe({ type: 'largest-contentful-paint', buffered: true });
        })",
    )?;
    painted.as_f64().context("a time")
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
