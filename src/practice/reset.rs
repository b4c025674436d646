//! Deleting everything in the account at once, hosts and files included. Nothing here asks whether anything is in use.

use super::account::Account;
use super::error::AwsError;

/// Deletes everything. Stacks in progress are gone with the rest.
pub async fn reset(account: &Account) -> Result<(), AwsError> {
    let instances = account.write(|world| {
        let instances = world.instances.ids();
        world.clear();
        Ok(instances)
    })?;
    // The world is empty before the hosts go: nothing new comes after them.
    if let Some(hosts) = account.hosts() {
        for instance in instances {
            hosts.terminate(&instance).await;
        }
    }
    Ok(())
}
