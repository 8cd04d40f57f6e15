//! `site replay FILE --against URL`: sends the requests of an exchange file to any server, written in
//! any language, and shows which answers differ from the recorded ones.

use std::{fs, io::Write, path::Path, time::Duration};

use anyhow::{Context, Result, bail};
use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, Request, Response, StatusCode, Uri, header::HOST, uri::Scheme},
};
use http_body_util::BodyExt;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use live::{Player, Prepared, Problem, exchange, exchange::Exchange};
use similar::{ChangeTag, TextDiff};
use tokio::net::TcpStream;

use crate::workspace::slashes;

/// The longest time that a server may take for one answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// Plays a file of exchanges in order against the server at `against`, an `http://` URL
/// of a host and a port, and writes a line about each to `out`.
///
/// It compares the status, the body (JSON without regard to its layout) and the headers that the file
/// records. Returns whether all answers are the recorded ones.
///
/// # Errors
///
/// When the file cannot be read, the URL is not such a URL, or the server does not answer.
pub fn replay(file: &Path, against: &str, out: &mut impl Write) -> Result<bool> {
    let server = Server::parse(against)?;
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", slashes(file)))?;
    let exchanges = exchange::read(&text.replace("\r\n", "\n"))
        .map_err(|problem| at(file, 0, problem))
        .map_err(anyhow::Error::msg)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(play(file, &exchanges, &server, out))
}

async fn play(
    file: &Path,
    exchanges: &[Exchange],
    server: &Server,
    out: &mut impl Write,
) -> Result<bool> {
    let mut player = Player::default();
    let mut differ = 0;
    for exchange in exchanges {
        let title = &exchange.title;
        let answered = ask(&mut player, exchange, server)
            .await
            .with_context(|| format!("{}:{}: \"{title}\"", slashes(file), exchange.line))?;
        match answered {
            Ok(Outcome::Same) => writeln!(out, "same     {title}")?,
            Ok(Outcome::Unrecorded(status)) => {
                writeln!(
                    out,
                    "sent     {title} ({status}; the file has no answer to compare)"
                )?;
            }
            Ok(Outcome::Differs(difference)) => {
                differ += 1;
                writeln!(out, "differs  {title}\n{difference}")?;
            }
            // For example, an earlier answer has no value to capture. The others can still be sent.
            Err(problem) => {
                differ += 1;
                let problem = at(file, exchange.line, problem);
                writeln!(out, "differs  {title}\n    {problem}")?;
            }
        }
    }
    let all = exchanges.len();
    match differ {
        0 => writeln!(out, "\n{all} of {all} answers are the recorded ones")?,
        _ => writeln!(
            out,
            "\n{differ} of {all} answers differ from the recorded ones (- recorded, + now)"
        )?,
    }
    Ok(differ == 0)
}

/// How an answer compares with the recorded one.
enum Outcome {
    Same,
    Differs(String),
    Unrecorded(StatusCode),
}

/// Sends one request. The inner error is a mistake in the exchange itself.
async fn ask(
    player: &mut Player,
    exchange: &Exchange,
    server: &Server,
) -> Result<Result<Outcome, Problem>> {
    let Prepared { request, captures } = match player.prepare(&exchange.request) {
        Ok(prepared) => prepared,
        Err(problem) => return Ok(Err(problem)),
    };
    let answer = tokio::time::timeout(ANSWER_TIMEOUT, server.send(request))
        .await
        .with_context(|| format!("{} did not answer within {ANSWER_TIMEOUT:?}", server.url))??;
    let (now, captured) = player.take(&captures, &answer);
    Ok(captured.map(|()| match &exchange.answer {
        Some(recorded) => compare(recorded, &now),
        None => Outcome::Unrecorded(answer.status()),
    }))
}

fn at(file: &Path, title: usize, problem: Problem) -> String {
    let (file, line) = (slashes(file), title + problem.line);
    format!("{file}:{line}: {}", problem.message)
}

/// The server that gets the requests.
struct Server {
    /// The URL as given on the command line.
    url: String,
    host: String,
    port: u16,
    /// The value of the `host` header.
    authority: HeaderValue,
}

impl Server {
    fn parse(url: &str) -> Result<Self> {
        let reads = "write the address of the server as http://HOST:PORT";
        let uri: Uri = url.parse().with_context(|| format!("{url}: {reads}"))?;
        if uri.scheme() == Some(&Scheme::HTTPS) {
            bail!("{url}: replay supports http only");
        }
        let authority = match uri.authority() {
            Some(authority) if uri.scheme() == Some(&Scheme::HTTP) => authority,
            _ => bail!("{url}: {reads}"),
        };
        if uri.path() != "/" || uri.query().is_some() {
            bail!("{url}: {reads}, without a path, because the exchanges have the paths");
        }
        Ok(Self {
            url: url.to_owned(),
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: authority.port_u16().unwrap_or(80),
            authority: HeaderValue::from_str(authority.as_str())?,
        })
    }

