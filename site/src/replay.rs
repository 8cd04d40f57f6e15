//! `site replay FILE --against URL`: asks any server, in any language, what a file of
//! exchanges asks, and tells where it answers otherwise.

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

/// How long a server may take for one answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Plays a file of exchanges in order against the server at `against`, an `http://` URL
/// of a host and a port, and writes a line about each to `out`.
///
/// Statuses and bodies are compared, JSON laid out the same, and of the headers those that
/// the file names. Gives whether everything was answered as recorded.
///
/// # Errors
///
/// When the file cannot be read, the URL is of another kind, or the server does not answer.
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
                    "asked    {title} ({status}; the file has no answer to compare)"
                )?;
            }
            Ok(Outcome::Differs(difference)) => {
                differ += 1;
                writeln!(out, "differs  {title}\n{difference}")?;
            }
            // What an earlier answer should have given is missing, say. The rest can be played.
            Err(problem) => {
                differ += 1;
                let problem = at(file, exchange.line, problem);
                writeln!(out, "differs  {title}\n    {problem}")?;
            }
        }
    }
    let all = exchanges.len();
    match differ {
        0 => writeln!(out, "\n{all} of {all} answered as recorded")?,
        _ => writeln!(
            out,
            "\n{differ} of {all} answered otherwise (- recorded, + answered now)"
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

/// Sends one request. What is wrong with the exchange itself is the inner error.
async fn ask(
    player: &mut Player,
    exchange: &Exchange,
    server: &Server,
) -> Result<Result<Outcome, Problem>> {
    let Prepared { request, captures } = match player.prepare(&exchange.request) {
        Ok(prepared) => prepared,
        Err(problem) => return Ok(Err(problem)),
    };
    let answer = tokio::time::timeout(PATIENCE, server.send(request))
        .await
        .with_context(|| format!("{} has not answered in {PATIENCE:?}", server.url))??;
    let now = player.take(&captures, &answer);
    Ok(now.map(|now| match &exchange.answer {
        Some(recorded) => compare(recorded, &now),
        None => Outcome::Unrecorded(answer.status()),
    }))
}

fn at(file: &Path, title: usize, problem: Problem) -> String {
    let (file, line) = (slashes(file), title + problem.line);
    format!("{file}:{line}: {}", problem.message)
}

/// A server to ask.
struct Server {
    /// As it was given.
    url: String,
    host: String,
    port: u16,
    /// The header `host`.
    authority: HeaderValue,
}

impl Server {
    fn parse(url: &str) -> Result<Self> {
        let reads = "the address of the server reads http://HOST:PORT";
        let uri: Uri = url.parse().with_context(|| format!("{url}: {reads}"))?;
        if uri.scheme() == Some(&Scheme::HTTPS) {
            bail!("{url}: replay speaks http only");
        }
        let authority = match uri.authority() {
            Some(authority) if uri.scheme() == Some(&Scheme::HTTP) => authority,
            _ => bail!("{url}: {reads}"),
        };
        if uri.path() != "/" || uri.query().is_some() {
            bail!("{url}: {reads}; the exchanges have the paths");
        }
        Ok(Self {
            url: url.to_owned(),
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: authority.port_u16().unwrap_or(80),
            authority: HeaderValue::from_str(authority.as_str())?,
        })
    }

    /// Sends a request on a connection of its own: a server may close one after a refusal.
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
        let broken = || format!("{} broke the connection off", self.url);
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

/// An answer with what is compared and nothing else, in an order of its own.
fn comparable(answer: &str, named: &[String]) -> String {
    let (head, body) = answer.split_once("\n\n").unwrap_or((answer, ""));
    let mut lines = vec![status_line(head)];
    let mut compared: Vec<(String, &str)> = headers(answer)
        .filter(|(name, _)| named.contains(name))
        .collect();
    // Stable: headers of one name stay in their order, which means something.
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

/// The status line with the usual reason: servers may send another, or none.
fn status_line(head: &str) -> String {
    let line = head.lines().next().unwrap_or_default();
    let code = line.split_ascii_whitespace().nth(1);
    let status = code.and_then(|code| StatusCode::from_bytes(code.as_bytes()).ok());
    status.map_or_else(|| line.to_owned(), |status| format!("HTTP/1.1 {status}"))
}

/// The names, in lower case, and the values.
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
    fn headers_that_the_record_does_not_name_may_be_anything() {
        let recorded = "HTTP/1.1 200 OK\nContent-Type: text/plain\n\nhello\n";
        let now = "HTTP/1.1 200 \nserver: x\ncontent-type: text/plain\n\nhello";
        assert!(!same(recorded, "HTTP/1.1 200 OK\nserver: x\n\nhello"));
        assert!(!same(recorded, &now.replace("plain", "html")));
        assert!(same(recorded, now));
    }

    #[test]
    fn json_is_compared_laid_out() {
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
    fn an_address_that_cannot_be_asked_says_how_it_should_read() {
        for (url, message) in [
            ("https://localhost:4000", "replay speaks http only"),
            ("localhost:4000", "reads http://HOST:PORT"),
            ("http://localhost:4000/menu", "the exchanges have the paths"),
            ("ftp://localhost", "reads http://HOST:PORT"),
            ("", "reads http://HOST:PORT"),
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
