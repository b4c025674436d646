//! Roles on the wire: what a template must say, who a session is, what its policies let it do.

use std::sync::Weak;

use super::*;
use crate::practice::compute::{RoleCredentials, Surroundings as _};
use crate::practice::surroundings::View;

/// Two instances, one of them with a role.
pub const TEMPLATE: &str = include_str!("roles.yaml");

/// A stack of [`TEMPLATE`], and its outputs.
pub async fn build(bench: &Bench, statements: &str) -> BTreeMap<String, String> {
    let client = bench.cloudformation();
    let created = client
        .create_stack()
        .stack_name("roles")
        .template_body(TEMPLATE)
        .parameters(parameter(&("Statements", statements)))
        .capabilities("CAPABILITY_IAM".into());
    let stack = created.send().await.unwrap().stack_id.unwrap();
    assert_eq!(
        bench.settled(&stack).await,
        "CREATE_COMPLETE",
        "{:?}",
        bench.events(&stack).await
    );
    let described = client.describe_stacks().stack_name("roles").send().await;
    let described = described.unwrap();
    let outputs = described.stacks()[0].outputs().iter();
    outputs
        .map(|one| {
            let (key, value) = (one.output_key(), one.output_value());
            (key.unwrap().to_owned(), value.unwrap().to_owned())
        })
        .collect()
}

/// The account as its instances see it.
pub fn view(bench: &Bench) -> View {
    View(std::sync::Arc::downgrade(&bench.running.account) as Weak<_>)
}

/// What an instance's metadata hold of its role.
pub fn given(bench: &Bench, instance: &str) -> RoleCredentials {
    let profile = view(bench).profile(instance).unwrap();
    profile.role.unwrap().1.unwrap()
}

/// For requests in the name of such a session.
pub fn credentials(given: &RoleCredentials) -> Credentials {
    Credentials::new(
        &given.access_key_id,
        &given.secret_access_key,
        Some(given.token.clone()),
        None,
        "role",
    )
}

