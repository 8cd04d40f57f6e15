//! The commands of a transcript, and the project that they are run in.

/// A command of a transcript.
pub(super) struct Step {
    pub(super) line: usize,
    /// As the transcript writes it, with `$ ` and all its lines.
    pub(super) shown: String,
    pub(super) words: Vec<String>,
}

/// The package that stands for a reader's own project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Project<'a> {
    pub(super) folder: &'a str,
    /// The example that stands for an edited `src/main.rs`.
    pub(super) main: Option<&'a str>,
}

impl<'a> Project<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let named = text.lines().next()?.strip_prefix("# in ")?;
        let edited = named
            .strip_suffix(".rs as src/main.rs")
            .and_then(|named| named.split_once(", with examples/"));
        Some(match edited {
            Some((folder, main)) => Self {
                folder,
                main: Some(main),
            },
            None => Self {
                folder: named,
                main: None,
            },
        })
    }
}

/// The project that the first line names, and the commands.
pub(super) fn read(text: &str) -> Result<(Option<Project<'_>>, Vec<Step>), (usize, String)> {
    let project = Project::read(text);
    let mut steps = Vec::new();
    let mut lines = (1..).zip(text.lines()).peekable();
    if let Some((number, first)) = lines.peek()
        && !first.starts_with("$ ")
        && !is_comment(*number, first)
    {
        return Err((1, "a transcript starts with a line `$ command`".to_owned()));
    }
    while let Some((number, line)) = lines.next() {
        if line == "^C" || is_comment(number, line) {
            steps.push(Step {
                line: number,
                shown: line.to_owned(),
                words: Vec::new(),
            });
        }
        let Some(command) = line.strip_prefix("$ ") else {
            continue;
        };
        let (mut shown, mut command) = (line.to_owned(), command.to_owned());
        while command.ends_with('\\') {
            let Some((_, next)) = lines.next() else {
                break;
            };
            shown += "\n";
            shown += next;
            command.pop();
            command += next;
        }
        let words = shlex::split(&command)
            .ok_or_else(|| (number, "this command's quotes do not match".to_owned()))?;
        steps.push(Step {
            line: number,
            shown,
            words,
        });
    }
    Ok((project, steps))
}

/// Whether a line of a transcript is for its reader or for mdBook, and printed by no command.
fn is_comment(number: usize, line: &str) -> bool {
    number == 1 && line.starts_with("# in ")
        || line.starts_with("# ANCHOR: ")
        || line.starts_with("# ANCHOR_END: ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_may_take_several_lines() -> Result<(), String> {
        let text = "$ curl -i \\\n    'localhost:4000/a b'\nHTTP/1.1 200 OK\n^C\n";
        let (project, steps) = read(text).map_err(|(_, message)| message)?;
        assert_eq!(project, None);
        assert_eq!(steps[0].words, ["curl", "-i", "localhost:4000/a b"]);
        assert_eq!(steps[0].shown, "$ curl -i \\\n    'localhost:4000/a b'");
        assert_eq!((steps[1].line, steps[1].shown.as_str()), (4, "^C"));
        Ok(())
    }

    #[test]
    fn a_project_is_named_first_and_anchors_stay() -> Result<(), String> {
        let text = "# in code/shop\n# ANCHOR: start\n$ cargo run\n# ANCHOR_END: start\n# text\n";
        let (project, steps) = read(text).map_err(|(_, message)| message)?;
        let folder = "code/shop";
        assert_eq!(project, Some(Project { folder, main: None }));
        let shown: Vec<&str> = steps.iter().map(|step| step.shown.as_str()).collect();
        let kept = [
            "# in code/shop",
            "# ANCHOR: start",
            "$ cargo run",
            "# ANCHOR_END: start",
        ];
        assert_eq!(shown, kept);
        Ok(())
    }

    #[test]
    fn an_example_may_stand_for_an_edited_main() {
        let text = "# in code/first-server, with examples/two-routes.rs as src/main.rs\n";
        let edited = Project {
            folder: "code/first-server",
            main: Some("two-routes"),
        };
        assert_eq!(Project::read(text), Some(edited));
    }
}
