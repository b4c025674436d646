//! The account as its instances see it: names, reachability, tags, signals, wait handles.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Weak};
use std::time::SystemTime;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::watch;

use super::account::Account;
use super::aws;
use super::cfn;
use super::compute::{
    Disk, Profile, Reach, ResourceSignal, RoleCredentials, ServiceRequest, Surroundings,
};
use super::error::AwsError;
use super::sessions::{self, Session, Temporary};
use super::world::World;
use super::world::instances::ShutdownBehavior;
use super::world::power::Why;

/// Sees an account that may have stopped; then nothing is there.
pub struct View(pub Weak<Account>);

impl View {
    fn account(&self) -> Option<Arc<Account>> {
        self.0.upgrade()
    }
}

/// Says what `cfn-signal` says when nobody answers.
const GONE: &str = "the account is not being served";

#[async_trait]
impl Surroundings for View {
    fn resolve(&self, instance_id: &str, name: &str) -> Option<Ipv4Addr> {
        self.account()?
            .read(|world| world.resolve(instance_id, name))
    }

    fn reach(&self, instance_id: &str, address: Ipv4Addr, port: u16) -> Reach {
        self.account().map_or(Reach::Filtered, |account| {
            account.read(|world| world.reach(instance_id, address, port))
        })
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.account().map_or_else(
            || watch::channel(0).1,
            |account| account.generation.subscribe(),
        )
    }

    fn admits(&self, instance_id: &str, from: Ipv4Addr, port: u16) -> bool {
        self.account()
            .is_some_and(|account| account.read(|world| world.admits(instance_id, from, port)))
    }

    fn reaches_internet(&self, instance_id: &str) -> bool {
        self.account()
            .is_some_and(|account| account.read(|world| world.reaches_internet(instance_id)))
    }

    fn pings(&self, instance_id: &str, address: Ipv4Addr) -> bool {
        self.account()
            .is_some_and(|account| account.read(|world| world.pings(instance_id, address)))
    }

    fn public_address(&self, instance_id: &str) -> Option<Ipv4Addr> {
        self.account()?
            .read(|world| world.interface_of(instance_id)?.public_address)
    }

    fn network(&self, instance_id: &str) -> Vec<(String, String)> {
        self.account()
            .and_then(|account| account.read(|world| network(world, instance_id)))
            .unwrap_or_default()
    }

    fn tags(&self, instance_id: &str) -> BTreeMap<String, String> {
        self.account()
            .and_then(|account| {
                account.read(|world| Some(world.instances.get(instance_id)?.tags.clone()))
            })
            .unwrap_or_default()
    }

    fn disks(&self, instance_id: &str) -> Vec<Disk> {
        self.account()
            .map(|account| account.read(|world| disks(world, instance_id)))
            .unwrap_or_default()
    }

    fn unmounted(&self, _instance_id: &str) {
        if let Some(account) = self.account() {
            account.look_again();
        }
    }

    async fn signal(&self, instance_id: &str, signal: ResourceSignal) -> Result<(), String> {
        let account = self.account().ok_or(GONE)?;
        account
            .write(|world| {
                if !world.reaches_internet(instance_id) {
                    return Err(AwsError::client(
                        "ConnectTimeout",
                        format!(
                            "Connection to cloudformation.{}.{} timed out",
                            world.place.region,
                            world.place.url_suffix()
                        ),
                    ));
                }
                cfn::signals::signal(
                    world,
                    &signal.stack,
                    &signal.resource,
                    &signal.unique_id,
                    signal.success,
                    &signal.reason,
                )
            })
            .map_err(|error| error.to_string())
    }

    async fn http(
        &self,
        instance_id: &str,
        method: &str,
        url: &str,
        body: Vec<u8>,
    ) -> Result<(u16, Vec<u8>), String> {
        let account = self.account().ok_or(GONE)?;
        let (host, path) = url.split_once("://").map_or((url, ""), |(_, rest)| {
            rest.split_once('/').unwrap_or((rest, ""))
        });
        let name = host.split(':').next().unwrap_or(host);
        if !matches!(name, "127.0.0.1" | "localhost") {
            return Err(format!("Could not resolve host: {name}"));
        }
        if !account.read(|world| world.reaches_internet(instance_id)) {
            return Err(format!("Failed to connect to {host}: Connection timed out"));
        }
        Ok(wait_handle(&account, method, path, &body).unwrap_or((404, b"Not Found".to_vec())))
    }

    fn profile(&self, instance_id: &str) -> Option<Profile> {
        let account = self.account()?;
        account.read(|world| {
            let (association, role) = world.profile_on(instance_id)?;
            let role = role.map(|role| {
                let session = Session {
                    role_id: role.id.clone(),
                    name: instance_id.to_owned(),
                };
                let secret = &account.identity.secret_access_key;
                let assumed = role.trusts_ec2(world);
                let given = assumed.then(|| sessions::current(secret, &session, SystemTime::now()));
                (role.name.clone(), given.map(credentials))
            });
            Some(Profile {
                arn: association.arn.clone(),
                id: association.profile_id.clone(),
                role,
            })
        })
    }

