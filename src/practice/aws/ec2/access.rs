//! EC2: which resources an operation is about, as policies see them ("Actions, resources, and condition keys for Amazon
//! EC2" of the service authorization reference).

use crate::practice::aws::access::Ask;
use crate::practice::aws::params::Params;
use crate::practice::error::AwsError;
use crate::practice::world::{Tags, World};

/// An operation whose rights can be limited to resources.
struct Rule {
    action: &'static str,
    /// Parameters that name what it is about.
    about: &'static [&'static str],
    /// What it makes, if policies see it.
    makes: Option<&'static str>,
}

const fn about(action: &'static str, about: &'static [&'static str]) -> Rule {
    Rule {
        action,
        about,
        makes: None,
    }
}

const fn makes(action: &'static str, kind: &'static str, from: &'static [&'static str]) -> Rule {
    Rule {
        action,
        about: from,
        makes: Some(kind),
    }
}

/// All that is not here, Describe calls above all, is about no single resource.
const RULES: &[Rule] = &[
    about("AssociateIamInstanceProfile", &["InstanceId"]),
    about("AttachVolume", &["InstanceId", "VolumeId"]),
    about("AuthorizeSecurityGroupIngress", &["GroupId"]),
    makes("CreateSnapshot", "snapshot", &["VolumeId"]),
    about("CreateTags", &["ResourceId"]),
    makes("CreateVolume", "volume", &["SnapshotId"]),
    about("DeleteInternetGateway", &["InternetGatewayId"]),
    about("DeleteKeyPair", &["KeyPairId"]),
    about("DeleteNetworkInterface", &["NetworkInterfaceId"]),
    about("DeleteRouteTable", &["RouteTableId"]),
    about("DeleteSecurityGroup", &["GroupId"]),
    about("DeleteSnapshot", &["SnapshotId"]),
    about("DeleteSubnet", &["SubnetId"]),
    about("DeleteTags", &["ResourceId"]),
    about("DeleteVolume", &["VolumeId"]),
    about("DeleteVpc", &["VpcId"]),
    about("DescribeInstanceAttribute", &["InstanceId"]),
    about("DescribeVpcAttribute", &["VpcId"]),
    about("DetachInternetGateway", &["InternetGatewayId", "VpcId"]),
    about("DetachVolume", &["InstanceId", "VolumeId"]),
    about("DisassociateIamInstanceProfile", &["AssociationId"]),
    about("GetConsoleOutput", &["InstanceId"]),
    makes("ImportKeyPair", "key-pair", &[]),
    about("ModifyInstanceAttribute", &["InstanceId"]),
    about("ModifyVolume", &["VolumeId"]),
    about("RebootInstances", &["InstanceId"]),
    about("RevokeSecurityGroupIngress", &["GroupId"]),
    about("StartInstances", &["InstanceId"]),
    about("StopInstances", &["InstanceId"]),
    about("TerminateInstances", &["InstanceId"]),
];

/// What must be allowed for an operation with these parameters.
pub fn asks(world: &World, action: &str, mut params: Params) -> Result<Vec<Ask>, AwsError> {
    let name = format!("ec2:{action}");
    let Some(rule) = RULES.iter().find(|rule| rule.action == action) else {
        return Ok(vec![Ask::new(name)]);
    };
    let given = given_tags(&mut params, rule.makes)?;
    let mut asks = Vec::new();
    for parameter in rule.about {
        let ids = match params.text(parameter) {
            Some(id) => vec![id],
            None => params.texts(parameter)?,
        };
        for id in ids {
            let ask = on(world, Ask::new(&name), &id);
            // Tags that are given to a resource are the request's; those of something new are not its parents'.
            asks.push(if rule.makes.is_none() {
                ask.giving(&given)
            } else {
                ask
            });
        }
    }
    if action == "AssociateIamInstanceProfile" {
        asks.extend(pass_role(world, &mut params));
    }
    if let Some(kind) = rule.makes {
        let arn = arn(world, kind, "*");
        let mut new = Ask::new(&name).on(&arn).giving(&given);
        for parent in asks.iter().filter_map(|ask| ask.resource.as_ref()) {
            let key = if parent.contains(":volume/") {
                "ec2:ParentVolume"
            } else {
                "ec2:ParentSnapshot"
            };
            new = new.with(key, parent);
        }
        asks.push(new);
        if !given.is_empty() {
            let tags = Ask::new("ec2:CreateTags").on(arn).giving(&given);
            asks.push(tags.with("ec2:CreateAction", action));
        }
    }
    if asks.is_empty() {
        asks.push(Ask::new(name));
    }
    Ok(asks)
}

/// Tags in a request: for what it makes, or `Tag.N`.
fn given_tags(params: &mut Params, makes: Option<&str>) -> Result<Tags, AwsError> {
    let mut lists = vec![params.list("Tag")?];
    for mut specification in params.list("TagSpecification")? {
        if specification.text("ResourceType").as_deref() == makes {
            lists.push(specification.list("Tag")?);
        }
    }
    let tags = lists.into_iter().flatten().filter_map(|mut tag| {
        let key = tag.text("Key")?;
        Some((key, tag.text("Value").unwrap_or_default()))
    });
    Ok(tags.collect())
}

/// Who gives an instance a profile gives it the profile's role.
fn pass_role(world: &World, params: &mut Params) -> Option<Ask> {
    let mut profile = params.take("IamInstanceProfile")?;
    let name = profile.text("Name").or_else(|| profile.text("Arn"))?;
    let name = name.rsplit('/').next().unwrap_or(&name);
    let role = world.instance_profiles.get(name)?.role.as_ref()?;
    let role = world.roles.get(role)?;
    let service = format!("ec2.{}", world.place.url_suffix());
    Some(
        Ask::new("iam:PassRole")
            .on(role.arn(world))
            .with("iam:PassedToService", service),
    )
}

