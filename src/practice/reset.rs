//! Deleting everything in the account at once, hosts and files included. Nothing here asks whether anything is in use.

use super::account::Account;
use super::error::AwsError;

/// Deletes everything. Stacks in progress are gone with the rest.
pub async fn reset(account: &Account) -> Result<(), AwsError> {
    let (instances, file_systems, volumes) = account.write(|world| {
        let volumes = [world.volumes.ids(), world.snapshots.ids()].concat();
        let ids = (world.instances.ids(), world.file_systems.ids(), volumes);
        world.clear();
        Ok(ids)
    })?;
    // The world is empty before the hosts go: nothing new comes after them.
    if let Some(hosts) = account.hosts() {
        for instance in instances {
            hosts.terminate(&instance).await;
        }
        for file_system in file_systems {
            hosts
                .forget_files(&file_system)
                .map_err(AwsError::internal)?;
        }
        for volume in volumes {
            hosts.forget_content(&volume).map_err(AwsError::internal)?;
        }
    }
    Ok(())
}
