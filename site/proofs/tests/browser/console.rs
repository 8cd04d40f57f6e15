//! The console: Send answers as recorded, and the other buttons do their work.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use live::{Session, Span};
use serde_json::json;

use crate::{
    access::use_everything,
    chromium::Page,
    controls::*,
    guide::{self, Guide},
    page::all_pages,
};

/// The compressed size, in bytes, that the console may add to a page when it is first used.
const CONSOLE_BUDGET: u64 = 180_000;

/// The same for the service. It also hashes passwords, makes tokens and checks signatures, which alone
/// take about 60,000 bytes, and it has twice as many endpoints as the shop.
const SERVICE_BUDGET: u64 = 300_000;

/// The end of the console's message about an answer that is the recorded one.
const SAME: &str = "Same as the recorded response.";

pub fn every_exchange_is_answered_as_recorded(guide: &Guide, page: &mut Page<'_>) -> Result<()> {
    let mut sent = Vec::new();
    let mut differing = Vec::new();
    for name in &guide.pages {
        page.open(&guide.address(name))?;
        for exchange in ids(page, SENDABLE)? {
            sent.push(text(page, &request(&exchange))?);
            let recorded = text(page, &answer(&exchange))?;
            send(page, &exchange)?;
            let answered = text(page, &answer(&exchange))?;
            let said = said(page, &exchange)?;
            if answered != recorded || !said.ends_with(SAME) {
                differing.push(format!("{name}#{exchange}: {said}\n{answered}"));
            }
        }
    }
    let same = sent.len() - differing.len();
    println!("live exchanges: {same} of {}", sent.len());
    for exchange in guide.exchanges.iter().filter(|exchange| !exchange.server) {
        ensure!(
            sent.iter()
                .any(|request| request.trim_end() == exchange.request.trim_end()),
            "no page can send “{}”",
            exchange.title
        );
    }
    ensure!(
        differing.is_empty(),
        "answers differ from their records:\n{}",
        differing.join("\n")
    );
    Ok(())
}

/// An order that leaves one muffin.
const BOS_MUFFINS: &str = "POST /orders HTTP/1.1\ncontent-type: application/json\n\n\
     { \"customer\": \"Bo\", \"item\": \"muffin\", \"quantity\": 3 }";

pub fn every_challenge_is_met_by_its_solution_only(
    guide: &Guide,
    page: &mut Page<'_>,
) -> Result<()> {
    let mut met = 0;
    for name in &guide.pages {
        page.open(&guide.address(name))?;
        for challenge in ids(page, "figure.challenge")? {
            let figure = figure(&challenge);
            let solution = text(
                page,
                &format!("{figure}.querySelector('details pre.request code')"),
            )?;
            let record = text(
                page,
                &format!("{figure}.querySelector('details pre.answer code')"),
            )?;
            let wanted = record.split(' ').nth(1).context("a status")?;

            send(page, &challenge)?;
            let said_first = said(page, &challenge)?;
            ensure!(
                said_first.starts_with("Not solved yet: status"),
                "{challenge}, as it starts: {said_first}"
            );
            let status = page.evaluate(&format!(
                "{figure}.querySelector('pre.answer').dataset.status"
            ))?;
            ensure!(
                status == wanted || said_first.contains(&format!("expected {wanted}")),
                "{challenge} does not say that it wants a {wanted}: {said_first}"
            );
            // What this order changes must not make the solution fail.
            write(page, &challenge, BOS_MUFFINS)?;
            send(page, &challenge)?;
            write(page, &challenge, &solution)?;
            send(page, &challenge)?;
            let said_then = said(page, &challenge)?;
            ensure!(
                said_then.starts_with("Solved: "),
                "{challenge}, with its solution: {said_then}"
            );
            write(page, &challenge, "GET /no-such-path HTTP/1.1")?;
            send(page, &challenge)?;
            let said_after = said(page, &challenge)?;
            ensure!(
                said_after.ends_with("You have already solved this challenge."),
                "{challenge}, after its solution: {said_after}"
            );
            met += 1;
        }
    }
    println!("challenges: {met} met by their solutions, none by its start");
    ensure!(met > 0, "no page has a challenge");
    Ok(())
}

pub fn the_shop_remembers_until_it_is_reset(guide: &Guide, page: &mut Page<'_>) -> Result<()> {
    // On some pages every exchange only reads, and a second time gets the same response.
    for name in &guide.pages {
        page.open(&guide.address(name))?;
        if ids(page, SENDABLE)?.is_empty() {
            continue;
        }
        send_all(page)?;
        if sent_again(page)? > 0 {
            return all_is_as_recorded_after_a_reset(page);
        }
    }
    bail!("on no page does a second sending get a different response")
}

