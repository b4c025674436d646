//! Images and instance types that the account offers.

use super::World;
use crate::practice::error::AwsError;

/// An instance type, as the EC2 instance types guide describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InstanceType {
    /// `t3.micro`.
    pub name: &'static str,
    /// Virtual CPUs.
    pub vcpus: u32,
    /// Of them per core.
    pub threads_per_core: u32,
    /// MiB.
    pub memory: u32,
    /// `x86_64` or `arm64`.
    pub architecture: &'static str,
    /// Nitro, else Xen.
    pub nitro: bool,
    /// The free plan's types for accounts made since 15 July 2025 (Billing user guide, "AWS Free Tier").
    pub free_tier: bool,
    /// Interfaces, and addresses on each.
    pub interfaces: (u32, u32),
}

const fn burstable(
    name: &'static str,
    (vcpus, memory): (u32, u32),
    architecture: &'static str,
    free_tier: bool,
    interfaces: (u32, u32),
) -> InstanceType {
    let bytes = name.as_bytes();
    let x86 = bytes[2] == b'.';
    InstanceType {
        name,
        vcpus,
        threads_per_core: if x86 && bytes[1] == b'3' { 2 } else { 1 },
        memory,
        architecture,
        nitro: bytes[1] != b'2',
        free_tier,
        interfaces,
    }
}

/// The burstable types a learner may choose from.
pub const INSTANCE_TYPES: [InstanceType; 9] = [
    burstable("t2.micro", (1, 1024), "x86_64", false, (2, 2)),
    burstable("t2.small", (1, 2048), "x86_64", false, (3, 4)),
    burstable("t3.nano", (2, 512), "x86_64", false, (2, 2)),
    burstable("t3.micro", (2, 1024), "x86_64", true, (2, 2)),
    burstable("t3.small", (2, 2048), "x86_64", true, (3, 4)),
    burstable("t3.medium", (2, 4096), "x86_64", false, (3, 6)),
    burstable("t4g.nano", (2, 512), "arm64", false, (2, 2)),
    burstable("t4g.micro", (2, 1024), "arm64", true, (2, 2)),
    burstable("t4g.small", (2, 2048), "arm64", true, (3, 4)),
];

/// The type with this name.
pub fn instance_type(name: &str) -> Option<InstanceType> {
    INSTANCE_TYPES.into_iter().find(|kind| kind.name == name)
}

/// An image that the account knows by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// `ami-…`
    pub id: String,
    /// `al2023-ami-…`
    pub name: String,
    /// `x86_64` or `arm64`.
    pub architecture: &'static str,
    /// `/dev/xvda`.
    pub root_device: &'static str,
    /// Of the root volume.
    pub snapshot: String,
}

/// GiB of the root volume of Amazon Linux 2023.
pub const ROOT_SIZE: u32 = 8;

/// Amazon Linux 2023 for both architectures, the only images that are listed.
pub fn images() -> [Image; 2] {
    [("x86_64", 1), ("arm64", 2)].map(|(architecture, number)| Image {
        id: format!("ami-0ef51ab2023{number:06x}"),
        name: format!("al2023-ami-2023.9.20251117.1-kernel-6.1-{architecture}"),
        architecture,
        root_device: "/dev/xvda",
        snapshot: format!("snap-0ef51ab2023{number:06x}"),
    })
}

/// Whether it is one of these.
pub fn is_listed(id: &str) -> bool {
    images().iter().any(|image| image.id == id)
}

/// Path of the public parameters of Systems Manager that name these images, but for the architecture.
const AL2023: &str = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-";

/// Names of the public parameters of Systems Manager that are known here.
pub fn public_parameters() -> impl Iterator<Item = String> {
    let images = images().into_iter();
    images.map(|image| format!("{AL2023}{}", image.architecture))
}

/// The value of a public parameter of Systems Manager.
pub fn public_parameter(name: &str) -> Option<String> {
    let architecture = name.strip_prefix(AL2023)?;
    let image = images()
        .into_iter()
        .find(|image| image.architecture == architecture)?;
    Some(image.id)
}

impl World {
    /// Whether `kind` is offered in that zone: everything is, but for the oldest zone of us-east-1,
    /// whose hosts are too old for Nitro types (DescribeInstanceTypeOfferings answers so).
    pub fn offered(&self, kind: InstanceType, zone: &str) -> bool {
        self.place.zone(zone).is_some() && !(kind.nitro && zone == "us-east-1e")
    }
}

/// Checks that an instance of this type can be launched from this image.
pub fn launchable(image: &str, kind: &str) -> Result<InstanceType, AwsError> {
    let digits = image.strip_prefix("ami-").unwrap_or_default();
    if !matches!(digits.len(), 8 | 17) || !digits.chars().all(|c| c.is_ascii_hexdigit()) {
        return Err(AwsError::client(
            "InvalidAMIID.Malformed",
            format!("Invalid id: \"{image}\""),
        ));
    }
    let kind = instance_type(kind).ok_or_else(|| {
        AwsError::client(
            "InvalidParameterValue",
            format!("Invalid value '{kind}' for InstanceType."),
        )
    })?;
    let known = images().into_iter().find(|one| one.id == image);
    if let Some(image) = known.filter(|image| image.architecture != kind.architecture) {
        return Err(AwsError::client(
            "InvalidParameterValue",
            format!(
                "The architecture '{}' of the specified instance type does not match the architecture '{}' of the specified AMI. Specify an instance type and an AMI that have matching architectures, and try again. You can use 'describe-instance-types' or 'describe-images' to discover the architecture of the instance type or AMI.",
                kind.architecture, image.architecture
            ),
        ));
    }
    Ok(kind)
}
