//! The origin that each language's blocks must have, and the words that may follow the language in
//! a fence.

use std::path::Path;

use site::chapters::blocks::Block;
use site::workspace::slashes;

use crate::artifacts::ADDITIONS;

/// The origin of a block's content.
pub(crate) struct Origin<'a> {
    /// The file, from the repository's root.
    pub file: &'a Path,
    /// The anchor, where it is not the whole file.
    pub anchor: Option<&'a str>,
    /// Whether some target is made of the file.
    pub compiled: bool,
    /// Whether a test names the file's path.
    pub named_by_a_test: bool,
}

impl Origin<'_> {
    fn is(&self, folder: &str, extension: &str) -> bool {
        self.file.starts_with(folder) && self.file.extension().is_some_and(|e| e == extension)
    }

    /// The file, as messages write it.
    pub fn name(&self) -> String {
        slashes(self.file)
    }
}

pub(crate) type Rule = fn(&Origin<'_>, &Block) -> Result<(), String>;

/// The rule for the origin of a block, if this guide uses its language and its other words.
pub(crate) fn of(block: &Block) -> Result<Rule, String> {
    let language = block.language.as_str();
    if language.is_empty() {
        return Err(
            "this fence names no language. Write one after the backticks, `text` for output"
                .to_owned(),
        );
    }
    if language.contains(char::is_whitespace) {
        return Err(format!(
            "`{language}` is not one word. Separate the language and what follows with commas"
        ));
    }
    if let Some(better) = misnamed(language) {
        return Err(format!(
            "`{language}` is written `{better}` in this guide. Change the fence"
        ));
    }
    let compile_fail = language == "rust" && block.has("compile_fail");
    let (words, rule): (&[&str], Rule) = match language {
        "rust" if compile_fail => (&["compile_fail", "mark="], failing),
        "rust" => (&["compile_fail", "mark="], rust),
        "http" => (&["predict", "challenge", "scheduler"], http),
        "console" => (&["mark="], console),
        "text" => (&["message", "line=", "mark="], output),
        "diff" => (&["mark="], difference),
        "mermaid" => (&[], mermaid),
        _ => (&["mark="], used),
    };
    for attribute in &block.attributes {
        let known = words.iter().any(|word| match word.strip_suffix('=') {
            Some(name) => attribute
                .strip_prefix(name)
                .is_some_and(|rest| rest.starts_with('=')),
            None => attribute == word,
        });
        if !known {
            return Err(unknown_word(language, attribute, words));
        }
    }
    Ok(rule)
}

fn misnamed(language: &str) -> Option<&'static str> {
    Some(match language {
        "rs" | "Rust" => "rust",
        "sh" | "bash" | "shell" | "zsh" | "terminal" => "console",
        "javascript" => "js",
        "typescript" => "ts",
        "yml" => "yaml",
        "txt" | "plain" | "plaintext" | "output" => "text",
        _ => return None,
    })
}

fn unknown_word(language: &str, word: &str, words: &[&str]) -> String {
    match word {
        "ignore" | "no_run" | "should_panic" => format!(
            "`{word}` hides a block from its proof. Take the word away, and include something \
             that compiles and ends by itself, or a `rust,compile_fail` from code/fails"
        ),
        "playground" | "editable" | "noplayground" | "hidelines" => {
            format!("`{word}` belongs to the Rust playground, which has no axum. Take it away")
        }
        _ if words.is_empty() => {
            format!("`{word}` says nothing after `{language}`. Take it away")
        }
        _ => format!(
            "`{word}` says nothing after `{language}`. Known there: {}",
            words.join(", ")
        ),
    }
}

fn rust(origin: &Origin<'_>, _: &Block) -> Result<(), String> {
    if origin.is("code/fails", "rs") {
        return Err(format!(
            "{} must not compile. Write `rust,compile_fail`",
            origin.name()
        ));
    }
    if !origin.compiled {
        return Err(format!(
            "no target compiles {}. Make it a module, a test or an example of a package in \
             `code`, and run `cargo test`",
            origin.name()
        ));
    }
    let whole = ["code/examples", "code/exercises", "code/first-server"];
    let whole = whole.iter().any(|folder| origin.is(folder, "rs"));
    if origin.anchor.is_none() && !whole {
        return Err(format!(
            "only exercises and programs of code/examples and code/first-server are shown whole. Put \
             `// ANCHOR: name` and `// ANCHOR_END: name` around the lines of {}, and include \
             that anchor",
            origin.name()
        ));
    }
    Ok(())
}

fn failing(origin: &Origin<'_>, _: &Block) -> Result<(), String> {
    from(
        origin,
        "code/fails",
        "rs",
        "where a test compares what the compiler says",
    )
}

fn http(origin: &Origin<'_>, block: &Block) -> Result<(), String> {
    let challenges = "code/exchanges/challenges";
    if block.has("challenge") {
        if origin.anchor.is_some() {
            return Err(
                "a challenge is shown whole. Include the file without an anchor".to_owned(),
            );
        }
        return from(
            origin,
            challenges,
            "http",
            "where a test plays its solution",
        );
    }
    if origin.file.starts_with(challenges) {
        return Err(format!(
            "{} is a challenge. Write `http,challenge`",
            origin.name()
        ));
    }
    from(origin, "code/exchanges", "http", "where a test replays it")
}

fn console(origin: &Origin<'_>, _: &Block) -> Result<(), String> {
    from(
        origin,
        "code/transcripts",
        "console",
        "where a test runs its commands",
    )
}

fn mermaid(origin: &Origin<'_>, _: &Block) -> Result<(), String> {
    from(
        origin,
        "code/diagrams",
        "mmd",
        "where a test draws it again",
    )
}

/// A difference between two files of the guide, or a change to a project that a test makes.
fn difference(origin: &Origin<'_>, block: &Block) -> Result<(), String> {
    let changes = ADDITIONS.map(|addition| format!("{addition}/changes"));
    if changes.iter().any(|folder| origin.is(folder, "diff")) {
        return Ok(());
    }
    output(origin, block)
}

fn output(origin: &Origin<'_>, _: &Block) -> Result<(), String> {
    if origin.is("code/fails", "stderr") || origin.file.starts_with("code/output") {
        return Ok(());
    }
    Err(format!(
        "no test makes {}. Let a test write it to code/output, or show a compiler's message \
         from code/fails",
        origin.name()
    ))
}

fn used(origin: &Origin<'_>, block: &Block) -> Result<(), String> {
    if origin.compiled || origin.named_by_a_test {
        return Ok(());
    }
    Err(format!(
        "no build and no test uses {}, so nothing proves this `{}`. Let a package in `code` or a \
         test of it read the file with `include_str!`, or let a test name its path, and run \
         `cargo test`",
        origin.name(),
        block.language
    ))
}

fn from(origin: &Origin<'_>, folder: &str, extension: &str, why: &str) -> Result<(), String> {
    if origin.is(folder, extension) {
        return Ok(());
    }
    Err(format!(
        "{} cannot prove this block. Include a .{extension} file of {folder}, {why}",
        origin.name()
    ))
}
