//! `kill -9` at every step of the lab and in the middle of what it does: `resume` stands where the program died.

use efslab::lesson::catalog::Catalog;

use crate::support::{Home, Place, Screen, is_at_step};

const SIZE: (u16, u16) = (24, 80);
/// Slow enough to die in the middle of something: making the stack takes some seconds.
const PACE: &str = "100";
/// Prompts on the screen once both terminals are back.
const BOTH: usize = 2;

/// A learner whose computer dies whenever it hurts.
struct Unlucky {
    home: Home,
    screen: Option<Screen>,
    deaths: usize,
}

impl Unlucky {
    fn begin() -> Self {
        let home = Home::new();
        let mut screen = home.screen(&["start", "--pace", "max"], SIZE.0, SIZE.1);
        screen.shows("Where should the lab run?");
        screen.keys("\r");
        Self {
            home,
            screen: Some(screen),
            deaths: 0,
        }
    }

    fn screen(&mut self) -> &mut Screen {
        self.screen.as_mut().unwrap()
    }

    /// Ends the program as nothing can be prepared for, and goes on with a new one.
    fn dies(&mut self) {
        self.screen.take().unwrap().kill();
        self.deaths += 1;
        self.screen = Some(
            self.home
                .screen(&["resume", "--pace", "max"], SIZE.0, SIZE.1),
        );
    }

    /// Waits until the screen is at this step.
    #[track_caller]
    fn stands_at(&mut self, place: &Place) {
        let what = format!("{} after {} deaths", place.name, self.deaths);
        self.screen().until(&what, |text| place.is_on(text));
    }

    /// The step passes: by itself, or once what a death cut short is done again.
    #[track_caller]
    fn passes(&mut self, place: &Place) {
        let what = format!("{} to pass after {} deaths", place.name, self.deaths);
        self.screen().until(&what, |text| text.contains(" passed "));
    }
}

fn prompts(text: &str) -> usize {
    text.matches("[ec2-user@ip-").count()
}

#[test]
fn whoever_dies_at_every_step_still_walks_the_whole_lab_and_leaves_nothing() {
    let mut learner = Unlucky::begin();
    let catalog = Catalog::embedded().unwrap();
    for lesson in catalog.lessons() {
        for number in 0..lesson.steps.len() {
            let place = Place::of(lesson, number);
            learner.stands_at(&place);
            if lesson.id == "share-files" && number > 0 && !place.measures {
                learner
                    .screen()
                    .until("both prompts", |text| prompts(text) >= BOTH);
            }
            learner.dies();
            learner.stands_at(&place);
            if lesson.id == "share-files" && number > 0 && !place.measures {
                learner
                    .screen()
                    .until("both prompts again", |text| prompts(text) >= BOTH);
            }
            learner.screen().keys("r");
            learner.dies();
            learner.stands_at(&place);
            learner.screen().keys("r");
            if place.builds {
                learner.screen().shows("The stack stands");
                learner.screen().keys("r");
            }
            if place.measures {
                learner.screen().shows("Measured, in both directions");
                learner.screen().keys("r");
            }
            if lesson.id == "cleanup" && number + 1 == lesson.steps.len() {
                break;
            }
            learner.passes(&place);
            learner.screen().keys("\r");
        }
    }
    learner.screen().shows("Nothing is left.");
    // One stack was made, once.
    learner.screen().until("two instances deleted", |text| {
        let mut rows = text.lines().map(|row| row.split_whitespace().collect());
        rows.any(|row: Vec<&str>| row.starts_with(&["│", "instances", "0", "2"]))
    });
    learner.screen().keys("\r");
    let (code, text) = learner.screen.take().unwrap().end();
    assert_eq!(code, 0, "{text}");
    assert_eq!(learner.home.processes_at_the_end(), Vec::<String>::new());
    assert!(
        learner.home.files("run").is_empty(),
        "{:?}",
        learner.home.files("run")
    );
}

/// Dies again and again while a stack is being made, then while it is deleted, a little later each time.
#[test]
fn whoever_dies_while_the_stack_is_made_and_deleted_gets_one_stack_and_then_none() {
    let home = Home::new();
    let mut deaths = 0;
    let mut screen = home.screen(&["start", "share-files", "--pace", PACE], SIZE.0, SIZE.1);
    screen.until("step 1", |text| is_at_step(text, 1, 9));
    screen.keys("n");
    screen.until("step 2", |text| is_at_step(text, 2, 9));
    while !screen.within(deaths + 1, |text| prompts(text) >= BOTH) {
        screen.kill();
        deaths += 1;
        screen = home.screen(&["resume", "--pace", PACE], SIZE.0, SIZE.1);
    }
    screen.kill();
    let made = deaths;
    assert!(made > 3, "it died {made} times while the stack was made");
    loop {
        let mut screen = home.screen(&["cleanup", "--yes", "--pace", PACE], 50, 120);
        if screen.within(deaths - made + 1, |text| text.contains("Nothing is left.")) {
            let (code, text) = screen.end();
            assert_eq!(code, 0, "{text}");
            break;
        }
        screen.kill();
        deaths += 1;
    }
    assert!(deaths > made, "it never died while the stack was deleted");
    assert_eq!(home.processes_at_the_end(), Vec::<String>::new());
    assert!(home.files("run").is_empty(), "{:?}", home.files("run"));
}
