//! The tree of the shop's files that the introduction shows.

mod support;

use std::fs;
use std::path::Path;

/// The files of the shop, each with the first words of its description.
#[test]
fn introduction_shows_the_files_of_the_shop() {
    let shop = Path::new(env!("CARGO_MANIFEST_DIR")).join("shop");
    let mut tree = String::from("shop/\n");
    for name in ["Cargo.toml", "migrations/", "src/", "tests/"] {
        tree += &format!("  {name}\n");
        if name == "src/" {
            tree += &modules(&shop.join("src"), "    ");
        }
    }
    support::recorded("output/introduction/tree.txt", &tree);
}

/// Folders come after files, as their module does.
fn modules(folder: &Path, indent: &str) -> String {
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("the folder can be read")
        .map(|entry| entry.expect("an entry").file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    names.sort_by_key(|name| (name.trim_end_matches(".rs").to_owned(), name.len()));
    let mut tree = String::new();
    for name in names {
        let path = folder.join(&name);
        if path.is_dir() {
            tree += &format!("{indent}{name}/\n");
            tree += &modules(&path, &format!("{indent}  "));
        } else {
            let column = 22 - indent.len();
            let line = format!("{indent}{name:column$}{}\n", description(&path));
            tree += &line;
        }
    }
    tree
}

/// The first sentence of a module's description, or the part before its colon.
fn description(file: &Path) -> String {
    let text = fs::read_to_string(file).expect("the file can be read");
    let lines = text.lines().map_while(|line| line.strip_prefix("//! "));
    let words = lines.collect::<Vec<_>>().join(" ");
    let end = words.find([':', '.']).expect("a module has a description");
    words[..end].to_owned()
}
