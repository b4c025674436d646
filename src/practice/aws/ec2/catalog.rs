//! EC2: what the region offers: instance types, images, zones, regions.

use super::listing::{Described, Field, Listing, one};
use crate::practice::aws::params::Params;
use crate::practice::aws::xml::Element;
use crate::practice::error::AwsError;
use crate::practice::world::images::{
    self, INSTANCE_TYPES, Image, InstanceType, ROOT_SIZE, instance_type,
};
use crate::practice::world::place::Zone;
use crate::practice::world::{Tags, World};

impl Described for InstanceType {
    const FIELDS: &'static [Field<Self>] = &[
        ("instance-type", |_, kind| one(kind.name)),
        ("free-tier-eligible", |_, kind| one(kind.free_tier)),
        ("current-generation", |_, kind| one(kind.nitro)),
        ("burstable-performance-supported", |_, _| one(true)),
        ("bare-metal", |_, _| one(false)),
        ("hypervisor", |_, kind| one(hypervisor(kind))),
        ("memory-info.size-in-mib", |_, kind| one(kind.memory)),
        ("processor-info.supported-architecture", |_, kind| {
            one(kind.architecture)
        }),
        ("vcpu-info.default-vcpus", |_, kind| one(kind.vcpus)),
    ];

    fn key(&self) -> &str {
        self.name
    }

    fn tags(&self) -> Tags {
        Tags::new()
    }

    fn find(_: &World, id: &str) -> Result<Self, AwsError> {
        instance_type(id).ok_or_else(|| {
            AwsError::client(
                "InvalidInstanceType",
                format!("The following supplied instance types do not exist: [{id}]"),
            )
        })
    }

    fn all(_: &World) -> Vec<Self> {
        let mut all = INSTANCE_TYPES.to_vec();
        all.sort_by_key(|kind| kind.name);
        all
    }

    fn element(&self, _: &World, item: Element) -> Element {
        let cores = self.vcpus / self.threads_per_core;
        item.text("instanceType", self.name)
            .text("currentGeneration", self.nitro)
            .text("freeTierEligible", self.free_tier)
            .texts("supportedUsageClasses", "item", ["on-demand", "spot"])
            .texts("supportedRootDeviceTypes", "item", ["ebs"])
            .texts("supportedVirtualizationTypes", "item", ["hvm"])
            .text("bareMetal", false)
            .text("hypervisor", hypervisor(self))
            .child(Element::new("processorInfo").texts(
                "supportedArchitectures",
                "item",
                [self.architecture],
            ))
            .child(
                Element::new("vCpuInfo")
                    .text("defaultVCpus", self.vcpus)
                    .text("defaultCores", cores)
                    .text("defaultThreadsPerCore", self.threads_per_core),
            )
            .child(Element::new("memoryInfo").text("sizeInMiB", self.memory))
            .text("instanceStorageSupported", false)
            .child(
                Element::new("networkInfo")
                    .text("maximumNetworkInterfaces", self.interfaces.0)
                    .text("ipv4AddressesPerInterface", self.interfaces.1),
            )
            .text("burstablePerformanceSupported", true)
            .text("dedicatedHostsSupported", self.nitro)
    }
}

fn hypervisor(kind: &InstanceType) -> &'static str {
    if kind.nitro { "nitro" } else { "xen" }
}

/// DescribeInstanceTypes.
pub fn instance_types(
    world: &World,
    params: Params,
    response: Element,
) -> Result<Element, AwsError> {
    super::listing::describe::<InstanceType>(
        world,
        params,
        "InstanceType",
        response,
        "instanceTypeSet",
    )
}

/// That a type is offered somewhere.
struct Offering {
    key: String,
    kind: &'static str,
    location: String,
    location_type: String,
}

