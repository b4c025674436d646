//! One configured set of SDK clients for one account and region.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_types::date_time::DateTime;
use jiff::Timestamp;

/// Which account to talk to.
#[derive(Clone)]
pub enum Account {
    /// An endpoint with its own credentials. Nothing of the environment or of `~/.aws` is read, so that nothing done here
    /// can reach AWS.
    Endpoint {
        /// `http://127.0.0.1:4100`
        url: String,
        /// Region to sign for.
        region: String,
        /// Access key id.
        access_key_id: String,
        /// Secret access key.
        secret_access_key: String,
        /// Session token, if the credentials are temporary.
        session_token: Option<String>,
    },
    /// The learner's own AWS account, found as the `aws` command finds it.
    Aws {
        /// `--profile`
        profile: Option<String>,
        /// `--region`
        region: Option<String>,
    },
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Endpoint { url, region, .. } => write!(f, "{url} ({region})"),
            Self::Aws { profile, region } => write!(f, "AWS ({profile:?}, {region:?})"),
        }
    }
}

/// The clients.
#[derive(Debug, Clone)]
pub struct Cloud {
    /// CloudFormation.
    pub cloudformation: aws_sdk_cloudformation::Client,
    /// CloudWatch.
    pub cloudwatch: aws_sdk_cloudwatch::Client,
    /// EC2.
    pub ec2: aws_sdk_ec2::Client,
    /// EFS.
    pub efs: aws_sdk_efs::Client,
    /// EventBridge Scheduler, for the guard's schedule.
    pub scheduler: aws_sdk_scheduler::Client,
    /// Step Functions, for the guard's state machine.
    pub sfn: aws_sdk_sfn::Client,
    /// SSM, for the image parameter.
    pub ssm: aws_sdk_ssm::Client,
    /// STS, for the identity.
    pub sts: aws_sdk_sts::Client,
    /// The region all of them ask.
    pub region: String,
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// Neither flag, environment nor profile names one.
    #[error("no region is set: pass --region, or set one in the profile (`aws configure`)")]
    NoRegion,
}

impl Cloud {
    /// Clients for this account. Makes no call.
    ///
    /// # Errors
    /// When no region is known.
    pub async fn connect(account: &Account) -> Result<Self, SessionError> {
        let config = match account {
            Account::Endpoint {
                url,
                region,
                access_key_id,
                secret_access_key,
                session_token,
            } => {
                let credentials = Credentials::new(
                    access_key_id,
                    secret_access_key,
                    session_token.clone(),
                    None,
                    "efslab",
                );
                SdkConfig::builder()
                    .behavior_version(BehaviorVersion::latest())
                    .region(Region::new(region.clone()))
                    .endpoint_url(url)
                    .credentials_provider(SharedCredentialsProvider::new(credentials))
                    // Plain HTTP, straight to the endpoint: no proxy of the environment comes between, and AWS, which
                    // speaks TLS, cannot be reached.
                    .http_client(aws_smithy_http_client::Builder::new().build_http())
                    .sleep_impl(aws_smithy_async::rt::sleep::SharedAsyncSleep::new(
                        aws_smithy_async::rt::sleep::TokioSleep::new(),
                    ))
                    .retry_config(retries())
                    .timeout_config(timeouts())
                    .build()
            }
            Account::Aws { profile, region } => {
                let mut loader = aws_config::defaults(BehaviorVersion::latest())
                    .retry_config(retries())
                    .timeout_config(timeouts());
                if let Some(profile) = profile {
                    loader = loader.profile_name(profile);
                }
                if let Some(region) = region {
                    loader = loader.region(Region::new(region.clone()));
                }
                loader.load().await
            }
        };
        let region = config.region().ok_or(SessionError::NoRegion)?.to_string();
        Ok(Self {
            cloudformation: aws_sdk_cloudformation::Client::new(&config),
            cloudwatch: aws_sdk_cloudwatch::Client::new(&config),
            ec2: aws_sdk_ec2::Client::new(&config),
            efs: aws_sdk_efs::Client::new(&config),
            scheduler: aws_sdk_scheduler::Client::new(&config),
            sfn: aws_sdk_sfn::Client::new(&config),
            ssm: aws_sdk_ssm::Client::new(&config),
            sts: aws_sdk_sts::Client::new(&config),
            region,
        })
    }
}

/// Each call that is throttled waits longer before it is tried again, and the sweep asks for fewer at a time. Not the SDK's
/// adaptive mode: that also holds the calls back that nobody throttles, down to one in two seconds where a service throttles
/// whatever the rate, and a cleanup must come through there.
fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(8)
        .with_initial_backoff(Duration::from_millis(200))
        .with_max_backoff(Duration::from_secs(5))
}

/// A call that hangs must not look like work.
fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .operation_attempt_timeout(Duration::from_secs(20))
        .operation_timeout(Duration::from_mins(1))
        .build()
}

/// The SDK's time as ours; the epoch when it is out of range, which no service sends.
pub(super) fn timestamp(time: &DateTime) -> Timestamp {
    Timestamp::from_nanosecond(time.as_nanos()).unwrap_or(Timestamp::UNIX_EPOCH)
}
