//! `cargo serve`, and what else makes pages: `build`, `replay`, and the preprocessor that stock
//! mdBook runs.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use mdbook_preprocessor::{Preprocessor, parse_input};
use site::{book, page::Site};

/// Makes the pages of the guide.
#[derive(Parser)]
#[command(name = "site")]
struct Arguments {
    #[command(subcommand)]
    command: Subcommands,
}

#[derive(Subcommand)]
enum Subcommands {
    /// Builds the guide into a folder, to be published.
    Build {
        /// The folder.
        #[arg(long, default_value = "book")]
        dest: PathBuf,
        /// Leaves out the console in the pages, and the compiling that it takes.
        #[arg(long)]
        no_console: bool,
    },
    /// What stock mdBook runs: a book in on standard input, a book out on standard output.
    Preprocess {
        #[command(subcommand)]
        question: Option<Question>,
    },
}

#[derive(Subcommand)]
enum Question {
    /// Whether a renderer is supported. All are.
    Supports {
        /// Its name.
        renderer: String,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Subcommands) -> Result<()> {
    match command {
        Subcommands::Build { dest, no_console } => {
            let dest = std::path::absolute(dest)?;
            let options = book::Options {
                console: !no_console,
            };
            book::build(&book::root(), &dest, &options)
        }
        Subcommands::Preprocess {
            question: Some(Question::Supports { renderer: _ }),
        } => Ok(()),
        Subcommands::Preprocess { question: None } => preprocess(),
    }
}

fn preprocess() -> Result<()> {
    let (context, book) = parse_input(io::stdin()).context("mdBook sent no book")?;
    site::console_for_mdbook(&context.root, &context.config)?;
    let book = Site.run(&context, book)?;
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, &book)?;
    out.flush()?;
    Ok(())
}
