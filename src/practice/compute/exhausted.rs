//! What a shell says when a script asks for more than a small machine has. How much that is stays outside.

use bashkit::Error;

/// Status of a shell that could not go on.
const FAILED: i32 = 1;
/// Status of what could not be read as a script.
const UNREADABLE: i32 = 2;
/// Status of what the kernel ends for want of memory: 128 and SIGKILL.
const KILLED: i32 = 137;
/// Status of what runs out of its stack: 128 and SIGSEGV.
const OVERFLOWN: i32 = 139;

/// What bash would say, after its name and a colon, and the status it would end with.
#[must_use]
pub fn told(error: &Error) -> (String, i32) {
    let text = error.to_string();
    let has = |words: &str| text.contains(words);
    if has("maximum function depth") {
        // Bash has no such limit, and dies of it.
        return (
            format!("Segmentation fault (core dumped): {}", detail(&text)),
            OVERFLOWN,
        );
    }
    if let Some((range, elements)) = braces(&text) {
        return (
            format!("brace expansion: failed to allocate memory for {elements} elements: {range}"),
            FAILED,
        );
    }
    if has("memory limit exceeded") || has("intermediate") {
        return (format!("Killed (out of memory): {}", detail(&text)), KILLED);
    }
    let status = if matches!(error, Error::Parse { .. }) {
        UNREADABLE
    } else {
        FAILED
    };
    (text, status)
}

/// What exactly there was too much of.
fn detail(text: &str) -> &str {
    text.rsplit(": ").next().unwrap_or(text)
}

/// The range that has too many elements, and how many.
fn braces(text: &str) -> Option<(&str, &str)> {
    let (_, rest) = text.split_once("brace range too large: ")?;
    let (range, rest) = rest.split_once(" produces ")?;
    Some((range, rest.split(' ').next()?))
}

#[cfg(test)]
mod tests {
    use bashkit::Bash;

    use super::told;

    #[tokio::test]
    async fn the_limits_of_the_shell_are_told_as_those_of_a_small_machine() {
        for (script, line, status) in [
            ("f() { f; }; f", "Segmentation fault (core dumped)", 139),
            (
                "echo {1..1000000000}",
                "brace expansion: failed to allocate memory for 1000000000 elements",
                1,
            ),
            (
                "x=aaaa; for i in {1..30}; do x=$x$x; done",
                "Killed (out of memory)",
                137,
            ),
            ("if then", "syntax error", 2),
        ] {
            let error = Bash::new().exec(script).await.unwrap_err();
            let (said, ended) = told(&error);
            assert!(said.contains(line), "{script}: {said}");
            assert_eq!(ended, status, "{script}: {said}");
        }
    }
}