impl Described for Offering {
    const FIELDS: &'static [Field<Self>] = &[
        ("instance-type", |_, offering| one(offering.kind)),
        ("location", |_, offering| one(&offering.location)),
    ];

    fn key(&self) -> &str {
        &self.key
    }

    fn tags(&self) -> Tags {
        Tags::new()
    }

    fn find(_: &World, id: &str) -> Result<Self, AwsError> {
        Err(AwsError::client(
            "InvalidParameterValue",
            format!("{id} is no offering"),
        ))
    }

    fn all(world: &World) -> Vec<Self> {
        let mut all = Vec::new();
        for kind in InstanceType::all(world) {
            for zone in world.place.zones() {
                if !world.offered(kind, &zone.name) {
                    continue;
                }
                let region = world.place.region.clone();
                for (location_type, location) in [
                    ("availability-zone", zone.name.clone()),
                    ("availability-zone-id", zone.id.clone()),
                    ("region", region),
                ] {
                    let key = format!("{}/{location}", kind.name);
                    all.push(Self {
                        key,
                        kind: kind.name,
                        location,
                        location_type: location_type.into(),
                    });
                }
            }
        }
        all.sort_by(|left, right| left.key.cmp(&right.key));
        all.dedup_by(|left, right| left.key == right.key);
        all
    }

    fn element(&self, _: &World, item: Element) -> Element {
        item.text("instanceType", self.kind)
            .text("locationType", &self.location_type)
            .text("location", &self.location)
    }
}

/// DescribeInstanceTypeOfferings.
pub fn offerings(
    world: &World,
    mut params: Params,
    response: Element,
) -> Result<Element, AwsError> {
    let wanted = params.text("LocationType").unwrap_or("region".into());
    if !["region", "availability-zone", "availability-zone-id"].contains(&wanted.as_str()) {
        return Err(params.invalid("LocationType", &wanted));
    }
    let listing = Listing::take(&mut params, "OfferingId")?;
    params.finish()?;
    let (mut offerings, next) = listing.choose::<Offering>(world)?;
    offerings.retain(|offering| offering.location_type == wanted);
    Ok(response
        .list("instanceTypeOfferingSet", "item", offerings, |item, one| {
            one.element(world, item)
        })
        .maybe("nextToken", next))
}

impl Described for Image {
    const FIELDS: &'static [Field<Self>] = &[
        ("image-id", |_, image| one(&image.id)),
        ("name", |_, image| one(&image.name)),
        ("architecture", |_, image| one(image.architecture)),
        ("is-public", |_, _| one(true)),
        ("owner-alias", |_, _| one("amazon")),
        ("owner-id", |_, _| one(AMAZON)),
        ("root-device-type", |_, _| one("ebs")),
        ("state", |_, _| one("available")),
        ("virtualization-type", |_, _| one("hvm")),
    ];

    fn key(&self) -> &str {
        &self.id
    }

    fn tags(&self) -> Tags {
        Tags::new()
    }

    fn find(_: &World, id: &str) -> Result<Self, AwsError> {
        images::images()
            .into_iter()
            .find(|image| image.id == id)
            .ok_or_else(|| {
                AwsError::client(
                    "InvalidAMIID.NotFound",
                    format!("The image id '[{id}]' does not exist"),
                )
            })
    }

    fn all(_: &World) -> Vec<Self> {
        images::images().to_vec()
    }

    fn element(&self, _: &World, item: Element) -> Element {
        item.text("imageId", &self.id)
            .text("imageLocation", format!("amazon/{}", self.name))
            .text("imageState", "available")
            .text("imageOwnerId", AMAZON)
            .text("imageOwnerAlias", "amazon")
            .text("creationDate", "2025-11-17T22:05:31.000Z")
            .text("isPublic", true)
            .text("architecture", self.architecture)
            .text("imageType", "machine")
            .text("name", &self.name)
            .text(
                "description",
                "Amazon Linux 2023, as the practice account models it",
            )
            .text("rootDeviceType", "ebs")
            .text("rootDeviceName", self.root_device)
            .list("blockDeviceMapping", "item", [self], |item, image| {
                item.text("deviceName", image.root_device).child(
                    Element::new("ebs")
                        .text("snapshotId", &image.snapshot)
                        .text("volumeSize", ROOT_SIZE)
                        .text("deleteOnTermination", true)
                        .text("volumeType", "gp3")
                        .text("encrypted", false),
                )
            })
            .text("virtualizationType", "hvm")
            .text("hypervisor", "xen")
            .text("enaSupport", true)
            .text("imdsSupport", "v2.0")
            .text("bootMode", "uefi-preferred")
            .text("platformDetails", "Linux/UNIX")
            .text("usageOperation", "RunInstances")
    }
}

