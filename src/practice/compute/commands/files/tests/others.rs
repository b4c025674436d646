//! Becoming somebody else on a whole host: `sudo`, `su`, and the shells that stay in a terminal.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use async_trait::async_trait;
use bashkit::terminal::{Terminal, TerminalStatus};

use crate::practice::clock::{Clock, Pace};
use crate::practice::compute::host::{Host, Session};
use crate::practice::compute::users::{Accounts, User};
use crate::practice::compute::{HostSpec, Reach, ResourceSignal, Surroundings, image, kernel};
use crate::practice::storage::Files;

/// No account is around: nothing here asks it for anything.
struct Nowhere;

#[async_trait]
impl Surroundings for Nowhere {
    fn resolve(&self, _instance_id: &str, _name: &str) -> Option<Ipv4Addr> {
        None
    }
    fn reach(&self, _instance_id: &str, _address: Ipv4Addr, _port: u16) -> Reach {
        Reach::Filtered
    }
    fn reaches_internet(&self, _instance_id: &str) -> bool {
        false
    }
    fn public_address(&self, _instance_id: &str) -> Option<Ipv4Addr> {
        None
    }
    fn tags(&self, _instance_id: &str) -> BTreeMap<String, String> {
        BTreeMap::new()
    }
    async fn signal(&self, _instance_id: &str, _signal: ResourceSignal) -> Result<(), String> {
        Err("there is no account".to_owned())
    }
    async fn http(
        &self,
        _instance_id: &str,
        _method: &str,
        _url: &str,
        _body: Vec<u8>,
    ) -> Result<(u16, Vec<u8>), String> {
        Err("there is no account".to_owned())
    }
    async fn powered_off(&self, _instance_id: &str) {}
}

struct Rig {
    host: Arc<Host>,
    _directory: tempfile::TempDir,
}

impl Rig {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let spec = HostSpec {
            instance_id: "i-1".to_owned(),
            region: "us-east-1".to_owned(),
            zone: "us-east-1a".to_owned(),
            instance_type: "t3.micro".to_owned(),
            image_id: "ami-1".to_owned(),
            private_address: Ipv4Addr::new(10, 0, 1, 12),
            authorized_keys: Vec::new(),
            user_data: Vec::new(),
            account_id: "123456789012".to_owned(),
        };
        let host = Arc::new(Host::new(
            spec,
            Clock::new(Pace::Max, "2026-03-01T12:00:00Z".parse().unwrap()),
            Arc::new(Nowhere),
            Files::open(directory.path()).unwrap(),
            image::build().unwrap(),
            String::new(),
        ));
        kernel::mount(&host).unwrap();
        Self {
            host,
            _directory: directory,
        }
    }

    fn user(&self, name: &str) -> User {
        Accounts::read(&self.host.root()).user(name).unwrap()
    }

    /// Runs a line as `ssh host line` does.
    async fn run(&self, user: &str, line: &str) -> (String, String, i32) {
        let activity = Arc::new(self.host.clock.activity());
        let user = self.user(user);
        let mut shell = self.host.shell(&user, Session::Batch, activity).build();
        super::run(&mut shell, line).await
    }

    async fn good(&self, user: &str, line: &str) -> String {
        let (out, err, code) = self.run(user, line).await;
        assert_eq!((err.as_str(), code), ("", 0), "{line}");
        out
    }

    fn terminal(&self, user: &str) -> Terminal {
        let activity = Arc::new(self.host.clock.activity());
        Terminal::new(
            self.host
                .shell(&self.user(user), Session::Interactive, activity),
        )
    }
}

/// Types a line and gives the screen once the shell waits again.
async fn type_in(terminal: &mut Terminal, line: &str) -> String {
    terminal.send(format!("{line}\r"));
    assert_eq!(terminal.run_until_idle().await, TerminalStatus::Idle);
    terminal.screen_text()
}

#[tokio::test]
async fn sudo_runs_a_command_as_root_with_its_arguments_as_they_are() {
    let rig = Rig::new();
    assert_eq!(rig.good("ec2-user", "sudo whoami").await, "root\n");
    assert_eq!(
        rig.good("ec2-user", "sudo printf '[%s]' 'a  b' '' '$x' '*' \"it's\"")
            .await,
        "[a  b][][$x][*][it's]"
    );
    assert_eq!(
        rig.good("ec2-user", "sudo -u nobody id -un; whoami").await,
        "nobody\nec2-user\n"
    );
    assert_eq!(
        rig.good(
            "ec2-user",
            "echo hello | sudo tee /root/f; sudo cat /root/f"
        )
        .await,
        "hello\nhello\n"
    );
    assert_eq!(
        rig.good("ec2-user", "sudo touch mine && ls -l mine | cut -c1-29")
            .await,
        "-rw-r--r-- 1 root root 0 Mar \n"
    );
    assert_eq!(
        rig.good("ec2-user", "cd /tmp && sudo pwd && pwd").await,
        "/tmp\n/tmp\n"
    );
    assert_eq!(rig.run("ec2-user", "sudo sh -c 'exit 7'").await.2, 7);
    assert_eq!(
        rig.run("ec2-user", "sudo ls /nowhere").await,
        (
            String::new(),
            "ls: cannot access '/nowhere': No such file or directory\n".to_owned(),
            2
        )
    );
}

