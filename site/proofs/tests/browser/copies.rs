//! The Copy buttons, and the text that they copy.

use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{chromium::Page, controls::*, guide::Guide};

pub fn every_request_can_be_copied_as_a_command(guide: &Guide, page: &mut Page<'_>) -> Result<()> {
    let mut commands = 0;
    for name in &guide.pages {
        page.open(&guide.address(name))?;
        keep_what_is_copied(page)?;
        // What the answers above have captured, as they were recorded.
        let mut captured: Vec<(String, String)> = Vec::new();
        for id in ids(page, "figure.exchange, figure.challenge")? {
            let asked = text(page, &request(&id))?;
            press_button(page, &id, "Copy as curl")?;
            let command = text_of(page, "window.copied")?;
            let copied = read_curl(&command).with_context(|| format!("{name}#{id}: {command}"))?;
            let lines = asked.trim_end().lines();
            let shown: Vec<&str> = lines.skip_while(|line| line.starts_with('#')).collect();
            let mut shown = shown
                .join("\n")
                .replace("{{padding 20000}}", &"x".repeat(20_000));
            for (name, value) in &captured {
                shown = shown.replace(&format!("{{{{{name}}}}}"), value);
            }
            ensure!(copied == shown, "{name}#{id}: {command}\nasks\n{copied}");
            let answer = format!(
                "{}.querySelector('pre.answer')?.textContent ?? ''",
                figure(&id)
            );
            let answer = text_of(page, &answer)?;
            for (name, value) in captures(&asked, &answer) {
                captured.retain(|(known, _)| *known != name);
                captured.push((name, value));
            }
            let said = said(page, &id)?;
            ensure!(
                said.starts_with("Copied. To start the program"),
                "{name}#{id}: {said}"
            );
            ensure!(!said.contains("{{"), "{name}#{id}: {said}");
            commands += 1;
        }
    }
    println!("requests copied as commands: {commands}");
    ensure!(commands > 0, "no page has a request");
    Ok(())
}

pub fn a_command_asks_what_is_in_the_editor(guide: &Guide, page: &mut Page<'_>) -> Result<()> {
    let exchange = open_exchange(guide, page)?;
    keep_what_is_copied(page)?;
    press_button(page, &exchange, "Edit")?;
    for request in [
        "GET /menu?max=250&name=Bo's&city=Zürich HTTP/1.1",
        "GET /menu?x={tea}&y=[1] HTTP/1.1",
        "GET /a/../menu HTTP/1.1",
        "HEAD /menu HTTP/1.1",
        "DELETE /orders/1 HTTP/1.1\nx-empty: \nx-colon: a:b\nx-end: half past 10:\nx-semi: 1;",
        "TRACE2 /menu HTTP/1.1",
        "PUT /orders/1 HTTP/1.1\ncontent-type: text/plain\n\n$HOME `x` \"y\" 'z' !\n\nand more\\",
        "POST /orders HTTP/1.1\n\n{}",
    ] {
        write(
            page,
            &exchange,
            &format!("# a note\n\n# capture x = /y\n{request}"),
        )?;
        press_button(page, &exchange, "Copy as curl")?;
        let command = text_of(page, "window.copied")?;
        let copied = read_curl(&command).with_context(|| command.clone())?;
        ensure!(copied == request, "{command}\nasks\n{copied}");
        let path = request.split(' ').nth(1).unwrap_or_default();
        for (flag, needed) in [
            // Without them curl asks for another address.
            ("--globoff", path.contains(['[', ']', '{', '}'])),
            ("--path-as-is", path.contains("/../")),
            ("--head", request.starts_with("HEAD")),
        ] {
            let given = command.split_whitespace().any(|word| word == flag);
            ensure!(given == needed, "{flag}: {command}");
        }
    }
    for unknown in ["{{nobody-knows}}", "{{padding 600000000}}"] {
        write(
            page,
            &exchange,
            &format!("POST /orders HTTP/1.1\n\n{unknown}"),
        )?;
        press_button(page, &exchange, "Copy as curl")?;
        let said = said(page, &exchange)?;
        let asks = format!("Replace {unknown} with a value.");
        ensure!(said.ends_with(&asks), "{said}");
    }
    for nothing in [
        "",
        "hello",
        "# a note",
        "### A title\nGET /menu HTTP/1.1",
        "GET  /menu HTTP/1.1",
        "GET /menu HTTP/1.1 ",
        "GET /menu",
        "GET @127.0.0.1:4000/menu HTTP/1.1",
        "GET /menu HTTP/1.1\nno colon",
    ] {
        page.evaluate("window.copied = 'nothing'")?;
        write(page, &exchange, nothing)?;
        press_button(page, &exchange, "Copy as curl")?;
        let said = said(page, &exchange)?;
        ensure!(
            said.starts_with("Nothing was copied, because"),
            "{nothing:?}: {said}"
        );
        ensure!(text_of(page, "window.copied")? == "nothing", "{nothing:?}");
    }

    page.evaluate("navigator.clipboard.writeText = () => Promise.reject(new Error('no')), 0")?;
    let request = "POST /orders HTTP/1.1\ncontent-type: text/plain\n\nhello";
    write(page, &exchange, request)?;
    press_button(page, &exchange, "Copy as curl")?;
    page.wait_for(&format!(
        "/command is/.test({}.textContent)",
        status(&exchange)
    ))?;
    let said = said(page, &exchange)?;
    let (_, command) = said.split_once("The command is: ").context("no command")?;
    ensure!(read_curl(command)? == request, "{said}");
    Ok(())
}

