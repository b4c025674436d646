//! Operations as AWS's Java SDK names them, which is what Step Functions' SDK integrations go by. What they are comes from
//! the tables of the `aws` command; who calls stays outside.

use serde_json::Value as Json;

use super::model::{Operation, Service, services};
use super::value::Value;
use super::wire;

pub use super::wire::Request;

/// Service ids of integrations (`aws-sdk:efs:…`), the command of each, and the name that its errors begin with.
const NAMES: [(&str, &str, &str); 8] = [
    ("cloudformation", "cloudformation", "CloudFormation"),
    ("ec2", "ec2", "Ec2"),
    ("efs", "efs", "Efs"),
    ("iam", "iam", "Iam"),
    ("scheduler", "scheduler", "Scheduler"),
    ("sfn", "stepfunctions", "Sfn"),
    ("ssm", "ssm", "Ssm"),
    ("sts", "sts", "Sts"),
];

/// An operation of a service.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    service: &'static Service,
    operation: &'static Operation,
    prefix: &'static str,
}

/// Why a call failed, in the words of an integration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// `Ec2.Ec2Exception`
    pub error: String,
    /// The message, and where it comes from.
    pub cause: String,
}

/// The operation `action` (`terminateInstances`) of `service` (`ec2`).
pub fn find(service: &str, action: &str) -> Option<Known> {
    let (_, command, prefix) = NAMES.iter().find(|(id, ..)| *id == service)?;
    let service = services().iter().find(|one| one.command == *command)?;
    let mut letters = action.chars();
    let first = letters.next().filter(char::is_ascii_lowercase)?;
    let name: String = std::iter::once(first.to_ascii_uppercase())
        .chain(letters)
        .collect();
    let operation = service.operations.iter().find(|one| one.name == name)?;
    Some(Known {
        service,
        operation,
        prefix,
    })
}

impl Known {
    /// As in a credential scope.
    #[must_use]
    pub fn scope(&self) -> &'static str {
        self.service.name
    }

    /// Whether it has a parameter of this name.
    #[must_use]
    pub fn takes(&self, name: &str) -> bool {
        self.operation
            .input
            .iter()
            .any(|member| member.name == name)
    }

    /// The request with these parameters.
    #[must_use]
    pub fn request(&self, parameters: &Json) -> Request {
        let given = Value::parse(&parameters.to_string()).unwrap_or(Value::Null);
        let given: Vec<(&'static str, Value)> = self
            .operation
            .input
            .iter()
            .filter_map(|member| Some((member.name, given.get(member.name)?.clone())))
            .filter(|(_, value)| *value != Value::Null)
            .collect();
        wire::request(self.service, self.operation, &given)
    }

    /// What an answer says.
    pub fn answer(&self, status: u16, body: &[u8]) -> Result<Json, Failed> {
        match wire::answer(self.service, self.operation, status, body) {
            Ok(value) => Ok(serde_json::from_str(&value.line()).unwrap_or_default()),
            Err(refusal) => {
                // Exceptions that the service's model names keep their name; any other has the service's.
                let name = match refusal.code.as_str() {
                    code if code.ends_with("Exception") => code.to_owned(),
                    _ => format!("{}Exception", self.prefix),
                };
                Err(Failed {
                    error: format!("{}.{name}", self.prefix),
                    cause: format!(
                        "{} (Service: {}, Status Code: {status})",
                        refusal.message, self.prefix
                    ),
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_integration_becomes_the_request_that_any_client_would_send() {
        let known = find("ec2", "terminateInstances").unwrap();
        let request = known.request(&json!({"InstanceIds": ["i-1"]}));
        assert_eq!(
            String::from_utf8(request.body).unwrap(),
            "Action=TerminateInstances&Version=2016-11-15&InstanceId.1=i-1"
        );
        assert!(known.takes("InstanceIds") && !known.takes("Instances"));
        assert!(find("ec2", "TerminateInstances").is_none());
        assert!(find("s3", "listBuckets").is_none());
    }

    #[test]
    fn errors_are_named_as_the_java_sdk_names_them() {
        let error = b"<Response><Errors><Error><Code>InvalidVolume.NotFound</Code><Message>why</Message></Error></Errors></Response>";
        let failed = find("ec2", "deleteVolume").unwrap().answer(400, error);
        assert_eq!(
            failed,
            Err(Failed {
                error: "Ec2.Ec2Exception".into(),
                cause: "why (Service: Ec2, Status Code: 400)".into()
            })
        );
    }
}
