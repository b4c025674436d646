//! The command line: what can be said to efslab. Parsing only.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Share a home directory between two machines with Amazon EFS, for real, and leave no bill.
#[derive(Debug, Parser)]
#[command(
    name = "efslab",
    version,
    arg_required_else_help = true,
    propagate_version = false
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
}

/// Options that every command takes.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// Where the lab runs; the practice account needs no AWS account and costs nothing
    #[arg(long, global = true, value_enum)]
    pub target: Option<Target>,
    /// AWS profile, for --target aws
    #[arg(long, global = true)]
    pub profile: Option<String>,
    /// Region; on practice us-east-1 unless said otherwise
    #[arg(long, global = true)]
    pub region: Option<String>,
    /// Use a practice account that `efslab practice serve` serves there, with the credentials it printed
    #[arg(long, global = true, value_name = "URL")]
    pub endpoint_url: Option<String>,
    /// How fast time passes in the practice account: a number of times faster than real, or `max`
    #[arg(long, global = true, value_name = "PACE", default_value = "20")]
    pub pace: String,
    /// What goes wrong in the practice account that this program serves (docs/FAULTS.md)
    #[arg(long, global = true, value_name = "FILE", env = "EFSLAB_FAULTS")]
    pub faults: Option<PathBuf>,
    /// How long a lab lives after you were last seen: then it removes itself. For example 90m, 4h, 1d
    #[arg(long, global = true, value_name = "DURATION", default_value = "4h")]
    pub ttl: String,
    /// Make no guard that removes the lab: it stands, and is billed, until it is cleaned up
    #[arg(long, global = true, conflicts_with = "ttl")]
    pub no_guard: bool,
    /// Who is mailed when an alarm of the lab goes off; nobody unless said. The practice account mails nobody
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub alarm_email: Option<String>,
    /// Where labs, keys and the practice account are kept
    #[arg(long, global = true, value_name = "DIR", env = "EFSLAB_STATE_DIR")]
    pub state_dir: Option<PathBuf>,
}

/// Where a lab runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Target {
    /// The account inside this program.
    Practice,
    /// Your AWS account.
    Aws,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Begin a lab, at its first lesson or at LESSON
    Start {
        /// Lesson id, see `efslab lessons list`
        lesson: Option<String>,
        /// Do not ask about --no-guard
        #[arg(long, short)]
        yes: bool,
    },
    /// Go on with a lab where it was left
    Resume {
        /// Go to this lesson
        lesson: Option<String>,
        /// Which lab; the one used last unless said otherwise
        #[arg(long, value_name = "ID")]
        lab: Option<String>,
        /// Do not ask about --no-guard
        #[arg(long, short)]
        yes: bool,
    },
    /// Delete everything a lab made, and prove that nothing is left
    Cleanup {
        /// Which labs; every one of this state directory that is not clean unless said otherwise. One that was made
        /// elsewhere is found in the account that --target, --profile and --region name
        labs: Vec<String>,
        /// Every lab of the account, whoever made it; asks before one that somebody may be using
        #[arg(long, conflicts_with = "labs")]
        all: bool,
        /// Only say what would be deleted
        #[arg(long)]
        dry_run: bool,
        /// Print the receipts as JSON
        #[arg(long)]
        json: bool,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// Do the lab unattended: every step must fail first, then pass; then clean up
    Run {
        /// Only these lessons
        lessons: Vec<String>,
        /// Leave the lab standing
        #[arg(long)]
        keep: bool,
        /// Do not ask about --no-guard
        #[arg(long, short)]
        yes: bool,
    },
    /// Say which labs there are and what of them may still be standing
    Status {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Look whether everything the lab needs is there
    Doctor,
    /// Log in to a machine of a lab, or run COMMAND there
    Ssh {
        /// Which machine
        machine: Machine,
        /// Which lab; the one used last unless said otherwise
        lab: Option<String>,
        /// What to run there
        #[arg(last = true)]
        command: Vec<String>,
    },
    /// Look at the lessons, or check a lesson file
    Lessons {
        /// What to do with them.
        #[command(subcommand)]
        what: Lessons,
    },
    /// Print the CloudFormation template
    Template {
        /// How much of it
        #[arg(long, value_enum, default_value_t = Stage::Share)]
        stage: Stage,
    },
    /// Serve a practice account, or look into one
    Practice {
        /// What to do.
        #[command(subcommand)]
        what: Practice,
    },
}

/// One of the two machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Machine {
    /// The machine in the first zone.
    A,
    /// The machine in the second zone.
    B,
}

/// How much of the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Stage {
    /// Network, filesystem, mount targets, instances
    Share,
    /// And alarms
    Alarms,
    /// And the backup volume
    Backup,
    /// The guard, a stack of its own that removes the lab when its lease is over
    Guard,
}

/// What can be done with lessons.
#[derive(Debug, Subcommand)]
pub enum Lessons {
    /// One line a lesson
    List,
    /// A lesson's steps
    Show {
        /// Lesson id
        lesson: String,
    },
    /// What the terms of the lab mean
    Glossary {
        /// Only terms that have this in their name or meaning
        term: Option<String>,
    },
    /// Check lesson files; without PATH the ones inside this program
    Check {
        /// Files or directories
        paths: Vec<PathBuf>,
    },
}

/// What can be done with a practice account.
#[derive(Debug, Subcommand)]
pub enum Practice {
    /// Serve it, print how to reach it, and go on until told to stop
    Serve {
        /// TCP port on 127.0.0.1; any free one unless said otherwise
        #[arg(long)]
        port: Option<u16>,
        /// Where it keeps its state; below the state directory unless said otherwise
        #[arg(long, value_name = "DIR")]
        data_dir: Option<PathBuf>,
    },
    /// Print the lines that lead a shell to the account that runs here: eval "$(efslab practice env)"
    Env,
    /// Print an ssh_config by which `ssh -F FILE ec2-user@ADDRESS` reaches every running instance
    SshConfig,
    /// Move its clock forward, e.g. by `15m`
    Advance {
        /// A number with s, m, h or d
        duration: String,
    },
    /// Delete everything in it
    Reset,
}
