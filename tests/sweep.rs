//! The promise of the cleanup, over the wire: a lab with a mounted backup disk, snapshots and a restored volume goes without
//! a trace, and its neighbours stay. Counted with the SDK, not with the program's own listings.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::Duration;

use aws_sdk_cloudformation::types::{Capability, Parameter, Stack};
use aws_sdk_cloudwatch::types::{ComparisonOperator, Statistic};
use aws_sdk_ec2::types::{Reservation, ResourceType, Tag, TagSpecification};

use crate::support::{Home, Served, outcome};

/// The account as its owner sees it.
pub struct Account {
    runtime: tokio::runtime::Runtime,
    pub cloudformation: aws_sdk_cloudformation::Client,
    cloudwatch: aws_sdk_cloudwatch::Client,
    pub ec2: aws_sdk_ec2::Client,
    efs: aws_sdk_efs::Client,
    scheduler: aws_sdk_scheduler::Client,
    sfn: aws_sdk_sfn::Client,
}

/// The lab's own stack: the other one is its guard's.
fn of_lab(stacks: &[Stack]) -> &Stack {
    let lab = |stack: &&Stack| {
        stack
            .stack_name()
            .is_some_and(|name| name.ends_with("-lab"))
    };
    stacks.iter().find(lab).unwrap()
}

/// `key=value`, on something of this kind.
fn tagged(kind: ResourceType, tags: &[(&str, &str)]) -> TagSpecification {
    let tag = |(key, value): &(&str, &str)| Tag::builder().key(*key).value(*value).build();
    TagSpecification::builder()
        .resource_type(kind)
        .set_tags(Some(tags.iter().map(tag).collect()))
        .build()
}

impl Account {
    pub fn of(served: &Served) -> Self {
        let config = served.config();
        Self {
            runtime: tokio::runtime::Runtime::new().unwrap(),
            cloudformation: aws_sdk_cloudformation::Client::new(&config),
            cloudwatch: aws_sdk_cloudwatch::Client::new(&config),
            ec2: aws_sdk_ec2::Client::new(&config),
            efs: aws_sdk_efs::Client::new(&config),
            scheduler: aws_sdk_scheduler::Client::new(&config),
            sfn: aws_sdk_sfn::Client::new(&config),
        }
    }

    pub fn wait<T>(&self, what: impl Future<Output = T>) -> T {
        self.runtime.block_on(what)
    }

    /// Everything there is, by its id. Without any filter: what is not there in this list is nowhere.
    pub fn everything(&self) -> BTreeSet<String> {
        self.wait(async {
            let mut ids = BTreeSet::new();
            macro_rules! listed {
                ($request:expr, $list:ident, $id:ident) => {
                    let answer = $request.send().await.unwrap();
                    let all = answer.$list().iter();
                    ids.extend(all.map(|one| one.$id().unwrap().to_owned()));
                };
            }
            let ec2 = &self.ec2;
            listed!(self.cloudformation.describe_stacks(), stacks, stack_id);
            listed!(ec2.describe_volumes(), volumes, volume_id);
            listed!(ec2.describe_snapshots(), snapshots, snapshot_id);
            listed!(ec2.describe_vpcs(), vpcs, vpc_id);
            listed!(ec2.describe_subnets(), subnets, subnet_id);
            listed!(ec2.describe_security_groups(), security_groups, group_id);
            listed!(ec2.describe_key_pairs(), key_pairs, key_pair_id);
            listed!(
                ec2.describe_network_interfaces(),
                network_interfaces,
                network_interface_id
            );
            listed!(
                ec2.describe_internet_gateways(),
                internet_gateways,
                internet_gateway_id
            );
            listed!(ec2.describe_route_tables(), route_tables, route_table_id);
            listed!(self.cloudwatch.describe_alarms(), metric_alarms, alarm_name);
            listed!(self.scheduler.list_schedules(), schedules, arn);
            let machines = self.sfn.list_state_machines().send().await.unwrap();
            let machines = machines.state_machines().iter();
            ids.extend(machines.map(|one| one.state_machine_arn().to_owned()));
            let found = ec2.describe_instances().send().await.unwrap();
            for instance in found.reservations().iter().flat_map(Reservation::instances) {
                if instance.state().unwrap().name().unwrap().as_str() != "terminated" {
                    ids.insert(instance.instance_id().unwrap().to_owned());
                }
            }
            let found = self.efs.describe_file_systems().send().await.unwrap();
            let systems = found.file_systems().iter();
            ids.extend(systems.map(|one| one.file_system_id().to_owned()));
            ids
        })
    }

