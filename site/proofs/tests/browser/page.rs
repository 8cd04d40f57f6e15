//! The page itself: the cost of a first visit, and access for every reader.

use std::{cmp::Reverse, ops::Range};

use anyhow::{Context, Result, ensure};
use proofs::searches;
use serde_json::json;

use crate::{
    access::use_everything,
    chromium::Page,
    controls::{draw_all, tab_to, text},
    guide::{Guide, REPORTED_PAGE},
};

/// The compressed size of a first visit, in bytes, before the reader touches anything.
const BYTES: u64 = 50 * 1024;

/// The number of its requests.
const REQUESTS: usize = 12;

/// How much of the page may jump while it loads: the score of Core Web Vitals, of which the sum is
/// taken here.
const SHIFT: f64 = 0.02;

/// How often a page is opened that shifts by more.
const VISITS: usize = 3;

/// How often a page may be laid out until it is loaded and its blocks are measured. A long page is
/// laid out several times while it arrives, and once for each editor that the console sizes.
const LAYOUTS: f64 = 100.0;

pub const DESKTOP: (u32, u32) = (1280, 900);
pub const PHONE: (u32, u32) = (390, 844);
pub const SIZES: [(u32, u32); 2] = [DESKTOP, PHONE];

/// The settings of the reader's system.
pub const THEMES: [&str; 2] = ["light", "dark"];

pub fn resize(page: &mut Page<'_>, (width, height): (u32, u32)) -> Result<()> {
    let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width <= PHONE.0 });
    page.send("Emulation.setDeviceMetricsOverride", size)?;
    Ok(())
}

/// Asks for a theme as the reader's system does. Nothing moves, so that nothing is on its way when
/// it is looked at.
pub fn prefer(page: &mut Page<'_>, theme: &str) -> Result<()> {
    let features = json!([
        { "name": "prefers-color-scheme", "value": theme },
        { "name": "prefers-reduced-motion", "value": "reduce" },
    ]);
    page.send(
        "Emulation.setEmulatedMedia",
        json!({ "features": features }),
    )?;
    Ok(())
}

/// The chapters' pages, and those that readers meet without asking for a chapter.
pub fn all_pages(guide: &Guide) -> impl Iterator<Item = &str> {
    let others = ["index.html", "404.html"];
    guide.pages.iter().map(String::as_str).chain(others)
}

pub fn a_first_visit_is_light(guide: &Guide, page: &mut Page<'_>) -> Result<()> {
    let mut rows = Vec::new();
    for size in SIZES {
        resize(page, size)?;
        for name in all_pages(guide) {
            let (mut bytes, mut requests) = visit(guide, page, name)?;
            let mut shift = layout_shift(page)?;
            // On a machine with other work, a table may be painted before its last row is there,
            // which then changes its columns. A page that shifts by itself does so each time.
            for _ in 1..VISITS {
                if shift <= SHIFT {
                    break;
                }
                (bytes, requests) = visit(guide, page, name)?;
                shift = layout_shift(page)?;
            }
            rows.push((bytes, requests, shift, size.0, name));
        }
    }
    rows.sort_by_key(|&(bytes, ..)| Reverse(bytes));
    println!("first visits, the heaviest first: bytes compressed, requests, layout shift");
    for (bytes, requests, shift, width, name) in &rows {
        println!("{bytes:7}  {requests:2}  {shift:.4}  {name} at {width} px");
    }
    for (bytes, requests, shift, width, name) in rows {
        ensure!(
            bytes <= BYTES,
            "{name} moves {bytes} bytes, more than {BYTES}"
        );
        ensure!(
            requests <= REQUESTS,
            "{name} makes {requests} requests, more than {REQUESTS}"
        );
        ensure!(
            shift <= SHIFT,
            "{name} shifts by {shift} at {width} px, more than {SHIFT}"
        );
    }
    Ok(())
}

/// How much the page has moved what was painted already: the sum of its layout shifts.
fn layout_shift(page: &mut Page<'_>) -> Result<f64> {
    let shift = page.evaluate(
        "new Promise(resolve => {
            let sum = 0;
            const add = list => list.getEntries().forEach(entry => { sum += entry.value; });
            const observer = new PerformanceObserver(add);
            observer.observe({ type: 'layout-shift', buffered: true });
            requestAnimationFrame(() => requestAnimationFrame(() => {
                add({ getEntries: () => observer.takeRecords() });
                resolve(sum);
            }));
        })",
    )?;
    shift.as_f64().context("a score")
}

/// Opens a page with an empty cache, and returns how many bytes it loaded, headers included, and in
/// how many requests.
fn visit(guide: &Guide, page: &mut Page<'_>, name: &str) -> Result<(u64, usize)> {
    page.send("Network.clearBrowserCache", json!({}))?;
    let before = page.events("Network.loadingFinished").count();
    page.open(&guide.address(name))?;
    let moved: Vec<u64> = page
        .events("Network.loadingFinished")
        .skip(before)
        .filter_map(|event| event["encodedDataLength"].as_f64())
        .map(|length| length as u64)
        .collect();
    Ok((moved.iter().sum(), moved.len()))
}

