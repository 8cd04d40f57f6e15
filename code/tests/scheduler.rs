//! Every sequence in which the two tasks of a race can run: the usual code fails in some of
//! them, and the code without the race condition in none.

#![allow(clippy::unwrap_used)] // in a test, a panic is the report

mod support;

use std::collections::BTreeMap;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use serde_json::Value;
use tokio::task::yield_now;
use tower::ServiceExt;

/// Polls the two tasks in this sequence, and returns what the last poll has done.
async fn polled(race: &str, version: &str, sequence: &[usize]) -> Value {
    let app = code::scheduler::app();
    let mut last = Value::Null;
    for &task in sequence {
        let task = ["first", "second"][task];
        let request = Request::post(format!("/{race}/{version}/{task}"))
            .body(Body::empty())
            .unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        last = serde_json::from_slice(&body).unwrap();
        // A task that never yields may use a lock of Tokio 128 times, and then waits.
        yield_now().await;
    }
    last
}

/// Plays every sequence of polls to its end, and counts how often each end occurs. A task that
/// waits for the other one is not polled again before the other one was.
async fn ends(race: &str, version: &str) -> BTreeMap<String, usize> {
    let mut ends = BTreeMap::new();
    let mut unfinished = vec![(Vec::new(), [true, true], [true, true])];
    while let Some((sequence, runs, may_go_on)) = unfinished.pop() {
        let mut is_at_end = true;
        for task in 0..2 {
            if !runs[task] || !may_go_on[task] {
                continue;
            }
            is_at_end = false;
            let mut longer = sequence.clone();
            longer.push(task);
            let last = polled(race, version, &longer).await;
            let (mut runs, mut may_go_on) = (runs, [true, true]);
            runs[task] = !last["ended"].as_bool().unwrap();
            may_go_on[task] = !last["step"].as_str().unwrap().starts_with("waits");
            unfinished.push((longer, runs, may_go_on));
        }
        if is_at_end {
            assert_eq!(
                runs,
                [false, false],
                "{race} {version} hangs: {sequence:?}"
            );
            let last = polled(race, version, &sequence).await;
            let outcome = last["outcome"].as_str().unwrap();
            let end = format!("{outcome} {}", last["numbers"]);
            *ends.entry(end).or_default() += 1;
        }
    }
    ends
}

#[tokio::test]
async fn only_the_usual_code_fails_in_some_of_the_sequences() {
    let mut report = String::new();
    for (race, words, numbers) in [
        (
            "croissant",
            "The last croissant was sold once.",
            r#"{"sold":1,"stock":0}"#,
        ),
        (
            "post",
            "The order was stored once.",
            r#"{"keys":1,"orders":1}"#,
        ),
        (
            "refresh",
            "Both tabs stay signed in.",
            r#"{"ended sessions":0,"new tokens":2,"used":1}"#,
        ),
        (
            "webhook",
            "The croissant was put back once.",
            r#"{"events":1,"stock":1}"#,
        ),
    ] {
        let usual = ends(race, "usual").await;
        let fixed = ends(race, "fixed").await;
        let right = format!("{words} {numbers}");
        assert!(usual.keys().any(|end| *end != right), "{race}: {usual:?}");
        assert!(fixed.keys().all(|end| *end == right), "{race}: {fixed:?}");
        // The words never say that wrong numbers are right.
        for end in usual.keys().filter(|end| **end != right) {
            assert!(!end.starts_with(words), "{race}: {end}");
        }
        let all = |ends: &BTreeMap<String, usize>| ends.values().sum::<usize>();
        let wrong = all(&usual) - usual.get(&right).copied().unwrap_or_default();
        let (usual, fixed) = (all(&usual), all(&fixed));
        report += &format!("{race:<10}{wrong:>4} of {usual}{:>6} of {fixed}\n", 0);
    }
    support::recorded("output/scheduler/sequences.txt", &report);
}

#[tokio::test]
async fn a_race_can_be_started_again() {
    let app = code::scheduler::app();
    let send = async |request: axum::http::request::Builder| {
        let request = request.body(Body::empty()).unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    };
    let poll = || Request::post("/croissant/usual/first");
    for _ in 0..5 {
        send(poll()).await;
    }
    let (_, body) = send(poll()).await;
    assert!(body.contains("has ended"), "{body}");
    let (status, _) = send(Request::delete("/croissant/usual")).await;
    assert_eq!(status, StatusCode::OK);
    let (_, body) = send(poll()).await;
    assert!(body.contains("reads stock: 1"), "{body}");
    let (status, _) = send(Request::post("/croissant/usual/third")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_task_says_what_each_poll_has_done() {
    let mut steps = Vec::new();
    loop {
        let polls = vec![0; steps.len() + 1];
        let last = polled("croissant", "fixed", &polls).await;
        steps.push(last["step"].as_str().unwrap().to_owned());
        if last["ended"] == true {
            break;
        }
    }
    let steps = steps.join("; ");
    assert_eq!(
        steps,
        "begins a transaction; reads stock: 1; writes stock: 0; adds 1 to sold: 1; commits, \
         ends: ordered"
    );
}
