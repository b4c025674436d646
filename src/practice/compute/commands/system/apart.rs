//! A script in a process of its own: what it holds is given back when it ends.

use async_trait::async_trait;

use super::program::{Call, Ended, Program};
use super::time::quoted;
use crate::practice::compute::host::Seat;

/// The words of a call: the interpreter, its options, the script, what that is given.
pub struct Apart;

#[async_trait]
impl Program for Apart {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let words: Vec<String> = call.args.iter().map(|word| quoted(word)).collect();
        let status = Box::pin(call.shell(seat, &words.join(" "), None)).await?;
        Ok(status.unwrap_or_default())
    }
}
