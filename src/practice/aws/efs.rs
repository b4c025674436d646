//! Amazon EFS: filesystems and mount targets.

use std::collections::BTreeMap;

use axum::http::Method;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::access::{Ask, Caller, Refusal};
use super::paging;
use super::protocol::Answer;
use crate::practice::account::Account;
use crate::practice::error::AwsError;
use crate::practice::world::efs::{FileSystem, MountTarget};
use crate::practice::world::{Tags, World};

/// Every path begins with it.
const VERSION: &str = "2015-02-01";

/// The query of a request, of which whatever nobody asks for is refused.
struct Query(BTreeMap<String, String>);

impl Query {
    fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    fn finish(self) -> Result<(), AwsError> {
        match self.0.into_keys().next() {
            Some(name) => Err(bad_request(format!(
                "the practice account does not support the parameter {name}"
            ))),
            None => Ok(()),
        }
    }

    fn page<T>(&mut self, items: Vec<(String, T)>) -> Result<Page<T>, AwsError> {
        let limit = match self.take("MaxItems") {
            None => 100,
            Some(text) => text
                .parse()
                .ok()
                .filter(|limit| *limit >= 1)
                .ok_or_else(|| bad_request("invalid MaxItems".into()))?,
        };
        let marker = self.take("Marker");
        let (items, next) = paging::page(items, limit, marker.as_deref())
            .ok_or_else(|| bad_request("invalid Marker".into()))?;
        Ok(Page {
            items,
            marker,
            next,
        })
    }
}

struct Page<T> {
    items: Vec<T>,
    marker: Option<String>,
    next: Option<String>,
}

impl<T> Page<T> {
    fn json(self, name: &str, show: impl Fn(T) -> Value) -> Value {
        let items: Vec<Value> = self.items.into_iter().map(show).collect();
        let mut body = json!({name: items});
        if let Some(marker) = self.marker {
            body["Marker"] = marker.into();
        }
        if let Some(next) = self.next {
            body["NextMarker"] = next.into();
        }
        body
    }
}

fn bad_request(message: String) -> AwsError {
    AwsError::client("BadRequest", message)
}

/// Answers an EFS request.
pub fn answer(
    account: &Account,
    caller: &Caller,
    method: &Method,
    path: &str,
    query: &str,
    body: &[u8],
) -> Result<Answer, AwsError> {
    let unknown = || {
        AwsError::with_status(
            404,
            "UnknownOperationException",
            format!("{method} {path} is not known"),
        )
    };
    let segments = segments(path);
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let query = form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    let mut query = Query(query);
    // Asked before the world is held: files have a lock of their own.
    let ids = account.read(|world| world.file_systems.ids());
    let sizes: Sizes = ids
        .into_iter()
        .filter_map(|id| {
            let size = account.hosts()?.metered_bytes(&id);
            Some((id, size))
        })
        .collect();
    account.write(|world| {
        let known = operation(method, &segments).ok_or_else(unknown)?;
        caller.may(world, Refusal::Efs, |world| vec![ask(world, known, &query)])?;
        let answer = match (method.as_str(), &segments[..]) {
            ("GET", [VERSION, "file-systems"]) => file_systems(world, &sizes, &mut query),
            ("PUT", [VERSION, "file-systems", id]) => {
                update_file_system(world, &sizes, bare(id), body)
            }
            ("DELETE", [VERSION, "file-systems", id]) => {
                world.delete_file_system(id).map(|()| Answer::Empty(204))
            }
            ("GET", [VERSION, "access-points"]) => access_points(world, &mut query),
            ("GET", [VERSION, "file-systems", "replication-configurations"]) => {
                replications(world, &mut query)
            }
            ("GET", [VERSION, "file-systems", id, "policy"]) => policy(world, id),
            ("GET", [VERSION, "tags", id]) => old_tags(world, &mut query, id),
            ("GET", [VERSION, "file-systems", id, "lifecycle-configuration"]) => {
                lifecycle(world, id)
            }
            ("GET", [VERSION, "file-systems", id, "backup-policy"]) => backup_policy(world, id),
            ("GET", [VERSION, "mount-targets"]) => mount_targets(world, &mut query),
            ("DELETE", [VERSION, "mount-targets", id]) => {
                world.delete_mount_target(id).map(|()| Answer::Empty(204))
            }
            ("GET", [VERSION, "mount-targets", id, "security-groups"]) => {
                security_groups(world, id)
            }
            ("GET", [VERSION, "resource-tags", rest @ ..]) => {
                tags(world, &mut query, &rest.join("/"))
            }
            _ => Err(unknown()),
        }?;
        query.finish()?;
        Ok(answer)
    })
}

