//! The glossary: what the terms of the lab mean, and how one is found. Its text is `assets/glossary.yaml`.

use serde::Deserialize;

use super::load;
use super::problem::Problem;

/// One term.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Term {
    /// As lessons use it most: `mount target`.
    pub term: String,
    /// Other names: `AZ`.
    #[serde(default)]
    pub also: Vec<String>,
    /// One or two sentences; `code` in backticks.
    pub means: String,
}

/// All terms, in the order of the alphabet.
///
/// # Errors
/// When the embedded text is no glossary.
pub fn terms() -> Result<Vec<Term>, Problem> {
    load::glossary()
}

impl Term {
    /// Its names, the usual one first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.term)
            .chain(&self.also)
            .map(String::as_str)
    }

    /// `availability zone (AZ, zone)`.
    #[must_use]
    pub fn title(&self) -> String {
        if self.also.is_empty() {
            self.term.clone()
        } else {
            format!("{} ({})", self.term, self.also.join(", "))
        }
    }

    /// How well it fits what is looked for, the best first; `None`: not at all.
    fn fits(&self, wanted: &str) -> Option<Fit> {
        let names = self.names().map(str::to_lowercase);
        let by_name = names.filter_map(|name| match name.find(wanted)? {
            0 if name.len() == wanted.len() => Some(Fit::Name),
            0 => Some(Fit::Beginning),
            _ => Some(Fit::Part),
        });
        let by_meaning = || self.means.to_lowercase().contains(wanted);
        by_name
            .min()
            .or_else(|| by_meaning().then_some(Fit::Meaning))
    }
}

/// How a term fits, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Name,
    Beginning,
    Part,
    Meaning,
}

/// The terms that fit, the best first; all, where nothing is looked for.
#[must_use]
pub fn search<'a>(terms: &'a [Term], wanted: &str) -> Vec<&'a Term> {
    let wanted = wanted.trim().to_lowercase();
    let mut found: Vec<_> = terms
        .iter()
        .filter_map(|term| Some((term.fits(&wanted)?, term)))
        .collect();
    if !wanted.is_empty() {
        found.sort_by_key(|(fit, _)| *fit);
    }
    found.into_iter().map(|(_, term)| term).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::lesson::catalog::Catalog;
    use crate::lesson::schema::Step;
    use crate::template;

    /// Capital letters that need no entry: units, what stands for something else in a command, what is explained in place.
    const PLAIN: &[&str] = &[
        "ADDRESS", "ALARM", "API", "CPU", "FS", "GB", "GIB", "HOME", "HTTP", "ID", "IMAGE", "KB",
        "MAILTO", "MB", "NAME", "OK", "PATH", "PT10M", "REGION", "SHARE", "SHELL", "SNAPSHOT",
        "TB", "USD", "UTC", "VOLUME", "YOUR",
    ];

    fn known() -> BTreeSet<String> {
        let terms = terms().unwrap_or_else(|problem| panic!("{problem}"));
        let names = |term: &Term| term.names().map(str::to_owned).collect::<Vec<_>>();
        terms.iter().flat_map(names).collect()
    }

    /// What the learner reads of each step.
    fn texts() -> Vec<(String, String)> {
        let catalog = Catalog::embedded().unwrap();
        let read = |step: &Step| {
            let mut read = vec![&step.title, &step.text, &step.action, &step.debrief];
            read.extend(step.hints.iter().chain(&step.changed));
            if let Some(question) = &step.question {
                read.push(&question.ask);
                let options = question.options.iter();
                read.extend(options.flat_map(|it| [&it.text, &it.because]));
            }
            read.into_iter().cloned().collect::<Vec<_>>().join("\n")
        };
        let lessons = catalog.lessons().iter();
        lessons
            .flat_map(|lesson| {
                let name = |step: &Step| format!("{}/{}", lesson.id, step.id);
                let steps = lesson.steps.iter();
                steps
                    .map(|step| (name(step), read(step)))
                    .collect::<Vec<_>>()
            })
            .collect()
    }

    #[test]
    fn terms_come_in_the_order_of_the_alphabet_each_name_once() {
        let terms = terms().unwrap();
        let names: Vec<_> = terms.iter().map(|it| it.term.to_lowercase()).collect();
        assert!(names.is_sorted(), "{names:?}");
        let mut taken = BTreeSet::new();
        for name in terms.iter().flat_map(Term::names) {
            assert!(taken.insert(name.to_lowercase()), "{name}");
        }
    }

    #[test]
    fn each_meaning_is_a_sentence_or_two_that_can_be_read_at_a_glance() {
        for Term { term, means, .. } in terms().unwrap() {
            assert!((30..=200).contains(&means.len()), "{term}: {}", means.len());
            assert!(means.ends_with('.'), "{term}");
            assert!(means.matches(". ").count() <= 1, "{term}");
            assert!(term.len() <= 24, "{term}");
        }
    }

    #[test]
    fn every_abbreviation_of_a_lesson_is_explained() {
        let known = known();
        for (step, text) in texts() {
            // What stands in backticks is typed or read on a machine.
            let prose: String = text.split('`').step_by(2).collect();
            let words = prose.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            for word in words.filter(|word| word.len() > 1) {
                let capital = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
                let short =
                    word.chars().all(capital) && word.starts_with(|c: char| c.is_ascii_uppercase());
                let key = word.len() == 2 && word.starts_with('F');
                assert!(
                    !short || key || PLAIN.contains(&word) || known.contains(word),
                    "{step} says {word}, and no term of the glossary is called so"
                );
            }
        }
    }

    #[test]
    fn every_word_of_templates_and_mounting_in_backticks_is_explained() {
        const MOUNTING: &[&str] = &[
            "hard",
            "noresvport",
            "retrans",
            "rsize",
            "soft",
            "timeo",
            "wsize",
        ];
        let known = known();
        // What the template itself calls so is explained where it is shown.
        let own = template::render(template::Stage::Backup).unwrap();
        let is_own = |word: &str| own.contains(&format!("\n  {word}:"));
        let mut met = 0;
        for (step, text) in texts() {
            for word in text.split('`').skip(1).step_by(2) {
                let letters = word.chars().all(|c| c.is_ascii_alphabetic());
                let named = letters && word.starts_with(|c: char| c.is_ascii_uppercase());
                if MOUNTING.contains(&word) || named && !is_own(word) {
                    met += 1;
                    assert!(known.contains(word), "{step} says `{word}`");
                }
            }
        }
        assert!(met > 8, "{met}");
    }

    #[test]
    fn what_is_looked_for_comes_first() {
        let terms = terms().unwrap();
        let first = |wanted| search(&terms, wanted).first().map(|it| it.term.as_str());
        assert_eq!(first("az"), Some("availability zone"));
        assert_eq!(first(" nfs"), Some("NFS"));
        assert_eq!(first("mount"), Some("mount"));
        assert_eq!(first("target"), Some("mount target"));
        assert_eq!(first("port 2049"), Some("NFS"));
        assert_eq!(first("xyzzy"), None);
        assert_eq!(search(&terms, "").len(), terms.len());
    }
}
