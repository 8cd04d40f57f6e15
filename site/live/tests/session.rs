//! The session, driven as the replay test drives it.

use live::{Session, exchange};

fn session() -> Session {
    Session::new(code::program("requests").expect("there is that program"))
}

#[tokio::test]
async fn a_request_gets_the_answer_of_the_chapter_s_app() {
    let answer = session().send("GET /menu/tea HTTP/1.1").await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.text,
        "HTTP/1.1 200 OK\ncontent-type: application/json\n\n\
         { \"id\": \"tea\", \"name\": \"Tea\", \"price_cents\": 220, \"stock\": 20 }"
    );
}

#[tokio::test]
async fn spans_are_the_call_trace_of_a_request() {
    let answer = session().send("GET /menu/tea HTTP/1.1").await.unwrap();
    let trace: Vec<_> = answer
        .spans
        .iter()
        .map(|span| (span.depth, span.name.as_str()))
        .collect();
    assert_eq!(trace, [(0, "show_item"), (1, "item")]);
    assert!(
        answer
            .spans
            .iter()
            .all(|span| span.target == "code::requests")
    );
}

const ORDER: &str = "POST /orders HTTP/1.1\ncontent-type: application/json\n\n\
    {\"customer\": \"Ada\", \"item\": \"tea\", \"quantity\": 1}";

#[tokio::test]
async fn a_captured_value_is_filled_in_later() {
    let mut session = session();
    let first = format!("# capture place = header location\n# capture id = /id\n{ORDER}");
    session.send(&first).await.unwrap();
    for path in ["{{place}}", "/orders/{{ id }}"] {
        let answer = session.send(&format!("GET {path} HTTP/1.1")).await.unwrap();
        assert_eq!(answer.status, 200, "{path}");
    }
}

#[tokio::test]
async fn state_carries_on_until_reset() {
    let mut session = session();
    session.send(ORDER).await.unwrap();
    let ask = "GET /orders/1 HTTP/1.1";
    assert_eq!(session.send(ask).await.unwrap().status, 200);
    session.reset();
    assert_eq!(session.send(ask).await.unwrap().status, 404);
}

#[tokio::test]
async fn text_that_is_no_request_says_where_and_how_it_should_read() {
    let cases = [
        ("", "line 1: the request is empty"),
        ("\n\n", "the request is empty"),
        ("hello", "line 1: `hello` is not a request line"),
        ("GET /menu", "line 1: `GET /menu` is not a request line"),
        ("GET  /menu HTTP/1.1", "is not a request line"),
        ("GET /menu HTTP/9", "is not a request line"),
        (
            "GET /menu HTTP/1.1\nhost localhost",
            "line 2: this line is not a header",
        ),
        (
            "GET /menu HTTP/1.1\na: b\nc d: e",
            "line 3: this line is not a header",
        ),
        (
            "GET /menu HTTP/1.1\na: b\nc: \u{1}",
            "line 3: this line is not a header",
        ),
        (
            "# a comment\nGET menu HTTP/1.1\nno",
            "line 3: this line is not a header",
        ),
        ("GET http:// HTTP/1.1", "line 1: this is not a request"),
        ("GET {{order}} HTTP/1.1", "line 1: `order` has no value yet"),
        (
            "GET /{{padding 99999999}} HTTP/1.1",
            "line 1: `padding` needs a number",
        ),
        (
            "# capture x\nGET /menu HTTP/1.1",
            "line 1: write a capture as",
        ),
        (
            "# capture x = /0/none\nGET /menu HTTP/1.1",
            "line 1: the response has no `x`",
        ),
    ];
    for (request, message) in cases {
        let problem = session()
            .send(request)
            .await
            .expect_err(request)
            .to_string();
        assert!(problem.contains(message), "{request:?} says: {problem}");
    }
}

#[tokio::test]
async fn too_many_headers_are_refused() {
    let headers: String = (0..65).map(|n| format!("\nx-{n}: y")).collect();
    let problem = session().send(&format!("GET / HTTP/1.1{headers}")).await;
    assert!(problem.unwrap_err().message.contains("at most 64 headers"));
}

#[test]
fn an_exchange_file_is_read_with_its_lines() {
    let text = "# The story.\n\n# ANCHOR: one\n### First (server)\n# capture a = /b\nGET / HTTP/1.1\n\n\
                HTTP/1.1 200 OK\n\nbody\n# ANCHOR_END: one\n\n### Second\nGET /2 HTTP/1.1\n";
    let [first, second] = exchange::read(text).unwrap().try_into().unwrap();
    assert_eq!(
        (first.title.as_str(), first.server, first.line),
        ("First", true, 4)
    );
    assert_eq!(first.request, "# capture a = /b\nGET / HTTP/1.1");
    assert_eq!(first.answer.as_deref(), Some("HTTP/1.1 200 OK\n\nbody"));
    assert_eq!(first.answer_lines, 7..10);
    assert_eq!(
        (second.request.as_str(), second.answer),
        ("GET /2 HTTP/1.1", None)
    );

    let recorded = exchange::record(text, &["HTTP/1.1 204".into(), "HTTP/1.1 404".into()]).unwrap();
    assert_eq!(
        recorded,
        "# The story.\n\n# ANCHOR: one\n### First (server)\n# capture a = /b\nGET / HTTP/1.1\n\n\
         HTTP/1.1 204\n# ANCHOR_END: one\n\n### Second\nGET /2 HTTP/1.1\n\nHTTP/1.1 404\n"
    );
}

#[test]
fn a_file_that_cannot_be_read_says_where() {
    let cases = [
        ("GET / HTTP/1.1\n", "line 1: an exchange must start"),
        ("###\nGET / HTTP/1.1\n", "line 1: an exchange needs a title"),
        (
            "# Notes\n### Empty\n\n### Next\nGET / HTTP/1.1",
            "line 2: `Empty` has no request",
        ),
        (
            "### Only an answer\nHTTP/1.1 200 OK\n",
            "line 1: `Only an answer` has no request",
        ),
    ];
    for (text, message) in cases {
        let problem = exchange::read(text).expect_err(text).to_string();
        assert!(problem.starts_with(message), "{text:?} says: {problem}");
    }
}
