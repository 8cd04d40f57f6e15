//! The words that the browser tests type into the search.
//!
//! Each of them must be on a page. A browser test that searches for a line that was since edited
//! fails only after half an hour; this proof says so within seconds.

use site::chapters::anchors::Problem;

use crate::walk::Walk;

/// What a reader may type and the index has only in parts, because it splits names at punctuation.
/// The search puts a section with exactly this text first, even if the white space differs.
pub const EXACT: [&str; 6] = [
    "x-request-id",
    "{id}",
    "code/shop/src/repository",
    "Router::new().route(\"/menu\"",
    "GET /menu HTTP/1.1",
    "&self,  id",
];

/// Two words that only few sections have.
pub const RARE: &str = "poisoned lock";

/// A word that most chapters have.
pub const COMMON: &str = "croissant";

/// Finds the searches whose words no page shows.
pub fn check(walk: &Walk) -> Vec<Problem> {
    let texts = texts(walk);
    let missing = |searched: &&str| !texts.contains(&packed(searched));
    let searched = EXACT.iter().copied().chain([COMMON]);
    let searched = searched.chain(RARE.split(' '));
    searched.filter(missing).map(no_page_has).collect()
}

fn no_page_has(searched: &str) -> Problem {
    let message =
        format!("no page has `{searched}`, which a browser test searches for. Choose other words");
    Problem::new("site/proofs/src/searches.rs", 1, message)
}

/// All that the pages say and show, without white space.
fn texts(walk: &Walk) -> String {
    let said = walk.pages.iter().map(|page| packed(&page.text));
    let shown = walk.shown.iter().filter_map(|shown| {
        let source = walk.sources.get(&shown.file)?;
        let lines = source.shown(shown.anchor.as_deref()).ok()?;
        Some(lines.iter().map(|line| packed(&line.text)).collect())
    });
    // Words at the end of one text and at the start of the next are not side by side on a page.
    said.chain(shown).collect::<Vec<_>>().join("\n")
}

/// Compares as the search does: without white space and in lower case.
fn packed(words: &str) -> String {
    words.split_whitespace().collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_and_case_do_not_matter() {
        assert_eq!(packed("&self,\n    Id"), packed("&SELF,  id"));
    }
}
