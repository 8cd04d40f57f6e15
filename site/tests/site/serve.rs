//! `cargo serve`.

use std::{
    fs,
    io::{self, BufRead},
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
};

use crate::support::{Guide, copy, litter, pages, part, site};

/// Puts a block into a chapter that nothing proves, and gives the line on which it stands.
fn make_a_mistake(chapter: &Path) -> io::Result<usize> {
    let good = fs::read_to_string(chapter)?;
    let (mistake, at) = (
        "```rust\nlet unproven = 1;\n```\n",
        good.lines().count() + 2,
    );
    fs::write(chapter, good + "\n" + mistake)?;
    Ok(at)
}

/// What needs no edit, of one server: a build for each would take longer than all of it.
#[test]
fn a_guide_is_served_to_this_machine() -> io::Result<()> {
    let book = copy()?;
    let guide = Guide::serve(book.path())?;
    every_page_of_the_summary_is_answered(&guide, book.path())?;
    what_is_not_there_gets_the_book_s_page_for_it(&guide)?;
    strangers_are_refused(&guide)?;
    paths_out_of_the_book_are_refused(&guide)?;
    nothing_can_be_changed(&guide)?;
    #[cfg(target_os = "linux")]
    it_listens_on_one_loopback_address(&guide)?;
    Ok(())
}

fn every_page_of_the_summary_is_answered(guide: &Guide, book: &Path) -> io::Result<()> {
    let pages = pages(book)?;
    assert!(pages.len() >= 3, "{pages:?}");
    for page in pages.iter().map(String::as_str).chain([""]) {
        let answer = guide.get(&format!("/{page}"))?;
        assert_eq!(answer.status, 200, "/{page}");
        assert!(answer.body.contains("<main>"), "/{page}");
        assert!(answer.head.contains("cache-control: no-store"), "/{page}");
    }
    Ok(())
}

fn what_is_not_there_gets_the_book_s_page_for_it(guide: &Guide) -> io::Result<()> {
    let answer = guide.get("/nowhere.html")?;
    assert_eq!(answer.status, 404);
    assert!(answer.body.contains("<main>"), "{}", answer.body);
    Ok(())
}

fn strangers_are_refused(guide: &Guide) -> io::Result<()> {
    for host in [
        "example.com",
        "localhost.example.com",
        "127.0.0.1.nip.io:3000",
    ] {
        for path in ["/", "/_tower-livereload/event-stream"] {
            let answer = guide.ask(&format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n"))?;
            assert_eq!(answer.status, 421, "{host}");
            assert!(answer.body.contains("localhost, 127.0.0.1 and [::1]"));
        }
    }
    for host in ["localhost", "127.0.0.1:1", "[::1]:3000", "LocalHost:3000"] {
        let answer = guide.ask(&format!("GET / HTTP/1.1\r\nhost: {host}\r\n"))?;
        assert_eq!(answer.status, 200, "{host}");
    }
    Ok(())
}

fn paths_out_of_the_book_are_refused(guide: &Guide) -> io::Result<()> {
    let temporary = guide.temporary.path();
    let secret = "kept out of the book";
    fs::write(temporary.join("secret.txt"), secret)?;
    // Two folders up from what is served: the paths below lead there.
    let served = only_entry(&only_entry(temporary, "guide-")?, "book-")?;
    assert!(served.join("index.html").is_file());
    assert!(served.join("../../secret.txt").is_file());
    for path in [
        "/../../secret.txt",
        "/%2e%2e/%2e%2e/secret.txt",
        "/%2E%2E%2F%2e%2e%2fsecret.txt",
        "/..%5c..%5csecret.txt",
        "/css/../../../secret.txt",
        "//../../secret.txt",
        "/%252e%252e/%252e%252e/secret.txt",
    ] {
        let answer = guide.get(path)?;
        assert!([400, 404].contains(&answer.status), "{path}");
        assert!(!answer.body.contains(secret), "{path}");
    }
    let whole = secret_by_its_whole_path(temporary);
    assert!(!guide.get(&whole)?.body.contains(secret), "{whole}");
    Ok(())
}

fn secret_by_its_whole_path(temporary: &Path) -> String {
    let path = temporary.join("secret.txt");
    format!("/{}", path.to_string_lossy().replace('\\', "/"))
}

fn only_entry(folder: &Path, begins: &str) -> io::Result<PathBuf> {
    let mut found = fs::read_dir(folder)?
        .filter_map(Result::ok)
        .filter(|entry| {
            let name = entry.file_name();
            name.to_string_lossy().starts_with(begins)
        });
    let entry = found.next().expect("there is such a folder");
    assert!(found.next().is_none(), "{begins} twice");
    Ok(entry.path())
}

fn nothing_can_be_changed(guide: &Guide) -> io::Result<()> {
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"] {
        let answer = guide.ask(&format!("{method} / HTTP/1.1\r\nhost: localhost\r\n"))?;
        assert_eq!(answer.status, 405, "{method}");
        assert!(answer.head.contains("allow: get, head"), "{method}");
    }
    let answer = guide.ask("HEAD / HTTP/1.1\r\nhost: localhost\r\n")?;
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    Ok(())
}