/// Settings of readers: letters of twice the size, and the spacing of WCAG 2.2, 1.4.12.
const LARGE: &str = ":root { font-size: 125% !important; }";
const SPACED: &str = "* { line-height: 1.5 !important; letter-spacing: 0.12em !important; \
                      word-spacing: 0.16em !important; } p { margin-block-end: 2em !important; }";

pub fn on_a_phone_nothing_is_cut_too_small_or_below_the_bar(
    guide: &Guide,
    page: &mut Page<'_>,
) -> Result<()> {
    prefer(page, THEMES[0])?;
    let letters = [
        (PHONE.0, ""),
        (320, ""),
        (PHONE.0, LARGE),
        (320, LARGE),
        (PHONE.0, SPACED),
    ];
    for name in all_pages(guide) {
        resize(page, PHONE)?;
        page.open(&guide.address(name))?;
        use_everything(page)?;
        page.evaluate(
            "window.letters = document.head.appendChild(document.createElement('style')), 0",
        )?;
        for (width, style) in letters {
            resize(page, (width, PHONE.1))?;
            page.evaluate(&format!("letters.textContent = {}", json!(style)))?;
            let wide = page.evaluate(&format!(
                "[document.documentElement, document.body, document.querySelector('.content')]
                    .filter(element => element.scrollWidth > Math.min(element.clientWidth, {width}))
                    .map(element => `${{element.localName}} is ${{element.scrollWidth}} px wide`)
                    .join()",
            ))?;
            ensure!(
                wide == "",
                "{name} at {width} px scrolls sideways {style}: {wide}"
            );
            // A figure cuts what is wider, and does not scroll.
            let cut = page.evaluate(
                "[...document.querySelectorAll('figure :is(p, li, summary, button, figcaption a)')]
                    .filter(part => part.checkVisibility() && !part.closest('.canvas') && part.getBoundingClientRect().right
                        > part.closest('figure').getBoundingClientRect().right + 1)
                    .map(part => part.outerHTML.slice(0, 200)).join()",
            )?;
            ensure!(cut == "", "{name} at {width} px cuts {style}: {cut}");
            let small = page.evaluate(
                "[...document.querySelectorAll('main :is(button, summary)')]
                    .map(element => [element.textContent, element.getBoundingClientRect()])
                    .filter(([, box]) => box.width > 0 && Math.min(box.width, box.height) < 24)
                    .map(([text]) => text).join()",
            )?;
            ensure!(small == "", "{name}: too small to be pressed: {small}");
            // The bar may have more rows, and then what a link leads to stands below all of them. The page
            // learns the height of the bar only after the style has changed, so this scrolls again.
            page.wait_for(
                "(heading => {
                    heading?.scrollIntoView({ behavior: 'instant' });
                    return !heading || heading.getBoundingClientRect().top
                        >= document.querySelector('.bar').getBoundingClientRect().bottom;
                })(document.querySelector('main h2'))",
            )
            .with_context(|| format!("{name} at {width} px {style}"))?;
        }
    }
    Ok(())
}

pub fn the_chapter_is_two_presses_away(guide: &Guide, page: &mut Page<'_>) -> Result<()> {
    // The way to the chapter is the same on every page, so one page is opened on a phone and the next one
    // on a desktop.
    for (name, size) in all_pages(guide).zip(SIZES.into_iter().cycle()) {
        resize(page, size)?;
        page.open(&guide.address(name))?;
        page.press("Tab")?;
        holds(page, "document.activeElement.matches('.skip')", name)?;
        page.press("Enter")?;
        page.press("Tab")?;
        holds(
            page,
            "document.querySelector('main').contains(document.activeElement)",
            name,
        )?;
    }
    Ok(())
}

