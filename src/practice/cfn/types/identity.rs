//! `AWS::IAM::` role, policy, managed policy, instance profile.

use super::{
    Change, Progress, Request, ResourceType, at_once, gone_at_once, gone_is_deleted, id, own_id,
};
use crate::practice::cfn::schema::{Kind, Properties, TAGS, optional, required};
use crate::practice::error::AwsError;
use crate::practice::world::iam::NewRole;
use crate::practice::world::stacks::Resource;
use crate::practice::world::{Tags, World};

const TEXTS: Kind = Kind::List(&Kind::Text);

pub static ROLE: ResourceType = ResourceType {
    name: "AWS::IAM::Role",
    properties: &[
        required("AssumeRolePolicyDocument", Kind::Document).uninterrupted(),
        optional("Description", Kind::Text).uninterrupted(),
        optional("ManagedPolicyArns", TEXTS).uninterrupted(),
        optional("MaxSessionDuration", Kind::Integer).uninterrupted(),
        optional("Path", Kind::Text).replaces(),
        optional("PermissionsBoundary", Kind::Text).uninterrupted(),
        optional(
            "Policies",
            Kind::List(&Kind::Object(&[
                required("PolicyName", Kind::Text),
                required("PolicyDocument", Kind::Document),
            ])),
        )
        .uninterrupted(),
        optional("RoleName", Kind::Text).replaces().naming(),
        optional("Tags", TAGS).uninterrupted(),
    ],
    attributes: &["Arn", "RoleId"],
    create: |world, request| {
        let properties = request.properties;
        let name = name(world, request, "RoleName", 64);
        world.create_role(NewRole {
            name: name.clone(),
            path: properties.text("Path"),
            trust: document(properties, "AssumeRolePolicyDocument"),
            description: properties.text("Description").unwrap_or_default(),
            boundary: properties.text("PermissionsBoundary"),
            max_session: session(properties),
            tags: request.tags.clone(),
        })?;
        give_policies(world, &name, properties)?;
        Ok(name)
    },
    settled: at_once,
    attribute: |world, resource, name| {
        let role = world.roles.get(id(resource))?;
        Some(match name {
            "Arn" => role.arn(world).into(),
            "RoleId" => role.id.clone().into(),
            _ => return None,
        })
    },
    update: Some(update_role),
    tags: Some(|world, id| Some(&mut world.roles.get_mut(id)?.tags)),
    delete: |world, resource| {
        let name = id(resource);
        // What the template gave it goes with it; what others did stands in the way.
        take_policies(world, name, Properties::new(&resource.properties))?;
        gone_is_deleted(world.delete_role(name))
    },
    gone: gone_at_once,
};

pub static POLICY: ResourceType = ResourceType {
    name: "AWS::IAM::Policy",
    properties: &[
        optional("Groups", Kind::Unsupported).uninterrupted(),
        required("PolicyDocument", Kind::Document).uninterrupted(),
        required("PolicyName", Kind::Text).uninterrupted(),
        required("Roles", TEXTS).uninterrupted(),
        optional("Users", Kind::Unsupported).uninterrupted(),
    ],
    attributes: &["Id"],
    create: |world, request| {
        give(world, request.properties)?;
        // Its physical id is not its name, as several may have the same.
        Ok(generated(world, request, 128))
    },
    settled: at_once,
    attribute: own_id,
    update: Some(|world, change| {
        take_back(world, change.before)?;
        give(world, change.after)?;
        Ok(Progress::Done)
    }),
    tags: None,
    delete: |world, resource| take_back(world, Properties::new(&resource.properties)),
    gone: gone_at_once,
};

pub static MANAGED_POLICY: ResourceType = ResourceType {
    name: "AWS::IAM::ManagedPolicy",
    properties: &[
        optional("Description", Kind::Text).replaces(),
        optional("Groups", Kind::Unsupported).uninterrupted(),
        optional("ManagedPolicyName", Kind::Text)
            .replaces()
            .naming(),
        optional("Path", Kind::Text).replaces(),
        required("PolicyDocument", Kind::Document).uninterrupted(),
        optional("Roles", TEXTS).uninterrupted(),
        optional("Users", Kind::Unsupported).uninterrupted(),
    ],
    attributes: &["PolicyArn"],
    create: |world, request| {
        let properties = request.properties;
        let name = name(world, request, "ManagedPolicyName", 128);
        let arn = world.create_policy(
            &name,
            properties.text("Path"),
            properties.text("Description").unwrap_or_default(),
            document(properties, "PolicyDocument"),
            Tags::new(),
        )?;
        for role in properties.texts("Roles") {
            world.attach_role_policy(&role, &arn)?;
        }
        Ok(arn)
    },
    settled: at_once,
    attribute: own_id,
    update: Some(|world, change| {
        let arn = id(change.resource);
        world.change_policy(arn, document(change.after, "PolicyDocument"))?;
        for role in change.before.texts("Roles") {
            gone_is_deleted(world.detach_role_policy(&role, arn))?;
        }
        for role in change.after.texts("Roles") {
            world.attach_role_policy(&role, arn)?;
        }
        Ok(Progress::Done)
    }),
    tags: None,
    delete: |world, resource| {
        let arn = id(resource);
        for role in Properties::new(&resource.properties).texts("Roles") {
            gone_is_deleted(world.detach_role_policy(&role, arn))?;
        }
        gone_is_deleted(world.delete_policy(arn))
    },
    gone: gone_at_once,
};

