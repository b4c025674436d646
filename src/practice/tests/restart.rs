//! What a kill, a second server and a new start find.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_in_progress_goes_on_after_a_kill() {
    let mut bench = Bench::new().await;
    let script = "sleep 60; nfs; signal; put";
    let stack = bench
        .create("lab", LAB, &lab_parameters(script, script))
        .await;
    let endpoint = bench.running.endpoint_url.clone();
    let mut kills = 0;
    let status = loop {
        bench = bench.kill_and_restart().await;
        kills += 1;
        let described = bench
            .cloudformation()
            .describe_stacks()
            .stack_name(&stack)
            .send()
            .await
            .unwrap();
        let status = described.stacks()[0]
            .stack_status()
            .unwrap()
            .as_str()
            .to_owned();
        if status != "CREATE_IN_PROGRESS" {
            break status;
        }
    };
    // The words of a host that was killed are lost (these hosts do not start again), but everything else went on.
    assert!(
        [
            "CREATE_COMPLETE",
            "ROLLBACK_IN_PROGRESS",
            "ROLLBACK_COMPLETE"
        ]
        .contains(&status.as_str()),
        "{status} after {kills} kills"
    );
    assert_eq!(bench.running.endpoint_url, endpoint);
    bench.settled(&stack).await;
    bench
        .cloudformation()
        .delete_stack()
        .stack_name(&stack)
        .send()
        .await
        .unwrap();
    let mut deleting = bench;
    loop {
        deleting = deleting.kill_and_restart().await;
        let described = deleting
            .cloudformation()
            .describe_stacks()
            .stack_name(&stack)
            .send()
            .await
            .unwrap();
        if described.stacks()[0].stack_status().unwrap().as_str() == "DELETE_COMPLETE" {
            break;
        }
    }
    assert!(
        deleting
            .ec2()
            .describe_vpcs()
            .send()
            .await
            .unwrap()
            .vpcs()
            .is_empty()
    );
    let events = deleting.events(&stack).await;
    let twice = events
        .iter()
        .filter(|(logical, status, _)| logical == "VPC" && status == "CREATE_COMPLETE");
    assert_eq!(twice.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_the_account_is_and_what_time_it_is_stay_over_a_stop() {
    let bench = Bench::new().await;
    let (account, key) = (
        bench.running.account_id.clone(),
        bench.running.access_key_id.clone(),
    );
    let stack = bench
        .create(
            "s",
            "Resources: {G: {Type: 'AWS::EC2::InternetGateway'}}",
            &[],
        )
        .await;
    bench.settled(&stack).await;
    let before = bench.running.clock().now();
    let Bench {
        running,
        dir,
        forgotten,
    } = bench;
    running.stop().await;
    let running = open(dir.path(), &forgotten).await.unwrap();
    assert_eq!(
        (&running.account_id, &running.access_key_id),
        (&account, &key)
    );
    let after = running.clock().now();
    assert!(after >= before, "{after} {before}");
    assert!(after.duration_since(before) < jiff::SignedDuration::from_secs(5));
    let bench = Bench {
        running,
        dir,
        forgotten,
    };
    assert_eq!(bench.settled("s").await, "CREATE_COMPLETE");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_a_used_port_and_another_region_are_refused_in_a_sentence() {
    let bench = Bench::new().await;
    let second = open(bench.dir.path(), &bench.forgotten)
        .await
        .err()
        .unwrap()
        .to_string();
    assert!(
        second.starts_with("another practice account is being served from "),
        "{second}"
    );

    let other = tempfile::tempdir().unwrap();
    let options = |region: Option<&str>, port| Options {
        data_dir: other.path().to_owned(),
        port,
        pace: Pace::Max,
        region: region.map(str::to_owned),
        seed: None,
        faults: Arc::default(),
    };
    let hosts = |clock, _: &Path, view| {
        let forgotten = Forgotten::default();
        Ok(Box::new(hosts::Scripted::new(clock, view, forgotten))
            as Box<dyn super::super::hosts::Hosts>)
    };
    let port: u16 = bench
        .running
        .endpoint_url
        .rsplit(':')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let used = serve(options(None, Some(port)), hosts)
        .await
        .err()
        .unwrap()
        .to_string();
    assert_eq!(
        used,
        format!("port {port} on 127.0.0.1 is in use by another program")
    );

    let made = serve(options(Some("eu-west-1"), None), hosts)
        .await
        .unwrap();
    assert_eq!(made.region, "eu-west-1");
    kill(made, other.path()).await;
    let moved = serve(options(Some("us-east-1"), None), hosts)
        .await
        .err()
        .unwrap();
    assert!(
        moved
            .to_string()
            .contains("is in eu-west-1, not in us-east-1"),
        "{moved}"
    );
    let nowhere = serve(options(Some("Atlantis"), None), hosts)
        .await
        .err()
        .unwrap();
    assert_eq!(nowhere.to_string(), "Atlantis is not the name of a region");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_fails_or_panics_half_way_leaves_nothing() {
    let bench = Bench::new().await;
    let account = Arc::clone(&bench.running.account);
    let refused = account.write(|world| {
        world.create_gateway(std::collections::BTreeMap::new());
        Err::<(), _>(crate::practice::error::AwsError::client("No", "no"))
    });
    assert!(refused.is_err());
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        account.write(|world| -> Result<(), _> {
            world.create_gateway(std::collections::BTreeMap::new());
            panic!("half way")
        })
    }));
    assert!(panicked.is_err());
    drop(account);
    // Neither now nor after the next change, nor on disk.
    let count = async |bench: &Bench| {
        let found = bench.ec2().describe_internet_gateways().send().await;
        found.unwrap().internet_gateways().len()
    };
    assert_eq!(count(&bench).await, 0);
    let template = "Resources: {G: {Type: 'AWS::EC2::InternetGateway'}}";
    let stack = bench.create("s", template, &[]).await;
    bench.settled(&stack).await;
    assert_eq!(count(&bench).await, 1);
    let bench = bench.kill_and_restart().await;
    assert_eq!(count(&bench).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_drives_the_account_begins_again_after_a_panic() {
    let bench = Bench::new().await;
    let template = "Resources: {F: {Type: 'AWS::EFS::FileSystem'}}";
    let stack = bench.create("s", template, &[]).await;
    assert_eq!(bench.settled(&stack).await, "CREATE_COMPLETE");
    // The next time that files are forgotten it panics.
    bench.forgotten.lock().unwrap().push("panic".to_owned());
    let client = bench.cloudformation();
    client.delete_stack().stack_name("s").send().await.unwrap();
    assert_eq!(bench.settled(&stack).await, "DELETE_COMPLETE");
    assert_eq!(bench.forgotten.lock().unwrap().len(), 1);
}
