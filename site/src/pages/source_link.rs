//! Where the whole of a shown file can be read.

use std::{env, path::Path};

use crate::{chapters::anchors::Line, workspace::slashes};

/// The repository on the web, as far as the environment of a publishing workflow names it.
/// So a fork that publishes itself links to itself.
pub struct Repository {
    /// Where it is, and the commit.
    at: Option<(String, String)>,
}

impl Repository {
    /// Reads `GITHUB_SERVER_URL`, `GITHUB_REPOSITORY` and `GITHUB_SHA`.
    pub fn from_environment() -> Self {
        let read = |name| env::var(name).ok().filter(|value| !value.is_empty());
        let at = || {
            let (server, name) = (read("GITHUB_SERVER_URL")?, read("GITHUB_REPOSITORY")?);
            Some((format!("{server}/{name}"), read("GITHUB_SHA")?))
        };
        Self { at: at() }
    }

    /// Where the commit can be seen, and its short name.
    pub fn commit(&self) -> Option<(String, String)> {
        let (address, commit) = self.at.as_ref()?;
        let short = commit.chars().take(7).collect();
        Some((format!("{address}/commit/{commit}"), short))
    }

    /// A link to a file: to those lines at that commit, or, where no repository is known, to
    /// the copy beside the pages.
    pub fn link(&self, file: &Path, lines: Option<&[Line]>, up: &str) -> String {
        let file = slashes(file);
        let Some((address, commit)) = &self.at else {
            return format!("{up}generated/{file}.txt");
        };
        let blob = format!("{address}/blob/{commit}");
        match lines {
            Some([first, .., last]) => format!("{blob}/{file}#L{}-L{}", first.number, last.number),
            Some([only]) => format!("{blob}/{file}#L{}", only.number),
            _ => format!("{blob}/{file}"),
        }
    }
}
