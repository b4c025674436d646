//! The same lines over the same tree, here and with the real coreutils: what they print and how they end must agree.
//!
//! Wording that changed between the release of Amazon Linux 2023 (8.32) and later ones is left to other tests.

use std::path::Path;
use std::process::Command;

use super::rig::Rig;
use super::{World, run};
use crate::practice::compute::host::Session;

/// Made before every line, in both places.
const TREE: &str = "umask 022
mkdir -p d/sub e .hidden-d 'with space' locked
echo one > a
echo three > d/three
printf '%2000s' x > big
: > empty
echo h > .hidden
ln -s a link
ln -s nowhere dangling
ln -s d dirlink
echo hard > hard1
ln hard1 hard2
echo sub > d/sub/deep
echo space > 'with space/a b'
echo x > \"it's\"
chmod 600 a
chmod 755 big
chmod 750 d
chmod 1777 e
touch -d '2020-01-02 03:04:05' a
touch -d '2021-01-02 03:04:05' big
touch -d '2022-01-02 03:04:05.5' empty
touch -d '2019-06-01 00:00:00' d/three d/sub/deep hard1 .hidden \"it's\" 'with space/a b'
touch -d '2018-01-02 03:04:05' d/sub
touch -d '2018-02-02 03:04:05' d e .hidden-d 'with space' locked
";

const LISTINGS: &[&str] = &[
    "ls",
    "ls -a",
    "ls -A",
    "ls -1",
    "ls -r",
    "ls d",
    "ls d e",
    "ls a d",
    "ls d a nothing",
    "ls -d d e",
    "ls -R d",
    "ls -R d 'with space'",
    "ls -t a big empty d",
    "ls -tr a big empty d",
    "ls -S a big empty",
    "ls dirlink",
    "ls dirlink/",
    "ls -d dirlink",
    "ls -d dirlink/",
    "ls a/",
    "ls ''",
    "ls nothing/x a",
    "ls -F",
    "ls -p",
    "ls -Q 'with space' \"it's\"",
    "ls --quoting-style=shell-escape",
    "ls --quoting-style=shell-escape-always",
    "ls -U d",
    "ls -X a big d",
    "ls -C -T0 -w 40",
    "ls -C -T0 -w 20 -a",
    "ls -x -T0 -w 40",
    "ls -C -T0 -w 1",
    "ls --color=never",
    "ls --color=auto -1",
    "ls --group-directories-first",
    "ls -L dangling",
    "ls -z",
    "ls --nothing",
    "ls --re",
    "ls --all=3",
    "ls -w",
    "ls --sort=foo | cat",
    "ls -lgo a big",
    "ls -gG a big",
    "ls -l --time-style=long-iso a big empty",
    "ls -l --full-time a empty",
    "ls -ld --time-style=long-iso a d e",
    "ls -l link dangling --time-style=+%Y | cut -c1-10",
    "ls -lh a big",
    "ls -n a big empty",
    "ls -l a big d",
    "ls -l hard1 hard2",
    "ls -l dirlink/",
    "ls -l d",
    "ls -lH dirlink",
    "ls -lQ 'with space'",
    "ls -1s a big empty",
];