    /// Sends a request on a new connection, because a server may close the one before after an error.
    async fn send(&self, mut request: Request<Body>) -> Result<Response<Bytes>> {
        let stream = TcpStream::connect((self.host.as_str(), self.port))
            .await
            .with_context(|| {
                format!(
                    "no connection to {}. Is the server running there?",
                    self.url
                )
            })?;
        let headers = request.headers_mut();
        headers
            .entry(HOST)
            .or_insert_with(|| self.authority.clone());
        let broken = || {
            format!(
                "{} closed the connection before the end of its answer",
                self.url
            )
        };
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .with_context(broken)?;
        tokio::spawn(connection);
        let response = sender.send_request(request).await.with_context(broken)?;
        let (head, body) = response.into_parts();
        let body = body.collect().await.with_context(broken)?.to_bytes();
        Ok(Response::from_parts(head, body))
    }
}

fn compare(recorded: &str, now: &str) -> Outcome {
    let named: Vec<String> = headers(recorded).map(|(name, _)| name).collect();
    let (recorded, now) = (comparable(recorded, &named), comparable(now, &named));
    if recorded == now {
        return Outcome::Same;
    }
    let difference: Vec<String> = TextDiff::from_lines(&recorded, &now)
        .iter_all_changes()
        .map(|change| {
            let sign = match change.tag() {
                ChangeTag::Equal => ' ',
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
            };
            format!("    {sign}{}", change.value().trim_end_matches('\n'))
        })
        .collect();
    Outcome::Differs(difference.join("\n"))
}

/// The parts of an answer that are compared, headers sorted by name.
fn comparable(answer: &str, named: &[String]) -> String {
    let (head, body) = answer.split_once("\n\n").unwrap_or((answer, ""));
    let mut lines = vec![status_line(head)];
    let mut compared: Vec<(String, &str)> = headers(answer)
        .filter(|(name, _)| named.contains(name))
        .collect();
    // The sort is stable, so that headers of the same name keep their order, which has a meaning.
    compared.sort_by(|(one, _), (other, _)| one.cmp(other));
    lines.extend(
        compared
            .iter()
            .map(|(name, value)| format!("{name}: {value}")),
    );
    lines.push(String::new());
    let body = live::layout(body).unwrap_or_else(|| body.to_owned());
    lines.push(body.trim_end().to_owned());
    lines.join("\n").trim_end().to_owned() + "\n"
}

/// The status line with the standard reason phrase, because servers may send another one or none.
fn status_line(head: &str) -> String {
    let line = head.lines().next().unwrap_or_default();
    let code = line.split_ascii_whitespace().nth(1);
    let status = code.and_then(|code| StatusCode::from_bytes(code.as_bytes()).ok());
    status.map_or_else(|| line.to_owned(), |status| format!("HTTP/1.1 {status}"))
}

/// The headers of an answer: names in lower case, and values.
fn headers(answer: &str) -> impl Iterator<Item = (String, &str)> {
    let lines = answer.lines().skip(1).take_while(|line| !line.is_empty());
    lines
        .map(|line| line.split_once(':').unwrap_or((line, "")))
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(recorded: &str, now: &str) -> bool {
        matches!(compare(recorded, now), Outcome::Same)
    }

    #[test]
    fn headers_that_are_not_recorded_may_be_anything() {
        let recorded = "HTTP/1.1 200 OK\nContent-Type: text/plain\n\nhello\n";
        let now = "HTTP/1.1 200 \nserver: x\ncontent-type: text/plain\n\nhello";
        assert!(!same(recorded, "HTTP/1.1 200 OK\nserver: x\n\nhello"));
        assert!(!same(recorded, &now.replace("plain", "html")));
        assert!(same(recorded, now));
    }

    #[test]
    fn json_is_compared_without_its_layout() {
        let recorded = "HTTP/1.1 200 OK\n\n{ \"id\": 1 }";
        assert!(same(recorded, "HTTP/1.1 200 OK\n\n{\"id\":1}"));
        assert!(!same(recorded, "HTTP/1.1 200 OK\n\n{\"id\":2}"));
    }

    #[test]
    fn statuses_are_compared_without_their_reason() {
        assert!(same("HTTP/1.1 404 Not Found", "HTTP/1.1 404 Nothing here"));
        assert!(!same("HTTP/1.1 404 Not Found", "HTTP/1.1 410 Not Found"));
    }

    #[test]
    fn a_wrong_address_gets_a_message_with_the_right_form() {
        for (url, message) in [
            ("https://localhost:4000", "replay supports http only"),
            ("localhost:4000", "as http://HOST:PORT"),
            ("http://localhost:4000/menu", "the exchanges have the paths"),
            ("ftp://localhost", "as http://HOST:PORT"),
            ("", "as http://HOST:PORT"),
        ] {
            let error = Server::parse(url).err().expect(url).to_string();
            assert!(error.contains(message), "{url} says: {error}");
        }
    }

    #[test]
    fn an_address_is_a_host_and_a_port() -> Result<()> {
        for (url, host, port) in [
            ("http://localhost:4000/", "localhost", 4000),
            ("http://[::1]:4000", "::1", 4000),
            ("http://localhost", "localhost", 80),
        ] {
            let server = Server::parse(url)?;
            assert_eq!((server.host.as_str(), server.port), (host, port), "{url}");
        }
        Ok(())
    }
}