#[tokio::test]
async fn sudo_gives_the_environment_of_its_policy() {
    let rig = Rig::new();
    assert_eq!(
        rig.good(
            "ec2-user",
            "sudo sh -c 'echo $HOME $USER $SUDO_USER $SUDO_UID'"
        )
        .await,
        "/root root ec2-user 1000\n"
    );
    assert_eq!(
        rig.good(
            "ec2-user",
            "export X=1; sudo sh -c 'echo [$X]'; sudo -E sh -c 'echo [$X]'"
        )
        .await,
        "[]\n[1]\n"
    );
    assert_eq!(
        rig.good("ec2-user", "sudo A=1 B='x y' sh -c 'echo $A $B'")
            .await,
        "1 x y\n"
    );
    assert_eq!(
        rig.good("ec2-user", "cd /tmp; sudo -i pwd; sudo -s pwd")
            .await,
        "/root\n/tmp\n"
    );
    assert_eq!(
        rig.good("ec2-user", "sudo -i echo 'a b' '$HOME'").await,
        "a b /root\n"
    );
    assert_eq!(
        rig.good("ec2-user", "echo 'whoami; pwd' | sudo -s").await,
        "root\n/home/ec2-user\n"
    );
}

#[tokio::test]
async fn sudo_finds_programs_only() {
    let rig = Rig::new();
    for name in ["nosuch", "cd", "./nosuch"] {
        let (out, err, code) = rig.run("ec2-user", &format!("sudo {name}")).await;
        assert_eq!(
            (out, err, code),
            (
                String::new(),
                format!("sudo: {name}: command not found\n"),
                1
            )
        );
    }
    let script = "printf '#!/bin/bash\\nwhoami $1\\n' > run; chmod +x run; sudo ./run; sudo -n /usr/bin/id -u";
    assert_eq!(rig.good("ec2-user", script).await, "root\n0\n");
}

#[tokio::test]
async fn who_is_in_no_rule_is_refused() {
    let rig = Rig::new();
    rig.good("root", "useradd alice; useradd bob; usermod -aG wheel bob")
        .await;
    let (_, err, code) = rig.run("alice", "sudo id").await;
    assert_eq!(
        (err.as_str(), code),
        ("alice is not in the sudoers file.\n", 1)
    );
    assert_eq!(rig.good("bob", "sudo whoami").await, "root\n");
    rig.good(
        "root",
        "echo 'alice ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/alice",
    )
    .await;
    assert_eq!(rig.good("alice", "sudo whoami").await, "root\n");
    let (_, err, code) = rig.run("alice", "sudo -u carol id").await;
    assert_eq!((err.as_str(), code), ("sudo: unknown user carol\n", 1));
}

#[tokio::test]
async fn su_is_for_root() {
    let rig = Rig::new();
    let (_, err, code) = rig.run("ec2-user", "su -c whoami").await;
    assert_eq!((err.as_str(), code), ("su: Authentication failure\n", 1));
    assert_eq!(rig.good("ec2-user", "sudo su -c whoami").await, "root\n");
    assert_eq!(
        rig.good(
            "ec2-user",
            "sudo su - ec2-user -c 'whoami; pwd; echo $0 $1' x y"
        )
        .await,
        "ec2-user\n/home/ec2-user\nx y\n"
    );
    assert_eq!(
        rig.good("root", "cd /tmp; su ec2-user -c pwd").await,
        "/tmp\n"
    );
    let (_, err, code) = rig.run("root", "su - nosuch").await;
    assert_eq!(
        (err.as_str(), code),
        (
            "su: user nosuch does not exist or the user entry does not contain all the required fields\n",
            1
        )
    );
    let (_, err, code) = rig.run("root", "su bin -c id").await;
    assert_eq!(
        (err.as_str(), code),
        ("This account is currently not available.\n", 1)
    );
}

