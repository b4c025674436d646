//! The `aws` command on an instance, against the account it is in: by itself, and side by side with the real one.

use std::process::Command;
use std::sync::Arc;

use super::roles::{build, given, view};
use super::*;
use crate::practice::compute::host::{Host, Session};
use crate::practice::compute::users::Accounts;
use crate::practice::compute::{HostSpec, MetadataService, machine};
use crate::practice::storage::Files;
use crate::practice::world::instances::Instance;

/// A machine that stands for an instance of the account.
struct Guest {
    host: Arc<Host>,
    clock: crate::practice::clock::Clock,
    _directory: tempfile::TempDir,
}

/// What a script printed and how it ended.
#[derive(Debug, PartialEq, Eq)]
struct Ran {
    out: String,
    err: String,
    status: i32,
}

impl Guest {
    fn new(bench: &Bench, instance: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = bench.running.clock();
        let spec = bench.running.account.read(|world| {
            let instance = world.instance(instance).unwrap();
            HostSpec {
                instance_id: instance.id.clone(),
                region: world.place.region.clone(),
                zone: instance.zone.clone(),
                instance_type: instance.kind.clone(),
                image_id: instance.image.clone(),
                edition: crate::practice::compute::Edition::default(),
                private_address: instance.private_address,
                authorized_keys: Vec::new(),
                user_data: Vec::new(),
                account_id: world.place.account_id.clone(),
                metadata: MetadataService::default(),
            }
        });
        let files = Files::open(directory.path()).unwrap();
        let host = machine(spec, &clock, Arc::new(view(bench)), files);
        Self {
            host,
            clock,
            _directory: directory,
        }
    }