/// Sends every exchange of the page once more, and checks that what differs is marked. Returns how many differ.
fn sent_again(page: &mut Page<'_>) -> Result<usize> {
    let mut differing = 0;
    for exchange in ids(page, SENDABLE)? {
        send(page, &exchange)?;
        let said = said(page, &exchange)?;
        let new = marks(page, &exchange, "ins")?;
        if said.contains("Differs from the recorded response") {
            differing += 1;
            press_button(page, &exchange, "Show recorded response")?;
            let old = marks(page, &exchange, "del")?;
            // Lines that came where others went count once.
            let counted = said
                .rsplit(" in ")
                .next()
                .and_then(|end| end.split(' ').next()?.parse().ok());
            ensure!(
                counted >= Some(new.max(old)) && counted <= Some(new + old),
                "{exchange} marks {new} and {old} lines: {said}"
            );
        } else {
            let wanted = u64::from(said.contains("except for x-request-id"));
            ensure!(new == wanted, "{exchange} marks {new} lines: {said}");
        }
    }
    Ok(differing)
}

fn all_is_as_recorded_after_a_reset(page: &mut Page<'_>) -> Result<()> {
    let exchanges = ids(page, SENDABLE)?;
    let first = exchanges.first().context("an exchange")?;
    press_button(page, first, "Reset")?;
    ensure!(
        said(page, first)?.contains("initial data"),
        "Reset says nothing"
    );
    for exchange in exchanges {
        for mark in ["ins", "del"] {
            ensure!(
                marks(page, &exchange, mark)? == 0,
                "{exchange} is still marked"
            );
        }
        send(page, &exchange)?;
        let said = said(page, &exchange)?;
        ensure!(said.ends_with(SAME), "after Reset, {exchange}: {said}");
    }
    Ok(())
}

pub fn an_exchange_out_of_turn_can_be_put_in_order(
    guide: &Guide,
    page: &mut Page<'_>,
) -> Result<()> {
    let exchange = out_of_turn(guide, page)?;
    press_button(page, &exchange, "Send all up to here")?;
    page.wait_for(&format!("/{SAME}/.test({}.textContent)", status(&exchange)))?;
    let focused = page.evaluate(&format!(
        "document.activeElement === {}",
        button(&exchange, "Send")
    ))?;
    ensure!(focused == true, "the focus is lost");
    Ok(())
}

/// Sends the exchanges of a page from bottom to top, until one has another answer than recorded.
fn out_of_turn(guide: &Guide, page: &mut Page<'_>) -> Result<String> {
    for name in &guide.pages {
        page.open(&guide.address(name))?;
        for exchange in ids(page, SENDABLE)?.into_iter().rev() {
            send(page, &exchange)?;
            if said(page, &exchange)?.contains("Differs from the recorded response") {
                return Ok(exchange);
            }
        }
    }
    bail!("every exchange has the same answer in any order")
}

pub fn an_edited_request_gets_another_answer(guide: &Guide, page: &mut Page<'_>) -> Result<()> {
    let exchange = open_exchange(guide, page)?;
    let (request, answer) = (request(&exchange), answer(&exchange));
    let recorded = text(page, &answer)?;
    let recorded_request = text(page, &request)?;
    press_button(page, &exchange, "Edit")?;
    write(page, &exchange, "GET /no-such-path HTTP/1.1")?;
    send(page, &exchange)?;
    let said_then = said(page, &exchange)?;
    ensure!(
        said_then.contains("404 Not Found. Differs from the recorded response in "),
        "{said_then}"
    );
    ensure!(marks(page, &exchange, "ins")? > 0, "nothing is marked");

    press_button(page, &exchange, "Show recorded response")?;
    let shown = text(page, &answer)?;
    ensure!(
        shown.trim_end() == recorded.trim_end(),
        "this is not the recorded answer:\n{shown}"
    );
    ensure!(
        marks(page, &exchange, "del")? > 0,
        "nothing is marked in the record"
    );

    press_button(page, &exchange, "Close editor")?;
    let edited = text(page, &request)?;
    ensure!(
        edited == "GET /no-such-path HTTP/1.1",
        "the edit is lost: {edited}"
    );
    press_button(page, &exchange, "Reset")?;
    ensure!(
        text(page, &answer)? == recorded,
        "Reset does not bring the record back"
    );
    // An edit is work, and Reset is about the shop.
    ensure!(
        text(page, &request)? == "GET /no-such-path HTTP/1.1",
        "Reset throws the edit away"
    );
    press_button(page, &exchange, "Undo edit")?;
    ensure!(
        text(page, &request)? == recorded_request,
        "Undo does not bring the request back"
    );
    Ok(())
}

