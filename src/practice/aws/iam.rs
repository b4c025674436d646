//! AWS IAM: roles, their policies, instance profiles.

use super::access::{Ask, Caller, Refusal};
use super::paging;
use super::params::{Dialect, Params};
use super::protocol::Answer;
use super::sigv4::encode;
use super::xml::Element;
use crate::practice::account::Account;
use crate::practice::error::AwsError;
use crate::practice::world::iam::{InstanceProfile, ManagedPolicy, NewRole, Role, no_such};
use crate::practice::world::{Tags, World};

/// Of answers.
pub const NAMESPACE: &str = "https://iam.amazonaws.com/doc/2010-05-08/";
const VERSION: &str = "2010-05-08";

/// An operation: what it does with the world and its parameters, and the result.
type Operation = fn(&mut World, &mut Params, Element) -> Result<Element, AwsError>;

/// Name, the kind of what it is about, and what it does.
const OPERATIONS: &[(&str, About, Operation)] = &[
    ("AddRoleToInstanceProfile", About::Profile, add_role),
    ("AttachRolePolicy", About::Role, attach),
    ("CreateInstanceProfile", About::Profile, create_profile),
    ("CreatePolicy", About::Nothing, create_policy),
    ("CreateRole", About::Role, create_role),
    ("DeleteInstanceProfile", About::Profile, delete_profile),
    ("DeletePolicy", About::Policy, delete_policy),
    ("DeleteRole", About::Role, delete_role),
    ("DeleteRolePolicy", About::Role, delete_role_policy),
    ("DetachRolePolicy", About::Role, detach),
    ("GetInstanceProfile", About::Profile, get_profile),
    ("GetPolicy", About::Policy, get_policy),
    ("GetRole", About::Role, get_role),
    ("GetRolePolicy", About::Role, get_role_policy),
    ("ListAttachedRolePolicies", About::Role, list_attached),
    ("ListInstanceProfileTags", About::Profile, profile_tags),
    ("ListInstanceProfiles", About::Nothing, list_profiles),
    (
        "ListInstanceProfilesForRole",
        About::Role,
        profiles_for_role,
    ),
    ("ListPolicies", About::Nothing, list_policies),
    ("ListRolePolicies", About::Role, list_role_policies),
    ("ListRoleTags", About::Role, role_tags),
    ("ListRoles", About::Nothing, list_roles),
    ("PutRolePolicy", About::Role, put_role_policy),
    ("RemoveRoleFromInstanceProfile", About::Profile, remove_role),
    ("TagRole", About::Role, tag_role),
    ("UntagRole", About::Role, untag_role),
];

/// What an operation is about, as policies see it.
#[derive(Clone, Copy)]
enum About {
    Role,
    Profile,
    Policy,
    Nothing,
}

impl About {
    fn ask(self, world: &World, ask: Ask, form: &[u8]) -> Ask {
        let Ok(mut params) = Params::parse(form, Dialect::Query) else {
            return ask;
        };
        let mut text = |name: &str| params.text(name).unwrap_or_default();
        match self {
            Self::Nothing => ask,
            Self::Policy => ask.on(text("PolicyArn")),
            Self::Role => {
                let name = text("RoleName");
                match world.roles.get(&name) {
                    Some(role) => ask.on(role.arn(world)).tagged("iam", &role.tags),
                    None => ask.on(world.iam_arn("role", "/", &name)),
                }
            }
            Self::Profile => {
                let name = text("InstanceProfileName");
                match world.instance_profiles.get(&name) {
                    Some(profile) => ask.on(profile.arn(world)).tagged("iam", &profile.tags),
                    None => ask.on(world.iam_arn("instance-profile", "/", &name)),
                }
            }
        }
    }
}

/// Answers an IAM request.
pub fn answer(account: &Account, caller: &Caller, form: &[u8]) -> Result<Answer, AwsError> {
    let mut params = Params::parse(form, Dialect::Query)?;
    let (action, version) = params.operation()?;
    let (name, about, operation) = OPERATIONS
        .iter()
        .find(|(name, _, _)| *name == action && version == VERSION)
        .ok_or_else(|| {
            AwsError::client(
                "InvalidAction",
                format!("Could not find operation {action} for version {version}"),
            )
        })?;
    account.write(|world| {
        caller.may(world, Refusal::Query, |world| {
            vec![about.ask(world, Ask::new(format!("iam:{name}")), form)]
        })?;
        let result = Element::new(format!("{name}Result"));
        let result = operation(world, &mut params, result)?;
        params.finish()?;
        Ok(Answer::Query(name, result))
    })
}

