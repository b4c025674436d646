//! What whoever creates, updates or deletes a stack must be allowed: CloudFormation calls the services as the stack's
//! service role, or without one as the caller. Which calls those are is data, in `calls`.

mod calls;

use serde_json::Value;

use self::calls::{On, TAGS};
use crate::practice::error::AwsError;
use crate::practice::policy::{self, Context, Decision, Request};
use crate::practice::world::iam::{Role, policy_document};
use crate::practice::world::stacks::{Resource, Stack};
use crate::practice::world::{Tags, World};

/// The service as which CloudFormation assumes roles.
pub const SERVICE: &str = "cloudformation";

/// A resource that something is done to.
struct Subject<'a> {
    kind: &'a str,
    /// Physical id, once there is one.
    id: Option<&'a str>,
    properties: &'a Value,
    stack: &'a Stack,
    logical_id: &'a str,
}

/// Refuses a service role that CloudFormation cannot assume.
pub fn check_role(world: &World, arn: &str) -> Result<(), AwsError> {
    if world.lets_assume(arn, SERVICE) {
        return Ok(());
    }
    Err(AwsError::validation(format!(
        "Role {arn} is invalid or cannot be assumed"
    )))
}

/// Refuses to make a resource for which the stack's role has no right. `tags`: those that it is to have.
pub fn may_create(
    world: &World,
    (stack, logical_id, kind): (&str, &str, &str),
    properties: &Value,
    tags: &Tags,
) -> Result<(), AwsError> {
    let Some(stack) = world.stacks.get(stack) else {
        return Ok(());
    };
    let subject = Subject {
        kind,
        id: None,
        properties,
        stack,
        logical_id,
    };
    // CloudFormation's own tags need no right.
    let own = tags.iter().filter(|(key, _)| !key.starts_with("aws:"));
    let own: Tags = own
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let wanted = calls::of(kind).create.iter().filter(|(property, _)| {
        property.is_empty()
            || properties.get(*property).is_some()
            || *property == TAGS && !own.is_empty()
    });
    let mut context = Context::default();
    for (key, value) in &own {
        context.set(&format!("aws:RequestTag/{key}"), value);
    }
    if !own.is_empty() {
        context.set_all("aws:TagKeys", own.keys().cloned().collect());
    }
    subject.may(world, wanted.map(|(_, call)| *call), &context)?;
    subject.may_pass(world)
}

/// Refuses to change a resource in place for which the stack's role has no right. `changed`: properties that differ;
/// `tagged`: whether its tags do.
pub fn may_update(
    world: &World,
    resource: &Resource,
    properties: &Value,
    changed: &[&str],
    tagged: bool,
) -> Result<(), AwsError> {
    let Some(stack) = world.stacks.get(&resource.stack) else {
        return Ok(());
    };
    let subject = Subject {
        properties,
        ..Subject::of(resource, stack)
    };
    let wanted = calls::of(&resource.kind).update.iter();
    let wanted = wanted.filter(|(property, _)| match *property {
        "" => !changed.is_empty(),
        TAGS => tagged,
        name => changed.contains(&name),
    });
    subject.may(world, wanted.map(|(_, call)| *call), &of_stack(stack))?;
    if changed.is_empty() {
        return Ok(());
    }
    subject.may_pass(world)
}

/// Refuses the deletion of a resource for which the stack's role has no right.
pub fn may_delete(world: &World, resource: &Resource) -> Result<(), AwsError> {
    let Some(stack) = world.stacks.get(&resource.stack) else {
        return Ok(());
    };
    let subject = Subject::of(resource, stack);
    let wanted = calls::of(&resource.kind).delete;
    subject.may(world, wanted.iter().copied(), &of_stack(stack))
}

/// By the tags that the stack has given its resources.
fn of_stack(stack: &Stack) -> Context {
    let mut context = Context::default();
    for (key, value) in &stack.tags {
        context.set(&format!("aws:ResourceTag/{key}"), value);
    }
    context
}

/// As whom CloudFormation calls.
enum Actor<'a> {
    /// The account's owner, who may do everything.
    Owner,
    /// A role.
    Role(&'a Role),
    /// A role that is no more, or does not let itself be assumed any more.
    Nobody,
}