pub fn an_answer_comes_with_its_call_trace(guide: &Guide, page: &mut Page<'_>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    let mut traces = 0;
    let mut first = None;
    for name in &guide.pages {
        page.open(&guide.address(name))?;
        let mut sessions = BTreeMap::new();
        let mut opened = false;
        for id in ids(page, SENDABLE)? {
            let asked = text(page, &request(&id))?;
            let data = |name: &str| format!("{}.dataset.{name}", figure(&id));
            let chapter = text_of(page, &data("chapter"))?;
            let program = code::program(&text_of(page, &data("program"))?);
            let program = program.with_context(|| format!("{id} names no program"))?;
            let session = sessions
                .entry(chapter)
                .or_insert_with(|| Session::new(program));
            let went = runtime.block_on(session.send(asked.trim_end()));
            let went = went
                .map_err(|problem| anyhow!("{name}#{id}: {problem}"))?
                .spans;
            let layer = |span: &Span| span.target.rsplit("::").next().map(str::to_owned);
            let layers: Vec<String> = went.iter().filter_map(layer).collect();
            let steps = layers.iter().zip(&went);
            let expected: Vec<(String, usize)> = steps
                .map(|(layer, span)| (format!("{layer} {}", span.name), span.depth))
                .collect();

            let trace = format!("{}.querySelector('.trace')", figure(&id));
            let shown = format!("!{trace}.hidden");
            ensure!(
                page.evaluate(&shown)? == false,
                "{id} has a call trace before it is sent"
            );
            send(page, &id)?;
            ensure!(
                page.evaluate(&shown)? == !went.is_empty(),
                "{id}: {expected:?}"
            );
            let steps = page.evaluate(&format!(
                "[...{trace}.querySelectorAll('li')].map(step =>
                    [step.textContent, parseFloat(step.style.getPropertyValue('--depth'))])"
            ))?;
            let steps: Vec<(String, usize)> = serde_json::from_value(steps)?;
            ensure!(
                steps == expected,
                "{name}#{id}: {steps:?}, not {expected:?}"
            );
            if went.is_empty() {
                continue;
            }
            let summary = text(page, &format!("{trace}.querySelector('summary')"))?;
            let mut once = Vec::new();
            for layer in layers {
                if !once.contains(&layer) {
                    once.push(layer);
                }
            }
            ensure!(
                summary == format!("Call trace: {}", once.join(" → ")),
                "{name}#{id}: {summary}"
            );
            // A reader who opens one call trace wants to see the next one open, too.
            ensure!(
                page.evaluate(&format!("{trace}.open"))? == opened,
                "{name}#{id}"
            );
            if !opened {
                page.evaluate(&format!("{trace}.querySelector('summary').click()"))?;
                page.wait_for(&format!("{trace}.open"))?;
                opened = true;
            }
            traces += 1;
            first.get_or_insert((name, id));
        }
    }
    // There is no call trace after a request that failed, or after Reset.
    let (name, exchange) = first.context("no answer has a call trace")?;
    page.open(&guide.address(name))?;
    let trace = format!("{}.querySelector('.trace').hidden", figure(&exchange));
    for request in ["GET /menu HTTP/1.1", "hello"] {
        send(page, &exchange)?;
        ensure!(page.evaluate(&trace)? == false, "the call trace is missing");
        if request == "hello" {
            press_button(page, &exchange, "Edit")?;
            write(page, &exchange, request)?;
            send(page, &exchange)?;
        } else {
            press_button(page, &exchange, "Reset")?;
        }
        ensure!(
            page.evaluate(&trace)? == true,
            "the call trace of an earlier response is left"
        );
    }
    println!("call traces shown: {traces}");
    ensure!(traces > 0, "no answer opens a span");
    Ok(())
}

