//! Which program answers the exchanges of a chapter, as the samples say.
//!
//! The table is read from their source and not linked, so that `cargo serve` starts without
//! compiling the samples, and follows an edit of the table.

use std::{collections::BTreeMap, fs, path::Path, sync::LazyLock};

use regex::Regex;

use super::anchors::pattern;

/// The file with the table, from the repository's root.
const FILE: &str = "code/src/lib.rs";

/// The table: its lines are those of `CHAPTERS` in [`FILE`].
#[derive(Debug, Default)]
pub struct Programs(BTreeMap<String, String>);

impl Programs {
    /// Reads the table. A book without samples has an empty one.
    pub fn read(root: &Path) -> Self {
        let source = fs::read_to_string(root.join(FILE)).unwrap_or_default();
        Self::parse(&source)
    }

    /// The name of the program that answers the exchanges of a chapter. Where the table has no
    /// such chapter, the program has the chapter's name.
    pub fn of<'a>(&'a self, chapter: &'a str) -> &'a str {
        self.0.get(chapter).map_or(chapter, String::as_str)
    }

    fn parse(source: &str) -> Self {
        static LINE: LazyLock<Regex> =
            LazyLock::new(|| pattern(r#"Chapter::of\("([^"]+)",\s*"([^"]+)"\)"#));
        let lines = LINE.captures_iter(source);
        Self(
            lines
                .map(|line| (line[1].to_owned(), line[2].to_owned()))
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_the_one_that_the_samples_have() {
        let read = Programs::read(&crate::workspace::root());
        let compiled = code::CHAPTERS
            .iter()
            .map(|chapter| (chapter.name.to_owned(), chapter.program.to_owned()));
        assert_eq!(read.0, compiled.collect());
    }

    #[test]
    fn a_chapter_that_is_not_in_the_table_has_a_program_of_its_own_name() {
        let programs = Programs::parse(r#"Chapter::of("state", "requests"),"#);
        assert_eq!(programs.of("state"), "requests");
        assert_eq!(programs.of("shop"), "shop");
    }
}