/// Amazon's own account, which publishes Amazon Linux.
const AMAZON: &str = "137112412989";

/// DescribeImages; `self` owns none.
pub fn describe_images(
    world: &World,
    mut params: Params,
    response: Element,
) -> Result<Element, AwsError> {
    let owners = params.texts("Owner")?;
    for name in ["IncludeDeprecated", "IncludeDisabled"] {
        params.boolean(name)?;
    }
    let amazons = owners.is_empty()
        || owners
            .iter()
            .any(|owner| owner == "amazon" || owner == AMAZON);
    let listing = Listing::take(&mut params, "ImageId")?;
    params.finish()?;
    let (mut images, next) = listing.choose::<Image>(world)?;
    images.retain(|_| amazons);
    Ok(response
        .list("imagesSet", "item", images, |item, image| {
            image.element(world, item)
        })
        .maybe("nextToken", next))
}

impl Described for Zone {
    const FIELDS: &'static [Field<Self>] = &[
        ("zone-name", |_, zone| one(&zone.name)),
        ("zone-id", |_, zone| one(&zone.id)),
        ("zone-type", |_, _| one("availability-zone")),
        ("opt-in-status", |_, _| one("opt-in-not-required")),
        ("region-name", |world, _| one(&world.place.region)),
        ("state", |_, _| one("available")),
        ("group-name", |world, _| one(zone_group(world))),
    ];

    fn key(&self) -> &str {
        &self.name
    }

    fn tags(&self) -> Tags {
        Tags::new()
    }

    fn find(world: &World, id: &str) -> Result<Self, AwsError> {
        world.place.zone(id).ok_or_else(|| {
            AwsError::client(
                "InvalidParameterValue",
                format!("Invalid availability zone: [{id}]"),
            )
        })
    }

    fn all(world: &World) -> Vec<Self> {
        world.place.zones()
    }

    fn element(&self, world: &World, item: Element) -> Element {
        item.text("zoneName", &self.name)
            .text("zoneState", "available")
            .text("regionName", &world.place.region)
            .child(Element::new("messageSet"))
            .text("zoneId", &self.id)
            .text("groupName", zone_group(world))
            .text("networkBorderGroup", &world.place.region)
            .text("zoneType", "availability-zone")
            .text("optInStatus", "opt-in-not-required")
    }
}

fn zone_group(world: &World) -> String {
    format!("{}-zg-1", world.place.region)
}

/// DescribeAvailabilityZones.
pub fn zones(world: &World, mut params: Params, response: Element) -> Result<Element, AwsError> {
    params.boolean("AllAvailabilityZones")?;
    super::listing::describe::<Zone>(world, params, "ZoneName", response, "availabilityZoneInfo")
}

/// A region: the account's own is the only one that is enabled.
struct Region(String);

impl Described for Region {
    const FIELDS: &'static [Field<Self>] = &[
        ("region-name", |_, region| one(&region.0)),
        ("opt-in-status", |_, _| one("opt-in-not-required")),
    ];

    fn key(&self) -> &str {
        &self.0
    }

    fn tags(&self) -> Tags {
        Tags::new()
    }

    fn find(world: &World, id: &str) -> Result<Self, AwsError> {
        Self::all(world)
            .into_iter()
            .find(|region| region.0 == id)
            .ok_or_else(|| {
                AwsError::client(
                    "InvalidParameterValue",
                    format!("Invalid region provided: [{id}]"),
                )
            })
    }

    fn all(world: &World) -> Vec<Self> {
        vec![Self(world.place.region.clone())]
    }

    fn element(&self, world: &World, item: Element) -> Element {
        let endpoint = format!("ec2.{}.{}", self.0, world.place.url_suffix());
        item.text("regionName", &self.0)
            .text("regionEndpoint", endpoint)
            .text("optInStatus", "opt-in-not-required")
    }
}

/// DescribeRegions.
pub fn regions(world: &World, mut params: Params, response: Element) -> Result<Element, AwsError> {
    params.boolean("AllRegions")?;
    super::listing::describe::<Region>(world, params, "RegionName", response, "regionInfo")
}