pub fn a_bad_request_gets_a_message(guide: &Guide, page: &mut Page<'_>) -> Result<()> {
    let exchange = open_exchange(guide, page)?;
    press_button(page, &exchange, "Edit")?;
    for (request, expected) in [
        ("hello", "Line 1"),
        ("", "Line 1"),
        ("GET {{nothing}} HTTP/1.1", "`nothing`"),
        ("GET /menu HTTP/1.1\nno colon", "Line 2"),
        (
            "# capture x = /y/z\nGET /menu HTTP/1.1",
            "no `x` to capture",
        ),
    ] {
        write(page, &exchange, request)?;
        send(page, &exchange)?;
        let said = said(page, &exchange)?;
        ensure!(
            said.contains(expected) && !said.contains("panicked"),
            "{request:?}: {said}"
        );
        println!("{request:?}: {said}");
    }
    press_button(page, &exchange, "Undo edit")?;
    send(page, &exchange)?;
    let said = said(page, &exchange)?;
    // The last of the requests above was answered. So if the responses of this page have request
    // ids, the next one differs from the recorded one.
    ensure!(
        said.contains("Same as the recorded response"),
        "the page does not go on: {said}"
    );
    Ok(())
}

pub fn a_panic_costs_a_session_and_no_more(guide: &Guide, page: &mut Page<'_>) -> Result<()> {
    let exchange = open_exchange(guide, page)?;
    // No sample panics, so the module is made to.
    page.evaluate(&format!(
        "import(new URL(`${{document.documentElement.dataset.root}}generated/live/${{{}.dataset.program}}.js?v=${{document.documentElement.dataset.console}}`, document.baseURI)).then(live => {{
            live.Session.prototype.send = () => {{ throw new WebAssembly.RuntimeError('unreachable'); }};
        }})",
        figure(&exchange)
    ))?;
    send(page, &exchange)?;
    let said_then = said(page, &exchange)?;
    ensure!(
        said_then.starts_with("The program panicked")
            && said_then.ends_with("is the recorded one."),
        "{said_then}"
    );
    send(page, &exchange)?;
    let said = said(page, &exchange)?;
    ensure!(said.ends_with(SAME), "after a panic: {said}");
    Ok(())
}

pub fn a_console_that_cannot_be_loaded_says_so(guide: &Guide, page: &mut Page<'_>) -> Result<()> {
    let exchange = open_exchange(guide, page)?;
    page.send("Network.setBlockedURLs", json!({ "urls": ["*live*"] }))?;
    send(page, &exchange)?;
    let said_then = said(page, &exchange)?;
    ensure!(said_then.contains("could not be loaded"), "{said_then}");
    page.send("Network.setBlockedURLs", json!({ "urls": [] }))?;
    send(page, &exchange)?;
    let said = said(page, &exchange)?;
    ensure!(said.ends_with(SAME), "when it can be loaded again: {said}");
    Ok(())
}

pub fn the_keyboard_alone_sends_and_edits(guide: &Guide, page: &mut Page<'_>) -> Result<()> {
    let exchange = open_exchange(guide, page)?;
    let button = |label: &str| format!("document.activeElement === {}", button(&exchange, label));
    tab_to(page, &button("Send"))?;
    let outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")?;
    ensure!(outline != "none", "the focus does not show");
    page.press("Enter")?;
    page.wait_for(&format!(
        "/Same as the recorded/.test({}.textContent)",
        status(&exchange)
    ))?;
    let live = page.evaluate(&format!("{}.getAttribute('role')", status(&exchange)))?;
    ensure!(live == "status", "the answer is not announced");
    ensure!(
        page.evaluate(&button("Send"))? == true,
        "the focus is lost after sending"
    );

    tab_to(page, &button("Edit"))?;
    page.press("Enter")?;
    let editor = format!(
        "document.activeElement === {}.querySelector('textarea')",
        figure(&exchange)
    );
    ensure!(
        page.evaluate(&editor)? == true,
        "the editor has not the focus"
    );
    page.evaluate("document.activeElement.select()")?;
    page.send(
        "Input.insertText",
        json!({ "text": "GET /no-such-path HTTP/1.1" }),
    )?;
    page.press("Control+Enter")?;
    page.wait_for(&format!("/404/.test({}.textContent)", status(&exchange)))?;
    ensure!(
        page.evaluate(&editor)? == true,
        "the focus is lost after sending from the editor"
    );
    page.press("Escape")?;
    ensure!(
        page.evaluate(&button("Edit"))? == true,
        "Escape does not lead back to Edit"
    );

    for label in ["Show recorded response", "Reset"] {
        tab_to(page, &button(label))?;
        page.press("Enter")?;
        let lost = page.evaluate("document.activeElement === document.body")?;
        ensure!(lost == false, "the focus is lost after {label}");
    }
    ensure!(
        page.evaluate(&button("Send"))? == true,
        "Reset does not lead back to Send"
    );
    Ok(())
}

