//! Links that carry a request, and the tasks that a reader polls.

use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::{
    chromium::Page,
    controls::*,
    copies::keep_what_is_copied,
    guide::{Guide, STRICT},
};

/// What the browser shows when a link can't be opened.
const PROBLEM: &str = "document.querySelector('.link-problem')?.textContent ?? ''";

/// Copies the link of an exchange.
fn link(page: &mut Page<'_>, id: &str) -> Result<String> {
    keep_what_is_copied(page)?;
    press_button(page, id, "Copy link")?;
    page.wait_for("window.copied")?;
    text_of(page, "window.copied")
}

/// Opens a link as a reader who has nothing of the page.
fn visit(page: &mut Page<'_>, link: &str) -> Result<()> {
    page.open("about:blank")?;
    page.open(link)
}

pub fn a_link_shows_the_request_and_the_answer_that_its_sender_saw(
    guide: &Guide,
    page: &mut Page<'_>,
) -> Result<()> {
    let mut links = 0;
    for name in &guide.pages {
        page.open(&guide.address(name))?;
        let Some(last) = ids(page, SENDABLE)?.pop() else {
            continue;
        };
        // What a page shows before anything is sent.
        let recorded = text(page, &answer(&last))?;
        send_all(page)?;
        let seen = text(page, &answer(&last))?;
        let link = link(page, &last)?;
        visit(page, &link)?;
        let changes = said(page, &last)?.starts_with("A link brought you");
        if changes {
            let nothing_loaded = page.evaluate(
                "performance.getEntriesByType('resource')
                    .every(({ name }) => !name.includes('/generated/live/'))",
            )?;
            ensure!(
                text(page, &answer(&last))? == recorded && nothing_loaded == true,
                "{name}: a request that changes data is sent without a press"
            );
            send(page, &last)?;
        }
        page.wait_for(&format!("/^\\d/.test({}.textContent)", status(&last)))?;
        // The number of the request counts requests that the link leaves out.
        let uncounted = |text: String| {
            let lines = text
                .lines()
                .filter(|line| !line.starts_with("x-request-id"));
            lines.collect::<Vec<_>>().join("\n")
        };
        let shown = uncounted(text(page, &answer(&last))?);
        ensure!(shown == uncounted(seen), "{name}#{last}:\n{shown}");
        links += 1;
    }
    println!("links opened: {links}");
    ensure!(links > 0, "no page has an exchange");
    Ok(())
}

pub fn a_link_opens_under_a_path_with_a_strict_content_security_policy(
    guide: &Guide,
    page: &mut Page<'_>,
) -> Result<()> {
    let introduction = guide.address(&format!("{STRICT}/introduction.html"));
    page.open(&introduction)?;
    let last = ids(page, SENDABLE)?.pop().context("an exchange")?;
    send_all(page)?;
    let seen = said(page, &last)?;
    ensure!(seen.starts_with("409"), "{seen}");
    let link = link(page, &last)?;
    ensure!(link.starts_with(&introduction), "{link}");
    visit(page, &link)?;
    send(page, &last)?;
    ensure!(said(page, &last)? == seen, "{}", said(page, &last)?);
    // The theme and the contents do not depend on the script that the policy refuses, either.
    page.evaluate("localStorage.setItem('mdbook-theme', 'dark')")?;
    visit(page, &introduction)?;
    page.wait_until("document.documentElement.dataset.theme === 'dark'")?;
    let shown = "document.getElementById('UI-contents-button').checkVisibility()";
    ensure!(page.evaluate(shown)? == true, "the contents have no button");
    let complaints = page.complaints();
    let inline = |text: &&String| !text.contains("inline script");
    let others: Vec<_> = complaints.iter().filter(inline).collect();
    ensure!(others.is_empty(), "{others:#?}");
    Ok(())
}

