//! A stack of the lab's shape from creation to nothing left.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn the_lab_stack_is_created_used_and_deleted_without_a_trace() {
    let bench = Bench::new().await;
    let stack = bench.create("lab", LAB, &lab_parameters(GOOD, GOOD)).await;
    assert_eq!(bench.settled(&stack).await, "CREATE_COMPLETE");

    let client = bench.cloudformation();
    let described = client
        .describe_stacks()
        .stack_name("lab")
        .send()
        .await
        .unwrap();
    let described = &described.stacks()[0];
    let output = |key: &str| {
        let outputs = described.outputs();
        let found = outputs
            .iter()
            .find(|output| output.output_key() == Some(key));
        found.unwrap().output_value().unwrap().to_owned()
    };
    assert!(output("AddressA").parse::<std::net::Ipv4Addr>().is_ok());
    assert_ne!(output("AddressA"), output("AddressB"));
    assert!(output("FileSystemId").starts_with("fs-"));
    assert_eq!(
        output("HostKeys"),
        r#"{"InstanceA":"key of InstanceA","InstanceB":"key of InstanceB"}"#
    );

    let events = bench.events(&stack).await;
    let at = |id: &str, status: &str| {
        events
            .iter()
            .position(|(logical, state, _)| logical == id && state == status)
            .unwrap()
    };
    assert_eq!(events[0].0, "lab");
    assert_eq!(events[0].2, "User Initiated");
    assert!(at("MountTargetA", "CREATE_COMPLETE") < at("InstanceA", "CREATE_IN_PROGRESS"));
    assert!(at("InstanceA", "CREATE_COMPLETE") < at("InstanceB", "CREATE_IN_PROGRESS"));
    let reasons: Vec<&str> = events
        .iter()
        .filter(|(logical, ..)| logical == "InstanceA")
        .map(|(_, _, reason)| reason.as_str())
        .collect();
    assert_eq!(reasons[..2], ["", "Resource creation Initiated"]);
    assert!(reasons[2].starts_with("Received SUCCESS signal with UniqueId i-"));

    client
        .delete_stack()
        .stack_name("lab")
        .send()
        .await
        .unwrap();
    assert_eq!(bench.settled(&stack).await, "DELETE_COMPLETE");
    let gone = client.describe_stacks().stack_name("lab").send().await;
    let message = format!("{:?}", gone.unwrap_err());
    assert!(
        message.contains("Stack with id lab does not exist"),
        "{message}"
    );

    let ec2 = bench.ec2();
    let instances = ec2
        .describe_instances()
        .filters(
            ec2::types::Filter::builder()
                .name("instance-state-name")
                .values("pending")
                .values("running")
                .values("shutting-down")
                .values("stopping")
                .values("stopped")
                .build(),
        )
        .send()
        .await
        .unwrap();
    assert!(instances.reservations().is_empty());
    assert!(ec2.describe_vpcs().send().await.unwrap().vpcs().is_empty());
    assert!(
        ec2.describe_subnets()
            .send()
            .await
            .unwrap()
            .subnets()
            .is_empty()
    );
    assert!(
        ec2.describe_volumes()
            .send()
            .await
            .unwrap()
            .volumes()
            .is_empty()
    );
    assert!(
        ec2.describe_key_pairs()
            .send()
            .await
            .unwrap()
            .key_pairs()
            .is_empty()
    );
    let interfaces = ec2.describe_network_interfaces().send().await.unwrap();
    assert!(interfaces.network_interfaces().is_empty());
    let groups = ec2.describe_security_groups().send().await.unwrap();
    assert!(groups.security_groups().is_empty());
    let file_systems = bench.efs().describe_file_systems().send().await.unwrap();
    assert!(file_systems.file_systems().is_empty());
    assert_eq!(*bench.forgotten.lock().unwrap(), [output("FileSystemId")]);
    bench.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn creating_and_deleting_again_with_the_same_token_is_one_request() {
    let bench = Bench::new().await;
    let template = "Resources: {Gateway: {Type: 'AWS::EC2::InternetGateway'}}";
    let first = bench.create("twice", template, &[]).await;
    let second = bench.create("twice", template, &[]).await;
    assert_eq!(first, second);
    let other = bench
        .cloudformation()
        .create_stack()
        .stack_name("twice")
        .template_body(template)
        .send()
        .await
        .unwrap_err();
    assert!(other.into_service_error().is_already_exists_exception());
    assert_eq!(bench.settled(&first).await, "CREATE_COMPLETE");
    for _ in 0..2 {
        let delete = bench.cloudformation().delete_stack();
        delete
            .stack_name("twice")
            .client_request_token("d")
            .send()
            .await
            .unwrap();
    }
    assert_eq!(bench.settled(&first).await, "DELETE_COMPLETE");
    // The name is free again; the first stack is still known by its ARN.
    let again = bench.create("twice", template, &[]).await;
    assert_ne!(first, again);
    assert_eq!(bench.settled(&first).await, "DELETE_COMPLETE");
    assert_eq!(bench.settled("twice").await, "CREATE_COMPLETE");
}