/// Instants of IAM's are whole seconds.
fn time(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The tags that a request gives.
pub(super) fn tags(params: &mut Params) -> Result<Tags, AwsError> {
    let mut tags = Tags::new();
    for mut tag in params.list("Tags")? {
        tags.insert(tag.needed("Key")?, tag.needed("Value")?);
        tag.finish()?;
    }
    Ok(tags)
}

/// Tags as an answer shows them.
pub(super) fn show_tags(item: Element, tags: &Tags) -> Element {
    item.list("Tags", "member", tags, |item, (key, value)| {
        item.text("Key", key).text("Value", value)
    })
}

/// A page of a listing, with what says whether there is more.
fn page<T>(
    params: &mut Params,
    result: Element,
    name: &str,
    items: Vec<(String, T)>,
    fill: impl Fn(Element, T) -> Element,
) -> Result<Element, AwsError> {
    // IAM API reference: a hundred unless it is asked otherwise, and no more than a thousand.
    let limit = params.number("MaxItems")?.unwrap_or(100);
    if !(1..=1000).contains(&limit) {
        return Err(params.invalid("MaxItems", &limit.to_string()));
    }
    let marker = params.text("Marker");
    let (items, next) = paging::page(items, limit, marker.as_deref()).ok_or_else(|| {
        AwsError::validation("Invalid Marker: it is none that this operation gave")
    })?;
    Ok(result
        .list(name, "member", items, fill)
        .text("IsTruncated", next.is_some())
        .maybe("Marker", next))
}

fn under(prefix: Option<&String>) -> impl Fn(&str) -> bool {
    move |path| prefix.is_none_or(|prefix| path.starts_with(prefix))
}

/// A role as lists show it: without what only itself is asked for.
fn listed_role(world: &World, item: Element, role: &Role) -> Element {
    let item = item
        .text("Path", &role.path)
        .text("RoleName", &role.name)
        .text("RoleId", &role.id)
        .text("Arn", role.arn(world))
        .text("CreateDate", time(role.created))
        .text("AssumeRolePolicyDocument", encode(role.trust.as_bytes()));
    let item = if role.description.is_empty() {
        item
    } else {
        item.text("Description", &role.description)
    };
    item.text("MaxSessionDuration", role.max_session)
}

fn whole_role(world: &World, role: &Role) -> Element {
    let item = listed_role(world, Element::new("Role"), role);
    let item = match &role.boundary {
        Some(arn) => item.child(
            Element::new("PermissionsBoundary")
                .text("PermissionsBoundaryType", "Policy")
                .text("PermissionsBoundaryArn", arn),
        ),
        None => item,
    };
    let item = if role.tags.is_empty() {
        item
    } else {
        show_tags(item, &role.tags)
    };
    item.child(Element::new("RoleLastUsed"))
}

fn show_profile(world: &World, item: Element, profile: &InstanceProfile) -> Element {
    let role = profile.role.as_ref().and_then(|name| world.roles.get(name));
    let item = item
        .text("Path", &profile.path)
        .text("InstanceProfileName", &profile.name)
        .text("InstanceProfileId", &profile.id)
        .text("Arn", profile.arn(world))
        .text("CreateDate", time(profile.created))
        .list("Roles", "member", role, |item, role| {
            listed_role(world, item, role)
        });
    if profile.tags.is_empty() {
        item
    } else {
        show_tags(item, &profile.tags)
    }
}

fn show_policy(world: &World, item: Element, policy: &ManagedPolicy) -> Element {
    let (attached, bounded) = world.policy_uses(&policy.arn);
    item.text("PolicyName", &policy.name)
        .text("PolicyId", &policy.id)
        .text("Arn", &policy.arn)
        .text("Path", &policy.path)
        .text("DefaultVersionId", "v1")
        .text("AttachmentCount", attached)
        .text("PermissionsBoundaryUsageCount", bounded)
        .text("IsAttachable", true)
        .text("CreateDate", time(policy.created))
        .text("UpdateDate", time(policy.created))
}

fn create_role(
    world: &mut World,
    params: &mut Params,
    result: Element,
) -> Result<Element, AwsError> {
    let name = params.needed("RoleName")?;
    let new = NewRole {
        name: name.clone(),
        path: params.text("Path"),
        trust: params.needed("AssumeRolePolicyDocument")?,
        description: params.text("Description").unwrap_or_default(),
        boundary: params.text("PermissionsBoundary"),
        max_session: params.number("MaxSessionDuration")?,
        tags: tags(params)?,
    };
    world.create_role(new)?;
    Ok(result.child(whole_role(world, world.role(&name)?)))
}

fn get_role(world: &mut World, params: &mut Params, result: Element) -> Result<Element, AwsError> {
    let name = params.needed("RoleName")?;
    Ok(result.child(whole_role(world, world.role(&name)?)))
}

fn list_roles(
    world: &mut World,
    params: &mut Params,
    result: Element,
) -> Result<Element, AwsError> {
    let prefix = params.text("PathPrefix");
    let wanted = under(prefix.as_ref());
    let roles = world.roles.values().filter(|role| wanted(&role.path));
    let roles = roles.map(|role| (role.name.clone(), role)).collect();
    page(params, result, "Roles", roles, |item, role| {
        listed_role(world, item, role)
    })
}

fn delete_role(
    world: &mut World,
    params: &mut Params,
    result: Element,
) -> Result<Element, AwsError> {
    world.delete_role(&params.needed("RoleName")?)?;
    Ok(result)
}

fn put_role_policy(
    world: &mut World,
    params: &mut Params,
    result: Element,
) -> Result<Element, AwsError> {
    let role = params.needed("RoleName")?;
    let name = params.needed("PolicyName")?;
    world.put_role_policy(&role, &name, params.needed("PolicyDocument")?)?;
    Ok(result)
}

fn get_role_policy(
    world: &mut World,
    params: &mut Params,
    result: Element,
) -> Result<Element, AwsError> {
    let role = params.needed("RoleName")?;
    let name = params.needed("PolicyName")?;
    let document = world
        .role(&role)?
        .policies
        .get(&name)
        .ok_or_else(|| no_such(format!("The role policy with name {name} cannot be found.")))?;
    Ok(result
        .text("RoleName", &role)
        .text("PolicyName", &name)
        .text("PolicyDocument", encode(document.as_bytes())))
}

fn list_role_policies(
    world: &mut World,
    params: &mut Params,
    result: Element,
) -> Result<Element, AwsError> {
    let role = params.needed("RoleName")?;
    let names = world.role(&role)?.policies.keys();
    let names: Vec<_> = names.map(|name| (name.clone(), name.clone())).collect();
    page(params, result, "PolicyNames", names, |item, name| {
        item.own_text(name)
    })
}

fn delete_role_policy(
    world: &mut World,
    params: &mut Params,
    result: Element,
) -> Result<Element, AwsError> {
    let role = params.needed("RoleName")?;
    world.delete_role_policy(&role, &params.needed("PolicyName")?)?;
    Ok(result)
}

fn attach(world: &mut World, params: &mut Params, result: Element) -> Result<Element, AwsError> {
    let role = params.needed("RoleName")?;
    world.attach_role_policy(&role, &params.needed("PolicyArn")?)?;
    Ok(result)
}

fn detach(world: &mut World, params: &mut Params, result: Element) -> Result<Element, AwsError> {
    let role = params.needed("RoleName")?;
    world.detach_role_policy(&role, &params.needed("PolicyArn")?)?;
    Ok(result)
}

fn list_attached(
    world: &mut World,
    params: &mut Params,
    result: Element,
) -> Result<Element, AwsError> {
    let role = params.needed("RoleName")?;
    let prefix = params.text("PathPrefix");
    let wanted = under(prefix.as_ref());
    let attached = world.role(&role)?.attached.iter().filter_map(|arn| {
        // What follows `:policy` is path and name.
        let (_, tail) = arn.split_once(":policy")?;
        let (path, name) = tail.rsplit_once('/')?;
        wanted(&format!("{path}/")).then(|| (arn.clone(), (name.to_owned(), arn.clone())))
    });
    let attached: Vec<_> = attached.collect();
    page(
        params,
        result,
        "AttachedPolicies",
        attached,
        |item, (name, arn)| item.text("PolicyName", name).text("PolicyArn", arn),
    )
}

fn role_tags(world: &mut World, params: &mut Params, result: Element) -> Result<Element, AwsError> {
    let role = params.needed("RoleName")?;
    let tags = &world.role(&role)?.tags;
    let tags = tags.iter().map(|tag| (tag.0.clone(), tag)).collect();
    page(params, result, "Tags", tags, |item, (key, value)| {
        item.text("Key", key).text("Value", value)
    })
}

fn tag_role(world: &mut World, params: &mut Params, result: Element) -> Result<Element, AwsError> {
    let role = params.needed("RoleName")?;
    world.role(&role)?;
    let given = tags(params)?;
    if let Some(role) = world.roles.get_mut(&role) {
        role.tags.extend(given);
    }
    Ok(result)
}

fn untag_role(
    world: &mut World,
    params: &mut Params,
    result: Element,
) -> Result<Element, AwsError> {
    let role = params.needed("RoleName")?;
    world.role(&role)?;
    let keys = params.texts("TagKeys")?;
    if let Some(role) = world.roles.get_mut(&role) {
        role.tags.retain(|key, _| !keys.contains(key));
    }
    Ok(result)
}

fn create_profile(
    world: &mut World,
    params: &mut Params,
    result: Element,
) -> Result<Element, AwsError> {
    let name = params.needed("InstanceProfileName")?;
    let path = params.text("Path");
    let tags = tags(params)?;
    world.create_instance_profile(&name, path, tags)?;
    let made = world.instance_profile(&name)?;
    Ok(result.child(show_profile(world, Element::new("InstanceProfile"), made)))
}

fn get_profile(
    world: &mut World,
    params: &mut Params,
    result: Element,
) -> Result<Element, AwsError> {
    let name = params.needed("InstanceProfileName")?;
    let found = world.instance_profile(&name)?;
    Ok(result.child(show_profile(world, Element::new("InstanceProfile"), found)))
}

fn list_profiles(
    world: &mut World,
    params: &mut Params,
    result: Element,
) -> Result<Element, AwsError> {
    let prefix = params.text("PathPrefix");
    let wanted = under(prefix.as_ref());
    let found = world.instance_profiles.values();
    let found = found.filter(|one| wanted(&one.path));
    let found = found.map(|one| (one.name.clone(), one)).collect();
    page(params, result, "InstanceProfiles", found, |item, one| {
        show_profile(world, item, one)
    })
}

fn profiles_for_role(
    world: &mut World,
    params: &mut Params,
    result: Element,
) -> Result<Element, AwsError> {
    let role = params.needed("RoleName")?;
    world.role(&role)?;
    let found = world.profiles_of(&role);
    let found = found.map(|one| (one.name.clone(), one)).collect();
    page(params, result, "InstanceProfiles", found, |item, one| {
        show_profile(world, item, one)
    })
}

fn profile_tags(
    world: &mut World,
    params: &mut Params,
    result: Element,
) -> Result<Element, AwsError> {
    let name = params.needed("InstanceProfileName")?;
    let tags = &world.instance_profile(&name)?.tags;
    let tags = tags.iter().map(|tag| (tag.0.clone(), tag)).collect();
    page(params, result, "Tags", tags, |item, (key, value)| {
        item.text("Key", key).text("Value", value)
    })
}

fn add_role(world: &mut World, params: &mut Params, result: Element) -> Result<Element, AwsError> {
    let profile = params.needed("InstanceProfileName")?;
    world.add_role_to_profile(&profile, &params.needed("RoleName")?)?;
    Ok(result)
}

fn remove_role(
    world: &mut World,
    params: &mut Params,
    result: Element,
) -> Result<Element, AwsError> {
    let profile = params.needed("InstanceProfileName")?;
    world.remove_role_from_profile(&profile, &params.needed("RoleName")?)?;
    Ok(result)
}

fn delete_profile(
    world: &mut World,
    params: &mut Params,
    result: Element,
) -> Result<Element, AwsError> {
    world.delete_instance_profile(&params.needed("InstanceProfileName")?)?;
    Ok(result)
}

fn create_policy(
    world: &mut World,
    params: &mut Params,
    result: Element,
) -> Result<Element, AwsError> {
    let name = params.needed("PolicyName")?;
    let path = params.text("Path");
    let description = params.text("Description").unwrap_or_default();
    let document = params.needed("PolicyDocument")?;
    let tags = tags(params)?;
    let arn = world.create_policy(&name, path, description, document, tags)?;
    let made = world.managed_policies.get(&arn);
    Ok(result.children(made.map(|made| show_policy(world, Element::new("Policy"), made))))
}

fn get_policy(
    world: &mut World,
    params: &mut Params,
    result: Element,
) -> Result<Element, AwsError> {
    let arn = params.needed("PolicyArn")?;
    let found = world
        .managed_policies
        .get(&arn)
        .ok_or_else(|| no_such(format!("Policy {arn} was not found.")))?;
    Ok(result.child(show_policy(world, Element::new("Policy"), found)))
}

/// The account's own; AWS's many are not listed here.
fn list_policies(
    world: &mut World,
    params: &mut Params,
    result: Element,
) -> Result<Element, AwsError> {
    let scope = params.text("Scope");
    if scope.as_deref() != Some("Local") {
        return Err(AwsError::validation(
            "the practice account lists only its own policies: ask with Scope Local",
        ));
    }
    let found = world.managed_policies.values();
    let found = found.map(|one| (one.name.clone(), one)).collect();
    page(params, result, "Policies", found, |item, one| {
        show_policy(world, item, one)
    })
}

fn delete_policy(
    world: &mut World,
    params: &mut Params,
    result: Element,
) -> Result<Element, AwsError> {
    world.delete_policy(&params.needed("PolicyArn")?)?;
    Ok(result)
}
