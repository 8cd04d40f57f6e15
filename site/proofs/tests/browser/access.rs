//! Accessibility: axe's rules, on every page and in every state.

use std::{env, fs};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::{
    chromium::Page,
    controls::*,
    guide::Guide,
    page::{DESKTOP, PHONE, THEMES, all_pages, prefer, resize},
};

/// The environment variable that names `axe.min.js` of the npm package axe-core. Without it this is
/// left out.
pub const AXE: &str = "AXE_CORE";

/// The rules that a page must not break, by axe's names for the standards.
const STANDARDS: [&str; 6] = [
    "wcag2a",
    "wcag2aa",
    "wcag21a",
    "wcag21aa",
    "wcag22aa",
    "best-practice",
];

/// The rules that can be broken in one theme and not in the other: those about colors.
const RULES_OF_COLOR: [&str; 2] = ["color-contrast", "link-in-text-block"];

pub fn no_page_breaks_a_rule_of_access_on_a_desktop(
    guide: &Guide,
    page: &mut Page<'_>,
) -> Result<()> {
    look(guide, page, DESKTOP)
}

pub fn no_page_breaks_a_rule_of_access_on_a_phone(
    guide: &Guide,
    page: &mut Page<'_>,
) -> Result<()> {
    look(guide, page, PHONE)
}

/// Looks at each page as it opens, and when everything that can be pressed has been. One look takes axe
/// half a second, mostly for colors, so each thing is looked at where it differs:
///
/// - The contents and the search are the same on every page. Only the first page opens them, and only
///   there axe looks into the contents.
/// - Colors don't depend on the width, so they are looked at on a desktop, in both themes. The page as it
///   opens is looked at in one theme: all that it shows is there when everything has been pressed, too.
/// - All else doesn't depend on the theme. On a phone, a page is looked at when it shows everything.
fn look(guide: &Guide, page: &mut Page<'_>, size: (u32, u32)) -> Result<()> {
    let file = env::var_os(AXE).context("the test is left out where axe is not named")?;
    let axe = fs::read_to_string(&file).with_context(|| format!("{AXE}: {}", file.display()))?;
    let mut broken = Vec::new();
    let mut looks = 0;
    resize(page, size)?;
    for (position, name) in all_pages(guide).enumerate() {
        page.open(&guide.address(name))?;
        page.evaluate(&format!("{axe};0"))?;
        if position > 0 {
            // Axe reads the whole document before it looks at a part of it, and the contents are
            // most of a short page.
            page.evaluate(
                "document.querySelectorAll('#UI-contents ol').forEach(list => list.remove())",
            )?;
        }
        let (states, looked_at): (&[State], _) = match (position, size) {
            (0, _) => (&STATES, "document"),
            (_, PHONE) => (&[State::Used], OWN),
            _ => (&[State::Opened, State::Used], OWN),
        };
        for state in states {
            state.reach(page, size)?;
            let one_theme = size == PHONE || position > 0 && matches!(state, State::Opened);
            let themes = if one_theme { &THEMES[..1] } else { &THEMES };
            for theme in themes {
                // A page follows the theme of the system while it is open, so it is opened only once.
                prefer(page, theme)?;
                looks += 1;
                let found = run_axe(page, looked_at, &rules(position, size, theme))?;
                let place = format!("{name} at {} px, {theme}, {}", size.0, state.name());
                broken.extend(found.into_iter().map(|found| format!("{place}: {found}")));
            }
        }
    }
    println!("axe looked {looks} times: {} violations", broken.len());
    ensure!(broken.is_empty(), "{}", broken.join("\n"));
    Ok(())
}

/// The part of a page that is its own, as a context for axe.
const OWN: &str = "{ exclude: '#UI-contents' }";

/// The options of axe that name the rules for a look at a page.
fn rules(position: usize, size: (u32, u32), theme: &str) -> Value {
    let colors = json!({ "type": "rule", "values": RULES_OF_COLOR });
    let all = json!({ "type": "tag", "values": STANDARDS });
    if theme != THEMES[0] {
        json!({ "runOnly": colors })
    } else if size == PHONE && position > 0 {
        let off = RULES_OF_COLOR.map(|rule| (rule.to_owned(), json!({ "enabled": false })));
        json!({ "runOnly": all, "rules": serde_json::Map::from_iter(off) })
    } else {
        json!({ "runOnly": all })
    }
}

#[derive(Clone, Copy)]
enum State {
    Opened,
    Contents,
    Search,
    Used,
}

/// Each can be reached from the one before it.
const STATES: [State; 4] = [State::Opened, State::Contents, State::Search, State::Used];

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Opened => "as it opens",
            Self::Contents => "with the contents open",
            Self::Search => "with the search open",
            Self::Used => "used",
        }
    }

    fn reach(self, page: &mut Page<'_>, size: (u32, u32)) -> Result<()> {
        match self {
            Self::Opened => {}
            Self::Contents => {
                if size == PHONE {
                    page.evaluate("document.getElementById('UI-contents-button').click()")?;
                }
            }
            Self::Search => {
                page.press("Escape")?;
                page.evaluate("document.getElementById('UI-search-button').click()")?;
                page.send("Input.insertText", json!({ "text": "order" }))?;
                page.wait_for(
                    "/result/.test(document.getElementById('UI-search-status').textContent)",
                )?;
            }
            Self::Used => {
                page.press("Escape")?;
                use_everything(page)?;
            }
        }
        Ok(())
    }
}

/// Presses what can be pressed in the chapter.
pub fn use_everything(page: &mut Page<'_>) -> Result<()> {
    send_all(page)?;
    page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true; })")?;
    if let Some(first) = ids(page, SENDABLE)?.first() {
        press_button(page, first, "Edit")?;
    }
    draw_all(page)
}

/// What axe finds in a part of the page, with options that name its rules. The part is an expression
/// of JavaScript: axe's context.
fn run_axe(page: &mut Page<'_>, looked_at: &str, options: &Value) -> Result<Vec<String>> {
    // An element that is scrolled below the bar is no mistake of the page. The element with the focus
    // may still be scrolling into view.
    page.evaluate(
        "new Promise(resolve => {
            const top = () => {
                if (scrollY === 0) { resolve(); return; }
                scrollTo({ top: 0, behavior: 'instant' });
                requestAnimationFrame(() => requestAnimationFrame(top));
            };
            requestAnimationFrame(() => requestAnimationFrame(top));
        })",
    )?;
    let found = page.evaluate(&format!(
        "axe.run({looked_at}, {{ ...{options}, resultTypes: ['violations'] }}).then(({{ violations }}) =>
            violations.flatMap(({{ id, nodes }}) => nodes.map(node => `${{id}}: ${{node.target.join(' ')}}: ${{node.failureSummary}}`)))",
    ))?;
    match found {
        Value::Null => Ok(Vec::new()),
        found => Ok(serde_json::from_value(found)?),
    }
}
