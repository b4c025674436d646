//! mount.efs of amazon-efs-utils: how it turns a filesystem's id into an NFS mount.

use std::sync::Arc;

use super::nfs;
use crate::practice::clock::Activity;
use crate::practice::compute::host::Host;

/// What the helper adds to the options it is given (amazon-efs-utils, README).
const RECOMMENDED: &str =
    "nfsvers=4.1,rsize=1048576,wsize=1048576,hard,timeo=600,retrans=2,noresvport";

/// Mounts `fs-…[:/]` or its DNS name. `Err` is an exit status and what is printed.
pub async fn mount(
    host: &Arc<Host>,
    activity: &Activity,
    source: &str,
    target: &str,
    options: &str,
) -> Result<(), (i32, String)> {
    let (server, path) = source.split_once(':').unwrap_or((source, "/"));
    let region = &host.spec.region;
    let suffix = if region.starts_with("cn-") {
        "amazonaws.com.cn"
    } else {
        "amazonaws.com"
    };
    let server = if server.starts_with("fs-") && !server.contains('.') {
        format!("{server}.efs.{region}.{suffix}")
    } else {
        server.to_owned()
    };
    let mut encrypted = false;
    let mut kept = vec![RECOMMENDED];
    for option in options.split(',') {
        match option.split('=').next().unwrap_or_default() {
            "tls" => encrypted = true,
            "iam" | "accesspoint" | "awsprofile" | "crossaccount" | "mounttargetip" | "az" => {
                return Err((
                    1,
                    format!("mount.efs: a practice instance knows no option '{option}'"),
                ));
            }
            _ => kept.push(option),
        }
    }
    let source = format!("{server}:{path}");
    // Encrypted traffic goes through a proxy on the host, and that is what the kernel mounts.
    let shown = if encrypted {
        format!("127.0.0.1:{path}")
    } else {
        source.clone()
    };
    let request = nfs::Request {
        program: "mount.nfs4",
        source: &source,
        shown: &shown,
        target,
        options: &kept.join(","),
    };
    nfs::mount(host, activity, &request)
        .await
        .map_err(|message| (32, message))
}
