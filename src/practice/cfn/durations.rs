//! How long the stack engine takes over each resource type, in account time.
//!
//! AWS documents none of these; they are estimates after the event times of small stacks. Instances, filesystems and
//! mount targets take as long as their services take; what stands here comes on top.

use jiff::SignedDuration;

/// Between two looks at a resource that AWS refuses to delete for now.
pub const RETRY: SignedDuration = SignedDuration::from_secs(10);
/// How long such a refusal is waited out before the deletion fails.
pub const PATIENCE: SignedDuration = SignedDuration::from_mins(5);
/// From the turn of a resource to the request to its service.
pub const TO_REQUEST: SignedDuration = SignedDuration::from_secs(1);

/// Until a change set is begun to be worked out.
pub const CHANGE_SET_PENDING: SignedDuration = SignedDuration::from_secs(1);
/// Until it is worked out.
pub const CHANGE_SET: SignedDuration = SignedDuration::from_secs(4);

/// Creation and deletion, in seconds.
fn seconds(kind: &str) -> (i64, i64) {
    match kind {
        "AWS::EC2::VPC" => (12, 1),
        "AWS::EC2::InternetGateway" => (15, 1),
        "AWS::EC2::VPCGatewayAttachment" => (10, 15),
        "AWS::EC2::Subnet" => (3, 1),
        "AWS::EC2::RouteTable" => (10, 1),
        "AWS::EC2::SecurityGroup" => (5, 1),
        "AWS::EC2::Volume" => (6, 6),
        "AWS::EC2::VolumeAttachment" => (5, 10),
        "AWS::EFS::MountTarget" | "AWS::EC2::Instance" => (2, 2),
        "AWS::IAM::Role" | "AWS::IAM::ManagedPolicy" => (17, 1),
        "AWS::IAM::InstanceProfile" => (120, 1),
        _ => (1, 1),
    }
}

/// From the request to the first look whether it is there.
pub fn creation(kind: &str) -> SignedDuration {
    SignedDuration::from_secs(seconds(kind).0)
}

/// From the request to the first look whether it is gone.
pub fn deletion(kind: &str) -> SignedDuration {
    SignedDuration::from_secs(seconds(kind).1)
}

/// From a change in place to its end.
pub fn change(kind: &str) -> SignedDuration {
    SignedDuration::from_secs(match kind {
        "AWS::EC2::Instance" => 15,
        "AWS::EC2::SecurityGroup" | "AWS::EFS::FileSystem" | "AWS::EFS::MountTarget" => 5,
        _ => 1,
    })
}
