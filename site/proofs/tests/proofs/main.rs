//! The proofs of the pages: a test for each file that a chapter shows.
//!
//! Names end in the chapter's: `cargo test requests` runs what proves the chapter `requests`.

mod breakages;
mod imports;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use code::Chapter;
use libtest_mimic::{Arguments, Completion, Trial};
use proofs::artifacts::Build;
use proofs::exercises::Progress;
use proofs::fails::Compiler;
use proofs::links::Rendered;
use proofs::transcripts::Outcome;
use proofs::walk::{Walk, files, is, pages, stem};
use proofs::{
    Problem, diagrams, exercises, fails, five_requests, links, lock, output, programs, recordings,
    replay, searches, sentences, snapshots, transcripts,
};

static ROOT: LazyLock<PathBuf> = LazyLock::new(proofs::root);

static BUILD: LazyLock<Result<Build, String>> = LazyLock::new(|| Build::current().map_err(told));

/// The walk over all chapters, which most tests use.
static WALK: LazyLock<Result<Walk, String>> = LazyLock::new(|| {
    let compiled = build()?.compiled(&ROOT).map_err(told)?;
    Walk::read(&ROOT, compiled).map_err(told)
});

/// Everything that is wrong with the chapters and with the files that they show.
static PROBLEMS: LazyLock<Result<Vec<Problem>, String>> =
    LazyLock::new(|| Ok(proofs::check(walk()?)));

/// The blocks that no sentence introduces.
static UNINTRODUCED: LazyLock<Result<Vec<Problem>, String>> =
    LazyLock::new(|| Ok(sentences::check(walk()?)));

static COMPILER: LazyLock<Result<Compiler, String>> =
    LazyLock::new(|| Compiler::of(build()?).map_err(told));

/// The book as its readers get it.
static RENDERED: LazyLock<Result<Rendered, String>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().map_err(told)?;
    links::render(&ROOT, folder.path()).map_err(told)?;
    // `Rendered` keeps everything that is needed later, so the folder may go.
    Rendered::read(folder.path()).map_err(told)
});

/// The programs that differ from `requests` in how they are built but not in their answers: the
/// exchanges of every chapter with that program pass against each of them without a change.
const ALIKE: [&str; 1] = ["structure"];

/// The chapters that do not introduce each block with a sentence yet.
const NOT_YET: &[&str] = &[];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    trials.extend(walks()?);
    trials.extend(replays()?);
    trials.extend(recordings(arguments.filter.is_some())?);
    trials.extend(samples(arguments.filter.is_some())?);
    trials.push(Trial::test("breakages", || {
        let problems = breakages::check(&ROOT, compiler()?).map_err(told)?;
        Ok(proofs::verdict(&problems)?)
    }));
    for project in lock::projects(&ROOT) {
        trials.push(Trial::test(
            format!("lock::{}", stem(&project)),
            move || {
                let problems = lock::check(&ROOT, &project).map_err(told)?;
                Ok(proofs::verdict(&problems)?)
            },
        ));
    }
    trials.push(Trial::test("searches", || {
        Ok(proofs::verdict(&searches::check(walk()?))?)
    }));
    trials.push(Trial::test("imports", || {
        if !imports::finds_a_circle() {
            return Err("a circle of imports is not found".into());
        }
        Ok(proofs::verdict(&imports::check(&ROOT)?)?)
    }));
    trials.extend(exercises()?);
    let conclusion = libtest_mimic::run(&arguments, trials);
    if !arguments.list {
        println!(
            "{}, {} unproven, {} without a sentence before\n",
            walk()?.summary_of_blocks(),
            problems()?.len(),
            unintroduced()?.len()
        );
    }
    conclusion.exit();
}

fn walks() -> std::io::Result<Vec<Trial>> {
    let chapters = pages(&ROOT)?;
    let mut trials = Vec::new();
    for page in chapters.clone() {
        let of = page.clone();
        trials.push(Trial::test(format!("blocks::{}", stem(&page)), move || {
            let problems = problems()?.iter();
            Ok(proofs::verdict(problems.filter(|found| found.file == of))?)
        }));
        let name = stem(&page);
        if NOT_YET.contains(&&*name) {
            continue;
        }
        trials.push(Trial::test(format!("sentences::{name}"), move || {
            let problems = unintroduced()?.iter();
            Ok(proofs::verdict(
                problems.filter(|found| found.file == page),
            )?)
        }));
    }
    trials.push(Trial::test("blocks", move || {
        let problems = problems()?.iter();
        let elsewhere = problems.filter(|problem| !chapters.contains(&problem.file));
        Ok(proofs::verdict(elsewhere)?)
    }));
    trials.extend(links()?);
    Ok(trials)
}

