//! Who may log in: the guest's users, and the keys in the files that the guest's own sshd_config names.

use russh::keys::PublicKey;
use russh::keys::ssh_key::AuthorizedKeys;

use crate::practice::compute::users::{Accounts, User};
use crate::practice::storage::View;

const CONFIG: &str = "/etc/ssh/sshd_config";
/// What sshd_config(5) says of AuthorizedKeysFile.
const DEFAULT_FILES: &str = ".ssh/authorized_keys .ssh/authorized_keys2";
/// Files that include each other stop here, as with OpenSSH.
const INCLUDES_MAX: u32 = 16;

/// What of sshd_config matters here. Of each keyword the first value holds.
#[derive(Debug, Default, PartialEq, Eq)]
struct Config {
    authorized_keys_file: Option<String>,
    pubkey_authentication: Option<String>,
    permit_root_login: Option<String>,
}

/// The user, if `name` may log in with this key. `root` is the host as root sees it.
pub fn login(root: &View, name: &str, key: &PublicKey) -> Option<User> {
    let user = Accounts::read(root).user(name)?;
    let mut config = Config::default();
    config.read(root, CONFIG, 0);
    let is_no = |value: &Option<String>| value.as_deref() == Some("no");
    let refused = is_no(&config.pubkey_authentication)
        || (user.identity.is_root() && is_no(&config.permit_root_login));
    if refused || user.shell.ends_with("/nologin") {
        return None;
    }
    let files = config
        .authorized_keys_file
        .as_deref()
        .unwrap_or(DEFAULT_FILES);
    files
        .split_whitespace()
        .filter(|pattern| *pattern != "none")
        .map(|pattern| path(pattern, &user))
        .filter(|path| is_safe(root, path, &user))
        .any(|path| root.read_text(&path).is_ok_and(|text| lists(&text, key)))
        .then_some(user)
}

impl Config {
    /// Adds what a file says. After a `Match` nothing holds for everybody any more.
    fn read(&mut self, root: &View, path: &str, depth: u32) {
        let Ok(text) = root.read_text(path) else {
            return;
        };
        for line in text.lines() {
            let line = line.trim();
            let (keyword, value) = line
                .split_once(|c: char| c.is_whitespace() || c == '=')
                .unwrap_or((line, ""));
            let value = value
                .trim_start_matches(|c: char| c.is_whitespace() || c == '=')
                .trim_matches('"');
            let slot = match keyword.to_ascii_lowercase().as_str() {
                "authorizedkeysfile" => &mut self.authorized_keys_file,
                "pubkeyauthentication" => &mut self.pubkey_authentication,
                "permitrootlogin" => &mut self.permit_root_login,
                "include" if depth < INCLUDES_MAX => {
                    for pattern in value.split_whitespace() {
                        for file in matching(root, pattern) {
                            self.read(root, &file, depth + 1);
                        }
                    }
                    continue;
                }
                "match" => return,
                _ => continue,
            };
            slot.get_or_insert_with(|| value.to_owned());
        }
    }
}

/// Files that an Include names, in order. A pattern's `*` stands in the last part only, as everywhere in practice.
fn matching(root: &View, pattern: &str) -> Vec<String> {
    let pattern = if pattern.starts_with('/') {
        pattern.to_owned()
    } else {
        format!("/etc/ssh/{pattern}")
    };
    let Some((directory, name)) = pattern.rsplit_once('/') else {
        return Vec::new();
    };
    let Some((before, after)) = name.split_once('*') else {
        return vec![pattern];
    };
    let names = root.list(directory).unwrap_or_default();
    names
        .into_iter()
        .map(|(name, _)| name)
        // As for glob(7), a leading dot is not matched.
        .filter(|name| {
            name.len() >= before.len() + after.len()
                && name.starts_with(before)
                && name.ends_with(after)
                && (name.starts_with('.') == before.starts_with('.'))
        })
        .map(|name| format!("{directory}/{name}"))
        .collect()
}

/// `%h`, `%u`, `%U` and `%%` replaced; relative to the home.
fn path(pattern: &str, user: &User) -> String {
    let mut path = String::new();
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '%' => match letters.next() {
                Some('h') => path.push_str(&user.home),
                Some('u') => path.push_str(&user.name),
                Some('U') => path.push_str(&user.identity.uid.to_string()),
                Some(other) => path.push(other),
                None => {}
            },
            other => path.push(other),
        }
    }
    if path.starts_with('/') {
        path
    } else {
        format!("{}/{path}", user.home)
    }
}

