//! dnf, rpm, and what is there only after them.

use super::Rig;
use crate::practice::compute::commands::system::{of_packages, packages};

#[test]
fn every_program_a_package_brings_exists_and_every_such_program_comes_from_one() {
    let brought: Vec<_> = packages::all()
        .flat_map(packages::Package::programs)
        .collect();
    // crontab is a part of the shell, as it runs an editor.
    let programs = of_packages().into_iter().map(|(name, _)| name);
    let known: Vec<_> = programs.chain(["crontab"]).collect();
    for name in &brought {
        assert!(known.contains(name), "{name} does not exist");
    }
    for name in &known {
        assert!(brought.contains(name), "{name} comes from no package");
    }
}

#[tokio::test]
async fn a_program_is_there_while_its_package_is() {
    let rig = Rig::new();
    let ran = rig.user("nc -z localhost 22").await.ended(127);
    assert_eq!(ran.err, "bash: nc: command not found\n");
    let ran = rig.root("dnf install -y nmap-ncat").await.ended(0);
    assert!(
        ran.out.contains("Installing dependencies:\n libpcap"),
        "{}",
        ran.out
    );
    assert!(ran.out.ends_with("Complete!\n"), "{}", ran.out);
    assert_eq!(
        rig.user("command -v nc; rpm -q nmap-ncat")
            .await
            .ended(0)
            .out,
        "/usr/bin/nc\nnmap-ncat-7.93-4.amzn2023.x86_64\n"
    );
    rig.user("nc -z localhost 22").await.ended(0);
    let ran = rig.root("dnf install -y nmap-ncat").await.ended(0);
    assert!(
        ran.out
            .contains("is already installed.\nDependencies resolved.\nNothing to do.\nComplete!\n"),
        "{}",
        ran.out
    );
    rig.root("dnf remove -y libpcap").await.ended(0);
    rig.user("nc -z localhost 22").await.ended(127);
    assert_eq!(
        rig.user("rpm -q nmap-ncat").await.ended(1).out,
        "package nmap-ncat is not installed\n"
    );
}

#[tokio::test]
async fn installing_takes_account_time() {
    let rig = Rig::new();
    let (first, ran) = rig.seconds("dnf install -yq nmap-ncat").await;
    ran.ended(0);
    let (second, ran) = rig.seconds("dnf install -yq aws-cfn-bootstrap").await;
    ran.ended(0);
    // The repository is read once; then a second for each package.
    assert_eq!((first, second), (8 + 2, 3));
}

#[tokio::test]
async fn only_root_installs_and_only_what_there_is() {
    let rig = Rig::new();
    assert!(
        rig.user("dnf install -y nmap-ncat")
            .await
            .ended(1)
            .err
            .contains("superuser privileges")
    );
    let ran = rig.root("dnf install -y nmap-ncat frob").await.ended(1);
    assert!(
        ran.err
            .starts_with("Error: Unable to find a match: frob\n(a practice instance knows only "),
        "{}",
        ran.err
    );
    rig.root("rpm -q nmap-ncat").await.ended(1);
    let ran = rig.root("dnf remove -y bash").await.ended(1);
    assert!(ran.err.contains("protected packages: bash"), "{}", ran.err);
}

#[tokio::test]
async fn without_a_yes_nothing_is_installed() {
    let rig = Rig::new();
    let ran = rig.root("dnf install nmap-ncat").await.ended(1);
    assert_eq!(ran.err, "Operation aborted.\n");
    rig.root("rpm -q nmap-ncat").await.ended(1);
    rig.root("echo y | dnf install nmap-ncat && rpm -q nmap-ncat")
        .await
        .ended(0);
}

#[tokio::test]
async fn without_a_way_to_the_internet_nothing_is_found() {
    let rig = Rig::new();
    *rig.around.offline.lock().unwrap() = true;
    let (seconds, ran) = rig.seconds("dnf install -y nfs-utils").await;
    assert!(ran.ended(1).err.contains("Failed to download metadata"));
    assert_eq!(seconds, 120);
}

#[tokio::test]
async fn every_command_of_the_image_has_its_file() {
    let rig = Rig::new();
    for (path, _) in super::files(crate::practice::compute::Edition::default()) {
        let name = path.rsplit('/').next().unwrap();
        let ran = rig.root(&format!("command -v {name}")).await.ended(0);
        assert_eq!(ran.out, format!("{path}\n"));
    }
}