pub fn a_prediction_is_revealed_by_sending(guide: &Guide, page: &mut Page<'_>) -> Result<()> {
    let mut revealed = 0;
    for name in &guide.pages {
        page.open(&guide.address(name))?;
        // An exchange may need a value that one above it captures, such as a token, so all are sent.
        let predicted = ids(
            page,
            "figure.exchange:not([data-server]):has(details pre.answer)",
        )?;
        for exchange in ids(page, SENDABLE)? {
            if !predicted.contains(&exchange) {
                send(page, &exchange)?;
                continue;
            }
            let open = format!(
                "{}.querySelector('details:has(pre.answer)').open",
                figure(&exchange)
            );
            ensure!(
                page.evaluate(&open)? == false,
                "{exchange} gives its answer away"
            );
            send(page, &exchange)?;
            ensure!(
                page.evaluate(&open)? == true,
                "Send does not reveal the answer of {exchange}"
            );
            revealed += 1;
        }
    }
    println!("predictions: {revealed}");
    ensure!(revealed > 0, "no page has a prediction");
    Ok(())
}

pub fn a_diagram_is_drawn_on_a_click(guide: &Guide, page: &mut Page<'_>) -> Result<()> {
    let mut drawn = 0;
    for name in &guide.pages {
        page.open(&guide.address(name))?;
        let count = page.evaluate("document.querySelectorAll('figure.diagram').length")?;
        for index in 0..count.as_u64().context("a count")? {
            let figure = format!("document.querySelectorAll('figure.diagram')[{index}]");
            let height = format!("{figure}.querySelector('.box').getBoundingClientRect().height");
            let before = page.evaluate(&height)?;
            page.evaluate(&format!(
                "{figure}.querySelector('.console button').click()"
            ))?;
            page.wait_for(&format!(
                "/is shown|could not/.test({figure}.querySelector('[role=status]').textContent)"
            ))?;
            let nodes = page.evaluate(&format!("{figure}.querySelectorAll('svg text').length"))?;
            ensure!(nodes.as_u64() > Some(0), "{name}: diagram {index} is empty");
            let after = page.evaluate(&height)?;
            ensure!(
                before == after,
                "{name}: the box of diagram {index} grows from {before} to {after}"
            );
            drawn += 1;
        }
    }
    println!("diagrams drawn: {drawn}");
    ensure!(drawn > 0, "no page has a diagram");
    Ok(())
}

pub fn the_console_stays_in_its_budget(guide: &Guide, page: &mut Page<'_>) -> Result<()> {
    let mut sizes = BTreeMap::new();
    for name in &guide.pages {
        page.open(&guide.address(name))?;
        for (program, card) in cards_by_program(page)? {
            if sizes.contains_key(&program) {
                continue;
            }
            page.open(&guide.address(name))?;
            let before = page.requests().len();
            send(page, &card)?;
            // Chromium asks for the icon of a page when it likes.
            let added: BTreeSet<String> = page
                .requests()
                .split_off(before)
                .into_iter()
                .filter(|url| !url.contains("/favicon"))
                .collect();
            let mut total = 0;
            for url in &added {
                total += compressed(page, url)?;
            }
            ensure!(total > 0, "nothing was loaded for {program}");
            sizes.insert(program, total);
        }
    }
    let mut sizes: Vec<(String, u64)> = sizes.into_iter().collect();
    sizes.sort_by_key(|&(_, size)| Reverse(size));
    for (program, size) in &sizes {
        println!("{size:>7} bytes compressed: the console of {program}");
    }
    let (_, most) = sizes.first().context("no page has an exchange")?;
    println!("the console adds {most} bytes compressed at most when first used, and 0 before");
    for (program, size) in &sizes {
        let budget = match program.as_str() {
            "service" => SERVICE_BUDGET,
            _ => CONSOLE_BUDGET,
        };
        ensure!(
            *size <= budget,
            "the console of {program} adds {size} bytes, more than {budget}"
        );
    }
    Ok(())
}

