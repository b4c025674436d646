//! The words after `tar`, in all three ways of writing them. What they lead to does not enter here.

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Create,
    Append,
    List,
    Extract,
}

/// Something to put into an archive, or to take out of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Operand {
    /// Values of `-C` before it, each seen from the one before.
    pub directories: Vec<String>,
    /// As it was typed.
    pub name: String,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Options {
    pub action: Action,
    pub file: Option<String>,
    pub gzip: bool,
    /// `-a`: compress if the name says so.
    pub auto: bool,
    pub verbose: usize,
    pub operands: Vec<Operand>,
    /// Where to unpack: all values of `-C`.
    pub directories: Vec<String>,
    pub exclude: Vec<String>,
    pub keep: bool,
    pub permissions: bool,
    pub owner: Option<bool>,
    pub numeric: bool,
    pub strip: usize,
    pub to_stdout: bool,
    pub touch: bool,
    pub dereference: bool,
    pub absolute_names: bool,
    pub wildcards: bool,
    pub one_file_system: bool,
    pub recursion: bool,
}

/// Letter (or none), long name, and whether a value follows.
const KNOWN: &[(char, &str, bool)] = &[
    ('A', "catenate", false),
    ('C', "directory", true),
    ('J', "xz", false),
    ('O', "to-stdout", false),
    ('P', "absolute-names", false),
    ('S', "sparse", false),
    ('Z', "compress", false),
    ('a', "auto-compress", false),
    ('c', "create", false),
    ('f', "file", true),
    ('h', "dereference", false),
    ('j', "bzip2", false),
    ('k', "keep-old-files", false),
    ('m', "touch", false),
    ('o', "no-same-owner", false),
    ('p', "preserve-permissions", false),
    ('r', "append", false),
    ('t', "list", false),
    ('u', "update", false),
    ('v', "verbose", false),
    ('x', "extract", false),
    ('z', "gzip", false),
    ('\0', "exclude", true),
    ('\0', "get", false),
    ('\0', "gunzip", false),
    ('\0', "no-recursion", false),
    ('\0', "numeric-owner", false),
    ('\0', "one-file-system", false),
    ('\0', "overwrite", false),
    ('\0', "same-owner", false),
    ('\0', "same-permissions", false),
    ('\0', "strip-components", true),
    ('\0', "wildcards", false),
];

const HINT: &str = "Try 'tar --help' or 'tar --usage' for more information.\n";

fn misuse(text: &str) -> String {
    format!("tar: {text}\n{HINT}")
}

impl Options {
    /// Reads them; or what is wrong.
    pub fn read(args: &[String]) -> Result<Self, String> {
        let mut options = Self {
            action: Action::List,
            file: None,
            gzip: false,
            auto: false,
            verbose: 0,
            operands: Vec::new(),
            directories: Vec::new(),
            exclude: Vec::new(),
            keep: false,
            permissions: false,
            owner: None,
            numeric: false,
            strip: 0,
            to_stdout: false,
            touch: false,
            dereference: false,
            absolute_names: false,
            wildcards: false,
            one_file_system: false,
            recursion: true,
        };
        let mut action = None;
        let mut rest = args.iter();
        let mut first = true;
        let mut all_operands = false;
        while let Some(arg) = rest.next() {
            let old_style = std::mem::take(&mut first) && !arg.starts_with('-');
            if all_operands || !old_style && (!arg.starts_with('-') || arg == "-") {
                options.operands.push(Operand {
                    directories: options.directories.clone(),
                    name: arg.clone(),
                });
            } else if arg == "--" {
                all_operands = true;
            } else if let Some(long) = arg.strip_prefix("--") {
                let (name, inline) = match long.split_once('=') {
                    Some((name, value)) => (name, Some(value.to_owned())),
                    None => (long, None),
                };
                let (_, name, valued) = long_option(name)?;
                let value = match (valued, inline) {
                    (true, None) => {
                        let value = rest.next().cloned();
                        value.ok_or_else(|| {
                            misuse(&format!("option '--{name}' requires an argument"))
                        })?
                    }
                    (_, inline) => inline.unwrap_or_default(),
                };
                options.set(name, value, &mut action)?;
            } else {
                let letters = arg.strip_prefix('-').unwrap_or(arg);
                for (at, letter) in letters.char_indices() {
                    let Some((_, name, valued)) = KNOWN.iter().find(|(known, ..)| *known == letter)
                    else {
                        return Err(misuse(&format!("invalid option -- '{letter}'")));
                    };
                    let inline = &letters[at + letter.len_utf8()..];
                    // In the old style the values stand behind all letters.
                    let value = match (valued, old_style || inline.is_empty()) {
                        (false, _) => String::new(),
                        (true, false) => inline.to_owned(),
                        (true, true) => rest.next().cloned().ok_or_else(|| {
                            misuse(&format!("option requires an argument -- '{letter}'"))
                        })?,
                    };
                    options.set(name, value, &mut action)?;
                    if *valued && !old_style {
                        break;
                    }
                }
            }
        }
        options.action = action.ok_or_else(|| {
            misuse("You must specify one of the '-Acdtrux', '--delete' or '--test-label' options")
        })?;
        if options.action == Action::Create && options.operands.is_empty() {
            return Err(misuse("Cowardly refusing to create an empty archive"));
        }
        Ok(options)
    }