/// Tab comes to everything that a mouse can press, in the order in which it is read. Each shows that it
/// has the focus, and nothing lies over it. The contents differ only in the chapter that is unfolded. So on
/// the first page, this unfolds all chapters, and Tab goes through all their links. On the others, Tab comes
/// to the first link and goes on after the last.
pub fn the_keyboard_reaches_everything_in_order(guide: &Guide, page: &mut Page<'_>) -> Result<()> {
    let mut stops = 0_u64;
    prefer(page, THEMES[0])?;
    for size in SIZES {
        resize(page, size)?;
        for (position, name) in all_pages(guide).enumerate() {
            page.open(&guide.address(name))?;
            // The script takes out of the order what does not scroll, once it is laid out.
            page.wait_for(
                "[...document.querySelectorAll('pre > code, .table-wrapper')].filter(block => block.checkVisibility())
                    .every(block => block.hasAttribute('tabindex') === block.scrollWidth > block.clientWidth)",
            )?;
            if position == 0 {
                page.evaluate(
                    "document.querySelectorAll('.fold[aria-expanded=false]').forEach(button => button.click())",
                )?;
            }
            let count = page.evaluate(
                "window.stops = [...document.querySelectorAll(
                    'a[href], button, select, textarea, input, summary, [tabindex=\"0\"]')]
                    .filter(stop => stop.checkVisibility()), window.stops.length",
            )?;
            let count = count.as_u64().context("a count")?;
            let contents = match position {
                0 => 0..0,
                _ => stops_in_the_contents(page)?,
            };
            for expected in 0..count {
                if (contents.start + 1..contents.end).contains(&expected) {
                    continue;
                }
                if expected == contents.end && !contents.is_empty() {
                    page.evaluate(&format!("window.stops[{expected} - 1].focus()"))?;
                }
                stops += 1;
                page.press("Tab")?;
                let found = page.evaluate(STOP)?;
                ensure!(
                    found == json!([expected, "seen"]),
                    "{name} at {} px: Tab comes to {found}, not to stop {expected} of {count}: {}",
                    size.0,
                    page.evaluate(&format!("window.stops[{expected}].outerHTML.slice(0, 200)"))?
                );
            }
        }
    }
    println!("stops of the keyboard: {stops}");
    Ok(())
}

/// Which of `window.stops` are in the contents: none where they are closed.
fn stops_in_the_contents(page: &mut Page<'_>) -> Result<Range<u64>> {
    let ends = page.evaluate(
        "(() => {
            const inside = stop => stop.closest('#UI-contents') !== null;
            return [Math.max(0, window.stops.findIndex(inside)), window.stops.findLastIndex(inside) + 1];
        })()",
    )?;
    let [start, end] = serde_json::from_value(ends)?;
    Ok(start..end)
}

/// Which stop has the focus, and whether a reader sees that.
const STOP: &str = "(() => {
    const stop = document.activeElement;
    const { top, bottom, left, right } = stop.getBoundingClientRect();
    const x = Math.max(left, Math.min((left + right) / 2, innerWidth - 1));
    const places = [top + 2, (top + bottom) / 2, bottom - 2].filter(y => y >= 0 && y < innerHeight);
    const uncovered = places.some(y => {
        const there = document.elementFromPoint(x, y);
        return there && (stop.contains(there) || there.contains(stop));
    });
    const { outlineStyle } = getComputedStyle(stop);
    const seen = !uncovered ? 'covered' : outlineStyle === 'none' ? 'without an outline' : 'seen';
    return [window.stops.indexOf(stop), seen];
})()";

fn holds(page: &mut Page<'_>, condition: &str, name: &str) -> Result<()> {
    let held = page.evaluate(condition)?;
    if held != true {
        let focus = page.evaluate("document.activeElement.outerHTML.slice(0, 200)")?;
        anyhow::bail!("{name}: this does not hold: {condition}\nThe focus is on {focus}");
    }
    Ok(())
}

pub fn the_contents_open_and_close_by_keyboard(guide: &Guide, page: &mut Page<'_>) -> Result<()> {
    const BUTTON: &str = "document.activeElement.id === 'UI-contents-button'";
    const INSIDE: &str = "document.getElementById('UI-contents').contains(document.activeElement)";
    const SHOWN: &str = "document.getElementById('UI-contents').checkVisibility()";
    resize(page, PHONE)?;
    let name = &guide.pages[0];
    page.open(&guide.address(name))?;
    ensure!(
        page.evaluate(SHOWN)? == false,
        "the contents lie over the chapter"
    );
    tab_to(page, BUTTON)?;
    page.press("Enter")?;
    holds(page, INSIDE, name)?;
    holds(
        page,
        "document.getElementById('UI-contents-button').ariaExpanded === 'true'",
        name,
    )?;
    page.press("Escape")?;
    holds(page, BUTTON, name)?;
    ensure!(
        page.evaluate(SHOWN)? == false,
        "Escape does not close the contents"
    );
    // The same button closes them, by mouse as well.
    for shown in [true, false] {
        page.click("document.getElementById('UI-contents-button')")?;
        ensure!(
            page.evaluate(SHOWN)? == shown,
            "a click makes that {}",
            !shown
        );
    }
    tab_to(page, BUTTON)?;
    // The next Tab does not stop below them.
    page.press("Enter")?;
    tab_to(page, &format!("!{INSIDE}"))?;
    ensure!(
        page.evaluate(SHOWN)? == false,
        "the contents lie over what has the focus"
    );

    resize(page, DESKTOP)?;
    page.open(&guide.address(name))?;
    ensure!(
        page.evaluate(SHOWN)? == true,
        "there is room for the contents"
    );
    tab_to(page, BUTTON)?;
    page.press("Enter")?;
    ensure!(
        page.evaluate(SHOWN)? == false,
        "the button does not close the contents"
    );
    page.open(&guide.address(&guide.pages[1]))?;
    ensure!(
        page.evaluate(SHOWN)? == false,
        "the next page forgets that they are closed"
    );
    Ok(())
}

