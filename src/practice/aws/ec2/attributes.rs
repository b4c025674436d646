//! EC2: looks at single attributes of instances and VPCs, at credit options and at the health of volumes.

use base64::prelude::{BASE64_STANDARD, Engine as _};

use super::instances::block_devices;
use super::listing::{Described, Field, Listing, one};
use crate::practice::aws::params::Params;
use crate::practice::aws::xml::Element;
use crate::practice::error::AwsError;
use crate::practice::world::Tags;
use crate::practice::world::World;
use crate::practice::world::instances::{Instance, ShutdownBehavior};
use crate::practice::world::volumes::Volume;

/// An attribute that has one value, or is there without one.
fn value(name: &str, value: Option<impl ToString>) -> Element {
    Element::new(name).maybe("value", value)
}

/// DescribeInstanceAttribute.
pub fn of_instance(
    world: &World,
    mut params: Params,
    response: Element,
) -> Result<Element, AwsError> {
    let (id, name) = (params.needed("InstanceId")?, params.needed("Attribute")?);
    params.finish()?;
    let instance = world.instance(&id)?;
    let shown = match name.as_str() {
        "instanceType" => value(&name, Some(&instance.kind)),
        "userData" => {
            let given = (!instance.user_data.is_empty()).then_some(&instance.user_data);
            value(&name, given.map(|data| BASE64_STANDARD.encode(data)))
        }
        "instanceInitiatedShutdownBehavior" => {
            let what = match instance.on_shutdown {
                ShutdownBehavior::Stop => "stop",
                ShutdownBehavior::Terminate => "terminate",
            };
            value(&name, Some(what))
        }
        "rootDeviceName" => value(&name, Some(&instance.root_device)),
        "blockDeviceMapping" => block_devices(world, instance),
        "groupSet" => {
            let interface = world.interface_of(&id);
            let groups = interface.iter().flat_map(|interface| &interface.groups);
            Element::new("groupSet")
                .children(groups.map(|group| Element::new("item").text("groupId", group)))
        }
        // Nobody can set these here: they are what a launch makes them.
        "disableApiTermination" | "disableApiStop" | "ebsOptimized" => value(&name, Some(false)),
        "sourceDestCheck" | "enaSupport" => value(&name, Some(true)),
        "kernel" | "ramdisk" | "sriovNetSupport" => value(&name, None::<&str>),
        _ => {
            return Err(AwsError::client(
                "InvalidParameterValue",
                format!("Value ({name}) for parameter attribute is invalid. Unknown attribute."),
            ));
        }
    };
    Ok(response.text("instanceId", id).child(shown))
}

/// DescribeVpcAttribute.
pub fn of_vpc(world: &World, mut params: Params, response: Element) -> Result<Element, AwsError> {
    let (id, name) = (params.needed("VpcId")?, params.needed("Attribute")?);
    params.finish()?;
    let vpc = world.vpc(&id)?;
    let set = match name.as_str() {
        "enableDnsSupport" => vpc.dns_support,
        "enableDnsHostnames" => vpc.dns_hostnames,
        "enableNetworkAddressUsageMetrics" => false,
        _ => {
            return Err(AwsError::client(
                "InvalidParameterValue",
                format!("Value ({name}) for parameter attribute is invalid. Unknown attribute."),
            ));
        }
    };
    Ok(response.text("vpcId", id).child(value(&name, Some(set))))
}

/// DescribeInstanceCreditSpecifications: of instances that have any.
pub fn credits(world: &World, mut params: Params, response: Element) -> Result<Element, AwsError> {
    let listing = Listing::take(&mut params, "InstanceId")?;
    params.finish()?;
    let (instances, next) = listing.choose::<Instance>(world)?;
    let with = instances
        .into_iter()
        .filter_map(|instance| Some((instance.id, instance.credits?)));
    Ok(response
        .list(
            "instanceCreditSpecificationSet",
            "item",
            with,
            |item, (id, credits)| item.text("instanceId", id).text("cpuCredits", credits),
        )
        .maybe("nextToken", next))
}

/// How a volume is, which is well: the account has no broken ones.
struct Health(Volume);

impl Described for Health {
    const FIELDS: &'static [Field<Self>] = &[
        ("availability-zone", |_, health| one(&health.0.zone)),
        ("volume-status.status", |_, _| one("ok")),
        ("volume-status.details-name", |_, _| {
            vec!["io-enabled".into(), "io-performance".into()]
        }),
    ];

    fn key(&self) -> &str {
        &self.0.id
    }

    fn tags(&self) -> Tags {
        self.0.tags.clone()
    }

    fn find(world: &World, id: &str) -> Result<Self, AwsError> {
        world.volume(id).cloned().map(Self)
    }

    fn all(world: &World) -> Vec<Self> {
        world.volumes.values().cloned().map(Self).collect()
    }

    fn element(&self, _: &World, item: Element) -> Element {
        let detail = |name: &str, status: &str| {
            Element::new("item")
                .text("name", name)
                .text("status", status)
        };
        // "io-performance" is watched for volumes whose operations are provisioned.
        let provisioned = self.0.kind.starts_with("io");
        let performance = if provisioned {
            "normal"
        } else {
            "not-applicable"
        };
        let details = Element::new("details")
            .child(detail("io-enabled", "passed"))
            .child(detail("io-performance", performance));
        item.text("volumeId", &self.0.id)
            .text("availabilityZone", &self.0.zone)
            .child(
                Element::new("volumeStatus")
                    .text("status", "ok")
                    .child(details),
            )
            .child(Element::new("actionsSet"))
            .child(Element::new("eventsSet"))
    }
}

/// DescribeVolumeStatus.
pub fn health(world: &World, params: Params, response: Element) -> Result<Element, AwsError> {
    super::listing::describe::<Health>(world, params, "VolumeId", response, "volumeStatusSet")
}
