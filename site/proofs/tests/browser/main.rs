//! The pages in a browser: the console answers, and every reader can use them.
//!
//! Runs where `BROWSER_TESTS=1` says so.

mod access;
mod carried;
mod chromium;
mod console;
mod controls;
mod copies;
mod guide;
mod page;
mod paint;
mod scripts;

use std::{
    env,
    process::ExitCode,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use chromium::{Chromium, Page};
use guide::Guide;
use libtest_mimic::{Arguments, Trial};

type Test = fn(&Guide, &mut Page<'_>) -> Result<()>;

/// Each test under its own name.
macro_rules! tests {
    ($($module:ident::$name:ident,)*) => { &[$((stringify!($name), $module::$name)),*] };
}

/// The longest come first, so that others run beside them.
const TESTS: &[(&str, Test)] = tests![
    access::no_page_breaks_a_rule_of_access_on_a_desktop,
    access::no_page_breaks_a_rule_of_access_on_a_phone,
    console::every_exchange_is_answered_as_recorded,
    console::every_challenge_is_met_by_its_solution_only,
    console::the_shop_remembers_until_it_is_reset,
    console::an_exchange_out_of_turn_can_be_put_in_order,
    console::an_edited_request_gets_another_answer,
    console::an_answer_comes_with_its_call_trace,
    console::a_bad_request_gets_a_message,
    console::a_panic_costs_a_session_and_no_more,
    console::a_console_that_cannot_be_loaded_says_so,
    console::the_keyboard_alone_sends_and_edits,
    console::a_prediction_is_revealed_by_sending,
    console::a_diagram_is_drawn_on_a_click,
    console::the_console_stays_in_its_budget,
    console::a_page_loads_the_console_of_the_programs_that_it_needs,
    console::a_page_of_two_programs_asks_each_of_them,
    console::an_answer_of_a_server_is_read_and_not_sent_for,
    copies::every_request_can_be_copied_as_a_command,
    copies::a_command_asks_what_is_in_the_editor,
    carried::a_link_shows_the_request_and_the_answer_that_its_sender_saw,
    carried::a_link_carries_an_edit,
    carried::a_link_opens_the_folds_around_its_request,
    carried::a_link_opens_under_a_path_with_a_strict_content_security_policy,
    carried::a_link_that_does_not_hold_gets_a_message_and_changes_nothing,
    carried::a_recorded_sequence_of_polls_comes_out_again,
    carried::every_press_of_poll_is_answered,
    carried::the_page_says_what_a_link_does,
    carried::every_sequence_of_polls_ends_in_the_page_as_on_a_server,
    page::what_a_browser_refuses_costs_that_and_no_more,
    console::without_script_every_answer_is_there,
    page::on_a_phone_nothing_is_cut_too_small_or_below_the_bar,
    console::no_page_complains_or_calls_another_host,
    page::a_first_visit_is_light,
    page::the_chapter_is_two_presses_away,
    page::the_keyboard_reaches_everything_in_order,
    page::the_contents_open_and_close_by_keyboard,
    page::the_contents_fold_the_chapters_that_are_not_read,
    page::the_contents_mark_the_page_and_the_section_that_is_read,
    page::the_search_finds_and_leads,
    page::a_symptom_leads_to_its_remedy,
    page::the_theme_follows_the_system_until_one_is_chosen,
    page::the_theme_follows_a_choice_in_another_tab_and_on_the_way_back,
    page::the_search_takes_typographic_characters_for_plain_ones,
    page::pictures_notes_and_headings_are_what_their_author_means,
    page::without_script_the_contents_and_the_colors_are_there,
    page::keys_turn_the_page_and_open_the_search,
    page::on_paper_the_chapter_is_whole_and_alone,
    page::no_script_lays_out_the_page_of_all_chapters_for_each_block,
    page::before_and_after_stand_side_by_side_where_there_is_room,
    scripts::tabs_exchange_their_refresh_token_one_after_the_other,
    scripts::a_page_that_watches_orders_connects_again,
    scripts::a_page_in_the_room_connects_again,
    copies::a_listing_is_copied_as_it_is_in_its_file,
    paint::the_largest_paint_takes_a_part_of_what_a_stock_page_takes,
    paint::a_press_of_send_is_timed_beside_fetch_on_loopback,
];

/// The tests that are ignored unless [`access::AXE`] names a file begin with this.
const NEEDS_AXE: &str = "no_page_breaks_a_rule_of_access";

/// How many tests run at the same time, each in a browser of its own. A test waits for its browser
/// half of the time, so there are more tests than a small machine has cores.
const THREADS: usize = 4;

/// How many tests are named at the end, with the time that each took.
const LONGEST: usize = 15;

/// The tests that measure time. They would measure what else the machine does, too.
const ALONE: [&str; 2] = [
    "the_largest_paint_takes_a_part_of_what_a_stock_page_takes",
    "a_press_of_send_is_timed_beside_fetch_on_loopback",
];

fn main() -> ExitCode {
    if env::var_os("BROWSER_TESTS").is_none_or(|wanted| wanted != "1") {
        println!("browser tests: left out, as BROWSER_TESTS=1 is not set");
        return ExitCode::SUCCESS;
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(THREADS);
    let browsers: Arc<Browsers> = Arc::default();
    let trials = TESTS
        .iter()
        .map(|&(name, test)| {
            let browsers = browsers.clone();
            let trial = Trial::test(name, move || {
                let run = || browsers.run(name, test);
                let result = if ALONE.contains(&name) {
                    let _alone = browsers.turn.write();
                    run()
                } else {
                    let _beside_others = browsers.turn.read();
                    run()
                };
                result.map_err(|error| format!("{error:#}").into())
            });
            trial.with_ignored_flag(
                name.starts_with(NEEDS_AXE) && env::var_os(access::AXE).is_none(),
            )
        })
        .collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    browsers.print_longest();
    browsers.close();
    conclusion.exit_code()
}

/// The guide that all tests read, and the browsers of the tests that run at the same time.
#[derive(Default)]
struct Browsers {
    guide: Mutex<Option<Arc<Guide>>>,
    idle: Mutex<Vec<Chromium>>,
    turn: RwLock<()>,
    took: Mutex<Vec<(Duration, &'static str)>>,
}

impl Browsers {
    /// Runs a test in a page of its own, in a browser that no other test uses at the time. Both the
    /// guide and a browser are made when a test first needs them.
    fn run(&self, name: &'static str, test: Test) -> Result<()> {
        let guide = self.guide()?;
        let idle = lock(&self.idle).pop();
        let mut chromium = match idle {
            Some(chromium) => chromium,
            None => Chromium::start()?,
        };
        let start = Instant::now();
        let result = test(&guide, &mut chromium.page()?);
        lock(&self.took).push((start.elapsed(), name));
        lock(&self.idle).push(chromium);
        result
    }

    fn guide(&self) -> Result<Arc<Guide>> {
        let mut guide = lock(&self.guide);
        if guide.is_none() {
            *guide = Some(Arc::new(Guide::build()?));
        }
        guide.clone().context("it has just been built")
    }

    /// Prints which tests took longest. Where all of them take too long, these are the ones to shorten.
    fn print_longest(&self) {
        let mut took = lock(&self.took);
        took.sort_by(|one, other| other.cmp(one));
        println!("the tests that took longest, in seconds:");
        for (time, name) in took.iter().take(LONGEST) {
            println!("{:5.0}  {name}", time.as_secs_f64());
        }
    }

    /// Ends the browsers and removes the folder of the guide.
    fn close(&self) {
        lock(&self.idle).clear();
        lock(&self.guide).take();
    }
}

/// A test that panicked has left nothing half done here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