fn actor<'a>(world: &'a World, stack: &Stack) -> Actor<'a> {
    let role = match (&stack.role, &stack.asked_by) {
        (Some(arn), _) => world.role_by_arn(arn).filter(|role| role.trusts(SERVICE)),
        (None, Some(id)) => world.role_by_id(id),
        (None, None) => return Actor::Owner,
    };
    role.map_or(Actor::Nobody, Actor::Role)
}

impl<'a> Subject<'a> {
    fn of(resource: &'a Resource, stack: &'a Stack) -> Self {
        Self {
            kind: &resource.kind,
            id: resource.physical_id.as_deref(),
            properties: &resource.properties,
            stack,
            logical_id: &resource.logical_id,
        }
    }

    fn may(
        &self,
        world: &World,
        wanted: impl Iterator<Item = &'static str>,
        context: &Context,
    ) -> Result<(), AwsError> {
        let role = match actor(world, self.stack) {
            Actor::Owner => return Ok(()),
            Actor::Role(role) => role,
            Actor::Nobody => {
                let mut wanted = wanted;
                return wanted.next().map_or(Ok(()), |_| {
                    let arn = self.stack.role.as_deref().unwrap_or("of the caller");
                    Err(AwsError::with_status(
                        403,
                        "AccessDenied",
                        format!("Role {arn} is invalid or cannot be assumed"),
                    ))
                });
            }
        };
        // CloudFormation takes a role its policies first: then it has no right to delete itself any more.
        let own = self.kind == "AWS::IAM::Role" && self.id == Some(&role.name);
        for action in wanted {
            for resource in self.resources(world, action) {
                let mut context = context.clone();
                if action == "ec2:CreateTags" && self.id.is_none() {
                    let creation = calls::of(self.kind).create.first();
                    let creation = creation.map_or("", |(_, call)| call.trim_start_matches("ec2:"));
                    context.set("ec2:CreateAction", creation);
                }
                if let Some(boundary) = self.boundary(world, action, resource.as_deref()) {
                    context.set("iam:PermissionsBoundary", boundary);
                }
                let allowed = allows(world, role, action, resource.as_deref(), context);
                if !allowed || own && action == "iam:DeleteRole" {
                    return Err(self.refusal(world, role, action, resource.as_deref()));
                }
            }
        }
        Ok(())
    }

    /// The boundary that a call about a role is held against: that which the role has, or else is given.
    fn boundary(&self, world: &World, action: &str, resource: Option<&str>) -> Option<String> {
        let role = resource.filter(|_| action.starts_with("iam:"));
        let role = role.and_then(|arn| world.role_by_arn(arn));
        match role {
            Some(role) if action != "iam:PutRolePermissionsBoundary" => role.boundary.clone(),
            _ => {
                let given = self.properties.get("PermissionsBoundary")?;
                given.as_str().map(str::to_owned)
            }
        }
    }

    /// Whoever gives something a role must be allowed to pass it.
    fn may_pass(&self, world: &World) -> Result<(), AwsError> {
        const PASS: &str = "iam:PassRole";
        let Actor::Role(role) = actor(world, self.stack) else {
            return Ok(());
        };
        let text = |pointer: &str| self.properties.pointer(pointer).and_then(Value::as_str);
        let (arn, service) = match self.kind {
            "AWS::EC2::Instance" => {
                let profile = text("/IamInstanceProfile");
                let profile = profile.and_then(|name| world.instance_profiles.get(name));
                let passed = profile.and_then(|profile| profile.role.as_ref());
                let passed = passed.and_then(|name| world.roles.get(name));
                (passed.map(|role| role.arn(world)), "ec2")
            }
            "AWS::IAM::InstanceProfile" => {
                let passed = text("/Roles/0").and_then(|name| world.roles.get(name));
                (passed.map(|role| role.arn(world)), "ec2")
            }
            "AWS::Scheduler::Schedule" => (text("/Target/RoleArn").map(str::to_owned), "scheduler"),
            "AWS::StepFunctions::StateMachine" => (text("/RoleArn").map(str::to_owned), "states"),
            _ => return Ok(()),
        };
        let Some(arn) = arn else {
            return Ok(());
        };
        let mut context = Context::default();
        context.set("iam:PassedToService", format!("{service}.amazonaws.com"));
        if allows(world, role, PASS, Some(&arn), context) {
            return Ok(());
        }
        Err(self.refusal(world, role, PASS, Some(&arn)))
    }

