//! dnf (and yum, which is the same): installing, removing and listing packages. The packages are in `packages`.

mod show;

use std::fmt::Write as _;
use std::time::Duration;

use async_trait::async_trait;

use super::packages::{self, Package};
use super::program::{Call, Ended, Program};
use super::services;
use super::table::human;
use crate::practice::compute::host::Seat;

/// `dnf`, `yum`
pub struct Dnf;

/// How long reading the repository takes the first time: an estimate from boots of t3.micro.
const METADATA: Duration = Duration::from_secs(8);
/// How long one package takes to come and be unpacked: an estimate, likewise.
const EACH: Duration = Duration::from_secs(1);
/// How long dnf tries a repository that does not answer: `timeout` (30 s) for each of four tries (dnf.conf(5)).
const UNREACHABLE: Duration = Duration::from_mins(2);

#[derive(Debug, Default, PartialEq, Eq)]
struct Wanted {
    yes: bool,
    quiet: bool,
    command: String,
    operands: Vec<String>,
}

impl Wanted {
    fn read(args: &[String]) -> Result<Self, String> {
        let mut wanted = Self::default();
        for arg in args {
            match arg.as_str() {
                "-y" | "--assumeyes" => wanted.yes = true,
                "-q" | "--quiet" => wanted.quiet = true,
                "-yq" | "-qy" => {
                    wanted.yes = true;
                    wanted.quiet = true;
                }
                "-v" | "--verbose" | "--nogpgcheck" | "--best" | "--refresh" | "--allowerasing"
                | "--installed" | "--available" | "--all" => {
                    if arg.starts_with("--") {
                        wanted.operands.extend(match arg.as_str() {
                            "--installed" => Some("installed".to_owned()),
                            "--available" => Some("available".to_owned()),
                            _ => None,
                        });
                    }
                }
                _ if arg.starts_with("--setopt=") || arg.starts_with("--releasever=") => {}
                _ if arg.len() > 1 && arg.starts_with('-') => return Err(arg.clone()),
                _ if wanted.command.is_empty() => wanted.command.clone_from(arg),
                _ => wanted.operands.push(arg.clone()),
            }
        }
        Ok(wanted)
    }
}

#[async_trait]
impl Program for Dnf {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let wanted = match Wanted::read(call.args) {
            Ok(wanted) => wanted,
            Err(argument) => {
                let what = format!("dnf: error: unrecognized arguments: {argument}");
                return call.fail(2, what).await;
            }
        };
        let dnf = Run { seat, call, wanted };
        match dnf.wanted.command.as_str() {
            "install" | "reinstall" => dnf.install().await,
            "remove" | "erase" | "autoremove" => dnf.remove().await,
            "list" => dnf.list().await,
            "search" => dnf.search().await,
            "info" => dnf.info().await,
            "update" | "upgrade" | "upgrade-minimal" | "check-update" => dnf.update().await,
            "makecache" => dnf.make_cache().await,
            "clean" => call.done("0 files removed").await,
            "" => call.fail(1, "usage: dnf [options] COMMAND").await,
            other => {
                let what = format!(
                    "No such command: {other}. Please use /usr/bin/dnf --help\nIt could be a DNF plugin command."
                );
                call.fail(1, what).await
            }
        }
    }
}

const NOT_ROOT: &str = "Error: This command has to be run with superuser privileges (under the root user on most systems).";
const RULE: &str =
    "================================================================================";

struct Run<'a> {
    seat: &'a Seat,
    call: &'a Call<'a>,
    wanted: Wanted,
}

