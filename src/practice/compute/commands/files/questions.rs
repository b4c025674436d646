//! Questions of programs that go on only with an answer from the terminal: `rm -i`. What is asked stays outside.

use std::sync::mpsc;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::program::{Call, Report, Run};
use crate::practice::compute::host::Seat;

/// Programs that ask.
const ASKING: &[&str] = &["cp", "ln", "mv", "rm"];

/// A question, and the way back to who asked it.
type Question = (String, mpsc::Sender<String>);

/// Takes questions.
#[derive(Clone)]
pub(super) struct Questions(UnboundedSender<Question>);

impl Questions {
    /// Asks what stands at the end of the errors, and waits; nothing when nobody answers.
    pub fn ask(&self, report: &mut Report) -> Option<String> {
        let (back, answer) = mpsc::channel();
        let text = std::mem::take(&mut report.out) + &std::mem::take(&mut report.err);
        self.0.send((text, back)).ok()?;
        answer.recv().ok()
    }
}

/// Whether a call may ask.
pub(super) fn may_ask(program: &str, args: &[String]) -> bool {
    let asks = |arg: &String| match arg.strip_prefix("--") {
        Some(long) => long.starts_with("interactive"),
        None => arg.starts_with('-') && arg.contains(['i', 'I']),
    };
    ASKING.contains(&program) && args.iter().any(asks)
}

/// Runs a program whose input, output and errors are the terminal of this seat.
pub(super) async fn run(seat: &Seat, mut call: Call, run: Run) -> Report {
    let (questions, asked) = unbounded_channel();
    call.questions = Some(Questions(questions));
    // It waits for answers as it waits for nothing else, on a thread where nobody else has to.
    let work = tokio::task::spawn_blocking(move || {
        let mut report = Report::default();
        run(&call, &mut report);
        report
    });
    answer(seat, asked).await;
    match work.await {
        Ok(report) => report,
        // It panicked, which the runtime has told.
        Err(_) => Report {
            code: 1,
            ..Report::default()
        },
    }
}

/// Answers until nobody asks any more. Dropped, it leaves what is asked without an answer, which means no.
async fn answer(seat: &Seat, mut asked: UnboundedReceiver<Question>) {
    while let Some((text, back)) = asked.recv().await {
        seat.process.show_in_order(&text).await;
        let line = seat.activity.idle(seat.process.keyboard.line(false)).await;
        // Who asked waits for it.
        let _ = back.send(line.unwrap_or_default());
    }
}