/// All of 127.0.0.0/8 is this machine on Linux: who listens on every address answers on this one.
#[cfg(target_os = "linux")]
fn it_listens_on_one_loopback_address(guide: &Guide) -> io::Result<()> {
    let other = std::net::TcpStream::connect((Ipv4Addr::new(127, 0, 0, 2), guide.port));
    let refused = other.expect_err("nobody listens on 127.0.0.2");
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    Ok(())
}

#[test]
fn a_busy_port_gets_another_suggested() -> io::Result<()> {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = taken.local_addr()?.port();
    let output = site(&["serve", "--no-console", "--port", &port.to_string()]).output()?;
    assert_eq!(output.status.code(), Some(1));
    let says = String::from_utf8_lossy(&output.stderr);
    let begins = format!("Port {port} is in use by another program. Choose another: ");
    assert!(says.starts_with(&begins), "{says}");
    assert!(says.contains("cargo serve --port "), "{says}");
    Ok(())
}

#[test]
fn an_edit_is_shown_and_makes_open_pages_load_again() -> io::Result<()> {
    let book = part()?;
    let guide = Guide::serve(book.path())?;
    for (file, more) in [
        ("src/introduction.md", "\nA new last line.\n"),
        ("site/theme/guide.css", "\n/* a new last line */\n"),
        ("code/src/requests.rs", "\n// a new last line\n"),
    ] {
        let mut newer = guide.ask_for_newer(&guide.get("/introduction.html")?)?;
        let file = book.path().join(file);
        fs::write(&file, fs::read_to_string(&file)? + more)?;
        let mut status = String::new();
        newer.read_line(&mut status)?;
        assert_eq!(status, "HTTP/1.1 204 No Content\r\n", "{}", file.display());
    }
    assert!(
        guide
            .get("/introduction.html")?
            .body
            .contains("A new last line.")
    );
    Ok(())
}

#[test]
fn a_mistake_is_shown_until_it_is_fixed() -> io::Result<()> {
    let book = part()?;
    let guide = Guide::serve(book.path())?;
    let chapter = book.path().join("src/requests.md");
    let good = fs::read_to_string(&chapter)?;
    let before = guide.get("/requests.html")?;

    let line = make_a_mistake(&chapter)?;
    let place = format!("src/requests.md:{line}: ");
    let told = guide.wait_for(&place);
    guide.wait_for("Fix this, and the pages come back.");
    for page in ["/requests.html", "/", "/introduction.html"] {
        let answer = guide.get(page)?;
        assert_eq!(answer.status, 500, "{page}");
        assert!(answer.body.contains(&place), "{page}: {}", answer.body);
        assert!(
            answer.body.contains("data-mistake"),
            "its script keeps the reader's place"
        );
        guide.ask_for_newer(&answer)?;
    }
    assert!(told.len() > place.len(), "{told} says what to do");

    fs::write(&chapter, good)?;
    guide.wait_for("src/requests.md has changed: built again in ");
    let after = guide.get("/requests.html")?;
    assert_eq!(after.status, 200);
    assert!(after.page() == before.page(), "the page is what it was");
    Ok(())
}

#[test]
fn a_book_that_begins_with_a_mistake_is_served_once_it_is_fixed() -> io::Result<()> {
    let book = part()?;
    let chapter = book.path().join("src/introduction.md");
    let good = fs::read_to_string(&chapter)?;
    let line = make_a_mistake(&chapter)?;

    let guide = Guide::serve(book.path())?;
    let answer = guide.get("/")?;
    assert_eq!(answer.status, 500);
    assert!(
        answer
            .body
            .contains(&format!("src/introduction.md:{line}: "))
    );
    assert_eq!(guide.get("/book.js")?.status, 404);

    fs::write(&chapter, good)?;
    guide.wait_for("built again");
    assert_eq!(guide.get("/")?.status, 200);
    Ok(())
}