fn links() -> std::io::Result<Vec<Trial>> {
    let mut trials = Vec::new();
    for page in pages(&ROOT)? {
        trials.push(Trial::test(format!("links::{}", stem(&page)), move || {
            let rendered = RENDERED.as_ref().map_err(Clone::clone)?;
            let mut pages = walk()?.pages.iter();
            let page = pages.find(|found| found.file == page);
            Ok(proofs::verdict(
                &page.map(|page| rendered.check(page)).unwrap_or_default(),
            )?)
        }));
    }
    // These are read where the repository lies, not in the book.
    let mut others = files(&ROOT, ".github")?;
    others.extend(["README.md", "CHANGELOG.md"].map(PathBuf::from));
    others.retain(|file| is(file, "md"));
    for file in others {
        trials.push(Trial::test(format!("links::{}", stem(&file)), move || {
            Ok(proofs::verdict(&links::in_repository(&ROOT, &file)?)?)
        }));
    }
    Ok(trials)
}

/// The exchanges and the same five requests, against the programs.
fn replays() -> std::io::Result<Vec<Trial>> {
    let mut trials = Vec::new();
    for file in with_extension("code/exchanges", "http")? {
        let name = stem(&file);
        if name == "ledger" {
            continue;
        }
        let challenge = file.starts_with("code/exchanges/challenges");
        trials.push(Trial::test(named("replay", &file), move || {
            let chapters = if challenge {
                walk()?.chapters_of(&file)
            } else {
                [name].into()
            };
            let mut problems = Vec::new();
            for chapter in chapters {
                let Some(program) = code::program_of(&chapter) else {
                    let message = format!(
                        "code::CHAPTERS names no program for the chapter `{chapter}`. Add it \
                         there, or name the file after a chapter of that list"
                    );
                    return Err(Problem::new(file, 1, message).into());
                };
                if challenge {
                    problems.extend(replay::challenge(&ROOT, &file, program).map_err(told)?);
                    continue;
                }
                problems.extend(replay::story(&ROOT, &file, program).map_err(told)?);
                if problems.is_empty() {
                    let shown = &walk()?.shown;
                    problems = replay::as_shown(&ROOT, &file, program, shown).map_err(told)?;
                }
            }
            Ok(proofs::verdict(&problems)?)
        }));
    }
    for program in ALIKE.iter().filter_map(|name| code::program(name)) {
        let of_requests = |chapter: &&Chapter| chapter.program == "requests";
        for chapter in code::CHAPTERS.iter().filter(of_requests) {
            let name = format!("replay::{}::unchanged::{}", chapter.name, program.name);
            trials.push(Trial::test(name, move || {
                let file = format!("code/exchanges/{}.http", chapter.name);
                let file = Path::new(&file);
                let problems = replay::unchanged(&ROOT, file, program).map_err(told)?;
                Ok(proofs::verdict(&problems)?)
            }));
        }
    }
    for file in five_requests::tables(&ROOT)? {
        trials.push(Trial::test(named("replay", &file), move || {
            let problem = five_requests::check(&ROOT, &file).map_err(told)?;
            Ok(proofs::verdict(&problem)?)
        }));
    }
    trials.push(Trial::test("replay::final-thoughts/five-requests", || {
        let problem = five_requests::check_side_by_side(&ROOT).map_err(told)?;
        Ok(proofs::verdict(&problem)?)
    }));
    Ok(trials)
}

