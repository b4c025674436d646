//! head, tail, wc, sums, cmp, split and truncate: with GNU's words, at any size, and with what has no end.

use super::Rig;

#[tokio::test]
async fn as_many_bytes_of_an_endless_device_are_taken_as_were_asked_for() {
    let rig = Rig::new();
    let ran = rig
        .user(
            "head -c 20M /dev/zero | wc -c; head -c 100000 /dev/urandom | wc -c
             cat /dev/zero | head -c 3M | wc -c; yes | head -c 3M | wc -c; yes | head -300000 | wc -l
             dd if=/dev/zero bs=1M count=20 status=none | wc -c
             yes | head -n 1000 | tail -n 1; seq 100000 | tail -n 2; seq 5 | head -n -3",
        )
        .await
        .ended(0);
    assert_eq!(
        ran.out,
        "20971520\n100000\n3145728\n3145728\n300000\n20971520\ny\n99999\n100000\n1\n2\n"
    );
}

#[tokio::test]
async fn a_device_that_is_full_takes_nothing() {
    let rig = Rig::new();
    let ran = rig
        .root("dd if=/dev/zero of=/dev/full bs=1k count=1; echo x > /dev/full; echo $?; dd if=/dev/full bs=5 count=1 status=none | wc -c")
        .await
        .ended(0);
    assert!(
        ran.err
            .starts_with("dd: error writing '/dev/full': No space left on device\n"),
        "{}",
        ran.err
    );
    let echo = ran.err.lines().last().unwrap();
    assert!(echo.ends_with("No space left on device"), "{}", ran.err);
    assert_eq!(ran.out, "1\n5\n");
}

#[tokio::test]
async fn a_gibibyte_of_zeros_is_read_without_being_held() {
    let rig = Rig::new();
    let ran = rig
        .root(
            "cd /var; truncate -s 1G f; stat -c %s f; wc -c f
             head -c 5 f | wc -c; tail -c 3 f | wc -c; printf x >> f; tail -c 2 f | od -An -c; tail -c +1073741824 f | wc -c
             truncate -s 1G f; truncate -s -1M f; truncate -s +512K f; stat -c %s f
             cp f g; truncate -s 300M f g; cmp f g && echo same; printf x | dd of=g bs=1 seek=300000000 conv=notrunc status=none; cmp f g
             truncate -s 270M f; split -b 200M f part-; stat -c '%n %s' part-*; tar cf t.tar f && stat -c %s t.tar",
        )
        .await;
    assert_eq!(
        ran.out,
        "1073741824\n1073741824 f\n5\n3\n  \\0   x\n2\n1073217536\nsame\n\
         f g differ: byte 300000001, line 1\npart-aa 209715200\npart-ab 73400320\n283125760\n",
        "{}",
        ran.err
    );
}

#[tokio::test]
async fn sums_are_those_of_the_bytes_and_are_checked() {
    let rig = Rig::new();
    let ran = rig
        .root(
            "cd /tmp; printf abc > a; : > b; md5sum a b; sha1sum < a; sha256sum a
             sha256sum a b > list; sha256sum -c list; printf abd > a; sha256sum -c list; echo $?
             md5sum nosuch /tmp; echo $?; truncate -s 257M z; md5sum z",
        )
        .await
        .ended(0);
    assert_eq!(
        ran.out,
        "900150983cd24fb0d6963f7d28e17f72  a\nd41d8cd98f00b204e9800998ecf8427e  b\n\
         a9993e364706816aba3e25717850c26c9cd0d89d  -\n\
         ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  a\n\
         a: OK\nb: OK\na: FAILED\nb: OK\n1\n1\n\
         d5e338cfc077dd70d65d1c6139cbc8a8  z\n"
    );
    assert_eq!(
        ran.err,
        "sha256sum: WARNING: 1 computed checksum did NOT match\n\
         md5sum: nosuch: No such file or directory\nmd5sum: /tmp: Is a directory\n"
    );
}

#[tokio::test]
async fn what_cannot_be_read_is_told_in_gnus_words() {
    let rig = Rig::new();
    let ran = rig
        .root(
            "cd /tmp; mkdir d; printf 'a b\\n' > f; wc f d nosuch; wc -l nosuch; head nosuch d; tail nosuch; cmp f nosuch; head -n 1 f f
             split nosuch; truncate -s x f; sleep soon; dd what; printf 'a c\\n' > g; cmp f g; printf a > h; cmp f h; cmp -s f g; echo $?",
        )
        .await
        .ended(0);
    assert_eq!(
        ran.err,
        "wc: d: Is a directory\nwc: nosuch: No such file or directory\nwc: nosuch: No such file or directory\n\
         head: cannot open 'nosuch' for reading: No such file or directory\nhead: error reading 'd': Is a directory\n\
         tail: cannot open 'nosuch' for reading: No such file or directory\ncmp: nosuch: No such file or directory\n\
         split: cannot open 'nosuch' for reading: No such file or directory\ntruncate: Invalid number: ‘x’\n\
         sleep: invalid time interval ‘soon’\nTry 'sleep --help' for more information.\n\
         dd: unrecognized operand ‘what’\nTry 'dd --help' for more information.\n\
         cmp: EOF on h after byte 1, in line 1\n"
    );
    assert_eq!(
        ran.out,
        "      1       2       4 f\n      0       0       0 d\n      1       2       4 total\n\
         ==> d <==\n==> f <==\na b\n\n==> f <==\na b\nf g differ: byte 3, line 1\n1\n"
    );
}

#[tokio::test]
async fn split_makes_parts_of_so_many_lines() {
    let rig = Rig::new();
    let ran = rig
        .root(
            "cd /tmp; seq 25 > f; split -l 10 f; wc -l xaa xab xac; cat xa? | cmp - f && echo whole
             seq 6 | split -d -l 3 --additional-suffix=.txt - p; ls p*; split -n 2 f h; cat haa hab | cmp f",
        )
        .await
        .ended(0);
    assert_eq!(
        ran.out,
        "10 xaa\n10 xab\n 5 xac\n25 total\nwhole\np00.txt\np01.txt\n"
    );
}

#[tokio::test]
async fn what_is_added_to_a_file_is_followed_until_the_time_is_up() {
    let rig = Rig::new();
    let ran = rig
        .root(
            "cd /tmp; seq 3 > log
             (sleep 5; echo added >> log; sleep 5; : > log; sleep 5; echo anew >> log) &
             timeout 30 tail -n 1 -f log; echo $?
             (sleep 3; echo first > late; sleep 3; mv late old; sleep 3; echo second > late) &
             timeout 30 tail -F late",
        )
        .await
        .ended(124);
    assert_eq!(
        ran.out, "3\nadded\nanew\n124\nfirst\nsecond\n",
        "{}",
        ran.err
    );
    assert_eq!(
        ran.err,
        "tail: log: file truncated\ntail: cannot open 'late' for reading: No such file or directory\n\
         tail: 'late' has appeared;  following new file\n\
         tail: 'late' has become inaccessible: No such file or directory\n\
         tail: 'late' has appeared;  following new file\n"
    );
}
