//! rpm, for asking only: `rpm -q NAME`, `rpm -qa`, `rpm -ql NAME`.

use async_trait::async_trait;

use super::packages;
use super::program::{Call, Ended, Program};
use crate::practice::compute::host::Seat;

/// `rpm`
pub struct Rpm;

#[async_trait]
impl Program for Rpm {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let mut letters = String::new();
        let mut names = Vec::new();
        for arg in call.args {
            match arg.as_str() {
                "--query" => letters.push('q'),
                "--all" => letters.push('a'),
                "--quiet" => {}
                _ if arg.starts_with("--") => {
                    return call.fail(1, format!("rpm: {arg}: unknown option")).await;
                }
                _ if arg.starts_with('-') => letters.push_str(&arg[1..]),
                _ => names.push(arg),
            }
        }
        if !letters.contains('q') || letters.chars().any(|letter| !"qal".contains(letter)) {
            let what =
                "rpm: a practice instance only answers rpm -q, -qa and -ql; install with dnf";
            return call.fail(1, what).await;
        }
        let host = &seat.host;
        if letters.contains('a') {
            let mut all: Vec<_> = packages::all()
                .filter(|package| packages::is_installed(host, package))
                .map(packages::Package::rpm_name)
                .collect();
            all.sort();
            return call.done(all.join("\n")).await;
        }
        if names.is_empty() {
            return call.fail(1, "rpm: no arguments given for query").await;
        }
        let mut status = 0;
        for name in names {
            let found =
                packages::find(name).filter(|package| packages::is_installed(host, package));
            match found {
                Some(package) if letters.contains('l') => {
                    for path in package.paths() {
                        call.done(path).await?;
                    }
                }
                Some(package) => _ = call.done(package.rpm_name()).await?,
                None => {
                    call.done(format!("package {name} is not installed"))
                        .await?;
                    status = 1;
                }
            }
        }
        Ok(status)
    }
}