pub fn a_link_opens_the_folds_around_its_request(guide: &Guide, page: &mut Page<'_>) -> Result<()> {
    let mut links = 0;
    for name in &guide.pages {
        page.open(&guide.address(name))?;
        let Some(folded) = ids(page, &format!("details {SENDABLE}"))?.pop() else {
            continue;
        };
        let link = link(page, &folded)?;
        visit(page, &link)?;
        // Nothing is visible in a fold that is closed.
        let visible = page.evaluate(&format!("{}.checkVisibility()", figure(&folded)))?;
        ensure!(
            visible == true,
            "{name}#{folded} is in a fold that stays closed"
        );
        links += 1;
    }
    println!("links to requests in a fold: {links}");
    ensure!(links > 0, "no page has an exchange in a fold");
    Ok(())
}

pub fn a_link_carries_an_edit(guide: &Guide, page: &mut Page<'_>) -> Result<()> {
    let exchange = open_exchange(guide, page)?;
    press_button(page, &exchange, "Edit")?;
    let edited = "GET /<img src=x onerror=alert(1)> HTTP/1.1";
    write(page, &exchange, edited)?;
    let link = link(page, &exchange)?;
    visit(page, &link)?;
    page.wait_for(&format!("{}.textContent", status(&exchange)))?;
    ensure!(text(page, &request(&exchange))? == edited, "the request");
    let images = page.evaluate("document.querySelectorAll('figure img').length")?;
    ensure!(images == 0, "the request is HTML in the page");
    Ok(())
}

pub fn a_link_that_does_not_hold_gets_a_message_and_changes_nothing(
    guide: &Guide,
    page: &mut Page<'_>,
) -> Result<()> {
    let exchange = open_exchange(guide, page)?;
    let base = text_of(page, "location.href.split('#')[0]")?;
    let before = text(page, "document.querySelector('main')")?;
    let known = json!(exchange);
    let mut carried: Vec<String> = vec![
        "null".into(),
        "[]".into(),
        "1".into(),
        "\"text\"".into(),
        "{}".into(),
        "{".into(),
        "{\"id\":".into(),
    ];
    for id in [
        json!(null),
        json!(1),
        json!("exchange-of-another-page"),
        json!("__proto__"),
        json!("UI-search"),
        json!("<script>window.hacked = 1</script>"),
        json!("');window.hacked=1;('"),
        json!({ "toString": 1 }),
        json!([]),
    ] {
        carried.push(json!({ "id": id, "request": "GET / HTTP/1.1", "before": [] }).to_string());
        carried.push(json!({ "id": id, "request": "DELETE / HTTP/1.1" }).to_string());
    }
    for request in [json!(null), json!(7), json!(["GET / HTTP/1.1"]), json!({})] {
        carried.push(json!({ "id": known, "request": request, "before": [] }).to_string());
    }
    for before in [
        json!("GET / HTTP/1.1"),
        json!({}),
        json!([null]),
        json!([1]),
        json!([[]]),
        json!([{ "id": "exchange-of-another-page" }]),
        json!([{ "id": known, "more": 1 }]),
        json!([{ "request": "GET / HTTP/1.1" }]),
        json!([{ "id": "<img src=x onerror='window.hacked = 1'>" }]),
        json!(vec!["GET / HTTP/1.1"; 51]),
    ] {
        carried.push(
            json!({ "id": known, "request": "GET / HTTP/1.1", "before": before }).to_string(),
        );
    }
    let encode = "(text => '#Live-' + btoa(String.fromCharCode(...new TextEncoder().encode(text)))
        .replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, ''))";
    let mut fragments = Vec::new();
    for text in &carried {
        fragments.push(text_of(page, &format!("{encode}({})", json!(text)))?);
    }
    for raw in [
        "#Live-",
        "#Live-!",
        "#Live-%",
        "#Live-%00",
        "#Live-<script>window.hacked=1</script>",
        "#Live-eyJpZCI6",
        "#Live-____",
        "#Live-AAAA",
        "#Live-\u{e9}",
        "#Live-//example.com",
        "#Live-javascript:window.hacked=1",
    ] {
        fragments.push(raw.to_owned());
    }
    fragments.push(format!("#Live-{}", "A".repeat(30_000)));
    for fragment in &fragments {
        visit(page, &format!("{base}{fragment}"))?;
        let problem = text_of(page, PROBLEM)?;
        ensure!(
            problem.starts_with("This link can’t be opened: ") && problem.ends_with("unchanged."),
            "{fragment}: {problem}"
        );
        let now = text(page, "document.querySelector('main')")?;
        ensure!(
            now == problem.clone() + &before,
            "{fragment} changes the page"
        );
        ensure!(
            page.evaluate("window.hacked === undefined")? == true,
            "{fragment} runs"
        );
    }
    println!("links that don't hold: {}", fragments.len());
    ensure!(fragments.len() >= 50, "{} fragments", fragments.len());
    Ok(())
}

