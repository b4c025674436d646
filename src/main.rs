//! The `efslab` program: reads the command line, calls the library, maps the outcome to an exit code.

use std::process::ExitCode;

use clap::Parser as _;
use efslab::cli::Cli;
use efslab::commands;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = u8::try_from(error.exit_code()).unwrap_or(2);
            // A closed standard output leaves nobody to tell.
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    match commands::run(cli) {
        Ok(outcome) => ExitCode::from(outcome.code()),
        Err(report) => {
            commands::complain(&format!("{report:?}\n"));
            ExitCode::from(commands::Outcome::Failed.code())
        }
    }
}
