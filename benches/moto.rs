//! The practice account beside a moto server, the emulator that tests of AWS programs use most: how soon each answers, and
//! how much it answers, driven by the same client in one run. `cargo bench --bench moto` prints the table of CONTRIBUTING,
//! which says what it needs; nothing is asserted.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a figure that cannot be had ends the measurement"
)]
#![allow(clippy::print_stdout, reason = "the table is what it is for")]

#[allow(dead_code, reason = "each benchmark takes of it what it needs")]
mod served;

use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use futures::future::join_all;
use served::{Running, Served, measuring};

/// Requests of each kind; stacks that are made and deleted.
const REQUESTS: u32 = 500;
const STACKS: u32 = 20;
/// Clients at the same time.
const CLIENTS: u32 = 8;
/// Starts, of which the middle one counts.
const STARTS: usize = 5;

fn main() {
    if !measuring() {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(measure());
}

async fn measure() {
    let practice = figures(Kind::Practice).await;
    let moto = figures(Kind::Moto).await;
    println!("| what | efslab | moto | ratio |\n|---|---|---|---|");
    for (one, other) in practice.iter().zip(&moto) {
        let ratio = if one.more_is_better {
            one.value / other.value
        } else {
            other.value / one.value
        };
        let (unit, what) = (one.unit, one.what);
        let (one, other) = (one.value, other.value);
        println!("| {what} | {one:.1} {unit} | {other:.1} {unit} | {ratio:.0} |");
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Practice,
    Moto,
}

struct Figure {
    what: &'static str,
    unit: &'static str,
    value: f64,
    more_is_better: bool,
}

async fn figures(kind: Kind) -> Vec<Figure> {
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        starts.push(Server::start(kind).await.1);
    }
    starts.sort_unstable();
    let (server, _) = Server::start(kind).await;
    let resident = server.resident();
    let config = &server.config;
    let less = |what, unit, value| Figure {
        what,
        unit,
        value,
        more_is_better: false,
    };
    let more = |what, value| Figure {
        what,
        unit: "a second",
        value,
        more_is_better: true,
    };

    let sts = aws_sdk_sts::Client::new(config);
    let identity = async || drop(sts.get_caller_identity().send().await.expect("an answer"));
    let identities = rate(REQUESTS, &identity).await;

    let stacks = aws_sdk_cloudformation::Client::new(config);
    create(&stacks, "one").await;
    let ec2 = aws_sdk_ec2::Client::new(config);
    let look = async || drop(ec2.describe_vpcs().send().await.expect("an answer"));
    let looks = rate(REQUESTS, &look).await;
    let events = async || {
        let asked = stacks.describe_stack_events().stack_name("one").send();
        drop(asked.await.expect("an answer"));
    };
    let events = rate(REQUESTS, &events).await;
    let vpcs = ec2.describe_vpcs().send().await.expect("an answer");
    let vpc = vpcs.vpcs()[0].vpc_id().expect("its id");
    let tag = aws_sdk_ec2::types::Tag::builder()
        .key("a")
        .value("b")
        .build();
    let change = async || {
        let asked = ec2.create_tags().resources(vpc).tags(tag.clone()).send();
        drop(asked.await.expect("an answer"));
    };
    let changes = rate(REQUESTS, &change).await;

    let began = Instant::now();
    let clients = (0..CLIENTS).map(|_| async {
        for _ in 0..REQUESTS / CLIENTS {
            look().await;
        }
    });
    join_all(clients).await;
    let together = per_second(REQUESTS / CLIENTS * CLIENTS, began);

    let began = Instant::now();
    for number in 0..STACKS {
        let name = format!("stack-{number}");
        create(&stacks, &name).await;
        delete(&stacks, &name).await;
    }
    let each = began.elapsed() / STACKS;
    vec![
        less(
            "from exec to the first answer",
            "ms",
            milliseconds(starts[STARTS / 2]),
        ),
        less("resident memory then", "MB", resident),
        more("GetCallerIdentity", identities),
        more("DescribeVpcs", looks),
        more("DescribeVpcs, eight clients", together),
        more("DescribeStackEvents", events),
        more("CreateTags", changes),
        less(
            "a stack of a network, made and deleted",
            "ms",
            milliseconds(each),
        ),
        less("resident memory at the end", "MB", server.resident()),
    ]
}

async fn rate(count: u32, ask: &impl AsyncFn()) -> f64 {
    // The first one opens the connection.
    ask().await;
    let began = Instant::now();
    for _ in 0..count {
        ask().await;
    }
    per_second(count, began)
}

fn per_second(count: u32, since: Instant) -> f64 {
    f64::from(count) / since.elapsed().as_secs_f64()
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Without routes: moto does not find the order in which a stack with a route table can be deleted.
const NETWORK: &str = "
Resources:
  Vpc: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: 10.0.0.0/16}}
  Gateway: {Type: 'AWS::EC2::InternetGateway'}
  Attachment: {Type: 'AWS::EC2::VPCGatewayAttachment', Properties: {VpcId: !Ref Vpc, InternetGatewayId: !Ref Gateway}}
  Subnet: {Type: 'AWS::EC2::Subnet', Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.1.0/24}}
  Group: {Type: 'AWS::EC2::SecurityGroup', Properties: {GroupDescription: none, VpcId: !Ref Vpc}}