pub fn a_recorded_sequence_of_polls_comes_out_again(
    guide: &Guide,
    page: &mut Page<'_>,
) -> Result<()> {
    let mut polled = 0;
    for name in &guide.pages {
        page.open(&guide.address(name))?;
        for id in ids(page, "figure.scheduler")? {
            let list = format!(
                "[...{}.querySelectorAll('li')].map(item => item.textContent)",
                figure(&id)
            );
            let recorded: Vec<String> = serde_json::from_value(page.evaluate(&list)?)?;
            let names = format!(
                "[...{}.querySelectorAll('li b')].map(name => name.textContent)",
                figure(&id)
            );
            let names: Vec<String> = serde_json::from_value(page.evaluate(&names)?)?;
            for (done, task) in names.iter().enumerate() {
                press_button(page, &id, &format!("Poll: {task}"))?;
                page.wait_for(&format!(
                    "{0}.querySelectorAll('li').length === {1} && {0}.querySelector('li:not([data-request])')",
                    figure(&id),
                    done + 1
                ))?;
                // Only the button of a task that has ended looks as if it did nothing.
                let faded = format!(
                    "[...{}.querySelectorAll('button')].every(button =>
                        (getComputedStyle(button).opacity < 1) === (button.getAttribute('aria-disabled') === 'true'))",
                    figure(&id)
                );
                ensure!(page.evaluate(&faded)? == true, "{name}#{id}: {task}");
                polled += 1;
            }
            let now: Vec<String> = serde_json::from_value(page.evaluate(&list)?)?;
            ensure!(now == recorded, "{name}#{id}: {now:#?}");
            press_button(page, &id, "Start again")?;
            press_button(page, &id, "Show recorded sequence")?;
            let now: Vec<String> = serde_json::from_value(page.evaluate(&list)?)?;
            ensure!(
                now == recorded,
                "{name}#{id} does not show the recorded sequence again"
            );
        }
    }
    println!("polls: {polled}");
    ensure!(polled > 0, "no page has tasks to poll");
    Ok(())
}

/// Plays every sequence of polls of a race in the page, as `code/tests/scheduler.rs` does without one.
const EVERY_SEQUENCE: &str = r#"
(async () => {
    const url = ending => new URL(`generated/live/scheduler${ending}?v=${document.documentElement.dataset.console}`, document.baseURI);
    const live = await import(url('.js'));
    const { open } = await live.default({ module_or_path: url('_bg.wasm') });
    open();
    const poll = (race, version, sequence) => {
        const session = new live.Session();
        let last;
        for (const task of sequence) {
            last = session.send(`POST /${race}/${version}/${['first', 'second'][task]} HTTP/1.1`).text;
        }
        return JSON.parse(last.split(/\n\n([^]*)/)[1]);
    };
    const ends = (race, version) => {
        const found = {};
        const unfinished = [[[], [true, true], [true, true]]];
        while (unfinished.length > 0) {
            const [sequence, runs, mayGoOn] = unfinished.pop();
            const next = [0, 1].filter(task => runs[task] && mayGoOn[task]);
            for (const task of next) {
                const longer = [...sequence, task];
                const last = poll(race, version, longer);
                const runsNow = [...runs];
                runsNow[task] = !last.ended;
                const mayNow = [true, true];
                mayNow[task] = !last.step.startsWith('waits');
                unfinished.push([longer, runsNow, mayNow]);
            }
            if (next.length === 0) {
                const end = JSON.stringify(poll(race, version, sequence).numbers);
                found[end] = (found[end] ?? 0) + 1;
            }
        }
        return found;
    };
    const all = found => Object.values(found).reduce((sum, count) => sum + count, 0);
    return Object.entries({
        croissant: '{"sold":1,"stock":0}',
        post: '{"keys":1,"orders":1}',
        refresh: '{"ended sessions":0,"new tokens":2,"used":1}',
        webhook: '{"events":1,"stock":1}',
    }).map(([race, right]) => {
        const wrong = ['usual', 'fixed'].map(version => {
            const found = ends(race, version);
            return [all(found) - (found[right] ?? 0), all(found)];
        });
        return [race, ...wrong.flat()];
    });
})()
"#;

