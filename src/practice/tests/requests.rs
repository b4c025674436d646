//! Requests that no AWS SDK would send, and those of strangers.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::control::{self, Access};
use super::*;

impl Bench {
    fn access(&self) -> Access {
        Access {
            endpoint_url: self.running.endpoint_url.clone(),
            access_key_id: self.running.access_key_id.clone(),
            secret_access_key: self.running.secret_access_key.clone(),
            region: self.running.region.clone(),
        }
    }

    /// Sends text as it is, and answers with whatever comes back.
    async fn raw(&self, text: &str) -> String {
        let authority = self.running.endpoint_url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(authority).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_a_wrong_secret_and_no_signature_are_told_apart_by_each_service() {
    let mut bench = Bench::new().await;
    let secret = std::mem::replace(&mut bench.running.secret_access_key, "wrong".repeat(8));
    let mismatch = bench
        .cloudformation()
        .describe_stacks()
        .send()
        .await
        .unwrap_err();
    let error = mismatch.into_service_error();
    assert_eq!(error.meta().code(), Some("SignatureDoesNotMatch"));
    let mismatch = bench.ec2().describe_vpcs().send().await.unwrap_err();
    assert_eq!(
        mismatch.into_service_error().meta().code(),
        Some("AuthFailure")
    );
    let mismatch = bench
        .efs()
        .describe_file_systems()
        .send()
        .await
        .unwrap_err();
    let error = mismatch.into_service_error();
    assert_eq!(error.meta().code(), Some("InvalidSignatureException"));

    bench.running.secret_access_key = secret;
    bench.running.access_key_id = "AKIAQQQQQQQQQQQQQQQQ".into();
    let unknown = bench
        .cloudformation()
        .describe_stacks()
        .send()
        .await
        .unwrap_err();
    let error = unknown.into_service_error();
    assert_eq!(error.meta().code(), Some("InvalidClientTokenId"));
    let unknown = bench
        .efs()
        .describe_file_systems()
        .send()
        .await
        .unwrap_err();
    let error = unknown.into_service_error();
    assert_eq!(error.meta().code(), Some("UnrecognizedClientException"));

    let unsigned = bench
        .raw("GET /?Action=DescribeStacks&Version=2010-05-15 HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .await;
    assert!(unsigned.starts_with("HTTP/1.1 403"), "{unsigned}");
    assert!(
        unsigned.contains("<Code>MissingAuthenticationToken</Code>"),
        "{unsigned}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_requests_to_this_machine_by_its_own_names_are_answered() {
    let bench = Bench::new().await;
    for host in [
        "evil.example",
        "127.0.0.1.evil.example",
        "[::1]",
        "10.0.0.1:80",
    ] {
        let answer = bench
            .raw(&format!(
                "GET / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"
            ))
            .await;
        assert!(answer.starts_with("HTTP/1.1 403"), "{host}: {answer}");
        assert!(
            answer.contains("127.0.0.1 and localhost"),
            "{host}: {answer}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_large_is_refused() {
    let bench = Bench::new().await;
    let length = 2 * 1024 * 1024;
    let answer = bench
        .raw(&format!(
            "POST / HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{}",
            "a".repeat(length)
        ))
        .await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(answer.contains("RequestEntityTooLarge"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_and_parameters_out_of_scope_are_refused_by_name() {
    let bench = Bench::new().await;
    let unknown = bench
        .ec2()
        .run_instances()
        .min_count(1)
        .max_count(1)
        .send()
        .await;
    let error = unknown.unwrap_err().into_service_error();
    assert_eq!(error.meta().code(), Some("InvalidAction"));
    assert!(error.meta().message().unwrap().contains("RunInstances"));

    let unknown = bench.cloudformation().list_exports().send().await;
    let error = unknown.unwrap_err().into_service_error();
    assert_eq!(error.meta().code(), Some("InvalidAction"));

    let unknown = bench
        .efs()
        .create_file_system()
        .creation_token("x")
        .send()
        .await;
    let error = unknown.unwrap_err().into_service_error();
    assert_eq!(error.meta().code(), Some("UnknownOperationException"));

    let parameter = bench
        .cloudformation()
        .delete_stack()
        .stack_name("x")
        .retain_resources("VPC")
        .send()
        .await;
    let error = parameter.unwrap_err().into_service_error();
    assert_eq!(error.meta().code(), Some("ValidationError"));
    assert!(error.meta().message().unwrap().contains("RetainResources"));

    let filter = ec2::types::Filter::builder()
        .name("colour")
        .values("red")
        .build();
    let error = bench
        .ec2()
        .describe_vpcs()
        .filters(filter)
        .send()
        .await
        .unwrap_err();
    let error = error.into_service_error();
    assert_eq!(error.meta().code(), Some("InvalidParameterValue"));
    assert_eq!(
        error.meta().message(),
        Some("The filter 'colour' is invalid")
    );

    let dry = bench
        .ec2()
        .delete_key_pair()
        .key_name("x")
        .dry_run(true)
        .send()
        .await;
    let error = dry.unwrap_err().into_service_error();
    assert_eq!(error.meta().code(), Some("DryRunOperation"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_control_plane_tells_how_instances_are_reached_and_moves_time() {
    let bench = Bench::new().await;
    let stack = bench.create("lab", LAB, &lab_parameters(GOOD, GOOD)).await;
    assert_eq!(bench.settled(&stack).await, "CREATE_COMPLETE");
    let access = bench.access();

    let (_, config) = control::request(&access, "GET", "/_efslab/ssh-config").await;
    assert_eq!(
        config.matches("\n  HostName 127.0.0.1\n").count(),
        2,
        "{config}"
    );
    assert!(
        config.contains("User ec2-user\n  HostKeyAlias i-"),
        "{config}"
    );
    let instances = control::json(&access, "GET", "/_efslab/instances").await;
    let first = &instances["Instances"][0];
    assert!(first["InstanceId"].as_str().unwrap().starts_with("i-"));
    assert!(first["Port"].as_u64().unwrap() > 0);
    let address = first["PublicAddress"].as_str().unwrap();
    assert!(config.contains(&format!("Host {address} i-")), "{config}");

    let before: jiff::Timestamp = control::json(&access, "GET", "/_efslab/clock").await["Now"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let after = control::json(&access, "POST", "/_efslab/advance?seconds=900").await;
    assert_eq!(after["Pace"], "max");
    let after: jiff::Timestamp = after["Now"].as_str().unwrap().parse().unwrap();
    assert!(after.duration_since(before) >= jiff::SignedDuration::from_secs(900));

    control::json(&access, "POST", "/_efslab/reset").await;
    let stacks = bench
        .cloudformation()
        .describe_stacks()
        .send()
        .await
        .unwrap();
    assert!(stacks.stacks().is_empty());
    let instances = bench.ec2().describe_instances().send().await.unwrap();
    assert!(instances.reservations().is_empty());
    let (_, config) = control::request(&access, "GET", "/_efslab/ssh-config").await;
    assert_eq!(config, "");
    assert_eq!(bench.forgotten.lock().unwrap().len(), 1);

    let stranger = Access {
        secret_access_key: "x".into(),
        ..access
    };
    let (status, body) = control::request(&stranger, "POST", "/_efslab/reset").await;
    assert_eq!(status, "403", "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_the_caller_is_and_which_image_is_the_newest_can_be_asked() {
    let bench = Bench::new().await;
    let sts = aws_sdk_sts::Client::from_conf(
        aws_sdk_sts::Config::builder()
            .behavior_version(aws_sdk_sts::config::BehaviorVersion::latest())
            .endpoint_url(&bench.running.endpoint_url)
            .region(aws_sdk_sts::config::Region::new("us-east-1"))
            .credentials_provider(bench.credentials())
            .build(),
    );
    let caller = sts.get_caller_identity().send().await.unwrap();
    assert_eq!(caller.account(), Some(bench.running.account_id.as_str()));

    let ssm = aws_sdk_ssm::Client::from_conf(
        aws_sdk_ssm::Config::builder()
            .behavior_version(aws_sdk_ssm::config::BehaviorVersion::latest())
            .endpoint_url(&bench.running.endpoint_url)
            .region(aws_sdk_ssm::config::Region::new("us-east-1"))
            .credentials_provider(bench.credentials())
            .build(),
    );
    let path = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64";
    let found = ssm.get_parameter().name(path).send().await.unwrap();
    let image = found.parameter().unwrap().value().unwrap().to_owned();
    let described = bench
        .ec2()
        .describe_images()
        .image_ids(&image)
        .send()
        .await
        .unwrap();
    let architecture = described.images()[0].architecture().unwrap();
    assert_eq!(architecture.as_str(), "arm64");
    let missing = ssm.get_parameter().name("/other").send().await.unwrap_err();
    assert!(missing.into_service_error().is_parameter_not_found());
    let many = ssm
        .get_parameters()
        .names(path)
        .names("/other")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (many.parameters().len(), many.invalid_parameters()),
        (1, &["/other".to_owned()][..])
    );
}