impl Run<'_> {
    async fn say(&self, text: &str) -> bashkit::Result<()> {
        if self.wanted.quiet {
            return Ok(());
        }
        self.call.out(format!("{text}\n")).await
    }

    fn is_root(&self) -> bool {
        self.seat.user.identity.is_root()
    }

    fn has(&self, package: &Package) -> bool {
        packages::is_installed(&self.seat.host, package)
    }

    /// Reads the repository; `false`, with dnf's words, when it cannot be reached.
    async fn metadata(&self) -> bashkit::Result<bool> {
        let host = &self.seat.host;
        if !host.surroundings.reaches_internet(&host.spec.instance_id) {
            self.seat.activity.sleep(UNREACHABLE).await;
            let what = "Errors during downloading metadata for repository 'amazonlinux':\n  - Curl error (28): Timeout \
                        was reached [Connection timed out after 30000 milliseconds]\nError: Failed to download metadata \
                        for repo 'amazonlinux': Cannot download repomd.xml: All mirrors were tried";
            self.call.complain(what).await?;
            return Ok(false);
        }
        let cache = "/var/cache/dnf/amazonlinux.solv";
        let disk = host.root();
        if let Ok(found) = disk.stat(cache) {
            let at = found.modified;
            let ago = host.clock.now().duration_since(at).as_secs().max(0);
            self.say(&format!(
                "Last metadata expiration check: {}:{:02}:{:02} ago on {}.",
                ago / 3600,
                ago / 60 % 60,
                ago % 60,
                at.strftime("%a %b %e %H:%M:%S %Y")
            ))
            .await?;
            return Ok(true);
        }
        self.say(if host.spec.edition.has_systemd() {
            "Amazon Linux 2023 repository                    4.3 MB/s |  34 MB     00:08"
        } else {
            "amzn-main/latest                                                 | 2.1 kB     00:00"
        })
        .await?;
        self.seat.activity.sleep(METADATA).await;
        if self.is_root() {
            let kept = disk
                .make_dirs("/var/cache/dnf")
                .and_then(|()| disk.write(cache, b""));
            if let Err(error) = kept {
                tracing::debug!(%error, "dnf keeps no cache");
            }
        }
        Ok(true)
    }

    async fn install(&self) -> Ended {
        if !self.is_root() {
            return self.call.fail(1, NOT_ROOT).await;
        }
        if self.wanted.operands.is_empty() {
            let what = "dnf install: error: the following arguments are required: PACKAGE";
            return self.call.fail(2, what).await;
        }
        if !self.metadata().await? {
            return Ok(1);
        }
        let mut chosen: Vec<&'static Package> = Vec::new();
        let mut missing = Vec::new();
        for name in &self.wanted.operands {
            match packages::find(name) {
                Some(package) if self.has(package) => {
                    self.say(&format!(
                        "Package {} is already installed.",
                        package.full_name()
                    ))
                    .await?;
                }
                Some(package) => {
                    if !chosen.iter().any(|one| one.name == package.name) {
                        chosen.push(package);
                    }
                }
                None => missing.push(name.as_str()),
            }
        }
        if !missing.is_empty() {
            for name in &missing {
                self.say(&format!("No match for argument: {name}")).await?;
            }
            let what = format!(
                "Error: Unable to find a match: {}\n(a practice instance knows only {} packages; Amazon Linux may have it)",
                missing.join(" "),
                packages::all().count()
            );
            return self.call.fail(1, what).await;
        }
        let mut all: Vec<&'static Package> = Vec::new();
        for package in &chosen {
            for one in packages::closure(package, &|one| self.has(one)) {
                if !all.iter().any(|other| other.name == one.name) {
                    all.push(one);
                }
            }
        }
        self.say("Dependencies resolved.").await?;
        if all.is_empty() {
            self.say("Nothing to do.").await?;
            self.say("Complete!").await?;
            return Ok(0);
        }
        self.say(&plan(&chosen, &all)).await?;
        if !self.agreed().await? {
            return Ok(1);
        }
        self.say("Downloading Packages:").await?;
        for (index, package) in all.iter().enumerate() {
            let file = format!("{}.rpm", package.rpm_name());
            self.say(&format!(
                "({}/{}): {file:<50.50} {:>8}B",
                index + 1,
                all.len(),
                human(package.download * 1024, 1024)
            ))
            .await?;
        }
        self.say("Running transaction check\nTransaction check succeeded.\nRunning transaction test\nTransaction test succeeded.\nRunning transaction")
            .await?;
        for (index, package) in all.iter().enumerate() {
            self.seat.activity.sleep(EACH).await;
            if let Err(error) = package.unpack(&self.seat.host.root()) {
                let what = format!(
                    "Error: Transaction failed: {}: {error}",
                    package.full_name()
                );
                return self.call.fail(1, what).await;
            }
            self.seat.host.add_package(package.name);
            services::installed(&self.seat.host, package.name);
            self.say(&format!(
                "  Installing       : {:<50} {}/{}",
                package.full_name(),
                index + 1,
                all.len()
            ))
            .await?;
        }
        self.finish("Installed:", &all).await
    }

    async fn remove(&self) -> Ended {
        if !self.is_root() {
            return self.call.fail(1, NOT_ROOT).await;
        }
        let mut leaving: Vec<&'static Package> = Vec::new();
        for name in &self.wanted.operands {
            match packages::find(name) {
                Some(package) if !self.has(package) => {
                    self.say(&format!("No match for argument: {name}")).await?;
                }
                Some(package) if packages::is_protected(package) => {
                    let what = format!(
                        "Error: \n Problem: The operation would result in removing the following protected packages: {}",
                        package.name
                    );
                    return self.call.fail(1, what).await;
                }
                Some(package) => leaving.push(package),
                None => self.say(&format!("No match for argument: {name}")).await?,
            }
        }
        // What needs one of them goes with it.
        loop {
            let more = packages::all().find(|package| {
                self.has(package)
                    && !leaving.iter().any(|one| one.name == package.name)
                    && package
                        .requires
                        .iter()
                        .any(|needed| leaving.iter().any(|one| one.name == *needed))
            });
            match more {
                Some(package) => leaving.push(package),
                None => break,
            }
        }
        if leaving.is_empty() {
            self.say("No packages marked for removal.\nDependencies resolved.\nNothing to do.\nComplete!")
                .await?;
            return Ok(0);
        }
        self.say("Dependencies resolved.\nRemoving:").await?;
        for package in &leaving {
            self.say(&format!(" {}", package.full_name())).await?;
        }
        if !self.agreed().await? {
            return Ok(1);
        }
        for package in &leaving {
            self.seat.activity.sleep(EACH).await;
            package.erase(&self.seat.host);
            self.seat.host.remove_package(package.name);
        }
        self.finish("Removed:", &leaving).await
    }

    /// Without `-y` somebody must say yes.
    async fn agreed(&self) -> bashkit::Result<bool> {
        if self.wanted.yes {
            return Ok(true);
        }
        self.call.out("Is this ok [y/N]: ").await?;
        let answer = self.call.answer(self.seat).await?;
        let answer = String::from_utf8_lossy(&answer).trim().to_ascii_lowercase();
        self.call.out("\n").await?;
        if answer
            .lines()
            .next()
            .is_some_and(|line| matches!(line.trim(), "y" | "yes"))
        {
            return Ok(true);
        }
        self.call.complain("Operation aborted.").await?;
        Ok(false)
    }

    async fn finish(&self, what: &str, packages: &[&Package]) -> Ended {
        let mut names: Vec<_> = packages.iter().map(|package| package.full_name()).collect();
        names.sort();
        // dnf tells what it changed even when it is quiet.
        self.call
            .out(format!("\n{what}\n  {}\n\n", names.join("\n  ")))
            .await?;
        self.say("Complete!").await?;
        Ok(0)
    }

    async fn update(&self) -> Ended {
        if self.wanted.command != "check-update" && !self.is_root() {
            return self.call.fail(1, NOT_ROOT).await;
        }
        if !self.metadata().await? {
            return Ok(1);
        }
        // An image is locked to the release it was made from, so there is nothing newer.
        if self.wanted.command != "check-update" {
            self.say("Dependencies resolved.\nNothing to do.\nComplete!")
                .await?;
        }
        Ok(0)
    }

    async fn make_cache(&self) -> Ended {
        if !self.metadata().await? {
            return Ok(1);
        }
        self.say("Metadata cache created.").await?;
        Ok(0)
    }
}