pub fn the_contents_fold_the_chapters_that_are_not_read(
    guide: &Guide,
    page: &mut Page<'_>,
) -> Result<()> {
    const FOLDED: &str =
        "(chapter => [...document.querySelectorAll('#UI-contents .section')].every(pages =>
        pages.checkVisibility() === (pages.closest('.chapter > li') === chapter)))(
            document.querySelector('[aria-current=page]').closest('.chapter > li'))";
    const BUTTON: &str = "document.activeElement.matches('.fold[aria-expanded=false]')";
    const PAGES: &str =
        "[...window.button.closest('.chapter-item').querySelectorAll('.section a')]";
    resize(page, DESKTOP)?;
    let mut chapters = 0;
    for name in &guide.pages {
        page.open(&guide.address(name))?;
        holds(page, FOLDED, name)?;
        // A page that isn't the first one of its chapter leads back to it.
        let led = page.evaluate(
            "(place => [place.closest('.section')?.parentElement.querySelector('a').href,
                document.querySelector('.chapter-of a')?.href])(document.querySelector('[aria-current=page]'))",
        )?;
        ensure!(led[0] == led[1], "{name} leads to {led}");
        chapters += usize::from(led[0].is_null());
    }
    ensure!(
        chapters > 40 && chapters < guide.pages.len() / 2,
        "{chapters} chapters"
    );

    for size in SIZES {
        resize(page, size)?;
        let name = &guide.pages[0];
        page.open(&guide.address(name))?;
        if size == PHONE {
            page.evaluate("document.getElementById('UI-contents-button').click()")?;
            holds(page, FOLDED, name)?;
        }
        tab_to(page, BUTTON)?;
        page.evaluate("window.button = document.activeElement, 0")?;
        for open in [true, false] {
            page.press("Enter")?;
            let shown = format!(
                "{PAGES}.length > 0 && {PAGES}.every(link => link.checkVisibility() === {open})
                    && window.button.ariaExpanded === '{open}'"
            );
            holds(page, &shown, name)?;
        }
    }
    Ok(())
}

pub fn the_contents_mark_the_page_and_the_section_that_is_read(
    guide: &Guide,
    page: &mut Page<'_>,
) -> Result<()> {
    resize(page, DESKTOP)?;
    for name in all_pages(guide) {
        page.open(&guide.address(name))?;
        let marked = page.evaluate(
            "[...document.querySelectorAll('[aria-current=page]')].map(link => link.getAttribute('href'))",
        )?;
        let expected = match name {
            "index.html" => vec!["introduction.html"],
            "404.html" => vec![],
            name => vec![name],
        };
        ensure!(marked == json!(expected), "{name} marks {marked}");
        if !guide.pages.iter().any(|page| page == name) {
            continue;
        }
        let sections = page.evaluate("document.querySelectorAll('.sections a').length")?;
        let sections = sections.as_u64().context("a count")?;
        ensure!(sections > 1, "{name} has {sections} sections");
        let mut marked = 0;
        for section in 0..sections {
            let heading = format!(
                "document.getElementById(document.querySelectorAll('.sections a')[{section}].hash.slice(1))"
            );
            page.evaluate(&format!(
                "{heading}.scrollIntoView({{ behavior: 'instant' }})"
            ))?;
            let bottom =
                page.evaluate("scrollY + innerHeight + 1 > document.documentElement.scrollHeight")?;
            // The last sections may be too short to get to the top.
            let expected = if bottom == true {
                sections - 1
            } else {
                section
            };
            page.wait_for(&format!(
                "(marked => marked.length === 1 && marked[0] === document.querySelectorAll('.sections a')[{expected}])(
                    document.querySelectorAll('[aria-current=location]'))"
            ))
            .with_context(|| format!("{name}, section {section}"))?;
            marked += usize::from(expected == section);
        }
        ensure!(marked > 1, "{name} marks {marked} of {sections} sections");
    }
    Ok(())
}

