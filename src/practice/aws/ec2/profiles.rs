//! EC2: instance profiles on instances.

use super::listing::{Described, Field, one, time};
use crate::practice::aws::params::Params;
use crate::practice::aws::xml::Element;
use crate::practice::error::AwsError;
use crate::practice::world::iam::Association;
use crate::practice::world::instances::State;
use crate::practice::world::{Tags, World};

/// An association as it is listed.
#[derive(Clone)]
struct Listed {
    instance: String,
    association: Association,
}

impl Described for Listed {
    const FIELDS: &'static [Field<Self>] = &[
        ("instance-id", |_, listed| one(&listed.instance)),
        ("state", |world, listed| {
            one(state(world, &listed.association))
        }),
    ];

    fn key(&self) -> &str {
        &self.association.id
    }

    fn tags(&self) -> Tags {
        Tags::new()
    }

    fn find(world: &World, id: &str) -> Result<Self, AwsError> {
        let found = Self::all(world).into_iter();
        let mut found = found.filter(|one| one.association.id == id);
        found.next().ok_or_else(|| {
            AwsError::client(
                "NoSuchAssociation",
                format!("An invalid association-id of '{id}' was given"),
            )
        })
    }

    fn all(world: &World) -> Vec<Self> {
        let listed = world.instances.values().filter_map(|instance| {
            let there = instance.state != State::Terminated;
            Some(Self {
                instance: instance.id.clone(),
                association: instance.profile.clone().filter(|_| there)?,
            })
        });
        listed.collect()
    }

    fn element(&self, world: &World, item: Element) -> Element {
        let state = state(world, &self.association);
        element(item, &self.instance, &self.association, state)
    }
}

fn state(world: &World, association: &Association) -> &'static str {
    if association.is_complete(world.now) {
        "associated"
    } else {
        "associating"
    }
}

fn element(item: Element, instance: &str, association: &Association, state: &str) -> Element {
    item.text("associationId", &association.id)
        .text("instanceId", instance)
        .child(profile(association))
        .text("state", state)
        .text("timestamp", time(association.since))
}

/// `iamInstanceProfile` of an instance.
pub fn profile(association: &Association) -> Element {
    Element::new("iamInstanceProfile")
        .text("arn", &association.arn)
        .text("id", &association.profile_id)
}

/// DescribeIamInstanceProfileAssociations.
pub fn describe(world: &World, params: Params, response: Element) -> Result<Element, AwsError> {
    let set = "iamInstanceProfileAssociationSet";
    super::listing::describe::<Listed>(world, params, "AssociationId", response, set)
}

/// AssociateIamInstanceProfile.
pub fn associate(
    world: &mut World,
    mut params: Params,
    response: Element,
) -> Result<Element, AwsError> {
    let instance = params.needed("InstanceId")?;
    let mut named = params
        .take("IamInstanceProfile")
        .ok_or_else(|| params.missing("IamInstanceProfile"))?;
    let name = named.text("Name");
    let arn = named.text("Arn");
    named.finish()?;
    params.finish()?;
    let ((Some(profile), None) | (None, Some(profile))) = (name, arn) else {
        return Err(AwsError::client(
            "InvalidParameterCombination",
            "The parameter 'iamInstanceProfile' needs either a name or an ARN",
        ));
    };
    let made = world.associate_profile(&instance, &profile)?;
    let association = Element::new("iamInstanceProfileAssociation");
    Ok(response.child(element(association, &instance, &made, "associating")))
}

/// DisassociateIamInstanceProfile.
pub fn disassociate(
    world: &mut World,
    mut params: Params,
    response: Element,
) -> Result<Element, AwsError> {
    let id = params.needed("AssociationId")?;
    params.finish()?;
    let (instance, ended) = world.disassociate_profile(&id)?;
    let association = Element::new("iamInstanceProfileAssociation");
    Ok(response.child(element(association, &instance, &ended, "disassociating")))
}
