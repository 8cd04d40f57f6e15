//! Watches the files that the guide is made of, and builds it again when one of them changes.

use std::{
    path::{Path, PathBuf},
    sync::mpsc,
    time::Duration,
};

use anyhow::{Context, Result};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use super::builder::Builder;
use crate::workspace::{self, slashes};

/// The build starts when nothing has changed for this long, because an editor saves a file in several
/// steps.
const QUIET: Duration = Duration::from_millis(50);

/// The files that the guide is made of, and their changes.
pub struct Watched {
    /// The root as the system names it, because events come with such paths.
    root: PathBuf,
    watcher: RecommendedWatcher,
    changes: mpsc::Receiver<String>,
}

impl Watched {
    pub fn new(root: &Path) -> Result<Self> {
        let root = root
            .canonicalize()
            .with_context(|| format!("there is no folder {}", root.display()))?;
        let (tell, changes) = mpsc::channel();
        let from = root.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if let Ok(event) = event
                && let Some(file) = changed_source(&from, &event)
            {
                // This fails when the program ends and nothing receives any more.
                let _ = tell.send(file);
            }
        })
        .context("the guide's files cannot be watched")?;
        Ok(Self {
            root,
            watcher,
            changes,
        })
    }

    /// Builds now and at each change. Runs until the program ends.
    pub fn run(mut self, builder: &Builder) {
        self.watch();
        builder.build(None);
        while let Some(changed) = self.wait() {
            self.watch();
            builder.build(Some(&changed));
        }
    }

    /// Watches the folders that exist now: one may have been replaced since the last time.
    fn watch(&mut self) {
        // A missing folder is a mistake that the build reports.
        let _ = self.watcher.watch(&self.root, RecursiveMode::NonRecursive);
        for folder in workspace::SOURCES {
            let _ = self
                .watcher
                .watch(&self.root.join(folder), RecursiveMode::Recursive);
        }
    }

    /// Waits for a change, and then until there are no more of them. Returns one of the files.
    fn wait(&self) -> Option<String> {
        let file = self.changes.recv().ok()?;
        while self.changes.recv_timeout(QUIET).is_ok() {}
        Some(file)
    }
}

/// The file of the guide that has changed, if the event is about one.
fn changed_source(root: &Path, event: &Event) -> Option<String> {
    // The build itself opens and reads files, which changes nothing.
    if matches!(event.kind, EventKind::Access(_)) {
        return None;
    }
    let files = event
        .paths
        .iter()
        .filter_map(|path| path.strip_prefix(root).ok());
    let mut files = files.filter(|file| workspace::is_source(file));
    files.next().map(slashes)
}
