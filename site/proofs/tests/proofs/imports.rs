//! Imports point one way: no module of the tool or of the proofs imports another one that imports
//! it, directly or through others.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use proofs::walk::{files, is};
use proofs::{Problem, slashes};
use regex::Regex;

/// The sources of the crates that this holds for.
const CRATES: [&str; 2] = ["site/src", "site/proofs/src"];

/// A module's path: `["serve", "watch"]`.
type Module = Vec<String>;

/// Finds one circle for each module that is a part of one.
pub fn check(root: &Path) -> std::io::Result<Vec<Problem>> {
    let mut problems = Vec::new();
    for folder in CRATES {
        let mut sources = BTreeMap::new();
        for file in files(root, folder)? {
            if is(&file, "rs") && !file.starts_with(format!("{folder}/bin")) {
                let text = fs::read_to_string(root.join(&file))?;
                sources.insert(module(folder, &file), (file, text));
            }
        }
        let graph: BTreeMap<&Module, BTreeSet<&Module>> = sources
            .iter()
            .map(|(module, (_, text))| (module, imports(module, text, &sources)))
            .collect();
        for (module, (file, _)) in &sources {
            if let Some(path) = circle(module, &graph) {
                let names: Vec<String> = path.iter().map(|module| module.join("::")).collect();
                let message = format!(
                    "imports go in a circle: {}. Move the shared part to a module below both",
                    names.join(" -> ")
                );
                problems.push(Problem::new(file, 1, message));
            }
        }
    }
    Ok(problems)
}

fn module(folder: &str, file: &Path) -> Module {
    let path = file.strip_prefix(folder).unwrap_or(file).with_extension("");
    let path = slashes(&path);
    let names = path.split('/').filter(|name| *name != "mod");
    names.map(str::to_owned).collect()
}

/// The modules that a source names by `crate::` or `super::`. The root of the crate declares all
/// modules and imports from none of them.
fn imports<'a, T>(
    module: &Module,
    text: &str,
    known: &'a BTreeMap<Module, T>,
) -> BTreeSet<&'a Module> {
    static PATH: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"\b(?:crate|super)::[\w:]*(?:\{[^;]*\};)?").expect("a constant is valid")
    });
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let mut found = BTreeSet::new();
    for written in PATH.find_iter(code) {
        for path in expanded(written.as_str().trim_end_matches(';')) {
            let mut parts: Module = match path.first().map(String::as_str) {
                Some("super") => module[..module.len() - 1].to_vec(),
                _ => Vec::new(),
            };
            parts.extend(path.into_iter().skip(1));
            while !parts.is_empty() {
                if let Some((known, _)) = known.get_key_value(&parts) {
                    found.insert(known);
                    break;
                }
                parts.pop();
            }
        }
    }
    // A module imports from the modules that it declares.
    let children = known.keys().filter(|other| {
        let declared = other.last().map(|name| format!("mod {name};"));
        other.len() == module.len() + 1
            && other.starts_with(module)
            && declared.is_some_and(|declared| code.contains(&declared))
    });
    found.extend(children);
    found.retain(|other| *other != module);
    found
}

/// `crate::{a, b::c}` as `crate::a` and `crate::b::c`.
fn expanded(path: &str) -> Vec<Module> {
    let Some((before, group)) = path.split_once('{') else {
        let names = path.split("::").map(str::trim);
        return vec![
            names
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect(),
        ];
    };
    let group = group.rsplit_once('}').map_or(group, |(inside, _)| inside);
    let mut parts = vec![String::new()];
    let mut depth = 0;
    for letter in group.chars() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(letter);
        }
    }
    let parts = parts
        .iter()
        .map(|part| part.trim())
        .filter(|part| !part.is_empty());
    parts
        .flat_map(|part| expanded(&format!("{before}{part}")))
        .collect()
}

/// The shortest way from a module through its imports back to it.
fn circle<'a>(
    start: &'a Module,
    graph: &BTreeMap<&'a Module, BTreeSet<&'a Module>>,
) -> Option<Vec<&'a Module>> {
    let mut ways = vec![vec![start]];
    let mut seen = BTreeSet::new();
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            for next in graph.get(way[way.len() - 1]).into_iter().flatten() {
                let mut further = way.clone();
                further.push(*next);
                if *next == start {
                    return Some(further);
                }
                if seen.insert(*next) {
                    longer.push(further);
                }
            }
        }
        ways = longer;
    }
    None
}

/// Checks that a circle is found: a test that can't fail proves nothing.
pub fn finds_a_circle() -> bool {
    let sources: BTreeMap<Module, &str> = [
        ("a", "use crate::{b::{C, D}, e};"),
        ("b", "fn f() { crate::e::g() }"),
        ("e", "use super::a::H;"),
    ]
    .map(|(name, text)| (vec![name.to_owned()], text))
    .into();
    let graph = sources.iter();
    let graph = graph
        .map(|(module, text)| (module, imports(module, text, &sources)))
        .collect();
    sources
        .keys()
        .all(|module| circle(module, &graph).is_some())
}