pub static INSTANCE_PROFILE: ResourceType = ResourceType {
    name: "AWS::IAM::InstanceProfile",
    properties: &[
        optional("InstanceProfileName", Kind::Text)
            .replaces()
            .naming(),
        optional("Path", Kind::Text).replaces(),
        required("Roles", TEXTS).uninterrupted(),
    ],
    attributes: &["Arn"],
    create: |world, request| {
        let name = name(world, request, "InstanceProfileName", 128);
        // Its type has no tags.
        world.create_instance_profile(&name, request.properties.text("Path"), Tags::new())?;
        for role in request.properties.texts("Roles") {
            world.add_role_to_profile(&name, &role)?;
        }
        Ok(name)
    },
    settled: at_once,
    attribute: |world, resource, _| {
        let profile = world.instance_profiles.get(id(resource))?;
        Some(profile.arn(world).into())
    },
    update: Some(|world, change| {
        let name = id(change.resource);
        if let Some(role) = world.instance_profile(name)?.role.clone() {
            world.remove_role_from_profile(name, &role)?;
        }
        for role in change.after.texts("Roles") {
            world.add_role_to_profile(name, &role)?;
        }
        Ok(Progress::Done)
    }),
    tags: None,
    delete: |world, resource| gone_is_deleted(delete_profile(world, resource)),
    gone: gone_at_once,
};

/// Trust, policies and the rest of a role as they are to be. Policies that others gave it stay.
fn update_role(world: &mut World, change: &Change) -> Result<Progress, AwsError> {
    let name = id(change.resource);
    let after = change.after;
    world.change_role(
        name,
        document(after, "AssumeRolePolicyDocument"),
        after.text("Description").unwrap_or_default(),
        after.text("PermissionsBoundary"),
        session(after),
    )?;
    take_policies(world, name, change.before)?;
    give_policies(world, name, after)?;
    Ok(Progress::Done)
}

fn session(properties: Properties<'_>) -> Option<u32> {
    let seconds = properties.integer("MaxSessionDuration")?;
    u32::try_from(seconds).ok()
}

/// A role's policies as its properties say.
fn give_policies(
    world: &mut World,
    role: &str,
    properties: Properties<'_>,
) -> Result<(), AwsError> {
    for policy in properties.objects("Policies") {
        let document = document(policy, "PolicyDocument");
        world.put_role_policy(role, &policy.needed("PolicyName"), document)?;
    }
    for arn in properties.texts("ManagedPolicyArns") {
        world.attach_role_policy(role, &arn)?;
    }
    Ok(())
}

/// Takes a role what its properties gave it.
fn take_policies(
    world: &mut World,
    role: &str,
    properties: Properties<'_>,
) -> Result<(), AwsError> {
    for policy in properties.objects("Policies") {
        let policy = policy.needed("PolicyName");
        gone_is_deleted(world.delete_role_policy(role, &policy))?;
    }
    for arn in properties.texts("ManagedPolicyArns") {
        gone_is_deleted(world.detach_role_policy(role, &arn))?;
    }
    Ok(())
}

/// Gives the roles of an inline policy this policy.
fn give(world: &mut World, properties: Properties<'_>) -> Result<(), AwsError> {
    let policy = properties.needed("PolicyName");
    for role in properties.texts("Roles") {
        world.put_role_policy(&role, &policy, document(properties, "PolicyDocument"))?;
    }
    Ok(())
}

/// Takes it from them.
fn take_back(world: &mut World, properties: Properties<'_>) -> Result<(), AwsError> {
    let policy = properties.needed("PolicyName");
    for role in properties.texts("Roles") {
        gone_is_deleted(world.delete_role_policy(&role, &policy))?;
    }
    Ok(())
}

fn delete_profile(world: &mut World, resource: &Resource) -> Result<(), AwsError> {
    let name = id(resource);
    if let Some(role) = world.instance_profile(name)?.role.clone() {
        world.remove_role_from_profile(name, &role)?;
    }
    world.delete_instance_profile(name)
}

fn document(properties: Properties<'_>, name: &str) -> String {
    properties.document(name).unwrap_or_default()
}

/// The name that the template gives, or one made of the stack's and the resource's.
fn name(world: &mut World, request: &Request, property: &str, longest: usize) -> String {
    request
        .properties
        .text(property)
        .unwrap_or_else(|| generated(world, request, longest))
}

/// As CloudFormation names what the template does not: `stack-Logical-` and twelve random characters.
fn generated(world: &mut World, request: &Request, longest: usize) -> String {
    const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let tail: String = (0..12)
        .map(|_| char::from(LETTERS[world.below(LETTERS.len())]))
        .collect();
    let mut head = format!("{}-{}", request.stack_name, request.logical_id);
    head.truncate(longest - tail.len() - 1);
    format!("{head}-{tail}")
}