    fn set(
        &mut self,
        name: &str,
        value: String,
        action: &mut Option<Action>,
    ) -> Result<(), String> {
        let asked = match name {
            "create" => Some(Action::Create),
            "append" => Some(Action::Append),
            "list" => Some(Action::List),
            "extract" | "get" => Some(Action::Extract),
            _ => None,
        };
        if let Some(asked) = asked {
            if action.is_some_and(|before| before != asked) {
                return Err(misuse(
                    "You may not specify more than one '-Acdtrux', '--delete' or  '--test-label' option",
                ));
            }
            *action = Some(asked);
            return Ok(());
        }
        match name {
            "file" => self.file = Some(value),
            "directory" => self.directories.push(value),
            "exclude" => self.exclude.push(value),
            "strip-components" => {
                self.strip = value
                    .parse()
                    .map_err(|_| misuse(&format!("{value}: Invalid number of elements")))?;
            }
            "gzip" | "gunzip" => self.gzip = true,
            "auto-compress" => self.auto = true,
            "verbose" => self.verbose += 1,
            "keep-old-files" => self.keep = true,
            "preserve-permissions" | "same-permissions" => self.permissions = true,
            "same-owner" => self.owner = Some(true),
            "no-same-owner" => self.owner = Some(false),
            "numeric-owner" => self.numeric = true,
            "to-stdout" => self.to_stdout = true,
            "touch" => self.touch = true,
            "dereference" => self.dereference = true,
            "absolute-names" => self.absolute_names = true,
            "wildcards" => self.wildcards = true,
            "one-file-system" => self.one_file_system = true,
            "no-recursion" => self.recursion = false,
            // What they ask for is done anyway, or makes no difference to a file that is kept whole.
            "overwrite" | "sparse" => {}
            other => {
                return Err(format!(
                    "tar: a practice instance's tar has no --{other}\ntar: Error is not recoverable: exiting now\n"
                ));
            }
        }
        Ok(())
    }
}

/// A long name, or the only one that begins so.
fn long_option(name: &str) -> Result<(char, &'static str, bool), String> {
    let begun = || KNOWN.iter().filter(|(_, known, _)| known.starts_with(name));
    let exact = KNOWN.iter().find(|(_, known, _)| *known == name);
    match (exact, begun().count()) {
        (Some(known), _) => Ok(*known),
        (None, 1) => begun().next().copied().ok_or_else(String::new),
        (None, 0) => Err(misuse(&format!("unrecognized option '--{name}'"))),
        (None, _) => Err(misuse(&format!("option '--{name}' is ambiguous"))),
    }
}

#[cfg(test)]
mod tests {
    use super::{Action, Options};

    fn read(line: &str) -> Result<Options, String> {
        let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Options::read(&args)
    }

    #[test]
    fn three_ways_of_writing_mean_the_same() {
        let old = read("czf a.tgz x y").unwrap();
        assert_eq!(old, read("-czf a.tgz x y").unwrap());
        assert_eq!(old, read("--create --gzip --file=a.tgz x y").unwrap());
        assert_eq!(old, read("-c x -z --file a.tgz y").unwrap());
        assert_eq!((old.action, old.gzip), (Action::Create, true));
        assert_eq!(old.file.as_deref(), Some("a.tgz"));
    }

    #[test]
    fn a_directory_holds_for_what_comes_after_it() {
        let options = read("cf a x -C d y -C e z").unwrap();
        let seen: Vec<_> = options
            .operands
            .iter()
            .map(|operand| (operand.name.as_str(), operand.directories.join(",")))
            .collect();
        assert_eq!(
            seen,
            [
                ("x", String::new()),
                ("y", "d".to_owned()),
                ("z", "d,e".to_owned())
            ]
        );
    }

    #[test]
    fn contradictions_and_the_unknown_are_refused() {
        for line in [
            "",
            "f a",
            "ctf a x",
            "cf a",
            "-cyf a x",
            "--nothing",
            "cJf a x",
        ] {
            assert!(read(line).is_err(), "{line}");
        }
    }
}
