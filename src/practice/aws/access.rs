//! Who makes a request, and whether his policies allow it. Which resources a request is about, each service says itself.

use crate::practice::error::AwsError;
use crate::practice::policy::{self, Context, Decision, Request};
use crate::practice::sessions::Session;
use crate::practice::world::{Tags, World};

/// Who makes a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// The account's own key, which may do everything.
    Owner,
    /// A session of a role.
    Role(Assumed),
}

/// A session of a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assumed {
    /// Name of the role.
    pub role: String,
    /// `arn:aws:sts::123456789012:assumed-role/ROLE/SESSION`
    pub arn: String,
    session: Session,
}

impl Assumed {
    /// `AROA…:SESSION`
    pub fn user_id(&self) -> String {
        format!("{}:{}", self.session.role_id, self.session.name)
    }
}

impl Caller {
    /// Whoever has this session; `None` when its role is no more.
    pub fn of(world: &World, session: Option<Session>) -> Option<Self> {
        let Some(session) = session else {
            return Some(Self::Owner);
        };
        let role = world.role_by_id(&session.role_id)?;
        let arn = format!(
            "arn:{}:sts::{}:assumed-role/{}/{}",
            world.place.partition(),
            world.place.account_id,
            role.name,
            session.name
        );
        Some(Self::Role(Assumed {
            role: role.name.clone(),
            arn,
            session,
        }))
    }

    /// Id of the role whose session it is; none of the owner.
    pub fn role_id(&self) -> Option<&str> {
        match self {
            Self::Owner => None,
            Self::Role(assumed) => Some(&assumed.session.role_id),
        }
    }

    /// Refuses everybody but the account's owner.
    pub fn must_own(&self) -> Result<(), AwsError> {
        match self {
            Self::Owner => Ok(()),
            Self::Role(role) => Err(AwsError::with_status(
                403,
                "AccessDeniedException",
                format!("User: {} does not own this practice account", role.arn),
            )),
        }
    }

    /// Refuses what the caller's policies do not allow. Asks are only made up when somebody's policies matter.
    pub fn may(
        &self,
        world: &mut World,
        refusal: Refusal,
        asks: impl FnOnce(&World) -> Vec<Ask>,
    ) -> Result<(), AwsError> {
        let Self::Role(assumed) = self else {
            return Ok(());
        };
        for ask in asks(world) {
            let decision = assumed.decide(world, &ask);
            if decision != Decision::Allowed {
                return Err(refusal.error(world, assumed, &ask, decision));
            }
        }
        Ok(())
    }
}

/// One thing that must be allowed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ask {
    /// `ec2:CreateSnapshot`
    pub action: String,
    /// ARN; none for an action about no single resource.
    pub resource: Option<String>,
    /// Of the request itself; what every request has is added.
    pub context: Context,
}

impl Ask {
    /// For this action on no single resource.
    pub fn new(action: impl Into<String>) -> Self {
        Self {
            action: action.into(),
            ..Self::default()
        }
    }

    /// On this resource.
    #[must_use]
    pub fn on(mut self, arn: impl Into<String>) -> Self {
        self.resource = Some(arn.into());
        self
    }

    /// On a resource that has these tags; `service` has a key of its own for them.
    #[must_use]
    pub fn tagged(mut self, service: &str, tags: &Tags) -> Self {
        for (key, value) in tags {
            for prefix in ["aws", service] {
                self.context
                    .set(&format!("{prefix}:ResourceTag/{key}"), value);
            }
        }
        self
    }

    /// In a request that gives these tags.
    #[must_use]
    pub fn giving(mut self, tags: &Tags) -> Self {
        for (key, value) in tags {
            self.context.set(&format!("aws:RequestTag/{key}"), value);
        }
        if !tags.is_empty() {
            let keys = tags.keys().cloned().collect();
            self.context.set_all("aws:TagKeys", keys);
        }
        self
    }

    /// With this key.
    #[must_use]
    #[allow(
        clippy::needless_pass_by_value,
        reason = "taken from values and references alike"
    )]
    pub fn with(mut self, key: &str, value: impl ToString) -> Self {
        self.context.set(key, value.to_string());
        self
    }
}

