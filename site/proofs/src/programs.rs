//! Whole programs of `code/examples`: run as Cargo built them, until they end by themselves.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use site::chapters::anchors::Problem;

use crate::snapshots;
use crate::walk::files;

/// How long a program may run. None needs a second, so this catches one that never ends.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a program that was built from `source`, and compares its output with the file of the same
/// name in `code/output`, if there is one.
pub fn check(root: &Path, source: &Path, program: &Path) -> Result<Option<Problem>> {
    let mut child = Command::new(program)
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("starting {}", program.display()))?;
    let pipes = [
        child.stdout.take().map(|pipe| Box::new(pipe) as Pipe),
        child.stderr.take().map(|pipe| Box::new(pipe) as Pipe),
    ];
    let Some([stdout, stderr]) = read_all(pipes) else {
        child.kill()?;
        return Ok(Some(Problem::new(
            source,
            1,
            "this program does not end by itself. Let `main` return",
        )));
    };
    let status = child.wait()?;
    if !status.success() {
        // The number of the thread, which comes before, differs from run to run.
        let from = stderr.find("panicked at ").unwrap_or_default();
        let line = panicked_at(&stderr).unwrap_or(1);
        let message = format!(
            "this program fails, and a page shows it as one that runs. Fix it\n{}",
            stderr[from..].trim()
        );
        return Ok(Some(Problem::new(source, line, message)));
    }
    let stdout = stdout.replace("\r\n", "\n");
    let recorded = files(root, "code/output")?
        .into_iter()
        .find(|file| file.file_stem() == source.file_stem());
    Ok(recorded.and_then(|file| snapshots::compare(root, &file, &stdout)))
}

type Pipe = Box<dyn Read + Send>;

/// The text from both pipes until they are closed, or `None` if that takes too long.
fn read_all(pipes: [Option<Pipe>; 2]) -> Option<[String; 2]> {
    let (done, waited) = mpsc::channel();
    for (index, pipe) in pipes.into_iter().enumerate() {
        let done = done.clone();
        thread::spawn(move || {
            let mut bytes = Vec::new();
            if let Some(mut pipe) = pipe {
                // If a pipe breaks, the text before that is kept.
                let _ = pipe.read_to_end(&mut bytes);
            }
            done.send((index, String::from_utf8_lossy(&bytes).into_owned()))
        });
    }
    let mut texts = [String::new(), String::new()];
    for _ in 0..2 {
        let (index, text) = waited.recv_timeout(PATIENCE).ok()?;
        texts[index] = text;
    }
    Some(texts)
}

/// The line that `thread 'main' panicked at code/examples/name.rs:3:5:` names.
fn panicked_at(stderr: &str) -> Option<usize> {
    let (_, place) = stderr.split_once("panicked at ")?;
    let place = place.lines().next()?.trim_end_matches(':');
    place.rsplit(':').nth(1)?.parse().ok()
}
