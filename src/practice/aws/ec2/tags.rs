//! EC2: tags, given and taken, and those of all resources in one list; addresses, of which there are none.

use super::listing::{Described, Field, one};
use crate::practice::aws::params::Params;
use crate::practice::aws::xml::Element;
use crate::practice::error::AwsError;
use crate::practice::world::{Tags, World, tags};

/// A tag on a resource.
struct Tag {
    sort: String,
    resource: String,
    kind: &'static str,
    name: String,
    value: String,
}

impl Described for Tag {
    const FIELDS: &'static [Field<Self>] = &[
        ("resource-id", |_, tag| one(&tag.resource)),
        ("resource-type", |_, tag| one(tag.kind)),
        ("key", |_, tag| one(&tag.name)),
        ("value", |_, tag| one(&tag.value)),
    ];

    fn key(&self) -> &str {
        &self.sort
    }

    fn tags(&self) -> Tags {
        Tags::from([(self.name.clone(), self.value.clone())])
    }

    fn find(_: &World, id: &str) -> Result<Self, AwsError> {
        Err(AwsError::client(
            "InvalidParameterValue",
            format!("{id} is no tag"),
        ))
    }

    fn all(world: &World) -> Vec<Self> {
        let mut all = Vec::new();
        let mut add = |kind: &'static str, resource: &str, tags: &Tags| {
            all.extend(tags.iter().map(|(key, value)| Self {
                sort: format!("{resource}/{key}"),
                resource: resource.to_owned(),
                kind,
                name: key.clone(),
                value: value.clone(),
            }));
        };
        world
            .vpcs
            .values()
            .for_each(|one| add("vpc", &one.id, &one.tags));
        world
            .subnets
            .values()
            .for_each(|one| add("subnet", &one.id, &one.tags));
        world
            .gateways
            .values()
            .for_each(|one| add("internet-gateway", &one.id, &one.tags));
        world
            .route_tables
            .values()
            .for_each(|one| add("route-table", &one.id, &one.tags));
        world
            .groups
            .values()
            .for_each(|one| add("security-group", &one.id, &one.tags));
        world
            .key_pairs
            .values()
            .for_each(|one| add("key-pair", &one.id, &one.tags));
        world
            .interfaces
            .values()
            .for_each(|one| add("network-interface", &one.id, &one.tags));
        world
            .instances
            .values()
            .for_each(|one| add("instance", &one.id, &one.tags));
        world
            .volumes
            .values()
            .for_each(|one| add("volume", &one.id, &one.tags));
        world
            .snapshots
            .values()
            .for_each(|one| add("snapshot", &one.id, &one.tags));
        all.sort_by(|left, right| left.sort.cmp(&right.sort));
        all
    }

    fn element(&self, _: &World, item: Element) -> Element {
        item.text("resourceId", &self.resource)
            .text("resourceType", self.kind)
            .text("key", &self.name)
            .text("value", &self.value)
    }
}

/// The tags that are to be on what is made, `TagSpecification.1.ResourceType=volume` and so on.
pub fn specified(params: &mut Params, kind: &str) -> Result<Tags, AwsError> {
    let mut all = Tags::new();
    for mut specification in params.list("TagSpecification")? {
        let wanted = specification.needed("ResourceType")?;
        if wanted != kind {
            return Err(AwsError::client(
                "InvalidParameterValue",
                format!("'{wanted}' is not a valid taggable resource type for this operation."),
            ));
        }
        all.extend(given(&mut specification)?);
        specification.finish()?;
    }
    tags::check(&all)?;
    Ok(all)
}

fn given(params: &mut Params) -> Result<Tags, AwsError> {
    let mut given = Tags::new();
    for mut tag in params.list("Tag")? {
        given.insert(tag.needed("Key")?, tag.text("Value").unwrap_or_default());
        tag.finish()?;
    }
    Ok(given)
}

/// CreateTags.
pub fn create(
    world: &mut World,
    mut params: Params,
    response: Element,
) -> Result<Element, AwsError> {
    let ids = resources(&mut params)?;
    let more = given(&mut params)?;
    if more.is_empty() {
        return Err(params.missing("tagSet"));
    }
    params.finish()?;
    for id in ids {
        world.add_tags(&id, &more)?;
    }
    Ok(response.text("return", true))
}

/// DeleteTags.
pub fn delete(
    world: &mut World,
    mut params: Params,
    response: Element,
) -> Result<Element, AwsError> {
    let ids = resources(&mut params)?;
    let mut which = Vec::new();
    for mut tag in params.list("Tag")? {
        which.push((tag.needed("Key")?, tag.text("Value")));
        tag.finish()?;
    }
    params.finish()?;
    for id in ids {
        world.remove_tags(&id, &which)?;
    }
    Ok(response.text("return", true))
}

fn resources(params: &mut Params) -> Result<Vec<String>, AwsError> {
    let ids = params.texts("ResourceId")?;
    if ids.is_empty() {
        return Err(params.missing("resourceIdSet"));
    }
    Ok(ids)
}

/// DescribeTags.
pub fn describe(world: &World, params: Params, response: Element) -> Result<Element, AwsError> {
    super::listing::describe::<Tag>(world, params, "TagId", response, "tagSet")
}

/// An Elastic IP address: the account has none, and nothing in scope makes one.
struct Address;

impl Described for Address {
    const FIELDS: &'static [Field<Self>] = &[
        ("allocation-id", |_, _| Vec::new()),
        ("association-id", |_, _| Vec::new()),
        ("domain", |_, _| Vec::new()),
        ("instance-id", |_, _| Vec::new()),
        ("network-interface-id", |_, _| Vec::new()),
        ("public-ip", |_, _| Vec::new()),
    ];

    fn key(&self) -> &'static str {
        ""
    }

    fn tags(&self) -> Tags {
        Tags::new()
    }

    fn find(_: &World, id: &str) -> Result<Self, AwsError> {
        Err(AwsError::client(
            "InvalidAllocationID.NotFound",
            format!("The allocation ID '{id}' does not exist"),
        ))
    }

    fn all(_: &World) -> Vec<Self> {
        Vec::new()
    }

    fn element(&self, _: &World, item: Element) -> Element {
        item
    }
}

/// DescribeAddresses.
pub fn addresses(world: &World, params: Params, response: Element) -> Result<Element, AwsError> {
    super::listing::describe::<Address>(world, params, "AllocationId", response, "addressesSet")
}
