//! /etc/passwd, /etc/group and their shadows as lines of fields. Who may write them is decided by their permissions.

use super::program::{Call, Report, parent};
use crate::practice::storage::View;

const PASSWD: &str = "/etc/passwd";
const SHADOW: &str = "/etc/shadow";
const GROUP: &str = "/etc/group";
const GSHADOW: &str = "/etc/gshadow";

/// The first id of people, and one past the last (`UID_MIN`, `UID_MAX` of /etc/login.defs).
const PEOPLE: std::ops::Range<u32> = 1000..60_001;
/// Ids of services (`SYS_UID_MIN` to `SYS_UID_MAX`); the highest free one is taken.
const SERVICES: std::ops::Range<u32> = 201..1000;

/// One line.
pub(super) type Line = Vec<String>;

/// The four files.
pub(super) struct Database {
    pub passwd: Vec<Line>,
    pub group: Vec<Line>,
    shadow: Option<Vec<Line>>,
    gshadow: Option<Vec<Line>>,
}

fn read(view: &View, path: &str) -> Option<Vec<Line>> {
    let bytes = view.read(path).ok()?;
    Some(
        String::from_utf8_lossy(&bytes)
            .lines()
            .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
            .map(|line| line.split(':').map(str::to_owned).collect())
            .collect(),
    )
}

fn text(lines: &[Line]) -> String {
    lines.iter().map(|line| line.join(":") + "\n").collect()
}

fn find<'a>(lines: &'a [Line], name: &str) -> Option<&'a Line> {
    lines.iter().find(|line| line[0] == name)
}

fn find_mut<'a>(lines: &'a mut [Line], name: &str) -> Option<&'a mut Line> {
    lines.iter_mut().find(|line| line[0] == name)
}

/// A field as a number.
fn id(line: &Line, field: usize) -> Option<u32> {
    line.get(field)?.parse().ok()
}

/// Members of a group line.
fn members(line: &Line) -> Vec<String> {
    line.get(3)
        .map(|list| {
            list.split(',')
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect()
        })
        .unwrap_or_default()
}

fn set_members(line: &mut Line, names: &[String]) {
    line.resize(4, String::new());
    line[3] = names.join(",");
}

impl Database {
    /// Opens the files for a change; complains and returns `None` to whoever may not.
    pub fn open(call: &Call, report: &mut Report) -> Option<Self> {
        if !call.view.identity().is_root() {
            report.complain(call, "Permission denied.", 1);
            let file = if call.program.starts_with("group") {
                GROUP
            } else {
                PASSWD
            };
            report.complain(call, &format!("cannot lock {file}; try again later."), 1);
            return None;
        }
        Some(Self {
            passwd: read(&call.view, PASSWD).unwrap_or_default(),
            group: read(&call.view, GROUP).unwrap_or_default(),
            shadow: read(&call.view, SHADOW),
            gshadow: read(&call.view, GSHADOW),
        })
    }

    /// Writes the files back.
    pub fn save(&self, call: &Call, report: &mut Report) -> bool {
        let files = [
            (PASSWD, Some(&self.passwd)),
            (GROUP, Some(&self.group)),
            (SHADOW, self.shadow.as_ref()),
            (GSHADOW, self.gshadow.as_ref()),
        ];
        for (path, lines) in files {
            if let Some(lines) = lines
                && let Err(why) = call.view.write(path, text(lines).as_bytes())
            {
                let text = format!("failure while writing changes to {path}: {why}");
                report.complain(call, &text, 1);
                return false;
            }
        }
        true
    }

    pub fn user(&self, name: &str) -> Option<&Line> {
        find(&self.passwd, name)
    }

    pub fn user_mut(&mut self, name: &str) -> Option<&mut Line> {
        find_mut(&mut self.passwd, name)
    }

    /// A group by name or number.
    pub fn group(&self, name: &str) -> Option<&Line> {
        find(&self.group, name).or_else(|| {
            self.group
                .iter()
                .find(|line| line.get(2).is_some_and(|gid| gid == name))
        })
    }

    pub fn has_uid(&self, uid: u32) -> bool {
        self.passwd.iter().any(|line| id(line, 2) == Some(uid))
    }

    pub fn has_gid(&self, gid: u32) -> bool {
        self.group.iter().any(|line| id(line, 2) == Some(gid))
    }

    /// The next id for a person: one above the highest in use, as `useradd` counts; for a service the highest free one.
    pub fn free_id(&self, service: bool, wanted: Option<u32>, of_groups: bool) -> u32 {
        let used: Vec<u32> = if of_groups { &self.group } else { &self.passwd }
            .iter()
            .filter_map(|line| id(line, 2))
            .collect();
        if let Some(wanted) = wanted.filter(|wanted| !used.contains(wanted)) {
            return wanted;
        }
        if service {
            return SERVICES
                .rev()
                .find(|candidate| !used.contains(candidate))
                .unwrap_or(SERVICES.start);
        }
        used.iter()
            .filter(|id| PEOPLE.contains(id))
            .max()
            .map_or(PEOPLE.start, |highest| highest + 1)
    }

    pub fn add_user(&mut self, line: Line, call: &Call) {
        if let Some(shadow) = &mut self.shadow {
            let day = call.now.as_second() / 86_400;
            // No password: nobody logs in with one.
            let fields = [
                &line[0],
                "!!",
                &day.to_string(),
                "0",
                "99999",
                "7",
                "",
                "",
                "",
            ];
            shadow.push(fields.iter().map(|field| (*field).to_owned()).collect());
        }
        self.passwd.push(line);
    }