pub fn the_search_finds_and_leads(guide: &Guide, page: &mut Page<'_>) -> Result<()> {
    let name = &guide.pages[0];
    page.open(&guide.address(name))?;
    let before = page.requests().len();
    search(page, searches::COMMON)?;
    let mut asked = page.requests().split_off(before);
    asked.retain(|url| !url.contains("/favicon")); // Chromium asks for it when it likes
    ensure!(
        asked.len() == 2,
        "the library and the index come with the first use: {asked:#?}"
    );
    let found = page.evaluate("document.querySelectorAll('#UI-search-results a').length")?;
    ensure!(
        found.as_u64() > Some(3),
        "{found} results for what half of the guide is about"
    );
    page.press("Escape")?;
    holds(
        page,
        "document.activeElement.id === 'UI-search-button'",
        name,
    )?;
    search(page, "xyzzy")?;
    let said = text(page, "document.getElementById('UI-search-status')")?;
    ensure!(said.starts_with("No results for “xyzzy”."), "{said}");
    page.press("Escape")?;

    // A name that the index has in parts comes first if the page has it as typed.
    for typed in searches::EXACT {
        search(page, typed)?;
        let shown = text(page, "document.querySelector('#UI-search-results mark')")?;
        let packed = |words: &str| words.replace(' ', "").to_lowercase();
        ensure!(
            packed(&shown) == packed(typed),
            "{typed} is not in the first result: {shown}"
        );
        page.press("Escape")?;
    }

    search(page, searches::RARE)?;
    let first = page.evaluate("document.querySelector('#UI-search-results a').href")?;
    let first = first
        .as_str()
        .context("a result leads somewhere")?
        .to_owned();
    page.press("Enter")?;
    page.wait_until(&format!("location.href === {}", json!(first)))
}

/// How many of the symptoms have the right page in the first place, at least.
const FOUND_FIRST: usize = 55;

pub fn a_symptom_leads_to_its_remedy(guide: &Guide, page: &mut Page<'_>) -> Result<()> {
    page.open(&guide.address(&guide.pages[0]))?;
    let mut places = Vec::new();
    for (typed, wanted) in searches::SYMPTOMS {
        search(page, typed)?;
        let place = page.evaluate(&format!(
            "[...document.querySelectorAll('#UI-search-results a')]
                .findIndex(link => link.pathname.endsWith({})) + 1",
            json!(format!("/{wanted}"))
        ))?;
        places.push((place.as_u64().context("a place")?, typed));
        page.press("Escape")?;
    }
    // 0 stands for none of the results that are shown.
    places.sort_by_key(|(place, _)| if *place == 0 { u64::MAX } else { *place });
    for (place, typed) in places.iter().rev().filter(|(place, _)| *place != 1) {
        println!("place {place}: {typed}");
    }
    let first = places.iter().filter(|(place, _)| *place == 1).count();
    println!("found first: {first} of {}", places.len());
    ensure!(first >= FOUND_FIRST, "{first} of {}", places.len());
    Ok(())
}

pub fn keys_turn_the_page_and_open_the_search(guide: &Guide, page: &mut Page<'_>) -> Result<()> {
    let order = page_order(guide, page)?;
    let [first, second, third, ..] = order.as_slice() else {
        anyhow::bail!("the contents lead to {order:?}");
    };
    page.open(second)?;
    page.press("ArrowRight")?;
    page.wait_until(&format!("location.href === {}", json!(third)))?;
    page.wait_until("document.readyState === 'complete'")?;
    page.press("ArrowLeft")?;
    page.wait_until(&format!("location.href === {}", json!(second)))?;
    page.wait_until("document.readyState === 'complete'")?;
    page.press("Control+k")?;
    holds(
        page,
        "document.getElementById('UI-search').open",
        "Control+k",
    )?;
    watch_the_steps(page)?;
    // These keys are typed into the search.
    page.press("ArrowLeft")?;
    page.press("Escape")?;
    holds(page, "!document.getElementById('UI-search').open", "Escape")?;
    // A letter alone does nothing, because speech input types many letters.
    for key in ["/", "s"] {
        page.press(key)?;
        holds(page, "!document.getElementById('UI-search').open", key)?;
    }
    // A block that scrolls sideways uses the arrow keys itself.
    resize(page, PHONE)?;
    tab_to(
        page,
        "(code => code.matches('pre > code') && code.scrollWidth > code.clientWidth)(document.activeElement)",
    )?;
    page.press("ArrowRight")?;
    holds(
        page,
        "!window.turned",
        "an arrow key that is not for the page",
    )?;

    // There is no page before the first.
    page.open(first)?;
    watch_the_steps(page)?;
    page.press("ArrowLeft")?;
    holds(page, "!window.turned", "ArrowLeft")?;
    // Previous and next say where they lead.
    for address in &order {
        page.open(address)?;
        let said = page.evaluate(
            "[...document.querySelectorAll('.steps a')].map(link => [link.href,
                link.textContent.trim().replace(/^(Previous|Next)\\s+/, '')])",
        )?;
        let said: Vec<(String, String)> = serde_json::from_value(said)?;
        ensure!(!said.is_empty(), "{address} is a dead end");
        for (href, title) in said {
            ensure!(order.contains(&href), "{address} leads to {href}");
            let entry = format!(
                "[...document.querySelectorAll('#UI-contents a')].find(link => link.href === {})
                    .textContent.endsWith({})",
                json!(href),
                json!(title)
            );
            holds(page, &entry, address)?;
        }
    }
    Ok(())
}