const CHANGES: &[&str] = &[
    "mkdir x && ls -ld x | cut -c1-10",
    "mkdir d",
    "mkdir a",
    "mkdir x/y",
    "mkdir a/x",
    "mkdir -p x/y/z d && find x | sort",
    "mkdir -p a",
    "mkdir -p a/x",
    "mkdir -pv x/y d/sub/new",
    "mkdir -v x y",
    "mkdir -m 700 x && ls -ld x | cut -c1-10",
    "mkdir -m u=rwx,go= x && ls -ld x | cut -c1-10",
    "mkdir -p -m 700 x/y && ls -ld x x/y | cut -c1-10",
    "mkdir -m 99 x",
    "mkdir",
    "mkdir -q x",
    "rmdir e && ls",
    "rmdir d",
    "rmdir a",
    "rmdir nothing",
    "mkdir -p x/y/z; rmdir -p x/y/z; ls",
    "rmdir -v e",
    "rmdir",
    "touch new && ls -l --time-style=+ new | cut -c1-10",
    "touch -d 2020-05-06 a && stat -c %y a",
    "touch -d '2020-05-06 07:08' a && stat -c %y a",
    "touch -d '2020-05-06 07:08:09.25' a && stat -c %y a",
    "touch -d @1000000000 a && stat -c %Y a",
    "touch -t 202005060708.09 a && stat -c %y a",
    "touch -t 2005060708 a && stat -c %y a",
    "touch -t 99 a",
    "touch -d 'no such day' a",
    "touch -r big a && stat -c %y a",
    "touch -r nothing a",
    "touch -c new; ls new",
    "touch nothing/x",
    "touch a/x",
    "touch",
    "touch ''",
    "touch dangling && ls nowhere",
    "cp a b && cat b && stat -c '%a %n' b",
    "cp a d && ls d",
    "cp a big d && ls d",
    "cp a big",
    "cp a big && cat big && stat -c %a big",
    "cp a a",
    "cp a ./a",
    "cp hard1 hard2",
    "cp d x",
    "cp d a x e; ls e",
    "cp nothing x",
    "cp a nothing/x",
    "cp a nothing/",
    "cp",
    "cp a",
    "cp -r d x && find x | sort",
    "cp -r d e && find e | sort",
    "cp -r d/ x && find x | sort",
    "cp -r d/. e && find e | sort",
    "cp -r d d",
    "cp -r d d/sub",
    "cp -r d a",
    "cp a d/a; mkdir d/a2; cp -r d/a2 e/; cp a e/a2; ls e/a2",
    "mkdir d/a; cp a d",
    "cp -v a b",
    "cp -rv d x | sort",
    "cp -a d x && stat -c '%a %Y %n' x x/three x/sub x/sub/deep",
    "cp -a . ../copied && cd ../copied && stat -c '%a %Y %h %n %F' a d e hard1 hard2 d/sub/deep && stat -c '%n %F' link dirlink && cd .. && rm -r copied",
    "mkdir o && cp -a d/. o && stat -c '%a %Y %n' o o/three o/sub",
    "cp -p a b && stat -c '%a %Y' b",
    "cp --preserve=mode a b && stat -c %a b",
    "cp --preserve=colour a b",
    "cp link x && stat -c '%F' x",
    "cp -P link x && readlink x",
    "cp -d link x && readlink x",
    "cp -r link x && readlink x",
    "cp -rL dirlink x && ls x",
    "cp -rH dirlink x && ls x",
    "cp dangling x",
    "cp -r dangling x && readlink x",
    "cp a link && cat a && readlink link",
    "cp -P link big && readlink big",
    "cp -n a big; wc -c < big",
    "cp -u a big; wc -c < big",
    "cp -u big a; wc -c < a",
    "cp -l a x && stat -c %h a",
    "cp -s a x && readlink x",
    "cp -t d a big && ls d",
    "cp -T a d",
    "cp -T -r d e && ls e",
    "cp a d/a && cp a d/a d/sub",
    "cp --no-such a b",
    "mv a b && ls",
    "mv a d && ls d",
    "mv a big d && ls d",
    "mv a a",
    "mv nothing x",
    "mv a nothing/x",
    "mv d d/sub",
    "mv d a",
    "mv d e && find e | sort",
    "mkdir e/d && mv d e && find e | sort",
    "mkdir e/d && : > e/d/x && mv d e",
    "mkdir d/a; mv a d",
    "mv -v a b",
    "mv -n a big; ls a; wc -c < big",
    "mv -t d a big && ls d",
    "mv hard1 hard2; ls",
    "mv link x && readlink x",
    "mv",
    "mv a",
    "rm a && ls",
    "rm nothing",
    "rm -f nothing",
    "rm -f",
    "rm",
    "rm d",
    "rm -d d",
    "rm -d e && ls",
    "rm -r d && ls",
    "rm -rf d nothing && ls",
    "rm -rv d | sort",
    "rm -v a link",
    "rm -r .",
    "rm -r d/..",
    "rm dirlink && ls d",
    "rm -r dirlink && ls d",
    "rm -- -x",
    "rm -x",
    "rm a nothing big; ls",
    "echo n | rm -i a; ls a",
    "echo y | rm -i a; ls a",
    "ln a b && stat -c %h b",
    "ln -s a b && readlink b",
    "ln -s a link",
    "ln -sf big link && readlink link",
    "ln -s d/three && readlink three",
    "ln -s ../a d && readlink d/a",
    "ln -sfn e dirlink && readlink dirlink",
    "ln d x",
    "ln nothing x",
    "ln a big",
    "ln -sv a b",
    "ln -v a b",
    "ln -sr d/three e && readlink e/three",
    "ln",
    "chmod 644 a && stat -c %a a",
    "chmod u+x,g+w a && stat -c %a a",
    "chmod -w a && stat -c %a a",
    "chmod a+rX d a && stat -c %a d a",
    "chmod -R go-rwx d && stat -c '%a %n' d d/three d/sub d/sub/deep",
    "chmod 4755 a && stat -c '%a %A' a",
    "chmod g+s d && chmod 700 d && stat -c %a d",
    "chmod +t d && stat -c %A d",
    "chmod -v 644 a big",
    "chmod -c 600 a; chmod -c 644 a",
    "chmod 99 a",
    "chmod u~x a",
    "chmod 644",
    "chmod",
    "chmod 644 nothing",
    "chmod 644 dangling",
    "chmod --reference=big a && stat -c %a a",
    "stat -c '%n %s %a %A %F %h' a d link empty e",
    "stat -c '%U %G %u %g' a",
    "stat -c %N link a \"it's\"",
    "stat -c '%y %Y' a empty",
    "stat -c '[%10s] [%-10s] [%06s] [%.3n]' a",
    "stat -L -c %F link dirlink",
    "stat --printf '%n\\n' a",
    "stat --printf '%n\\t%s\\n' a big",
    "stat -c %F dangling",
    "stat -L dangling",
    "stat nothing",
    "stat",
    "stat -c '%% %q' a",
    "install -d x/y && stat -c '%a %n' x x/y",
    "install -d -m 700 x && stat -c %a x",
    "install -m 640 a x && stat -c %a x && cat x",
    "install a big d && stat -c '%a %n' d/a d/big",
    "install -D a x/y/z && stat -c '%a %n' x/y x/y/z",
    "install nothing x",
    "install d x",
    "install -v a x",
    "id -un",
    "id -u",
    "id -gn",
    "id root",
    "id nobody-there",
    "id -n",
    "id -u -g",
    "whoami",
    "whoami x",
    "groups",
    "groups root",
    "chown root a && stat -c %U a",
    "chown nobody-there a",
    "chown root:nobody-there a",
    "chown :root a",
    "chown",
    "chown root",
    "chown root nothing",
    "chgrp nobody-there a",
    "chgrp root nothing",
    "chgrp",
];