/// Without a window there is no clipboard to be read.
pub fn keep_what_is_copied(page: &mut Page<'_>) -> Result<()> {
    page.evaluate("navigator.clipboard.writeText = async text => { window.copied = text; }, 0")?;
    Ok(())
}

/// The request that a command sends, as the guide writes requests.
fn read_curl(command: &str) -> Result<String> {
    // A shell continues in the next line, and shlex does not.
    let one_line = command.replace(" \\\n  ", " ");
    let words = shlex::split(&one_line).context("a shell cannot read this")?;
    let mut words = words.into_iter();
    ensure!(words.next().as_deref() == Some("curl"), "this is not curl");
    let (mut method, mut path, mut headers, mut body) = (None, String::new(), Vec::new(), None);
    while let Some(word) = words.next() {
        let mut value = || {
            words
                .next()
                .with_context(|| format!("{word} without a value"))
        };
        match word.as_str() {
            "--include" | "--globoff" | "--path-as-is" => {}
            "--head" => method = Some("HEAD".to_owned()),
            "--request" => method = Some(value()?),
            "--header" => headers.push(value()?),
            "--data-raw" => body = Some(value()?),
            address => {
                let rest = address.strip_prefix("http://localhost:4000");
                path = rest
                    .with_context(|| format!("what is {address}?"))?
                    .to_owned();
            }
        }
    }
    if body.is_some() {
        let typed = headers
            .iter()
            .any(|header| header.starts_with("content-type:"));
        ensure!(typed, "curl would say that the body is a form");
    }
    // Written so, the header is not sent.
    headers.retain(|header| header != "content-type:");
    // Written so, it is sent without a value.
    let headers = headers
        .into_iter()
        .map(|header| match header.strip_suffix(';') {
            Some(name) if !name.contains(':') => format!("{name}: "),
            _ => header,
        });
    let method = method.unwrap_or_else(|| if body.is_some() { "POST" } else { "GET" }.to_owned());
    let mut lines = vec![format!("{method} {path} HTTP/1.1")];
    lines.extend(headers);
    lines.extend(body.map(|body| format!("\n{body}")));
    Ok(lines.join("\n"))
}

pub fn a_listing_is_copied_as_it_is_in_its_file(guide: &Guide, page: &mut Page<'_>) -> Result<()> {
    let mut copied = 0;
    for name in &guide.pages {
        page.open(&guide.address(name))?;
        keep_what_is_copied(page)?;
        let texts = page.evaluate(
            "[...document.querySelectorAll('.listing .copy')].map(button => {
                button.click();
                const figure = button.closest('figure');
                const { language } = figure.querySelector('pre > code').dataset;
                const kind = figure.matches('.message') ? 'message' : language;
                return [figure.dataset.file, kind, window.copied];
            })",
        )?;
        let texts: Vec<(String, String, String)> = serde_json::from_value(texts)?;
        for (file, kind, text) in texts {
            let source = fs::read_to_string(site::workspace::root().join(&file))?;
            ensure!(!text.is_empty(), "{name}: nothing of {file} is copied");
            ensure!(
                is_part_of(&source, &kind, &text),
                "{name}: {file} has no such lines:\n{text}"
            );
            copied += 1;
        }
    }
    println!("listings copied: {copied}");
    ensure!(copied > 0, "no page has a listing");
    Ok(())
}

/// Whether a file has these lines, one after the other, but for anchors and for white space that all
/// of them start with.
fn is_part_of(source: &str, kind: &str, text: &str) -> bool {
    let no_anchor = |line: &&str| !line.contains("ANCHOR");
    let written: Vec<&str> = match kind {
        "console" => typed(source),
        _ => source.lines().filter(no_anchor).collect(),
    };
    let lines: Vec<&str> = text.lines().collect();
    if kind == "console" {
        // Of the commands for two terminals, a button copies those for one.
        let mut written = written.into_iter();
        return lines.iter().all(|line| written.any(|typed| typed == *line));
    }
    if kind == "message" {
        // Its headline and the lines that help.
        return lines.iter().all(|line| written.contains(line));
    }
    written.windows(lines.len()).any(|part| {
        let indent = part[0].strip_suffix(lines[0]);
        indent.is_some_and(|indent| {
            let same = |(written, line): (&&str, &&str)| {
                written.strip_prefix(indent) == Some(line) || written.is_empty() && line.is_empty()
            };
            indent.trim().is_empty() && part.iter().zip(&lines).all(same)
        })
    })
}

/// The lines of a transcript that are typed, without the prompt. One that ends in a backslash goes on
/// in the next.
fn typed(transcript: &str) -> Vec<&str> {
    let mut typed = Vec::new();
    let mut goes_on = false;
    for line in transcript.lines() {
        let first = line.strip_prefix("$ ");
        goes_on = if let Some(line) = first.or(goes_on.then_some(line)) {
            typed.push(line);
            line.ends_with('\\')
        } else {
            false
        };
    }
    typed
}

/// The values that the lines `# capture NAME = …` of a request take from its recorded answer.
fn captures(request: &str, answer: &str) -> Vec<(String, String)> {
    let (head, body) = answer.split_once("\n\n").unwrap_or((answer, ""));
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let value = |place: &str| match place.strip_prefix("header ") {
        Some(name) => head.lines().find_map(|line| {
            let (header, value) = line.split_once(": ")?;
            header.eq_ignore_ascii_case(name).then(|| value.to_owned())
        }),
        None => match body.pointer(place)? {
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        },
    };
    let lines = request
        .lines()
        .filter_map(|line| line.strip_prefix("# capture "));
    lines
        .filter_map(|line| {
            let (name, place) = line.split_once(" = ")?;
            Some((name.to_owned(), value(place.trim())?))
        })
        .collect()
}
