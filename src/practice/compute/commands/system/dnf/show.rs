//! What dnf only tells: list, search, info.

use super::Run;
use crate::practice::compute::commands::system::packages;
use crate::practice::compute::commands::system::program::Ended;

impl Run<'_> {
    pub async fn list(&self) -> Ended {
        let word = |word: &str| self.wanted.operands.iter().any(|one| one == word);
        let (installed, available) = match (word("installed"), word("available")) {
            (true, false) => (true, false),
            (false, true) => (false, true),
            _ => (true, true),
        };
        let names: Vec<_> = self
            .wanted
            .operands
            .iter()
            .filter(|one| !matches!(one.as_str(), "installed" | "available" | "all"))
            .collect();
        let mut found = false;
        for (wanted, title, repository) in [
            (installed.then_some(true), "Installed Packages", "@System"),
            (
                available.then_some(false),
                "Available Packages",
                "amazonlinux",
            ),
        ] {
            let Some(there) = wanted else { continue };
            let mut lines: Vec<_> = packages::all()
                .filter(|package| self.has(package) == there)
                .filter(|package| {
                    names.is_empty() || names.iter().any(|name| *name == package.name)
                })
                .map(|package| {
                    format!(
                        "{:<40} {:<32} {repository}",
                        format!("{}.{}", package.name, package.arch),
                        package.full_version()
                    )
                })
                .collect();
            if !lines.is_empty() {
                found = true;
                lines.sort();
                self.call
                    .out(format!("{title}\n{}\n", lines.join("\n")))
                    .await?;
            }
        }
        if found {
            return Ok(0);
        }
        self.call
            .fail(1, "Error: No matching Packages to list")
            .await
    }

    pub async fn search(&self) -> Ended {
        if !self.metadata().await? {
            return Ok(1);
        }
        let mut any = false;
        for package in packages::all() {
            let mut terms = self
                .wanted
                .operands
                .iter()
                .map(|term| term.to_ascii_lowercase());
            let summary = package.summary.to_ascii_lowercase();
            if terms.any(|term| package.name.contains(&term) || summary.contains(&term)) {
                any = true;
                let line = format!("{}.{} : {}\n", package.name, package.arch, package.summary);
                self.call.out(line).await?;
            }
        }
        if any {
            return Ok(0);
        }
        self.call.out("No matches found.\n").await?;
        Ok(0)
    }

    pub async fn info(&self) -> Ended {
        let mut any = false;
        for package in self
            .wanted
            .operands
            .iter()
            .filter_map(|name| packages::find(name))
        {
            any = true;
            let (title, repository) = if self.has(package) {
                ("Installed Packages", "@System")
            } else {
                ("Available Packages", "amazonlinux")
            };
            self.call
                .out(format!(
                    "{title}\nName         : {}\nVersion      : {}\nArchitecture : {}\nRepository   : {repository}\nSummary      : {}\n\n",
                    package.name,
                    package.full_version(),
                    package.arch,
                    package.summary
                ))
                .await?;
        }
        if any {
            return Ok(0);
        }
        self.call
            .fail(1, "Error: No matching Packages to list")
            .await
    }
}