    /// ARNs of what an action is about; none where policies can only speak of everything.
    fn resources(&self, world: &World, action: &str) -> Vec<Option<String>> {
        let place = &world.place;
        if action.ends_with("NetworkInterface") {
            return vec![Some(place.arn("ec2", "network-interface/*"))];
        }
        let given = |property: &str| match self.properties.get(property) {
            Some(Value::String(name)) => vec![name.clone()],
            Some(Value::Array(names)) => {
                let names = names.iter().filter_map(Value::as_str);
                names.map(str::to_owned).collect()
            }
            _ => Vec::new(),
        };
        let name = |property: &str| match self.id {
            Some(id) => id.to_owned(),
            None => given(property)
                .pop()
                .unwrap_or_else(|| format!("{}-{}-*", self.stack.name, self.logical_id)),
        };
        match calls::of(self.kind).on {
            On::Own(service, before) => {
                let arn = place.arn(service, &format!("{before}{}", self.id.unwrap_or("*")));
                vec![Some(arn)]
            }
            On::Named(service, before, property) => {
                let name = name(property);
                // Some have their ARN for a physical id.
                let arn = if name.starts_with("arn:") {
                    name
                } else {
                    place.arn(service, &format!("{before}{name}"))
                };
                vec![Some(arn)]
            }
            On::Iam(kind, property) => {
                let name = name(property);
                let role = world.roles.get(&name).filter(|_| kind == "role");
                let path = self.properties.get("Path").and_then(Value::as_str);
                let arn = match role {
                    Some(role) => role.arn(world),
                    None if name.starts_with("arn:") => name,
                    None => world.iam_arn(kind, path.unwrap_or("/"), &name),
                };
                vec![Some(arn)]
            }
            On::Of(service, before, property) => {
                let arn = |id: String| match service {
                    _ if id.starts_with("arn:") => id,
                    "iam" => match world.roles.get(&id) {
                        Some(role) => role.arn(world),
                        None => world.iam_arn("role", "/", &id),
                    },
                    _ => place.arn(service, &format!("{before}{id}")),
                };
                given(property)
                    .into_iter()
                    .map(|id| Some(arn(id)))
                    .collect()
            }
            On::Nothing => vec![None],
        }
    }

    /// In the words of the service that refuses.
    fn refusal(
        &self,
        world: &World,
        role: &Role,
        action: &str,
        resource: Option<&str>,
    ) -> AwsError {
        let place = &world.place;
        let who = format!(
            "User: arn:{}:sts::{}:assumed-role/{}{} is not authorized to perform: {action}",
            place.partition(),
            place.account_id,
            role.name,
            self.stack
                .role
                .as_ref()
                .map_or("", |_| "/AWSCloudFormation"),
        );
        let on = resource.map(|arn| format!(" on resource: {arn}"));
        let on = on.unwrap_or_default();
        let why = format!("because no identity-based policy allows the {action} action");
        match action.split(':').next() {
            Some("ec2") => AwsError::with_status(
                403,
                "UnauthorizedOperation",
                format!("You are not authorized to perform this operation. {who}{on} {why}"),
            ),
            Some("elasticfilesystem") => AwsError::with_status(
                403,
                "AccessDeniedException",
                format!("{who} on the specified resource"),
            ),
            _ => AwsError::with_status(403, "AccessDenied", format!("{who}{on} {why}")),
        }
    }
}

fn allows(
    world: &World,
    role: &Role,
    action: &str,
    resource: Option<&str>,
    mut context: Context,
) -> bool {
    context.set("aws:PrincipalArn", role.arn(world));
    context.set("aws:PrincipalAccount", &world.place.account_id);
    context.set("aws:PrincipalType", "AssumedRole");
    context.set("aws:RequestedRegion", &world.place.region);
    context.set("aws:SecureTransport", "true");
    context.set("aws:CurrentTime", world.now.to_string());
    context.set("ec2:Region", &world.place.region);
    for (key, value) in &role.tags {
        context.set(&format!("aws:PrincipalTag/{key}"), value);
    }
    let boundary = role.boundary.as_ref();
    // A boundary that is no more allows nothing.
    let boundary = boundary.map(|arn| policy_document(world, arn).unwrap_or_default());
    let request = Request {
        action: action.to_owned(),
        resource: resource.map(str::to_owned),
        context,
    };
    policy::decide(&role.documents(world), boundary, &request) == Decision::Allowed
}
