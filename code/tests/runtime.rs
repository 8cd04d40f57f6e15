//! The claims of the chapter on the runtime, tested by the sequence of events.

mod support;

// In a module of the chapter's name, so that `cargo test runtime` finds them.
mod runtime {
    use std::sync::{Arc, Mutex, mpsc};

    use axum::{Router, extract::State, routing::get};
    use code::runtime::app;
    use tokio::net::{TcpListener, TcpStream};
    use tokio::runtime::Builder;
    use tokio::sync::{mpsc as channel, oneshot};
    use tokio::task::{JoinError, JoinHandle, spawn_blocking, yield_now};

    use crate::support;

    #[tokio::test]
    async fn sequential_the_second_drink_waits_for_the_first() {
        assert_eq!(
            prepare("sequential/flat-white/tea").await,
            "flat white: started\nflat white: done\ntea: started\ntea: done"
        );
    }

    #[tokio::test]
    async fn concurrent_the_shorter_drink_is_done_first() {
        assert_eq!(
            prepare("concurrent/flat-white/tea").await,
            "flat white: started\ntea: started\ntea: done\nflat white: done"
        );
        assert_eq!(
            prepare("concurrent/tea/flat-white").await,
            "tea: started\nflat white: started\ntea: done\nflat white: done"
        );
    }

    #[tokio::test]
    async fn a_drink_that_is_not_awaited_is_not_started() {
        assert_eq!(
            prepare("not-awaited/flat-white/tea").await,
            "flat white: started\nflat white: done"
        );
    }

    #[tokio::test]
    async fn select_drops_the_future_that_is_not_done() {
        assert_eq!(
            prepare("first-done/flat-white/tea").await,
            "flat white: started\ntea: started\ntea: done\ntea: served"
        );
        assert_eq!(
            prepare("first-done/tea/flat-white").await,
            "tea: started\nflat white: started\ntea: done\ntea: served"
        );
    }

    #[tokio::test]
    async fn an_unknown_drink_is_rejected() {
        let (status, reason) =
            support::get(&app(), "/prepare/concurrent/latte/tea").await;
        assert_eq!(status, 400);
        let reason = reason.to_string();
        assert!(reason.contains("unknown variant `latte`"), "{reason}");
    }

    #[tokio::test]
    async fn a_future_starts_when_it_is_awaited() {
        let log = EventLog::default();
        let tea = log.clone().brew("tea");
        log.record("ordered");
        tea.await;
        assert_eq!(log.events(), ["ordered", "tea"]);
    }

    #[tokio::test]
    async fn a_task_runs_even_if_it_is_not_awaited() {
        let (done, served) = oneshot::channel();
        drop(tokio::spawn(async { done.send("tea") }));
        assert_eq!(served.await, Ok("tea"));
    }

    #[tokio::test]
    async fn a_panic_ends_only_its_own_task() {
        let broken = tokio::spawn(async { panic!("the cup broke") });
        let fine: JoinHandle<_> = tokio::spawn(async { "tea" });
        let error: JoinError = broken.await.unwrap_err();
        assert!(error.is_panic());
        assert_eq!(fine.await.unwrap(), "tea");
    }

    #[tokio::test]
    async fn abort_drops_the_future_of_a_task() {
        let (guard, dropped) = OnDrop::new();
        let task = tokio::spawn(async move {
            let _guard = guard;
            std::future::pending::<()>().await;
        });
        yield_now().await;
        task.abort();
        dropped.await.unwrap();
        assert!(task.await.unwrap_err().is_cancelled());
    }

    /// The server drops the handler's future, which is canceled at its `.await`.
    #[tokio::test]
    async fn a_client_that_hangs_up_cancels_its_handler() {
        let (started, mut running) = channel::channel(1);
        let (guard, dropped) = OnDrop::new();
        let guard = Arc::new(Mutex::new(Some(guard)));
        let handler = move || async move {
            let _guard = guard.lock().unwrap().take();
            started.send(()).await.unwrap();
            std::future::pending::<()>().await;
        };
        let app = Router::new().route("/", get(handler));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async { axum::serve(listener, app).await });

