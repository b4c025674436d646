//! Managed policies: the account's own, and the few of AWS's that roles of instances have.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{check_document, check_name, check_path, conflict, exists, no_such};
use crate::practice::error::AwsError;
use crate::practice::world::{Tags, World};

/// A managed policy of the account's own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ManagedPolicy {
    /// `ANPA…`
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// Unique in the account.
    pub name: String,
    /// `/`, or `/division/`.
    pub path: String,
    /// Free text.
    pub description: String,
    /// A policy as JSON.
    pub document: String,
    /// When.
    pub created: Timestamp,
    /// Tags.
    pub tags: Tags,
}

/// AWS's own, as the AWS managed policy reference shows them: those whose rights are all in services that the account
/// has, or in none of them. Path and name, and the policy.
const OF_AWS: [(&str, &str); 4] = [
    (
        "AdministratorAccess",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#,
    ),
    (
        "AmazonEC2FullAccess",
        r#"{"Version":"2012-10-17","Statement":[{"Action":"ec2:*","Effect":"Allow","Resource":"*"},{"Effect":"Allow","Action":["elasticloadbalancing:*","cloudwatch:*","autoscaling:*"],"Resource":"*"},{"Effect":"Allow","Action":"iam:CreateServiceLinkedRole","Resource":"*","Condition":{"StringEquals":{"iam:AWSServiceName":["autoscaling.amazonaws.com","ec2scheduled.amazonaws.com","elasticloadbalancing.amazonaws.com","spot.amazonaws.com","spotfleet.amazonaws.com","transitgateway.amazonaws.com"]}}}]}"#,
    ),
    (
        "AmazonEC2ReadOnlyAccess",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["ec2:Describe*","ec2:GetSecurityGroupsForVpc"],"Resource":"*"},{"Effect":"Allow","Action":["elasticloadbalancing:Describe*","cloudwatch:ListMetrics","cloudwatch:GetMetricStatistics","cloudwatch:Describe*","autoscaling:Describe*"],"Resource":"*"}]}"#,
    ),
    (
        "AmazonSSMManagedInstanceCore",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["ssm:DescribeAssociation","ssm:GetDeployablePatchSnapshotForInstance","ssm:GetDocument","ssm:DescribeDocument","ssm:GetManifest","ssm:GetParameter","ssm:GetParameters","ssm:ListAssociations","ssm:ListInstanceAssociations","ssm:PutInventory","ssm:PutComplianceItems","ssm:PutConfigurePackageResult","ssm:UpdateAssociationStatus","ssm:UpdateInstanceAssociationStatus","ssm:UpdateInstanceInformation"],"Resource":"*"},{"Effect":"Allow","Action":["ssmmessages:CreateControlChannel","ssmmessages:CreateDataChannel","ssmmessages:OpenControlChannel","ssmmessages:OpenDataChannel"],"Resource":"*"},{"Effect":"Allow","Action":["ec2messages:AcknowledgeMessage","ec2messages:DeleteMessage","ec2messages:FailMessage","ec2messages:GetEndpoint","ec2messages:GetMessages","ec2messages:SendReply"],"Resource":"*"}]}"#,
    ),
];

/// The policy behind an ARN, the account's own or AWS's.
pub fn policy_document<'a>(world: &'a World, arn: &str) -> Option<&'a str> {
    let own = world.managed_policies.get(arn);
    own.map(|policy| policy.document.as_str()).or_else(|| {
        let prefix = format!("arn:{}:iam::aws:policy/", world.place.partition());
        let name = arn.strip_prefix(&prefix)?;
        let found = OF_AWS.iter().find(|(known, _)| *known == name)?;
        Some(found.1)
    })
}

impl World {
    /// Refuses the ARN of a policy that cannot be attached.
    pub(super) fn attachable(&self, arn: &str) -> Result<(), AwsError> {
        match policy_document(self, arn) {
            Some(_) => Ok(()),
            None => Err(no_such(format!(
                "Policy {arn} does not exist or is not attachable."
            ))),
        }
    }

    /// Makes a managed policy. Answers with its ARN.
    pub fn create_policy(
        &mut self,
        name: &str,
        path: Option<String>,
        description: String,
        document: String,
        tags: Tags,
    ) -> Result<String, AwsError> {
        check_name(name, "policyName", 128)?;
        let path = check_path(path)?;
        check_document(&document)?;
        if self.managed_policies.values().any(|one| one.name == name) {
            return Err(exists(format!(
                "A policy called {name} already exists. Duplicate names are not allowed."
            )));
        }
        let arn = self.iam_arn("policy", &path, name);
        let policy = ManagedPolicy {
            id: self.iam_id("ANPA"),
            arn: arn.clone(),
            name: name.to_owned(),
            path,
            description,
            document,
            created: self.now,
            tags,
        };
        self.managed_policies.insert(&arn, policy);
        Ok(arn)
    }

    /// Gives a policy another document.
    pub fn change_policy(&mut self, arn: &str, document: String) -> Result<(), AwsError> {
        check_document(&document)?;
        let found = self.managed_policies.get_mut(arn);
        let found = found.ok_or_else(|| no_such(format!("Policy {arn} was not found.")))?;
        found.document = document;
        Ok(())
    }

    /// How many roles have a policy attached, and how many have it as their boundary.
    pub fn policy_uses(&self, arn: &str) -> (usize, usize) {
        let attached = self
            .roles
            .values()
            .filter(|role| role.attached.contains(arn));
        let bounded = self.roles.values();
        let bounded = bounded.filter(|role| role.boundary.as_deref() == Some(arn));
        (attached.count(), bounded.count())
    }

    /// Deletes a managed policy of the account's own that no role has.
    pub fn delete_policy(&mut self, arn: &str) -> Result<(), AwsError> {
        if !self.managed_policies.contains(arn) {
            return Err(no_such(format!("Policy {arn} was not found.")));
        }
        if self.policy_uses(arn) != (0, 0) {
            return Err(conflict("detach all entities of this policy"));
        }
        self.managed_policies.remove(arn);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::OF_AWS;

    #[test]
    fn the_policies_of_aws_are_policies() {
        for (name, document) in OF_AWS {
            assert_eq!(crate::practice::policy::check(document), Ok(()), "{name}");
        }
    }
}
