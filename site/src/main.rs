//! The command line: `serve`, `build`, `replay`, and the preprocessor that stock mdBook runs.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use mdbook_preprocessor::{Preprocessor, parse_input};
use site::{
    book,
    pages::page::Site,
    publish, replay,
    serve::{self, ServeOptions},
    workspace,
};

/// Builds and serves the pages of the guide.
#[derive(Parser)]
#[command(name = "site")]
struct Arguments {
    /// The root of another repository than the one that this program was compiled in.
    #[arg(long, global = true, hide = true)]
    root: Option<PathBuf>,
    #[command(subcommand)]
    command: Subcommands,
}

#[derive(Subcommand)]
enum Subcommands {
    /// Serves the guide on this machine, and builds it again when a file changes.
    Serve {
        /// The port. 0 stands for any free port.
        #[arg(long, default_value_t = serve::PORT)]
        port: u16,
        /// Opens the guide in the browser.
        #[arg(long)]
        open: bool,
        /// Builds the pages without a console, which saves its compilation.
        #[arg(long)]
        no_console: bool,
    },
    /// Builds the guide into a folder, to be published.
    Build {
        /// The folder.
        #[arg(long, default_value = "book")]
        dest: PathBuf,
        /// Builds the pages without a console, which saves its compilation.
        #[arg(long)]
        no_console: bool,
    },
    /// Sends the requests of an exchange file to a server. The exit code is 1 if an answer differs.
    Replay {
        /// The file, such as code/exchanges/requests.http.
        file: PathBuf,
        /// The address of the server, such as http://localhost:4000.
        #[arg(long)]
        against: String,
    },
    /// The preprocessor for stock mdBook: reads a book from standard input, writes one to standard output.
    Preprocess {
        #[command(subcommand)]
        question: Option<Question>,
    },
}

#[derive(Subcommand)]
enum Question {
    /// Whether a renderer is supported. All renderers are.
    Supports {
        /// Its name.
        renderer: String,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // As in `diff`, the exit code 1 stands for a difference, and 2 for an error.
    let failure = match arguments.command {
        Subcommands::Replay { .. } => ExitCode::from(2),
        _ => ExitCode::FAILURE,
    };
    run(arguments).unwrap_or_else(|error| {
        eprintln!("{error:#}");
        failure
    })
}

fn run(arguments: Arguments) -> Result<ExitCode> {
    let root = arguments.root.unwrap_or_else(workspace::root);
    match arguments.command {
        Subcommands::Serve {
            port,
            open,
            no_console,
        } => {
            let console = !no_console;
            let options = ServeOptions {
                port,
                open,
                console,
            };
            serve::serve(&root, &options)?;
        }
        Subcommands::Build { dest, no_console } => {
            let dest = std::path::absolute(dest)?;
            let options = publish::Options {
                console: !no_console,
            };
            publish::build(&root, &dest, &options)?;
        }
        Subcommands::Replay { file, against } => {
            let same = replay::replay(&file, &against, &mut io::stdout())?;
            return Ok(if same {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            });
        }
        Subcommands::Preprocess {
            question: Some(Question::Supports { renderer: _ }),
        } => {}
        Subcommands::Preprocess { question: None } => preprocess()?,
    }
    Ok(ExitCode::SUCCESS)
}

fn preprocess() -> Result<()> {
    let (context, book) = parse_input(io::stdin()).context("mdBook sent no book")?;
    let site = Site::default();
    let book = site.run(&context, book)?;
    book::console_for_mdbook(&context.root, &context.config, &site.programs())?;
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, &book)?;
    out.flush()?;
    Ok(())
}
