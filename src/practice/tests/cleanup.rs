//! Clearing away by hand what a stack made, in AWS's order and no other.

use super::*;
use ec2::error::{ProvideErrorMetadata, SdkError};

fn code<T: std::fmt::Debug, E: ProvideErrorMetadata, R>(
    result: Result<T, SdkError<E, R>>,
) -> String {
    let error = result.err().unwrap();
    error.as_service_error().unwrap().code().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_in_use_is_refused_until_what_uses_it_is_gone() {
    let bench = Bench::new().await;
    let stack = bench.create("lab", LAB, &lab_parameters(GOOD, GOOD)).await;
    assert_eq!(bench.settled(&stack).await, "CREATE_COMPLETE");
    let client = bench.cloudformation();
    let resources = client
        .describe_stack_resources()
        .stack_name("lab")
        .send()
        .await
        .unwrap();
    let id = |logical: &str| {
        let all = resources.stack_resources();
        let found = all
            .iter()
            .find(|one| one.logical_resource_id() == Some(logical));
        found.unwrap().physical_resource_id().unwrap().to_owned()
    };
    let (ec2, efs) = (bench.ec2(), bench.efs());
    let wait = || tokio::time::sleep(std::time::Duration::from_millis(2));

    let delete = efs.delete_file_system().file_system_id(id("FileSystem"));
    assert_eq!(code(delete.send().await), "FileSystemInUse");
    let delete = ec2.delete_security_group().group_id(id("ClientGroup"));
    assert_eq!(code(delete.send().await), "DependencyViolation");
    let delete = ec2.delete_subnet().subnet_id(id("SubnetA"));
    assert_eq!(code(delete.send().await), "DependencyViolation");
    let delete = ec2.delete_vpc().vpc_id(id("VPC"));
    assert_eq!(code(delete.send().await), "DependencyViolation");
    let delete = ec2
        .delete_internet_gateway()
        .internet_gateway_id(id("InternetGateway"));
    assert_eq!(code(delete.send().await), "DependencyViolation");
    let detach = || {
        ec2.detach_internet_gateway()
            .internet_gateway_id(id("InternetGateway"))
            .vpc_id(id("VPC"))
            .send()
    };
    assert_eq!(code(detach().await), "DependencyViolation");
    let delete = ec2.delete_route_table().route_table_id(id("RouteTable"));
    assert_eq!(code(delete.send().await), "DependencyViolation");
    let volumes = ec2.describe_volumes().send().await.unwrap();
    let volume = volumes.volumes()[0].volume_id().unwrap();
    let delete = ec2.delete_volume().volume_id(volume);
    assert_eq!(code(delete.send().await), "VolumeInUse");
    let targets = efs
        .describe_mount_targets()
        .file_system_id(id("FileSystem"))
        .send()
        .await;
    let interface = targets.unwrap().mount_targets()[0]
        .network_interface_id()
        .unwrap()
        .to_owned();
    let delete = ec2
        .delete_network_interface()
        .network_interface_id(&interface);
    assert_eq!(code(delete.send().await), "OperationNotPermitted");

    ec2.terminate_instances()
        .instance_ids(id("InstanceA"))
        .instance_ids(id("InstanceB"))
        .send()
        .await
        .unwrap();
    while !ec2
        .describe_volumes()
        .send()
        .await
        .unwrap()
        .volumes()
        .is_empty()
    {
        wait().await;
    }
    for target in ["MountTargetA", "MountTargetB"] {
        efs.delete_mount_target()
            .mount_target_id(id(target))
            .send()
            .await
            .unwrap();
    }
    while !ec2
        .describe_network_interfaces()
        .send()
        .await
        .unwrap()
        .network_interfaces()
        .is_empty()
    {
        wait().await;
    }
    efs.delete_file_system()
        .file_system_id(id("FileSystem"))
        .send()
        .await
        .unwrap();
    detach().await.unwrap();
    let gateway = id("InternetGateway");
    ec2.delete_internet_gateway()
        .internet_gateway_id(gateway)
        .send()
        .await
        .unwrap();
    // The group of the mount targets names that of the clients.
    let delete = ec2.delete_security_group().group_id(id("ClientGroup"));
    assert_eq!(code(delete.send().await), "DependencyViolation");
    for group in ["MountTargetGroup", "ClientGroup", "SshGroup"] {
        ec2.delete_security_group()
            .group_id(id(group))
            .send()
            .await
            .unwrap();
    }
    for subnet in ["SubnetA", "SubnetB"] {
        ec2.delete_subnet()
            .subnet_id(id(subnet))
            .send()
            .await
            .unwrap();
    }
    ec2.delete_route_table()
        .route_table_id(id("RouteTable"))
        .send()
        .await
        .unwrap();
    ec2.delete_vpc().vpc_id(id("VPC")).send().await.unwrap();

    // The stack finds everything gone, and says so.
    client
        .delete_stack()
        .stack_name("lab")
        .send()
        .await
        .unwrap();
    assert_eq!(bench.settled(&stack).await, "DELETE_COMPLETE");
}