/// Notes whether a link to the page before or after is followed.
fn watch_the_steps(page: &mut Page<'_>) -> Result<()> {
    page.evaluate(
        "window.turned = false;
        document.querySelector('.steps').addEventListener('click', () => { window.turned = true; });",
    )?;
    Ok(())
}

/// The addresses of the chapters, in the order of the contents.
fn page_order(guide: &Guide, page: &mut Page<'_>) -> Result<Vec<String>> {
    page.open(&guide.address(&guide.pages[0]))?;
    let links = page.evaluate(
        "[...document.querySelectorAll('#UI-contents ol a')].map(link => link.href).filter(href => !href.includes('#'))",
    )?;
    Ok(serde_json::from_value(links)?)
}

/// Opens the search by keyboard and waits for what it finds.
fn search(page: &mut Page<'_>, words: &str) -> Result<()> {
    tab_to(page, "document.activeElement.id === 'UI-search-button'")?;
    page.press("Enter")?;
    page.send("Input.insertText", json!({ "text": words }))?;
    page.wait_for("/result/.test(document.getElementById('UI-search-status').textContent)")
}

pub fn the_theme_follows_the_system_until_one_is_chosen(
    guide: &Guide,
    page: &mut Page<'_>,
) -> Result<()> {
    const PAPER: &str = "getComputedStyle(document.documentElement).backgroundColor";
    let mut papers = Vec::new();
    for theme in THEMES {
        prefer(page, theme)?;
        page.open(&guide.address(&guide.pages[0]))?;
        papers.push(page.evaluate(PAPER)?);
    }
    let [light, dark] = [&papers[0], &papers[1]];
    ensure!(light != dark, "both themes are {light}");
    choose(page, "light")?;
    ensure!(
        page.evaluate(PAPER)? == *light,
        "the choice changes nothing"
    );
    page.open(&guide.address(&guide.pages[1]))?;
    ensure!(
        page.evaluate(PAPER)? == *light,
        "the next page forgets the choice"
    );
    choose(page, "system")?;
    ensure!(
        page.evaluate(PAPER)? == *dark,
        "the system's theme does not come back"
    );
    Ok(())
}

pub fn the_theme_follows_a_choice_in_another_tab_and_on_the_way_back(
    guide: &Guide,
    page: &mut Page<'_>,
) -> Result<()> {
    const CHOSEN: &str = "document.documentElement.dataset.theme";
    prefer(page, "light")?;
    let [first, second] = [&guide.pages[0], &guide.pages[1]].map(|name| guide.address(name));
    page.open(&first)?;
    // A frame of the same origin is to the storage what another tab is.
    page.evaluate(&format!(
        "new Promise(loaded => {{
            const other = document.body.appendChild(document.createElement('iframe'));
            other.onload = loaded;
            other.src = {};
        }})",
        json!(second)
    ))?;
    page.evaluate(
        "(select => { select.value = 'dark'; select.dispatchEvent(new Event('change')); })
            (document.querySelector('iframe').contentDocument.getElementById('UI-theme'))",
    )?;
    page.wait_for(&format!("{CHOSEN} === 'dark'"))?;
    page.wait_for("document.getElementById('UI-theme').value === 'dark'")?;

    page.open(&second)?;
    choose(page, "light")?;
    // A moment later, so that this page can still answer the call.
    page.evaluate("setTimeout(() => history.back()), 0")?;
    page.wait_until(&format!(
        "location.href === {} && {CHOSEN} === 'light'",
        json!(first)
    ))
}

pub fn the_search_takes_typographic_characters_for_plain_ones(
    guide: &Guide,
    page: &mut Page<'_>,
) -> Result<()> {
    page.open(&guide.address(&guide.pages[0]))?;
    let mut found = Vec::new();
    for typed in ["chapter's", "chapter\u{2019}s"] {
        search(page, typed)?;
        let results = "[...document.querySelectorAll('#UI-search-results a')].map(a => a.href)";
        found.push(page.evaluate(results)?);
        page.press("Escape")?;
    }
    let number = found[0].as_array().map_or(0, Vec::len);
    ensure!(number > 0, "nothing is found");
    ensure!(found[0] == found[1], "{} and {}", found[0], found[1]);
    Ok(())
}