";

async fn create(client: &aws_sdk_cloudformation::Client, name: &str) {
    let create = client
        .create_stack()
        .stack_name(name)
        .template_body(NETWORK);
    create.send().await.expect("a stack");
    until(client, name, "CREATE_COMPLETE").await;
}

async fn delete(client: &aws_sdk_cloudformation::Client, name: &str) {
    let asked = client.delete_stack().stack_name(name).send();
    asked.await.expect("its deletion");
    until(client, name, "DELETE_COMPLETE").await;
}

async fn until(client: &aws_sdk_cloudformation::Client, name: &str, wanted: &str) {
    loop {
        let described = client.describe_stacks().stack_name(name).send().await;
        let status = match &described {
            Ok(described) => described.stacks()[0]
                .stack_status()
                .expect("its state")
                .as_str(),
            // By its name a deleted stack is not found any more.
            Err(_) => "DELETE_COMPLETE",
        };
        if status == wanted {
            return;
        }
        assert!(status.ends_with("IN_PROGRESS"), "{status}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// A server that ends with this.
struct Server {
    running: Running,
    config: SdkConfig,
    _directory: tempfile::TempDir,
}

impl Server {
    /// Starts one; answers with the time until it has answered.
    async fn start(kind: Kind) -> (Self, Duration) {
        let directory = tempfile::tempdir().expect("a directory");
        let began = Instant::now();
        let (mut running, url, key, secret) = match kind {
            Kind::Practice => {
                let served = Served::start(directory.path(), &[]);
                let [url, key, secret] = [
                    "AWS_ENDPOINT_URL",
                    "AWS_ACCESS_KEY_ID",
                    "AWS_SECRET_ACCESS_KEY",
                ]
                .map(|name| served.variable(name).to_owned());
                (served.running, url, key, secret)
            }
            Kind::Moto => {
                let free = TcpListener::bind("127.0.0.1:0").expect("a port");
                let port = free.local_addr().expect("its number").port();
                drop(free);
                let moto = std::env::var_os("EFSLAB_MOTO");
                let mut moto = Command::new(moto.expect("EFSLAB_MOTO: path of moto_server"));
                moto.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
                moto.stdout(Stdio::null()).stderr(Stdio::null());
                let any = "testing".to_owned();
                let url = format!("http://127.0.0.1:{port}");
                (Running::start(&mut moto), url, any.clone(), any)
            }
        };
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(url)
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                key, secret, None, None, "bench",
            )))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::disabled())
            .sleep_impl(aws_smithy_async::rt::sleep::TokioSleep::new())
            .build();
        let sts = aws_sdk_sts::Client::new(&config);
        while sts.get_caller_identity().send().await.is_err() {
            assert!(
                !running.has_ended(),
                "the server ended instead of answering"
            );
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let took = began.elapsed();
        let server = Self {
            running,
            config,
            _directory: directory,
        };
        (server, took)
    }

    /// Megabytes of memory that it has resident.
    #[allow(clippy::cast_precision_loss, reason = "shown with one decimal")]
    fn resident(&self) -> f64 {
        self.running.resident() as f64 / 1e6
    }
}