/// The parts of a path.
fn segments(path: &str) -> Vec<String> {
    path.trim_matches('/')
        .split('/')
        .map(|segment| {
            let form = format!("x={}", segment.replace('+', "%2B"));
            form_urlencoded::parse(form.as_bytes())
                .next()
                .map(|(_, value)| value.into_owned())
                .unwrap_or_default()
        })
        .collect()
}

/// The name of the operation that a request is for.
pub fn operation_name(method: &Method, path: &str) -> Option<&'static str> {
    let segments = segments(path);
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    operation(method, &segments).map(|(name, _)| name)
}

/// An operation's name, and the filesystem or mount target that its path names.
fn operation<'a>(method: &Method, segments: &[&'a str]) -> Option<(&'static str, Option<&'a str>)> {
    Some(match (method.as_str(), segments) {
        ("GET", [VERSION, "file-systems"]) => ("DescribeFileSystems", None),
        ("PUT", [VERSION, "file-systems", id]) => ("UpdateFileSystem", Some(bare(id))),
        ("DELETE", [VERSION, "file-systems", id]) => ("DeleteFileSystem", Some(id)),
        ("GET", [VERSION, "access-points"]) => ("DescribeAccessPoints", None),
        ("GET", [VERSION, "file-systems", "replication-configurations"]) => {
            ("DescribeReplicationConfigurations", None)
        }
        ("GET", [VERSION, "file-systems", id, "policy"]) => ("DescribeFileSystemPolicy", Some(id)),
        ("GET", [VERSION, "tags", id]) => ("DescribeTags", Some(id)),
        ("GET", [VERSION, "file-systems", id, "lifecycle-configuration"]) => {
            ("DescribeLifecycleConfiguration", Some(id))
        }
        ("GET", [VERSION, "file-systems", id, "backup-policy"]) => {
            ("DescribeBackupPolicy", Some(id))
        }
        ("GET", [VERSION, "mount-targets"]) => ("DescribeMountTargets", None),
        ("DELETE", [VERSION, "mount-targets", id]) => ("DeleteMountTarget", Some(id)),
        ("GET", [VERSION, "mount-targets", id, "security-groups"]) => {
            ("DescribeMountTargetSecurityGroups", Some(id))
        }
        ("GET", [VERSION, "resource-tags", .., id]) => ("ListTagsForResource", Some(id)),
        _ => return None,
    })
}

/// Everything of EFS's is about a filesystem: that of a mount target, or all of them.
fn ask(world: &World, (name, id): (&str, Option<&str>), query: &Query) -> Ask {
    let ask = Ask::new(format!("elasticfilesystem:{name}"));
    let parameter = |name: &str| query.0.get(name).map(String::as_str);
    let id = id
        .or_else(|| parameter("FileSystemId"))
        .or_else(|| parameter("MountTargetId"))
        .map_or("*", bare);
    let id = match world.mount_targets.get(id) {
        Some(target) => target.file_system.as_str(),
        None => id,
    };
    let ask = ask.on(arn(world, id));
    match world.file_systems.get(id) {
        Some(found) => ask.tagged("elasticfilesystem", &found.tags),
        None => ask,
    }
}

/// Seconds since 1970, whole as EFS shows them.
fn seconds(at: Timestamp) -> Value {
    json!(at.as_second())
}

fn tag_list(tags: &Tags) -> Vec<Value> {
    tags.iter()
        .map(|(key, value)| json!({"Key": key, "Value": value}))
        .collect()
}