/// The table of what is going to be installed.
fn plan(chosen: &[&Package], all: &[&Package]) -> String {
    let row = |package: &Package| {
        format!(
            " {:<22} {:<8} {:<30} {:<12} {:>4}\n",
            package.name,
            package.arch,
            package.full_version(),
            "amazonlinux",
            human(package.download * 1024, 1024)
        )
    };
    let mut text = format!(
        "{RULE}\n {:<22} {:<8} {:<30} {:<12} {:>4}\n{RULE}\nInstalling:\n",
        "Package", "Arch", "Version", "Repository", "Size"
    );
    let is_chosen = |package: &&&Package| chosen.iter().any(|one| one.name == package.name);
    text.extend(all.iter().filter(is_chosen).map(|package| row(package)));
    let mut needed: Vec<_> = all.iter().filter(|package| !is_chosen(package)).collect();
    if !needed.is_empty() {
        needed.sort_by_key(|package| package.name);
        text.push_str("Installing dependencies:\n");
        text.extend(needed.into_iter().map(|package| row(package)));
    }
    let sum =
        |size: fn(&Package) -> u64| all.iter().map(|package| size(package)).sum::<u64>() * 1024;
    let _ = write!(
        text,
        "\nTransaction Summary\n{RULE}\nInstall  {} Package{}\n\nTotal download size: {}\nInstalled size: {}",
        all.len(),
        if all.len() == 1 { "" } else { "s" },
        human(sum(|package| package.download), 1024),
        human(sum(|package| package.size), 1024)
    );
    text
}

#[cfg(test)]
mod tests {
    use super::{Wanted, packages, plan};

    #[test]
    fn options_may_stand_anywhere() {
        let args = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let wanted = Wanted::read(&args("-q install nfs-utils -y nmap-ncat")).unwrap();
        assert!(wanted.yes && wanted.quiet);
        assert_eq!(wanted.command, "install");
        assert_eq!(wanted.operands, ["nfs-utils", "nmap-ncat"]);
        assert_eq!(
            Wanted::read(&args("install --frob x")),
            Err("--frob".to_owned())
        );
    }

    #[test]
    fn the_plan_tells_chosen_from_needed() {
        let chosen = [packages::find("nmap-ncat").unwrap()];
        let all = packages::closure(chosen[0], &|_| false);
        let text = plan(&chosen, &all);
        let at = |what: &str| {
            text.find(what)
                .unwrap_or_else(|| panic!("{what} in {text}"))
        };
        assert!(at("Installing:") < at(" nmap-ncat"));
        assert!(at(" nmap-ncat") < at("Installing dependencies:"));
        assert!(at("Installing dependencies:") < at(" libpcap"));
        assert!(text.contains("Install  2 Packages"), "{text}");
    }
}
