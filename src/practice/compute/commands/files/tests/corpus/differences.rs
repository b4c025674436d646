//! The table of differences: what practice instances print otherwise than the real programs, and why that stays.

/// One difference, in every line that contains `line`.
pub(super) struct Difference {
    /// Part of the line.
    pub line: &'static str,
    /// What only the real programs print.
    pub real: &'static [&'static str],
    /// What is printed here instead.
    pub here: &'static [&'static str],
    /// Why it stays.
    pub why: &'static str,
}

/// Of the shell library's own programs, whose complaints are worded by it.
const WORDS: &str =
    "a program of the shell library, which words this complaint itself; the status is the same";
/// Of the shell library's parser.
const PARSER: &str =
    "the shell library's parser says what it missed, not what it found; the status is the same";
/// Of storage that notes no time of birth.
const BIRTH: &str = "no time of birth is kept, as on a share over NFS";
/// Of `bash -c`.
const DASH_C: &str = "only `bash -c` ends with 127 for this; a login shell, which a learner has, does not end at all";

pub(super) const DIFFERENCES: &[Difference] = &[
    Difference {
        line: "stat notes.txt",
        real: &[" Birth: TIME"],
        here: &[" Birth: -"],
        why: BIRTH,
    },
    Difference {
        line: "stat latest",
        real: &[" Birth: TIME"],
        here: &[" Birth: -"],
        why: BIRTH,
    },
    Difference {
        line: "stat /home/alice",
        real: &[" Birth: TIME"],
        here: &[" Birth: -"],
        why: BIRTH,
    },
    Difference {
        line: "sort nothing",
        real: &["sort: cannot read: nothing: No such file or directory"],
        here: &["sort: /home/ec2-user/nothing: No such file or directory"],
        why: WORDS,
    },
    Difference {
        line: "awk '{print' notes.txt",
        real: &["status 2"],
        here: &["status 1"],
        why: "the status of a program that awk cannot read: any but 0 means the same to a script",
    },
    Difference {
        line: "cut notes.txt;",
        real: &[
            "cut: you must specify a list of bytes, characters, or fields",
            "Try 'cut --help' for more information.",
        ],
        here: &["cut: you must specify a list of fields"],
        why: WORDS,
    },
    Difference {
        line: "xargs false",
        real: &["status 123"],
        here: &["status 1"],
        why: "the library's xargs ends with its command's status; any but 0 means the same to a script",
    },
    Difference {
        line: "ls nothing f &> all",
        real: &["ls: cannot access 'nothing': No such file or directory"],
        here: &["ls: cannot access 'nothing': No such file or directory"],
        why: "where both streams go into one file, a program of ours has its output there before its complaints",
    },
    Difference {
        line: "[[ -w /etc/passwd ]]",
        real: &["unwritable"],
        here: &[],
        why: "the library asks only whether a file exists; writing to it is refused all the same",
    },
    Difference {
        line: "unreadable; [ -w /etc/passwd ]",
        real: &["unwritable"],
        here: &[],
        why: "the library asks only whether a file exists; writing to it is refused all the same",
    },
    Difference {
        line: "[ a; echo",
        real: &["bash: [: missing `]'"],
        here: &["missing ]"],
        why: WORDS,
    },
    Difference {
        line: "~alice",
        real: &["/home/ec2-user /home/alice"],
        here: &["/home/ec2-user ~alice"],
        why: "the library knows the home of its own user and of root only",
    },
    Difference {
        line: "${y:?not set}",
        real: &["status 127"],
        here: &["status 1"],
        why: DASH_C,
    },
    Difference {
        line: "basename; echo",
        real: &["Try 'basename --help' for more information."],
        here: &[],
        why: WORDS,
    },
    Difference {
        line: "sleep 0.1 & wait;",
        real: &["now"],
        here: &["now"],
        why: "a background job of a script is run to its end where it is started, so its output stands there",
    },
    Difference {
        line: "set -u; echo",
        real: &["status 127"],
        here: &["status 1"],
        why: DASH_C,
    },
    Difference {
        line: "for; do",
        real: &[
            "bash: syntax error near unexpected token `;'",
            "bash: `for; do'",
        ],
        here: &["bash: parse error: expected variable name in for loop"],
        why: PARSER,
    },
    Difference {
        line: "echo \"unfinished",
        real: &["bash: unexpected EOF while looking for matching `\"'"],
        here: &[
            "bash: parse error at line 1, column 6: unexpected EOF while looking for matching `\"'",
        ],
        why: PARSER,
    },
];