/// What they are metered at, in bytes, by filesystem.
type Sizes = BTreeMap<String, u64>;

fn file_systems(world: &World, sizes: &Sizes, query: &mut Query) -> Result<Answer, AwsError> {
    let id = query.take("FileSystemId");
    let token = query.take("CreationToken");
    let found: Vec<&FileSystem> = match &id {
        Some(id) => vec![world.file_system(bare(id))?],
        None => world.file_systems.values().collect(),
    };
    let found = found
        .into_iter()
        .filter(|one| {
            token
                .as_ref()
                .is_none_or(|token| *token == one.creation_token)
        })
        .map(|one| (one.id.clone(), one))
        .collect();
    let page = query.page(found)?;
    Ok(Answer::Json(
        page.json("FileSystems", |one| file_system(world, sizes, one)),
    ))
}

/// The id in an ARN, or the id itself.
fn bare(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

fn arn(world: &World, id: &str) -> String {
    world
        .place
        .arn("elasticfilesystem", &format!("file-system/{id}"))
}

fn file_system(world: &World, sizes: &Sizes, one: &FileSystem) -> Value {
    let size = sizes.get(&one.id).copied().unwrap_or_default();
    let mut body = json!({
        "OwnerId": world.place.account_id,
        "CreationToken": one.creation_token,
        "FileSystemId": one.id,
        "FileSystemArn": arn(world, &one.id),
        "CreationTime": seconds(one.created),
        "LifeCycleState": one.state.name(),
        "NumberOfMountTargets": world.mount_targets_of(&one.id).count(),
        "SizeInBytes": {"Value": size, "ValueInIA": 0, "ValueInStandard": size, "ValueInArchive": 0},
        "PerformanceMode": one.settings.performance_mode,
        "ThroughputMode": one.settings.throughput_mode.name(),
        "Encrypted": one.settings.encrypted,
        "Tags": tag_list(&one.tags),
        "FileSystemProtection": {"ReplicationOverwriteProtection": "ENABLED"},
    });
    if let Some(mibps) = one.settings.throughput_mode.mibps() {
        body["ProvisionedThroughputInMibps"] = mibps.into();
    }
    if let Some(name) = one.tags.get("Name") {
        body["Name"] = name.as_str().into();
    }
    if one.settings.encrypted {
        // The key that AWS manages for EFS; its id is the account's, so that it stays the same.
        let key = format!("key/00000000-0000-4000-8000-{}", world.place.account_id);
        body["KmsKeyId"] = world.place.arn("kms", &key).into();
    }
    body
}

fn update_file_system(
    world: &mut World,
    sizes: &Sizes,
    id: &str,
    body: &[u8],
) -> Result<Answer, AwsError> {
    let malformed = || bad_request("the body is not as UpdateFileSystem has it".into());
    let body: Map<String, Value> = serde_json::from_slice(body).map_err(|_| malformed())?;
    let (mut mode, mut mibps) = (None, None);
    for (name, value) in &body {
        match (name.as_str(), value) {
            (_, Value::Null) => {}
            ("ThroughputMode", Value::String(given)) => mode = Some(given.as_str()),
            ("ProvisionedThroughputInMibps", Value::Number(given)) => mibps = given.as_f64(),
            _ => return Err(malformed()),
        }
    }
    world.update_file_system(id, mode, mibps)?;
    let shown = file_system(world, sizes, world.file_system(id)?);
    Ok(Answer::Accepted(shown))
}

fn lifecycle(world: &World, id: &str) -> Result<Answer, AwsError> {
    let policies: Vec<Value> = world
        .file_system(id)?
        .settings
        .lifecycle
        .iter()
        .map(|(name, value)| json!({name: value}))
        .collect();
    Ok(Answer::Json(json!({"LifecyclePolicies": policies})))
}

fn backup_policy(world: &World, id: &str) -> Result<Answer, AwsError> {
    let status = &world.file_system(id)?.settings.backup_policy;
    Ok(Answer::Json(json!({"BackupPolicy": {"Status": status}})))
}

fn mount_targets(world: &World, query: &mut Query) -> Result<Answer, AwsError> {
    let file_system = query.take("FileSystemId");
    let id = query.take("MountTargetId");
    let found: Vec<&MountTarget> = match (&file_system, &id) {
        (Some(file_system), None) => {
            let file_system = world.file_system(bare(file_system))?;
            world.mount_targets_of(&file_system.id).collect()
        }
        (None, Some(id)) => vec![world.mount_target(id)?],
        _ => {
            return Err(bad_request(
                "One of FileSystemId, MountTargetId or AccessPointId must be specified".into(),
            ));
        }
    };
    let found = found.into_iter().map(|one| (one.id.clone(), one)).collect();
    let page = query.page(found)?;
    Ok(Answer::Json(page.json("MountTargets", |one| {
        let zone = world.place.zone(&one.zone);
        json!({
            "OwnerId": world.place.account_id,
            "MountTargetId": one.id,
            "FileSystemId": one.file_system,
            "SubnetId": one.subnet,
            "LifeCycleState": one.state.name(),
            "IpAddress": one.address.to_string(),
            "NetworkInterfaceId": one.interface,
            "AvailabilityZoneId": zone.as_ref().map(|zone| &zone.id),
            "AvailabilityZoneName": one.zone,
            "VpcId": one.vpc,
        })
    })))
}

fn security_groups(world: &World, id: &str) -> Result<Answer, AwsError> {
    let target = world.mount_target(id)?;
    let groups = world
        .interfaces
        .get(&target.interface)
        .map(|interface| interface.groups.clone())
        .unwrap_or_default();
    Ok(Answer::Json(json!({"SecurityGroups": groups})))
}

/// DescribeAccessPoints: there are none, and nothing in scope makes one.
fn access_points(world: &World, query: &mut Query) -> Result<Answer, AwsError> {
    if let Some(id) = query.take("AccessPointId") {
        return Err(AwsError::with_status(
            404,
            "AccessPointNotFound",
            format!("Access point {id} does not exist."),
        ));
    }
    if let Some(id) = query.take("FileSystemId") {
        world.file_system(bare(&id))?;
    }
    query.take("MaxResults");
    Ok(Answer::Json(json!({"AccessPoints": []})))
}

/// DescribeReplicationConfigurations: there are none either.
fn replications(world: &World, query: &mut Query) -> Result<Answer, AwsError> {
    query.take("MaxResults");
    let Some(id) = query.take("FileSystemId") else {
        return Ok(Answer::Json(json!({"Replications": []})));
    };
    let id = &world.file_system(bare(&id))?.id;
    Err(AwsError::with_status(
        404,
        "ReplicationNotFound",
        format!("No replication configuration found for file system '{id}'."),
    ))
}

/// DescribeFileSystemPolicy: without a policy of its own a filesystem has EFS's default, which is not shown.
fn policy(world: &World, id: &str) -> Result<Answer, AwsError> {
    let id = &world.file_system(bare(id))?.id;
    Err(AwsError::with_status(
        404,
        "PolicyNotFound",
        format!("No policy is configured for file system '{id}'."),
    ))
}

/// DescribeTags, which ListTagsForResource has replaced.
fn old_tags(world: &World, query: &mut Query, id: &str) -> Result<Answer, AwsError> {
    let tags = &world.file_system(bare(id))?.tags;
    let tags = tags.iter().map(|tag| (tag.0.clone(), tag)).collect();
    let page = query.page(tags)?;
    Ok(Answer::Json(page.json(
        "Tags",
        |(key, value)| json!({"Key": key, "Value": value}),
    )))
}

fn tags(world: &World, query: &mut Query, resource: &str) -> Result<Answer, AwsError> {
    let found = world.file_system(bare(resource))?;
    if query.take("MaxResults").is_some() || query.take("NextToken").is_some() {
        return Err(bad_request("tags come in one page".into()));
    }
    Ok(Answer::Json(json!({"Tags": tag_list(&found.tags)})))
}
