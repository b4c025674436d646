//! df's command line: which filesystems, which columns, which unit. Nothing is counted here.

use crate::practice::compute::commands::system::table::Align;
use crate::practice::storage::Mount;

/// In which unit sizes are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Blocks(u64),
    /// With suffixes of this base.
    Human(u64),
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub struct Wanted {
    pub unit: Unit,
    pub types: bool,
    pub inodes: bool,
    pub all: bool,
    pub portable: bool,
    pub total: bool,
    pub local: bool,
    /// Columns, when they are chosen.
    pub output: Option<Vec<Field>>,
    pub only: Vec<String>,
    pub not: Vec<String>,
    pub files: Vec<String>,
}

impl Wanted {
    pub fn read(args: &[String]) -> Result<Self, String> {
        let mut wanted = Self {
            unit: Unit::Blocks(1024),
            types: false,
            inodes: false,
            all: false,
            portable: false,
            total: false,
            local: false,
            output: None,
            only: Vec::new(),
            not: Vec::new(),
            files: Vec::new(),
        };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--human-readable" => wanted.unit = Unit::Human(1024),
                "--si" => wanted.unit = Unit::Human(1000),
                "--print-type" => wanted.types = true,
                "--inodes" => wanted.inodes = true,
                "--all" => wanted.all = true,
                "--local" => wanted.local = true,
                "--portability" => wanted.portable = true,
                "--total" => wanted.total = true,
                "--sync" | "--no-sync" => {}
                "--output" => wanted.output = Some(Field::ALL.to_vec()),
                _ if arg.starts_with("--output=") => {
                    let fields = arg[9..].split(',').map(Field::named).collect::<Option<_>>();
                    wanted.output = Some(fields.ok_or_else(|| arg.clone())?);
                }
                _ if arg.starts_with("--type=") => wanted.only.push(arg[7..].to_owned()),
                _ if arg.starts_with("--exclude-type=") => wanted.not.push(arg[15..].to_owned()),
                _ if arg.len() > 1 && arg.starts_with('-') && !arg.starts_with("--") => {
                    for (at, letter) in arg[1..].char_indices() {
                        match letter {
                            'h' => wanted.unit = Unit::Human(1024),
                            'H' => wanted.unit = Unit::Human(1000),
                            'k' => wanted.unit = Unit::Blocks(1024),
                            'm' => wanted.unit = Unit::Blocks(1 << 20),
                            'T' => wanted.types = true,
                            'i' => wanted.inodes = true,
                            'a' => wanted.all = true,
                            'l' => wanted.local = true,
                            'P' => wanted.portable = true,
                            't' | 'x' => {
                                let rest = &arg[at + 2..];
                                let value = if rest.is_empty() {
                                    args.next().ok_or_else(|| format!("-{letter}"))?.clone()
                                } else {
                                    rest.to_owned()
                                };
                                if letter == 't' {
                                    wanted.only.push(value);
                                } else {
                                    wanted.not.push(value);
                                }
                                break;
                            }
                            _ => return Err(format!("-{letter}")),
                        }
                    }
                }
                _ if arg.starts_with("--") => return Err(arg.clone()),
                _ => wanted.files.push(arg.clone()),
            }
        }
        Ok(wanted)
    }

    pub fn fields(&self) -> Vec<Field> {
        if let Some(chosen) = &self.output {
            return chosen.clone();
        }
        let mut fields = vec![Field::Source];
        if self.types {
            fields.push(Field::Type);
        }
        fields.extend(if self.inodes {
            [
                Field::Inodes,
                Field::InodesUsed,
                Field::InodesFree,
                Field::InodesPercent,
            ]
        } else {
            [Field::Size, Field::Used, Field::Free, Field::Percent]
        });
        fields.push(Field::Target);
        fields
    }

    pub fn shows(&self, mount: &Mount) -> bool {
        // Of several mounts of one filesystem df shows the named ones; `proc` and its like hold nothing.
        let holds = self.all || !self.files.is_empty() || mount.capacity > 0;
        let here = !self.local || !mount.fstype.starts_with("nfs");
        let wanted = self.only.is_empty() || self.only.contains(&mount.fstype);
        holds && here && wanted && !self.not.contains(&mount.fstype)
    }
}

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    Source,
    Type,
    Inodes,
    InodesUsed,
    InodesFree,
    InodesPercent,
    Size,
    Used,
    Free,
    Percent,
    File,
    Target,
}

impl Field {
    /// In the order of `--output` without a list.
    const ALL: [Self; 12] = [
        Self::Source,
        Self::Type,
        Self::Inodes,
        Self::InodesUsed,
        Self::InodesFree,
        Self::InodesPercent,
        Self::Size,
        Self::Used,
        Self::Free,
        Self::Percent,
        Self::File,
        Self::Target,
    ];
    const NAMES: [&str; 12] = [
        "source", "fstype", "itotal", "iused", "iavail", "ipcent", "size", "used", "avail",
        "pcent", "file", "target",
    ];

    /// As `--output` names it.
    fn named(name: &str) -> Option<Self> {
        let place = Self::NAMES.iter().position(|one| *one == name)?;
        Some(Self::ALL[place])
    }

    pub fn title(self, wanted: &Wanted) -> &'static str {
        let human = matches!(wanted.unit, Unit::Human(_));
        match self {
            Self::Source => "Filesystem",
            Self::Type => "Type",
            Self::Inodes => "Inodes",
            Self::InodesUsed => "IUsed",
            Self::InodesFree => "IFree",
            Self::InodesPercent => "IUse%",
            Self::Size if human => "Size",
            Self::Size if wanted.unit != Unit::Blocks(1024) => "1M-blocks",
            Self::Size if wanted.portable => "1024-blocks",
            Self::Size => "1K-blocks",
            Self::Used => "Used",
            Self::Free if wanted.output.is_some() || human && !wanted.portable => "Avail",
            Self::Free => "Available",
            Self::Percent if wanted.portable => "Capacity",
            Self::Percent => "Use%",
            Self::File => "File",
            Self::Target => "Mounted on",
        }
    }

    /// How it stands, and its least width in GNU df.
    pub fn shape(self) -> (Align, usize) {
        match self {
            Self::Source => (Align::Left, 14),
            Self::Type => (Align::Left, 4),
            Self::File | Self::Target => (Align::Left, 0),
            Self::Percent | Self::InodesPercent => (Align::Right, 4),
            _ => (Align::Right, 5),
        }
    }
}