pub fn a_page_loads_the_console_of_the_programs_that_it_needs(
    guide: &Guide,
    page: &mut Page<'_>,
) -> Result<()> {
    let pages = guide.pages.iter().map(String::as_str);
    for name in pages.chain([guide::PAGE_OF_TWO]) {
        let before = page.requests().len();
        page.open(&guide.address(name))?;
        let programs = cards_by_program(page)?;
        let opened = page.requests().split_off(before);
        ensure!(
            !opened.iter().any(|url| url.contains("/generated/")),
            "{name} loads the console before it is used: {opened:#?}"
        );
        send_all(page)?;
        let loaded: BTreeSet<String> = page
            .requests()
            .split_off(before)
            .iter()
            .filter_map(|url| url.split_once("/generated/live/"))
            .filter_map(|(_, file)| file.split_once("?v="))
            .map(|(file, _)| file.to_owned())
            .collect();
        let wanted: BTreeSet<String> = programs
            .keys()
            .flat_map(|program| [format!("{program}.js"), format!("{program}_bg.wasm")])
            .collect();
        ensure!(loaded == wanted, "{name} loads {loaded:?}, not {wanted:?}");
    }
    Ok(())
}

pub fn a_page_of_two_programs_asks_each_of_them(guide: &Guide, page: &mut Page<'_>) -> Result<()> {
    page.open(&guide.address(guide::PAGE_OF_TWO))?;
    let cards: Vec<String> = cards_by_program(page)?.into_values().collect();
    let [one, other] = cards.as_slice() else {
        bail!("the page asks {} programs", cards.len());
    };
    for card in [one, other] {
        send(page, card)?;
        let said = said(page, card)?;
        ensure!(said.ends_with(SAME), "{card}: {said}");
    }
    press_button(page, one, "Reset")?;
    let said_then = said(page, other)?;
    ensure!(
        said_then.ends_with(SAME),
        "the reset of {one} reaches {other}: {said_then}"
    );
    Ok(())
}

pub fn an_answer_of_a_server_is_read_and_not_sent_for(
    guide: &Guide,
    page: &mut Page<'_>,
) -> Result<()> {
    let mut shown = 0;
    let pages = guide.pages.iter().map(String::as_str);
    for name in pages.chain([guide::SERVER_PAGE]) {
        page.open(&guide.address(name))?;
        for exchange in ids(page, "figure.exchange[data-server]")? {
            let answer = text(page, &answer(&exchange))?;
            ensure!(answer.starts_with("HTTP/1.1 "), "{exchange}: {answer}");
            for label in ["Send", "Edit"] {
                let there = page.evaluate(&format!("{} != null", button(&exchange, label)))?;
                ensure!(there == false, "{exchange} has a button “{label}”");
            }
            let said = text(
                page,
                &format!("{}.querySelector('.console p')", figure(&exchange)),
            )?;
            ensure!(said.starts_with("You can’t send"), "{exchange}: {said}");
            shown += 1;
        }
    }
    println!("answers that only a server gives: {shown}");
    // The others of the page go on.
    send_all(page)?;
    ensure!(shown > 0, "no page has one");
    Ok(())
}

pub fn without_script_every_answer_is_there(guide: &Guide, page: &mut Page<'_>) -> Result<()> {
    page.send(
        "Emulation.setScriptExecutionDisabled",
        json!({ "value": true }),
    )?;
    let mut texts = String::new();
    for name in &guide.pages {
        page.open(&guide.address(name))?;
        texts += &text(page, "document.querySelector('main')")?;
        let buttons = page.evaluate("document.querySelectorAll('main button').length")?;
        ensure!(buttons == 0, "{name}: {buttons} buttons that do nothing");
    }
    for exchange in &guide.exchanges {
        let answer = exchange
            .answer
            .as_deref()
            .context("every exchange is recorded")?;
        ensure!(
            texts.contains(answer.trim_end()),
            "no page shows the answer of “{}”",
            exchange.title
        );
    }
    println!(
        "answers in the pages without script: {}",
        guide.exchanges.len()
    );
    Ok(())
}

pub fn no_page_complains_or_calls_another_host(guide: &Guide, page: &mut Page<'_>) -> Result<()> {
    for (position, name) in all_pages(guide).enumerate() {
        page.open(&guide.address(name))?;
        use_everything(page)?;
        // The search is the same on every page.
        if position == 0 {
            page.press("Control+k")?;
            page.send("Input.insertText", json!({ "text": "order" }))?;
            page.wait_for("document.querySelector('#UI-search-results a')")?;
        }
        let complaints = page.complaints();
        ensure!(complaints.is_empty(), "{name}: {complaints:#?}");
    }
    let others: Vec<String> = page
        .requests()
        .into_iter()
        .filter(|url| !url.starts_with(&guide.address("")))
        .collect();
    ensure!(others.is_empty(), "the pages call other hosts: {others:#?}");
    Ok(())
}
