//! Users and groups, read from the guest's own /etc/passwd and /etc/group at each use.

use crate::practice::storage::{Identity, View};

/// A user as /etc/passwd has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Login name.
    pub name: String,
    /// Ids.
    pub identity: Identity,
    /// Home directory.
    pub home: String,
    /// Login shell.
    pub shell: String,
}

impl User {
    /// The superuser, whatever /etc/passwd says: the kernel and the boot need none.
    #[must_use]
    pub fn root() -> Self {
        Self {
            name: "root".to_owned(),
            identity: Identity::ROOT,
            home: "/root".to_owned(),
            shell: "/bin/bash".to_owned(),
        }
    }
}

/// Names and numbers of a host's users and groups, as they are at this moment.
#[derive(Debug, Clone, Default)]
pub struct Accounts {
    users: Vec<User>,
    groups: Vec<Group>,
}

#[derive(Debug, Clone)]
struct Group {
    name: String,
    gid: u32,
    members: Vec<String>,
}

impl Accounts {
    /// Reads /etc/passwd and /etc/group through this view.
    #[must_use]
    pub fn read(view: &View) -> Self {
        // A file that is gone or cannot be read names nobody, as for getpwnam(3).
        let text = |path| {
            let bytes = view.read(path).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        Self::parse(&text("/etc/passwd"), &text("/etc/group"))
    }

    fn parse(passwd: &str, group: &str) -> Self {
        let groups: Vec<Group> = group.lines().filter_map(parse_group).collect();
        let users = passwd
            .lines()
            .filter_map(|line| parse_user(line, &groups))
            .collect();
        Self { users, groups }
    }

    /// By name.
    #[must_use]
    pub fn user(&self, name: &str) -> Option<User> {
        self.users.iter().find(|user| user.name == name).cloned()
    }

    /// By number.
    #[must_use]
    pub fn user_of(&self, uid: u32) -> Option<User> {
        let is = |user: &&User| user.identity.uid == uid;
        self.users.iter().find(is).cloned()
    }

    /// A group's number.
    #[must_use]
    pub fn group(&self, name: &str) -> Option<u32> {
        let is = |group: &&Group| group.name == name;
        self.groups.iter().find(is).map(|group| group.gid)
    }

    /// A user's name, or the number as text.
    #[must_use]
    pub fn user_name(&self, uid: u32) -> String {
        self.user_of(uid)
            .map_or_else(|| uid.to_string(), |user| user.name)
    }

    /// A group's name, or the number as text.
    #[must_use]
    pub fn group_name(&self, gid: u32) -> String {
        let is = |group: &&Group| group.gid == gid;
        self.groups
            .iter()
            .find(is)
            .map_or_else(|| gid.to_string(), |group| group.name.clone())
    }
}

/// `name:password:uid:gid:comment:home:shell`
fn parse_user(line: &str, groups: &[Group]) -> Option<User> {
    let fields: Vec<&str> = line.split(':').collect();
    let &[name, _, uid, gid, _, home, shell] = fields.as_slice() else {
        return None;
    };
    let gid: u32 = gid.parse().ok()?;
    let also = groups
        .iter()
        .filter(|group| group.gid != gid && group.members.iter().any(|member| member == name))
        .map(|group| group.gid)
        .collect();
    Some(User {
        name: name.to_owned(),
        identity: Identity {
            uid: uid.parse().ok()?,
            gid,
            groups: also,
        },
        home: home.to_owned(),
        shell: shell.to_owned(),
    })
}

/// `name:password:gid:member,member`
fn parse_group(line: &str) -> Option<Group> {
    let fields: Vec<&str> = line.split(':').collect();
    let &[name, _, gid, members] = fields.as_slice() else {
        return None;
    };
    Some(Group {
        name: name.to_owned(),
        gid: gid.parse().ok()?,
        members: members
            .split(',')
            .filter(|member| !member.is_empty())
            .map(str::to_owned)
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::Accounts;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\n\
        broken line\n\
        ec2-user:x:1000:1000:EC2 Default User:/home/ec2-user:/bin/bash\n";
    const GROUP: &str =
        "root:x:0:\nadm:x:4:ec2-user\nwheel:x:10:alice,ec2-user\nec2-user:x:1000:\n";

    #[test]
    fn a_user_has_the_groups_that_list_him() {
        let accounts = Accounts::parse(PASSWD, GROUP);
        let user = accounts.user("ec2-user").expect("the user is there");
        assert_eq!((user.identity.uid, user.identity.gid), (1000, 1000));
        assert_eq!(user.identity.groups, [4, 10]);
        assert_eq!(user.home, "/home/ec2-user");
        assert!(accounts.user("alice").is_none());
    }

    #[test]
    fn who_has_no_name_is_shown_as_a_number() {
        let accounts = Accounts::parse(PASSWD, GROUP);
        assert_eq!(accounts.user_name(0), "root");
        assert_eq!(accounts.user_name(1001), "1001");
        assert_eq!(accounts.group_name(10), "wheel");
        assert_eq!(accounts.group_name(11), "11");
        assert_eq!(accounts.group("wheel"), Some(10));
    }
}
