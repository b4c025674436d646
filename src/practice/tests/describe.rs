//! What the Describe calls show of a lab.

use super::*;
use ec2::types::Filter;

fn filter(name: &str, values: &[&str]) -> Filter {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    Filter::builder()
        .name(name)
        .set_values(Some(values))
        .build()
}

async fn lab() -> Bench {
    let bench = Bench::new().await;
    let stack = bench.create("lab", LAB, &lab_parameters(GOOD, GOOD)).await;
    assert_eq!(bench.settled(&stack).await, "CREATE_COMPLETE");
    bench
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_are_found_by_state_tag_and_network_and_shown_with_all_they_have() {
    let bench = lab().await;
    let ec2 = bench.ec2();
    let by_tag = ec2
        .describe_instances()
        .filters(filter("tag:Name", &["lab-* A"]))
        .filters(filter("instance-state-name", &["running"]))
        .send()
        .await
        .unwrap();
    let [reservation] = by_tag.reservations() else {
        panic!("{by_tag:?}");
    };
    let instance = &reservation.instances()[0];
    assert_eq!(instance.key_name(), Some("efslab-lab-7f3k"));
    assert_eq!(
        instance.placement().unwrap().availability_zone(),
        Some("us-east-1a")
    );
    assert_eq!(
        instance
            .metadata_options()
            .unwrap()
            .http_tokens()
            .unwrap()
            .as_str(),
        "required"
    );
    assert_eq!(instance.security_groups().len(), 2);
    let private: std::net::Ipv4Addr = instance.private_ip_address().unwrap().parse().unwrap();
    assert_eq!(private.octets()[..3], [10, 0, 1]);
    let public: std::net::Ipv4Addr = instance.public_ip_address().unwrap().parse().unwrap();
    assert!([[203, 0, 113], [198, 51, 100], [192, 0, 2]].contains(&[
        public.octets()[0],
        public.octets()[1],
        public.octets()[2]
    ]));
    assert!(
        instance
            .public_dns_name()
            .unwrap()
            .ends_with(".compute-1.amazonaws.com")
    );
    let tag = |key: &str| {
        let found = instance.tags().iter().find(|tag| tag.key() == Some(key));
        found.and_then(|tag| tag.value()).unwrap().to_owned()
    };
    assert_eq!(tag("aws:cloudformation:stack-name"), "lab");
    assert_eq!(tag("aws:cloudformation:logical-id"), "InstanceA");

    let volume = instance.block_device_mappings()[0]
        .ebs()
        .unwrap()
        .volume_id()
        .unwrap();
    let volumes = ec2
        .describe_volumes()
        .volume_ids(volume)
        .send()
        .await
        .unwrap();
    let volume = &volumes.volumes()[0];
    assert_eq!(
        (volume.size(), volume.volume_type().unwrap().as_str()),
        (Some(8), "gp3")
    );
    assert!(volume.attachments()[0].delete_on_termination().unwrap());
    assert!(volume.tags().iter().any(|tag| tag.key() == Some("Name")));

    let id = instance.instance_id().unwrap();
    let status = ec2
        .describe_instance_status()
        .instance_ids(id)
        .send()
        .await
        .unwrap();
    assert_eq!(status.instance_statuses().len(), 1);
    let console = ec2
        .get_console_output()
        .instance_id(id)
        .send()
        .await
        .unwrap();
    assert!(console.output().is_some());
    let dry = ec2.get_console_output().instance_id(id).dry_run(true);
    let dry = dry.send().await.unwrap_err();
    assert_eq!(
        dry.into_service_error().meta().code(),
        Some("DryRunOperation")
    );
    let tags = ec2
        .describe_tags()
        .filters(filter("resource-id", &[id]))
        .filters(filter("key", &["Name"]))
        .send()
        .await
        .unwrap();
    assert_eq!(tags.tags()[0].value(), Some("lab-7f3k A"));

    // What the console has shown is told as long as the instance is listed.
    let end = ec2.terminate_instances().instance_ids(id).send().await;
    end.unwrap();
    let output = loop {
        let console = ec2.get_console_output().instance_id(id).send().await;
        let output = console.unwrap().output().unwrap().to_owned();
        let states = ec2.describe_instances().instance_ids(id).send().await;
        let states = states.unwrap();
        let state = states.reservations()[0].instances()[0].state().unwrap();
        if state.name().unwrap().as_str() == "terminated" {
            let console = ec2.get_console_output().instance_id(id).send().await;
            break console.unwrap().output().unwrap().to_owned();
        }
        assert!(!output.is_empty());
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    };
    let shown = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, output).unwrap();
    assert_eq!(
        String::from_utf8(shown).unwrap(),
        format!("last words of {id}\n")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_network_is_shown_as_it_was_built() {
    let bench = lab().await;
    let ec2 = bench.ec2();
    let vpcs = ec2
        .describe_vpcs()
        .filters(filter("tag:efslab:lab", &["lab-7f3k"]))
        .send()
        .await;
    let vpcs = vpcs.unwrap();
    let vpc = vpcs.vpcs()[0].vpc_id().unwrap();
    let of_vpc = || filter("vpc-id", &[vpc]);
    let subnets = ec2
        .describe_subnets()
        .filters(of_vpc())
        .send()
        .await
        .unwrap();
    assert_eq!(subnets.subnets().len(), 2);
    // 256 addresses, five of them AWS's, one an instance's and one a mount target's.
    assert_eq!(subnets.subnets()[0].available_ip_address_count(), Some(249));
    let tables = ec2
        .describe_route_tables()
        .filters(of_vpc())
        .send()
        .await
        .unwrap();
    assert_eq!(tables.route_tables().len(), 2);
    let own = ec2
        .describe_route_tables()
        .filters(of_vpc())
        .filters(filter("association.main", &["false"]))
        .send()
        .await
        .unwrap();
    let routes = own.route_tables()[0].routes();
    assert_eq!(routes.len(), 2);
    assert!(
        routes
            .iter()
            .all(|route| route.state().unwrap().as_str() == "active")
    );
    let gateways = ec2
        .describe_internet_gateways()
        .filters(filter("attachment.vpc-id", &[vpc]))
        .send()
        .await
        .unwrap();
    assert_eq!(gateways.internet_gateways().len(), 1);
    let acls = ec2
        .describe_network_acls()
        .filters(of_vpc())
        .send()
        .await
        .unwrap();
    assert_eq!(acls.network_acls()[0].associations().len(), 2);
    let interfaces = ec2
        .describe_network_interfaces()
        .filters(filter("interface-type", &["efs"]))
        .send()
        .await
        .unwrap();
    assert_eq!(interfaces.network_interfaces().len(), 2);
    let first = &interfaces.network_interfaces()[0];
    assert!(first.requester_managed().unwrap());
    assert!(
        first
            .description()
            .unwrap()
            .starts_with("EFS mount target for fs-")
    );
    let keys = ec2
        .describe_key_pairs()
        .key_names("efslab-lab-7f3k")
        .send()
        .await
        .unwrap();
    assert_eq!(keys.key_pairs()[0].key_type().unwrap().as_str(), "ed25519");
    assert!(
        ec2.describe_addresses()
            .send()
            .await
            .unwrap()
            .addresses()
            .is_empty()
    );
    let snapshots = ec2
        .describe_snapshots()
        .owner_ids("self")
        .send()
        .await
        .unwrap();
    assert!(snapshots.snapshots().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_filesystem_and_its_mount_targets_are_shown() {
    let bench = lab().await;
    let efs = bench.efs();
    let found = efs.describe_file_systems().send().await.unwrap();
    let found = &found.file_systems()[0];
    assert_eq!(found.name(), Some("lab-7f3k home"));
    assert_eq!(found.number_of_mount_targets(), 2);
    assert_eq!(found.encrypted(), Some(true));
    assert_eq!(found.size_in_bytes().unwrap().value(), 7144);
    assert_eq!(found.throughput_mode().unwrap().as_str(), "bursting");
    let id = found.file_system_id();
    let targets = efs
        .describe_mount_targets()
        .file_system_id(id)
        .send()
        .await
        .unwrap();
    let target = &targets.mount_targets()[0];
    let groups = efs
        .describe_mount_target_security_groups()
        .mount_target_id(target.mount_target_id())
        .send()
        .await
        .unwrap();
    assert_eq!(groups.security_groups().len(), 1);
    let arn = found.file_system_arn().unwrap();
    for resource in [id, arn] {
        let tags = efs
            .list_tags_for_resource()
            .resource_id(resource)
            .send()
            .await
            .unwrap();
        assert!(
            tags.tags()
                .iter()
                .any(|tag| tag.key() == "aws:cloudformation:stack-name")
        );
    }
    let lifecycle = efs
        .describe_lifecycle_configuration()
        .file_system_id(id)
        .send()
        .await;
    assert!(lifecycle.unwrap().lifecycle_policies().is_empty());
    let missing = efs
        .describe_file_systems()
        .file_system_id("fs-00000000000000000")
        .send()
        .await;
    assert!(
        missing
            .unwrap_err()
            .into_service_error()
            .is_file_system_not_found()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ingress_rule_is_added_found_and_revoked() {
    let bench = lab().await;
    let ec2 = bench.ec2();
    let groups = ec2
        .describe_security_groups()
        .filters(filter("ip-permission.from-port", &["22"]))
        .send()
        .await
        .unwrap();
    let [group] = groups.security_groups() else {
        panic!("{groups:?}");
    };
    let range = &group.ip_permissions()[0].ip_ranges()[0];
    assert_eq!(
        (range.cidr_ip(), range.description()),
        (Some("198.51.100.7/32"), Some("SSH"))
    );
    let group = group.group_id().unwrap();
    let permission = ec2::types::IpPermission::builder()
        .ip_protocol("tcp")
        .from_port(22)
        .to_port(22)
        .ip_ranges(
            ec2::types::IpRange::builder()
                .cidr_ip("192.0.2.9/32")
                .description("new")
                .build(),
        )
        .build();
    let authorize = || {
        ec2.authorize_security_group_ingress()
            .group_id(group)
            .ip_permissions(permission.clone())
            .send()
    };
    let added = authorize().await.unwrap();
    assert!(
        added.security_group_rules()[0]
            .security_group_rule_id()
            .unwrap()
            .starts_with("sgr-")
    );
    let twice = authorize().await.unwrap_err().into_service_error();
    assert_eq!(twice.meta().code(), Some("InvalidPermission.Duplicate"));
    let count = async || {
        let rules = ec2
            .describe_security_group_rules()
            .filters(filter("group-id", &[group]))
            .send()
            .await
            .unwrap();
        rules.security_group_rules().len()
    };
    assert_eq!(count().await, 3);
    ec2.revoke_security_group_ingress()
        .group_id(group)
        .ip_permissions(permission.clone())
        .send()
        .await
        .unwrap();
    assert_eq!(count().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_and_start_give_another_public_address_and_keep_the_private_one() {
    let bench = lab().await;
    let ec2 = bench.ec2();
    let look = async || {
        let found = ec2
            .describe_instances()
            .filters(filter("tag:Name", &["lab-7f3k A"]))
            .send()
            .await
            .unwrap();
        found.reservations()[0].instances()[0].clone()
    };
    let until = async |state: &str| loop {
        let instance = look().await;
        if instance.state().unwrap().name().unwrap().as_str() == state {
            return instance;
        }
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    };
    let before = look().await;
    let id = before.instance_id().unwrap();
    let stopping = ec2.stop_instances().instance_ids(id).send().await.unwrap();
    let change = &stopping.stopping_instances()[0];
    assert_eq!(
        change.previous_state().unwrap().name().unwrap().as_str(),
        "running"
    );
    let stopped = until("stopped").await;
    assert_eq!(stopped.public_ip_address(), None);
    let wrong = ec2
        .reboot_instances()
        .instance_ids(id)
        .send()
        .await
        .unwrap_err();
    let error = wrong.into_service_error();
    assert_eq!(error.meta().code(), Some("IncorrectInstanceState"));
    ec2.start_instances().instance_ids(id).send().await.unwrap();
    let after = until("running").await;
    assert_eq!(before.private_ip_address(), after.private_ip_address());
    assert!(after.public_ip_address().is_some());
    ec2.reboot_instances()
        .instance_ids(id)
        .send()
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_region_offers_can_be_asked() {
    let bench = Bench::new().await;
    let ec2 = bench.ec2();
    let free = ec2
        .describe_instance_types()
        .filters(filter("free-tier-eligible", &["true"]))
        .send()
        .await
        .unwrap();
    let names: Vec<&str> = free
        .instance_types()
        .iter()
        .map(|kind| kind.instance_type().unwrap().as_str())
        .collect();
    assert!(
        names.contains(&"t3.micro") && !names.contains(&"t3.medium"),
        "{names:?}"
    );
    let offered = ec2
        .describe_instance_type_offerings()
        .location_type("availability-zone".into())
        .filters(filter("instance-type", &["t3.micro"]))
        .send()
        .await
        .unwrap();
    let mut zones: Vec<&str> = offered
        .instance_type_offerings()
        .iter()
        .map(|one| one.location().unwrap())
        .collect();
    zones.sort_unstable();
    assert_eq!(
        zones,
        [
            "us-east-1a",
            "us-east-1b",
            "us-east-1c",
            "us-east-1d",
            "us-east-1f"
        ]
    );
    let zones = ec2.describe_availability_zones().send().await.unwrap();
    assert_eq!(zones.availability_zones().len(), 6);
    let regions = ec2.describe_regions().send().await.unwrap();
    assert_eq!(regions.regions()[0].region_name(), Some("us-east-1"));
    let page = ec2
        .describe_instance_types()
        .max_results(5)
        .send()
        .await
        .unwrap();
    let rest = ec2
        .describe_instance_types()
        .max_results(5)
        .next_token(page.next_token().unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(
        (page.instance_types().len(), rest.instance_types().len()),
        (5, 4)
    );
    assert_eq!(rest.next_token(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_is_shown_by_every_call_that_shows_it() {
    let bench = lab().await;
    let client = bench.cloudformation();
    let template = client
        .get_template()
        .stack_name("lab")
        .send()
        .await
        .unwrap();
    assert_eq!(template.template_body(), Some(LAB));
    let resources = client
        .describe_stack_resources()
        .stack_name("lab")
        .send()
        .await
        .unwrap();
    let summaries = client
        .list_stack_resources()
        .stack_name("lab")
        .send()
        .await
        .unwrap();
    assert_eq!(resources.stack_resources().len(), 20);
    assert_eq!(summaries.stack_resource_summaries().len(), 20);
    let one = client
        .describe_stack_resource()
        .stack_name("lab")
        .logical_resource_id("FileSystem")
        .send()
        .await
        .unwrap();
    let one = one.stack_resource_detail().unwrap();
    assert!(one.physical_resource_id().unwrap().starts_with("fs-"));
    let valid = client
        .validate_template()
        .template_body(LAB)
        .send()
        .await
        .unwrap();
    assert_eq!(valid.parameters().len(), 9);
    assert_eq!(valid.description(), Some("Two instances, one filesystem"));
    let listed = client
        .list_stacks()
        .stack_status_filter("CREATE_COMPLETE".into())
        .send()
        .await
        .unwrap();
    assert_eq!(listed.stack_summaries().len(), 1);
    let described = client.describe_stacks().send().await.unwrap();
    let stack = &described.stacks()[0];
    assert_eq!(stack.parameters().len(), 9);
    assert!(stack.creation_time().is_some());
    // More events than a page holds come in pages, newest first, none twice.
    client
        .delete_stack()
        .stack_name("lab")
        .send()
        .await
        .unwrap();
    let id = stack.stack_id().unwrap();
    bench.settled(id).await;
    let first = client
        .describe_stack_events()
        .stack_name(id)
        .send()
        .await
        .unwrap();
    assert_eq!(first.stack_events().len(), 100);
    assert!(first.next_token().is_some());
    assert_eq!(
        first.stack_events()[0].resource_status().unwrap().as_str(),
        "DELETE_COMPLETE"
    );
    let events = bench.events(id).await;
    assert_eq!(events.len(), 2 + 2 + 20 * 3 + 2 + 20 * 2);
}
