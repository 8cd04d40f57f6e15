//! Builds the pages and their console, and says what there is to serve.
//!
//! Each build goes into a folder of its own, and replaces the build before it when it is complete,
//! so that nobody sees half of a guide. A mistake replaces the pages but does not stop the server.
//!
//! The console takes longer than the pages and is built after them. A request for the console waits
//! until it is built.

use std::{
    any::Any,
    collections::BTreeSet,
    panic::{self, AssertUnwindSafe},
    path::PathBuf,
    sync::{Arc, mpsc},
    time::Instant,
};

use anyhow::{Context, Result, anyhow};
use tempfile::TempDir;
use tokio::sync::watch;

use crate::{
    book,
    console::{self, Linked},
};

/// The builds that the server answers with.
#[derive(Clone, Default)]
pub struct Shown {
    /// The latest build without a mistake. Its folder is removed when no request reads from it.
    pub book: Option<Arc<TempDir>>,
    /// The mistake in the pages now.
    pub mistake: Option<Arc<str>>,
    pub console: Console,
    /// How often the pages have changed. Open pages load again when it does.
    pub number: u64,
}

/// Which pages have a console. Pages are counted from the first build.
#[derive(Clone, Default)]
pub struct Console {
    /// The latest pages that need a console.
    pub wanted: u64,
    /// The latest pages whose console was built, or failed to build.
    pub made: u64,
    /// The mistake in the samples now.
    pub mistake: Option<Arc<str>>,
}

impl Console {
    /// Whether the console of the latest pages was built.
    pub fn is_current(&self) -> bool {
        self.made >= self.wanted
    }
}

/// A message to the console's builder: the number of the pages that need a console, and the programs
/// that they need.
pub type Wanted = (u64, BTreeSet<String>);

/// Builds the pages.
pub struct Builder {
    pub root: PathBuf,
    /// The folder that each build gets a folder in.
    pub folder: PathBuf,
    /// To the console's builder, if there is one.
    pub console: Option<mpsc::Sender<Wanted>>,
    pub show: watch::Sender<Shown>,
}

impl Builder {
    /// Builds the pages and shows them, or the mistake in them. `changed` is the file that has made
    /// this build necessary.
    ///
    /// The terminal gets its message last, so that a reader of the message finds the new page.
    pub fn build(&self, changed: Option<&str>) {
        let started = Instant::now();
        let built = TempDir::with_prefix_in("book-", &self.folder)
            .context("no folder to build in")
            .and_then(|folder| {
                let built = without_panic(|| book::build(&self.root, folder.path()))?;
                Ok((folder, built.programs))
            });
        match built {
            Ok((folder, programs)) => {
                self.show.send_modify(|shown| {
                    shown.book = Some(Arc::new(folder));
                    shown.mistake = None;
                    shown.number += 1;
                    if let Some(console) = &self.console {
                        shown.console.wanted += 1;
                        // This fails when the program ends and has ended the other thread first.
                        let _ = console.send((shown.console.wanted, programs));
                    }
                });
                if let Some(file) = changed {
                    let seconds = started.elapsed().as_secs_f32();
                    println!("{file} has changed: built again in {seconds:.1} s");
                }
            }
            Err(error) => {
                let mistake = format!("{error:#}");
                self.show.send_modify(|shown| {
                    shown.mistake = Some(mistake.as_str().into());
                    shown.number += 1;
                });
                eprintln!("{NOT_BUILT}\n\n{mistake}\n\n{HOW_TO_GO_ON}\n");
            }
        }
    }
}

/// Builds the console of the pages.
pub struct ConsoleBuilder {
    pub root: PathBuf,
    pub folder: PathBuf,
    pub wanted: mpsc::Receiver<Wanted>,
    pub show: watch::Sender<Shown>,
}

impl ConsoleBuilder {
    /// Runs until the program ends.
    pub fn run(self) {
        while let Ok(wanted) = self.wanted.recv() {
            // If pages were built several times in the meantime, only the latest ones count.
            let (number, programs) = self.wanted.try_iter().last().unwrap_or(wanted);
            self.build(number, &programs);
        }
    }

    fn build(&self, number: u64, programs: &BTreeSet<String>) {
        let started = Instant::now();
        let built =
            without_panic(|| console::build(&self.root, &self.folder, programs, Linked::Quick));
        let mistake = built.as_ref().err().map(|error| format!("{error:#}"));
        let mut had_mistake = false;
        self.show.send_modify(|shown| {
            let mistake = mistake.as_deref().map(Arc::from);
            let has_mistake = mistake.is_some();
            had_mistake = std::mem::replace(&mut shown.console.mistake, mistake).is_some();
            shown.console.made = number;
            shown.number += u64::from(had_mistake || has_mistake);
        });
        if let Some(mistake) = mistake {
            eprintln!("{NOT_BUILT}\n\n{mistake}\n\n{HOW_TO_GO_ON}\n");
        } else if had_mistake || built.is_ok_and(|new| new) {
            let seconds = started.elapsed().as_secs_f32();
            println!("The console in the pages is ready: built in {seconds:.1} s");
        }
    }
}

pub const NOT_BUILT: &str = "The guide cannot be built:";
pub const HOW_TO_GO_ON: &str = "Fix this, and the pages come back.";

/// Turns a panic of a build into an error. The panic leaves nothing half done except in the build's
/// folder, which is removed.
fn without_panic<T>(build: impl FnOnce() -> Result<T>) -> Result<T> {
    panic::catch_unwind(AssertUnwindSafe(build))
        .unwrap_or_else(|panic| Err(anyhow!("the build panicked: {}", message(&*panic))))
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without a message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_that_panics_is_an_error_like_others() {
        let broken = without_panic::<()>(|| panic!("at chapter {}", 7));
        let mistake = broken.expect_err("it panicked").to_string();
        assert_eq!(mistake, "the build panicked: at chapter 7");
    }
}
