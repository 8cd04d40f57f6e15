//! Printed lines without the parts that differ from run to run.

use std::sync::LazyLock;

use regex::Regex;

/// A line without the time of an order, or the end of a payment page: with a database, the clock is
/// the machine's.
pub(super) fn undated(line: &str) -> String {
    static TIME: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"(?<member>"(placed|expires)_at":)"[^"]*""#)
            .expect("a constant pattern is valid")
    });
    TIME.replace_all(line, "$member\"…\"").into_owned()
}

/// A line of a log without the parts that differ from run to run: when it was written, how long
/// the request took, and ids made by chance.
pub(super) fn unlogged(line: &str) -> String {
    static DIFFERS: LazyLock<[Regex; 3]> = LazyLock::new(|| {
        [
            r#"(?<before>^|"timestamp":")\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"#,
            r#"(?<before>\blatency(_\w+)?"?[=:] ?"?)\d+(\.\d+)?(?: ?(?:ns|µs|us|ms|s)\b)?"#,
            r#"(?<before>)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"#,
        ]
        .map(|pattern| Regex::new(pattern).expect("a constant pattern is valid"))
    });
    DIFFERS.iter().fold(line.to_owned(), |line, pattern| {
        pattern.replace_all(&line, "$before…").into_owned()
    })
}

/// The message of a panic without the number of its thread, which is another one in every run.
pub(super) fn unnumbered(line: &str) -> String {
    static THREAD: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^(?<name>thread '[^']+') \(\d+\) ").expect("a constant pattern is valid")
    });
    THREAD.replace(line, "$name ").into_owned()
}

/// A manifest with the numbers of its dependencies' versions taken out.
pub(super) fn without_versions(manifest: &str) -> String {
    let manifest = manifest.replace("\r\n", "\n");
    let (package, dependencies) = manifest
        .split_once("[dependencies]")
        .unwrap_or((&manifest, ""));
    let dependencies = dependencies.replace(|c: char| c.is_ascii_digit() || c == '.', "");
    format!("{package}[dependencies]{dependencies}")
}

/// A line with one number in the place of another, where that is not a part of a longer one.
pub(super) fn with_number(line: &str, number: u16, other: u16) -> String {
    let number = number.to_string();
    let mut made = String::new();
    let mut rest = line;
    while let Some(at) = rest.find(&number) {
        let (before, after) = (&rest[..at], &rest[at + number.len()..]);
        let part = before.ends_with(|c: char| c.is_ascii_digit())
            || after.starts_with(|c: char| c.is_ascii_digit());
        made += before;
        made += &if part {
            number.clone()
        } else {
            other.to_string()
        };
        rest = after;
    }
    made + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_threads_go() {
        let manifest = "edition = \"2024\"\n[dependencies]\naxum = \"0.8.9\"\n";
        let without = "edition = \"2024\"\n[dependencies]\naxum = \"\"\n";
        assert_eq!(without_versions(manifest), without);
        let panic = "thread 'main' (123) panicked at src/main.rs:5:29:";
        assert_eq!(
            unnumbered(panic),
            "thread 'main' panicked at src/main.rs:5:29:"
        );
    }

    #[test]
    fn what_differs_in_a_log_goes() {
        let line = "2026-03-02T08:15:00.123456Z  INFO request{id=\
                    550e8400-e29b-41d4-a716-446655440000}: done status=200 latency_ms=3";
        let kept = "…  INFO request{id=…}: done status=200 latency_ms=…";
        assert_eq!(unlogged(line), kept);
        assert_eq!(
            unlogged("latency=1.5 ms, status=200"),
            "latency=…, status=200"
        );
        let json = r#"{"timestamp":"2026-03-02T08:15:00Z","latency":"2ms"}"#;
        assert_eq!(unlogged(json), r#"{"timestamp":"…","latency":"…"}"#);
        let order = r#"{"placed_at":"2026-03-02T08:15:00Z"}"#;
        assert_eq!(unlogged(order), order);
    }

    #[test]
    fn the_time_of_an_order_goes() {
        let line = r#"{"id":1,"placed_at":"2026-03-02T08:15:00Z","table":4}"#;
        assert_eq!(undated(line), r#"{"id":1,"placed_at":"…","table":4}"#);
        assert_eq!(undated("GET /menu"), "GET /menu");
        let page = r#"{"url":"/pay","expires_at":"2026-03-02T08:15:00Z"}"#;
        assert_eq!(undated(page), r#"{"url":"/pay","expires_at":"…"}"#);
    }

    #[test]
    fn only_whole_numbers_are_ports() {
        assert_eq!(with_number(":4321 43210 4321", 4321, 40), ":40 43210 40");
    }
}