pub fn pictures_notes_and_headings_are_what_their_author_means(
    guide: &Guide,
    page: &mut Page<'_>,
) -> Result<()> {
    for size in [(1280, 800), (390, 844)] {
        resize(page, size)?;
        page.open(&guide.address(REPORTED_PAGE))?;
        // A picture is there once, and no wider than the text.
        let width = "document.documentElement.scrollWidth - innerWidth";
        ensure!(page.evaluate(width)? == 0, "the page scrolls sideways");
        let shown = "[...document.querySelectorAll('main img')]
            .filter(picture => picture.getClientRects().length > 0).length";
        let shown = page.evaluate(shown)?;
        ensure!(shown == 1, "{shown} pictures in place of one");
        // A note stands out from the text around it.
        let border = "parseFloat(getComputedStyle(
            document.querySelector('.blockquote-tag')).borderInlineStartWidth)";
        let border = page.evaluate(border)?;
        ensure!(
            border.as_f64() > Some(0.0),
            "the note has no border: {border}"
        );
        // A heading does not take the place of a part of the page that has the same name.
        for heading in ["search", "contents"] {
            page.evaluate(&format!("location.hash = '#{heading}'"))?;
            page.wait_for("document.querySelector(':target')?.tagName === 'H2'")?;
        }
        page.press("Control+k")?;
        page.wait_for("document.activeElement.matches('dialog input')")?;
        page.press("Escape")?;
    }
    let complaints = page.complaints();
    ensure!(complaints.is_empty(), "{complaints:#?}");
    Ok(())
}

fn choose(page: &mut Page<'_>, theme: &str) -> Result<()> {
    page.evaluate(&format!(
        "(select => {{ select.value = {}; select.dispatchEvent(new Event('change')); }})(document.getElementById('UI-theme'))",
        json!(theme)
    ))?;
    Ok(())
}

pub fn without_script_the_contents_and_the_colors_are_there(
    guide: &Guide,
    page: &mut Page<'_>,
) -> Result<()> {
    page.send(
        "Emulation.setScriptExecutionDisabled",
        json!({ "value": true }),
    )?;
    for name in all_pages(guide) {
        resize(page, DESKTOP)?;
        page.open(&guide.address(name))?;
        let links = "[...document.querySelectorAll('#UI-contents ol a')]";
        holds(
            page,
            &format!("{links}.length > 8 && {links}.every(link => link.checkVisibility())"),
            name,
        )?;
        holds(
            page,
            "![...document.querySelectorAll('.scripted')].some(button => button.checkVisibility())",
            name,
        )?;
        let colored = "(words => (words.length > 0 || !document.querySelector('code[data-language=rust]'))
            && words.every(word => getComputedStyle(word).color !== getComputedStyle(word.closest('pre')).color))(
                [...document.querySelectorAll('main pre .c-keyword')])";
        holds(page, colored, name)?;

        resize(page, PHONE)?;
        page.open(&guide.address(name))?;
        tab_to(page, "document.activeElement.matches('.to-contents')")?;
        page.press("Enter")?;
        page.wait_until(
            "document.readyState === 'complete' && document.querySelector('#UI-contents a').checkVisibility()",
        )
        .with_context(|| name.to_owned())?;
        tab_to(page, "document.activeElement.matches('.from-contents')")?;
        page.press("Enter")?;
        holds(
            page,
            "!document.getElementById('UI-contents').checkVisibility()",
            name,
        )?;
    }
    Ok(())
}

pub fn what_a_browser_refuses_costs_that_and_no_more(
    guide: &Guide,
    page: &mut Page<'_>,
) -> Result<()> {
    page.before_scripts(
        "delete window.WebAssembly;
        Object.defineProperty(navigator, 'clipboard', { value: undefined });
        for (const store of ['localStorage', 'sessionStorage']) {
            Object.defineProperty(window, store, { get() { throw new DOMException('no', 'SecurityError'); } });
        }",
    )?;
    resize(page, DESKTOP)?;
    for name in all_pages(guide) {
        page.open(&guide.address(name))?;
        let gone = "[...document.querySelectorAll('main button')].every(button =>
            ['Copy as curl', 'Show diagram'].includes(button.textContent))";
        holds(page, gone, name)?;
        let told = "[...document.querySelectorAll('.exchange, .challenge')].every(figure =>
            figure.querySelector('.console p').textContent.startsWith('You can’t send'))";
        holds(page, told, name)?;
        page.evaluate("document.getElementById('UI-contents-button').click()")?;
        let contents = "document.getElementById('UI-contents').checkVisibility()";
        holds(page, &format!("!{contents}"), name)?;
        choose(page, "dark")?;
        let dark = "getComputedStyle(document.documentElement).colorScheme === 'dark'";
        holds(page, dark, name)?;
        draw_all(page)?;
        let complaints = page.complaints();
        ensure!(complaints.is_empty(), "{name}: {complaints:#?}");
    }
    Ok(())
}

/// The colors on paper.
const COLORS: &str =
    "[...document.querySelectorAll('html, main, main p, main pre > code, main a, .c-keyword')]
        .map(part => [getComputedStyle(part).color, getComputedStyle(part).backgroundColor].join()).join(';')";

