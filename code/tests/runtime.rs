//! What the chapter on the runtime says, tested by the order of events.

mod support;

// In a module of the chapter's name, so that `cargo test runtime` finds them.
mod runtime {
    use std::sync::{Arc, Mutex, mpsc};

    use code::runtime::app;
    use tokio::sync::oneshot;
    use tokio::task::{spawn_blocking, yield_now};

    use crate::support::get;

    #[tokio::test]
    async fn the_sign_is_at_the_door() {
        let (status, sign) = get(&app(), "/").await;
        assert_eq!(status, 200);
        assert_eq!(sign, "The bar is open. There is no counter yet.");
    }

    #[tokio::test]
    async fn one_by_one_the_second_drink_waits_for_the_first() {
        assert_eq!(
            bar("one-by-one/flat-white/tea").await,
            "flat white: started\nflat white: done\ntea: started\ntea: done"
        );
    }

    #[tokio::test]
    async fn together_the_shorter_drink_is_done_first() {
        assert_eq!(
            bar("together/flat-white/tea").await,
            "flat white: started\ntea: started\ntea: done\nflat white: done"
        );
    }

    #[tokio::test]
    async fn together_nothing_hangs_on_the_order_of_the_drinks() {
        assert_eq!(
            bar("together/tea/flat-white").await,
            "tea: started\nflat white: started\ntea: done\nflat white: done"
        );
    }

    #[tokio::test]
    async fn a_drink_that_nobody_awaits_is_not_even_started() {
        assert_eq!(
            bar("forgotten/flat-white/tea").await,
            "flat white: started\nflat white: done"
        );
    }

    #[tokio::test]
    async fn a_future_starts_when_it_is_awaited() {
        let log = Log::default();
        let tea = log.clone().brew("tea");
        log.note("ordered");
        tea.await;
        assert_eq!(log.events(), ["ordered", "tea"]);
    }

    #[tokio::test]
    async fn a_task_runs_although_nobody_awaits_it() {
        let (done, served) = oneshot::channel();
        drop(tokio::spawn(async { done.send("tea") }));
        assert_eq!(served.await, Ok("tea"));
    }

    #[tokio::test]
    async fn a_panic_ends_its_task_and_no_other() {
        let broken = tokio::spawn(async { panic!("the cup broke") });
        let fine: tokio::task::JoinHandle<_> = tokio::spawn(async { "tea" });
        let error: tokio::task::JoinError = broken.await.unwrap_err();
        assert!(error.is_panic());
        assert_eq!(fine.await.unwrap(), "tea");
    }

    #[tokio::test]
    async fn a_task_that_blocks_holds_up_the_others() {
        let log = Log::default();
        let bo = tokio::spawn(log.clone().brew("tea"));
        for _ in 0..3 {
            log.note("grinding");
        }
        bo.await.unwrap();
        assert_eq!(log.events(), ["grinding", "grinding", "grinding", "tea"]);
    }

    #[tokio::test]
    async fn a_task_that_waits_lets_the_others_go_on() {
        let log = Log::default();
        let (done, mut served) = oneshot::channel();
        let bo = log.clone();
        tokio::spawn(async move {
            bo.brew("tea").await;
            done.send(())
        });
        log.note("grinding");
        while served.try_recv().is_err() {
            yield_now().await;
        }
        log.note("done");
        assert_eq!(log.events(), ["grinding", "tea", "done"]);
    }

    /// On the only thread of this runtime, `recv` would wait for a task that cannot run.
    #[tokio::test]
    async fn a_blocking_call_on_a_thread_of_its_own_holds_up_nobody() {
        let log = Log::default();
        let (served, stop) = mpsc::channel();
        let tom = log.clone();
        let mill = spawn_blocking(move || {
            stop.recv().unwrap();
            tom.note("ground");
        });
        let bo = log.clone();
        let bo = tokio::spawn(async move {
            bo.brew("tea").await;
            served.send(()).unwrap();
        });
        mill.await.unwrap();
        bo.await.unwrap();
        assert_eq!(log.events(), ["tea", "ground"]);
    }

    #[tokio::test]
    async fn a_drink_that_the_bar_does_not_make_is_refused() {
        let (status, reason) = get(&app(), "/bar/together/latte/tea").await;
        assert_eq!(status, 400);
        let reason = reason.to_string();
        assert!(reason.contains("unknown variant `latte`"), "{reason}");
    }

    /// What happened, in that order.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<&'static str>>>);

    impl Log {
        fn note(&self, event: &'static str) {
            self.0
                .lock()
                .expect("no test panics with the log")
                .push(event);
        }

        fn events(&self) -> Vec<&'static str> {
            self.0.lock().expect("no test panics with the log").clone()
        }

        async fn brew(self, drink: &'static str) {
            self.note(drink);
        }
    }

    /// What the bar's log says.
    async fn bar(path: &str) -> String {
        let (status, log) = get(&app(), &format!("/bar/{path}")).await;
        assert_eq!(status, 200, "{log}");
        log.as_str().expect("a log is no JSON").to_owned()
    }
}