    async fn service(
        &self,
        instance_id: &str,
        request: ServiceRequest,
    ) -> Result<(u16, Vec<u8>), String> {
        let account = self.account().ok_or(GONE)?;
        if !account.read(|world| world.reaches_internet(instance_id)) {
            return Err("connection timed out".into());
        }
        aws::inward(&account, &request)
            .await
            .map_err(|error| error.to_string())
    }

    async fn powered_off(&self, instance_id: &str) {
        let Some(account) = self.account() else {
            return;
        };
        let written = account.write(|world| {
            match world.instance(instance_id)?.on_shutdown {
                ShutdownBehavior::Stop => world.stop_instance(instance_id, Why::Shutdown)?,
                ShutdownBehavior::Terminate => {
                    world.terminate_instance(instance_id, Why::Shutdown)?
                }
            };
            Ok(())
        });
        if let Err(error) = written {
            tracing::debug!(%error, instance_id, "a shutdown came too late");
        }
    }

    async fn rebooted(&self, instance_id: &str) {
        let Some(account) = self.account() else {
            return;
        };
        if let Err(error) = account.write(|world| world.reboot_instance(instance_id)) {
            tracing::debug!(%error, instance_id, "a reboot came too late");
        }
    }
}

fn credentials(given: Temporary) -> RoleCredentials {
    let at = |time| Timestamp::try_from(time).unwrap_or_default();
    RoleCredentials {
        updated: at(given.issued),
        expires: at(given.expires),
        access_key_id: given.access_key_id,
        secret_access_key: given.secret_access_key,
        token: given.token,
    }
}

/// What an instance's metadata tell of its first interface (EC2 user guide, "Instance metadata categories").
fn network(world: &World, instance_id: &str) -> Option<Vec<(String, String)>> {
    let interface = world.interface_of(instance_id)?;
    let subnet = world.subnets.get(&interface.subnet)?;
    let vpc = world.vpcs.get(&interface.vpc)?;
    let named = |id: &String| Some(world.groups.get(id)?.name.clone());
    let names: Vec<String> = interface.groups.iter().filter_map(named).collect();
    let mut below = vec![
        ("device-number", "0".to_owned()),
        ("interface-id", interface.id.clone()),
        ("local-ipv4s", interface.private_address.to_string()),
        ("mac", interface.mac.clone()),
        ("security-group-ids", interface.groups.join("\n")),
        ("security-groups", names.join("\n")),
        ("subnet-id", interface.subnet.clone()),
        ("subnet-ipv4-cidr-block", subnet.cidr.to_string()),
        ("vpc-id", interface.vpc.clone()),
        ("vpc-ipv4-cidr-block", vpc.cidr.to_string()),
    ];
    if let Some(public) = interface.public_address {
        below.insert(4, ("public-ipv4s", public.to_string()));
    }
    let below = below.into_iter().map(|(name, value)| {
        let path = format!("network/interfaces/macs/{}/{name}", interface.mac);
        (path, value)
    });
    let mut all = vec![("mac".to_owned(), interface.mac.clone())];
    all.extend(below);
    all.push(("security-groups".to_owned(), names.join("\n")));
    Some(all)
}

/// The volumes that an instance has.
pub fn disks(world: &World, instance_id: &str) -> Vec<Disk> {
    let root = world.instances.get(instance_id).map(|one| &one.root_volume);
    world
        .volumes_of(instance_id)
        .filter(|(_, attachment)| attachment.state.is_there())
        .map(|(volume, attachment)| Disk {
            volume: volume.id.clone(),
            device: attachment.device.clone(),
            gib: volume.size,
            root: root == Some(&volume.id),
        })
        .collect()
}

/// Where wait handles live: the path begins with this, then the region.
const HANDLES: &str = "cloudformation-waitcondition-";

/// Answers a request to a wait handle; `None` when the path is no handle's.
pub fn wait_handle(
    account: &Account,
    method: &str,
    path_and_query: &str,
    body: &[u8],
) -> Option<(u16, Vec<u8>)> {
    let path = path_and_query.trim_start_matches('/');
    if !path.starts_with(HANDLES) {
        return None;
    }
    let Some(token) = cfn::types::handle_token(path) else {
        return Some((403, b"AccessDenied".to_vec()));
    };
    if method != "PUT" {
        return Some((405, b"MethodNotAllowed".to_vec()));
    }
    let answer = account.write(|world| Ok(cfn::signals::message(world, token, body)));
    Some(answer.map_or_else(
        |error| (error.status, error.message.into_bytes()),
        |(status, text)| (status, text.into_bytes()),
    ))
}
