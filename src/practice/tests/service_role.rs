//! Stacks that CloudFormation works on as a role, and stacks that are protected against deletion.

use super::roles;
use super::*;
use crate::practice::world::iam::NewRole;

const GATEWAY: &str = "Resources: {Gateway: {Type: 'AWS::EC2::InternetGateway'}}";
const MORE: &str = "Resources:
  Gateway: {Type: 'AWS::EC2::InternetGateway'}
  Vpc: {Type: 'AWS::EC2::VPC', DependsOn: Gateway, Properties: {CidrBlock: 10.0.0.0/16}}";

impl Bench {
    /// A role that a service may assume, and what it may do; answers its ARN.
    fn role(&self, name: &str, service: &str, actions: &str) -> String {
        let role = NewRole {
            name: name.to_owned(),
            trust: format!(
                r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Principal": {{"Service": "{service}.amazonaws.com"}}, "Action": "sts:AssumeRole"}}]}}"#
            ),
            ..NewRole::default()
        };
        let account = &self.running.account;
        account.write(|world| world.create_role(role)).unwrap();
        self.allow(name, actions);
        format!("arn:aws:iam::{}:role/{name}", self.running.account_id)
    }

    fn allow(&self, role: &str, actions: &str) {
        let policy = format!(
            r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Action": [{actions}], "Resource": "arn:aws:ec2:*:*:*/*"}}]}}"#
        );
        let account = &self.running.account;
        let put = account.write(|world| world.put_role_policy(role, "own", policy));
        put.unwrap();
    }

    /// Why a stack is refused to be deleted.
    pub async fn undeletable(&self, stack: &str) -> String {
        let deleted = self
            .cloudformation()
            .delete_stack()
            .stack_name(stack)
            .send();
        let error = deleted.await.unwrap_err().into_service_error();
        assert_eq!(error.meta().code(), Some("ValidationError"));
        error.meta().message().unwrap().to_owned()
    }

    async fn reason(&self, stack: &str, resource: &str, state: &str) -> String {
        let events = self.events(stack).await;
        let found = events
            .iter()
            .rev()
            .find(|(id, now, _)| id == resource && now == state);
        found.unwrap_or_else(|| panic!("{events:?}")).2.clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_can_do_what_its_service_role_may_and_no_more() {
    let bench = Bench::new().await;
    let client = bench.cloudformation();
    let role = bench.role(
        "deployer",
        "cloudformation",
        "\"ec2:CreateInternetGateway\"",
    );
    let create = client.create_stack().stack_name("s").template_body(GATEWAY);
    let stack = create
        .role_arn(&role)
        .send()
        .await
        .unwrap()
        .stack_id
        .unwrap();
    assert_eq!(bench.settled(&stack).await, "CREATE_COMPLETE");
    let described = client.describe_stacks().stack_name("s").send().await;
    let described = described.unwrap();
    assert_eq!(described.stacks()[0].role_arn(), Some(role.as_str()));

    // Nobody names it, and it is still the one.
    let update = client.update_stack().stack_name("s").template_body(MORE);
    update.send().await.unwrap();
    assert_eq!(bench.settled(&stack).await, "UPDATE_ROLLBACK_COMPLETE");
    let account = &bench.running.account_id;
    let reason = bench.reason(&stack, "Vpc", "CREATE_FAILED").await;
    assert!(
        reason.contains(&format!(
            "User: arn:aws:sts::{account}:assumed-role/deployer/AWSCloudFormation is not authorized to perform: ec2:CreateVpc on resource: arn:aws:ec2:us-east-1:{account}:vpc/* because"
        )),
        "{reason}"
    );

    client.delete_stack().stack_name("s").send().await.unwrap();
    assert_eq!(bench.settled(&stack).await, "DELETE_FAILED");
    let reason = bench.reason(&stack, "Gateway", "DELETE_FAILED").await;
    assert!(reason.contains("ec2:DeleteInternetGateway"), "{reason}");
    bench.allow("deployer", "\"ec2:DeleteInternetGateway\"");
    client.delete_stack().stack_name("s").send().await.unwrap();
    assert_eq!(bench.settled(&stack).await, "DELETE_COMPLETE");
}

/// Of somebody who may ask CloudFormation, and one thing more.
const ASKS: &str = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["cloudformation:*", "PASS"], "Resource": "*"}]}"#;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_begun_with_a_service_role_goes_on_when_the_session_of_whoever_asked_ends() {
    let bench = Bench::new().await;
    let outputs = roles::build(&bench, "all").await;
    let given = roles::given(&bench, &outputs["Instance"]);
    let caller = outputs["RoleArn"].rsplit('/').next().unwrap();
    let may = |pass: &str| {
        let account = &bench.running.account;
        let policy = ASKS.replace("PASS", pass);
        let put = account.write(|world| world.put_role_policy(caller, "work", policy));
        put.unwrap();
    };
    let config = bench.cloudformation().config().to_builder();
    let config = config.credentials_provider(roles::credentials(&given));
    let client = cloudformation::Client::from_conf(config.build());
    let create = |name: &str| client.create_stack().stack_name(name).template_body(MORE);
    let service = bench.role("deployer", "cloudformation", "\"*\"");

    // With his own rights, which do not suffice; and without the right to hand the role on.
    may("sts:GetCallerIdentity");
    create("own").send().await.unwrap();
    assert_eq!(bench.settled("own").await, "ROLLBACK_COMPLETE");
    let refused = create("lent").role_arn(&service).send().await.unwrap_err();
    let refused = refused.into_service_error();
    let why = refused.meta().message().unwrap();
    assert!(
        why.contains("iam:PassRole") && why.contains(&service),
        "{why}"
    );

    may("iam:PassRole");
    let lent = create("lent").role_arn(&service).send().await.unwrap();
    let ended = bench.running.account.write(|world| {
        world.roles.remove(caller);
        Ok(())
    });
    ended.unwrap();
    assert!(client.describe_stacks().send().await.is_err());
    let lent = lent.stack_id.unwrap();
    assert_eq!(bench.settled(&lent).await, "CREATE_COMPLETE");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_cloudformation_cannot_assume_is_refused() {
    let bench = Bench::new().await;
    let client = bench.cloudformation();
    let other = bench.role("other", "ec2", "\"*\"");
    let none = format!("{other}-that-is-not-there");
    for role in [&other, &none] {
        let create = client.create_stack().stack_name("s").template_body(GATEWAY);
        let error = create.role_arn(role).send().await.unwrap_err();
        let error = error.into_service_error();
        let wanted = format!("Role {role} is invalid or cannot be assumed");
        assert_eq!(error.meta().message(), Some(wanted.as_str()));
    }
    assert!(
        client
            .describe_stacks()
            .send()
            .await
            .unwrap()
            .stacks()
            .is_empty()
    );

    // One that is gone when the stack is to be deleted: another can do it.
    let gone = bench.role("gone", "cloudformation", "\"*\"");
    let create = client.create_stack().stack_name("s").template_body(GATEWAY);
    let stack = create
        .role_arn(&gone)
        .send()
        .await
        .unwrap()
        .stack_id
        .unwrap();
    assert_eq!(bench.settled(&stack).await, "CREATE_COMPLETE");
    let removed = bench.running.account.write(|world| {
        world.roles.remove("gone");
        Ok(())
    });
    removed.unwrap();
    assert_eq!(
        bench.undeletable("s").await,
        format!("Role {gone} is invalid or cannot be assumed")
    );
    assert_eq!(bench.settled(&stack).await, "CREATE_COMPLETE");
    let new = bench.role("new", "cloudformation", "\"*\"");
    let delete = client.delete_stack().stack_name("s").role_arn(new);
    delete.send().await.unwrap();
    assert_eq!(bench.settled(&stack).await, "DELETE_COMPLETE");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_set_keeps_its_role_until_it_is_executed() {
    let bench = Bench::new().await;
    let client = bench.cloudformation();
    let stack = bench.create("s", GATEWAY, &[]).await;
    assert_eq!(bench.settled(&stack).await, "CREATE_COMPLETE");
    let role = bench.role("deployer", "cloudformation", "\"ec2:CreateTags\"");
    let role_of = async || {
        let described = client.describe_stacks().stack_name("s").send().await;
        described.unwrap().stacks()[0].role_arn.clone()
    };
    let set = client
        .create_change_set()
        .stack_name("s")
        .change_set_name("c");
    let set = set.template_body(MORE).role_arn(&role).send().await;
    set.unwrap();
    assert_eq!(role_of().await, None);
    let client_token = client.execute_change_set().stack_name("s");
    loop {
        let executed = client_token.clone().change_set_name("c").send().await;
        // It is being worked out.
        match executed {
            Ok(_) => break,
            Err(error) => assert!(
                error
                    .into_service_error()
                    .is_invalid_change_set_status_exception()
            ),
        }
    }
    assert_eq!(bench.settled(&stack).await, "UPDATE_ROLLBACK_COMPLETE");
    assert_eq!(role_of().await, Some(role));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_protected_stack_is_not_deleted_until_its_protection_ends() {
    let bench = Bench::new().await;
    let client = bench.cloudformation();
    let create = client.create_stack().stack_name("s").template_body(GATEWAY);
    let create = create.enable_termination_protection(true).send().await;
    let stack = create.unwrap().stack_id.unwrap();
    assert_eq!(bench.settled(&stack).await, "CREATE_COMPLETE");
    assert_eq!(
        bench.undeletable("s").await,
        "Stack [s] cannot be deleted while TerminationProtection is enabled"
    );
    for protected in [false, true, false] {
        let update = client.update_termination_protection().stack_name("s");
        let update = update.enable_termination_protection(protected).send();
        assert_eq!(update.await.unwrap().stack_id.as_ref(), Some(&stack));
        let described = client.describe_stacks().stack_name("s").send().await;
        let shown = described.unwrap().stacks()[0].enable_termination_protection();
        assert_eq!(shown, Some(protected));
    }
    client.delete_stack().stack_name("s").send().await.unwrap();
    assert_eq!(bench.settled(&stack).await, "DELETE_COMPLETE");
}
