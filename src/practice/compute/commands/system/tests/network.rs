//! nc, getent, dig and its like, ping, curl, cfn-signal.

use super::{HANDLE, Rig, SHARE};

#[tokio::test]
async fn a_port_is_open_refused_or_silent() {
    let rig = Rig::new();
    rig.root("dnf install -yq nmap-ncat").await.ended(0);
    rig.user(&format!("nc -z {SHARE} 2049")).await.ended(0);
    let ran = rig.user(&format!("nc -zv {SHARE} 2049")).await.ended(0);
    assert!(
        ran.err.contains("Ncat: Connected to 10.0.1.30:2049.\n"),
        "{}",
        ran.err
    );
    let ran = rig.user("nc -zv 10.0.1.9 23").await.ended(1);
    assert!(
        ran.err.ends_with("Ncat: Connection refused.\n"),
        "{}",
        ran.err
    );
    assert_eq!(rig.user("nc -z 10.0.1.9 23").await.ended(1).err, "");
    let (seconds, ran) = rig.seconds("nc -z 10.0.1.9 80").await;
    ran.ended(1);
    assert_eq!(seconds, 10);
    let (seconds, ran) = rig.seconds("nc -zv -w 3 10.0.1.9 80").await;
    assert!(ran.ended(1).err.ends_with("Ncat: TIMEOUT.\n"));
    assert_eq!(seconds, 3);
    let ran = rig.user("nc -z nowhere 22").await.ended(2);
    assert!(
        ran.err.contains("Could not resolve hostname \"nowhere\""),
        "{}",
        ran.err
    );
}

#[tokio::test]
async fn the_wait_of_the_user_data_ends_when_the_share_is_up() {
    let rig = Rig::before_the_share("2026-01-05T12:00:00Z".parse().unwrap());
    rig.root("dnf install -yq nmap-ncat").await.ended(0);
    *rig.around.serves.lock().unwrap() =
        Some(rig.clock.now() + jiff::SignedDuration::from_secs(90));
    let (seconds, ran) = rig
        .seconds(&format!(
            "until nc -z {SHARE} 2049; do sleep 10; done; sleep 10"
        ))
        .await;
    ran.ended(0);
    // Each failed try lasts ten seconds, as does each pause.
    assert_eq!(seconds, 100 + 10);
}

#[tokio::test]
async fn names_are_looked_up_in_order() {
    let rig = Rig::new();
    assert_eq!(
        rig.user(&format!("getent hosts {SHARE}"))
            .await
            .ended(0)
            .out,
        format!("10.0.1.30       {SHARE}\n")
    );
    assert_eq!(
        rig.user("getent hosts ip-10-0-1-12").await.ended(0).out,
        "10.0.1.12       ip-10-0-1-12\n"
    );
    rig.root("echo '10.9.9.9 box' >>/etc/hosts").await.ended(0);
    assert_eq!(
        rig.user("getent hosts box").await.ended(0).out,
        "10.9.9.9        box\n"
    );
    rig.user("getent hosts nowhere").await.ended(2);
    assert!(
        rig.user("getent passwd ec2-user")
            .await
            .ended(0)
            .out
            .starts_with("ec2-user:x:1000:")
    );
}

#[tokio::test]
async fn metadata_need_a_token() {
    let rig = Rig::new();
    let base = "http://169.254.169.254/latest";
    let ran = rig
        .user(&format!(
            "curl -s -o /dev/null -w '%{{http_code}}' {base}/meta-data/instance-id"
        ))
        .await;
    assert_eq!(ran.ended(0).out, "401");
    let script = format!(
        "TOKEN=$(curl -sS -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' {base}/api/token)\n\
         get() {{ curl -sSf -H \"X-aws-ec2-metadata-token: $TOKEN\" {base}/$1; echo; }}\n\
         get meta-data/instance-id; get meta-data/placement/availability-zone; get meta-data/public-ipv4\n\
         get meta-data/public-keys/0/openssh-key; get meta-data/tags/instance/Name; get meta-data/nothing"
    );
    let ran = rig.user(&script).await;
    assert_eq!(
        ran.out,
        "i-1\nus-east-1a\n54.1.2.3\nssh-ed25519 AAAA lab\n\nlab A\n\n"
    );
    assert_eq!(
        ran.err,
        "curl: (22) The requested URL returned error: 404\n"
    );
}