/// Presses until the program is loaded count, and so do presses that change nothing: they get a message.
pub fn every_press_of_poll_is_answered(guide: &Guide, page: &mut Page<'_>) -> Result<()> {
    page.open(&guide.address("scheduler.html"))?;
    let id = ids(page, "figure.scheduler")?
        .into_iter()
        .next()
        .context("the page has tasks to poll")?;
    let polls = format!("[...{}.querySelectorAll('button.send')]", figure(&id));
    // The first press loads the program, and the others don't wait for it.
    page.evaluate(&format!(
        "{polls}.forEach(button => {{ button.click(); button.click(); }})"
    ))?;
    let list = format!(
        "[...{}.querySelectorAll('li:not([data-request]) b')].map(name => name.textContent)",
        figure(&id)
    );
    page.wait_for(&format!("{list}.length === 4"))?;
    let names: Vec<String> = serde_json::from_value(page.evaluate(&list)?)?;
    ensure!(names[0] == names[1] && names[2] == names[3], "{names:?}");

    // More presses than both tasks need. The last ones come after both have ended.
    page.evaluate(&format!(
        "for (let press = 0; press < 8; press++) {{ {polls}.forEach(button => button.click()); }}"
    ))?;
    page.wait_for(&format!(
        "{}.textContent.includes('has ended, so it can’t be polled again. Press Start again')",
        status(&id)
    ))?;
    let outcome = text_of(
        page,
        &format!(
            "{}.querySelector('li:last-child strong')?.textContent",
            figure(&id)
        ),
    )?;
    ensure!(outcome == "The last croissant was sold once.", "{outcome}");
    Ok(())
}

/// What the page says of a link is true of this link, not only of most.
pub fn the_page_says_what_a_link_does(guide: &Guide, page: &mut Page<'_>) -> Result<()> {
    let exchange = open_exchange(guide, page)?;
    press_button(page, &exchange, "Edit")?;
    write(page, &exchange, "not a request")?;
    send(page, &exchange)?;
    link(page, &exchange)?;
    page.wait_for(&format!(
        "{}.textContent.includes('with the message that it can’t be sent')",
        status(&exchange)
    ))?;
    // A request that only reads, after one that changes data.
    let carried = json!({
        "id": exchange, "request": "GET /menu HTTP/1.1", "before": ["DELETE /menu HTTP/1.1"],
    });
    let address = page.evaluate(&format!(
        "location.href.split('#')[0] + '#Live-' + btoa({})",
        json!(carried.to_string())
    ))?;
    visit(page, address.as_str().context("an address")?)?;
    page.wait_for(&format!(
        "{}.textContent.includes('The requests to send before it may change data')",
        status(&exchange)
    ))?;
    Ok(())
}

pub fn every_sequence_of_polls_ends_in_the_page_as_on_a_server(
    guide: &Guide,
    page: &mut Page<'_>,
) -> Result<()> {
    page.open(&guide.address("scheduler.html"))?;
    let found = page.evaluate(EVERY_SEQUENCE)?;
    let found = found.as_array().context("a list of races")?;
    let number = |race: &Value, index: usize| race[index].as_u64().unwrap_or_default();
    let lines: Vec<String> = found
        .iter()
        .map(|race| {
            let name = race[0].as_str().unwrap_or_default();
            let [usual_wrong, usual, fixed_wrong, fixed] = [1, 2, 3, 4].map(|at| number(race, at));
            format!("{name:<10}{usual_wrong:>4} of {usual}{fixed_wrong:>6} of {fixed}")
        })
        .collect();
    let file = site::workspace::root().join("code/output/scheduler/sequences.txt");
    let on_a_server = fs::read_to_string(file)?;
    println!("{}", lines.join("\n"));
    ensure!(on_a_server.trim_end() == lines.join("\n"), "{lines:#?}");
    Ok(())
}
