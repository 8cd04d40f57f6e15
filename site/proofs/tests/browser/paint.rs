//! Times, each beside another one of the same run: when the reader of a slow phone sees the page, beside
//! stock mdBook's build of the same chapters, and how long Send takes, beside a server on loopback.

use std::env;

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

/// The heaviest pages are measured, and as many others, evenly chosen. On a slow network, what a page
/// moves decides when it is painted, and a short page moves less of the same.
const HEAVIEST: usize = 12;

/// The environment variable that has every page measured: `PAINT_EVERY_PAGE=1`.
const EVERY_PAGE: &str = "PAINT_EVERY_PAGE";

/// How often a page is opened at most, and stock's page of the same chapter in turn with it. Other work of
/// the machine can only make a page slower, so the fastest of its times counts.
const ATTEMPTS: usize = 12;

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
    let mut rows = Vec::new();
    for name in measured(guide)? {
        let (mut ours, mut theirs) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..ATTEMPTS {
            ours = largest_paint(page, &guide.address(name))?.min(ours);
            theirs = largest_paint(page, &stock.address(name))?.min(theirs);
            if ours / theirs <= RATIO {
                break;
            }
        }
        rows.push((ours / theirs, ours, theirs, name));
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

/// The pages to measure, the heaviest first.
fn measured(guide: &Guide) -> Result<Vec<&str>> {
    let mut pages = Vec::new();
    for name in &guide.pages {
        pages.push((guide.size(name)?, name.as_str()));
    }
    pages.sort_by(|one, other| other.cmp(one));
    let mut pages: Vec<&str> = pages.into_iter().map(|(_, name)| name).collect();
    if env::var_os(EVERY_PAGE).is_none_or(|wanted| wanted != "1") {
        let others = pages.split_off(HEAVIEST.min(pages.len()));
        let step = others.len().div_ceil(HEAVIEST).max(1);
        pages.extend(others.into_iter().step_by(step));
    }
    Ok(pages)
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
