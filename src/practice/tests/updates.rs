//! Updates and change sets as the AWS SDK asks for them, and over kills.

use cloudformation::error::ProvideErrorMetadata;
use cloudformation::operation::describe_change_set::DescribeChangeSetOutput;
use cloudformation::types::{
    Capability, ChangeAction, ChangeSetStatus, ChangeSetType, ChangeSource, EvaluationType,
    ExecutionStatus, OnStackFailure, Replacement, RequiresRecreation, Tag,
};

use super::*;

/// A network, a group whose description is a parameter, and one that lets its members in.
const NETWORK: &str = "
Parameters:
  Said: {Type: String, Default: first}
  Secret: {Type: String, Default: s, NoEcho: true}
Resources:
  Vpc: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: 10.0.0.0/16}}
  Group: {Type: 'AWS::EC2::SecurityGroup', Properties: {VpcId: !Ref Vpc, GroupDescription: !Ref Said}}
  Friends:
    Type: AWS::EC2::SecurityGroup
    Properties:
      VpcId: !GetAtt Vpc.VpcId
      GroupDescription: friends
      SecurityGroupIngress: [{IpProtocol: '-1', SourceSecurityGroupId: !Ref Group}]
  Old: {Type: 'AWS::EC2::InternetGateway'}
";

/// Code and message of a refusal.
fn refusal<T: std::fmt::Debug, E: ProvideErrorMetadata + std::fmt::Debug, R: std::fmt::Debug>(
    result: Result<T, cloudformation::error::SdkError<E, R>>,
) -> (String, String) {
    let error = result.unwrap_err();
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    (text(error.code()), text(error.message()))
}

impl Bench {
    /// Asks for a change set of stack `s` with this template, and waits until it is worked out.
    async fn change_set(
        &self,
        name: &str,
        template: Option<&str>,
        parameters: &[(&str, &str)],
    ) -> DescribeChangeSetOutput {
        self.cloudformation()
            .create_change_set()
            .stack_name("s")
            .change_set_name(name)
            .set_template_body(template.map(str::to_owned))
            .set_use_previous_template(template.is_none().then_some(true))
            .set_parameters(Some(parameters.iter().map(parameter).collect()))
            .send()
            .await
            .unwrap();
        self.worked_out("s", name).await
    }

