//! The controls of a page, as a reader presses and reads them.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::json;

use crate::{chromium::Page, guide::Guide};

/// The exchanges that have a Send.
pub const SENDABLE: &str = "figure.exchange:not([data-server])";

pub fn ids(page: &mut Page<'_>, selector: &str) -> Result<Vec<String>> {
    let ids = page.evaluate(&format!(
        "[...document.querySelectorAll('{selector}')].map(figure => figure.id)"
    ))?;
    Ok(serde_json::from_value(ids)?)
}

/// Opens a page with many exchanges, and names the first of them. It gets the recorded response
/// whenever it is sent.
pub fn open_exchange(guide: &Guide, page: &mut Page<'_>) -> Result<String> {
    let name = match guide.richest_page.get() {
        Some(name) => name,
        // Another test may look for it at the same time, and finds the same.
        None => {
            let found = richest_page(guide, page)?;
            guide.richest_page.get_or_init(|| found)
        }
    };
    page.open(&guide.address(name))?;
    let exchanges = unfolded(page)?;
    exchanges
        .into_iter()
        .next()
        .context("no page has an exchange")
}

/// The page with the most exchanges, among those whose responses have no request ids: with each
/// request, the next response has another one.
fn richest_page(guide: &Guide, page: &mut Page<'_>) -> Result<String> {
    let mut most = (0, "");
    for name in &guide.pages {
        page.open(&guide.address(name))?;
        let numbered = page.evaluate(
            "[...document.querySelectorAll('pre.answer')].some(answer => /x-request-id/.test(answer.textContent))",
        )?;
        if numbered == true {
            continue;
        }
        let found = unfolded(page)?.len();
        if found > most.0 {
            most = (found, name);
        }
    }
    Ok(most.1.to_owned())
}

/// The exchanges outside of folds. What is folded can't be reached by the keyboard before it is
/// opened.
fn unfolded(page: &mut Page<'_>) -> Result<Vec<String>> {
    ids(page, &format!("{SENDABLE}:not(details *)"))
}

/// The first exchange or challenge of each program that the page needs.
pub fn cards_by_program(page: &mut Page<'_>) -> Result<BTreeMap<String, String>> {
    let cards = page.evaluate(&format!(
        "Object.fromEntries([...document.querySelectorAll('{SENDABLE}, figure.challenge')]
            .reverse().map(figure => [figure.dataset.program, figure.id]))"
    ))?;
    Ok(serde_json::from_value(cards)?)
}

pub fn figure(id: &str) -> String {
    format!("document.getElementById({})", json!(id))
}

pub fn answer(id: &str) -> String {
    format!("{}.querySelector('pre.answer code')", figure(id))
}

pub fn request(id: &str) -> String {
    format!("{}.querySelector('pre.request code')", figure(id))
}

pub fn status(id: &str) -> String {
    format!("{}.querySelector('[role=status]')", figure(id))
}

pub fn button(id: &str, label: &str) -> String {
    format!(
        "[...{}.querySelectorAll('button')].find(button => button.textContent === {} && !button.hidden)",
        figure(id),
        json!(label)
    )
}

pub fn press_button(page: &mut Page<'_>, id: &str, label: &str) -> Result<()> {
    let pressed = format!("{}.click()", button(id, label));
    page.evaluate(&pressed)
        .with_context(|| format!("{id} has no button “{label}”"))?;
    Ok(())
}

/// Writes a request into the open editor of an exchange.
pub fn write(page: &mut Page<'_>, id: &str, request: &str) -> Result<()> {
    page.evaluate(&format!(
        "(editor => {{ editor.value = {};  editor.dispatchEvent(new Event('input')); }})({}.querySelector('textarea'))",
        json!(request),
        figure(id)
    ))?;
    Ok(())
}

/// Presses Send and waits until something is said about it.
pub fn send(page: &mut Page<'_>, id: &str) -> Result<()> {
    press_button(page, id, "Send")?;
    page.wait_for(&format!(
        "!{}.hasAttribute('aria-disabled')",
        button(id, "Send")
    ))
}

pub fn send_all(page: &mut Page<'_>) -> Result<()> {
    for id in ids(page, &format!("{SENDABLE}, figure.challenge"))? {
        send(page, &id)?;
    }
    Ok(())
}

pub fn text(page: &mut Page<'_>, element: &str) -> Result<String> {
    text_of(page, &format!("{element}.textContent"))
}

/// Draws every diagram of the page, and waits until all are drawn.
pub fn draw_all(page: &mut Page<'_>) -> Result<()> {
    page.evaluate("document.querySelectorAll('figure.diagram .console button').forEach(button => button.click())")?;
    page.wait_for("document.querySelectorAll('figure.diagram').length === document.querySelectorAll('figure.diagram svg').length")
}

/// The text that an expression gives.
pub fn text_of(page: &mut Page<'_>, expression: &str) -> Result<String> {
    let text = page.evaluate(expression)?;
    Ok(text.as_str().context("a text")?.to_owned())
}

/// How many lines of the shown answer are marked.
pub fn marks(page: &mut Page<'_>, id: &str, mark: &str) -> Result<u64> {
    let marks = page.evaluate(&format!("{}.querySelectorAll('{mark}').length", answer(id)))?;
    marks.as_u64().context("a count")
}

pub fn said(page: &mut Page<'_>, id: &str) -> Result<String> {
    text(page, &status(id))
}

/// Presses Tab until a condition holds.
pub fn tab_to(page: &mut Page<'_>, condition: &str) -> Result<()> {
    for _ in 0..300 {
        if page.evaluate(condition)? == true {
            return Ok(());
        }
        page.press("Tab")?;
    }
    anyhow::bail!("Tab never leads to where this holds: {condition}")
}

/// The size of a file after gzip, as a server sends it.
pub fn compressed(page: &mut Page<'_>, url: &str) -> Result<u64> {
    let size = page.evaluate(&format!(
        "fetch({})
            .then(file => new Response(file.body.pipeThrough(new CompressionStream('gzip'))).arrayBuffer())
            .then(bytes => bytes.byteLength)",
        json!(url)
    ))?;
    size.as_u64().context("a size")
}
