//! Links from a block to the whole file.

use std::{env, path::Path};

use crate::{
    chapters::anchors::Line,
    workspace::{copy_of, slashes},
};

/// The repository on the web, if the environment of a publishing workflow names it. The pages of a
/// fork therefore link to the fork.
pub struct Repository {
    /// Its address, and the commit.
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

    /// The address of the commit, and its short name.
    pub fn commit(&self) -> Option<(String, String)> {
        let (address, commit) = self.at.as_ref()?;
        let short = commit.chars().take(7).collect();
        Some((format!("{address}/commit/{commit}"), short))
    }

    /// A link to these lines of a file at the commit. If no repository is known, the link leads to the
    /// copy of the file beside the pages.
    pub fn link(&self, file: &Path, lines: Option<&[Line]>, up: &str) -> String {
        let Some((address, commit)) = &self.at else {
            return format!("{up}generated/{}", copy_of(file));
        };
        let file = slashes(file);
        let blob = format!("{address}/blob/{commit}");
        match lines {
            Some([first, .., last]) => format!("{blob}/{file}#L{}-L{}", first.number, last.number),
            Some([only]) => format!("{blob}/{file}#L{}", only.number),
            _ => format!("{blob}/{file}"),
        }
    }
}