#[tokio::test]
async fn the_host_key_is_put_to_the_wait_handle() {
    let rig = Rig::new();
    let script = format!(
        "curl --fail --silent --show-error --retry 5 -X PUT -H 'Content-Type:' --data-binary '{{\"Status\":\"SUCCESS\"}}' '{HANDLE}'"
    );
    rig.user(&script).await.ended(0);
    let sent = rig.around.messages.lock().unwrap().clone();
    assert_eq!(
        sent,
        [("PUT".to_owned(), "{\"Status\":\"SUCCESS\"}".to_owned())]
    );
}

#[tokio::test]
async fn a_content_type_breaks_the_signature_of_the_handle() {
    let rig = Rig::new();
    let ran = rig
        .user(&format!("curl -sSf -X PUT -d x '{HANDLE}'"))
        .await
        .ended(22);
    assert_eq!(
        ran.err,
        "curl: (22) The requested URL returned error: 403\n"
    );
    assert!(rig.around.messages.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_fails_for_a_while_is_tried_again() {
    let rig = Rig::new();
    *rig.around.answers.lock().unwrap() = vec![503, 503, 200];
    let (seconds, ran) = rig
        .seconds(&format!(
            "curl -sSf --retry 5 -X PUT -H Content-Type: -d x '{HANDLE}'"
        ))
        .await;
    assert_eq!(ran.ended(0).out, "body");
    assert_eq!(seconds, 3);
    *rig.around.answers.lock().unwrap() = vec![403];
    rig.user(&format!(
        "curl -sf --retry 5 -X PUT -H Content-Type: -d x '{HANDLE}'"
    ))
    .await
    .ended(22);
    assert_eq!(rig.around.messages.lock().unwrap().len(), 4);
}

#[tokio::test]
async fn there_is_nothing_else_to_reach() {
    let rig = Rig::new();
    let ran = rig.user("curl -sS https://example.com/").await.ended(6);
    assert_eq!(ran.err, "curl: (6) Could not resolve host: example.com\n");
    assert!(
        rig.user("curl -sS http://localhost/")
            .await
            .ended(7)
            .err
            .starts_with("curl: (7) Failed to connect")
    );
    let (seconds, ran) = rig.seconds("curl -sS -m 5 http://10.0.1.9/").await;
    assert_eq!(
        ran.ended(28).err,
        "curl: (28) Connection timed out after 5000 milliseconds\n"
    );
    assert_eq!(seconds, 5);
    assert!(
        rig.user("curl --frob x")
            .await
            .ended(2)
            .err
            .starts_with("curl: option --frob: is unknown\n")
    );
}

#[tokio::test]
async fn output_and_data_are_files_of_the_user() {
    let rig = Rig::new();
    rig.user(&format!(
        "printf 'a\\nb' >in; curl -sS -X PUT -H Content-Type: --data-binary @in -o out '{HANDLE}'"
    ))
    .await
    .ended(0);
    assert_eq!(rig.user("cat out").await.out, "body");
    assert_eq!(rig.around.messages.lock().unwrap()[0].1, "a\nb");
    let ran = rig
        .user(&format!(
            "echo c | curl -sS -X PUT -H Content-Type: -d @- '{HANDLE}'"
        ))
        .await
        .ended(0);
    assert_eq!(ran.out, "body");
    assert_eq!(rig.around.messages.lock().unwrap()[1].1, "c");
    rig.user(&format!("curl -sS -o /etc/out -X PUT '{HANDLE}'"))
        .await
        .ended(23);
}

#[tokio::test]
async fn a_signal_reaches_the_stack() {
    let rig = Rig::new();
    rig.root("dnf install -yq aws-cfn-bootstrap").await.ended(0);
    rig.root("cfn-signal -e 0 --stack s --resource R")
        .await
        .ended(127);
    rig.root("export PATH=\"$PATH:/opt/aws/bin\"; cfn-signal --exit-code 3 --reason 'it broke' --region us-east-1 --stack s --resource R")
        .await
        .ended(0);
    rig.root("/opt/aws/bin/cfn-signal --success true -i me --stack s --resource R")
        .await
        .ended(0);
    {
        let signals = rig.around.signals.lock().unwrap();
        assert_eq!(
            (
                signals[0].success,
                signals[0].reason.as_str(),
                signals[0].unique_id.as_str()
            ),
            (false, "it broke", "i-1")
        );
        assert_eq!(
            (signals[1].success, signals[1].unique_id.as_str()),
            (true, "me")
        );
    }
    let ran = rig
        .root("/opt/aws/bin/cfn-signal --stack t --resource R")
        .await
        .ended(1);
    assert_eq!(ran.err, "ValidationError: Stack 't' does not exist\n");
    rig.root(&format!("/opt/aws/bin/cfn-signal -d key '{HANDLE}'"))
        .await
        .ended(0);
    let (method, message) = rig.around.messages.lock().unwrap()[0].clone();
    let message: serde_json::Value = serde_json::from_str(&message).unwrap();
    assert_eq!(
        (method.as_str(), &message["Data"], &message["UniqueId"]),
        ("PUT", &"key".into(), &"i-1".into())
    );
}

#[tokio::test]
async fn names_are_asked_of_the_resolver_in_three_ways() {
    let rig = Rig::new();
    rig.root("dnf install -yq bind-utils && echo '10.9.9.9 box' >>/etc/hosts")
        .await
        .ended(0);
    let short = rig
        .user(&format!("dig +short {SHARE}; dig +short box"))
        .await;
    assert_eq!(short.ended(0).out, "10.0.1.30\n");
    let host = rig
        .user(&format!("host {SHARE}. && host nowhere"))
        .await
        .ended(1);
    assert_eq!(
        host.out,
        format!("{SHARE} has address 10.0.1.30\nHost nowhere not found: 3(NXDOMAIN)\n")
    );
    let dig = rig.user(&format!("dig {SHARE}")).await.ended(0).out;
    assert!(
        dig.contains(&format!(
            ";; ANSWER SECTION:\n{SHARE}.\t60\tIN\tA\t10.0.1.30\n"
        )),
        "{dig}"
    );
    let none = rig.user("dig nowhere").await.ended(0).out;
    assert!(
        none.contains("status: NXDOMAIN") && !none.contains("ANSWER SECTION"),
        "{none}"
    );
    let lookup = rig
        .user(&format!("nslookup {SHARE} && nslookup nowhere"))
        .await
        .ended(1);
    let expected = format!("Non-authoritative answer:\nName:\t{SHARE}\nAddress: 10.0.1.30\n\n");
    assert!(lookup.out.contains(&expected), "{}", lookup.out);
    assert!(
        lookup
            .out
            .ends_with("** server can't find nowhere: NXDOMAIN\n\n")
    );
}

#[tokio::test]
async fn a_ping_is_answered_or_not() {
    let rig = Rig::new();
    let own = rig.user("ping -c 2 10.0.1.12").await.ended(0).out;
    assert_eq!(
        own.matches("64 bytes from 10.0.1.12: icmp_seq=").count(),
        2,
        "{own}"
    );
    assert!(
        own.contains("2 packets transmitted, 2 received, 0% packet loss"),
        "{own}"
    );
    let (seconds, ran) = rig.seconds("ping -c 3 -W 2 10.0.1.99").await;
    assert!(
        ran.out
            .contains("3 packets transmitted, 0 received, 100% packet loss, time 2000ms"),
        "{}",
        ran.out
    );
    ran.ended(1);
    assert_eq!(seconds, 4);
    let nobody = rig.user("ping -c 1 nowhere").await.ended(2);
    assert_eq!(nobody.err, "ping: nowhere: Name or service not known\n");
}