/// Recorded outputs of commands, programs and requests.
fn recordings(some_are_named: bool) -> std::io::Result<Vec<Trial>> {
    let mut trials = Vec::new();
    for file in with_extension("code/transcripts", "console")? {
        let name = named("transcript", &file);
        trials.push(Trial::ignorable_test(
            name,
            move || match transcripts::check(&ROOT, &file, build()?, some_are_named)
                .map_err(told)?
            {
                Outcome::Same => Ok(Completion::Completed),
                Outcome::Differs(problem) => Err(problem.into()),
                Outcome::LeftOut(reason) => Ok(Completion::ignored_with(reason)),
            },
        ));
    }
    for file in with_extension("code/diagrams", "mmd")? {
        trials.push(Trial::test(named("diagram", &file), move || {
            Ok(proofs::verdict(
                &diagrams::check(&ROOT, &file).map_err(told)?,
            )?)
        }));
    }
    for file in with_extension("code/output", "diff")? {
        trials.push(Trial::test(named("difference", &file), move || {
            Ok(proofs::verdict(&output::difference(&ROOT, &file)?)?)
        }));
    }
    trials.push(Trial::test("output::how-this-guide-is-tested", || {
        if !problems()?.is_empty() {
            return Err("some blocks are unproven, and only proven ones are counted".into());
        }
        let table = walk()?.table_of_blocks();
        let problem = snapshots::compare(&ROOT, Path::new(output::BLOCKS), &table);
        Ok(proofs::verdict(&problem)?)
    }));
    trials.push(Trial::test("recordings", || {
        Ok(proofs::verdict(&recordings::check(walk()?))?)
    }));
    trials.push(Trial::test("output", || {
        Ok(proofs::verdict(&output::unmade(&ROOT)?)?)
    }));
    Ok(trials)
}

/// Programs, and samples that must not compile.
///
/// Cargo builds no examples where some tests are named. skeptic has compiled and run them from the
/// page by then, so they are left out.
fn samples(some_are_named: bool) -> std::io::Result<Vec<Trial>> {
    let mut trials = Vec::new();
    for file in with_extension("code/examples", "rs")? {
        trials.push(Trial::ignorable_test(named("example", &file), move || {
            let program = match build()?.example(&ROOT, &stem(&file)) {
                Ok(program) => program,
                Err(stale) if some_are_named => {
                    let elsewhere = "skeptic has run it from the page";
                    return Ok(Completion::ignored_with(format!("{elsewhere}; {stale:#}")));
                }
                Err(stale) => return Err(told(stale).into()),
            };
            let problem = programs::check(&ROOT, &file, &program).map_err(told)?;
            proofs::verdict(&problem)?;
            Ok(Completion::Completed)
        }));
    }
    for file in with_extension("code/fails", "rs")? {
        trials.push(Trial::test(named("fails", &file), move || {
            let problem = fails::check(&ROOT, &file, compiler()?).map_err(told)?;
            Ok(proofs::verdict(&problem)?)
        }));
    }
    Ok(trials)
}

/// Each exercise starts unsolved. A reader who has solved one is told so, and nothing fails: only
/// where `CI` is set must the start be back.
fn exercises() -> std::io::Result<Vec<Trial>> {
    let mut trials = Vec::new();
    for name in exercises::names(&ROOT)? {
        trials.push(Trial::ignorable_test(
            format!("exercise::{name}"),
            move || match exercises::progress(&ROOT, &name, build()?).map_err(told)? {
                Progress::Solved if std::env::var_os("CI").is_some() => {
                    Err(exercises::solved(&name).into())
                }
                Progress::Solved => Ok(Completion::ignored_with(exercises::solved(&name).message)),
                Progress::None | Progress::Some => Ok(Completion::Completed),
            },
        ));
    }
    Ok(trials)
}

fn with_extension(folder: &str, extension: &str) -> std::io::Result<Vec<PathBuf>> {
    let mut found = files(&ROOT, folder)?;
    found.retain(|file| is(file, extension));
    Ok(found)
}

/// `replay::requests` and `transcript::requests/exercise`: what is proved, and the file's path
/// below the folder of its kind. Where that does not say which chapters show it, they go before:
/// `example::requests::requests-oneshot`.
fn named(proof: &str, file: &Path) -> String {
    let below: PathBuf = file.components().skip(2).collect();
    let below = proofs::slashes(&below.with_extension(""));
    let mut name = proof.to_owned();
    for chapter in walk()
        .map(|walk| walk.chapters_of(file))
        .unwrap_or_default()
    {
        if !below.starts_with(&chapter) {
            name = format!("{name}::{chapter}");
        }
    }
    format!("{name}::{below}")
}

fn build() -> Result<&'static Build, String> {
    BUILD.as_ref().map_err(Clone::clone)
}

fn walk() -> Result<&'static Walk, String> {
    WALK.as_ref().map_err(Clone::clone)
}

fn problems() -> Result<&'static Vec<Problem>, String> {
    PROBLEMS.as_ref().map_err(Clone::clone)
}

fn unintroduced() -> Result<&'static Vec<Problem>, String> {
    UNINTRODUCED.as_ref().map_err(Clone::clone)
}

fn compiler() -> Result<&'static Compiler, String> {
    COMPILER.as_ref().map_err(Clone::clone)
}

fn told(error: impl std::fmt::Display) -> String {
    format!("{error:#}")
}