        let client = TcpStream::connect(address).await.unwrap();
        let request = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";
        client.writable().await.unwrap();
        assert_eq!(client.try_write(request).unwrap(), request.len());
        running.recv().await.unwrap();
        drop(client);
        dropped.await.unwrap();
        server.abort();
    }

    #[tokio::test]
    async fn a_blocking_call_holds_up_the_other_task() {
        let log = EventLog::default();
        let bo = tokio::spawn(log.clone().brew("tea"));
        for _ in 0..3 {
            log.record("grinding");
        }
        bo.await.unwrap();
        assert_eq!(log.events(), ["grinding", "grinding", "grinding", "tea"]);
    }

    /// On the only thread of this runtime, `recv` would wait for a task that cannot run.
    #[tokio::test]
    async fn spawn_blocking_does_not_hold_up_the_other_task() {
        let log = EventLog::default();
        let (served, stop) = mpsc::channel();
        let tom = log.clone();
        let grinding = spawn_blocking(move || {
            stop.recv().unwrap();
            tom.record("ground");
        });
        let bo = log.clone();
        let bo = tokio::spawn(async move {
            bo.brew("tea").await;
            served.send(()).unwrap();
        });
        grinding.await.unwrap();
        bo.await.unwrap();
        assert_eq!(log.events(), ["tea", "ground"]);
    }

    /// A channel that always has a message ready: its receiver has to wait all the same,
    /// once it has used up its budget.
    #[tokio::test]
    async fn the_cooperative_budget_gives_other_tasks_a_turn() {
        let (send, mut receive) = channel::unbounded_channel();
        for number in 0..1_000 {
            send.send(number).unwrap();
        }
        let log = EventLog::default();
        let steps = log.clone();
        let receiver = tokio::spawn(async move {
            for _ in 0..1_000 {
                receive.recv().await.unwrap();
                steps.record("received");
            }
        });
        let other = tokio::spawn(log.clone().brew("tea"));
        receiver.await.unwrap();
        other.await.unwrap();
        let events = log.events();
        let turn = events.iter().position(|event| *event == "tea");
        assert_eq!(turn, Some(128));
    }

    /// As when `main` ends: a task is dropped, a blocking call is waited for.
    #[test]
    fn when_the_runtime_ends_it_drops_tasks_and_waits_for_blocking_calls() {
        let log = EventLog::default();
        let (guard, dropped) = OnDrop::new();
        let runtime = Builder::new_multi_thread().build().unwrap();
        let (finish, finished) = mpsc::channel();
        runtime.block_on(async {
            let (task_started, task_runs) = oneshot::channel();
            let (call_started, call_runs) = oneshot::channel();
            let task = log.clone();
            tokio::spawn(async move {
                let _guard = guard;
                task_started.send(()).unwrap();
                std::future::pending::<()>().await;
                task.record("the task is done");
            });
            let call = log.clone();
            spawn_blocking(move || {
                call_started.send(()).unwrap();
                finished.recv().unwrap();
                call.record("the blocking call is done");
            });
            task_runs.await.unwrap();
            call_runs.await.unwrap();
        });
        log.record("main is done");
        // The task is gone while the call still runs.
        let ending = std::thread::spawn(move || drop(runtime));
        dropped.blocking_recv().unwrap();
        finish.send(()).unwrap();
        ending.join().unwrap();
        assert_eq!(log.events(), ["main is done", "the blocking call is done"]);
    }

    #[tokio::test]
    async fn a_receiver_gets_every_queued_job_before_the_end() {
        let (queue, mut jobs) = channel::channel(100);
        for customer in ["Ada", "Bo"] {
            queue.send(customer).await.unwrap();
        }
        drop(queue);
        let received = [jobs.recv().await, jobs.recv().await, jobs.recv().await];
        assert_eq!(received, [Some("Ada"), Some("Bo"), None]);
    }

    /// The handlers' senders are dropped with the router, which ends the worker's loop.
    #[tokio::test]
    async fn a_worker_ends_after_the_server() {
        let (queue, mut jobs) = channel::channel::<&str>(100);
        let worker = tokio::spawn(async move {
            let mut done = Vec::new();
            while let Some(job) = jobs.recv().await {
                done.push(job);
            }
            done
        });
        let print = |State(queue): State<channel::Sender<&'static str>>| async move {
            queue
                .send("receipt")
                .await
                .map_err(|error| error.to_string())
        };
        let app = Router::new().route("/", get(print)).with_state(queue);
        assert_eq!(support::get(&app, "/").await.0, 200);

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (stop, stopped) = oneshot::channel();
        let server = axum::serve(listener, app)
            .with_graceful_shutdown(async { stopped.await.unwrap_or_default() });
        let server = tokio::spawn(async { server.await });
        assert!(!worker.is_finished());
        stop.send(()).unwrap();
        server.await.unwrap().unwrap();
        assert_eq!(worker.await.unwrap(), ["receipt"]);
    }

    /// The events of a test, from the first to the last.
    #[derive(Clone, Default)]
    struct EventLog(Arc<Mutex<Vec<&'static str>>>);

    impl EventLog {
        fn record(&self, event: &'static str) {
            self.0.lock().expect("no test panics here").push(event);
        }

        fn events(&self) -> Vec<&'static str> {
            self.0.lock().expect("no test panics here").clone()
        }

        async fn brew(self, drink: &'static str) {
            self.record(drink);
        }
    }

    /// Reports when it is dropped.
    struct OnDrop(Option<oneshot::Sender<()>>);

    impl OnDrop {
        fn new() -> (Self, oneshot::Receiver<()>) {
            let (send, dropped) = oneshot::channel();
            (Self(Some(send)), dropped)
        }
    }

    impl Drop for OnDrop {
        fn drop(&mut self) {
            if let Some(send) = self.0.take() {
                let _ = send.send(());
            }
        }
    }

    /// The log of a request.
    async fn prepare(path: &str) -> String {
        let (status, log) = support::get(&app(), &format!("/prepare/{path}")).await;
        assert_eq!(status, 200, "{log}");
        log.as_str().expect("a log isn't JSON").to_owned()
    }
}