    async fn run(&self, script: &str) -> Ran {
        let user = Accounts::read(&self.host.root()).user("ec2-user").unwrap();
        let activity = Arc::new(self.clock.activity());
        let mut shell = self.host.shell(&user, Session::Batch, activity).build();
        let result = shell.exec(script).await.unwrap();
        Ran {
            out: result.stdout.text_lossy().into_owned(),
            err: result.stderr.text_lossy().into_owned(),
            status: result.exit_code,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_speaks_to_its_account_with_the_credentials_of_its_role() {
    let bench = Bench::new().await;
    let outputs = build(&bench, "narrow").await;
    let guest = Guest::new(&bench, &outputs["Instance"]);
    let who = guest
        .run("aws sts get-caller-identity --query Arn --output text")
        .await;
    assert!(
        who.out.ends_with(&format!("/{}\n", outputs["Instance"])),
        "{who:?}"
    );
    // By hand, as the metadata service gives them.
    let script = "TOKEN=$(curl -sX PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token)\n\
        get() { curl -sf -H \"X-aws-ec2-metadata-token: $TOKEN\" http://169.254.169.254/latest/meta-data/iam/$1; }\n\
        get info | grep -c InstanceProfileArn; ROLE=$(get security-credentials/); get security-credentials/$ROLE >keys\n\
        value() { sed -n \"s/.*\\\"$1\\\" : \\\"\\(.*\\)\\\".*/\\1/p\" keys; }\n\
        export AWS_ACCESS_KEY_ID=$(value AccessKeyId) AWS_SECRET_ACCESS_KEY=$(value SecretAccessKey) AWS_SESSION_TOKEN=$(value Token)\n\
        aws sts get-caller-identity --query Arn --output text\n\
        AWS_SESSION_TOKEN=x aws sts get-caller-identity";
    let by_hand = guest.run(script).await;
    assert_eq!(by_hand.out, format!("1\n{}", who.out), "{by_hand:?}");
    assert_eq!(by_hand.status, 254);
    let network = "TOKEN=$(curl -sX PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token)\n\
        get() { curl -sf -H \"X-aws-ec2-metadata-token: $TOKEN\" http://169.254.169.254/latest/meta-data/$1; echo; }\n\
        MAC=$(get mac); [ \"$(get network/interfaces/macs/)\" = $MAC/ ] && get network/interfaces/macs/$MAC/interface-id | cut -c1-4\n\
        [ \"$(get network/interfaces/macs/$MAC/security-groups)\" = \"$(get security-groups)\" ] && get block-device-mapping/; get block-device-mapping/root";
    assert_eq!(guest.run(network).await.out, "eni-\nami\nroot\n/dev/xvda\n");
    assert_eq!(
        by_hand.err,
        "\nAn error occurred (InvalidClientTokenId) when calling the GetCallerIdentity operation: The security token included in the request is invalid.\n"
    );
    let denied = guest
        .run("aws ec2 stop-instances --instance-ids i-00000000000000001")
        .await;
    assert_eq!(denied.status, 254);
    let head = "\nAn error occurred (UnauthorizedOperation) when calling the StopInstances operation: You are not authorized to perform this operation. User: arn:aws:sts::";
    assert!(denied.err.starts_with(head), "{}", denied.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_role_there_are_no_credentials_unless_the_learner_gives_some() {
    let bench = Bench::new().await;
    let outputs = build(&bench, "all").await;
    let guest = Guest::new(&bench, &outputs["Plain"]);
    let none = guest.run("aws sts get-caller-identity").await;
    assert_eq!(
        (none.err.as_str(), none.status),
        (
            "\nUnable to locate credentials. You can configure credentials by running \"aws configure\".\n",
            253
        )
    );
    let running = &bench.running;
    let set = format!(
        "aws configure set aws_access_key_id {}; aws configure set aws_secret_access_key '{}'; aws configure set output text --profile lab\n\
         stat -c %a ~/.aws/credentials; aws sts get-caller-identity --query Arn --output text; aws configure list",
        running.access_key_id, running.secret_access_key
    );
    let own = guest.run(&set).await;
    let expected = format!("600\narn:aws:iam::{}:user/learner\n", running.account_id);
    assert!(own.out.starts_with(&expected), "{own:?}");
    assert!(own.out.contains("shared-credentials-file"), "{own:?}");
    let wrong = guest
        .run("AWS_ACCESS_KEY_ID=AKIANOBODY AWS_SECRET_ACCESS_KEY=x aws ec2 describe-vpcs")
        .await;
    assert_eq!(
        wrong.err,
        "\nAn error occurred (AuthFailure) when calling the DescribeVpcs operation: AWS was not able to validate the provided access credentials\n"
    );
    // Out of reach of the internet, nothing answers.
    let cut = bench.running.account.write(|world| {
        let table = world
            .route_tables
            .ids()
            .into_iter()
            .map(|id| world.route_tables.get(&id).unwrap().clone());
        for mut table in table.collect::<Vec<_>>() {
            table.routes.clear();
            world.route_tables.insert(table.id.clone(), table);
        }
        Ok(())
    });
    cut.unwrap();
    let alone = guest.run("aws efs describe-file-systems").await;
    assert_eq!(
        (alone.err.as_str(), alone.status),
        (
            "\nCould not connect to the endpoint URL: \"https://elasticfilesystem.us-east-1.amazonaws.com/2015-02-01/file-systems\"\n",
            255
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiter_waits_in_account_time_and_says_what_it_met() {
    let bench = Bench::new().await;
    let outputs = build(&bench, "all").await;
    let guest = Guest::new(&bench, &outputs["Instance"]);
    let plain = &outputs["Plain"];
    let ran = guest
        .run(&format!(
            "aws ec2 stop-instances --instance-ids {plain} --query 'StoppingInstances[0].CurrentState.Name' --output text &&\n\
             aws ec2 wait instance-stopped --instance-ids {plain} && aws ec2 start-instances --instance-ids {plain} --output text --query 'StartingInstances[].CurrentState.Name' &&\n\
             aws ec2 wait instance-stopped --instance-ids {plain}"
        ))
        .await;
    assert_eq!(
        (ran.out.as_str(), ran.status),
        ("stopping\npending\n", 255),
        "{ran:?}"
    );
    assert_eq!(
        ran.err,
        "\nWaiter InstanceStopped failed: Waiter encountered a terminal failure state: For expression \"Reservations[].Instances[].State.Name\" we matched expected path: \"pending\" at least once\n"
    );
    let gone = guest
        .run("aws cloudformation wait stack-create-complete --stack-name nobody")
        .await;
    assert_eq!(gone.status, 255);
    assert!(
        gone.err.contains("Waiter StackCreateComplete failed"),
        "{gone:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_network_is_seen_as_the_groups_let_it() {
    let bench = Bench::new().await;
    let stack = bench.create("lab", LAB, &lab_parameters(GOOD, GOOD)).await;
    assert_eq!(bench.settled(&stack).await, "CREATE_COMPLETE");
    let (ids, share) = bench.running.account.read(|world| {
        let by_name = |name: &str| {
            let mut instances = world.instances.values();
            let named = |one: &&Instance| one.tags["aws:cloudformation:logical-id"] == name;
            instances.find(named).unwrap().clone()
        };
        (
            (by_name("InstanceA"), by_name("InstanceB")),
            world.file_systems.ids().remove(0),
        )
    });
    let (a, b) = ids;
    let guest = Guest::new(&bench, &a.id);
    let share = format!("{share}.efs.us-east-1.amazonaws.com");
    let other = format!("ip-{}", b.private_address.to_string().replace('.', "-"));
    let script = format!(
        "sudo dnf install -yq nmap-ncat bind-utils >/dev/null\n\
         dig +short {share}; getent hosts {share} | cut -d' ' -f1; nc -z -w 2 {share} 2049 && echo open\n\
         dig +short {other}.ec2.internal; nc -z -w 2 {other}.ec2.internal 22 || echo closed\n\
         ping -c 1 -W 1 {} >/dev/null || echo silent",
        b.private_address
    );
    let ran = guest.run(&script).await;
    let target = bench.running.account.read(|world| {
        let mut targets = world.mount_targets.values();
        targets.find(|one| one.zone == a.zone).unwrap().address
    });
    // SSH comes only from the learner, and nothing lets pings in.
    assert_eq!(
        ran.out,
        format!(
            "{target}\n{target}\nopen\n{}\nclosed\nsilent\n",
            b.private_address
        ),
        "{ran:?}"
    );
    // Without the clients' group, the share does not answer.
    let left = bench.running.account.write(|world| {
        let interface = a.interface.clone();
        let groups = world
            .groups
            .values()
            .filter(|one| one.description == "clients");
        let clients: Vec<String> = groups.map(|one| one.id.clone()).collect();
        if let Some(interface) = world.interfaces.get_mut(&interface) {
            interface.groups.retain(|group| !clients.contains(group));
        }
        Ok(())
    });
    left.unwrap();
    let before = bench.running.clock().now();
    let cut = guest.run(&format!("nc -z -w 5 {share} 2049")).await;
    assert_eq!(cut.status, 1, "{cut:?}");
    assert!(bench.running.clock().now().duration_since(before).as_secs() >= 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_and_profiles_are_made_and_taken_away_by_hand() {
    let bench = Bench::new().await;
    let outputs = build(&bench, "all").await;
    let guest = Guest::new(&bench, &outputs["Instance"]);
    let script = r#"
        echo '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}' >trust.json
        echo '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"ec2:*","Resource":"*"}}' >policy.json
        aws iam create-role --role-name r --assume-role-policy-document file://trust.json --tags Key=a,Value=1 --query Role.Arn --output text
        aws iam put-role-policy --role-name r --policy-name p --policy-document file://policy.json
        aws iam get-role-policy --role-name r --policy-name p --query PolicyDocument.Statement.Action --output text
        aws iam create-instance-profile --instance-profile-name ip --query 'InstanceProfile.Roles'
        aws iam add-role-to-instance-profile --instance-profile-name ip --role-name r
        aws iam list-instance-profiles-for-role --role-name r --query 'InstanceProfiles[].InstanceProfileName' --output text
        aws iam delete-role --role-name r
        aws iam remove-role-from-instance-profile --instance-profile-name ip --role-name r && aws iam delete-instance-profile --instance-profile-name ip
        aws iam delete-role-policy --role-name r --policy-name p && aws iam delete-role --role-name r
        aws iam get-role --role-name r
    "#;
    let ran = guest.run(script).await;
    let account = &bench.running.account_id;
    assert_eq!(
        ran.out,
        format!("arn:aws:iam::{account}:role/r\nec2:*\n[]\nip\n"),
        "{ran:?}"
    );
    assert_eq!(
        ran.err,
        "\nAn error occurred (DeleteConflict) when calling the DeleteRole operation: Cannot delete entity, must remove roles from instance profile first.\n\
         \nAn error occurred (NoSuchEntity) when calling the GetRole operation: The role with name r cannot be found.\n"
    );
}

/// Lines that the real command and ours must answer alike, byte by byte. What version 2 says differently from version 1,
/// which is what can be installed, is not among them: usage errors, and instants unless it is told to.
const LINES: &[&str] = &[
    "sts get-caller-identity",
    "sts get-caller-identity --output text",
    "sts get-caller-identity --output table",
    "ec2 describe-instances",
    "ec2 describe-instances --output text",
    "ec2 describe-instances --output table",
    "ec2 describe-instances --query 'Reservations[].Instances[].{Name: Tags[?Key==`Name`]|[0].Value, Id: InstanceId, State: State.Name}'",
    "ec2 describe-instances --query 'Reservations[].Instances[].{Name: Tags[?Key==`Name`]|[0].Value, Id: InstanceId}' --output table",
    "ec2 describe-instances --query 'Reservations[*].Instances[*].[InstanceId, PublicIpAddress]' --output text",
    "ec2 describe-instances --filters Name=instance-state-name,Values=running Name=tag:Name,Values=mine,other --query 'length(Reservations)'",
    "ec2 describe-instances --filters '[{\"Name\":\"tag-key\",\"Values\":[\"Name\"]}]' --query 'Reservations[].Instances[].Tags'",
    "ec2 describe-instances --max-items 1 --query '[length(Reservations), NextToken]'",
    "ec2 describe-instances --max-items 1 --output text --query 'Reservations[].OwnerId'",
    "ec2 describe-instances --max-results 5 --query 'length(Reservations)'",
    "ec2 describe-instances --instance-ids i-00000000000000001",
    "ec2 describe-instances --instance-ids nonsense",
    "ec2 describe-instances --filters Name=nonsense,Values=x",
    "ec2 describe-instance-status",
    "ec2 describe-instance-types --instance-types t3.micro",
    "ec2 describe-instance-type-offerings --location-type availability-zone --filters Name=instance-type,Values=t3.micro",
    "ec2 describe-iam-instance-profile-associations",
    "ec2 describe-images --owners amazon",
    "ec2 describe-availability-zones",
    "ec2 describe-availability-zones --output text",
    "ec2 describe-regions",
    "ec2 describe-vpcs",
    "ec2 describe-vpcs --output text",
    "ec2 describe-subnets --output table",
    "ec2 describe-route-tables",
    "ec2 describe-internet-gateways",
    "ec2 describe-network-acls",
    "ec2 describe-network-interfaces",
    "ec2 describe-security-groups",
    "ec2 describe-security-groups --output table",
    "ec2 describe-security-group-rules",
    "ec2 describe-key-pairs",
    "ec2 describe-addresses",
    "ec2 describe-snapshots --owner-ids self",
    "ec2 describe-snapshots --owner-ids self --output text",
    "ec2 describe-tags",
    "ec2 describe-tags --output text --filters Name=key,Values=Name",
    "ec2 describe-volumes",
    "ec2 describe-volumes --output text",
    "ec2 describe-volumes --output table",
    "ec2 describe-volumes --query 'sort_by(Volumes, &VolumeId)[].[VolumeId, Size, Attachments[0].Device]' --output table",
    "ec2 describe-volumes --query 'Volumes[0].Nothing'",
    "ec2 describe-volumes --query 'Volumes[0].Nothing' --output text",
    "ec2 describe-volumes --dry-run",
    "ec2 delete-volume --volume-id vol-00000000000000001",
    "ec2 delete-key-pair --key-name nobody",
    "ec2 get-console-output --instance-id $INSTANCE --query Output --output text",
    "efs describe-file-systems",
    "efs describe-file-systems --output text",
    "efs describe-file-systems --output table",
    "efs describe-file-systems --query 'FileSystems[].Name'",
    "efs describe-mount-targets --file-system-id $SHARE",
    "efs describe-lifecycle-configuration --file-system-id $SHARE",
    "efs describe-backup-policy --file-system-id $SHARE",
    "efs list-tags-for-resource --resource-id $SHARE",
    "efs describe-file-systems --file-system-id fs-00000000000000001",
    "cloudformation describe-stacks",
    "cloudformation describe-stacks --output text",
    "cloudformation describe-stacks --query 'Stacks[0].Outputs' --output table",
    "cloudformation describe-stacks --stack-name nobody",
    "cloudformation describe-stack-events --stack-name roles",
    "cloudformation describe-stack-events --stack-name roles --output text",
    "cloudformation describe-stack-events --stack-name roles --max-items 3",
    "cloudformation describe-stack-resource --stack-name roles --logical-resource-id Role",
    "cloudformation describe-stack-resources --stack-name roles",
    "cloudformation list-stack-resources --stack-name roles --output table",
    "cloudformation list-stacks --stack-status-filter CREATE_COMPLETE",
    "cloudformation get-template --stack-name roles",
    "ssm get-parameter --name /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
    "ssm get-parameters --names /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64 /nothing --output text",
    "ssm get-parameter --name /nothing",
    "iam list-roles",
    "iam get-role --role-name $ROLE",
    "iam list-role-policies --role-name $ROLE",
    "iam get-role-policy --role-name $ROLE --policy-name work",
    "iam list-attached-role-policies --role-name $ROLE",
    "iam list-instance-profiles --output text",
    "iam list-instance-profiles --output table",
    "iam get-role --role-name nobody",
    "ec2 wait instance-running --instance-ids $INSTANCE",
    "ec2 describe-volumes --filters Name",
    "ec2 describe-volumes --filters Nmae=x",
];

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the aws command, which tests/all.sh installs"]
async fn the_real_command_and_ours_print_the_same() {
    let bench = Bench::new().await;
    let outputs = build(&bench, "all").await;
    let guest = Guest::new(&bench, &outputs["Instance"]);
    let tools =
        std::env::var("EFSLAB_PEERS").expect("run tests/all.sh, which installs the foreign tools");
    let given = given(&bench, &outputs["Instance"]);
    let config = bench.dir.path().join("config");
    std::fs::write(&config, "[default]\ncli_timestamp_format = iso8601\n").unwrap();
    let share = bench
        .running
        .account
        .read(|world| world.file_systems.ids().remove(0));
    let names = [
        ("INSTANCE", outputs["Instance"].as_str()),
        ("SHARE", &share),
        ("ROLE", outputs["RoleArn"].rsplit('/').next().unwrap()),
    ];
    let assignments = names
        .map(|(name, value)| format!("{name}={value}\n"))
        .concat();
    let only = std::env::var("EFSLAB_LINE").unwrap_or_default();
    let mut different = Vec::new();
    for line in LINES.iter().filter(|line| line.contains(&only)) {
        let mut command = Command::new("bash");
        command
            .env_clear()
            .args(["-c", &format!("{assignments}\"$AWS\" {line}")])
            .env("AWS", std::path::Path::new(&tools).join("aws"))
            .env("PATH", std::env::var("PATH").unwrap())
            .env("TZ", "UTC")
            .env("LANG", "C.UTF-8")
            .env("AWS_ENDPOINT_URL", &bench.running.endpoint_url)
            .env("AWS_DEFAULT_REGION", &bench.running.region)
            .env("AWS_ACCESS_KEY_ID", &given.access_key_id)
            .env("AWS_SECRET_ACCESS_KEY", &given.secret_access_key)
            .env("AWS_SESSION_TOKEN", &given.token)
            .env("AWS_CONFIG_FILE", &config)
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
        let real = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let real = (text(real.stdout), text(real.stderr));
        let ran = guest.run(&format!("{assignments}aws {line}")).await;
        let ours = (ran.out, ran.err);
        if real != ours {
            different.push(format!(
                "== aws {line}\n-- real\n{}{}-- ours\n{}{}",
                real.0, real.1, ours.0, ours.1
            ));
        }
    }
    assert!(
        different.is_empty(),
        "{} of {} lines:\n{}",
        different.len(),
        LINES.len(),
        different.join("\n")
    );
}
