//! The loop itself: channels, signals, the clipboard, the end.

use std::io::{self, Write};
use std::sync::Mutex;

use futures::channel::mpsc::{UnboundedSender, unbounded};
use tokio::sync::{mpsc, watch};

use super::fixtures::*;
use super::*;
use crate::engine::view::Phase;
use crate::tui::{Chosen, Front, Input, Screen, TuiError, run, size_error};

type Keys = UnboundedSender<io::Result<Input>>;

fn screen() -> (
    Screen<TestBackend, impl futures::Stream<Item = io::Result<Input>> + Unpin>,
    Keys,
) {
    let (keys, inputs) = unbounded();
    (
        Screen::over(TestBackend::new(80, 24), inputs, LOOK)
            .unwrap()
            .with(now, Box::new(io::sink())),
        keys,
    )
}

fn type_keys(keys: &Keys, names: &str) {
    for name in names.split_whitespace() {
        keys.unbounded_send(Ok(Input::Terminal(Event::Key(press(name)))))
            .unwrap();
    }
}

/// The other end of a front.
struct Lab {
    views: watch::Sender<Arc<View>>,
    output: mpsc::Sender<TerminalOutput>,
    commands: mpsc::Receiver<Command>,
}

fn front(view: View, room: usize) -> (Front, Lab) {
    let (views, seen) = watch::channel(Arc::new(view));
    let (output, printed) = mpsc::channel(room);
    let (wishes, commands) = mpsc::channel(room);
    (
        Front {
            views: seen,
            output: printed,
            commands: wishes,
        },
        Lab {
            views,
            output,
            commands,
        },
    )
}

fn over(mut view: View) -> Arc<View> {
    view.phase = Phase::Over;
    Arc::new(view)
}

#[tokio::test]
async fn no_command_is_lost_when_the_lab_is_slow_to_take_them() {
    let (mut screen, keys) = screen();
    let (front, mut lab) = front(terminals(), 1);
    type_keys(&keys, "h F2 l s Enter C-] n b F3 x");
    let lab = async move {
        let mut taken = Vec::new();
        while !matches!(taken.last(), Some(Command::Input { on: Side::B, .. })) {
            tokio::task::yield_now().await;
            taken.push(lab.commands.recv().await.unwrap());
        }
        lab.views.send(over(terminals())).unwrap();
        taken
    };
    let (ended, taken) = tokio::join!(run(&mut screen, front), lab);
    ended.unwrap();
    let typed: Vec<u8> = taken
        .iter()
        .filter_map(|c| match c {
            Command::Input { on: Side::A, bytes } => Some(bytes.clone()),
            _ => None,
        })
        .flatten()
        .collect();
    assert_eq!(typed, b"ls\r");
    let others: Vec<_> = taken
        .iter()
        .filter(|c| !matches!(c, Command::Input { on: Side::A, .. }))
        .cloned()
        .collect();
    assert_eq!(
        others,
        [
            Command::Resize {
                rows: 12,
                columns: 38
            },
            Command::Hint,
            Command::Next,
            Command::Back,
            Command::Input {
                on: Side::B,
                bytes: b"x".to_vec()
            },
        ]
    );
}

#[tokio::test]
async fn what_a_machine_prints_is_seen() {
    let (mut screen, _keys) = screen();
    let (front, lab) = front(terminals(), 4);
    let lab = async move {
        lab.output
            .send(TerminalOutput {
                on: Side::A,
                bytes: Some(b"i-was-here".to_vec()),
            })
            .await
            .unwrap();
        // An empty channel has been read; then the frame follows, at the latest with the next change.
        while lab.output.capacity() < lab.output.max_capacity() {
            tokio::task::yield_now().await;
        }
        let mut hinted = terminals();
        hinted.step.hints.push("look in B".into());
        lab.views.send(Arc::new(hinted)).unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        lab.views.send(over(terminals())).unwrap();
    };
    let (ended, ()) = tokio::join!(run(&mut screen, front), lab);
    ended.unwrap();
    let shown = format!("{:?}", screen.backend().buffer());
    assert!(
        shown.contains("i-was-here") && shown.contains("look in B"),
        "{shown}"
    );
}

