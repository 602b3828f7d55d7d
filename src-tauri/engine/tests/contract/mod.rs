//! The contract of a backend, as one test for each promise. Written once against `dyn Backend`; a place keeps
//! it by implementing [`Place`] and saying `keeps_the_contract!`.
//!
//! The cases need a POSIX system with coreutils in the place, and a folder that the place and the test share.

pub(crate) mod ending;
pub(crate) mod input;
pub(crate) mod output;
pub(crate) mod start;
pub(crate) mod terminal;

use std::path::Path;
use std::sync::Arc;

use stigmer_engine::backend::Recipe;
use stigmer_engine::backend::{Backend, Execution, Finish, Launch, Reporter, Stream};
use stigmer_engine::spec::{Input, RunId, Text};

use crate::common::{Marker, until, within};

/// Where a backend is put to the test.
pub(crate) trait Place {
    /// The backend.
    fn backend(&self) -> &dyn Backend;

    /// A folder of this test alone that programs see under the same path.
    fn folder(&self) -> &Path;

    /// What a program needs in its environment to be found and to start.
    fn variables(&self) -> Vec<(Text, Text)>;

    /// Names of variables that the place adds.
    fn own_variables(&self) -> &[&str];

    /// What its sandboxes are made of, if it has any.
    fn recipe(&self) -> Option<Box<Recipe>> {
        None
    }

    /// Living processes that carry the marker, counted from outside.
    fn alive(&self, marker: &Marker) -> usize;
}

/// One test for each promise, named by it, in the places that `$place` makes.
macro_rules! keeps_the_contract {
    ($place:expr) => {
        $crate::contract::promises! { $place;
            output: both_streams_arrive_byte_for_byte;
            output: output_without_a_final_line_end_arrives;
            output: sixty_four_mebibytes_arrive_without_a_byte_missing;
            output: pieces_tell_when_they_were_written;
            output: a_program_waits_while_nobody_takes_its_output;
            output: a_dropped_look_for_output_loses_nothing;
            output: two_programs_at_once_do_not_disturb_each_other;
            start: arguments_arrive_exactly_as_they_were_given;
            start: the_environment_is_exactly_the_one_that_was_given;
            start: a_program_starts_in_its_folder;
            start: exit_codes_are_told;
            start: signals_that_end_a_program_are_told;
            start: a_missing_program_is_told_as_such;
            start: a_program_that_may_not_be_executed_is_told_as_such;
            start: a_missing_folder_is_told_as_such;
            start: a_start_that_is_dropped_leaves_nothing_after_a_clean_up;
            start: cleaning_up_may_be_repeated_and_does_not_mind_unknown_runs;
            start: a_run_that_is_over_is_not_found_again;
            input: closed_input_is_at_its_end_at_once;
            input: input_arrives_byte_for_byte;
            input: input_waits_for_a_program_that_does_not_read_yet;
            input: input_for_a_program_that_closed_it_is_discarded;
            input: a_dropped_input_leaves_the_program_within_reach;
            input: calls_after_the_end_do_no_harm;
            terminal: a_terminal_has_the_size_that_was_asked_for;
            terminal: a_terminal_takes_a_new_size;
            terminal: a_terminal_takes_input_and_its_end;
            ending: every_polite_signal_lets_a_program_end_itself;
            ending: what_is_written_after_a_stop_still_arrives;
            ending: a_program_without_grace_is_ended_at_once;
            ending: a_program_that_does_not_listen_is_forced_after_its_grace;
            ending: a_second_stop_may_shorten_the_grace;
            ending: a_stop_ends_grandchildren_and_those_in_sessions_of_their_own;
            ending: a_daemon_is_left_alone_and_told;
            ending: output_that_a_grandchild_holds_open_does_not_hold_up_the_end;
            ending: dropping_the_execution_ends_the_program;
            ending: cleaning_up_ends_a_program_that_goes_on;
        }
    };
}

macro_rules! promises {
    ($place:expr; $($part:ident: $promise:ident;)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                let place = $place;
                $crate::common::within($crate::contract::$part::$promise(&place)).await;
            }
        )*
    };
}

pub(crate) use {keeps_the_contract, promises};

/// A program with arguments, in the place's folder and with its variables.
pub(crate) fn program<A: Into<Text>>(place: &dyn Place, argv: impl IntoIterator<Item = A>) -> Launch {
    Launch {
        id: RunId::new(),
        argv: argv.into_iter().map(Into::into).collect(),
        env: place.variables(),
        dir: place.folder().to_owned(),
        input: Input::Closed,
        guard: None,
        script: None,
        session: None,
        recipe: place.recipe(),
        task: None,
        may_be_kept: false,
    }
}

/// A shell script.
pub(crate) fn script(place: &dyn Place, text: &str) -> Launch {
    program(place, ["sh", "-c", text])
}

/// A shell script whose processes can be recognised.
pub(crate) fn marked(place: &dyn Place, text: &str) -> (Launch, Marker) {
    let marker = Marker::new();
    let mut launch = script(place, text);
    launch.env.push(marker.variable());
    (launch, marker)
}

/// A program that was started, and all that it wrote so far.
pub(crate) struct Started {
    pub(crate) execution: Arc<dyn Execution>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

impl Started {
    pub(crate) async fn new(place: &dyn Place, launch: Launch) -> Self {
        let execution = place.backend().start(launch, &Reporter::silent()).await.unwrap();
        Self { execution: execution.into(), stdout: Vec::new(), stderr: Vec::new() }
    }

    /// Takes one more piece of output; false at its end.
    pub(crate) async fn take(&mut self) -> bool {
        let Some(output) = within(self.execution.output()).await.unwrap() else { return false };
        let to = match output.stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        };
        to.extend_from_slice(&output.bytes);
        true
    }

    /// Takes output until the program said `word`.
    pub(crate) async fn until_it_says(&mut self, word: &str) {
        while !self.stdout.windows(word.len()).any(|window| window == word.as_bytes()) {
            assert!(self.take().await, "the program ended before it said {word:?}");
        }
    }

    /// Takes all output, and how the program ended.
    pub(crate) async fn finish(&mut self) -> Finish {
        while self.take().await {}
        within(self.execution.wait()).await.unwrap()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
}

/// Runs a program to its end.
pub(crate) async fn run(place: &dyn Place, launch: Launch) -> (Started, Finish) {
    let mut started = Started::new(place, launch).await;
    let finish = started.finish().await;
    (started, finish)
}

/// Waits until nothing that carries the marker lives in the place.
pub(crate) async fn until_none_is_alive(place: &dyn Place, marker: &Marker) {
    until("its processes are gone", || (place.alive(marker) == 0).then_some(())).await;
}

/// Waits until so many processes with the marker live in the place.
pub(crate) async fn until_alive(place: &dyn Place, marker: &Marker, count: usize) {
    until("its processes run", || (place.alive(marker) >= count).then_some(())).await;
}