#[test]
fn a_folder_that_is_moved_away_and_back_is_a_mistake_like_others() -> io::Result<()> {
    let book = part()?;
    let guide = Guide::serve(book.path())?;
    let (src, away) = (book.path().join("src"), book.path().join("away"));

    fs::rename(&src, &away)?;
    guide.wait_for("SUMMARY.md");
    guide.wait_for("Fix this, and the pages come back.");
    let answer = guide.get("/")?;
    assert_eq!(answer.status, 500);
    assert!(answer.body.contains("SUMMARY.md"), "{}", answer.body);

    fs::rename(&away, &src)?;
    guide.wait_for("built again");
    assert_eq!(guide.get("/")?.status, 200);

    // What came back is watched.
    let summary = src.join("SUMMARY.md");
    let good = fs::read_to_string(&summary)?;
    fs::remove_file(&summary)?;
    guide.wait_for("Fix this, and the pages come back.");
    assert_eq!(guide.get("/")?.status, 500);
    fs::write(&summary, good)?;
    guide.wait_for("built again");
    assert_eq!(guide.get("/")?.status, 200);
    Ok(())
}

#[cfg(unix)]
#[test]
fn a_signal_ends_it_and_nothing_is_left_behind() -> io::Result<()> {
    use std::process::Command;

    let book = part()?;
    for signal in ["TERM", "INT"] {
        let mut guide = Guide::serve(book.path())?;
        assert_eq!(fs::read_dir(guide.temporary.path())?.count(), 1);
        // A page that is open waits for a newer build.
        let _open = guide.ask_for_newer(&guide.get("/")?)?;

        let kill = format!("kill -{signal} {}", guide.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status()?.success());
        assert!(guide.child.wait()?.success(), "{signal}");
        assert_eq!(fs::read_dir(guide.temporary.path())?.count(), 0, "{signal}");
    }
    Ok(())
}

#[test]
fn what_editors_leave_in_the_sources_is_no_part_of_the_guide() -> io::Result<()> {
    let book = part()?;
    let guide = Guide::serve(book.path())?;
    litter(&book.path().join("src"))?;
    // Nothing is built again for these files, so the first message names the next one.
    let chapter = book.path().join("src/introduction.md");
    fs::write(
        &chapter,
        fs::read_to_string(&chapter)? + "\nA new last line.\n",
    )?;
    let told = guide.wait_for("has changed: built again");
    assert!(told.starts_with("src/introduction.md "), "{told}");
    assert_eq!(guide.get("/requests.html")?.status, 200);
    for file in ["/requests.md~", "/4913", "/.requests.md.swp"] {
        assert_eq!(guide.get(file)?.status, 404, "{file}");
    }
    Ok(())
}

#[test]
fn an_error_names_the_file() -> io::Result<()> {
    let book = part()?;
    let settings = book.path().join("book.toml");
    let text = fs::read_to_string(&settings)?;
    fs::write(
        &settings,
        text.replace("theme/guide.css", "theme/guied.css"),
    )?;
    let mut guide = site(&["serve", "--no-console", "--port", "0", "--root"]);
    let mut child = guide
        .arg(book.path())
        .stderr(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()?;
    let stderr = std::io::BufReader::new(child.stderr.take().expect("stderr is piped"));
    let named = stderr
        .lines()
        .map_while(Result::ok)
        .take_while(|line| !line.contains("Fix this"))
        .any(|line| line.contains("guied.css"));
    child.kill()?;
    child.wait()?;
    assert!(named, "the file that is missing");
    Ok(())
}

#[test]
fn a_chapter_with_windows_line_ends_becomes_the_same_page() -> io::Result<()> {
    let book = part()?;
    let chapter = book.path().join("src/requests.md");
    let aside = "\n<aside class=\"express\">\n\nIn Express, too.\n\n</aside>\n";
    let text = fs::read_to_string(&chapter)? + aside;
    fs::write(&chapter, &text)?;
    let guide = Guide::serve(book.path())?;
    let unix = guide.get("/requests.html")?;
    assert!(
        unix.body.contains("role=\"note\""),
        "the aside has its name"
    );
    let blanks = text.replace("express\">\n", "express\">  \n");
    fs::write(&chapter, blanks.replace('\n', "\r\n"))?;
    guide.wait_for("built again");
    let windows = guide.get("/requests.html")?;
    assert_eq!(windows.page().replace('\r', ""), unix.page());
    Ok(())
}