/// What releases word differently is made alike.
fn alike(text: &str) -> String {
    text.replace("cannot statx", "cannot stat")
        .replace("\n  - ‘width’", "")
}

/// Whether the real programs are here, are GNU's, and are run by root (as here, where `chown` is allowed).
fn comparable() -> bool {
    let version = Command::new("ls").arg("--version").output();
    let root = Command::new("id").arg("-u").output();
    version.is_ok_and(|out| String::from_utf8_lossy(&out.stdout).contains("GNU coreutils"))
        && root.is_ok_and(|out| out.stdout == b"0\n")
}

fn real(directory: &Path, script: &str) -> (String, String, i32) {
    let output = Command::new("bash")
        .args(["-c", script])
        .current_dir(directory)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("LC_ALL", "C.UTF-8")
        .env("TZ", "UTC")
        .env("HOME", "/root")
        .output()
        .unwrap();
    (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
        output.status.code().unwrap_or(-1),
    )
}

/// Lines of programs that need a whole host.
const SEARCHES: &[&str] = &[
    "find | sort",
    "find d | sort",
    "find d/ e | sort",
    "find . -name '*a*' | sort",
    "find . -iname 'A' -o -name big | sort",
    "find . -type d | sort",
    "find . -type l -printf '%p %l %y %Y\\n' | sort",
    "find . -type f,l -name '*1' | sort",
    "find . ! -type d -not -name 'h*' | sort",
    "find . \\( -name a -o -name big \\) -type f | sort",
    "find . -maxdepth 1 | sort",
    "find . -mindepth 2 | sort",
    "find d -depth",
    "find . -name d -prune -o -print | sort",
    "find . -path './d/*' | sort",
    "find . -empty | sort",
    "find . -size +1k | sort",
    "find . -size -2000c -type f | sort",
    "find . -perm 600; find . -perm -700 -type f; find . -perm /111 -type f",
    "find . -links 2 -type f | sort",
    "find . -samefile hard1 | sort",
    "find . -newer a -type f | sort",
    "find . -type f -newermt 2020-06-01 ! -newermt 2021-06-01",
    "find . -mtime +1000 -type f | sort",
    "find . -type f -mtime +365000",
    "find a big -printf '%f %h %p %s %m %M %n %d %P %H %%\\n'",
    "find d -printf '%f|%h|%P|%d\\n' | sort",
    "find a -printf '%TY-%Tm-%Td %TH:%TM %T@ %t %T+\\n'",
    "find a -printf '[%10f] [%-10f] [%5s]\\n'",
    "find dirlink; find dirlink/ | sort; find -H dirlink | sort; find -L dirlink | sort",
    "find . -print0 -maxdepth 0 | tr '\\0' x",
    "find a -exec cat {} \\;",
    "find a big -exec echo x{}y \\; -exec false \\; -print",
    "find d -type f -exec cat {} + | sort",
    "find d -name deep -execdir echo {} \\;",
    "find d -delete; ls",
    "find d -name nothing -delete; ls d",
    "find . -name a -quit; find . -false; find a -true",
    "find nothing",
    "find a nothing",
    "find a -foo",
    "find a -name",
    "find -name a b",
    "find a -type z",
    "find a -user nosuchuser",
    "find a -mtime x",
    "find a -exec echo",
    "find . -regex './d/.*' | sort",
    "find a -uid 0 -gid 0 -user root -group root; find a -nouser; find a -nogroup",
    "find -lname a",
    "find -L . -type l | sort",
    "du -a --apparent-size -b d/three a big empty",
    "du nothing",
    "du -s -a d",
    "du -d x d",
    "du -b a big hard1 hard2",
    "du -bc a big",
    "realpath a d/../a link dirlink/three",
    "realpath -s dirlink/three",
    "realpath nothing; realpath nothing/x",
    "realpath -e nothing",
    "realpath -m nothing/x/../y",
    "realpath dangling; realpath -e dangling",
    "realpath",
    "echo x | tee new; cat new",
    "echo x | tee -a a big | wc -c; tail -c 3 big",
    "echo x | tee d; echo x | tee nothing/x",
    "link a b && stat -c %h a; link a; link nothing x; link a big",
    "unlink a; ls; unlink d; unlink nothing; unlink",
    "vdir -g -o --time-style=+ a; dir -1 a",
    "mktemp -u x.XX; mktemp a b; mktemp -d nothing/x.XXX 2>&1 | sed 's/[.]...’/.N’/'",
    "umask 077; touch n; mkdir m; cp big o; stat -c '%a %n' n m o",
    "cd d && pwd | sed 's/.*w/w/'; cd nothing 2>/dev/null || echo no; cd - > /dev/null; ls a",
];

