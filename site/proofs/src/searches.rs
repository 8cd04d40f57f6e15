//! The words that the browser tests type into the search.
//!
//! Each of them must be on a page. A browser test that searches for a line that was since edited
//! fails only after half an hour; this proof says so within seconds.

use site::chapters::anchors::Problem;

use crate::walk::Walk;

/// What a reader may type and the index has only in parts, because it splits names at punctuation.
/// The search puts a section with exactly this text first, even if the white space differs.
pub const EXACT: [&str; 6] = [
    "x-request-id",
    "{id}",
    "code/shop/src/repository",
    "Router::new().route(\"/menu\"",
    "GET /menu HTTP/1.1",
    "&self,  id",
];

/// What readers paste or type when something doesn't work, or when they know the word of Node.js: messages
/// of the compiler and of programs, names of npm packages, and status lines. Each has the page with the
/// section that answers it. Messages differ a little from program to program, so a page needn't have
/// exactly these words. None of them is a heading.
pub const SYMPTOMS: [(&str, &str); 60] = [
    (
        "no `SaltString` in `password_hash::rand_core`",
        "passwords.html",
    ),
    (
        "the trait `Repository` is not dyn compatible",
        "trait-objects.html",
    ),
    (
        "only traits defined in the current crate can be implemented for types defined outside",
        "thiserror.html",
    ),
    ("`?` couldn't convert the error to", "thiserror.html"),
    ("cannot find `Server` in `axum`", "older-tutorials.html"),
    ("borrow of moved value: `cup`", "how-to-use.html"),
    (
        "the trait bound `&mut Transaction<'_, Postgres>: Executor<'_>` is not satisfied",
        "sqlx-transactions.html",
    ),
    (
        "`secrecy::SecretBox<str>` doesn't implement `std::fmt::Display`",
        "request-logs.html",
    ),
    (
        "`axum::middleware::Next` must the last argument",
        "middleware-order.html",
    ),
    (
        "the trait bound `Infallible: From<Box<(dyn std::error::Error",
        "layers.html",
    ),
    ("`if` and `else` have incompatible types", "responses.html"),
    (
        "async block may outlive the current function, but it borrows",
        "tasks.html",
    ),
    (
        "`Rc<str>` cannot be sent between threads safely",
        "tasks.html",
    ),
    (
        "there is no cached data for this query, run `cargo sqlx prepare`",
        "sqlx.html",
    ),
    (
        "expected `MethodRouter<()>`, found `MethodRouter<Shop>`",
        "state.html",
    ),
    ("field `stock` of struct `Shop` is private", "modules.html"),
    (
        "expected `&EncodingKey`, found `&Result<",
        "jsonwebtoken.html",
    ),
    (
        "cannot borrow `*connection` as mutable more than once at a time",
        "begin-immediate.html",
    ),
    (
        "the trait bound `fn(Json<OrderRequest>, State<...>) -> ... {place_order}: Handler<_, _>",
        "body-limits.html",
    ),
    (
        "consumes the request body and thus must be the last argument to the handler function",
        "body-limits.html",
    ),
    (
        "tuple struct constructor `Quantity` is private",
        "newtypes.html",
    ),
    (
        "current transaction is aborted, commands ignored until end of transaction block",
        "idempotency-race.html",
    ),
    (
        "could not serialize access due to concurrent update",
        "isolation.html",
    ),
    ("Missing request extension", "state.html"),
    (
        "Address already in use (os error 98)",
        "older-tutorials.html",
    ),
    (
        "Overlapping method route. Handler for `GET /menu` already exists",
        "route-paths.html",
    ),
    ("length limit exceeded", "uploads.html"),
    (
        "Expected request with `Content-Type: application/json`",
        "validation.html",
    ),
    ("UNIQUE constraint failed: items.id", "sqlite-tables.html"),
    ("no such table", "restart.html"),
    (
        "there is no reactor running, must be called from the context of a Tokio",
        "runtime.html",
    ),
    ("app.use", "middleware.html"),
    ("express.json()", "inputs.html"),
    ("app.listen", "first-server.html"),
    ("res.redirect", "headers.html"),
    ("multer", "uploads.html"),
    ("helmet", "middleware.html"),
    ("nodemon", "tools.html"),
    ("jsonwebtoken", "jsonwebtoken.html"),
    ("passport", "sign-in.html"),
    ("express-session", "server-side-sessions.html"),
    ("express-rate-limit", "layer-order.html"),
    ("res.locals", "middleware.html"),
    ("morgan", "request-logs.html"),
    ("process.env", "configuration.html"),
    ("req.query", "inputs.html"),
    ("supertest", "api-tests.html"),
    ("bcrypt", "passwords.html"),
    ("dotenv", "dotenv.html"),
    ("401 Unauthorized", "complete-api.html"),
    ("403 Forbidden", "permissions.html"),
    ("404 Not Found", "rejections.html"),
    ("405 Method Not Allowed", "rejections.html"),
    ("409 Conflict", "order-status.html"),
    ("412 Precondition Failed", "if-match.html"),
    ("413 Payload Too Large", "body-limits.html"),
    ("415 Unsupported Media Type", "validation.html"),
    ("422 Unprocessable Entity", "validation.html"),
    ("429 Too Many Requests", "layer-order.html"),
    ("503 Service Unavailable", "overload.html"),
];

/// Two words that only few sections have.
pub const RARE: &str = "poisoned lock";

/// A word that most chapters have.
pub const COMMON: &str = "croissant";

/// Finds the searches whose words no page shows.
pub fn check(walk: &Walk) -> Vec<Problem> {
    let texts = texts(walk);
    let missing = |searched: &&str| !texts.contains(&packed(searched));
    let symptoms = SYMPTOMS.iter().map(|(typed, _)| *typed);
    let searched = EXACT.iter().copied().chain([COMMON]);
    let searched = searched.chain(RARE.split(' '));
    let headings: Vec<String> = walk
        .pages
        .iter()
        .flat_map(|page| page.text.lines())
        .filter_map(|line| Some(packed(line.strip_prefix('#')?.trim_start_matches('#'))))
        .collect();
    let is_heading = |typed: &&str| {
        let typed = packed(typed);
        headings
            .iter()
            .any(|heading| heading.trim_matches('"') == typed)
    };
    let missing = searched.filter(missing).map(no_page_has);
    missing
        .chain(symptoms.filter(is_heading).map(is_found_anyway))
        .collect()
}

fn is_found_anyway(typed: &str) -> Problem {
    let message =
        format!("`{typed}` is a heading, which the search finds in any case. Leave it out");
    Problem::new("site/proofs/src/searches.rs", 1, message)
}

fn no_page_has(searched: &str) -> Problem {
    let message =
        format!("no page has `{searched}`, which a browser test searches for. Choose other words");
    Problem::new("site/proofs/src/searches.rs", 1, message)
}

/// All that the pages say and show, without white space.
fn texts(walk: &Walk) -> String {
    let said = walk.pages.iter().map(|page| packed(&page.text));
    let shown = walk.shown.iter().filter_map(|shown| {
        let source = walk.sources.get(&shown.file)?;
        let lines = source.shown(shown.anchor.as_deref()).ok()?;
        Some(lines.iter().map(|line| packed(&line.text)).collect())
    });
    // Words at the end of one text and at the start of the next are not side by side on a page.
    said.chain(shown).collect::<Vec<_>>().join("\n")
}

/// Compares as the search does: without white space and in lower case.
fn packed(words: &str) -> String {
    words.split_whitespace().collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_and_case_do_not_matter() {
        assert_eq!(packed("&self,\n    Id"), packed("&SELF,  id"));
    }
}
