//! Recorded texts, compared with the current ones. `SNAPSHOTS=overwrite cargo test` records them
//! again.

use std::fs;
use std::path::Path;

use site::chapters::anchors::Problem;
use snapbox::Data;
use snapbox::assert::Action;
use snapbox::report::{Palette, write_diff};

/// The variable that every recording of this guide obeys; snapbox's own name for it.
const VARIABLE: &str = snapbox::assert::DEFAULT_ACTION_ENV;

/// How to accept a difference.
pub const RECORD: &str = "If the new output is right, run `SNAPSHOTS=overwrite cargo test`";

/// The message for a recording that differs.
pub const STALE: &str = "what is recorded here is not what comes out now. If the new output is \
                         right, run `SNAPSHOTS=overwrite cargo test`";

/// Whether to record the current text. That happens in the repository only, never in a copy that
/// is broken on purpose.
pub fn overwrite(root: &Path) -> bool {
    Action::with_env_var(VARIABLE) == Some(Action::Overwrite) && root == crate::root()
}

/// Compares a whole recorded file with the text that was `made` now. A missing file counts as an
/// empty one.
pub fn compare(root: &Path, file: &Path, made: &str) -> Option<Problem> {
    let path = root.join(file);
    let recorded = fs::read_to_string(&path)
        .unwrap_or_default()
        .replace("\r\n", "\n");
    if recorded == made {
        return None;
    }
    if overwrite(root) {
        return record(&path, made)
            .err()
            .map(|error| Problem::new(file, 1, format!("cannot be recorded: {error}")));
    }
    let message = format!("{STALE}\n{}", diff(&recorded, made));
    Some(Problem::new(
        file,
        first_difference(&recorded, made),
        message,
    ))
}

/// Writes a recording, and makes its folder if necessary.
pub fn record(path: &Path, made: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, made)
}

/// The first line, counted from 1, in which two texts differ.
pub fn first_difference(recorded: &str, made: &str) -> usize {
    let same = recorded
        .lines()
        .zip(made.lines())
        .take_while(|(recorded, made)| recorded == made)
        .count();
    same + 1
}

/// The differences, line by line.
pub fn diff(recorded: &str, made: &str) -> String {
    let mut text = String::new();
    let written = write_diff(
        &mut text,
        &Data::text(recorded).raw(),
        &Data::text(made).raw(),
        Some(&"recorded"),
        Some(&"now"),
        Palette::plain(),
    );
    match written {
        Ok(()) => text.trim().to_owned(),
        Err(error) => format!("the difference cannot be shown: {error}"),
    }
}