impl Assumed {
    fn decide(&self, world: &World, ask: &Ask) -> Decision {
        let Some(role) = world.role_by_id(&self.session.role_id) else {
            return Decision::NotAllowed;
        };
        let mut context = ask.context.clone();
        // "AWS global condition context keys" of the IAM user guide: those that every request of a role has.
        context.set("aws:PrincipalArn", role.arn(world));
        context.set("aws:PrincipalAccount", &world.place.account_id);
        context.set("aws:PrincipalType", "AssumedRole");
        context.set("aws:userid", self.user_id());
        context.set("aws:RequestedRegion", &world.place.region);
        context.set("aws:SecureTransport", "true");
        context.set("aws:CurrentTime", world.now.to_string());
        context.set("aws:EpochTime", world.now.as_second().to_string());
        for (key, value) in &role.tags {
            context.set(&format!("aws:PrincipalTag/{key}"), value);
        }
        if world.instances.contains(&self.session.name) {
            let instance = format!("instance/{}", self.session.name);
            context.set("ec2:SourceInstanceARN", world.place.arn("ec2", &instance));
            context.set(
                "aws:Ec2InstanceSourceVPC",
                source_vpc(world, &self.session.name),
            );
            let interface = world.interface_of(&self.session.name);
            if let Some(address) = interface.and_then(|interface| interface.public_address) {
                context.set("aws:SourceIp", address.to_string());
            }
        }
        if ask.action.starts_with("ec2:") {
            context.set("ec2:Region", &world.place.region);
        }
        let boundary = role.boundary.as_ref().map(|arn| {
            // A boundary that is no more allows nothing.
            crate::practice::world::iam::policy_document(world, arn).unwrap_or_default()
        });
        let request = Request {
            action: ask.action.clone(),
            resource: ask.resource.clone(),
            context,
        };
        policy::decide(&role.documents(world), boundary, &request)
    }
}

fn source_vpc(world: &World, instance: &str) -> String {
    let instance = world.instances.get(instance);
    instance.map(|one| one.vpc.clone()).unwrap_or_default()
}

/// How a service words that something is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// EC2's.
    Ec2,
    /// That of CloudFormation and IAM.
    Query,
    /// EFS's.
    Efs,
    /// SSM's.
    Json,
}

impl Refusal {
    fn error(self, world: &mut World, caller: &Assumed, ask: &Ask, decision: Decision) -> AwsError {
        let why = match decision {
            Decision::Forbidden => "with an explicit deny in an identity-based policy".to_owned(),
            Decision::OutOfBounds => format!(
                "because no permissions boundary allows the {} action",
                ask.action
            ),
            Decision::NotAllowed | Decision::Allowed => format!(
                "because no identity-based policy allows the {} action",
                ask.action
            ),
        };
        let resource = ask.resource.as_ref();
        let resource = resource.map(|arn| format!(" on resource: {arn}"));
        let resource = resource.unwrap_or_default();
        let who = format!(
            "User: {} is not authorized to perform: {}",
            caller.arn, ask.action
        );
        match self {
            Self::Ec2 => {
                // Only who may ask STS can read it; here nobody can.
                let encoded = if ask.resource.is_some() {
                    let secret: String = (0..6).map(|_| world.token()).collect();
                    format!(". Encoded authorization failure message: {secret}")
                } else {
                    String::new()
                };
                AwsError::with_status(
                    403,
                    "UnauthorizedOperation",
                    format!(
                        "You are not authorized to perform this operation. {who}{resource} {why}{encoded}"
                    ),
                )
            }
            Self::Query => {
                AwsError::with_status(403, "AccessDenied", format!("{who}{resource} {why}"))
            }
            Self::Efs => AwsError::with_status(
                403,
                "AccessDeniedException",
                format!("{who} on the specified resource"),
            ),
            Self::Json => AwsError::with_status(
                400,
                "AccessDeniedException",
                format!("{who}{resource} {why}"),
            ),
        }
    }
}
