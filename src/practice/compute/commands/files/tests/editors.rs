//! Editors and pagers on a terminal: for the user, through `sudo`, and in a shell inside the shell.

use bashkit::terminal::Terminal;

use super::rig::Rig;

async fn types(terminal: &mut Terminal, keys: &str) -> String {
    terminal.send(keys);
    terminal.run_until_idle().await;
    terminal.screen_text()
}

fn written(rig: &Rig, path: &str) -> (String, u32) {
    let root = rig.host.root();
    (root.read_text(path).unwrap(), root.stat(path).unwrap().uid)
}

#[tokio::test]
async fn a_user_edits_his_own_files() {
    let rig = Rig::new();
    let mut terminal = rig.terminal("ec2-user");
    types(&mut terminal, "vim note\r").await;
    types(&mut terminal, "ihello\x1b:wq\r").await;
    assert_eq!(
        written(&rig, "/home/ec2-user/note"),
        ("hello\n".to_owned(), 1000)
    );
    types(&mut terminal, "vi /etc/motd\r").await;
    let screen = types(&mut terminal, "ohello\x1b:wq\r").await;
    assert!(screen.contains("denied"), "{screen}");
}

#[tokio::test]
async fn sudo_edits_what_only_root_may_and_nothing_stays_open_to_the_user() {
    let rig = Rig::new();
    let mut terminal = rig.terminal("ec2-user");
    types(&mut terminal, "sudo vi /etc/note; cat /etc/shadow\r").await;
    let screen = types(&mut terminal, "ihello\x1b:wq\r").await;
    assert_eq!(written(&rig, "/etc/note"), ("hello\n".to_owned(), 0));
    assert!(
        screen.contains("/etc/shadow: Permission denied"),
        "{screen}"
    );
    let screen = types(&mut terminal, "sudo less /etc/shadow\r").await;
    assert!(screen.contains("root:*LOCK*"), "{screen}");
    let screen = types(&mut terminal, "qcat /etc/note\r").await;
    assert!(screen.contains("hello"), "{screen}");
}

#[tokio::test]
async fn a_shell_of_root_has_its_editor_too() {
    let rig = Rig::new();
    let mut terminal = rig.terminal("ec2-user");
    types(&mut terminal, "sudo -i\r").await;
    types(&mut terminal, "cd /etc\r").await;
    types(&mut terminal, "vi 'a note'\r").await;
    types(&mut terminal, "ihello\x1b:wq\r").await;
    assert_eq!(written(&rig, "/etc/a note"), ("hello\n".to_owned(), 0));
    types(&mut terminal, "nano ~/list\r").await;
    types(&mut terminal, "milk\x0f\r\x18").await;
    assert_eq!(written(&rig, "/root/list"), ("milk\n".to_owned(), 0));
    let screen = types(&mut terminal, "exit\r").await;
    assert!(screen.contains("ec2-user@"), "{screen}");
}

#[tokio::test]
async fn without_a_terminal_an_editor_says_so() {
    let rig = Rig::new();
    for name in ["vi", "vim", "nano"] {
        let (out, err, code) = rig.run("ec2-user", &format!("{name} note")).await;
        assert_eq!((out.as_str(), code), ("", 1));
        assert_eq!(
            err,
            format!("{name}: there is no terminal here (ssh -t gives one)\n")
        );
    }
    assert_eq!(
        rig.good("ec2-user", "less /etc/system-release").await,
        "Amazon Linux release 2023 (Amazon Linux)\n"
    );
}