async fn compare<F: Future<Output = (String, String, i32)>>(
    lines: &[&'static str],
    here: impl Fn(&'static str) -> F,
) {
    if !comparable() {
        // Nothing to compare with: other tests hold the wording that matters most.
        return;
    }
    let mut differences = Vec::new();
    let template = tempfile::tempdir().unwrap();
    let (_, err, _) = real(template.path(), TREE);
    assert_eq!(err, "", "the real tree could not be made");
    for line in lines {
        let above = tempfile::tempdir().unwrap();
        let directory = above.path().join("w");
        let copied = Command::new("cp")
            .arg("-a")
            .args([template.path(), directory.as_path()])
            .status();
        assert!(copied.unwrap().success());
        let (out, err, code) = real(&directory, line);
        // There the tree has a place of its own; here it is in /w.
        let place = directory.to_string_lossy().into_owned();
        let expected = (out.replace(&place, "/w"), err, code);
        let found = here(line).await;
        let normal = |(out, err, code): &(String, String, i32)| (alike(out), alike(err), *code);
        if normal(&expected) != normal(&found) {
            differences.push(format!("{line}\n  real: {expected:?}\n  here: {found:?}"));
        }
    }
    assert!(
        differences.is_empty(),
        "{} of {} lines differ:\n{}",
        differences.len(),
        lines.len(),
        differences.join("\n")
    );
}

/// Runs a line as root in a tree of its own.
async fn among_files(line: &str) -> (String, String, i32) {
    let world = World::new(&jiff::Timestamp::now().to_string());
    let mut shell = world.shell("root", "/w", Session::Batch);
    let (_, err, _) = run(&mut shell, TREE).await;
    assert_eq!(err, "", "the tree could not be made");
    run(&mut shell, line).await
}

/// Runs a line as root on a host of its own.
async fn on_a_host(line: &str) -> (String, String, i32) {
    let rig = Rig::at(&jiff::Timestamp::now().to_string());
    rig.good("root", &format!("mkdir /w; cd /w\n{TREE}")).await;
    rig.run("root", &format!("cd /w\n{line}")).await
}

#[tokio::test]
async fn searches_are_those_of_findutils_and_coreutils() {
    compare(SEARCHES, on_a_host).await;
}

#[tokio::test]
async fn listings_are_those_of_coreutils() {
    compare(LISTINGS, among_files).await;
}

#[tokio::test]
async fn changes_are_those_of_coreutils() {
    compare(CHANGES, among_files).await;
}