    /// A volume of 5 GiB, of a snapshot if one is named, once it is there.
    pub fn volume(&self, snapshot: Option<&str>, tags: &[(&str, &str)]) -> String {
        self.wait(async {
            let create = self.ec2.create_volume().availability_zone("us-east-1a");
            let made = create
                .size(5)
                .set_snapshot_id(snapshot.map(str::to_owned))
                .tag_specifications(tagged(ResourceType::Volume, tags))
                .send()
                .await
                .unwrap();
            let id = made.volume_id().unwrap().to_owned();
            self.volume_is(&id, "available").await;
            id
        })
    }

    async fn volume_is(&self, id: &str, state: &str) {
        loop {
            let found = self.ec2.describe_volumes().volume_ids(id).send().await;
            let found = found.unwrap();
            let volume = &found.volumes()[0];
            let attached = volume.attachments().first();
            let attaching = attached.is_some_and(|one| one.state().unwrap().as_str() != "attached");
            if volume.state().unwrap().as_str() == state && !attaching {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// A snapshot, once it is complete.
    pub fn snapshot(&self, volume: &str, tags: &[(&str, &str)]) -> String {
        self.wait(async {
            let mut create = self.ec2.create_snapshot().volume_id(volume);
            if !tags.is_empty() {
                create = create.tag_specifications(tagged(ResourceType::Snapshot, tags));
            }
            let made = create.send().await.unwrap();
            let id = made.snapshot_id().unwrap().to_owned();
            loop {
                let found = self.ec2.describe_snapshots().snapshot_ids(&id).send().await;
                if found.unwrap().snapshots()[0].state().unwrap().as_str() == "completed" {
                    return id;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
    }

    /// Brings the only stack to this template; answers what its resource of this name is.
    fn update(&self, template: &str, resource: &str) -> String {
        self.wait(async {
            let id = &self.begin_update(template).await;
            self.updated(id).await;
            let found = self.cloudformation.describe_stack_resource();
            let found = found.stack_name(id).logical_resource_id(resource);
            let found = found.send().await.unwrap();
            let detail = found.stack_resource_detail().unwrap();
            detail.physical_resource_id().unwrap().to_owned()
        })
    }

    async fn updated(&self, stack: &str) {
        loop {
            let seen = self.cloudformation.describe_stacks().stack_name(stack);
            let seen = seen.send().await.unwrap();
            match seen.stacks()[0].stack_status().unwrap().as_str() {
                "UPDATE_COMPLETE" => return,
                status => assert!(status.ends_with("_IN_PROGRESS"), "{status}"),
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Asks for an update of the only stack to this template; answers its StackId.
    async fn begin_update(&self, template: &str) -> String {
        let described = self.cloudformation.describe_stacks().send().await.unwrap();
        let stack = of_lab(described.stacks());
        let id = stack.stack_id().unwrap();
        // What the lesson says of updates by hand: no role beyond the guard's boundary.
        let guard = described.stacks().iter().find(|one| *one != stack).unwrap();
        let mut outputs = guard.outputs().iter();
        let boundary = outputs.find(|one| one.output_key() == Some("Boundary"));
        let boundary = Parameter::builder()
            .parameter_key("RoleBoundary")
            .parameter_value(boundary.unwrap().output_value().unwrap())
            .build();
        let bounded = template.contains("RoleBoundary").then_some(boundary);
        let as_before = |parameter: &Parameter| {
            Parameter::builder()
                .parameter_key(parameter.parameter_key().unwrap())
                .use_previous_value(true)
                .build()
        };
        let update = self.cloudformation.update_stack().stack_name(id);
        update
            .template_body(template)
            .set_parameters(Some(
                stack
                    .parameters()
                    .iter()
                    .map(as_before)
                    .chain(bounded)
                    .collect(),
            ))
            .capabilities(Capability::CapabilityIam)
            .set_tags(Some(stack.tags().to_vec()))
            .send()
            .await
            .unwrap();
        id.to_owned()
    }

    /// Attaches a volume to machine A of the lab.
    fn attach(&self, volume: &str, device: &str) {
        self.wait(async {
            let described = self.ec2.describe_instances().send().await.unwrap();
            let instances = described
                .reservations()
                .iter()
                .flat_map(Reservation::instances);
            let side_a = |tag: &Tag| {
                tag.key() == Some("aws:cloudformation:logical-id")
                    && tag.value() == Some("EC2InstanceA")
            };
            let a = instances
                .filter(|one| one.tags().iter().any(side_a))
                .find_map(|one| one.instance_id())
                .unwrap();
            let attach = self.ec2.attach_volume().volume_id(volume).instance_id(a);
            attach.device(device).send().await.unwrap();
            self.volume_is(volume, "in-use").await;
        });
    }

    fn alarm(&self, name: &str) {
        let put = self.cloudwatch.put_metric_alarm().alarm_name(name);
        let put = put.namespace("AWS/EFS").metric_name("PercentIOLimit");
        let put = put.statistic(Statistic::Average).period(60);
        let put = put.evaluation_periods(1).threshold(95.0);
        let put = put.comparison_operator(ComparisonOperator::GreaterThanThreshold);
        self.wait(put.send()).unwrap();
    }
}

/// On machine A of the lab of this computer.
fn on_a(served: &Served, home: &Home, script: &str) {
    let (code, out, err) = outcome(&mut served.efslab(home, &["ssh", "a", "--", script]));
    assert_eq!(code, 0, "{out}{err}");
}

/// Makes a filesystem on an attached volume, and mounts it there.
fn mount(served: &Served, home: &Home, volume: &str, place: &str) {
    let disk = format!(
        "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_{}",
        volume.replace('-', "")
    );
    let script =
        format!("sudo mkfs -t ext4 -q {disk} && sudo mkdir {place} && sudo mount {disk} {place}");
    on_a(served, home, &script);
}

#[test]
fn a_disk_on_a_machine_of_another_lab_is_taken_from_it_only_once_it_is_not_mounted_there() {
    let (home, elsewhere) = (Home::new(), Home::new());
    let served = Served::start(&home);
    let account = Account::of(&served);
    served.build(&home);
    let neighbours = account.everything();
    let tag = [("efslab:lab", "lab-other")];
    let cleanup = ["cleanup", "lab-other", "--endpoint-url", served.url()];

    let free = account.volume(None, &tag);
    account.attach(&free, "/dev/sdg");
    let (code, out, err) = outcome(&mut served.efslab(&elsewhere, &cleanup));
    assert_eq!(code, 0, "{out}{err}");
    assert_eq!(account.everything(), neighbours);

    let mounted = account.volume(None, &tag);
    account.attach(&mounted, "/dev/sdh");
    mount(&served, &home, &mounted, "/mnt/theirs");
    let (code, out, err) = outcome(&mut served.efslab(&elsewhere, &cleanup));
    assert_eq!(code, 3, "{out}{err}");
    let why = "does not let go of it, it is probably still mounted there";
    assert!(out.contains(&mounted) && out.contains(why), "{out}{err}");
    assert!(account.everything().contains(&mounted));
    on_a(&served, &home, "mountpoint -q /mnt/theirs");

    on_a(&served, &home, "sudo umount /mnt/theirs");
    let (code, out, err) = outcome(&mut served.efslab(&elsewhere, &cleanup));
    assert_eq!(code, 0, "{out}{err}");
    assert_eq!(account.everything(), neighbours);
}

#[test]
fn a_lab_with_mounted_disks_and_snapshots_goes_without_a_trace_and_its_neighbours_stay() {
    let home = Home::new();
    let served = Served::start(&home);
    let account = Account::of(&served);

    let untouched = account.everything();
    served.build(&home);
    let stack = account.wait(account.cloudformation.describe_stacks().send());
    let stack = of_lab(stack.unwrap().stacks()).clone();
    let of_lab = stack
        .tags()
        .iter()
        .find(|tag| tag.key() == Some("efslab:lab"));
    let lab = of_lab.unwrap().value().unwrap().to_owned();

    // What belongs to others, however much it looks as if it did not.
    let other = account.volume(None, &[("efslab:lab", "lab-other")]);
    let named = account.volume(None, &[("Name", &format!("{lab} backup"))]);
    let longer = format!("{lab}2");
    let mut neighbours: BTreeSet<String> = [
        account.snapshot(&other, &[("efslab:lab", "lab-other")]),
        account.snapshot(&other, &[("efslab:lab", &longer)]),
        account.snapshot(&named, &[("efslab:LAB", &lab)]),
        account.snapshot(&named, &[]),
        format!("{}-CreditsAlarm-OF-SOMEBODY", stack.stack_name().unwrap()),
    ]
    .into();
    neighbours.extend([other, named]);
    account.alarm(
        neighbours
            .iter()
            .find(|id| id.contains("SOMEBODY"))
            .unwrap(),
    );

    // What the lessons on backup and restore make: the stack's disk and one of a snapshot, both mounted on A.
    let (_, template, _) = home.run(&["template", "--stage", "backup"]);
    let backup = account.update(&template, "BackupVolume");
    let ours = [("efslab:lab", lab.as_str())];
    let first = account.snapshot(&backup, &ours);
    account.snapshot(&backup, &[("efslab:lab", &lab), ("efslab:keep", "yes")]);
    let restored = account.volume(Some(&first), &ours);
    account.attach(&restored, "/dev/sdg");
    account.volume(None, &ours);
    mount(&served, &home, &backup, "/mnt/backup");
    mount(&served, &home, &restored, "/mnt/restore");
    let untagged = account.snapshot(&backup, &[]);

    let (code, out, err) = outcome(&mut served.efslab(&home, &["cleanup", "--dry-run"]));
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains(&restored) && out.contains(&first), "{out}");
    assert!(
        out.contains("alarms: ") && !out.contains("SOMEBODY"),
        "{out}"
    );
    assert!(out.contains(&format!("to be left: {untagged}")), "{out}");

    // It dies while the machines are being terminated.
    let mut dying = served.efslab(&home, &["cleanup", "--yes"]);
    let mut dying = dying.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(dying.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("terminating 2 instances")));
    dying.kill().unwrap();
    dying.wait().unwrap();

    // The next one finishes, but for what carries no tag of the lab.
    let (code, out, err) = outcome(&mut served.efslab(&home, &["cleanup", "--yes"]));
    assert_eq!(code, 3, "{out}{err}");
    assert!(out.contains("Something is left."), "{out}");
    assert!(
        out.contains(&format!("{untagged}: taken of a volume of this lab")),
        "{out}"
    );
    assert!(
        out.contains("deleting 2 volumes, deleting 2 snapshots"),
        "{out}"
    );
    let mut left: BTreeSet<String> = account.everything();
    assert!(left.remove(&untagged));
    let expected: BTreeSet<String> = untouched.union(&neighbours).cloned().collect();
    assert_eq!(left, expected);

    // Its owner decides, and then nothing is left.
    let delete = account.ec2.delete_snapshot().snapshot_id(&untagged);
    account.wait(delete.send()).unwrap();
    let (code, out, err) = outcome(&mut served.efslab(&home, &["cleanup", "--yes"]));
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("Nothing is left."), "{out}");
    assert_eq!(account.everything(), expected);
}

#[test]
fn an_update_that_would_take_for_hours_is_cancelled_and_the_lab_goes() {
    let home = Home::new();
    // Fast, and yet so that hours are some time: at `max` time jumps to their end.
    let served = Served::paced(&home, "200");
    let account = Account::of(&served);
    let untouched = account.everything();
    served.build(&home);
    let (_, template, _) = home.run(&["template", "--stage", "share"]);
    let waits = "Resources:
  Handle:
    Type: AWS::CloudFormation::WaitConditionHandle
  Never:
    Type: AWS::CloudFormation::WaitCondition
    Properties: { Handle: !Ref Handle, Timeout: 43200 }
";
    let template = template.replacen("Resources:\n", waits, 1);
    account.wait(account.begin_update(&template));
    let (code, out, err) = outcome(&mut served.efslab(&home, &["cleanup", "--yes"]));
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("cancelling the update of the stack"), "{out}");
    assert!(out.contains("Nothing is left."), "{out}");
    assert_eq!(account.everything(), untouched);
}

/// Labs of two computers in one account, and a third that knows of neither.
#[test]
fn all_finds_the_labs_of_every_computer_and_asks_before_one_that_somebody_may_be_using() {
    let (first, second, here) = (Home::new(), Home::new(), Home::new());
    let served = Served::start(&here);
    let account = Account::of(&served);
    let untouched = account.everything();
    served.build(&first);
    let after_first = account.everything();
    let lab_of = |home: &Home| {
        let (_, out, err) = outcome(&mut served.efslab(home, &["status", "--json"]));
        let labs: serde_json::Value = serde_json::from_str(&out).expect(&err);
        labs[0]["lab"].as_str().unwrap().to_owned()
    };
    let one = lab_of(&first);
    served.build(&second);
    let both = account.everything();
    let other = lab_of(&second);
    let leftover = account.volume(None, &[("efslab:lab", "lab-2222")]);
    account.snapshot(&leftover, &[("efslab:lab", "lab-2222")]);
    account.volume(None, &[("efslab:lab", "../../lab")]);
    let all = account.everything();

    let cleanup = |home: &Home, arguments: &[&str]| {
        let mut whole = vec!["cleanup", "--endpoint-url", served.url()];
        whole.extend(arguments);
        outcome(&mut served.efslab(home, &whole))
    };
    let (code, out, err) = cleanup(&here, &["--all", "--dry-run"]);
    assert_eq!(code, 0, "{out}{err}");
    for lab in [&one, &other, "lab-2222"] {
        assert!(out.contains(&format!("{lab}: would delete")), "{out}");
    }
    assert!(!out.contains(".."), "{out}");
    assert_eq!(account.everything(), all);

    // Without a terminal nobody can be asked: leftovers go, labs that may be in use are named.
    let (code, out, err) = cleanup(&here, &["--all", "--yes"]);
    assert_eq!(code, 3, "{out}{err}");
    for lab in [&one, &other] {
        let place = format!("practice at {}, us-east-1", served.url());
        let told = format!("{lab} ({place}) is left alone: somebody may be using it");
        assert!(
            err.contains(&told) && err.contains("its lease runs until"),
            "{err}"
        );
    }
    let mut left = account.everything();
    let strange = left.difference(&both).cloned().collect::<Vec<_>>();
    assert_eq!(strange.len(), 1, "a tag that is no lab's: {strange:?}");
    left.remove(&strange[0]);
    assert_eq!(left, both);

    // Whoever names it means it, on a computer that never heard of it.
    let (code, out, err) = cleanup(&here, &[&other, "--yes"]);
    assert_eq!(code, 0, "{out}{err}");
    let mut left = account.everything();
    left.remove(&strange[0]);
    assert_eq!(left, after_first);

    // On a terminal one is asked.
    for (answer, shown) in [("n", "is left alone"), ("y", "Nothing is left.")] {
        let arguments = ["cleanup", "--all", "--endpoint-url", served.url()];
        let mut screen = here.screen_with(&served.variables, &arguments, 50, 160);
        screen.shows("Delete everything of it? [y/N]");
        screen.keys(&format!("{answer}\r"));
        screen.shows(shown);
        screen.end();
    }
    let mut left = account.everything();
    left.remove(&strange[0]);
    assert_eq!(left, untouched);
    // The first computer learns that it is gone.
    let (code, out, err) = cleanup(&first, &["--yes"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("Nothing is left."), "{out}");
}

/// In the console, or with the aws command: some of it is gone, and some of it is in the way.
#[test]
fn a_lab_that_was_half_deleted_by_hand_goes_all_the_same() {
    let home = Home::new();
    let served = Served::start(&home);
    let account = Account::of(&served);
    let untouched = account.everything();
    served.build(&home);
    account.wait(async {
        let ec2 = &account.ec2;
        let found = ec2.describe_instances().send().await.unwrap();
        let mut instances = found.reservations().iter().flat_map(Reservation::instances);
        let one = instances.find_map(|one| one.instance_id()).unwrap();
        let terminate = ec2.terminate_instances().instance_ids(one);
        terminate.send().await.unwrap();
        let targets = account.efs.describe_file_systems().send().await.unwrap();
        let system = targets.file_systems()[0].file_system_id().to_owned();
        let targets = account.efs.describe_mount_targets();
        let targets = targets.file_system_id(&system).send().await.unwrap();
        let target = targets.mount_targets()[0].mount_target_id();
        let delete = account.efs.delete_mount_target().mount_target_id(target);
        delete.send().await.unwrap();
        let pairs = ec2.describe_key_pairs().send().await.unwrap();
        let pair = pairs.key_pairs()[0].key_pair_id().unwrap();
        ec2.delete_key_pair()
            .key_pair_id(pair)
            .send()
            .await
            .unwrap();
        // And the stack as a whole: the cleanup finds it in the middle of that.
        let stacks = account
            .cloudformation
            .describe_stacks()
            .send()
            .await
            .unwrap();
        let stack = of_lab(stacks.stacks()).stack_id().unwrap().to_owned();
        let delete = account.cloudformation.delete_stack().stack_name(stack);
        delete.send().await.unwrap();
    });
    fs::remove_dir_all(home.path("state/labs")).unwrap();
    let (code, out, err) = outcome(&mut served.efslab(&home, &["cleanup", "--yes"]));
    assert_eq!(code, 0, "{out}{err}");
    assert_eq!(account.everything(), untouched);
}

/// In the console, where the guard is a stack like any other; the lab's stack needs its role to be deleted.
#[test]
fn a_lab_whose_guard_was_deleted_first_gets_it_back_and_goes() {
    let home = Home::new();
    let served = Served::start(&home);
    let account = Account::of(&served);
    let untouched = account.everything();
    served.build(&home);
    let (stack, guard) = (account.stack("-lab"), account.stack("-guard"));
    let (stack, guard) = (stack.unwrap(), guard.unwrap());
    account.delete_by_hand(&guard);
    let delete = account.cloudformation.delete_stack().stack_name(&stack);
    let refused = account.wait(delete.send()).unwrap_err();
    let refused = refused.into_service_error();
    let why = refused.meta().message().unwrap();
    assert!(why.contains("cannot be assumed"), "{why}");

    let (code, out, err) = outcome(&mut served.efslab(&home, &["cleanup", "--yes"]));
    assert_eq!(code, 0, "{out}{err}");
    assert!(
        out.contains("putting the guard back: it was deleted before the stack"),
        "{out}"
    );
    assert!(out.contains("Nothing is left."), "{out}");
    assert_eq!(account.everything(), untouched);
}
