//! Draws diagrams again: the path of a request from the spans that it opened, and dependencies from
//! Cargo.lock. A test of `code/tests` may also draw one.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use live::exchange::{self, Exchange};
use live::{Answer, Span};
use site::chapters::anchors::Problem;
use site::workspace::slashes;
use toml::Table;

use crate::walk::{is, stem};
use crate::{replay, snapshots};

/// Compares a diagram with the source that its first line names: a request, as in
/// `%% requests.http: Title`, or `%% Cargo.lock: Title`, where the second line lists packages:
/// `%% axum, hyper, tokio`. A diagram whose first line names a test, as in
/// `%% payments.rs: Title`, is compared by that test.
pub fn check(root: &Path, file: &Path) -> Result<Option<Problem>> {
    let text = fs::read_to_string(root.join(file))
        .with_context(|| format!("reading {}", slashes(file)))?;
    let first = text.lines().next().unwrap_or_default();
    let Some((story, title)) = named(first) else {
        return Ok(Some(Problem::new(
            file,
            1,
            "a diagram is made from a request. Let its first line name one: \
             `%% requests.http: The title of an exchange`",
        )));
    };
    if story == "Cargo.lock" {
        return packages(root, file, &text);
    }
    if is(Path::new(story), "rs") {
        return Ok(drawn_by_a_test(root, file, story));
    }
    let story = Path::new("code/exchanges").join(story);
    let Some(program) = code::program_of(&stem(&story)) else {
        let message = format!("no program answers {}. Name another file", slashes(&story));
        return Ok(Some(Problem::new(file, 1, message)));
    };
    let Ok(recorded) = fs::read_to_string(root.join(&story)) else {
        let message = format!("there is no file {}. Name another file", slashes(&story));
        return Ok(Some(Problem::new(file, 1, message)));
    };
    let exchanges = match exchange::read(&recorded) {
        Ok(exchanges) => exchanges,
        Err(problem) => return Ok(Some(Problem::new(story, problem.line, problem.message))),
    };
    let answer = match replay::until(&story, &exchanges, program, title)? {
        Ok(answer) => answer,
        Err(problem) => return Ok(Some(problem)),
    };
    let Some(exchange) = exchanges.iter().find(|exchange| exchange.title == title) else {
        return Ok(None);
    };
    let drawn = format!("{first}\n{}", draw(exchange, &answer, program.name));
    Ok(snapshots::compare(root, file, &drawn))
}

/// Whether the test that a diagram names compares the diagram.
fn drawn_by_a_test(root: &Path, file: &Path, test: &str) -> Option<Problem> {
    let below_code = slashes(file.strip_prefix("code").unwrap_or(file));
    let test = Path::new("code/tests").join(test);
    let text = fs::read_to_string(root.join(&test)).unwrap_or_default();
    if text.contains(&below_code) {
        return None;
    }
    let message = format!(
        "{} doesn't draw this diagram. Let it compare `{below_code}`, or name another test",
        slashes(&test)
    );
    Some(Problem::new(file, 1, message))
}

/// Compares a diagram with the dependencies in Cargo.lock between the packages that it lists.
fn packages(root: &Path, file: &Path, text: &str) -> Result<Option<Problem>> {
    let lock: Table = fs::read_to_string(root.join("Cargo.lock"))?.parse()?;
    let locked = lock["package"]
        .as_array()
        .context("Cargo.lock has packages")?;
    let listed = text.lines().nth(1).and_then(|line| line.strip_prefix("%%"));
    let listed = listed.unwrap_or_default();
    let names: Vec<&str> = listed.split(',').map(str::trim).collect();
    let mut drawn: String = text
        .lines()
        .take(2)
        .map(|line| format!("{line}\n"))
        .collect();
    drawn += "flowchart TD\n";
    for name in &names {
        let is_it = |package: &&toml::Value| package["name"].as_str() == Some(name);
        let Some(package) = locked.iter().find(is_it) else {
            let message = format!(
                "Cargo.lock has no package `{name}`. Let this line list some that it has: \
                 `%% axum, hyper, tokio`"
            );
            return Ok(Some(Problem::new(file, 2, message)));
        };
        // If a package is locked in two versions, this is `name version`.
        let needed: Vec<&str> = package
            .get("dependencies")
            .and_then(toml::Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|needed| needed.as_str()?.split(' ').next())
            .collect();
        for other in names.iter().filter(|other| needed.contains(other)) {
            drawn += &format!("    {name} -->|depends on| {other}\n");
        }
    }
    Ok(snapshots::compare(root, file, &drawn))
}

fn named(line: &str) -> Option<(&str, &str)> {
    let (file, title) = line.strip_prefix("%%")?.split_once(':')?;
    Some((file.trim(), title.trim()))
}

/// A sequence diagram: the participants, then each span as a message to its layer.
fn draw(exchange: &Exchange, answer: &Answer, program: &str) -> String {
    let mut layers: Vec<&str> = Vec::new();
    for span in &answer.spans {
        if !layers.contains(&layer(span)) {
            layers.push(layer(span));
        }
    }
    let first = layers.first().copied().unwrap_or(program);
    if layers.is_empty() {
        layers.push(program);
    }
    let mut drawn = String::from("sequenceDiagram\n    participant client\n");
    for layer in layers {
        drawn += &format!("    participant {layer}\n");
    }
    drawn += &format!(
        "    client->>{first}: {}\n",
        request_line(&exchange.request)
    );
    let mut open: Vec<&str> = Vec::new();
    for span in &answer.spans {
        open.truncate(span.depth);
        let from = open.last().copied().unwrap_or(first);
        drawn += &format!("    {from}->>{}: {}\n", layer(span), span.name);
        open.push(layer(span));
    }
    drawn += &format!("    {first}-->>client: {}\n", status(&answer.text));
    drawn
}

/// A span's layer is the last segment of the module that opened it.
fn layer(span: &Span) -> &str {
    span.target.rsplit("::").next().unwrap_or(&span.target)
}

/// The method and the path.
fn request_line(request: &str) -> &str {
    let line = request
        .lines()
        .find(|line| !line.starts_with('#') && !line.trim().is_empty())
        .unwrap_or_default();
    line.strip_suffix(" HTTP/1.1").unwrap_or(line)
}

/// The status as the answer's first line says it.
fn status(answer: &str) -> &str {
    let line = answer.lines().next().unwrap_or_default();
    line.split_once(' ').map_or(line, |(_, status)| status)
}