    pub fn add_group(&mut self, name: &str, gid: u32) {
        let own = |fields: &[&str]| fields.iter().map(|field| (*field).to_owned()).collect();
        self.group.push(own(&[name, "x", &gid.to_string(), ""]));
        if let Some(gshadow) = &mut self.gshadow {
            gshadow.push(own(&[name, "!", "", ""]));
        }
    }

    /// Removes a user; whether a group of his name stays because it has others.
    pub fn remove_user(&mut self, name: &str) -> bool {
        self.passwd.retain(|line| line[0] != name);
        if let Some(shadow) = &mut self.shadow {
            shadow.retain(|line| line[0] != name);
        }
        self.set_groups(name, &[], false);
        // The user's own group goes with him, unless it is somebody's.
        let shared = find(&self.group, name).map(|line| {
            !members(line).is_empty() || self.passwd.iter().any(|user| user.get(3) == line.get(2))
        });
        if shared == Some(false) {
            self.remove_group(name);
        }
        shared == Some(true)
    }

    pub fn remove_group(&mut self, name: &str) {
        self.group.retain(|line| line[0] != name);
        if let Some(gshadow) = &mut self.gshadow {
            gshadow.retain(|line| line[0] != name);
        }
    }

    /// Makes a user a member of exactly these groups, or with `append` of these too.
    pub fn set_groups(&mut self, user: &str, groups: &[String], append: bool) {
        let files = [Some(&mut self.group), self.gshadow.as_mut()];
        for line in files.into_iter().flatten().flatten() {
            let mut names = members(line);
            let wanted = groups.contains(&line[0]);
            let is = names.iter().any(|name| name == user);
            if wanted && !is {
                names.push(user.to_owned());
            } else if !wanted && is && !append {
                names.retain(|name| name != user);
            } else {
                continue;
            }
            set_members(line, &names);
        }
    }

    /// The user whose primary group this is.
    pub fn primary_of(&self, gid: &str) -> Option<&str> {
        self.passwd
            .iter()
            .find(|line| line.get(3).is_some_and(|field| field == gid))
            .map(|line| line[0].as_str())
    }

    /// The password field of a user's shadow entry.
    pub fn password_mut(&mut self, name: &str) -> Option<&mut String> {
        find_mut(self.shadow.as_mut()?, name)?.get_mut(1)
    }

    /// Renames a user everywhere.
    pub fn rename_user(&mut self, from: &str, to: &str) {
        for lines in [Some(&mut self.passwd), self.shadow.as_mut()]
            .into_iter()
            .flatten()
        {
            if let Some(line) = find_mut(lines, from) {
                to.clone_into(&mut line[0]);
            }
        }
        for line in [Some(&mut self.group), self.gshadow.as_mut()]
            .into_iter()
            .flatten()
            .flatten()
        {
            let names: Vec<String> = members(line)
                .into_iter()
                .map(|name| if name == from { to.to_owned() } else { name })
                .collect();
            if !names.is_empty() {
                set_members(line, &names);
            }
        }
    }
}

/// Names as `useradd` and `groupadd` take them: no leading digit or dash, at most 32 characters.
pub(super) fn valid_name(name: &str) -> bool {
    let body = name.strip_suffix('$').unwrap_or(name);
    !body.is_empty()
        && name.len() <= 32
        && body.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && body
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
}

/// Where a home would be made; `None` when that directory is not there.
pub(super) fn home_parent(call: &Call, home: &str) -> Option<String> {
    let up = parent(home).to_owned();
    call.view
        .stat(&up)
        .is_ok_and(|attr| attr.is_dir())
        .then_some(up)
}

/// `getent passwd|group|shadow [KEY…]`: lines and the exit status; `None` for a database that is not of accounts.
pub(super) fn getent(view: &View, args: &[String]) -> Option<(String, i32)> {
    let mut operands = args.iter().filter(|arg| !arg.starts_with('-'));
    let path = match operands.next()?.as_str() {
        "passwd" => PASSWD,
        "group" => GROUP,
        "shadow" => SHADOW,
        "gshadow" => GSHADOW,
        _ => return None,
    };
    let lines = read(view, path).unwrap_or_default();
    let keys: Vec<&String> = operands.collect();
    if keys.is_empty() {
        return Some((text(&lines), 0));
    }
    let numbered = path == PASSWD || path == GROUP;
    let (mut out, mut code) = (String::new(), 0);
    for key in keys {
        let number = |line: &&Line| numbered && line.get(2) == Some(key);
        match find(&lines, key).or_else(|| lines.iter().find(number)) {
            Some(line) => out.push_str(&text(std::slice::from_ref(line))),
            None => code = 2,
        }
    }
    Some((out, code))
}

#[cfg(test)]
mod tests {
    use super::valid_name;

    #[test]
    fn names_begin_with_a_letter() {
        for name in ["alice", "_svc", "ec2-user", "a.b", "host$"] {
            assert!(valid_name(name), "{name}");
        }
        for name in ["", "1st", "-x", "a b", "a:b", "$"] {
            assert!(!valid_name(name), "{name}");
        }
    }
}