fn ec2_as(bench: &Bench, given: &RoleCredentials) -> ec2::Client {
    let credentials = credentials(given);
    let config = ec2::Config::builder()
        .behavior_version(ec2::config::BehaviorVersion::latest())
        .endpoint_url(&bench.running.endpoint_url)
        .region(ec2::config::Region::new(bench.running.region.clone()))
        .credentials_provider(credentials);
    ec2::Client::from_conf(config.build())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_with_a_role_needs_a_capability() {
    let bench = Bench::new().await;
    let client = bench.cloudformation();
    let refusal = async |body: &str, capability: Option<&str>| {
        let create = client.create_stack().stack_name("s").template_body(body);
        let capabilities = capability.map(|one| vec![one.into()]);
        let created = create.set_capabilities(capabilities).send().await;
        let error = created.unwrap_err().into_service_error();
        let code = error.meta().code().unwrap().to_owned();
        (code, error.meta().message().unwrap().to_owned())
    };
    let code = "InsufficientCapabilitiesException".to_owned();
    assert_eq!(
        refusal(TEMPLATE, None).await,
        (
            code.clone(),
            "Requires capabilities : [CAPABILITY_IAM]".to_owned()
        )
    );
    let named = TEMPLATE.replace(
        "    Properties:\n      AssumeRole",
        "    Properties:\n      RoleName: r\n      AssumeRole",
    );
    assert_eq!(
        refusal(&named, Some("CAPABILITY_IAM")).await,
        (
            code,
            "Requires capabilities : [CAPABILITY_NAMED_IAM]".to_owned()
        )
    );
    let valid = client.validate_template().template_body(TEMPLATE).send();
    let valid = valid.await.unwrap();
    assert_eq!(valid.capabilities(), ["CAPABILITY_IAM".into()]);
    assert_eq!(
        valid.capabilities_reason(),
        Some(
            "The following resource(s) require capabilities: [AWS::IAM::InstanceProfile, AWS::IAM::Role]"
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_makes_the_role_and_takes_it_away_again() {
    let bench = Bench::new().await;
    let outputs = build(&bench, "all").await;
    let account = &bench.running.account_id;
    assert!(outputs["RoleArn"].starts_with(&format!("arn:aws:iam::{account}:role/roles-Role-")));
    assert!(outputs["RoleId"].starts_with("AROA") && outputs["RoleId"].len() == 21);
    let described = bench
        .ec2()
        .describe_instances()
        .instance_ids(&outputs["Instance"])
        .send();
    let described = described.await.unwrap();
    let instance = &described.reservations()[0].instances()[0];
    assert_eq!(
        instance.iam_instance_profile().unwrap().arn(),
        Some(outputs["ProfileArn"].as_str())
    );
    let client = bench.cloudformation();
    client
        .delete_stack()
        .stack_name("roles")
        .send()
        .await
        .unwrap();
    let stacks = client.list_stacks().send().await.unwrap();
    let id = stacks.stack_summaries()[0].stack_id().unwrap();
    assert_eq!(bench.settled(id).await, "DELETE_COMPLETE");
    let left = |world: &World| world.roles.ids().len() + world.instance_profiles.ids().len();
    assert_eq!(bench.running.account.read(left), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_its_role_until_the_role_is_gone() {
    let bench = Bench::new().await;
    let outputs = build(&bench, "all").await;
    let given = given(&bench, &outputs["Instance"]);
    let client = |token: &str| {
        let credentials = Credentials::new(
            &given.access_key_id,
            &given.secret_access_key,
            Some(token.to_owned()),
            None,
            "role",
        );
        let config = aws_sdk_sts::Config::builder()
            .behavior_version(aws_sdk_sts::config::BehaviorVersion::latest())
            .endpoint_url(&bench.running.endpoint_url)
            .region(aws_sdk_sts::config::Region::new("us-east-1"))
            .credentials_provider(credentials);
        aws_sdk_sts::Client::from_conf(config.build())
    };
    let who = client(&given.token)
        .get_caller_identity()
        .send()
        .await
        .unwrap();
    let role = outputs["RoleArn"].rsplit('/').next().unwrap();
    assert_eq!(
        who.arn().unwrap(),
        format!(
            "arn:aws:sts::{}:assumed-role/{role}/{}",
            bench.running.account_id, outputs["Instance"]
        )
    );
    assert_eq!(
        who.user_id().unwrap(),
        format!("{}:{}", outputs["RoleId"], outputs["Instance"])
    );
    let code = async |token: &str| {
        let asked = client(token).get_caller_identity().send().await;
        asked
            .unwrap_err()
            .into_service_error()
            .meta()
            .code()
            .unwrap()
            .to_owned()
    };
    assert_eq!(code("AAAA").await, "InvalidClientTokenId");
    let gone = bench.running.account.write(|world| {
        world.roles.remove(role);
        Ok(())
    });
    gone.unwrap();
    assert_eq!(code(&given.token).await, "InvalidClientTokenId");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_may_do_what_its_policies_allow_and_nothing_else() {
    let bench = Bench::new().await;
    let outputs = build(&bench, "narrow").await;
    let given = given(&bench, &outputs["Instance"]);
    let ec2 = ec2_as(&bench, &given);
    assert!(ec2.describe_volumes().send().await.is_ok());
    let vpcs = ec2
        .describe_vpcs()
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    assert_eq!(vpcs.meta().code(), Some("UnauthorizedOperation"));
    let message = vpcs.meta().message().unwrap();
    assert!(
        message.contains("with an explicit deny in an identity-based policy"),
        "{message}"
    );
    // A tag decides, also of a request that would only be tried.
    let stop = ec2
        .stop_instances()
        .instance_ids(&outputs["Plain"])
        .dry_run(true);
    let refused = stop.send().await.unwrap_err().into_service_error();
    let message = refused.meta().message().unwrap();
    let expected = format!(
        "is not authorized to perform: ec2:StopInstances on resource: arn:aws:ec2:us-east-1:{}:instance/{} because no identity-based policy allows the ec2:StopInstances action. Encoded authorization failure message: ",
        bench.running.account_id, outputs["Plain"]
    );
    assert!(message.contains(&expected), "{message}");
    let stop = ec2
        .stop_instances()
        .instance_ids(&outputs["Instance"])
        .dry_run(true);
    let allowed = stop.send().await.unwrap_err().into_service_error();
    assert_eq!(allowed.meta().code(), Some("DryRunOperation"));
    // Neither may it look at other services, nor at the control plane.
    for (service, wanted) in [
        ("cloudformation", "AccessDenied"),
        ("elasticfilesystem", "AccessDeniedException"),
        ("iam", "AccessDenied"),
    ] {
        let (method, target, body) = match service {
            "elasticfilesystem" => ("GET", "/2015-02-01/file-systems", ""),
            "iam" => ("POST", "/", "Action=ListRoles&Version=2010-05-08"),
            _ => ("POST", "/", "Action=ListStacks&Version=2010-05-15"),
        };
        let request = crate::practice::compute::ServiceRequest {
            service: service.into(),
            region: "us-east-1".into(),
            access_key_id: given.access_key_id.clone(),
            secret_access_key: given.secret_access_key.clone(),
            token: Some(given.token.clone()),
            method: method.into(),
            target: target.into(),
            headers: Vec::new(),
            body: body.into(),
        };
        let (status, body) = view(&bench)
            .service(&outputs["Instance"], request)
            .await
            .unwrap();
        let body = String::from_utf8(body).unwrap();
        assert_eq!(status, 403, "{body}");
        assert!(body.contains(wanted), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_is_put_on_a_running_instance_and_taken_away() {
    let bench = Bench::new().await;
    let outputs = build(&bench, "all").await;
    let (client, plain) = (bench.ec2(), &outputs["Plain"]);
    let name = outputs["ProfileArn"].rsplit('/').next().unwrap();
    let profile = ec2::types::IamInstanceProfileSpecification::builder()
        .name(name)
        .build();
    let associate = || {
        let call = client.associate_iam_instance_profile();
        call.iam_instance_profile(profile.clone())
            .instance_id(plain)
    };
    let made = associate().send().await.unwrap();
    let made = made.iam_instance_profile_association().unwrap();
    assert_eq!(made.state().unwrap().as_str(), "associating");
    let twice = associate().send().await.unwrap_err().into_service_error();
    assert_eq!(twice.meta().code(), Some("IncorrectState"));
    // The metadata follow a few seconds later.
    assert_eq!(view(&bench).profile(plain), None);
    bench
        .running
        .clock()
        .advance(std::time::Duration::from_secs(10))
        .unwrap();
    assert!(view(&bench).profile(plain).is_some());
    let listed = client
        .describe_iam_instance_profile_associations()
        .send()
        .await
        .unwrap();
    assert_eq!(listed.iam_instance_profile_associations().len(), 2);
    let id = made.association_id().unwrap();
    client
        .disassociate_iam_instance_profile()
        .association_id(id)
        .send()
        .await
        .unwrap();
    assert_eq!(view(&bench).profile(plain), None);
}