/// The page of all chapters has more than a thousand blocks. A script that changes one block, then
/// reads the width of the next one, makes the browser lay out all of the page for each of them, which
/// takes a quarter of a minute.
pub fn no_script_lays_out_the_page_of_all_chapters_for_each_block(
    guide: &Guide,
    page: &mut Page<'_>,
) -> Result<()> {
    page.before_scripts("window.print = () => {};")?;
    page.send("Performance.enable", json!({}))?;
    page.open(&guide.address("print.html"))?;
    // The widths of the blocks are read between two frames.
    page.evaluate(
        "new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve)))",
    )?;
    let blocks = page.evaluate("document.querySelectorAll('main pre').length")?;
    let metrics = page.send("Performance.getMetrics", json!({}))?;
    let layouts = metrics["metrics"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|metric| metric["name"] == "LayoutCount")
        .and_then(|metric| metric["value"].as_f64())
        .context("Chromium counts no layouts")?;
    println!("the page of all chapters: {blocks} blocks, laid out {layouts} times");
    ensure!(
        layouts <= LAYOUTS,
        "the page of all chapters was laid out {layouts} times, not at most {LAYOUTS}: a script \
         changes the page and reads a size in turns"
    );
    Ok(())
}

pub fn on_paper_the_chapter_is_whole_and_alone(guide: &Guide, page: &mut Page<'_>) -> Result<()> {
    let mut addresses = 0;
    // The page of all chapters opens the dialog of the printer.
    page.before_scripts("window.print = () => {};")?;
    for name in all_pages(guide).chain(["print.html"]) {
        page.send("Emulation.setEmulatedMedia", json!({ "media": "print" }))?;
        page.open(&guide.address(name))?;
        let round =
            ".bar, #UI-contents, .chapter-of, .skip, .steps, footer, .console, .copy, dialog";
        let shown = format!(
            "[...document.querySelectorAll({})].filter(part => part.checkVisibility()).length === 0",
            json!(round)
        );
        holds(page, &shown, name)?;
        // Paper can't be unfolded or scrolled.
        let whole = "[...document.querySelectorAll('main pre:not([hidden]) > code')]
            .every(code => code.checkVisibility() && code.scrollWidth <= code.clientWidth)";
        holds(page, whole, name)?;
        // Paper is white in both themes, with the letters of the light one.
        page.evaluate("document.documentElement.dataset.theme = 'light'")?;
        let light = page.evaluate(COLORS)?;
        ensure!(
            light.to_string().contains("rgb(255, 255, 255)"),
            "{name}: {light}"
        );
        page.evaluate("document.documentElement.dataset.theme = 'dark'")?;
        ensure!(
            page.evaluate(COLORS)? == light,
            "{name} is not printed as on white paper"
        );
        let named = page.evaluate(
            "[...document.querySelectorAll('main a[href^=http]:not(figcaption a)')].map(link =>
                [link.getAttribute('href'), getComputedStyle(link, '::after').content])",
        )?;
        let named: Vec<(String, String)> = serde_json::from_value(named)?;
        for (address, content) in named {
            ensure!(
                content.contains(&address),
                "{name}: {address} is not on paper"
            );
            addresses += 1;
        }
    }
    println!("addresses of links on paper: {addresses}");
    // A diagram that is drawn for a dark page is steps again.
    page.open(&guide.address("inputs.html"))?;
    page.evaluate("document.querySelector('.diagram button').click()")?;
    page.wait_for("document.querySelector('.diagram svg')")?;
    page.evaluate("dispatchEvent(new Event('beforeprint'))")?;
    holds(
        page,
        "document.querySelector('.diagram ol').checkVisibility()",
        "a drawn diagram",
    )?;
    ensure!(addresses > 0, "no page has a link that leads away");
    Ok(())
}

pub fn before_and_after_stand_side_by_side_where_there_is_room(
    guide: &Guide,
    page: &mut Page<'_>,
) -> Result<()> {
    let mut pairs = 0;
    for name in &guide.pages {
        page.open(&guide.address(name))?;
        for (width, side_by_side) in [(1440, true), (1280, false), (PHONE.0, false)] {
            resize(page, (width, 900))?;
            // Left, top, right and bottom.
            let boxes = page.evaluate(
                "[...document.querySelectorAll('.pair')].map(pair =>
                    [...pair.querySelectorAll('figure')].map(figure => figure.getBoundingClientRect())
                        .map(box => [box.left, box.top, box.right, box.bottom]))",
            )?;
            let boxes: Vec<[[f64; 4]; 2]> = serde_json::from_value(boxes)?;
            for [before, after] in boxes {
                let beside = before[1] == after[1] && before[2] <= after[0];
                let above = before[0] == after[0] && before[3] <= after[1];
                ensure!(
                    if side_by_side { beside } else { above },
                    "{name} at {width} px: before at {before:?}, after at {after:?}"
                );
                pairs += 1;
            }
        }
    }
    println!("pairs looked at: {pairs}");
    ensure!(pairs > 0, "no page compares anything");
    Ok(())
}
