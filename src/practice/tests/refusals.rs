//! Stacks that fail, and templates that are never begun.

use super::*;

/// What CloudFormation says of a template.
async fn refusal(bench: &Bench, template: &str, parameters: &[(&str, &str)]) -> String {
    let error = bench
        .cloudformation()
        .create_stack()
        .stack_name("refused")
        .template_body(template)
        .set_parameters(Some(parameters.iter().map(parameter).collect()))
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    assert_eq!(error.meta().code(), Some("ValidationError"), "{error:?}");
    error.meta().message().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_does_not_agree_with_itself_is_never_begun() {
    let bench = Bench::new().await;
    let cases = [
        (
            "Resources: {A: {Type: 'AWS::Nope::Thing'}}",
            "Template format error: Unrecognized resource types: [AWS::Nope::Thing]",
        ),
        (
            "Resources: {A: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: !Ref Nope}}}",
            "Template format error: Unresolved resource dependencies [Nope] in the Resources block of the template",
        ),
        (
            "Resources: {A: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: 10.0.0.0/16}}}\nOutputs: {O: {Value: !GetAtt A.Colour}}",
            "Template error: resource A does not support attribute type Colour in Fn::GetAtt",
        ),
        (
            "Resources: {A: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: 10.0.0.0/16, Colour: red}}}",
            "Properties validation failed for resource A with message:\n#: extraneous key [Colour] is not permitted",
        ),
        (
            "Resources: {A: {Type: 'AWS::EC2::VPC'}}",
            "Properties validation failed for resource A with message:\n#: required key [CidrBlock] not found",
        ),
        (
            "Resources: {A: {Type: 'AWS::EC2::InternetGateway', DependsOn: B}, B: {Type: 'AWS::EC2::InternetGateway', DependsOn: A}, C: {Type: 'AWS::EC2::InternetGateway', DependsOn: A}}",
            "Circular dependency between resources: [A, B]",
        ),
        (
            "Parameters: {P: {Type: String}}\nResources: {A: {Type: 'AWS::EC2::InternetGateway'}}",
            "Parameters: [P] must have values",
        ),
        (
            "Parameters: {Z: {Type: 'AWS::EC2::AvailabilityZone::Name', Default: mars-1a}}\nResources: {A: {Type: 'AWS::EC2::InternetGateway'}}",
            "Parameter validation failed: parameter value mars-1a for parameter name Z does not exist. Rollback requested by user.",
        ),
        (
            "Parameters: {P: {Type: String, Default: x, AllowedValues: [a, b]}}\nResources: {A: {Type: 'AWS::EC2::InternetGateway'}}",
            "Parameter 'P' must be one of AllowedValues [a, b]",
        ),
        (
            "Parameters: {P: {Type: String, Default: x, AllowedPattern: '[0-9]+', ConstraintDescription: digits only}}\nResources: {A: {Type: 'AWS::EC2::InternetGateway'}}",
            "Parameter P failed to satisfy constraint: digits only",
        ),
        (
            "Resources: {A: {Type: 'AWS::EC2::InternetGateway', Condition: No}}",
            "Template format error: Unresolved condition dependency No in the template",
        ),
        (
            "Resources: {A: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: !FindInMap [M, a, b]}}}",
            "Template error: Mapping named 'M' is not present in the 'Mappings' section of template.",
        ),
        (
            "Resources: {A: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: !Transform x}}}",
            "Template error: the practice account does not support the function Fn::Transform",
        ),
        (
            "Transform: AWS::Serverless-2016-10-31\nResources: {A: {Type: 'AWS::EC2::InternetGateway'}}",
            "The practice account does not support the template section Transform",
        ),
        (
            "Rules: {R: {}}\nResources: {A: {Type: 'AWS::EC2::InternetGateway'}}",
            "The practice account does not support the template section Rules",
        ),
        (
            "Nonsense: 1\nResources: {A: {Type: 'AWS::EC2::InternetGateway'}}",
            "Invalid template property or properties [Nonsense]",
        ),
        (
            "Resources: {A: {Type: 'AWS::EC2::InternetGateway', UpdatePolicy: {}}}",
            "UpdatePolicy of A: the practice account does not support it",
        ),
        (
            "Resources: {A: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: !ImportValue x}}}",
            "Template error: the practice account does not support the function Fn::ImportValue",
        ),
        (
            "Resources: {A: {Type: 'AWS::EC2::InternetGateway'}}\nOutputs: {O: {Value: x, Export: {Name: x}}}",
            "Output O: the practice account does not support Export",
        ),
        (
            "Parameters: {I: {Type: 'AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>', Default: /nope}}\nResources: {A: {Type: 'AWS::EC2::InternetGateway'}}",
            "Unable to fetch parameters [/nope] from parameter store for this account.",
        ),
        (
            "Conditions: {A: !Condition B, B: !Not [!Condition A]}\nResources: {A: {Type: 'AWS::EC2::InternetGateway'}}",
            "Template format error: Circular dependency between conditions: [A, B]",
        ),
        (
            "Resources: {}",
            "Template format error: At least one Resources member must be defined.",
        ),
    ];
    for (template, expected) in cases {
        assert_eq!(refusal(&bench, template, &[]).await, expected, "{template}");
    }
    let unknown = refusal(&bench, cases[5].0, &[("Q", "1")]).await;
    assert_eq!(unknown, "Parameters: [Q] do not exist in the template");
    let long = format!("Description: x\n{}", "#".repeat(51_200));
    assert!(
        refusal(&bench, &long, &[])
            .await
            .contains("less than or equal to 51200")
    );
    let stacks = bench.cloudformation().list_stacks().send().await.unwrap();
    assert!(stacks.stack_summaries().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_reports_failure_rolls_the_stack_back_and_names_the_cause() {
    let bench = Bench::new().await;
    let stack = bench
        .create("lab", LAB, &lab_parameters("sleep 5; fail", GOOD))
        .await;
    assert_eq!(bench.settled(&stack).await, "ROLLBACK_COMPLETE");
    let events = bench.events(&stack).await;
    let (cause, _, reason) = events
        .iter()
        .find(|(_, status, reason)| {
            status == "CREATE_FAILED" && reason != "Resource creation cancelled"
        })
        .unwrap();
    assert_eq!(cause, "InstanceA");
    assert!(
        reason.starts_with("Received 1 FAILURE signal(s) out of 1"),
        "{reason}"
    );
    let rollback = events
        .iter()
        .find(|(_, status, _)| status == "ROLLBACK_IN_PROGRESS");
    assert_eq!(
        rollback.unwrap().2,
        "The following resource(s) failed to create: [InstanceA, Keys]. Rollback requested by user."
    );
    assert!(
        bench
            .ec2()
            .describe_vpcs()
            .send()
            .await
            .unwrap()
            .vpcs()
            .is_empty()
    );
    // What is left of the stack can be described, and deleted.
    bench
        .cloudformation()
        .delete_stack()
        .stack_name("lab")
        .send()
        .await
        .unwrap();
    assert_eq!(bench.settled(&stack).await, "DELETE_COMPLETE");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_says_nothing_fails_after_its_timeout() {
    let bench = Bench::new().await;
    let stack = bench
        .create("lab", LAB, &lab_parameters("sleep 1", GOOD))
        .await;
    assert_eq!(bench.settled(&stack).await, "ROLLBACK_COMPLETE");
    let events = bench.events(&stack).await;
    let said = |(id, _, reason): &(String, String, String)| {
        id == "InstanceA"
            && reason == "Failed to receive 1 resource signal(s) within the specified duration"
    };
    assert!(events.iter().any(said), "{events:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_failure_decides_what_is_left() {
    let bench = Bench::new().await;
    // The gateway of another network: refused by EC2, and only when it is tried.
    let template = "
Resources:
  Vpc: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: 10.0.0.0/16}}
  Gateway: {Type: 'AWS::EC2::InternetGateway'}
  Table: {Type: 'AWS::EC2::RouteTable', Properties: {VpcId: !Ref Vpc}}
  Route:
    Type: AWS::EC2::Route
    Properties: {RouteTableId: !Ref Table, DestinationCidrBlock: 0.0.0.0/0, GatewayId: !Ref Gateway}
";
    for (on_failure, expected, vpcs) in [
        ("DO_NOTHING", "CREATE_FAILED", 1),
        ("DELETE", "DELETE_COMPLETE", 1),
        ("ROLLBACK", "ROLLBACK_COMPLETE", 1),
    ] {
        let stack = bench
            .cloudformation()
            .create_stack()
            .stack_name(format!("stack-{}", on_failure.replace('_', "-")))
            .template_body(template)
            .on_failure(on_failure.into())
            .send()
            .await
            .unwrap()
            .stack_id
            .unwrap();
        assert_eq!(bench.settled(&stack).await, expected);
        let left = bench.ec2().describe_vpcs().send().await.unwrap();
        assert_eq!(left.vpcs().len(), vpcs, "{on_failure}");
        let events = bench.events(&stack).await;
        let refused = events
            .iter()
            .find(|(id, status, _)| id == "Route" && status == "CREATE_FAILED");
        let reason = &refused.unwrap().2;
        assert!(
            reason.contains(
                "belong to different networks (Service: Ec2, Status Code: 400, Request ID: "
            ),
            "{reason}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_that_is_blocked_names_the_blocker_and_succeeds_once_it_is_gone() {
    let bench = Bench::new().await;
    let base = bench
        .create("base", "Resources: {Vpc: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: 10.0.0.0/16}}}\nOutputs: {Vpc: {Value: !Ref Vpc}}", &[])
        .await;
    assert_eq!(bench.settled(&base).await, "CREATE_COMPLETE");
    let vpcs = bench.ec2().describe_vpcs().send().await.unwrap();
    let vpc = vpcs.vpcs()[0].vpc_id().unwrap();
    let guest = bench
        .create(
            "guest",
            "Parameters: {Vpc: {Type: 'AWS::EC2::VPC::Id'}}\nResources: {Net: {Type: 'AWS::EC2::Subnet', Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.9.0/24}}}",
            &[("Vpc", vpc)],
        )
        .await;
    assert_eq!(bench.settled(&guest).await, "CREATE_COMPLETE");

    let client = bench.cloudformation();
    client
        .delete_stack()
        .stack_name("base")
        .send()
        .await
        .unwrap();
    assert_eq!(bench.settled(&base).await, "DELETE_FAILED");
    let events = bench.events(&base).await;
    let (_, _, reason) = events
        .iter()
        .find(|(id, status, _)| id == "Vpc" && status == "DELETE_FAILED")
        .unwrap();
    assert!(
        reason.contains("has dependencies and cannot be deleted"),
        "{reason}"
    );
    assert!(events.last().unwrap().2.contains("[Vpc]"));

    client
        .delete_stack()
        .stack_name("guest")
        .send()
        .await
        .unwrap();
    assert_eq!(bench.settled(&guest).await, "DELETE_COMPLETE");
    client
        .delete_stack()
        .stack_name("base")
        .send()
        .await
        .unwrap();
    assert_eq!(bench.settled(&base).await, "DELETE_COMPLETE");
}
