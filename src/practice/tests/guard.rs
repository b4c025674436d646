//! A guard in the account: a schedule, a state machine and its role, which remove a tagged stack when a date has passed.

use std::time::Duration;

use aws_sdk_scheduler as scheduler;
use aws_sdk_sfn as sfn;
use jiff::SignedDuration;

use super::*;

const MACHINE: &str = include_str!("../../../assets/guard/machine.json");
const TEMPLATE: &str = include_str!("../../../assets/guard/guard.yaml");
/// In account time, wherever the test begins.
const LEASE: SignedDuration = SignedDuration::from_hours(4);

impl Bench {
    fn scheduler(&self) -> scheduler::Client {
        let config = scheduler::Config::builder()
            .behavior_version(scheduler::config::BehaviorVersion::latest())
            .endpoint_url(&self.running.endpoint_url)
            .region(scheduler::config::Region::new(self.running.region.clone()))
            .credentials_provider(self.credentials());
        scheduler::Client::from_conf(config.build())
    }

    fn sfn(&self) -> sfn::Client {
        let config = sfn::Config::builder()
            .behavior_version(sfn::config::BehaviorVersion::latest())
            .endpoint_url(&self.running.endpoint_url)
            .region(sfn::config::Region::new(self.running.region.clone()))
            .credentials_provider(self.credentials());
        sfn::Client::from_conf(config.build())
    }

    async fn pass(&self, time: SignedDuration) {
        let by = Duration::try_from(time).unwrap();
        self.running
            .clock()
            .hurry(by, Duration::from_secs(20))
            .await
            .unwrap();
    }

    /// ARNs of the service role and of the boundary that a guard has.
    async fn service(&self, guard: &str) -> (String, String) {
        let client = self.cloudformation();
        let described = client.describe_stacks().stack_name(guard).send().await;
        let described = described.unwrap();
        let output = |key: &str| {
            let mut outputs = described.stacks()[0].outputs().iter();
            let found = outputs.find(|one| one.output_key() == Some(key)).unwrap();
            found.output_value().unwrap().to_owned()
        };
        (output("Service"), output("Boundary"))
    }

    /// Makes a stack with this service role; answers how it ended and why.
    async fn made(
        &self,
        name: &str,
        template: &str,
        given: &[(&str, &str)],
        role: &str,
    ) -> (String, String) {
        let client = self.cloudformation();
        let create = client.create_stack().stack_name(name).role_arn(role);
        let created = create
            .template_body(template)
            .set_parameters(Some(given.iter().map(parameter).collect()))
            .capabilities("CAPABILITY_NAMED_IAM".into())
            .send();
        let stack = created.await.unwrap().stack_id.unwrap();
        let state = self.settled(&stack).await;
        let events = self.events(&stack).await;
        let failed = events
            .into_iter()
            .find(|(_, now, _)| now.ends_with("FAILED"));
        (state, failed.map(|(_, _, why)| why).unwrap_or_default())
    }

    /// A stack that carries the tag of this lab.
    async fn tagged(
        &self,
        name: &str,
        template: &str,
        lab: &str,
        given: &[(&str, &str)],
    ) -> String {
        let tag = cloudformation::types::Tag::builder()
            .key("efslab:lab")
            .value(lab);
        let created = self
            .cloudformation()
            .create_stack()
            .stack_name(name)
            .template_body(template)
            .set_parameters(Some(given.iter().map(parameter).collect()))
            .capabilities("CAPABILITY_IAM".into())
            .tags(tag.build())
            .send();
        let stack = created.await.unwrap().stack_id.unwrap();
        let state = self.settled(&stack).await;
        assert_eq!(state, "CREATE_COMPLETE", "{:?}", self.events(&stack).await);
        stack
    }

    /// The guard of this lab, with what its role may do taken away where `without` says.
    async fn guard(&self, lab: &str, without: Option<&str>) -> String {
        let machine = serde_json::to_string(MACHINE).unwrap();
        let template = TEMPLATE.replace("!Include guard/machine.json", &machine);
        let template = without.map_or(template.clone(), |one| {
            template.replace(one, "ec2:DescribeTags")
        });
        let until = (self.running.clock().now() + LEASE)
            .strftime("%Y-%m-%dT%H:%M:%SZ")
            .to_string();
        let short = lab.trim_start_matches("lab-");
        let stack = format!("efslab-{short}-lab");
        let given = [("Lab", lab), ("Stack", &stack), ("Until", &until)];
        self.tagged(&format!("efslab-{short}-guard"), &template, lab, &given)
            .await
    }

    async fn lab(&self, lab: &str) -> String {
        let mut given = lab_parameters(GOOD, GOOD);
        given[0].1 = lab;
        let name = format!("efslab-{}-lab", lab.trim_start_matches("lab-"));
        self.tagged(&name, LAB, lab, &given).await
    }