fn arn(world: &World, kind: &str, id: &str) -> String {
    match kind {
        // Snapshots and images are in no account's ARN.
        "snapshot" | "image" => format!(
            "arn:{}:ec2:{}::{kind}/{id}",
            world.place.partition(),
            world.place.region
        ),
        _ => world.place.arn("ec2", &format!("{kind}/{id}")),
    }
}

/// On the resource with this id, with what policies may ask of it; one that does not exist has only its ARN.
fn on(world: &World, ask: Ask, id: &str) -> Ask {
    let prefix = id.rsplit_once('-').map_or(id, |(prefix, _)| prefix);
    let here = |kind: &str, tags: Option<&Tags>| {
        let ask = ask.clone().on(arn(world, kind, id));
        tags.map_or_else(|| ask.clone(), |tags| ask.clone().tagged("ec2", tags))
    };
    match prefix {
        "i" => match world.instances.get(id) {
            None => here("instance", None),
            Some(one) => here("instance", Some(&one.tags))
                .with("ec2:InstanceID", id)
                .with("ec2:InstanceType", &one.kind)
                .with("ec2:AvailabilityZone", &one.zone),
        },
        "iip-assoc" => {
            let has = |one: &&crate::practice::world::instances::Instance| {
                one.profile.as_ref().is_some_and(|one| one.id == id)
            };
            match world.instances.values().find(has) {
                Some(one) => on(world, ask, &one.id),
                None => ask.on(arn(world, "instance", "*")),
            }
        }
        "vol" => match world.volumes.get(id) {
            None => here("volume", None),
            Some(one) => here("volume", Some(&one.tags))
                .with("ec2:VolumeID", id)
                .with("ec2:VolumeSize", one.size)
                .with("ec2:VolumeType", &one.kind)
                .with("ec2:Encrypted", one.encrypted)
                .with("ec2:AvailabilityZone", &one.zone),
        },
        "snap" => match world.snapshots.get(id) {
            None => here("snapshot", None),
            Some(one) => here("snapshot", Some(&one.tags))
                .with("ec2:SnapshotID", id)
                .with("ec2:VolumeSize", one.size)
                .with("ec2:Encrypted", one.encrypted)
                .with("ec2:Owner", &world.place.account_id)
                .with("ec2:ParentVolume", arn(world, "volume", &one.volume)),
        },
        "vpc" => here("vpc", world.vpcs.get(id).map(|one| &one.tags)),
        "subnet" => here("subnet", world.subnets.get(id).map(|one| &one.tags)),
        "igw" => here(
            "internet-gateway",
            world.gateways.get(id).map(|one| &one.tags),
        ),
        "rtb" => here(
            "route-table",
            world.route_tables.get(id).map(|one| &one.tags),
        ),
        "sg" => here("security-group", world.groups.get(id).map(|one| &one.tags)),
        "eni" => here(
            "network-interface",
            world.interfaces.get(id).map(|one| &one.tags),
        ),
        _ => here(prefix, None),
    }
}

#[cfg(test)]
mod tests {
    use super::asks;
    use crate::practice::aws::access::Ask;
    use crate::practice::aws::params::{Dialect, Params};
    use crate::practice::world::place::Place;
    use crate::practice::world::{Tags, World};

    fn of(action: &str, form: &str) -> Vec<Ask> {
        let place = Place {
            account_id: "123456789012".into(),
            region: "us-east-1".into(),
        };
        let world = World::new(place, jiff::Timestamp::UNIX_EPOCH, Some(1));
        let params = Params::parse(form.as_bytes(), Dialect::Ec2).unwrap();
        asks(&world, action, params).unwrap()
    }

    #[test]
    fn a_snapshot_is_asked_for_of_its_volume_of_itself_and_of_its_tags() {
        let volume = "arn:aws:ec2:us-east-1:123456789012:volume/vol-1";
        let snapshot = "arn:aws:ec2:us-east-1::snapshot/*";
        let tags = Tags::from([("lab".to_owned(), "l".to_owned())]);
        let form = "VolumeId=vol-1&TagSpecification.1.ResourceType=snapshot&TagSpecification.1.Tag.1.Key=lab&TagSpecification.1.Tag.1.Value=l";
        assert_eq!(
            of("CreateSnapshot", form),
            [
                Ask::new("ec2:CreateSnapshot").on(volume),
                Ask::new("ec2:CreateSnapshot")
                    .on(snapshot)
                    .giving(&tags)
                    .with("ec2:ParentVolume", volume),
                Ask::new("ec2:CreateTags")
                    .on(snapshot)
                    .giving(&tags)
                    .with("ec2:CreateAction", "CreateSnapshot"),
            ]
        );
        assert_eq!(of("CreateSnapshot", "VolumeId=vol-1").len(), 2);
    }

    #[test]
    fn tags_are_the_requests_where_they_are_given_to_what_is_there() {
        let tags = Tags::from([("a".to_owned(), "1".to_owned())]);
        let form = "ResourceId.1=i-1&ResourceId.2=snap-1&Tag.1.Key=a&Tag.1.Value=1";
        assert_eq!(
            of("CreateTags", form),
            [
                Ask::new("ec2:CreateTags")
                    .on("arn:aws:ec2:us-east-1:123456789012:instance/i-1")
                    .giving(&tags),
                Ask::new("ec2:CreateTags")
                    .on("arn:aws:ec2:us-east-1::snapshot/snap-1")
                    .giving(&tags),
            ]
        );
        assert_eq!(
            of("DescribeVolumes", "VolumeId.1=vol-1"),
            [Ask::new("ec2:DescribeVolumes")]
        );
    }
}