#[tokio::test]
async fn a_shell_of_root_stays_in_a_terminal_until_it_exits() {
    let rig = Rig::new();
    let mut terminal = rig.terminal("ec2-user");
    let screen = type_in(&mut terminal, "sudo -i").await;
    assert!(screen.ends_with("[root@ip-10-0-1-12 ~]#"), "{screen}");
    let screen = type_in(&mut terminal, "cd /etc; x=kept").await;
    assert!(screen.ends_with("[root@ip-10-0-1-12 /etc]#"), "{screen}");
    let screen = type_in(
        &mut terminal,
        "echo \"$(whoami)\" $x $PWD; echo 'it'\"'\"'s'",
    )
    .await;
    assert!(screen.contains("\nroot kept /etc\nit's\n"), "{screen}");
    // A line that is not finished asks for the rest here too.
    let screen = type_in(&mut terminal, "echo 'two").await;
    assert!(screen.ends_with('>'), "{screen}");
    let screen = type_in(&mut terminal, "lines'").await;
    assert!(screen.contains("\ntwo\nlines\n"), "{screen}");
    let screen = type_in(&mut terminal, "false").await;
    assert!(screen.ends_with('#'), "{screen}");
    let screen = type_in(&mut terminal, "echo $?").await;
    assert!(screen.contains("\n1\n"), "{screen}");
    let screen = type_in(&mut terminal, "exit 3").await;
    assert!(screen.contains("\nlogout\n"), "{screen}");
    assert!(screen.ends_with("[ec2-user@ip-10-0-1-12 ~]$"), "{screen}");
    let screen = type_in(&mut terminal, "echo $? $(whoami)").await;
    assert!(screen.contains("\n3 ec2-user\n"), "{screen}");
}

#[tokio::test]
async fn shells_go_into_each_other_and_come_back_one_by_one() {
    let rig = Rig::new();
    rig.good("root", "useradd alice").await;
    let mut terminal = rig.terminal("ec2-user");
    let screen = type_in(&mut terminal, "sudo su -").await;
    assert!(screen.ends_with("[root@ip-10-0-1-12 ~]#"), "{screen}");
    let screen = type_in(&mut terminal, "su - alice").await;
    assert!(screen.ends_with("[alice@ip-10-0-1-12 ~]$"), "{screen}");
    let screen = type_in(&mut terminal, "whoami; sudo id").await;
    assert!(
        screen.contains("\nalice\nalice is not in the sudoers file.\n"),
        "{screen}"
    );
    let screen = type_in(&mut terminal, "exit").await;
    assert!(screen.ends_with("[root@ip-10-0-1-12 ~]#"), "{screen}");
    let screen = type_in(&mut terminal, "exit").await;
    assert!(screen.ends_with("[ec2-user@ip-10-0-1-12 ~]$"), "{screen}");
    let screen = type_in(&mut terminal, "cd /tmp; sudo bash").await;
    // Not alone on its line: the rest of the line would run as the wrong user.
    assert!(
        screen.contains("sudo: on a practice host a shell can only be opened by a line of its own"),
        "{screen}"
    );
    type_in(&mut terminal, "clear; sudo bash").await;
    let screen = type_in(&mut terminal, "sudo bash").await;
    assert!(screen.ends_with("[root@ip-10-0-1-12 /tmp]#"), "{screen}");
}

#[tokio::test]
async fn columns_are_shown_through_sudo_but_not_through_a_pipe() {
    let rig = Rig::new();
    rig.good("root", "mkdir /root/d; touch /root/d/a /root/d/b")
        .await;
    let mut terminal = rig.terminal("ec2-user");
    let screen = type_in(&mut terminal, "sudo ls /root/d").await;
    assert!(screen.contains("\na  b\n"), "{screen}");
    let screen = type_in(&mut terminal, "clear").await;
    assert!(!screen.contains("a  b"), "{screen}");
    let screen = type_in(&mut terminal, "sudo ls /root/d | cat").await;
    assert!(screen.contains("\na\nb\n"), "{screen}");
    let screen = type_in(&mut terminal, "sudo sh -c 'ls /root/d | wc -l'").await;
    assert!(screen.contains("\n2\n"), "{screen}");
}

#[tokio::test]
async fn programs_are_found_where_they_are() {
    let rig = Rig::new();
    assert_eq!(
        rig.good(
            "ec2-user",
            "which ls; command -v ls; type ls; type -t cd; which useradd sudo"
        )
        .await,
        "/usr/bin/ls\n/usr/bin/ls\nls is /usr/bin/ls\nbuiltin\n/usr/sbin/useradd\n/usr/bin/sudo\n"
    );
    assert_eq!(
        rig.good(
            "ec2-user",
            "/usr/bin/ls -d /etc; /bin/ls -d /etc; /usr/bin/sudo /usr/bin/whoami"
        )
        .await,
        "/etc\n/etc\nroot\n"
    );
    assert_eq!(
        rig.good(
            "ec2-user",
            "[ -x /usr/bin/chown ] && ls -l /usr/bin/chown | cut -c1-22"
        )
        .await,
        "-rwxr-xr-x 1 root root\n"
    );
}

#[tokio::test]
async fn everything_is_on_disk_after_sync() {
    let rig = Rig::new();
    assert_eq!(rig.good("ec2-user", "echo x > f; sync").await, "");
}
