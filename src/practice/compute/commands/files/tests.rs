//! The programs in a shell over a tree of their own: against the real coreutils where those can be asked, and as
//! several users where they cannot.

mod against_coreutils;

mod corpus;
mod editors;
mod jail;
mod others;
mod owners;
mod rig;
mod rsync;
mod scripts;

use std::sync::Arc;

use bashkit::Bash;
use jiff::Timestamp;

use super::programs;
use super::screen::Screen;
use crate::practice::clock::{Clock, Pace};
use crate::practice::compute::host::Session;
use crate::practice::compute::users::Accounts;
use crate::practice::storage::{Identity, MountSpec, MountTable, Tree, View};

/// A namespace with a root filesystem and one share, and the time in it.
struct World {
    table: Arc<MountTable>,
    clock: Clock,
}

const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\n\
    ec2-user:x:1000:1000:EC2 Default User:/home/ec2-user:/bin/bash\n\
    alice:x:1001:1001::/home/alice:/bin/bash\n";
const GROUP: &str = "root:x:0:\nwheel:x:10:ec2-user\nusers:x:100:\nec2-user:x:1000:\nalice:x:1001:\ndev:x:2000:alice,ec2-user\n";
const SHADOW: &str = "root:*LOCK*:14600::::::\nec2-user:!!:20000:0:99999:7:::\n";

fn mount(name: &str, target: &str, at: Timestamp) -> MountSpec {
    MountSpec {
        source: name.to_owned(),
        target: target.to_owned(),
        fstype: "xfs".to_owned(),
        options: "rw".to_owned(),
        tree: Arc::new(Tree::volatile(name, 0o755, at)),
        capacity: 1 << 30,
        own: 0,
    }
}

impl World {
    fn new(now: &str) -> Self {
        let now: Timestamp = now.parse().unwrap();
        let world = Self {
            table: Arc::new(MountTable::new(mount("disk", "/", now))),
            clock: Clock::new(Pace::Max, now),
        };
        let root = world.view(Identity::ROOT);
        for directory in [
            "/etc/skel",
            "/home/ec2-user",
            "/home/alice",
            "/root",
            "/mnt",
            "/w",
            "/tmp",
        ] {
            root.make_dirs(directory).unwrap();
        }
        root.write("/etc/passwd", PASSWD.as_bytes()).unwrap();
        root.write("/etc/group", GROUP.as_bytes()).unwrap();
        root.write("/etc/shadow", SHADOW.as_bytes()).unwrap();
        root.write("/etc/skel/.bashrc", b"# interactive\n").unwrap();
        for (path, mode) in [("/etc/shadow", 0), ("/root", 0o700), ("/tmp", 0o1777)] {
            root.set_mode(path, mode).unwrap();
        }
        for (path, id) in [("/home/ec2-user", 1000), ("/home/alice", 1001)] {
            root.set_owner(path, Some(id), Some(id), false).unwrap();
            root.set_mode(path, 0o700).unwrap();
        }
        root.table().mount(mount("share", "/mnt", now)).unwrap();
        world
    }

    fn view(&self, identity: Identity) -> View {
        let clock = self.clock.clone();
        View::new(
            Arc::clone(&self.table),
            identity,
            Arc::new(move || clock.now()),
        )
    }

    /// A shell of this user, by the names that the world's own files have now.
    fn shell(&self, user: &str, cwd: &str, session: Session) -> Bash {
        let accounts = Accounts::read(&self.view(Identity::ROOT));
        let user = accounts.user(user).unwrap();
        let view = self.view(user.identity.clone());
        let builder = Bash::builder()
            .fs(Arc::new(view.clone()))
            .rootfs(false)
            .cwd(cwd)
            .env("HOME", &user.home)
            .env("LANG", "C.UTF-8");
        let (builder, screen) = Screen::of(builder, session);
        let seen: super::Seen = Arc::new(move || view.clone());
        programs(builder, &screen, &user.name, &self.clock, &seen, None).build()
    }

    /// Runs a line as this user; standard output, standard error and status.
    async fn run(&self, user: &str, cwd: &str, line: &str) -> (String, String, i32) {
        run(&mut self.shell(user, cwd, Session::Batch), line).await
    }

    /// Runs a line that must end well and print nothing on standard error; its standard output.
    async fn good(&self, user: &str, line: &str) -> String {
        let (out, err, code) = self.run(user, "/", line).await;
        assert_eq!((err.as_str(), code), ("", 0), "{line}");
        out
    }

    /// Runs a line that must fail; standard error.
    async fn bad(&self, user: &str, line: &str) -> String {
        let (_, err, code) = self.run(user, "/", line).await;
        assert_ne!(code, 0, "{line} succeeded");
        err
    }
}

async fn run(shell: &mut Bash, line: &str) -> (String, String, i32) {
    let result = shell.exec(line).await.unwrap();
    (
        result.stdout.text_lossy().into_owned(),
        result.stderr.text_lossy().into_owned(),
        result.exit_code,
    )
}
