//! Watches the files that the guide is made of, and builds it again when one of them changes.

use std::{
    io,
    path::{Path, PathBuf},
    sync::mpsc,
    time::Duration,
};

use anyhow::{Context, Result};
use notify::{ErrorKind, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use super::builder::Builder;
use crate::workspace::{self, Ignored, slashes};

/// The build starts when nothing has changed for this long, because an editor saves a file in several
/// steps.
const QUIET: Duration = Duration::from_millis(50);

/// The files that the guide is made of, and their changes.
pub struct Watched {
    /// The root as the system names it, because events come with such paths.
    root: PathBuf,
    watcher: RecommendedWatcher,
    changes: mpsc::Receiver<String>,
    /// Whether the reader knows that some files can't be watched.
    has_warned: bool,
}

impl Watched {
    pub fn new(root: &Path) -> Result<Self> {
        let root = root
            .canonicalize()
            .with_context(|| format!("there is no folder {}", root.display()))?;
        let (tell, changes) = mpsc::channel();
        let from = root.clone();
        let ignored = Ignored::read(&root);
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if let Ok(event) = event
                && let Some(file) = changed_source(&from, &ignored, &event)
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
            has_warned: false,
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
        let root = self.watcher.watch(&self.root, RecursiveMode::NonRecursive);
        let mut results = vec![root];
        for folder in workspace::SOURCES {
            let folder = self.root.join(folder);
            results.push(self.watcher.watch(&folder, RecursiveMode::Recursive));
        }
        let problem = results
            .into_iter()
            .filter_map(Result::err)
            .find_map(|error| unwatched(&error));
        if let Some(problem) = problem
            && !self.has_warned
        {
            eprintln!("{problem}");
            self.has_warned = true;
        }
    }

    /// Waits for a change, and then until there are no more of them. Returns one of the files.
    fn wait(&self) -> Option<String> {
        let file = self.changes.recv().ok()?;
        while self.changes.recv_timeout(QUIET).is_ok() {}
        Some(file)
    }
}

/// What to say when files cannot be watched. A missing folder is a mistake that the build reports.
fn unwatched(error: &notify::Error) -> Option<String> {
    let is_missing = match &error.kind {
        ErrorKind::PathNotFound => true,
        ErrorKind::Io(error) => error.kind() == io::ErrorKind::NotFound,
        _ => false,
    };
    if is_missing {
        return None;
    }
    let how = if matches!(error.kind, ErrorKind::MaxFilesWatch) {
        "This system allows too few watches. To allow more, run: sudo sysctl \
         fs.inotify.max_user_watches=524288"
            .to_owned()
    } else {
        format!("The reason is: {error}.")
    };
    Some(format!(
        "Not all files can be watched, so the guide may not be built again after a change. {how}\n\
         Until then, start this command again to see your changes."
    ))
}

/// The file of the guide that has changed, if the event is about one.
fn changed_source(root: &Path, ignored: &Ignored, event: &Event) -> Option<String> {
    // The build itself opens and reads files, which changes nothing.
    if matches!(event.kind, EventKind::Access(_)) {
        return None;
    }
    let files = event
        .paths
        .iter()
        .filter(|path| !ignored.has(root, path, false))
        .filter_map(|path| path.strip_prefix(root).ok());
    let mut files = files.filter(|file| workspace::is_source(file));
    files.next().map(slashes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_of_the_system_is_named_with_its_remedy() {
        let told = unwatched(&notify::Error::new(ErrorKind::MaxFilesWatch)).unwrap_or_default();
        assert!(
            told.contains("sysctl fs.inotify.max_user_watches="),
            "{told}"
        );
        let told = unwatched(&notify::Error::generic("no such device")).unwrap_or_default();
        assert!(told.contains("no such device"), "{told}");
        assert_eq!(unwatched(&notify::Error::path_not_found()), None);
    }
}
