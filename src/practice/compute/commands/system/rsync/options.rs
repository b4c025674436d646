//! The words after `rsync`. What they lead to does not enter here.

/// What was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one of rsync's switches, independent of the others"
)]
pub struct Options {
    pub recursive: bool,
    pub links: bool,
    pub copy_links: bool,
    pub permissions: bool,
    pub times: bool,
    pub group: bool,
    pub owner: bool,
    pub specials: bool,
    pub hard_links: bool,
    pub verbose: usize,
    pub quiet: bool,
    pub dry_run: bool,
    pub itemize: bool,
    pub human: bool,
    pub stats: bool,
    pub progress: bool,
    pub delete: bool,
    pub delete_excluded: bool,
    pub one_file_system: bool,
    pub update: bool,
    pub checksum: bool,
    pub size_only: bool,
    pub ignore_times: bool,
    pub existing: bool,
    pub ignore_existing: bool,
    pub omit_dir_times: bool,
    /// `--exclude` (`true`) and `--include`, in their order.
    pub rules: Vec<(bool, String)>,
    /// `--exclude-from`: files of patterns.
    pub rule_files: Vec<(bool, String)>,
    /// Sources, and where they go.
    pub operands: Vec<String>,
}

impl Options {
    /// Reads them; `Err`: what rsync says of a wrong use.
    pub fn read(args: &[String]) -> Result<Self, String> {
        let mut options = Self::default();
        let mut rest = args.iter();
        let mut only_operands = false;
        while let Some(arg) = rest.next() {
            if only_operands || arg == "-" || !arg.starts_with('-') {
                options.operands.push(arg.clone());
            } else if arg == "--" {
                only_operands = true;
            } else if let Some(long) = arg.strip_prefix("--") {
                let (name, inline) = match long.split_once('=') {
                    Some((name, value)) => (name, Some(value.to_owned())),
                    None => (long, None),
                };
                options.long(name, inline, &mut rest)?;
            } else {
                for letter in arg[1..].chars() {
                    options.letter(letter)?;
                }
            }
        }
        Ok(options)
    }

    fn letter(&mut self, letter: char) -> Result<(), String> {
        match letter {
            'a' => {
                self.recursive = true;
                self.links = true;
                self.permissions = true;
                self.times = true;
                self.group = true;
                self.owner = true;
                self.specials = true;
            }
            'v' => self.verbose += 1,
            'q' => self.quiet = true,
            'n' => self.dry_run = true,
            'r' => self.recursive = true,
            'l' => self.links = true,
            'L' => self.copy_links = true,
            'p' => self.permissions = true,
            't' => self.times = true,
            'g' => self.group = true,
            'o' => self.owner = true,
            'D' => self.specials = true,
            'H' => self.hard_links = true,
            'O' => self.omit_dir_times = true,
            'P' => self.progress = true,
            'h' => self.human = true,
            'i' => self.itemize = true,
            'c' => self.checksum = true,
            'u' => self.update = true,
            'x' => self.one_file_system = true,
            'I' => self.ignore_times = true,
            // Compression and whole files make no difference to a copy on one machine; there are no holes, access
            // lists or extended attributes to keep.
            'z' | 'W' | 'S' | 'A' | 'X' => {}
            other => return Err(format!("rsync: -{other}: unknown option")),
        }
        Ok(())
    }

    fn long<'a>(
        &mut self,
        name: &str,
        inline: Option<String>,
        rest: &mut impl Iterator<Item = &'a String>,
    ) -> Result<(), String> {
        let letter = match name {
            "archive" => 'a',
            "verbose" => 'v',
            "quiet" => 'q',
            "dry-run" => 'n',
            "recursive" => 'r',
            "links" => 'l',
            "copy-links" => 'L',
            "perms" => 'p',
            "times" => 't',
            "group" => 'g',
            "owner" => 'o',
            "specials" | "devices" => 'D',
            "hard-links" => 'H',
            "omit-dir-times" => 'O',
            "human-readable" => 'h',
            "itemize-changes" => 'i',
            "checksum" => 'c',
            "update" => 'u',
            "one-file-system" => 'x',
            "ignore-times" => 'I',
            "compress" => 'z',
            "whole-file" => 'W',
            "sparse" => 'S',
            "acls" => 'A',
            "xattrs" => 'X',
            _ => '\0',
        };
        if letter != '\0' {
            return self.letter(letter);
        }
        match name {
            "stats" => self.stats = true,
            "progress" => self.progress = true,
            "delete" | "del" | "delete-before" | "delete-during" | "delete-delay"
            | "delete-after" => self.delete = true,
            "delete-excluded" => {
                self.delete = true;
                self.delete_excluded = true;
            }
            "size-only" => self.size_only = true,
            "existing" | "ignore-non-existing" => self.existing = true,
            "ignore-existing" => self.ignore_existing = true,
            "no-perms" | "no-p" => self.permissions = false,
            "no-times" | "no-t" => self.times = false,
            "no-group" | "no-g" => self.group = false,
            "no-owner" | "no-o" => self.owner = false,
            "no-links" | "no-l" => self.links = false,
            "no-recursive" | "no-r" => self.recursive = false,
            "no-D" => self.specials = false,
            // A file that is partly written is removed, as without it; names and numbers are the same on one machine.
            "partial" | "numeric-ids" | "inplace" | "no-whole-file" => {}
            "exclude" | "include" | "exclude-from" | "include-from" => {
                let Some(value) = inline.or_else(|| rest.next().cloned()) else {
                    return Err(format!("rsync: --{name}: missing argument"));
                };
                let rule = (name.starts_with("exclude"), value);
                if name.ends_with("-from") {
                    self.rule_files.push(rule);
                } else {
                    self.rules.push(rule);
                }
            }
            _ => return Err(format!("rsync: --{name}: unknown option")),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Options;

    fn read(line: &str) -> Result<Options, String> {
        let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Options::read(&args)
    }

    #[test]
    fn the_archive_mode_is_its_letters() {
        assert_eq!(read("-av a b").unwrap(), read("-rlptgoDv a b").unwrap());
        assert_eq!(read("-a a b").unwrap(), read("--archive a b").unwrap());
        assert_eq!(read("-av --delete a b").unwrap().operands, ["a", "b"]);
    }

    #[test]
    fn patterns_keep_their_order() {
        let options = read("-a --exclude=x --include y --exclude z a b").unwrap();
        let texts: Vec<_> = options
            .rules
            .iter()
            .map(|(_, text)| text.as_str())
            .collect();
        assert_eq!(texts, ["x", "y", "z"]);
    }

    #[test]
    fn the_unknown_is_refused() {
        assert_eq!(
            read("--foo a b").unwrap_err(),
            "rsync: --foo: unknown option"
        );
        assert_eq!(read("-ay a b").unwrap_err(), "rsync: -y: unknown option");
        assert!(read("a b --exclude").is_err());
    }
}
