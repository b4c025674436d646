//! Becoming somebody else on a whole host: `sudo`, `su`, and the shells that stay in a terminal; and what a user may
//! not see there.

use std::sync::Arc;

use super::rig::Rig;
use crate::practice::compute::host::Session;
use crate::practice::compute::image::stand_in;
use crate::practice::compute::users::User;

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
    let (out, _, code) = rig.run("root", "su bin -c id").await;
    assert_eq!(
        (out.as_str(), code),
        ("This account is currently not available.\n", 1)
    );
}

#[tokio::test]
async fn a_shell_of_root_stays_in_a_terminal_until_it_exits() {
    let rig = Rig::new();
    let mut terminal = rig.desk("ec2-user");
    let screen = terminal.type_in("sudo -i").await;
    assert!(screen.ends_with("[root@ip-10-0-1-12 ~]#"), "{screen}");
    let screen = terminal.type_in("cd /etc; x=kept").await;
    assert!(screen.ends_with("[root@ip-10-0-1-12 /etc]#"), "{screen}");
    let screen = terminal
        .type_in("echo \"$(whoami)\" $x $PWD; echo 'it'\"'\"'s'")
        .await;
    assert!(screen.contains("\nroot kept /etc\nit's\n"), "{screen}");
    // A line that is not finished asks for the rest here too.
    let screen = terminal.type_in("echo 'two").await;
    assert!(screen.ends_with('>'), "{screen}");
    let screen = terminal.type_in("lines'").await;
    assert!(screen.contains("\ntwo\nlines\n"), "{screen}");
    let screen = terminal.type_in("false").await;
    assert!(screen.ends_with('#'), "{screen}");
    let screen = terminal.type_in("echo $?").await;
    assert!(screen.contains("\n1\n"), "{screen}");
    let screen = terminal.type_in("exit 3").await;
    assert!(screen.contains("\nlogout\n"), "{screen}");
    assert!(screen.ends_with("[ec2-user@ip-10-0-1-12 ~]$"), "{screen}");
    let screen = terminal.type_in("echo $? $(whoami)").await;
    assert!(screen.contains("\n3 ec2-user\n"), "{screen}");
}

#[tokio::test]
async fn shells_go_into_each_other_and_come_back_one_by_one() {
    let rig = Rig::new();
    rig.good("root", "useradd alice").await;
    let mut terminal = rig.desk("ec2-user");
    let screen = terminal.type_in("sudo su -").await;
    assert!(screen.ends_with("[root@ip-10-0-1-12 ~]#"), "{screen}");
    let screen = terminal.type_in("su - alice").await;
    assert!(screen.ends_with("[alice@ip-10-0-1-12 ~]$"), "{screen}");
    let screen = terminal.type_in("whoami; sudo id").await;
    assert!(
        screen.contains("\nalice\nalice is not in the sudoers file.\n"),
        "{screen}"
    );
    let screen = terminal.type_in("exit").await;
    assert!(screen.ends_with("[root@ip-10-0-1-12 ~]#"), "{screen}");
    let screen = terminal.type_in("exit").await;
    assert!(screen.ends_with("[ec2-user@ip-10-0-1-12 ~]$"), "{screen}");
    let screen = terminal.type_in("cd /tmp; sudo bash").await;
    // Not alone on its line: the rest of the line would run as the wrong user.
    assert!(
        screen.contains("sudo: on a practice host a shell can only be opened by a line of its own"),
        "{screen}"
    );
    terminal.type_in("clear; sudo bash").await;
    let screen = terminal.type_in("sudo bash").await;
    assert!(screen.ends_with("[root@ip-10-0-1-12 /tmp]#"), "{screen}");
}

