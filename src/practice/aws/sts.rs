//! AWS STS: who the caller is.

use super::access::Caller;
use super::params::{Dialect, Params};
use super::protocol::Answer;
use super::xml::Element;
use crate::practice::error::AwsError;
use crate::practice::store::Identity;

/// Of answers.
pub const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";
const VERSION: &str = "2011-06-15";

/// Answers an STS request.
pub fn answer(identity: &Identity, caller: &Caller, form: &[u8]) -> Result<Answer, AwsError> {
    let mut params = Params::parse(form, Dialect::Query)?;
    let (action, version) = params.operation()?;
    if action != "GetCallerIdentity" || version != VERSION {
        return Err(AwsError::client(
            "InvalidAction",
            format!("Could not find operation {action} for version {version}"),
        ));
    }
    params.finish()?;
    // IAM user ids are the key's alphabet behind AIDA; this one is derived so that it stays the same.
    let user = identity.access_key_id.replacen("AKIA", "AIDA", 1);
    let place = &identity.place;
    let (arn, user) = match caller {
        Caller::Owner => {
            let (partition, account) = (place.partition(), &place.account_id);
            (format!("arn:{partition}:iam::{account}:user/learner"), user)
        }
        // Anybody may ask who he is: no policy is needed, and none forbids it.
        Caller::Role(role) => (role.arn.clone(), role.user_id()),
    };
    let result = Element::new("GetCallerIdentityResult")
        .text("Arn", arn)
        .text("UserId", user)
        .text("Account", &place.account_id);
    Ok(Answer::Query("GetCallerIdentity", result))
}