    async fn worked_out(&self, stack: &str, name: &str) -> DescribeChangeSetOutput {
        loop {
            let described = self
                .cloudformation()
                .describe_change_set()
                .stack_name(stack)
                .change_set_name(name)
                .send()
                .await
                .unwrap();
            let status = described.status().unwrap();
            if !matches!(
                status,
                ChangeSetStatus::CreatePending | ChangeSetStatus::CreateInProgress
            ) {
                return described;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }

    pub(super) async fn physical(&self, stack: &str, logical_id: &str) -> String {
        let described = self
            .cloudformation()
            .describe_stack_resource()
            .stack_name(stack)
            .logical_resource_id(logical_id)
            .send()
            .await
            .unwrap();
        let detail = described.stack_resource_detail().unwrap();
        detail.physical_resource_id().unwrap().to_owned()
    }
}

/// What a change set says, a line per resource and reason.
fn lines(described: &DescribeChangeSetOutput) -> Vec<String> {
    let mut lines = Vec::new();
    for change in described.changes() {
        let change = change.resource_change().unwrap();
        let replacement = change.replacement().map_or("", Replacement::as_str);
        lines.push(
            format!(
                "{} {} {replacement}",
                change.action().map_or("", ChangeAction::as_str),
                change.logical_resource_id().unwrap()
            )
            .trim()
            .to_owned(),
        );
        for detail in change.details() {
            let target = detail.target().unwrap();
            lines.push(
                format!(
                    "  {} {} {} {} {}",
                    target.name().unwrap_or("Tags"),
                    target
                        .requires_recreation()
                        .map_or("", RequiresRecreation::as_str),
                    detail.evaluation().map_or("", EvaluationType::as_str),
                    detail.change_source().map_or("", ChangeSource::as_str),
                    detail.causing_entity().unwrap_or_default()
                )
                .trim_end()
                .to_owned(),
            );
        }
    }
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_set_says_what_would_change_and_why_and_then_does_it() {
    let bench = Bench::new().await;
    let stack = bench.create("s", NETWORK, &[]).await;
    assert_eq!(bench.settled(&stack).await, "CREATE_COMPLETE");
    let changed = NETWORK.replace("Old:", "New:").replace(
        "CidrBlock: 10.0.0.0/16",
        "CidrBlock: 10.0.0.0/16, Tags: [{Key: a, Value: b}]",
    );
    let set = bench
        .change_set("more", Some(&changed), &[("Said", "second")])
        .await;
    assert_eq!(set.status(), Some(&ChangeSetStatus::CreateComplete));
    assert_eq!(set.execution_status(), Some(&ExecutionStatus::Available));
    assert_eq!(
        lines(&set),
        [
            // What is read from a resource that changes might change, too.
            "Modify Friends Conditional",
            "  VpcId Always Dynamic ResourceAttribute Vpc.VpcId",
            "  SecurityGroupIngress Never Dynamic DirectModification",
            "  SecurityGroupIngress Never Static ResourceReference Group",
            "Modify Group True",
            "  GroupDescription Always Dynamic DirectModification",
            "  GroupDescription Always Static ParameterReference Said",
            "Add New",
            "Remove Old",
            "Modify Vpc False",
            "  Tags Never Static DirectModification",
        ]
    );
    let group = bench.physical("s", "Group").await;
    let friends = bench.physical("s", "Friends").await;
    let client = bench.cloudformation();
    let execute = || {
        client
            .execute_change_set()
            .stack_name("s")
            .change_set_name("more")
    };
    execute().client_request_token("go").send().await.unwrap();
    // Asked for again with the same token it is the same request; without it has begun already.
    execute().client_request_token("go").send().await.unwrap();
    let (code, message) = refusal(execute().send().await);
    assert_eq!(code, "InvalidChangeSetStatus");
    assert!(
        message.contains("cannot be executed in its current execution status of [EXECUTE_"),
        "{message}"
    );
    assert_eq!(bench.settled(&stack).await, "UPDATE_COMPLETE");
    let described = client
        .describe_stacks()
        .stack_name("s")
        .send()
        .await
        .unwrap();
    let found = &described.stacks()[0];
    assert_eq!(found.change_set_id(), set.change_set_id());
    assert!(found.last_updated_time().is_some());
    assert_ne!(bench.physical("s", "Group").await, group);
    assert_eq!(bench.physical("s", "Friends").await, friends);
    let gone = client
        .describe_stack_resource()
        .stack_name("s")
        .logical_resource_id("Old")
        .send()
        .await;
    assert_eq!(refusal(gone).1, "Resource Old does not exist for stack s");
    let set = bench.worked_out("s", "more").await;
    assert_eq!(
        set.execution_status(),
        Some(&ExecutionStatus::ExecuteComplete)
    );
    let given = client.get_template().stack_name("s").send().await.unwrap();
    assert_eq!(given.template_body(), Some(changed.as_str()));
    let tokens: Vec<String> = client
        .describe_stack_events()
        .stack_name("s")
        .send()
        .await
        .unwrap()
        .stack_events()
        .iter()
        .filter_map(|one| one.client_request_token().map(str::to_owned))
        .collect();
    assert!(tokens.contains(&"go".to_owned()));

    // Values in detail, but never secret ones.
    bench
        .change_set("third", None, &[("Said", "third"), ("Secret", "t")])
        .await;
    let shown = client
        .describe_change_set()
        .stack_name("s")
        .change_set_name("third")
        .include_property_values(true)
        .send()
        .await
        .unwrap();
    let target = shown.changes()[1].resource_change().unwrap().details()[0]
        .target()
        .unwrap();
    assert_eq!(
        (target.before_value(), target.after_value()),
        (Some("second"), Some("third"))
    );
    assert_eq!(target.path(), Some("/Properties/GroupDescription"));
    let shown: Vec<&str> = shown
        .parameters()
        .iter()
        .filter_map(|one| one.parameter_value())
        .collect();
    assert_eq!(shown, ["third", "****"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_set_that_changes_nothing_fails_with_the_words_that_tools_look_for() {
    let bench = Bench::new().await;
    let stack = bench.create("s", NETWORK, &[]).await;
    bench.settled(&stack).await;
    let set = bench.change_set("none", None, &[]).await;
    assert_eq!(set.status(), Some(&ChangeSetStatus::Failed));
    assert_eq!(
        set.status_reason(),
        Some(
            "The submitted information didn't contain changes. Submit different information to create a change set."
        )
    );
    let client = bench.cloudformation();
    let refused = client
        .execute_change_set()
        .stack_name("s")
        .change_set_name("none")
        .send()
        .await;
    let (code, message) = refusal(refused);
    assert_eq!(code, "InvalidChangeSetStatus");
    assert!(
        message.ends_with("cannot be executed in its current status of [FAILED]"),
        "{message}"
    );
    let refused = client
        .update_stack()
        .stack_name("s")
        .use_previous_template(true)
        .send()
        .await;
    assert_eq!(
        refusal(refused),
        (
            "ValidationError".into(),
            "No updates are to be performed.".into()
        )
    );

    let again = client
        .create_change_set()
        .stack_name("s")
        .change_set_name("none")
        .use_previous_template(true)
        .send()
        .await;
    assert_eq!(refusal(again).0, "AlreadyExistsException");
    let missing = client
        .describe_change_set()
        .stack_name("s")
        .change_set_name("other")
        .send()
        .await;
    assert_eq!(
        refusal(missing),
        (
            "ChangeSetNotFound".into(),
            "ChangeSet [other] does not exist".into()
        )
    );
    let nowhere = client
        .create_change_set()
        .stack_name("x")
        .change_set_name("a")
        .use_previous_template(true)
        .send()
        .await;
    assert_eq!(refusal(nowhere).1, "Stack [x] does not exist");
    let listed = client
        .list_change_sets()
        .stack_name("s")
        .send()
        .await
        .unwrap();
    assert_eq!(listed.summaries()[0].change_set_name(), Some("none"));
    client
        .delete_change_set()
        .stack_name("s")
        .change_set_name("none")
        .send()
        .await
        .unwrap();
    client
        .delete_change_set()
        .stack_name("s")
        .change_set_name("none")
        .send()
        .await
        .unwrap();
    assert!(
        client
            .list_change_sets()
            .stack_name("s")
            .send()
            .await
            .unwrap()
            .summaries()
            .is_empty()
    );

    // What is out of scope is refused by name.
    let nested = client
        .create_change_set()
        .stack_name("s")
        .change_set_name("a")
        .use_previous_template(true)
        .include_nested_stacks(true)
        .send()
        .await;
    assert!(refusal(nested).1.contains("IncludeNestedStacks"));
    let imports = client
        .create_change_set()
        .stack_name("s")
        .change_set_name("a")
        .use_previous_template(true)
        .import_existing_resources(true)
        .send()
        .await;
    assert!(refusal(imports).1.contains("ImportExistingResources"));
    let import = client
        .create_change_set()
        .stack_name("s")
        .change_set_name("a")
        .use_previous_template(true)
        .change_set_type(ChangeSetType::Import)
        .send()
        .await;
    assert!(
        refusal(import)
            .1
            .contains("at 'changeSetType' failed to satisfy constraint")
    );
    let unknown = client
        .create_change_set()
        .stack_name("s")
        .change_set_name("a")
        .use_previous_template(true)
        .parameters(
            Parameter::builder()
                .parameter_key("Nope")
                .use_previous_value(true)
                .build(),
        )
        .send()
        .await;
    assert!(
        refusal(unknown)
            .1
            .starts_with("Invalid input for parameter key Nope.")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_is_created_through_a_change_set() {
    let bench = Bench::new().await;
    let client = bench.cloudformation();
    let made = client
        .create_change_set()
        .stack_name("s")
        .change_set_name("first")
        .change_set_type(ChangeSetType::Create)
        .template_body(NETWORK)
        .description("how it begins")
        .capabilities(Capability::CapabilityIam)
        .tags(Tag::builder().key("team").value("x").build())
        .on_stack_failure(OnStackFailure::Delete)
        .client_token("t")
        .send();
    let made = made.await.unwrap();
    let stack = made.stack_id().unwrap().to_owned();
    let described = client
        .describe_stacks()
        .stack_name("s")
        .send()
        .await
        .unwrap();
    assert_eq!(
        described.stacks()[0].stack_status().unwrap().as_str(),
        "REVIEW_IN_PROGRESS"
    );
    let set = bench.worked_out("s", "first").await;
    assert_eq!(
        lines(&set),
        ["Add Friends", "Add Group", "Add Old", "Add Vpc"]
    );
    assert_eq!(set.description(), Some("how it begins"));
    let of_set = client
        .get_template()
        .change_set_name(made.id().unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(of_set.template_body(), Some(NETWORK));
    let refused = client
        .update_stack()
        .stack_name("s")
        .template_body(NETWORK)
        .send()
        .await;
    assert_eq!(
        refusal(refused).1,
        format!("Stack:{stack} is in REVIEW_IN_PROGRESS state and can not be updated.")
    );
    client
        .execute_change_set()
        .change_set_name(made.id().unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(bench.settled(&stack).await, "CREATE_COMPLETE");
    let described = client
        .describe_stacks()
        .stack_name("s")
        .send()
        .await
        .unwrap();
    assert_eq!(described.stacks()[0].tags()[0].value(), Some("x"));
    let again = client
        .create_change_set()
        .stack_name("s")
        .change_set_name("again")
        .change_set_type(ChangeSetType::Create)
        .template_body(NETWORK)
        .send()
        .await;
    assert_eq!(
        refusal(again).1,
        "Stack [s] already exists and cannot be created again with the changeSet [again]."
    );
    let events: Vec<String> = bench
        .events(&stack)
        .await
        .into_iter()
        .filter(|(id, ..)| id == "s")
        .map(|(_, status, _)| status)
        .collect();
    assert_eq!(
        events,
        [
            "REVIEW_IN_PROGRESS",
            "CREATE_IN_PROGRESS",
            "CREATE_COMPLETE"
        ]
    );
    // One that is only looked at can be deleted again.
    client
        .create_change_set()
        .stack_name("only")
        .change_set_name("a")
        .change_set_type(ChangeSetType::Create)
        .template_body(NETWORK)
        .send()
        .await
        .unwrap();
    client
        .delete_stack()
        .stack_name("only")
        .send()
        .await
        .unwrap();
    loop {
        let listed = client.describe_stacks().send().await.unwrap();
        if listed.stacks().len() == 1 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_goes_on_after_a_kill_at_any_moment_and_so_does_its_rollback() {
    let mut bench = Bench::new().await;
    let stack = bench.create("lab", LAB, &lab_parameters(GOOD, GOOD)).await;
    assert_eq!(bench.settled(&stack).await, "CREATE_COMPLETE");
    let instances = [
        bench.physical("lab", "InstanceA").await,
        bench.physical("lab", "InstanceB").await,
    ];
    let parameters: Vec<Parameter> = lab_parameters("", "")
        .iter()
        .map(|(key, _)| {
            Parameter::builder()
                .parameter_key(*key)
                .use_previous_value(true)
                .build()
        })
        .collect();
    let more = "
  MoreGroup:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: more
      VpcId: !Ref VPC
      SecurityGroupIngress: [{ IpProtocol: '-1', SourceSecurityGroupId: !Ref ClientGroup }]
  Second: { Type: 'AWS::EFS::FileSystem' }
Outputs:";
    let broken = "
  Broken: { Type: 'AWS::EC2::Subnet', DependsOn: Second, Properties: { VpcId: !Ref VPC, CidrBlock: 192.168.0.0/24 } }
Outputs:";
    let good = LAB.replace("\nOutputs:", more);
    let bad = good.replace("\nOutputs:", broken);
    for (template, end) in [
        (&bad, "UPDATE_ROLLBACK_COMPLETE"),
        (&good, "UPDATE_COMPLETE"),
    ] {
        bench
            .cloudformation()
            .update_stack()
            .stack_name("lab")
            .template_body(template)
            .set_parameters(Some(parameters.clone()))
            .client_request_token(end.replace('_', "-"))
            .send()
            .await
            .unwrap();
        let mut seen = Vec::new();
        loop {
            bench = bench.kill_and_restart().await;
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
            seen.push(status.clone());
            if status == end {
                break;
            }
            assert!(
                status.starts_with("UPDATE_") && status.ends_with("IN_PROGRESS"),
                "{seen:?}"
            );
        }
        // The same request again is no second one.
        let again = bench
            .cloudformation()
            .update_stack()
            .stack_name("lab")
            .template_body(template);
        let again = again
            .set_parameters(Some(parameters.clone()))
            .client_request_token(end.replace('_', "-"))
            .send()
            .await
            .unwrap();
        assert_eq!(again.stack_id(), Some(stack.as_str()));
        assert_eq!(bench.settled(&stack).await, end);
    }
    let now = [
        bench.physical("lab", "InstanceA").await,
        bench.physical("lab", "InstanceB").await,
    ];
    assert_eq!(now, instances);
    let events = bench.events(&stack).await;
    let count = |id: &str, status: &str| {
        let told = events
            .iter()
            .filter(|(logical, state, _)| logical == id && state == status);
        told.count()
    };
    assert_eq!(count("InstanceA", "UPDATE_IN_PROGRESS"), 0);
    assert_eq!(
        (
            count("Second", "CREATE_COMPLETE"),
            count("Second", "DELETE_COMPLETE")
        ),
        (2, 1)
    );
    let files = bench.efs().describe_file_systems().send().await.unwrap();
    assert_eq!(files.file_systems().len(), 2);
    let token = bench
        .cloudformation()
        .cancel_update_stack()
        .stack_name("lab")
        .client_request_token("UPDATE-COMPLETE")
        .send()
        .await;
    assert_eq!(refusal(token).0, "TokenAlreadyExistsException");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_is_summed_up_with_its_parameters_and_types() {
    let bench = Bench::new().await;
    let client = bench.cloudformation();
    let summary = client
        .get_template_summary()
        .template_body(NETWORK)
        .send()
        .await
        .unwrap();
    assert_eq!(
        summary.resource_types(),
        [
            "AWS::EC2::InternetGateway",
            "AWS::EC2::SecurityGroup",
            "AWS::EC2::VPC"
        ]
    );
    let secret = &summary.parameters()[1];
    assert_eq!(
        (
            secret.parameter_key(),
            secret.parameter_type(),
            secret.no_echo()
        ),
        (Some("Secret"), Some("String"), Some(true))
    );
    let missing = client.get_template_summary().stack_name("x").send().await;
    assert_eq!(refusal(missing).1, "Stack with id x does not exist");
}