/// Whether nobody but the user and root can have written the file: what `StrictModes` asks of it and of the directories
/// above it, up to the home.
fn is_safe(root: &View, file: &str, user: &User) -> bool {
    let trusted = |path: &str| {
        root.stat(path).is_ok_and(|attr| {
            (attr.uid == 0 || attr.uid == user.identity.uid) && attr.mode & 0o022 == 0
        })
    };
    let mut path = file;
    loop {
        if !trusted(if path.is_empty() { "/" } else { path }) {
            return false;
        }
        if path.is_empty() || path == user.home {
            return true;
        }
        path = path.rsplit_once('/').map_or("", |(above, _)| above);
    }
}

/// Whether an authorized_keys file lists the key.
fn lists(text: &str, key: &PublicKey) -> bool {
    // One by one: a line that is none must not hide those after it.
    text.lines().any(|line| {
        AuthorizedKeys::new(line)
            .flatten()
            .any(|entry| entry.public_key().key_data() == key.key_data())
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;
    use russh::keys::{Algorithm, PrivateKey};

    use super::login;
    use crate::practice::storage::{Identity, MountSpec, MountTable, Tree, View};

    fn root() -> View {
        let mounts = MountTable::new(MountSpec {
            source: "disk".into(),
            target: "/".into(),
            fstype: "xfs".into(),
            options: "rw".into(),
            tree: Arc::new(Tree::volatile("disk", 0o755, Timestamp::UNIX_EPOCH)),
            capacity: 0,
            own: 0,
        });
        let root = View::new(
            Arc::new(mounts),
            Identity::ROOT,
            Arc::new(|| Timestamp::UNIX_EPOCH),
        );
        root.make_dirs("/etc/ssh/sshd_config.d").unwrap();
        root.make_dirs("/home/alice/.ssh").unwrap();
        root.write("/etc/passwd", b"root:x:0:0::/root:/bin/bash\nalice:x:7:7::/home/alice:/bin/bash\nd:x:2:2::/:/sbin/nologin\n")
            .unwrap();
        for path in ["/home/alice", "/home/alice/.ssh"] {
            root.set_owner(path, Some(7), Some(7), true).unwrap();
            root.set_mode(path, 0o700).unwrap();
        }
        root
    }

    fn key() -> russh::keys::PublicKey {
        PrivateKey::random(&mut rand::rng(), Algorithm::Ed25519)
            .unwrap()
            .public_key()
            .clone()
    }

    fn put(root: &View, path: &str, key: &russh::keys::PublicKey) {
        let text = format!("# mine\nnot a key\n{}\n", key.to_openssh().unwrap());
        root.write(path, text.as_bytes()).unwrap();
    }

    #[test]
    fn a_listed_key_lets_its_user_in_and_nobody_else() {
        let (root, mine) = (root(), key());
        put(&root, "/home/alice/.ssh/authorized_keys", &mine);
        assert_eq!(login(&root, "alice", &mine).unwrap().home, "/home/alice");
        assert!(login(&root, "alice", &key()).is_none());
        assert!(login(&root, "root", &mine).is_none());
        assert!(login(&root, "bob", &mine).is_none());
    }

    #[test]
    fn files_of_an_included_directory_say_where_keys_are() {
        let (root, mine) = (root(), key());
        root.write(
            "/etc/ssh/sshd_config",
            b"Include /etc/ssh/sshd_config.d/*.conf\nAuthorizedKeysFile .ssh/authorized_keys\n",
        )
        .unwrap();
        root.make_dirs("/etc/ssh/keys").unwrap();
        put(&root, "/etc/ssh/keys/alice", &mine);
        assert!(login(&root, "alice", &mine).is_none());
        root.write(
            "/etc/ssh/sshd_config.d/10-x.conf",
            b"authorizedkeysfile=.ssh/other /etc/ssh/keys/%u\n",
        )
        .unwrap();
        assert!(login(&root, "alice", &mine).is_some());
        // The first value holds.
        root.write(
            "/etc/ssh/sshd_config.d/05-x.conf",
            b"AuthorizedKeysFile none\n",
        )
        .unwrap();
        assert!(login(&root, "alice", &mine).is_none());
    }

    #[test]
    fn keys_that_others_could_have_written_do_not_count() {
        let (root, mine) = (root(), key());
        put(&root, "/home/alice/.ssh/authorized_keys", &mine);
        root.set_mode("/home/alice", 0o770).unwrap();
        assert!(login(&root, "alice", &mine).is_none());
        root.set_mode("/home/alice", 0o755).unwrap();
        assert!(login(&root, "alice", &mine).is_some());
        root.set_owner("/home/alice/.ssh/authorized_keys", Some(8), None, true)
            .unwrap();
        assert!(login(&root, "alice", &mine).is_none());
    }
}