#[tokio::test]
async fn columns_are_shown_through_sudo_but_not_through_a_pipe() {
    let rig = Rig::new();
    rig.good("root", "mkdir /root/d; touch /root/d/a /root/d/b")
        .await;
    let mut terminal = rig.desk("ec2-user");
    let screen = terminal.type_in("sudo ls /root/d").await;
    assert!(screen.contains("\na  b\n"), "{screen}");
    let screen = terminal.type_in("clear").await;
    assert!(!screen.contains("a  b"), "{screen}");
    let screen = terminal.type_in("sudo ls /root/d | cat").await;
    assert!(screen.contains("\na\nb\n"), "{screen}");
    let screen = terminal.type_in("sudo sh -c 'ls /root/d | wc -l'").await;
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

#[tokio::test]
async fn every_file_that_stands_for_a_program_has_one() {
    let rig = Rig::new();
    let activity = Arc::new(rig.host.clock.activity());
    let shell = rig
        .host
        .shell(&User::root(), Session::Batch, activity)
        .build();
    let known = shell.builtin_names();
    let root = rig.host.root();
    for directory in ["/usr/bin", "/usr/sbin"] {
        for (name, _) in root.list(directory).unwrap() {
            // A file that stands for nothing would call itself without end.
            let path = format!("{directory}/{name}");
            let text = root.read_text(&path).unwrap();
            let shell = name == "bash" || name == "sh";
            let found = known.contains(&name) || known.iter().any(|it| text == stand_in(it));
            assert!(shell || found, "{path} stands for nothing");
        }
    }
}

#[tokio::test]
async fn a_script_that_calls_itself_through_sudo_comes_to_an_end() {
    let rig = Rig::new();
    let script = "printf '#!/bin/bash\\nsudo $0\\n' > again; chmod +x again; ./again";
    let (_, err, code) = rig.run("ec2-user", script).await;
    assert_eq!(
        (err.as_str(), code),
        ("sudo: too many shells inside each other\n", 1)
    );
    assert_eq!(
        rig.good("ec2-user", "sudo sudo sudo sudo id -un").await,
        "root\n"
    );
}

#[tokio::test]
async fn a_home_can_be_entered_by_its_owner_only() {
    let rig = Rig::new();
    rig.good("root", "useradd alice").await;
    let (_, err, code) = rig.run("ec2-user", "cd /home/alice").await;
    assert_eq!(code, 1);
    assert!(
        err.ends_with("cd: /home/alice: Permission denied\n"),
        "{err}"
    );
    assert_eq!(
        rig.good(
            "ec2-user",
            "cd /etc/../tmp; pwd; cd -; cd; pwd; cd /bin; pwd; cd -P .; pwd; echo $OLDPWD $PWD"
        )
        .await,
        "/tmp\n/home/ec2-user\n/home/ec2-user\n/bin\n/usr/bin\n/bin /usr/bin\n"
    );
    assert_eq!(
        rig.good(
            "alice",
            "cd /; (cd /tmp); pwd; CDPATH=/home cd alice; HOME=/tmp; cd; pwd"
        )
        .await,
        "/\n/home/alice\n/tmp\n"
    );
    for (line, why) in [
        ("cd /nosuch", "cd: /nosuch: No such file or directory\n"),
        ("cd /etc/passwd", "cd: /etc/passwd: Not a directory\n"),
        ("cd nosuch/..", "cd: nosuch/..: No such file or directory\n"),
        ("cd a b", "cd: too many arguments\n"),
    ] {
        let (_, err, code) = rig.run("ec2-user", line).await;
        assert_eq!(code, 1, "{line}");
        assert!(err.ends_with(why), "{err}");
    }
}

#[tokio::test]
async fn tee_writes_what_it_may() {
    let rig = Rig::new();
    assert_eq!(
        rig.good("ec2-user", "echo a | tee f; echo b | tee -a f g; cat f g")
            .await,
        "a\nb\na\nb\nb\n"
    );
    let (out, err, code) = rig.run("ec2-user", "echo x | tee /etc/x ok; cat ok").await;
    assert_eq!(
        (out.as_str(), err.as_str(), code),
        ("x\nx\n", "tee: /etc/x: Permission denied\n", 0)
    );
    assert_eq!(
        rig.good(
            "ec2-user",
            "echo x | sudo tee /etc/x > /dev/null; stat -c %U /etc/x"
        )
        .await,
        "root\n"
    );
}

#[tokio::test]
async fn find_knows_owners_and_runs_commands() {
    let rig = Rig::new();
    rig.good("root", "useradd alice; mkdir -p /w/d /w/shut; echo x > /w/a; echo secret > /w/d/b; chown alice /w/a; touch /w/shut/c; chmod 700 /w/shut; chown :wheel /w/d").await;
    assert_eq!(rig.good("root", "find /w -user alice").await, "/w/a\n");
    assert_eq!(
        rig.good("root", "find /w -group wheel -o -user 1001").await,
        "/w/a\n/w/d\n"
    );
    assert_eq!(
        rig.good("root", "find /w -type f -printf '%u %g %m %p\\n'")
            .await,
        "alice root 644 /w/a\nroot root 644 /w/d/b\nroot root 644 /w/shut/c\n"
    );
    assert_eq!(
        rig.good("root", "find /w -type f -exec grep -q secret {} \\; -print")
            .await,
        "/w/d/b\n"
    );
    assert_eq!(
        rig.good("root", "find /w -type f -exec echo {} +").await,
        "/w/a /w/d/b /w/shut/c\n"
    );
    assert_eq!(
        rig.good(
            "root",
            "cd /w; find . -name 'b' -execdir sh -c 'pwd; echo $1' sh {} \\;"
        )
        .await,
        "/w/d\n./b\n"
    );
    let (out, err, code) = rig.run("ec2-user", "find /w -readable -type f").await;
    assert_eq!(
        (out.as_str(), err.as_str(), code),
        ("/w/a\n/w/d/b\n", "find: ‘/w/shut’: Permission denied\n", 1)
    );
    let (_, err, code) = rig.run("ec2-user", "find /w -user nosuch").await;
    assert_eq!(
        (err.as_str(), code),
        ("find: ‘nosuch’ is not the name of a known user\n", 1)
    );
    let (out, err, code) = rig.run("ec2-user", "du -a /w").await;
    assert_eq!(
        (out.as_str(), err.as_str(), code),
        (
            "4\t/w/a\n4\t/w/d/b\n8\t/w/d\n4\t/w/shut\n20\t/w\n",
            "du: cannot read directory '/w/shut': Permission denied\n",
            1
        )
    );
}

#[tokio::test]
async fn temporary_files_are_their_owners_alone() {
    let rig = Rig::new();
    assert_eq!(
        rig.good("ec2-user", "f=$(mktemp); d=$(mktemp -d -p /var/tmp x.XXXX.d); stat -c '%a %U' $f $d; echo ${#f} $d | sed 's/[.]....[.]/.N./'").await,
        "600 ec2-user\n700 ec2-user\n19 /var/tmp/x.N.d\n"
    );
    let (_, err, code) = rig.run("ec2-user", "mktemp x.XX").await;
    assert_eq!(
        (err.as_str(), code),
        ("mktemp: too few X's in template ‘x.XX’\n", 1)
    );
}

#[tokio::test]
async fn programs_respect_the_umask_of_their_shell() {
    let rig = Rig::new();
    assert_eq!(
        rig.good("ec2-user", "(umask 077; touch a; mkdir b; cp /etc/passwd c); touch d; umask 027; mkdir e; stat -c '%a %n' a b c d e").await,
        "600 a\n700 b\n600 c\n644 d\n750 e\n"
    );
}