#[tokio::test]
async fn it_ends_with_the_lab_or_when_nobody_is_there() {
    let (mut screen, _keys) = screen();
    let (front, lab) = front(terminals(), 4);
    drop(lab);
    run(&mut screen, front).await.unwrap();

    let (front, _lab) = self::front((*over(terminals())).clone(), 4);
    run(&mut screen, front).await.unwrap();
}

#[tokio::test]
async fn a_signal_ends_it_with_its_number() {
    let (mut screen, keys) = screen();
    let (front, _lab) = front(terminals(), 4);
    keys.unbounded_send(Ok(Input::Ended(15))).unwrap();
    assert!(matches!(
        run(&mut screen, front).await,
        Err(TuiError::Signal(15))
    ));
}

#[tokio::test]
async fn the_first_screen_and_the_lab_share_one_terminal() {
    let (mut screen, keys) = screen();
    type_keys(&keys, "Down Down Enter q k");
    let chosen = crate::tui::welcome(&mut screen, welcome()).await.unwrap();
    assert_eq!(
        chosen,
        Chosen::Resume {
            lab: "lab-7f3k".into()
        }
    );
    assert!(format!("{:?}", screen.backend().buffer()).contains("Where should the lab run?"));
    screen.say("resuming lab-7f3k").unwrap();
    assert!(format!("{:?}", screen.backend().buffer()).contains("resuming lab-7f3k"));
    let (front, mut lab) = front(terminals(), 4);
    let lab = async move {
        while lab.commands.recv().await != Some(Command::Leave) {}
        lab.views.send(over(terminals())).unwrap();
    };
    let (ended, ()) = tokio::join!(run(&mut screen, front), lab);
    ended.unwrap();
}

#[tokio::test]
async fn nobody_has_to_wait_for_an_account_that_does_not_open() {
    for (key, signal) in [("C-c", 2), ("q", 2)] {
        let (mut screen, keys) = screen();
        type_keys(&keys, "x Enter");
        type_keys(&keys, key);
        let ended = screen
            .say_while("Opening the account", std::future::pending::<()>())
            .await;
        assert!(
            matches!(ended, Err(TuiError::Signal(number)) if number == signal),
            "{key}: {ended:?}"
        );
        let shown = format!("{:?}", screen.backend().buffer());
        assert!(shown.contains("Opening the account"), "{shown}");
        assert!(shown.contains("Ctrl-C"), "{shown}");
    }
    let (mut screen, keys) = screen();
    keys.unbounded_send(Ok(Input::Ended(15))).unwrap();
    let ended = screen.say_while("Opening", std::future::pending::<()>());
    assert!(matches!(ended.await, Err(TuiError::Signal(15))));

    // It is done all the same when nobody is there.
    let (mut screen, keys) = self::screen();
    drop(keys);
    let done = screen.say_while("Opening", async {
        tokio::task::yield_now().await;
        7
    });
    assert_eq!(done.await.unwrap(), 7);
}

/// A clipboard that can be read afterwards.
#[derive(Clone, Default)]
struct Clipboard(Arc<Mutex<Vec<u8>>>);

impl Write for Clipboard {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_command_is_copied_as_osc_52() {
    let clipboard = Clipboard::default();
    let (screen, keys) = screen();
    let mut screen = screen.with(now, Box::new(clipboard.clone()));
    type_keys(&keys, "c");
    drop(keys);
    let (front, _lab) = front(terminals(), 4);
    run(&mut screen, front).await.unwrap();
    assert_eq!(
        clipboard.0.lock().unwrap().as_slice(),
        b"\x1b]52;c;dG91Y2ggaS13YXMtaGVyZQ==\x07"
    );
}

#[test]
fn a_terminal_that_is_too_small_is_told_in_a_sentence() {
    assert!(size_error(80, 24).is_none());
    assert!(size_error(40, 12).is_none());
    let said = size_error(20, 5).unwrap().to_string();
    assert_eq!(
        said,
        "the terminal has 20 columns and 5 rows, the lab needs 40 and 12: enlarge it, or use `efslab run`"
    );
}