    async fn state_of(&self, stack: &str) -> String {
        let described = self
            .cloudformation()
            .describe_stacks()
            .stack_name(stack)
            .send();
        let described = described.await.unwrap();
        described.stacks()[0]
            .stack_status()
            .unwrap()
            .as_str()
            .to_owned()
    }

    async fn instances_of(&self, lab: &str) -> usize {
        let filter = |name: &str, value: &str| {
            ec2::types::Filter::builder()
                .name(name)
                .values(value)
                .build()
        };
        let described = self
            .ec2()
            .describe_instances()
            .filters(filter("tag:efslab:lab", lab))
            .filters(filter("instance-state-name", "running"))
            .send();
        let described = described.await.unwrap();
        described
            .reservations()
            .iter()
            .map(|one| one.instances().len())
            .sum()
    }

    /// A volume and a snapshot of it, tagged or not, that no stack owns.
    async fn strays(&self, lab: Option<&str>) -> (String, String) {
        let tag = lab.map(|lab| {
            ec2::types::Tag::builder()
                .key("efslab:lab")
                .value(lab)
                .build()
        });
        let tags = |kind: ec2::types::ResourceType| {
            let tags = ec2::types::TagSpecification::builder().resource_type(kind);
            tag.clone().map(|tag| tags.tags(tag).build())
        };
        let volume = self
            .ec2()
            .create_volume()
            .availability_zone("us-east-1a")
            .size(1)
            .set_tag_specifications(tags(ec2::types::ResourceType::Volume).map(|one| vec![one]))
            .send();
        let volume = volume.await.unwrap().volume_id.unwrap();
        let snapshot = loop {
            let made = self
                .ec2()
                .create_snapshot()
                .volume_id(&volume)
                .set_tag_specifications(
                    tags(ec2::types::ResourceType::Snapshot).map(|one| vec![one]),
                )
                .send();
            // It is being made.
            match made.await {
                Ok(made) => break made.snapshot_id.unwrap(),
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        };
        (volume, snapshot)
    }

    async fn volumes_and_snapshots(&self) -> (Vec<String>, Vec<String>) {
        let volumes = self.ec2().describe_volumes().send().await.unwrap();
        let volumes = volumes
            .volumes()
            .iter()
            .filter_map(|one| one.volume_id().map(str::to_owned));
        let snapshots = self
            .ec2()
            .describe_snapshots()
            .owner_ids("self")
            .send()
            .await
            .unwrap();
        let snapshots = snapshots.snapshots().iter();
        let snapshots = snapshots.filter_map(|one| one.snapshot_id().map(str::to_owned));
        (volumes.collect(), snapshots.collect())
    }

    async fn schedules(&self) -> usize {
        self.scheduler()
            .list_schedules()
            .send()
            .await
            .unwrap()
            .schedules()
            .len()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_lease_is_over_the_lab_goes_and_its_neighbours_stay() {
    let bench = Bench::new().await;
    let guard = bench.guard("lab-7f3k", None).await;
    let lab = bench.lab("lab-7f3k").await;
    bench.strays(Some("lab-7f3k")).await;
    let neighbour = bench.lab("lab-7f3k2").await;
    let kept = bench.strays(None).await;
    let others = bench.strays(Some("lab-7f3k2")).await;
    bench.pass(SignedDuration::from_hours(1)).await;
    assert_eq!(bench.state_of(&lab).await, "CREATE_COMPLETE");

    bench.pass(LEASE).await;
    let executions = bench.running.account.read(|world| {
        format!(
            "{:#?}",
            world
                .executions
                .values()
                .map(|one| (&one.status, &one.failed, &one.history))
                .collect::<Vec<_>>()
        )
    });
    assert_eq!(
        bench.state_of(&lab).await,
        "DELETE_COMPLETE",
        "{executions}"
    );
    assert_eq!(bench.instances_of("lab-7f3k").await, 0);
    assert_eq!(bench.schedules().await, 0);
    let machines = bench.sfn().list_state_machines().send().await.unwrap();
    assert!(machines.state_machines().is_empty());
    // The role that did it is left, in its stack: it could not take itself away.
    assert_eq!(bench.state_of(&guard).await, "DELETE_FAILED");
    let left = bench
        .cloudformation()
        .describe_stack_resources()
        .stack_name(&guard)
        .send()
        .await
        .unwrap();
    let left: Vec<_> = left
        .stack_resources()
        .iter()
        .filter(|one| one.resource_status().unwrap().as_str() != "DELETE_COMPLETE")
        .map(|one| one.resource_type().unwrap())
        .collect();
    assert_eq!(left, ["AWS::IAM::Role"]);

    assert_eq!(bench.state_of(&neighbour).await, "CREATE_COMPLETE");
    assert_eq!(bench.instances_of("lab-7f3k2").await, 2);
    let (volumes, snapshots) = bench.volumes_and_snapshots().await;
    for (volume, snapshot) in [&kept, &others] {
        assert!(volumes.contains(volume) && snapshots.contains(snapshot));
    }
    assert_eq!(snapshots.len(), 2);
    // Whoever may delete roles deletes what is left.
    bench
        .cloudformation()
        .delete_stack()
        .stack_name(&guard)
        .send()
        .await
        .unwrap();
    assert_eq!(bench.settled(&guard).await, "DELETE_COMPLETE");
}

/// A role with a policy, in a profile, as the lab's stack has it; `more` are its properties.
fn role(more: &str) -> String {
    format!(
        r#"Resources:
  BackupRole:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: [{{Effect: Allow, Principal: {{Service: ec2.amazonaws.com}}, Action: "sts:AssumeRole"}}]
      Policies:
        - PolicyName: all
          PolicyDocument: {{Version: "2012-10-17", Statement: [{{Effect: Allow, Action: "*", Resource: "*"}}]}}
{more}
  Profile: {{Type: "AWS::IAM::InstanceProfile", Properties: {{Roles: [!Ref BackupRole]}}}}
"#
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_role_gives_rights_only_to_roles_of_the_lab_within_the_boundary() {
    let bench = Bench::new().await;
    let guard = bench.guard("lab-7f3k", None).await;
    let (service, boundary) = bench.service(&guard).await;
    let made = async |name: &str, more: &str| bench.made(name, &role(more), &[], &service).await;
    let bounded = format!("      PermissionsBoundary: {boundary}");

    let (state, why) = made("efslab-7f3k-lab", &bounded).await;
    assert_eq!((state.as_str(), why.as_str()), ("CREATE_COMPLETE", ""));
    // As long as its boundary is in use, nobody takes the guard away from under it.
    let client = bench.cloudformation();
    let delete = client.delete_stack().stack_name(&guard).send();
    delete.await.unwrap();
    assert_eq!(bench.settled(&guard).await, "DELETE_FAILED");
    assert_eq!(bench.schedules().await, 1);
    let delete = client.delete_stack().stack_name("efslab-7f3k-lab").send();
    delete.await.unwrap();

    let unbounded = "      Description: as wide as it likes";
    let elsewhere = "      PermissionsBoundary: arn:aws:iam::aws:policy/AdministratorAccess";
    let foreign = format!("{bounded}\n      RoleName: of-somebody-else");
    for (number, more) in [unbounded, elsewhere, &foreign].iter().enumerate() {
        let (state, why) = made(&format!("efslab-7f3k-lab-{number}"), more).await;
        assert_eq!(state, "ROLLBACK_COMPLETE", "{more}");
        assert!(why.contains("iam:CreateRole"), "{more}: {why}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_the_service_role_lacks_fails_the_stack() {
    let bench = Bench::new().await;
    let guard = bench.guard("lab-7f3k", Some("\"ec2:Create*\"")).await;
    let (service, _) = bench.service(&guard).await;
    let given = lab_parameters(GOOD, GOOD);
    let (state, why) = bench.made("efslab-7f3k-lab", LAB, &given, &service).await;
    assert_eq!(state, "ROLLBACK_COMPLETE");
    assert!(
        why.contains("assumed-role/efslab-7f3k-guard-Service-")
            && why.contains("is not authorized to perform: ec2:Create"),
        "{why}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guard_removes_a_stack_whose_role_went_with_an_earlier_guard() {
    let bench = Bench::new().await;
    let client = bench.cloudformation();
    let first = bench.guard("lab-7f3k", None).await;
    let (service, _) = bench.service(&first).await;
    let given = lab_parameters(GOOD, GOOD);
    let tag = cloudformation::types::Tag::builder()
        .key("efslab:lab")
        .value("lab-7f3k");
    let create = client.create_stack().stack_name("efslab-7f3k-lab");
    let create = create.template_body(LAB).role_arn(&service);
    let create = create
        .set_parameters(Some(given.iter().map(parameter).collect()))
        .tags(tag.build());
    let lab = create.send().await.unwrap().stack_id.unwrap();
    assert_eq!(bench.settled(&lab).await, "CREATE_COMPLETE");
    client
        .delete_stack()
        .stack_name(&first)
        .send()
        .await
        .unwrap();
    assert_eq!(bench.settled(&first).await, "DELETE_COMPLETE");
    assert!(bench.undeletable(&lab).await.contains(&service));

    bench.guard("lab-7f3k", None).await;
    bench.pass(LEASE + SignedDuration::from_hours(1)).await;
    assert_eq!(bench.state_of(&lab).await, "DELETE_COMPLETE");
}
