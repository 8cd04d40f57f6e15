//! Every snippet of *Rust Backend Basics*: small programs, each with an
//! [`axum::Router`] of its own, and the chapters that show them.

use axum::Router;

#[cfg(feature = "server")]
pub mod exercise;
pub mod features;
pub mod mistakes;
pub mod prices;
pub mod requests;
pub mod runtime;
pub mod scheduler;
pub mod service;
pub mod shop;
pub mod structure;

/// A program of the guide: a whole small backend that several chapters may show.
#[derive(Clone, Copy)]
pub struct Program {
    /// The name of its module.
    pub name: &'static str,
    /// Makes a fresh app: a shop without orders.
    pub app: fn() -> Router,
}

/// Every program, in the order in which the chapters show them.
pub const PROGRAMS: &[Program] = &[
    Program {
        name: "runtime",
        app: runtime::app,
    },
    Program {
        name: "requests",
        app: requests::app,
    },
    Program {
        name: "structure",
        app: structure::app,
    },
    Program {
        name: "shop",
        app: shop::app,
    },
    Program {
        name: "scheduler",
        app: scheduler::app,
    },
    Program {
        name: "mistakes",
        app: mistakes::app,
    },
    Program {
        name: "service",
        app: service::app,
    },
];

/// A chapter with HTTP exchanges.
#[derive(Clone, Copy)]
pub struct Chapter {
    /// The name that the chapter, its exchanges and its tests share.
    pub name: &'static str,
    /// The name of the program that answers its exchanges.
    pub program: &'static str,
}

impl Chapter {
    const fn of(name: &'static str, program: &'static str) -> Self {
        Self { name, program }
    }
}

/// Every chapter with exchanges, in reading order, and the program that answers them.
///
/// `site` reads this table from the source, so a chapter takes one line of two names.
pub const CHAPTERS: &[Chapter] = &[
    Chapter::of("introduction", "shop"),
    Chapter::of("runtime", "runtime"),
    Chapter::of("join", "runtime"),
    Chapter::of("requests", "requests"),
    Chapter::of("route-paths", "requests"),
    Chapter::of("inputs", "requests"),
    Chapter::of("responses", "requests"),
    Chapter::of("mutex", "requests"),
    Chapter::of("validation", "requests"),
    Chapter::of("json-fields", "requests"),
    Chapter::of("newtypes", "requests"),
    Chapter::of("all-errors", "requests"),
    Chapter::of("extractors", "requests"),
    Chapter::of("protected-routes", "requests"),
    Chapter::of("body-limits", "requests"),
    Chapter::of("handlers", "structure"),
    Chapter::of("modules", "structure"),
    Chapter::of("crud", "shop"),
    Chapter::of("sql-injection", "shop"),
    Chapter::of("queries", "shop"),
    Chapter::of("pagination", "shop"),
    Chapter::of("races", "shop"),
    Chapter::of("transactions", "shop"),
    Chapter::of("scheduler", "scheduler"),
    Chapter::of("retries", "shop"),
    Chapter::of("errors", "shop"),
    Chapter::of("rejections", "shop"),
    Chapter::of("validation-errors", "shop"),
    Chapter::of("middleware", "shop"),
    Chapter::of("request-logs", "shop"),
    Chapter::of("configuration", "shop"),
    Chapter::of("api-tests", "shop"),
    Chapter::of("snapshots", "shop"),
    Chapter::of("mistakes", "mistakes"),
    Chapter::of("unwrap", "mistakes"),
    Chapter::of("more-mistakes", "mistakes"),
    Chapter::of("complete-api", "service"),
    Chapter::of("state-machine", "service"),
    Chapter::of("order-status", "service"),
    Chapter::of("order-pages", "service"),
    Chapter::of("etags", "service"),
    Chapter::of("if-match", "service"),
    Chapter::of("unexpected-412", "service"),
    Chapter::of("idempotency", "service"),
    Chapter::of("idempotency-service", "service"),
    Chapter::of("auth", "service"),
    Chapter::of("sign-in", "service"),
    Chapter::of("tokens", "service"),
    Chapter::of("token-attacks", "service"),
    Chapter::of("token-claims", "service"),
    Chapter::of("permissions", "service"),
    Chapter::of("ownership", "service"),
    Chapter::of("ownership-lists", "service"),
    Chapter::of("sessions", "service"),
    Chapter::of("grace-period", "service"),
    Chapter::of("payments", "service"),
    Chapter::of("payment-pages", "service"),
    Chapter::of("refunds", "service"),
    Chapter::of("cancel-orders", "service"),
    Chapter::of("webhooks", "service"),
    Chapter::of("replay-attacks", "service"),
    Chapter::of("processed-events", "service"),
    Chapter::of("events-out-of-order", "service"),
    Chapter::of("wrong-amounts", "service"),
];

/// The program of that name, if there is one.
pub fn program(name: &str) -> Option<&'static Program> {
    PROGRAMS.iter().find(|program| program.name == name)
}

/// The program that answers the exchanges of that chapter, if it has any.
pub fn program_of(chapter: &str) -> Option<&'static Program> {
    let chapter = CHAPTERS.iter().find(|one| one.name == chapter)?;
    program(chapter.program)
}

#[cfg(feature = "server")]
impl Program {
    /// A fresh app as a server has it, with the layers that need a clock or threads, which
    /// a page does not have.
    pub fn served(&self) -> Router {
        match self.name {
            "service" => service::served(),
            "shop" => shop::served(),
            _ => (self.app)(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_chapter_names_a_program_and_every_program_has_a_chapter() {
        for chapter in CHAPTERS {
            let Chapter { name, program } = chapter;
            assert!(program_of(name).is_some(), "{name} names {program}");
        }
        for Program { name, .. } in PROGRAMS {
            let shown = CHAPTERS.iter().any(|chapter| chapter.program == *name);
            assert!(shown, "no chapter shows {name}");
        }
    }

    #[test]
    fn a_name_stands_for_one_program() {
        for Program { name, .. } in PROGRAMS {
            if let Some(shown) = program_of(name) {
                assert_eq!(shown.name, *name);
            }
        }
    }
}
